/* SPDX-License-Identifier: MIT */
/*
 * test_segment.c - handles and names: complete from the start, refused when not
 * ours, removed by the right process, and every call twice.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "objects/layout.h"

#define NOBODY 65534

/* The test's own name, and its path. */
static char name[64];
static char path[96];

static void choose_name(void)
{
	snprintf(name, sizeof(name), "test-segment-%d", (int)getpid());
	snprintf(path, sizeof(path), "/dev/shm/%s", name);
}

static void remove_name(void)
{
	(void)unlink(path);
	(void)rmdir(path);
}

/* A file with the name, not made by runrig. */
static int make_foreign(mode_t mode, off_t bytes)
{
	int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, mode);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fchmod(fd, mode), 0);
	ck_assert_int_eq(ftruncate(fd, bytes), 0);
	return fd;
}

static int attach(void)
{
	struct rig_segment *segment = NULL;
	int r = rig_segment_attach(&segment, name, NULL);

	/* On failure the output is untouched and there are words. */
	ck_assert(r == 0 || (!segment && strstr(rig_why(), name)));
	rig_segment_destroy(segment);
	return r;
}

START_TEST(a_plain_one_is_exactly_its_bytes)
{
	static const size_t sizes[] = { 1, 10, 4095, 4096, 4097, 1000003 };
	struct rig_segment *segment;
	struct stat status;
	const char *bytes;

	ck_assert_int_eq(rig_segment_create(&segment, name, sizes[_i], NULL),
			 0);
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_int_eq(status.st_size, (off_t)sizes[_i]);
	ck_assert_uint_eq(status.st_mode & 0777, 0600);
	ck_assert_uint_eq(rig_segment_bytes(segment), sizes[_i]);
	ck_assert_str_eq(rig_segment_name(segment), name);
	ck_assert_ptr_null(rig_segment_barrier(segment));
	/* Reserved now, not at first touch. */
	ck_assert_int_ge(status.st_blocks * 512, (off_t)sizes[_i]);
	bytes = rig_segment_data(segment);
	for (size_t i = 0; i < sizes[_i]; i++)
		ck_assert_int_eq(bytes[i], 0);
	rig_segment_destroy(segment);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(fresh_names_are_random)
{
	struct rig_segment *one, *two;

	ck_assert_int_eq(rig_segment_create(&one, NULL, 8, NULL), 0);
	ck_assert_int_eq(rig_segment_create(&two, NULL, 8, NULL), 0);
	ck_assert_uint_eq(strlen(rig_segment_name(one)), 4 + 32);
	ck_assert_int_eq(strncmp(rig_segment_name(one), "rig-", 4), 0);
	ck_assert_str_ne(rig_segment_name(one), rig_segment_name(two));
	rig_segment_destroy(one);
	rig_segment_destroy(two);
}
END_TEST

START_TEST(bad_names_are_refused)
{
	static char long_name[RIG_NAME_MAX + 2];
	const char *bad[] = { "",    ".",           "..",      "a/b",
			      "/a",  "sem.a",       long_name, ".hidden",
			      "a b", "caf\xc3\xa9", "a\n" };
	/* The last four names are names that other programs may have made. */
	int found = _i < 7 ? -EINVAL : -ENOENT;
	struct rig_segment *segment = NULL;

	memset(long_name, 'a', RIG_NAME_MAX + 1);
	ck_assert_int_eq(rig_segment_create(&segment, bad[_i], 8, NULL),
			 -EINVAL);
	ck_assert_ptr_nonnull(strstr(rig_why(), "name"));
	ck_assert_int_eq(rig_segment_attach(&segment, bad[_i], NULL), found);
	ck_assert_int_eq(rig_segment_remove(bad[_i]), found);
	ck_assert_ptr_null(segment);
	ck_assert_ptr_nonnull(strstr(rig_why(), "name"));
}
END_TEST

START_TEST(the_longest_name_works)
{
	char longest[RIG_NAME_MAX + 1];
	struct rig_segment *one, *two;

	memset(longest, 'n', RIG_NAME_MAX);
	longest[RIG_NAME_MAX] = 0;
	ck_assert_int_eq(rig_segment_create(&one, longest, 8, NULL), 0);
	ck_assert_int_eq(rig_segment_attach(&two, longest, NULL), 0);
	rig_segment_destroy(two);
	rig_segment_destroy(one);
}
END_TEST

START_TEST(bad_sizes_and_parties_are_refused)
{
	struct rig_segment *segment = NULL;
	const struct rig_segment_options few = { .parties = -1 };
	const struct rig_segment_options many = { .parties =
							  RIG_WORKERS_MAX + 1 };
	const struct rig_segment_options two = { .parties = 2 };

	ck_assert_int_eq(rig_segment_create(&segment, name, 0, NULL), -EINVAL);
	ck_assert_int_eq(rig_segment_create(&segment, name, 8, &few), -EINVAL);
	ck_assert_int_eq(rig_segment_create(&segment, name, 8, &many), -EINVAL);
	ck_assert_int_eq(rig_segment_create(&segment, name, SIZE_MAX, &two),
			 -EINVAL);
	ck_assert_int_lt(rig_segment_create(&segment, name, SIZE_MAX, NULL), 0);
	ck_assert_int_lt(rig_segment_create(&segment, name, SIZE_MAX / 2, NULL),
			 0);
	ck_assert_ptr_null(segment);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(a_taken_name_is_refused_and_left)
{
	struct rig_segment *first, *second = NULL;

	ck_assert_int_eq(rig_segment_create(&first, name, 8, NULL), 0);
	memcpy(rig_segment_data(first), "contents", 8);
	ck_assert_int_eq(rig_segment_create(&second, name, 8, NULL), -EEXIST);
	ck_assert_ptr_null(second);
	ck_assert_ptr_nonnull(strstr(rig_why(), name));
	ck_assert_int_eq(rig_segment_named(first), 1);
	ck_assert_mem_eq(rig_segment_data(first), "contents", 8);
	rig_segment_destroy(first);
}
END_TEST

START_TEST(every_call_twice)
{
	struct rig_segment *maker, *other;

	ck_assert_int_eq(rig_segment_create(&maker, name, 8, NULL), 0);
	ck_assert_int_eq(rig_segment_attach(&other, name, NULL), 0);
	ck_assert_int_eq(rig_segment_unlink(maker), 0);
	ck_assert_int_eq(rig_segment_unlink(maker), 0);
	ck_assert_int_eq(rig_segment_unlink(other), 0);
	ck_assert_int_eq(rig_segment_named(maker), 0);
	/* The bytes stay, for both. */
	memcpy(rig_segment_data(maker), "contents", 8);
	ck_assert_mem_eq(rig_segment_data(other), "contents", 8);
	rig_segment_detach(maker);
	rig_segment_detach(maker);
	ck_assert_ptr_null(rig_segment_data(maker));
	ck_assert_uint_eq(rig_segment_bytes(maker), 8);
	ck_assert_str_eq(rig_segment_name(maker), name);
	ck_assert_mem_eq(rig_segment_data(other), "contents", 8);
	rig_segment_destroy(maker);
	rig_segment_destroy(other);
	rig_segment_destroy(NULL);
	rig_segment_detach(NULL);
}
END_TEST

START_TEST(detached_it_keeps_its_name)
{
	struct rig_segment *maker, *other;

	ck_assert_int_eq(rig_segment_create(&maker, name, 8, NULL), 0);
	rig_segment_detach(maker);
	ck_assert_int_eq(rig_segment_named(maker), 1);
	ck_assert_int_eq(rig_sweep_clean(false, NULL) >= 0, 1);
	ck_assert_int_eq(rig_segment_attach(&other, name, NULL), 0);
	/* An attacher never removes the name by leaving. */
	rig_segment_destroy(other);
	ck_assert_int_eq(rig_segment_named(maker), 1);
	rig_segment_destroy(maker);
	ck_assert_int_eq(attach(), -ENOENT);
}
END_TEST

START_TEST(a_name_made_again_is_not_mistaken)
{
	struct rig_segment *first, *second;

	ck_assert_int_eq(rig_segment_create(&first, name, 8, NULL), 0);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rig_segment_create(&second, name, 8, NULL), 0);
	ck_assert_int_eq(rig_segment_named(first), 0);
	ck_assert_int_eq(rig_segment_named(second), 1);
	/* Neither takes the other's away. */
	ck_assert_int_eq(rig_segment_unlink(first), 0);
	rig_segment_destroy(first);
	ck_assert_int_eq(rig_segment_named(second), 1);
	rig_segment_destroy(second);
	ck_assert_int_eq(access(path, F_OK), -1);
}
END_TEST

START_TEST(the_mark_says_who_dies)
{
	const struct rig_segment_options keep = { .keep = true };
	struct rig_segment *segment;
	struct stat status;

	ck_assert_int_eq(
		rig_segment_create(&segment, name, 8, _i ? &keep : NULL), 0);
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_int_eq(!(status.st_mode & S_ISVTX), _i);
	rig_segment_destroy(segment);
	ck_assert_int_eq(access(path, F_OK) == 0, _i);
	ck_assert_int_eq(rig_segment_remove(name), _i ? 0 : -ENOENT);
	ck_assert_int_eq(rig_segment_remove(name), -ENOENT);
}
END_TEST

START_TEST(read_only_is)
{
	struct rig_segment *maker, *reader;
	pid_t child;
	int status;

	ck_assert_int_eq(rig_segment_create(&maker, name, 8, NULL), 0);
	ck_assert_int_eq(rig_segment_attach(&reader, name,
					    &(struct rig_segment_options){
						    .read_only = true }),
			 0);
	memcpy(rig_segment_data(maker), "contents", 8);
	ck_assert_mem_eq(rig_segment_data(reader), "contents", 8);
	child = fork();
	if (child == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		*(volatile char *)rig_segment_data(reader) = 1;
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
	rig_segment_destroy(reader);
	rig_segment_destroy(maker);
}
END_TEST

/* Squatters, all of this user but the last. */
static void squat(int which)
{
	switch (which) {
	case 0:
		close(make_foreign(0666, 8));
		break;
	case 1:
		close(make_foreign(0640, 8));
		break;
	case 2:
		ck_assert_int_eq(symlink("/etc/passwd", path), 0);
		break;
	case 3:
		ck_assert_int_eq(mkfifo(path, 0600), 0);
		break;
	case 4:
		ck_assert_int_eq(mkdir(path, 0700), 0);
		break;
	case 5:
		/* Root may open another user's file; the library refuses the
		 * file all the same. */
		close(make_foreign(0600, 8));
		if (geteuid() == 0)
			ck_assert_int_eq(chown(path, NOBODY, NOBODY), 0);
		else
			ck_assert_int_eq(chmod(path, 0666), 0);
		break;
	}
}

START_TEST(squatters_are_refused_and_left)
{
	struct rig_segment *segment = NULL;
	struct stat before, after;

	squat(_i);
	ck_assert_int_eq(lstat(path, &before), 0);
	ck_assert_int_eq(attach(), -EACCES);
	/* A file of this user that is open to others may be removed, below. */
	if (_i > 1)
		ck_assert_int_eq(rig_segment_remove(name), -EACCES);
	ck_assert_int_eq(rig_segment_create(&segment, name, 8, NULL), -EEXIST);
	ck_assert_int_eq(lstat(path, &after), 0);
	ck_assert_uint_eq(before.st_ino, after.st_ino);
	if (_i <= 1)
		ck_assert_int_eq(rig_segment_remove(name), 0);
	remove_name();
}
END_TEST

START_TEST(a_second_link_is_refused)
{
	char second[128];

	close(make_foreign(0600, 8));
	snprintf(second, sizeof(second), "%s-link", path);
	ck_assert_int_eq(link(path, second), 0);
	ck_assert_int_eq(attach(), -EACCES);
	ck_assert_int_eq(unlink(second), 0);
	ck_assert_int_eq(attach(), 0);
	remove_name();
}
END_TEST

static int attach_as_nobody(int rank, void *arg)
{
	struct rig_segment *segment = NULL;

	(void)rank;
	(void)arg;
	if (seteuid(NOBODY) < 0)
		return 1;
	if (rig_segment_attach(&segment, name, NULL) != -EACCES)
		return 2;
	if (rig_segment_remove(name) != -EACCES)
		return 3;
	/* The file is not swept away either. */
	return rig_sweep_clean(false, NULL) < 0 ? 4 : 0;
}

START_TEST(another_user_is_refused)
{
	struct rig_segment *segment;

	if (geteuid() != 0) {
		fprintf(stderr, "skipped: another user needs root\n");
		return;
	}
	ck_assert_int_eq(rig_segment_create(&segment, name, 8, NULL), 0);
	ck_assert_int_eq(run_workers(1, attach_as_nobody, NULL), 0);
	ck_assert_int_eq(rig_segment_named(segment), 1);
	rig_segment_destroy(segment);
}
END_TEST

START_TEST(an_empty_one_is_not_ready)
{
	struct rig_segment *segment = NULL;
	uint64_t deadline = clock_after(20000000);

	close(make_foreign(0600, 0));
	ck_assert_int_eq(attach(), -ENODATA);
	ck_assert_int_eq(rig_segment_attach(&segment, name,
					    &(struct rig_segment_options){
						    .deadline_ns = deadline }),
			 -ENODATA);
	ck_assert_uint_ge(clock_ns(), deadline);
	remove_name();
}
END_TEST

static void *size_it_later(void *arg)
{
	(void)poll(NULL, 0, 20);
	(void)!ftruncate(*(const int *)arg, 100);
	return NULL;
}

START_TEST(an_empty_one_is_waited_for)
{
	struct rig_segment *segment;
	pthread_t thread;
	int fd = make_foreign(0600, 0);

	ck_assert_int_eq(pthread_create(&thread, NULL, size_it_later, &fd), 0);
	ck_assert_int_eq(
		rig_segment_attach(&segment, name,
				   &(struct rig_segment_options){
					   .deadline_ns = clock_after(
						   UINT64_C(10000000000)) }),
		0);
	ck_assert_uint_eq(rig_segment_bytes(segment), 100);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	rig_segment_destroy(segment);
	close(fd);
	remove_name();
}
END_TEST

START_TEST(a_trailer_holds_a_barrier)
{
	static const size_t sizes[] = { 1, 4096, 4097 };
	struct rig_segment *maker, *other;
	struct stat status;

	ck_assert_int_eq(rig_segment_create(
				 &maker, name, sizes[_i],
				 &(struct rig_segment_options){ .parties = 1 }),
			 0);
	ck_assert_int_eq(lstat(path, &status), 0);
	ck_assert_int_eq(status.st_size % 4096, 0);
	ck_assert_int_gt(status.st_size, (off_t)sizes[_i]);
	ck_assert_int_eq(rig_segment_attach(&other, name, NULL), 0);
	ck_assert_uint_eq(rig_segment_bytes(other), sizes[_i]);
	ck_assert_ptr_nonnull(rig_segment_barrier(other));
	ck_assert_int_eq(rig_barrier_wait(rig_segment_barrier(other)), 0);
	ck_assert_uint_eq(rig_barrier_epochs(rig_segment_barrier(maker)), 1);
	rig_segment_destroy(other);
	rig_segment_destroy(maker);
}
END_TEST

/* The trailer of the segment with the name. */
static void rewrite(void (*change)(struct trailer_shm *trailer))
{
	struct trailer_shm trailer;
	struct stat status;
	off_t at;
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &status), 0);
	at = status.st_size - (off_t)sizeof(trailer);
	ck_assert_int_eq(pread(fd, &trailer, sizeof(trailer), at),
			 sizeof(trailer));
	change(&trailer);
	ck_assert_int_eq(pwrite(fd, &trailer, sizeof(trailer), at),
			 sizeof(trailer));
	close(fd);
}

static void other_layout(struct trailer_shm *trailer)
{
	trailer->layout ^= UINT64_C(1) << 40;
}

static void more_bytes(struct trailer_shm *trailer)
{
	trailer->bytes += 4096;
}

static void no_bytes(struct trailer_shm *trailer)
{
	trailer->bytes = 0;
}

static void wrapping_bytes(struct trailer_shm *trailer)
{
	trailer->bytes = UINT64_MAX - 4096;
}

static void no_parties(struct trailer_shm *trailer)
{
	trailer->parties = 0;
}

static void many_parties(struct trailer_shm *trailer)
{
	trailer->parties = UINT32_MAX;
}

static void other_kind(struct trailer_shm *trailer)
{
	trailer->kind = 77;
}

static void no_magic(struct trailer_shm *trailer)
{
	trailer->magic = 0;
}

START_TEST(a_damaged_trailer_is_refused)
{
	void (*changes[])(struct trailer_shm *) = {
		other_layout, more_bytes,   no_bytes,   wrapping_bytes,
		no_parties,   many_parties, other_kind,
	};
	struct rig_segment *maker;

	ck_assert_int_eq(rig_segment_create(
				 &maker, name, 5000,
				 &(struct rig_segment_options){ .parties = 2 }),
			 0);
	rewrite(changes[_i]);
	ck_assert_int_eq(attach(), -EPROTO);
	ck_assert_int_eq(rig_segment_named(maker), 1);
	rig_segment_destroy(maker);
}
END_TEST

/* Without the magic the file is a plain file, trailer and all. */
START_TEST(without_magic_it_is_plain)
{
	struct rig_segment *maker, *other;

	ck_assert_int_eq(rig_segment_create(
				 &maker, name, 5000,
				 &(struct rig_segment_options){ .parties = 2 }),
			 0);
	rewrite(no_magic);
	ck_assert_int_eq(rig_segment_attach(&other, name, NULL), 0);
	ck_assert_uint_eq(rig_segment_bytes(other), 3 * 4096);
	ck_assert_ptr_null(rig_segment_barrier(other));
	rig_segment_destroy(other);
	rig_segment_destroy(maker);
}
END_TEST

static void *unlock_later(void *arg)
{
	(void)poll(NULL, 0, 50);
	(void)flock(*(const int *)arg, LOCK_UN);
	return NULL;
}

/* The sweep's probing lock is waited out. */
START_TEST(an_attach_waits_for_a_probing_lock)
{
	pthread_t thread;
	int fd = make_foreign(0600, 8);

	ck_assert_int_eq(flock(fd, LOCK_EX), 0);
	ck_assert_int_eq(pthread_create(&thread, NULL, unlock_later, &fd), 0);
	ck_assert_int_eq(attach(), 0);
	ck_assert_int_eq(pthread_join(thread, NULL), 0);
	close(fd);
	remove_name();
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("segment");
	TCase *life = make_tcase("life", 20);
	TCase *refusals = make_tcase("refusals", 20);
	TCase *trailers = make_tcase("trailers", 20);

	tcase_add_checked_fixture(life, choose_name, NULL);
	tcase_add_loop_test(life, a_plain_one_is_exactly_its_bytes, 0, 6);
	tcase_add_test(life, fresh_names_are_random);
	tcase_add_loop_test(life, bad_names_are_refused, 0, 11);
	tcase_add_test(life, the_longest_name_works);
	tcase_add_test(life, bad_sizes_and_parties_are_refused);
	tcase_add_test(life, a_taken_name_is_refused_and_left);
	tcase_add_test(life, every_call_twice);
	tcase_add_test(life, detached_it_keeps_its_name);
	tcase_add_test(life, a_name_made_again_is_not_mistaken);
	tcase_add_loop_test(life, the_mark_says_who_dies, 0, 2);
	tcase_add_test(life, read_only_is);
	suite_add_tcase(suite, life);
	tcase_add_checked_fixture(refusals, choose_name, NULL);
	tcase_add_loop_test(refusals, squatters_are_refused_and_left, 0, 6);
	tcase_add_test(refusals, a_second_link_is_refused);
	tcase_add_test(refusals, another_user_is_refused);
	tcase_add_test(refusals, an_empty_one_is_not_ready);
	tcase_add_test(refusals, an_empty_one_is_waited_for);
	tcase_add_test(refusals, an_attach_waits_for_a_probing_lock);
	suite_add_tcase(suite, refusals);
	tcase_add_checked_fixture(trailers, choose_name, NULL);
	tcase_add_loop_test(trailers, a_trailer_holds_a_barrier, 0, 3);
	tcase_add_loop_test(trailers, a_damaged_trailer_is_refused, 0, 7);
	tcase_add_test(trailers, without_magic_it_is_plain);
	suite_add_tcase(suite, trailers);
	return suite;
}
