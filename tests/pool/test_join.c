/* SPDX-License-Identifier: MIT */
/*
 * test_join.c - processes that nobody launched meet under a name, and are a team
 * until one of them dies.
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "lib/puppet.h"
#include "lib/refuse.h"
#include "pool/rendezvous.h"

#define PATIENCE_NS UINT64_C(20000000000)
#define LONG        ((size_t)1 << 20) /* bytes that do not fit a tray */

/* In shared memory. */
struct arena {
	_Atomic uint32_t go;
	_Atomic uint32_t waiting;
};

static struct arena *arena;
static char name[64];

static void setup(void)
{
	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(arena, MAP_FAILED);
	snprintf(name, sizeof(name), "test-join-%d", (int)getpid());
}

static void teardown(void)
{
	munmap(arena, sizeof(*arena));
}

static int join(struct rig_team **team, int size, int number)
{
	return rig_join(team, &(struct rig_join_options){
				      .deadline_ns = clock_after(PATIENCE_NS),
				      .name = name,
				      .size = size,
				      .number = number });
}

static bool is_there(const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "/dev/shm/%s", file);
	return access(path, F_OK) == 0;
}

/* Wait until somebody waits under the name. */
static void await_name(void)
{
	const uint64_t late = clock_after(PATIENCE_NS);

	while (!is_there(name) && clock_ns() < late)
		usleep(1000);
}

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__,          \
				__LINE__, #condition, rig_why());              \
			return 1;                                              \
		}                                                              \
	} while (0)

/* ---- the verbs ---- */

static int talk(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *request = NULL;
	struct rig_team *half = NULL;
	uint64_t sum = 0, own = (uint64_t)rank + 1;
	int got = -1;
	char *bytes = malloc(LONG);
	void *memory = NULL;

	CHECK(bytes);
	for (int i = 0; i < 10; i++)
		CHECK(rig_team_barrier(team) == 0);
	CHECK(rig_team_allreduce(team, &own, &sum, 1, RIG_UINT64, RIG_SUM) ==
	      0);
	CHECK(sum == (uint64_t)size * (uint64_t)(size + 1) / 2);
	CHECK(rig_team_sendrecv(team, &rank, 1, RIG_INT32, (rank + 1) % size, 7,
				&got, 1, RIG_INT32, (rank + size - 1) % size, 7,
				NULL) == 0);
	CHECK(got == (rank + size - 1) % size);
	memset(bytes, rank, LONG);
	CHECK(rig_team_bcast(team, bytes, LONG, RIG_UINT8, 0) == 0);
	CHECK(bytes[LONG - 1] == 0);
	CHECK(rig_team_ibarrier(team, &request) == 0);
	CHECK(rig_team_wait(team, &request, NULL) == 0);
	CHECK(rig_team_split(team, rank % 2, 0, &half) == 0);
	CHECK(rig_team_barrier(half) == 0);
	CHECK(rig_team_free(half) == 0);
	CHECK(rig_team_alloc(team, 4096, &memory) == 0);
	CHECK(rig_team_fetch_add(team, memory, 1, 0, NULL) == 0);
	CHECK(rig_team_barrier(team) == 0);
	CHECK(rank || *(uint64_t *)memory == (uint64_t)size);
	CHECK(rig_team_dealloc(team, memory) == 0);
	free(bytes);
	return 0;
}

static int talks(int rank, void *arg)
{
	const int size = *(int *)arg;
	struct rig_team *team;

	(void)rank;
	for (int again = 0; again < 2; again++) {
		CHECK(join(&team, size, 0) == 0);
		CHECK(rig_team_size(team) == size);
		CHECK(rig_join(&team, NULL) == -EALREADY);
		if (talk(team))
			return 1;
		CHECK(rig_leave() == 0);
	}
	return 0;
}

START_TEST(all_verbs_and_again)
{
	for (int size = 1; size <= 3; size++)
		ck_assert_int_eq(run_workers(size, talks, &size), 0);
	ck_assert(!is_there(name));
}
END_TEST

/* Where the system refuses poll(), nobody sees a death, and all else is as ever: the
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

/* The first waits; the second asks for what cannot be, and comes then. */
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
	/* Another segment has the name: it stays what it is. */
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

/* ---- death ---- */

enum act {
	ACT_BARRIER,
	ACT_ALLREDUCE,
	ACT_BCAST,
	ACT_BCAST_LONG,
	ACT_GATHER,
	ACT_RECV,
	ACT_RECV_ANY,
	ACT_SEND_LONG,
	ACT_SENDRECV,
	ACT_PROBE,
	ACT_WAIT,
	ACT_WAITANY,
	ACT_IBARRIER,
	ACT_IALLREDUCE,
	ACT_SPLIT,
	ACT_WAIT_UNTIL,
	ACT_LOCK,
	ACT_SHARE,
	ACTS
};

/* In this process. */
struct stand {
	struct rig_team *team;
	uint64_t *memory; /* of the team's heap */
	char *bytes;      /* LONG */
};

static int act_message(const struct stand *stand, enum act act)
{
	struct rig_team *team = stand->team;
	struct rig_request *requests[2] = { NULL, NULL };
	char *bytes = stand->bytes;
	int from = 2, index, r;

	switch (act) {
	case ACT_RECV:
		return rig_team_recv(team, bytes, 1, RIG_UINT8, from, 0, NULL);
	case ACT_RECV_ANY:
		return rig_team_recv(team, bytes, 1, RIG_UINT8, RIG_ANY_SOURCE,
				     RIG_ANY_TAG, NULL);
	case ACT_SEND_LONG:
		return rig_team_send(team, bytes, LONG, RIG_UINT8, from, 0);
	case ACT_SENDRECV:
		return rig_team_sendrecv(team, bytes, LONG / 2, RIG_UINT8, from,
					 0, bytes + LONG / 2, LONG / 2,
					 RIG_UINT8, from, 0, NULL);
	case ACT_PROBE:
		return rig_team_probe(team, from, 0, NULL);
	default:
		break;
	}
	for (int i = 0; i < 2; i++) {
		r = rig_team_irecv(team, bytes + i, 1, RIG_UINT8, from, i,
				   &requests[i]);
		if (r < 0)
			return r;
	}
	r = act == ACT_WAIT ? rig_team_waitall(team, 2, requests, NULL)
			    : rig_team_waitany(team, 2, requests, &index, NULL);
	return requests[0] || requests[1] ? 0 : r;
}

static int act_request(const struct stand *stand, enum act act)
{
	struct rig_request *request = NULL;
	uint64_t one = 1, sum;
	int r = act == ACT_IBARRIER
			? rig_team_ibarrier(stand->team, &request)
			: rig_team_iallreduce(stand->team, &one, &sum, 1,
					      RIG_UINT64, RIG_SUM, &request);

	return r < 0 ? r : rig_team_wait(stand->team, &request, NULL);
}

/* Calls that wait for rank 2, as ranks 0 and 1 make them. */
static int do_act(const struct stand *stand, enum act act)
{
	struct rig_team *team = stand->team, *made;
	char *bytes = stand->bytes;
	struct rig_share share;
	uint64_t one = 1, sum;
	int r = 0;

	switch (act) {
	case ACT_BARRIER:
		return rig_team_barrier(team);
	case ACT_ALLREDUCE:
		return rig_team_allreduce(team, &one, &sum, 1, RIG_UINT64,
					  RIG_SUM);
	case ACT_BCAST:
		return rig_team_bcast(team, bytes, 8, RIG_UINT8, 2);
	case ACT_BCAST_LONG:
		/* One of the two waits for room that rank 2 does not make. */
		for (int i = 0; r == 0 && i < 64; i++)
			r = rig_team_bcast(team, bytes, LONG, RIG_UINT8, 0);
		return r;
	case ACT_GATHER:
		return rig_team_allgather(team, bytes, LONG / 4, RIG_UINT8,
					  bytes, LONG / 4, RIG_UINT8) == -EINVAL
			       ? rig_team_barrier(team)
			       : 0;
	case ACT_IBARRIER:
	case ACT_IALLREDUCE:
		return act_request(stand, act);
	case ACT_SPLIT:
		return rig_team_split(team, 0, 0, &made);
	case ACT_WAIT_UNTIL:
		return rig_team_wait_until(team, stand->memory, 1000);
	case ACT_LOCK:
		/* Rank 2 has it. */
		return rig_team_lock(team, stand->memory + 2, 0);
	case ACT_SHARE:
		for (int i = 0; r == 0 && i < 64; i++)
			r = rig_share_begin(&share, team, 10, RIG_SHARE_DYNAMIC,
					    1);
		return r;
	default:
		return act_message(stand, act);
	}
}

/* Rank 2 dies while the others wait for it. */
static int one_dies(int rank, void *arg)
{
	const enum act act = *(enum act *)arg;
	struct stand stand = { .bytes = calloc(1, LONG) };
	struct rig_team *team;
	void *memory;
	int r;

	CHECK(join(&team, 3, rank + 1) == 0);
	stand.team = team;
	CHECK(rig_team_alloc(team, 4096, &memory) == 0);
	stand.memory = memory;
	if (rank == 2) {
		CHECK(rig_team_lock(team, stand.memory + 2, 0) == 0);
		CHECK(rig_team_barrier(team) == 0);
		/* Some wait by now, and some do not. */
		usleep(act % 3 * 1000);
		(void)raise(act % 2 ? SIGKILL : SIGSEGV);
	}
	/* Rank 2 may be dead before this rank is out of the barrier. */
	r = rig_team_barrier(team);
	CHECK(r == 0 || r == -EOWNERDEAD);
	CHECK(do_act(&stand, act) == -EOWNERDEAD);
	CHECK(strstr(rig_why(), "rank 2 (pid "));
	CHECK(act % 2 || strstr(rig_why(), "SIGSEGV"));
	/* So do all calls from now on, also those that would not wait. */
	CHECK(rig_team_barrier(team) == -EOWNERDEAD);
	CHECK(rig_team_send(team, &act, 1, RIG_INT32, rank, 0) == -EOWNERDEAD);
	CHECK(rig_team_fetch_add(team, memory, 1, 0, NULL) == -EOWNERDEAD);
	CHECK(do_act(&stand, act) == -EOWNERDEAD);
	CHECK(rig_leave() == 0);
	/* Those who are left meet again. */
	CHECK(join(&team, 2, 0) == 0);
	if (talk(team))
		return 1;
	CHECK(rig_leave() == 0);
	free(stand.bytes);
	return 0;
}

START_TEST(a_death_ends_every_call)
{
	enum act act = (enum act)_i;

	(void)run_workers(3, one_dies, &act);
	ck_assert_int_eq(worker_status(0), 0);
	ck_assert_int_eq(worker_status(1), 0);
	ck_assert_int_eq(worker_status(2), act % 2 ? -SIGKILL : -SIGSEGV);
	ck_assert(!is_there(name));
}
END_TEST

/* A rank that exits and has not left has died; one that has left has not. */
static int one_exits(int rank, void *arg)
{
	struct rig_team *team;
	const bool leaves = *(bool *)arg;
	int r;

	CHECK(join(&team, 2, rank + 1) == 0);
	r = rig_team_barrier(team);
	CHECK(r == 0 || (r == -EOWNERDEAD && !leaves));
	if (rank == 1)
		return leaves ? -rig_leave() : 0;
	if (leaves) {
		/* Nobody will come: that is a deadlock, and no death. */
		CHECK(rig_team_barrier(team) == -EDEADLK);
		CHECK(strstr(rig_why(), "rank 1 (pid "));
		CHECK(strstr(rig_why(), "returned"));
	} else {
		CHECK(rig_team_barrier(team) == -EOWNERDEAD);
		CHECK(strstr(rig_why(), "without rig_leave()"));
	}
	CHECK(rig_leave() == 0);
	return 0;
}

static int waits_in_a_ring(int rank, void *arg)
{
	struct rig_team *team;
	int got;

	(void)arg;
	CHECK(join(&team, 3, rank + 1) == 0);
	CHECK(rig_team_recv(team, &got, 1, RIG_INT32, (rank + 1) % 3, 5,
			    NULL) == -EDEADLK);
	CHECK(strstr(rig_why(), "recv from rank"));
	CHECK(rig_team_barrier(team) == -EDEADLK);
	CHECK(rig_leave() == 0);
	return 0;
}

static int calls_another_verb(int rank, void *arg)
{
	struct rig_team *team;
	uint64_t one = 1, sum;

	(void)arg;
	CHECK(join(&team, 3, rank + 1) == 0);
	if (rank == 1)
		CHECK(rig_team_bcast(team, &one, 1, RIG_UINT64, 1) == -EINVAL ||
		      rig_team_barrier(team) == -EINVAL);
	else
		CHECK(rig_team_allreduce(team, &one, &sum, 1, RIG_UINT64,
					 RIG_SUM) == -EINVAL);
	CHECK(strstr(rig_why(), "calls bcast("));
	CHECK(strstr(rig_why(), "calls allreduce("));
	CHECK(rig_leave() == 0);
	return 0;
}

START_TEST(other_ends)
{
	bool leaves = false;

	ck_assert_int_eq(run_workers(2, one_exits, &leaves), 0);
	leaves = true;
	ck_assert_int_eq(run_workers(2, one_exits, &leaves), 0);
	ck_assert_int_eq(run_workers(3, waits_in_a_ring, NULL), 0);
	ck_assert_int_eq(run_workers(3, calls_another_verb, NULL), 0);
}
END_TEST

/* ---- what the dead leave ---- */

static pid_t waits_alone(void)
{
	struct rig_team *team;
	pid_t pid = fork();

	if (pid == 0) {
		while (!load_acquire(&arena->go))
			usleep(100);
		_exit(join(&team, 3, 0) < 0);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

START_TEST(a_dead_meeting)
{
	struct rig_found *found = NULL;
	int size = 2, count, mine = 0;
	pid_t pid;

	for (int clean = 0; clean < 2; clean++) {
		store_release(&arena->go, 1);
		pid = waits_alone();
		await_name();
		/* Until it sits, at least in most of the tries. */
		usleep(20000);
		ck_assert_int_eq(kill(pid, SIGKILL), 0);
		ck_assert_int_eq(waitpid(pid, NULL, 0), pid);
		ck_assert(is_there(name));
		if (!clean) {
			/* A meeting of another size: nobody waits. */
			ck_assert_int_eq(run_workers(size, talks, &size), 0);
			ck_assert(!is_there(name));
			continue;
		}
		count = rig_sweep_clean(false, &found);
		for (int i = 0; i < count; i++)
			mine += strcmp(found[i].name, name) == 0;
		free(found);
		ck_assert_int_eq(mine, 1);
		ck_assert(!is_there(name));
	}
}
END_TEST

/* ---- a kill at every step of the meeting ---- */

/* Leftovers of the kill do not keep two others from meeting. */
static void meet_after(long steps, bool last)
{
	struct puppet puppet;
	pid_t first = 0, pid;
	int size = 2;

	store_release(&arena->go, last);
	if (last) {
		first = waits_alone();
		await_name();
		store_release(&arena->go, 0);
	}
	pid = waits_alone();
	ck_assert_int_eq(puppet_attach(&puppet, pid), 0);
	ck_assert_int_eq(puppet_go(&puppet, (void (*)(void))rendezvous_meet),
			 0);
	store_release(&arena->go, 1);
	ck_assert_int_eq(puppet_arrive(&puppet, clock_after(PATIENCE_NS)), 0);
	if (steps)
		(void)puppet_step(&puppet, steps);
	puppet_kill(&puppet);
	(void)waitpid(pid, NULL, 0);
	if (last) {
		ck_assert_int_eq(kill(first, SIGKILL), 0);
		(void)waitpid(first, NULL, 0);
	}
	ck_assert_int_eq(run_workers(size, talks, &size), 0);
	ck_assert(!is_there(name));
}

START_TEST(a_kill_at_every_step)
{
	/* A meeting has some 10 000 instructions. */
	const long stride = getenv("RUNRIG_STEPS") ? 11 : 3001;

	if (!puppet_possible()) {
		printf("needs ptrace on x86-64\n");
		return;
	}
	for (long steps = 0; steps < 16000; steps += stride)
		meet_after(steps, _i);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("join");
	TCase *meet = make_tcase("meet", 60), *ends = make_tcase("ends", 60);
	TCase *left = make_tcase("left", 60);

	tcase_add_checked_fixture(meet, setup, teardown);
	tcase_add_test(meet, all_verbs_and_again);
	tcase_add_test(meet, poll_is_refused);
	tcase_add_test(meet, bad_input);
	suite_add_tcase(suite, meet);
	tcase_add_checked_fixture(ends, setup, teardown);
	tcase_add_loop_test(ends, a_death_ends_every_call, 0, ACTS);
	tcase_add_test(ends, other_ends);
	suite_add_tcase(suite, ends);
	tcase_add_checked_fixture(left, setup, teardown);
	tcase_add_test(left, a_dead_meeting);
	tcase_add_loop_test(left, a_kill_at_every_step, 0, 2);
	suite_add_tcase(suite, left);
	return suite;
}
