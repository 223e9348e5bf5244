/* SPDX-License-Identifier: MIT */
/*
 * test_join_deaths.c - a rank of a team that met under a name dies: in every call of the
 * others, before all have come, and at every step of the meeting.
 */
#include "lib/harness.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "lib/puppet.h"
#include "pool/rendezvous.h"

#include "join_parts.h"

/* In shared memory. */
struct arena {
	_Atomic uint32_t go;
	_Atomic uint32_t waiting;
};

static struct arena *arena;

static void setup(void)
{
	arena = mmap(NULL, sizeof(*arena), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(arena, MAP_FAILED);
	name_meeting();
}

static void teardown(void)
{
	munmap(arena, sizeof(*arena));
}

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
	uint64_t *memory; /* in the team's heap */
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
		/* Rank 0 or 1 waits for room that rank 2 does not make. */
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
		/* Rank 2 has the lock. */
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

/* Rank 2 dies while the others wait for rank 2. */
static int one_dies(int rank, void *arg)
{
	const enum act act = *(enum act *)arg;
	static char bytes[LONG];
	struct stand stand = { .bytes = bytes };
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
	/* All calls from now on fail too, also calls that would not wait. */
	CHECK(rig_team_barrier(team) == -EOWNERDEAD);
	CHECK(rig_team_send(team, &act, 1, RIG_INT32, rank, 0) == -EOWNERDEAD);
	CHECK(rig_team_fetch_add(team, memory, 1, 0, NULL) == -EOWNERDEAD);
	CHECK(do_act(&stand, act) == -EOWNERDEAD);
	CHECK(rig_leave() == 0);
	/* The ranks that are left meet again. */
	CHECK(join(&team, 2, 0) == 0);
	if (talk(team))
		return 1;
	CHECK(rig_leave() == 0);
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

/* A rank that exits without rig_leave() has died; a rank that has left has not. */
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
		/* Nobody will come: a deadlock, and no death. */
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

/* ---- leftovers of the dead ---- */

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
		/* Until the process has a seat, at least in most of the tries. */
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
	Suite *suite = suite_create("join deaths");
	TCase *ends = make_tcase("ends", 60);
	TCase *left = make_tcase("left", 60);

	tcase_add_checked_fixture(ends, name_meeting, NULL);
	tcase_add_loop_test(ends, a_death_ends_every_call, 0, ACTS);
	tcase_add_test(ends, other_ends);
	suite_add_tcase(suite, ends);
	tcase_add_checked_fixture(left, setup, teardown);
	tcase_add_test(left, a_dead_meeting);
	tcase_add_loop_test(left, a_kill_at_every_step, 0, 2);
	suite_add_tcase(suite, left);
	return suite;
}
