/* SPDX-License-Identifier: MIT */
/*
 * test_memory.c - no memory, and little memory: an error that names the limit,
 * nothing left behind, and never a SIGBUS.
 *
 * The small file systems are tmpfs mounted over /dev/shm in a mount namespace
 * that only a child sees.  Little memory is the memory of a control group of
 * the test's own (of version 2, where this user may make a group below the
 * topmost group).  test_limits.c has the limits of a process.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "memory_parts.h"

#define PAGE ((size_t)4096)

/* Mount a /dev/shm of this process, as `options` say. */
static int own_shm(const char *options)
{
	return harness_own_shm(options, false) < 0 ? NO_NAMESPACE : 0;
}

static size_t room(void)
{
	struct statvfs fs;

	return statvfs("/dev/shm", &fs) < 0 ? 0 : fs.f_bavail * fs.f_frsize;
}

static int fill_up(int rank, void *arg)
{
	const size_t sizes[] = { 1,         PAGE,           PAGE + 1,
				 15 * PAGE, 16 * PAGE,      17 * PAGE,
				 64 * PAGE, (size_t)1 << 40 };
	size_t before;
	int r = own_shm(arg);

	(void)rank;
	if (r)
		return r;
	before = room();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		size_t pages = (sizes[i] + PAGE - 1) / PAGE;
		bool fits = pages * PAGE <= before;

		r = create_and_touch(sizes[i], NULL);
		if (r != (fits ? 0 : -ENOSPC)) {
			fprintf(stderr, "%zu of %zu: %d %s\n", sizes[i], before,
				r, rig_why());
			return 1;
		}
		if (!fits && !strstr(rig_why(), "/dev/shm"))
			return 2;
		/* With a trailer the file takes another page. */
		r = create_and_touch(sizes[i], &(struct rig_segment_options){
						       .parties = 2 });
		if (r != ((pages + 1) * PAGE <= before ? 0 : -ENOSPC))
			return 3;
		if (room() != before)
			return 4;
	}
	return 0;
}

START_TEST(a_small_shm_fills_up)
{
	static const char *options[] = { "size=4k", "size=8k", "size=64k" };

	in_small_shm(fill_up, options[_i]);
}
END_TEST

static int no_inodes(int rank, void *arg)
{
	int r = own_shm(arg);

	(void)rank;
	if (r)
		return r;
	return create_and_touch(1, NULL) == -ENOSPC ? 0 : 1;
}

START_TEST(no_inode_is_left)
{
	in_small_shm(no_inodes, "size=1m,nr_inodes=1");
}
END_TEST

/* The pages of a pool itself must not come from /dev/shm, and the pages of a
 * segment are asked for before they are touched. */
static int pool_fills_up(int rank, void *arg)
{
	const struct rlimit none = { 0, 0 };
	struct rig_pool *pool;
	struct rig_segment *segment;
	struct rig_segment_options options = { 0 };
	size_t before;
	int r = own_shm(arg);

	(void)rank;
	(void)setrlimit(RLIMIT_CORE, &none);
	if (r)
		return r;
	before = room();
	if (rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 3 }) <
	    0)
		return 1;
	options.pool = pool;
	for (size_t pages = 1; pages < 40; pages++) {
		r = create_and_touch(pages * PAGE, &options);
		if (r != ((pages + 1) * PAGE <= before ? 0 : -ENOSPC)) {
			fprintf(stderr, "%zu pages: %d %s\n", pages, r,
				rig_why());
			return 2;
		}
		if (room() != before)
			return 3;
	}
	/* A sparse file of another user, larger than the file system. */
	r = open("/dev/shm/sparse", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (r < 0 || ftruncate(r, (off_t)(before * 4)) < 0)
		return 4;
	close(r);
	r = rig_pool_run(pool, &(struct rig_job){
				       .kernel = nothing,
				       .segments = { { .name = "sparse" } } });
	if (r != -ENOSPC || !strstr(rig_why(), "sparse"))
		return 5;
	if (unlink("/dev/shm/sparse") < 0)
		return 6;
	/* The pool goes on, and memory of the failed run is given back. */
	if (rig_segment_create(&segment, "fits", before / 2, &options) < 0)
		return 7;
	r = rig_pool_run(
		pool, &(struct rig_job){ .kernel = nothing,
					 .segments = { { .name = "fits" } } });
	if (r < 0)
		return 8;
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
	return room() == before ? 0 : 9;
}

START_TEST(a_pool_in_a_small_shm)
{
	in_small_shm(pool_fills_up, "size=64k");
}
END_TEST

/* A dead maker's name is in the way: create removes the name, once. */
static int dead_maker(int rank, void *arg)
{
	struct rig_segment *segment;

	(void)rank;
	(void)arg;
	if (rig_segment_create(&segment, "dead", 12 * PAGE, NULL) < 0)
		return 1;
	_exit(0); /* no exit handlers: the name stays */
}

static int sweep_makes_room(int rank, void *arg)
{
	int r = own_shm(arg);

	(void)rank;
	if (r)
		return r;
	if (run_workers(1, dead_maker, NULL) != 0)
		return 1;
	if (room() > 8 * PAGE)
		return 2;
	/* Small enough: the dead are left alone. */
	if (create_and_touch(PAGE, NULL) < 0 ||
	    access("/dev/shm/dead", F_OK) < 0)
		return 3;
	if (create_and_touch(10 * PAGE, NULL) < 0)
		return 4;
	return access("/dev/shm/dead", F_OK) == 0 ? 5 : 0;
}

START_TEST(stale_names_make_room)
{
	in_small_shm(sweep_makes_room, "size=64k");
}
END_TEST

/* ---- a control group with little memory ---- */

#define GROUPS      "/sys/fs/cgroup"
#define GROUP_BYTES "67108864"
#define TOO_MUCH    ((size_t)256 << 20)
#define ROOM_BYTES  "201326592"
#define FILE_BYTES  ((size_t)96 << 20)
#define GROUP_PATH  64

/* Write `word` to file `name` of the group. */
static bool group_say(const char *group, const char *name, const char *word)
{
	char path[GROUP_PATH + 32];
	int fd;
	bool said;

	snprintf(path, sizeof(path), "%s/%s", group, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	said = write(fd, word, strlen(word)) == (ssize_t)strlen(word);
	close(fd);
	return said;
}

/* Remove the group, once the last process, which may be about to end, has
 * left. */
static int group_remove(const char *group)
{
	for (int i = 0; rmdir(group) < 0; i++) {
		if (errno != EBUSY || i == 1000)
			return -errno;
		usleep(10000);
	}
	return 0;
}

/* Rank 1 wants more than there is. */
static int greedy(struct rig_team *team)
{
	volatile char *memory;

	if (rig_team_rank(team) == 1) {
		memory = mmap(NULL, TOO_MUCH, PROT_READ | PROT_WRITE,
			      MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		for (size_t at = 0; at < TOO_MUCH; at += PAGE)
			memory[at] = 1;
	}
	return rig_team_barrier(team);
}

static int killed(struct rig_team *team)
{
	if (rig_team_rank(team) == 1)
		(void)raise(SIGKILL);
	return rig_team_barrier(team);
}

static int in_group(int rank, void *arg)
{
	const struct rig_report *report;
	struct rig_pool *pool = NULL;

	(void)rank;
	if (!group_say(arg, "cgroup.procs", "0"))
		return 1;
	if (rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 2 }) <
	    0)
		return 2;
	report = rig_pool_report(pool);
	for (int i = 0; i < 2; i++) {
		if (rig_pool_run(pool, &(struct rig_job){ .kernel = greedy }) !=
		    -EOWNERDEAD)
			return 3;
		if (report->rank != 1 || report->wait_status != SIGKILL)
			return 4;
		if (!strstr(rig_why(), "out of memory"))
			return 5;
		if (rig_pool_run(pool, &(struct rig_job){ .kernel = nothing }))
			return 6;
	}
	/* The SIGKILL of another sender is not taken for the kernel's. */
	if (rig_pool_run(pool, &(struct rig_job){ .kernel = killed }) !=
		    -EOWNERDEAD ||
	    strstr(rig_why(), "out of memory"))
		return 7;
	rig_pool_destroy(pool);
	return 0;
}

START_TEST(out_of_memory_is_told)
{
	char group[GROUP_PATH];
	int r;

	snprintf(group, sizeof(group), GROUPS "/runrig-room-%d", (int)getpid());
	if (access(GROUPS "/cgroup.subtree_control", F_OK) < 0 ||
	    mkdir(group, 0700) < 0) {
		fprintf(stderr, "skipped: no control group of version 2 to be "
				"made here\n");
		return;
	}
	if (!group_say(group, "memory.max", GROUP_BYTES)) {
		(void)rmdir(group);
		fprintf(stderr, "skipped: the control groups here do not "
				"limit memory\n");
		return;
	}
	(void)group_say(group, "memory.swap.max", "0");
	r = run_workers(1, in_group, group);
	ck_assert_int_eq(group_remove(group), 0);
	ck_assert_int_eq(r, 0);
}
END_TEST

static bool is_on_disk(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC &&
	       fs.f_type != RAMFS_MAGIC;
}

/* The memory that segments may have in the group: less than the machine has,
 * and more than the group uses for files that the kernel can take back. */
static int segments_in_group(int rank, void *arg)
{
	struct rig_segment *segment = NULL;
	char *cache;
	int fd, r;

	(void)rank;
	if (!group_say(arg, "cgroup.procs", "0"))
		return 1;
	/* The limit of /dev/shm is not in the way. */
	r = own_shm("size=1g");
	if (r)
		return r;
	if (rig_segment_create(&segment, NULL, TOO_MUCH, NULL) != -ENOSPC)
		return 2;
	if (!strstr(rig_why(), "control group"))
		return 3;
	/* Most of the group is now a file's, where there is a disk. */
	fd = open("/var/tmp", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0 || !is_on_disk(fd))
		return 0;
	cache = calloc(1, FILE_BYTES);
	if (!cache || write(fd, cache, FILE_BYTES) != (ssize_t)FILE_BYTES ||
	    fsync(fd) < 0)
		return 4;
	free(cache);
	r = rig_segment_create(&segment, NULL, FILE_BYTES, NULL);
	close(fd);
	if (r < 0)
		return 5;
	rig_segment_destroy(segment);
	return 0;
}

START_TEST(segments_keep_to_the_group)
{
	static const char *const versions[][2] = {
		{ GROUPS "/memory", "memory.limit_in_bytes" },
		{ GROUPS, "memory.max" },
	};
	char group[GROUP_PATH];

	for (int i = 0; i < 2; i++) {
		int r;

		snprintf(group, sizeof(group), "%s/runrig-room-%d",
			 versions[i][0], (int)getpid());
		if (mkdir(group, 0700) < 0)
			continue;
		if (!group_say(group, versions[i][1], ROOM_BYTES)) {
			(void)rmdir(group);
			continue;
		}
		r = run_workers(1, segments_in_group, group);
		ck_assert_int_eq(group_remove(group), 0);
		if (r == NO_NAMESPACE)
			break;
		ck_assert_int_eq(r, 0);
		return;
	}
	fprintf(stderr, "skipped: no control group to be made here, or no "
			"mount namespace\n");
}
END_TEST

static int read_score(int *score)
{
	FILE *file = fopen("/proc/self/oom_score_adj", "re");
	int count;

	if (!file)
		return -errno;
	count = fscanf(file, "%d", score);
	fclose(file);
	return count == 1 ? 0 : -EIO;
}

static int tell_score(struct rig_team *team)
{
	return read_score(rig_team_result(team));
}

/* Whom the kernel takes first. */
START_TEST(workers_go_before_the_caller)
{
	struct rig_pool *pool;
	int mine = 0, score = 0;

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(
		rig_pool_run(pool, &(struct rig_job){ .kernel = tell_score,
						      .result = &score,
						      .result_bytes =
							      sizeof(score) }),
		0);
	ck_assert_int_eq(read_score(&mine), 0);
	ck_assert_int_eq(score, mine + 500 < 1000 ? mine + 500 : 1000);
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("room");
	TCase *shm = make_tcase("shm", 30);
	TCase *memory = make_tcase("memory", 60);

	tcase_add_loop_test(shm, a_small_shm_fills_up, 0, 3);
	tcase_add_test(shm, no_inode_is_left);
	tcase_add_test(shm, a_pool_in_a_small_shm);
	tcase_add_test(shm, stale_names_make_room);
	suite_add_tcase(suite, shm);
	tcase_add_test(memory, out_of_memory_is_told);
	tcase_add_test(memory, segments_keep_to_the_group);
	tcase_add_test(memory, workers_go_before_the_caller);
	suite_add_tcase(suite, memory);
	return suite;
}
