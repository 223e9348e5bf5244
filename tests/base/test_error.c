/* SPDX-License-Identifier: MIT */
/*
 * test_error.c - the words of rig_why(): whole, cut where too long, separate in each
 * thread.
 */
#include "base/error.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "lib/harness.h"

START_TEST(before_the_first_failure_there_are_no_words)
{
	ck_assert_str_eq(rig_why(), "");
}
END_TEST

START_TEST(fail_notes_the_words_and_returns_the_code)
{
	int r = rig_fail(-EINVAL, "segment %s: %d bytes", "x", 8);

	ck_assert_int_eq(r, -EINVAL);
	ck_assert_str_eq(rig_why(), "segment x: 8 bytes");
}
END_TEST

START_TEST(fail_errno_adds_the_system_words)
{
	int r = rig_fail_errno(-ENOSPC, "segment x: reserve");

	ck_assert_int_eq(r, -ENOSPC);
	ck_assert_str_eq(rig_why(),
			 "segment x: reserve: No space left on device");
}
END_TEST

START_TEST(an_unknown_code_has_words_too)
{
	rig_fail_errno(-100000, "x");
	ck_assert_str_eq(rig_why(), "x: error");
}
END_TEST

/* -EINVAL is a mistake of the caller's; a refused system call is no mistake. */
START_TEST(what_the_system_refuses_is_not_the_callers_mistake)
{
	ck_assert_int_eq(rig_fail_errno(-EINVAL, "madvise"), -ENOSYS);
	ck_assert_str_eq(rig_why(), "madvise: Invalid argument");
	ck_assert_int_eq(rig_fail_errno(-EPERM, "madvise"), -EPERM);
	ck_assert_int_eq(rig_fail(-EINVAL, "workers"), -EINVAL);
}
END_TEST

START_TEST(the_last_failure_counts)
{
	rig_fail(-EINVAL, "a long first text");
	rig_fail(-EINVAL, "short");
	ck_assert_str_eq(rig_why(), "short");
}
END_TEST

START_TEST(words_that_are_too_long_are_cut)
{
	char words[2 * WHY_BYTES];

	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';

	rig_fail_errno(-EINVAL, "%s", words);
	ck_assert_uint_eq(strlen(rig_why()), WHY_BYTES - 1);
	ck_assert_int_eq(strncmp(rig_why(), words, WHY_BYTES - 1), 0);
}
END_TEST

START_TEST(the_system_words_are_cut_at_the_end)
{
	char words[WHY_BYTES - 5];

	memset(words, 'w', sizeof(words));
	words[sizeof(words) - 1] = '\0';

	rig_fail_errno(-ENOSPC, "%s", words);
	ck_assert_uint_eq(strlen(rig_why()), WHY_BYTES - 1);
	ck_assert_str_eq(rig_why() + sizeof(words) - 1, ": No ");
}
END_TEST

static void *fail_elsewhere(void *words)
{
	rig_fail(-EINVAL, "%s", (const char *)words);
	return (void *)(uintptr_t)(strcmp(rig_why(), words) == 0);
}

START_TEST(each_thread_has_its_own)
{
	char other[] = "the other thread's";
	pthread_t thread;
	void *own;

	rig_fail(-EINVAL, "mine");
	ck_assert_int_eq(pthread_create(&thread, NULL, fail_elsewhere, other),
			 0);
	ck_assert_int_eq(pthread_join(thread, &own), 0);
	ck_assert_ptr_nonnull(own);
	ck_assert_str_eq(rig_why(), "mine");
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("error");
	TCase *words = make_tcase("words", 10);
	TCase *length = make_tcase("length", 10);

	tcase_add_test(words, before_the_first_failure_there_are_no_words);
	tcase_add_test(words, fail_notes_the_words_and_returns_the_code);
	tcase_add_test(words, fail_errno_adds_the_system_words);
	tcase_add_test(words,
		       what_the_system_refuses_is_not_the_callers_mistake);
	tcase_add_test(words, an_unknown_code_has_words_too);
	tcase_add_test(words, the_last_failure_counts);
	tcase_add_test(words, each_thread_has_its_own);
	suite_add_tcase(suite, words);
	tcase_add_test(length, words_that_are_too_long_are_cut);
	tcase_add_test(length, the_system_words_are_cut_at_the_end);
	suite_add_tcase(suite, length);
	return suite;
}
