/* SPDX-License-Identifier: MIT */
/*
 * test_join.c - processes that nobody launched meet under a name, and are a team;
 * and wrong input.  test_join_deaths.c has the deaths.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "lib/refuse.h"

#include "join_parts.h"

START_TEST(all_verbs_and_again)
{
	for (int size = 1; size <= 3; size++)
		ck_assert_int_eq(run_workers(size, talks, &size), 0);
	ck_assert(!is_there(name));
}
END_TEST

/* Where the system refuses poll(), nobody sees a death, and nothing else changes: the
 * ranks leave, and the thread that watches ends. */
static int talks_without_poll(int rank, void *arg)
{
	const struct refusal refused[] = {
#ifdef SYS_poll
		{ "poll", SYS_poll, 0, 0, 0 },
#endif
		{ "ppoll", SYS_ppoll, 0, 0, 0 },
	};
	struct rig_team *team;

	(void)rank;
	(void)arg;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		if (refuse(&refused[i], EPERM) < 0)
			return 0;
	CHECK(join(&team, 2, 0) == 0);
	if (talk(team))
		return 1;
	CHECK(rig_leave() == 0);
	return 0;
}

START_TEST(poll_is_refused)
{
	ck_assert_int_eq(run_workers(2, talks_without_poll, NULL), 0);
	ck_assert(!is_there(name));
}
END_TEST

/* ---- bad input ---- */

static int gives_options(int rank, void *arg)
{
	struct rig_team *team;

	(void)rank;
	(void)arg;
	CHECK(rig_join(&team, &(struct rig_join_options){ .size = 2 }) ==
	      -EINVAL);
	CHECK(join(&team, 0, 0) == -EINVAL);
	CHECK(join(&team, RIG_WORKERS_MAX + 1, 0) == -EINVAL);
	CHECK(join(&team, 2, 3) == -EINVAL);
	CHECK(rig_join(&team, &(struct rig_join_options){
				      .name = "a/b", .size = 2 }) == -EINVAL);
	CHECK(rig_join(&team, &(struct rig_join_options){
				      .name = name,
				      .size = 2,
				      .reserved = { 0, 1 } }) == -EINVAL);
	CHECK(rig_leave() == -EINVAL);
	return 0;
}

static int comes_alone(int rank, void *arg)
{
	struct rig_team *team;

	(void)rank;
	(void)arg;
	for (int i = 0; i < 3; i++) {
		CHECK(rig_join(&team,
			       &(struct rig_join_options){
				       .name = name,
				       .size = 2,
				       .deadline_ns = clock_after(
					       10000000) }) == -ETIMEDOUT);
		CHECK(strstr(rig_why(), "not all 2 ranks have come"));
		CHECK(!is_there(name));
	}
	return 0;
}

/* The first waits; the second asks for an impossible meeting, and comes then. */
static int differ(int rank, void *arg)
{
	struct rig_team *team;

	(void)arg;
	if (rank == 0) {
		CHECK(join(&team, 2, 2) == 0);
		CHECK(rig_team_rank(team) == 1);
	} else {
		await_name();
		CHECK(join(&team, 3, 0) == -EEXIST);
		CHECK(strstr(rig_why(), "2 ranks, and not 3"));
		CHECK(join(&team, 2, 2) == -EEXIST);
		CHECK(strstr(rig_why(), "as rank 1 already"));
		CHECK(join(&team, 2, 0) == 0);
		CHECK(rig_team_rank(team) == 0);
	}
	CHECK(rig_team_barrier(team) == 0);
	CHECK(rig_leave() == 0);
	return 0;
}

static int meets_stranger(int rank, void *arg)
{
	const int code = *(int *)arg;
	struct rig_team *team;

	(void)rank;
	CHECK(join(&team, 2, 0) == code);
	return 0;
}

START_TEST(bad_input)
{
	struct rig_segment *segment;
	int code = -EPROTO, fd;
	char path[128];

	ck_assert_int_eq(run_workers(1, gives_options, NULL), 0);
	ck_assert_int_eq(run_workers(1, comes_alone, NULL), 0);
	ck_assert_int_eq(run_workers(2, differ, NULL), 0);
	ck_assert(!is_there(name));
	/* Another segment has the name, and stays unchanged. */
	ck_assert_int_eq(rig_segment_create(&segment, name, 4096, NULL), 0);
	ck_assert_int_eq(run_workers(1, meets_stranger, &code), 0);
	ck_assert(is_there(name));
	ck_assert_int_eq(rig_segment_unlink(segment), 0);
	rig_segment_detach(segment);
	/* A file that others may write to. */
	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	fd = open(path, O_RDWR | O_CREAT | O_EXCL, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, 0666), 0);
	close(fd);
	code = -EACCES;
	ck_assert_int_eq(run_workers(1, meets_stranger, &code), 0);
	ck_assert_int_eq(unlink(path), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("join");
	TCase *meet = make_tcase("meet", 60);

	tcase_add_checked_fixture(meet, name_meeting, NULL);
	tcase_add_test(meet, all_verbs_and_again);
	tcase_add_test(meet, poll_is_refused);
	tcase_add_test(meet, bad_input);
	suite_add_tcase(suite, meet);
	return suite;
}
