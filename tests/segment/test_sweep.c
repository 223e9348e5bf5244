/* SPDX-License-Identifier: MIT */
/*
 * test_sweep.c - stale names are removed, and nothing else is: no live name, no
 * kept name, no other program's name.
 *
 * In a private mount namespace where there can be one, with an empty /dev/shm;
 * elsewhere among any other names, which must stay.
 */
#include "lib/harness.h"
#include "lib/refuse.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

static bool named(const char *name)
{
	struct stat status;
	char path[256];

	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	return lstat(path, &status) == 0;
}

/* A name whose maker leaves without a word. */
static int maker_dies(int rank, void *arg)
{
	struct rig_segment *segment;

	(void)rank;
	if (rig_segment_create(&segment, arg, 5000, NULL) < 0)
		return 1;
	_exit(0);
}

static int leave_stale(char *name)
{
	return run_workers(1, maker_dies, name);
}

static const struct rig_found *found_as(const struct rig_found *list, int count,
					const char *name)
{
	for (int i = 0; i < count; i++)
		if (strcmp(list[i].name, name) == 0)
			return &list[i];
	return NULL;
}

static bool lives(const struct rig_found *list, int count, const char *name,
		  enum rig_life life)
{
	const struct rig_found *found = found_as(list, count, name);

	return found && found->life == life;
}

/* A name for each kind of life. */
static int make_zoo(struct rig_segment **live, struct rig_segment **kept)
{
	int fd;

	if (rig_segment_create(live, "zoo-live", 100, NULL) < 0 ||
	    rig_segment_create(kept, "zoo-kept", 100,
			       &(struct rig_segment_options){ .keep = true }) <
		    0)
		return 1;
	if (leave_stale("zoo-stale"))
		return 2;
	/* Python's files have no lock and no mark; the first is mapped, the
	 * second is not. */
	fd = shm_open("psm_zoo", O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0 || ftruncate(fd, 100) < 0)
		return 3;
	close(fd);
	if (mkfifo("/dev/shm/zoo-fifo", 01600) < 0 ||
	    symlink("zoo-live", "/dev/shm/zoo-link") < 0 ||
	    mkdir("/dev/shm/zoo-dir", 01700) < 0)
		return 4;
	/* A semaphore's, marked by whoever. */
	fd = open("/dev/shm/sem.zoo", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 01600) < 0)
		return 5;
	close(fd);
	/* Open to others, marked, nobody's. */
	fd = open("/dev/shm/zoo-open", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fchmod(fd, 01666) < 0)
		return 6;
	close(fd);
	return 0;
}

static void raze_zoo(struct rig_segment *live, struct rig_segment *kept)
{
	const char *left[] = { "zoo-fifo", "zoo-link", "sem.zoo",  "zoo-open",
			       "psm_zoo",  "zoo-kept", "zoo-stale" };

	rig_segment_destroy(live);
	rig_segment_destroy(kept);
	for (size_t i = 0; i < sizeof(left) / sizeof(left[0]); i++) {
		char path[256];

		snprintf(path, sizeof(path), "/dev/shm/%s", left[i]);
		(void)unlink(path);
	}
	(void)rmdir("/dev/shm/zoo-dir");
}

static int judge_zoo(void)
{
	const char *stay[] = { "zoo-live", "zoo-kept", "psm_zoo", "zoo-fifo",
			       "zoo-link", "zoo-dir",  "sem.zoo", "zoo-open" };
	struct rig_found *list = NULL;
	int count = rig_sweep_list(&list);

	if (!lives(list, count, "zoo-live", RIG_LIFE_LIVE) ||
	    !lives(list, count, "zoo-kept", RIG_LIFE_LIVE) ||
	    !lives(list, count, "zoo-stale", RIG_LIFE_STALE) ||
	    !lives(list, count, "psm_zoo", RIG_LIFE_KEPT) ||
	    !lives(list, count, "zoo-fifo", RIG_LIFE_ALIEN) ||
	    !lives(list, count, "zoo-dir", RIG_LIFE_ALIEN) ||
	    !lives(list, count, "sem.zoo", RIG_LIFE_ALIEN) ||
	    !lives(list, count, "zoo-open", RIG_LIFE_ALIEN))
		return 10;
	if (found_as(list, count, "zoo-stale")->bytes != 5000)
		return 11;
	free(list);
	/* Only telling. */
	list = NULL;
	count = rig_sweep_clean(true, &list);
	if (!lives(list, count, "zoo-stale", RIG_LIFE_STALE) ||
	    found_as(list, count, "zoo-live") || !named("zoo-stale"))
		return 12;
	free(list);
	if (rig_sweep_clean(false, NULL) < 1 || named("zoo-stale"))
		return 13;
	for (size_t i = 0; i < sizeof(stay) / sizeof(stay[0]); i++)
		if (!named(stay[i]))
			return 14;
	return 0;
}

static int sweep_zoo(int rank, void *arg)
{
	struct rig_segment *live = NULL, *kept = NULL;
	int r;

	(void)rank;
	(void)arg;
	if (unshare(CLONE_NEWNS) == 0 &&
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0)
		(void)mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m");
	r = make_zoo(&live, &kept);
	if (r == 0)
		r = judge_zoo();
	raze_zoo(live, kept);
	return r;
}

START_TEST(only_what_is_stale_goes)
{
	ck_assert_int_eq(run_workers(1, sweep_zoo, NULL), 0);
}
END_TEST

/* The maker is dead, but a process without a lock (Python) maps the file. */
START_TEST(mapped_by_somebody_it_lives)
{
	char name[64], path[96];
	void *map;
	int fd;

	snprintf(name, sizeof(name), "test-sweep-%d", (int)getpid());
	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	ck_assert_int_eq(leave_stale(name), 0);
	fd = open(path, O_RDWR | O_CLOEXEC);
	map = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	ck_assert_ptr_ne(map, MAP_FAILED);
	close(fd);
	ck_assert_int_ge(rig_sweep_clean(false, NULL), 0);
	ck_assert(named(name));
	munmap(map, 1);
	ck_assert_int_ge(rig_sweep_clean(false, NULL), 1);
	ck_assert(!named(name));
}
END_TEST

/* From inside a PID namespace the holders outside show in no /proc: the lock is
 * all there is. */
static int sweep_from_inside(int rank, void *arg)
{
	struct rig_segment *segment;
	int status;
	pid_t child;

	(void)rank;
	if (unshare(CLONE_NEWPID | CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("tmpfs", "/dev/shm", "tmpfs", 0, "size=1m") < 0)
		return 99;
	if (rig_segment_create(&segment, arg, 100, NULL) < 0)
		return 4;
	child = fork();
	if (child == 0) {
		if (mount("proc", "/proc", "proc", 0, NULL) < 0)
			_exit(99);
		/* A copy of the mapping in a fork would show. */
		rig_segment_detach(segment);
		if (rig_sweep_clean(false, NULL) < 0)
			_exit(1);
		_exit(named(arg) ? 0 : 2);
	}
	if (waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return 3;
	return WEXITSTATUS(status);
}

START_TEST(across_pid_namespaces)
{
	static char name[] = "inside";
	int r = run_workers(1, sweep_from_inside, name);

	if (r == 99)
		fprintf(stderr, "skipped: no PID namespace to be had\n");
	else
		ck_assert_int_eq(r, 0);
}
END_TEST

/* Makers and sweepers at once: nobody's live name ever goes. */
static int makes_or_sweeps(int rank, void *arg)
{
	struct rig_segment *segment;

	(void)arg;
	for (int i = 0; i < 150; i++) {
		if (rank % 2) {
			if (rig_sweep_clean(false, NULL) < 0)
				return 1;
			continue;
		}
		if (rig_segment_create(&segment, NULL, 100, NULL) < 0)
			return 2;
		for (int k = 0; k < 5; k++) {
			struct rig_segment *again;

			if (rig_segment_named(segment) != 1)
				return 3;
			if (rig_segment_attach(&again,
					       rig_segment_name(segment),
					       NULL) < 0)
				return 4;
			rig_segment_destroy(again);
		}
		rig_segment_destroy(segment);
	}
	return 0;
}

START_TEST(makers_beside_sweepers)
{
	ck_assert_int_eq(run_workers(4, makes_or_sweeps, NULL), 0);
}
END_TEST

/* Where a pool is alive, the pool's warden removes the names, and only the
 * names that this process made. */
static int dies_with_names(int rank, void *arg)
{
	const char *const *names = arg;
	struct rig_segment *segment;
	struct rig_pool *pool;
	char path[128];
	int fd;

	(void)rank;
	if (rig_pool_create(&pool, &(struct rig_pool_options){ .workers = 1 }) <
	    0)
		return 1;
	for (int i = 0; i < 3; i++)
		if (rig_segment_create(&segment, names[i], 100, NULL) < 0)
			return 2;
	/* The third is another's by now. */
	snprintf(path, sizeof(path), "/dev/shm/%s", names[2]);
	if (unlink(path) < 0)
		return 3;
	fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return 4;
	(void)raise(SIGKILL);
	return 5;
}

START_TEST(the_warden_removes_what_a_killed_maker_left)
{
	char names[3][64];
	const char *list[3];

	for (int i = 0; i < 3; i++) {
		snprintf(names[i], sizeof(names[i]), "test-sweep-%d-%d",
			 (int)getpid(), i);
		list[i] = names[i];
	}
	ck_assert_int_eq(run_workers(1, dies_with_names, list), -SIGKILL);
	/* Ends when the warden has ended: the harness waits for its
	 * processes. */
	for (int i = 0; i < 5000 && (named(names[0]) || named(names[1])); i++)
		(void)usleep(1000);
	ck_assert(!named(names[0]));
	ck_assert(!named(names[1]));
	ck_assert(named(names[2]));
	ck_assert_int_eq(rig_segment_remove(names[2]), 0);
}
END_TEST

/* Write a byte by a call, and change the length there and back. */
static void rewrite(const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), 1);
	ck_assert_int_eq(ftruncate(fd, 5), 0);
	ck_assert_int_eq(ftruncate(fd, 10), 0);
	close(fd);
}

START_TEST(makers_are_known_by_bytes_and_marks)
{
	const struct rig_value values[] = { rig_int(7), rig_str("seven") };
	struct rig_list *list = NULL;
	struct rig_segment *zeros = NULL, *kept = NULL;
	struct rig_found *found = NULL;
	const struct rig_found *one;
	int count;

	ck_assert_int_eq(rig_list_create(&list, NULL, values, 2, NULL), 0);
	ck_assert_int_eq(rig_segment_create(&zeros, NULL, 4096, NULL), 0);
	ck_assert_int_eq(rig_segment_create(
				 &kept, "sweep-kept", 10,
				 &(struct rig_segment_options){ .keep = true }),
			 0);
	/* Writing to the file does not remove the mark. */
	((char *)rig_segment_data(kept))[0] = 1;
	rig_segment_destroy(kept);
	rewrite("/dev/shm/sweep-kept");
	count = rig_sweep_list(&found);
	ck_assert_int_ge(count, 2);
	one = found_as(found, count, rig_list_name(list));
	ck_assert_ptr_nonnull(one);
	ck_assert_int_eq(one->maker, RIG_MAKER_LIST);
	one = found_as(found, count, rig_segment_name(zeros));
	ck_assert_ptr_nonnull(one);
	ck_assert_int_eq(one->maker, RIG_MAKER_PLAIN);
	one = found_as(found, count, "sweep-kept");
	ck_assert_ptr_nonnull(one);
	ck_assert_int_eq(one->maker, RIG_MAKER_PLAIN);
	ck_assert_int_eq(one->life, RIG_LIFE_KEPT);
	ck_assert_int_eq(rig_segment_remove("sweep-kept"), 0);
	free(found);
	rig_segment_destroy(zeros);
	rig_list_destroy(list);
}
END_TEST

/* Worlds in which a mapper's maps cannot be read. */
enum { NO_PROC, NOT_DUMPABLE, ANOTHER_USERS, WORLDS };

struct world {
	int kind;
	bool leases;
};

#define NOBODY 65534

/* A process that maps the file until `go` ends; `ready` ends when the file is
 * mapped. */
static pid_t start_mapper(const char *path, int kind, int ready[2], int go[2])
{
	pid_t pid = fork();
	char byte;
	int fd;

	if (pid != 0)
		return pid;
	close(ready[0]);
	close(go[1]);
	/* The file belongs to nobody, and root may map the file. */
	if (kind != ANOTHER_USERS && setuid(NOBODY) < 0)
		_exit(1);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0 || mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED)
		_exit(2);
	close(fd);
	(void)prctl(PR_SET_DUMPABLE, kind != NOT_DUMPABLE);
	close(ready[1]);
	(void)!read(go[0], &byte, 1);
	_exit(0);
}

/* As user nobody: 0 where the mapped name stays, and, where the kernel can be
 * asked, goes when the mapper has gone. */
static int clean_beside(const char *name, bool leases, int ready[2], int go[2],
			pid_t mapper)
{
	char byte;

	close(ready[1]);
	close(go[0]);
	(void)!read(ready[0], &byte, 1);
	if (rig_sweep_clean(false, NULL) != 0 || !named(name))
		return 10;
	close(go[1]);
	(void)waitpid(mapper, NULL, 0);
	if (rig_sweep_clean(false, NULL) < 0)
		return 11;
	return named(name) && leases ? 12 : 0;
}

static int sweep_blind(int rank, void *arg)
{
	static const struct refusal leases = { "fcntl(F_SETLEASE)", SYS_fcntl,
					       1, UINT32_MAX, F_SETLEASE };
	const struct world *world = arg;
	int ready[2], go[2];
	pid_t mapper;

	(void)rank;
	if (geteuid() != 0 || harness_own_shm("size=1m,mode=1777", true) < 0 ||
	    pipe2(ready, O_CLOEXEC) < 0 || pipe2(go, O_CLOEXEC) < 0 ||
	    (!world->leases && refuse(&leases, EINVAL) < 0))
		return 99;
	/* The maker is nobody, and dies. */
	if (fork() == 0) {
		struct rig_segment *segment;

		if (setuid(NOBODY) < 0 ||
		    rig_segment_create(&segment, "blind", 100, NULL) < 0)
			_exit(1);
		(void)kill(getpid(), SIGKILL);
	}
	(void)wait(NULL);
	if (world->kind == NO_PROC &&
	    mount("none", "/proc", "tmpfs", 0, NULL) < 0)
		return 99;
	mapper = start_mapper("/dev/shm/blind", world->kind, ready, go);
	if (!named("blind") || setuid(NOBODY) < 0)
		return 9;
	return clean_beside("blind", world->leases, ready, go, mapper);
}

/* A file about which the kernel cannot be asked counts as in use. */
START_TEST(mapped_by_who_cannot_be_asked_it_lives)
{
	struct world world = { _i / 2, _i % 2 };
	int r = run_workers(1, sweep_blind, &world);

	if (r == 99)
		fprintf(stderr, "skipped: wants root, and mounts\n");
	else
		ck_assert_int_eq(r, 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("sweep");
	TCase *tcase = make_tcase("sweep", 30);

	tcase_add_test(tcase, only_what_is_stale_goes);
	tcase_add_test(tcase, mapped_by_somebody_it_lives);
	tcase_add_loop_test(tcase, mapped_by_who_cannot_be_asked_it_lives, 0,
			    2 * WORLDS);
	tcase_add_test(tcase, across_pid_namespaces);
	tcase_add_test(tcase, makers_beside_sweepers);
	tcase_add_test(tcase, the_warden_removes_what_a_killed_maker_left);
	tcase_add_test(tcase, makers_are_known_by_bytes_and_marks);
	suite_add_tcase(suite, tcase);
	return suite;
}
