/* SPDX-License-Identifier: MIT */
/*
 * test_manager.c - a manager's segments and lists are gone afterwards,
 * whichever process died.
 */
#include <runrig/manager.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/pool.h>
#include <runrig/sweep.h>

#include "lib/harness.h"

#define MEMBERS 3

/* The messages of a process that uses a manager to the test, in shared
 * memory. */
struct told {
	char names[MEMBERS][RIG_NAME_MAX + 1];
	pid_t manager;
	pid_t child;
	_Atomic int ready;
};

static struct told *told;

static bool exists(const char *name)
{
	char path[RIG_NAME_MAX + 16];

	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	return access(path, F_OK) == 0;
}

static int members_left(void)
{
	int left = 0;

	for (int i = 0; i < MEMBERS; i++)
		left += exists(told->names[i]);
	return left;
}

static void share(void)
{
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(told, MAP_FAILED);
}

static void forget(void)
{
	munmap(told, sizeof(*told));
}

/* Two segments and a list; the names go to `told`. 0 or a negative errno. */
static int make_members(struct rig_manager *manager)
{
	struct rig_value values[] = { rig_int(1), rig_str("two") };
	struct rig_segment *segment = NULL;
	struct rig_list *list = NULL;
	int r = 0;

	for (int i = 0; i < MEMBERS - 1 && r == 0; i++) {
		r = rig_manager_segment(manager, &segment, 100);
		if (r == 0)
			strcpy(told->names[i], rig_segment_name(segment));
		rig_segment_destroy(segment);
		segment = NULL;
	}
	if (r == 0)
		r = rig_manager_list(manager, &list, values, 2);
	if (r == 0)
		strcpy(told->names[MEMBERS - 1], rig_list_name(list));
	rig_list_destroy(list);
	return r;
}

/* Wait until the process behind a pidfd is gone. */
static void await_end(int pidfd)
{
	struct pollfd polled = { .fd = pidfd, .events = POLLIN };

	ck_assert_int_eq(poll(&polled, 1, 10000), 1);
	close(pidfd);
}

static int pidfd_of(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	ck_assert_int_ge(fd, 0);
	return fd;
}

/* Fork a process that starts a manager, makes members, tells the test, and then
 * does `then`. */
static pid_t fork_user(void (*then)(struct rig_manager *manager))
{
	struct rig_manager *manager = NULL;
	pid_t pid = fork();

	ck_assert_int_ge(pid, 0);
	if (pid > 0)
		return pid;
	if (rig_manager_start(&manager) < 0 || make_members(manager) < 0)
		_exit(1);
	told->manager = rig_manager_pid(manager);
	told->ready = 1;
	then(manager);
	_exit(0);
}

/* Start a user of a manager, and wait until the user has made all members; the
 * manager's pidfd goes to *manager. */
static pid_t start_user(void (*then)(struct rig_manager *manager), int *manager)
{
	pid_t pid = fork_user(then);

	for (int i = 0; !told->ready && i < 10000; i++)
		usleep(1000);
	ck_assert(told->ready);
	*manager = pidfd_of(told->manager);
	return pid;
}

static void wait_for_ever(struct rig_manager *manager)
{
	for (;;)
		pause();
}

static void leave_without_a_word(struct rig_manager *manager)
{
	usleep(20000);
}

static void leave_by_exit(struct rig_manager *manager)
{
	usleep(20000);
	exit(0);
}

START_TEST(handles_come_and_go_and_names_stay_until_shutdown)
{
	struct rig_manager *manager = NULL;
	struct rig_segment *segment = NULL;
	char *data;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(make_members(manager), 0);
	ck_assert_int_eq(members_left(), MEMBERS);
	ck_assert_int_eq(rig_segment_attach(&segment, told->names[0], NULL), 0);
	ck_assert_uint_eq(rig_segment_bytes(segment), 100);
	rig_manager_shutdown(manager);
	ck_assert_int_eq(members_left(), 0);
	/* Attached members stay usable. */
	data = rig_segment_data(segment);
	data[99] = 1;
	ck_assert_int_eq(data[99], 1);
	rig_segment_destroy(segment);
	rig_manager_shutdown(NULL);
}
END_TEST

START_TEST(unlinking_one_member_first_harms_nothing)
{
	struct rig_manager *manager = NULL;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(make_members(manager), 0);
	ck_assert_int_eq(rig_segment_remove(told->names[0]), 0);
	ck_assert_int_eq(members_left(), MEMBERS - 1);
	rig_manager_shutdown(manager);
	ck_assert_int_eq(members_left(), 0);
}
END_TEST

START_TEST(a_name_that_is_anothers_now_is_left_alone)
{
	struct rig_manager *manager = NULL;
	struct rig_segment *other = NULL;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(make_members(manager), 0);
	ck_assert_int_eq(rig_segment_remove(told->names[1]), 0);
	ck_assert_int_eq(rig_segment_create(&other, told->names[1], 1, NULL),
			 0);
	rig_manager_shutdown(manager);
	ck_assert_int_eq(members_left(), 1);
	rig_segment_destroy(other);
}
END_TEST

START_TEST(the_caller_may_be_killed)
{
	int manager, status;
	pid_t user = start_user(wait_for_ever, &manager);

	ck_assert_int_eq(members_left(), MEMBERS);
	kill(user, SIGKILL);
	ck_assert_int_eq(waitpid(user, &status, 0), user);
	await_end(manager);
	ck_assert_int_eq(members_left(), 0);
}
END_TEST

START_TEST(the_caller_may_leave_without_a_word)
{
	int manager, status;
	pid_t user =
		start_user(_i ? leave_by_exit : leave_without_a_word, &manager);

	ck_assert_int_eq(waitpid(user, &status, 0), user);
	ck_assert_int_eq(status, 0);
	await_end(manager);
	ck_assert_int_eq(members_left(), 0);
}
END_TEST

/* A child that holds the caller's end of the socket, until the test kills the
 * child. */
static void leave_a_child(struct rig_manager *manager)
{
	pid_t pid = fork();

	if (pid == 0)
		wait_for_ever(manager);
	told->child = pid;
}

START_TEST(the_caller_may_leave_a_child)
{
	int manager, child, status;
	pid_t user = start_user(leave_a_child, &manager);

	ck_assert_int_eq(waitpid(user, &status, 0), user);
	child = pidfd_of(told->child);
	await_end(manager);
	ck_assert_int_eq(members_left(), 0);
	kill(told->child, SIGKILL);
	await_end(child);
}
END_TEST

START_TEST(its_process_may_be_killed)
{
	struct rig_manager *manager = NULL;
	struct rig_segment *segment = NULL;
	int pidfd;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(make_members(manager), 0);
	pidfd = pidfd_of(rig_manager_pid(manager));
	kill(rig_manager_pid(manager), SIGKILL);
	await_end(pidfd);
	ck_assert_int_eq(rig_manager_segment(manager, &segment, 8), -ECANCELED);
	ck_assert_int_eq(members_left(), MEMBERS);
	rig_manager_shutdown(manager);
	ck_assert_int_eq(members_left(), 0);
}
END_TEST

START_TEST(both_may_be_killed_and_clean_sees_to_it)
{
	struct rig_found *found = NULL;
	int manager, status, count, ours = 0;
	pid_t user = start_user(wait_for_ever, &manager);

	kill(told->manager, SIGKILL);
	await_end(manager);
	kill(user, SIGKILL);
	ck_assert_int_eq(waitpid(user, &status, 0), user);
	ck_assert_int_eq(members_left(), MEMBERS);
	count = rig_sweep_clean(false, &found);
	for (int i = 0; i < count; i++)
		for (int m = 0; m < MEMBERS; m++)
			ours += strcmp(found[i].name, told->names[m]) == 0;
	free(found);
	ck_assert_int_eq(ours, MEMBERS);
	ck_assert_int_eq(members_left(), 0);
}
END_TEST

START_TEST(clean_leaves_a_live_managers_members_alone)
{
	struct rig_manager *manager = NULL;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(make_members(manager), 0);
	ck_assert_int_ge(rig_sweep_clean(false, NULL), 0);
	ck_assert_int_eq(members_left(), MEMBERS);
	rig_manager_shutdown(manager);
}
END_TEST

START_TEST(signals_of_a_terminal_do_not_end_it)
{
	static const int signals[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT };
	struct rig_manager *manager = NULL;
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	for (int i = 0; i < 4; i++)
		kill(rig_manager_pid(manager), signals[i]);
	usleep(10000);
	ck_assert_int_eq(rig_manager_segment(manager, &segment, 8), 0);
	rig_segment_destroy(segment);
	rig_manager_shutdown(manager);
}
END_TEST

START_TEST(it_is_no_child_that_wait_would_meet)
{
	struct rig_manager *manager = NULL;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
	rig_manager_shutdown(manager);
}
END_TEST

/* In a fork of the manager's starter. */
static int use_and_shut_down(int rank, void *arg)
{
	struct rig_segment *segment = NULL;

	if (rig_manager_segment(arg, &segment, 8) != -EINVAL)
		return 1;
	rig_manager_shutdown(arg);
	return members_left() == MEMBERS ? 0 : 2;
}

START_TEST(a_fork_neither_uses_nor_ends_it)
{
	struct rig_manager *manager = NULL;
	struct rig_segment *segment = NULL;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(make_members(manager), 0);
	ck_assert_int_eq(run_workers(1, use_and_shut_down, manager), 0);
	ck_assert_int_eq(members_left(), MEMBERS);
	ck_assert_int_eq(rig_manager_segment(manager, &segment, 8), 0);
	rig_segment_destroy(segment);
	rig_manager_shutdown(manager);
	ck_assert_int_eq(members_left(), 0);
}
END_TEST

static int make_and_fail(struct rig_manager *manager, void *arg)
{
	*(int *)arg = make_members(manager);
	return -ENOTTY;
}

START_TEST(with_shuts_down_whatever_body_returns)
{
	int made = 1;

	ck_assert_int_eq(rig_manager_with(make_and_fail, &made), -ENOTTY);
	ck_assert_int_eq(made, 0);
	ck_assert_int_eq(members_left(), 0);
}
END_TEST

START_TEST(errors_leave_nothing_behind)
{
	struct rig_value bad[] = { rig_str("\377") };
	struct rig_manager *manager = NULL;
	struct rig_segment *segment = NULL;
	struct rig_list *list = NULL;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(rig_manager_segment(manager, &segment, 0), -EINVAL);
	ck_assert_int_eq(rig_manager_list(manager, &list, bad, 1), -EILSEQ);
	ck_assert_ptr_null(segment);
	ck_assert_ptr_null(list);
	rig_manager_shutdown(manager);
}
END_TEST

static int double_bytes(struct rig_team *team)
{
	unsigned char *x = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, rig_team_bytes(team, 0));

	for (size_t i = strip.begin; i < strip.end; i++)
		x[i] = (unsigned char)(2 * x[i]);
	return rig_team_barrier(team);
}

START_TEST(a_member_may_be_handed_to_a_pool)
{
	struct rig_manager *manager = NULL;
	struct rig_segment *segment = NULL;
	struct rig_pool *pool = NULL;
	unsigned char *data;

	ck_assert_int_eq(rig_manager_start(&manager), 0);
	ck_assert_int_eq(rig_manager_segment(manager, &segment, 100), 0);
	data = rig_segment_data(segment);
	for (int i = 0; i < 100; i++)
		data[i] = (unsigned char)i;
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 }),
		0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = double_bytes,
				     .segments = { { .name = rig_segment_name(
							     segment) } } }),
		0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(data[i], 2 * i);
	/* And again when someone has removed the name, as a Python would. */
	ck_assert_int_eq(rig_segment_remove(rig_segment_name(segment)), 0);
	ck_assert_int_eq(
		rig_pool_run(pool,
			     &(struct rig_job){
				     .kernel = double_bytes,
				     .segments = { { .name = rig_segment_name(
							     segment) } } }),
		0);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(data[i], (unsigned char)(4 * i));
	rig_pool_destroy(pool);
	rig_segment_destroy(segment);
	rig_manager_shutdown(manager);
}
END_TEST

/* Killed anywhere between starting a manager and shutting the manager down. */
static void live_a_life(void)
{
	struct rig_manager *manager = NULL;

	for (;;) {
		if (rig_manager_start(&manager) < 0 ||
		    make_members(manager) < 0)
			_exit(1);
		rig_manager_shutdown(manager);
	}
}

START_TEST(killed_at_random_it_leaves_nothing)
{
	struct rig_found *found = NULL;
	unsigned seed = (unsigned)_i * 7919 + 1;
	int status, count, before;

	before = rig_sweep_list(&found);
	free(found);
	for (int i = 0; i < 20; i++) {
		pid_t pid = fork();

		ck_assert_int_ge(pid, 0);
		if (pid == 0)
			live_a_life();
		usleep((useconds_t)(rand_r(&seed) % 8000));
		kill(pid, SIGKILL);
		ck_assert_int_eq(waitpid(pid, &status, 0), pid);
		ck_assert(WIFSIGNALED(status));
	}
	/* Managers' processes that are about to end take a moment.  The names
	 * of a process that was killed before it had a manager are left to
	 * clean. */
	for (int i = 0; i < 500; i++) {
		ck_assert_int_ge(rig_sweep_clean(false, NULL), 0);
		count = rig_sweep_list(&found);
		free(found);
		if (count <= before)
			break;
		usleep(10000);
	}
	ck_assert_int_le(count, before);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("manager");
	TCase *life = make_tcase("life", 20), *death = make_tcase("death", 30);

	tcase_add_checked_fixture(life, share, forget);
	tcase_add_test(life, handles_come_and_go_and_names_stay_until_shutdown);
	tcase_add_test(life, unlinking_one_member_first_harms_nothing);
	tcase_add_test(life, a_name_that_is_anothers_now_is_left_alone);
	tcase_add_test(life, clean_leaves_a_live_managers_members_alone);
	tcase_add_test(life, signals_of_a_terminal_do_not_end_it);
	tcase_add_test(life, it_is_no_child_that_wait_would_meet);
	tcase_add_test(life, a_fork_neither_uses_nor_ends_it);
	tcase_add_test(life, with_shuts_down_whatever_body_returns);
	tcase_add_test(life, errors_leave_nothing_behind);
	tcase_add_test(life, a_member_may_be_handed_to_a_pool);
	tcase_add_checked_fixture(death, share, forget);
	tcase_add_test(death, the_caller_may_be_killed);
	tcase_add_loop_test(death, the_caller_may_leave_without_a_word, 0, 2);
	tcase_add_test(death, the_caller_may_leave_a_child);
	tcase_add_test(death, its_process_may_be_killed);
	tcase_add_test(death, both_may_be_killed_and_clean_sees_to_it);
	tcase_add_test(death, killed_at_random_it_leaves_nothing);
	suite_add_tcase(suite, life);
	suite_add_tcase(suite, death);
	return suite;
}
