/* SPDX-License-Identifier: MIT */
/*
 * test_call_kills.c - SIGKILL at each system call of a pool's life: of the caller, of
 * the process between, of the warden, of a worker.  The others do not hang, the next
 * run is right, and nothing is left.
 *
 * The test is built twice: for pools that are forks, and for RIG_EXEC.
 */
#include "lib/harness.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/kill_sweep.h"
#include "lib/puppet.h"

#define WORDS 512

/* The ends of a life. */
enum { WELL, WRONG, LEAKED, NO_REPORT, NO_POOL, ENDS };

static const char *const ends[ENDS] = {
	NULL,
	"a run was wrong, or failed for another reason",
	"a descriptor is left",
	"the report is wrong",
	"no pool can be made anew",
};

/* A life, and the process that watches the life. */
static struct shared {
	char why[512];
} * shared;

static int adds_one(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, WORDS);
	uint64_t one = 1, sum = 0;

	for (size_t i = strip.begin; i < strip.end; i++)
		words[i]++;
	return rig_team_allreduce(team, &one, &sum, 1, RIG_UINT64, RIG_SUM);
}

static int run_once(struct rig_pool *pool, struct rig_segment *segment)
{
	uint64_t *words = rig_segment_data(segment);
	int r;

	memset(words, 0, WORDS * sizeof(*words));
	r = rig_pool_run(pool, &(struct rig_job){
				       .kernel = adds_one,
				       .segments = { { .name = rig_segment_name(
							       segment) } } });
	for (size_t i = 0; i < WORDS && r == 0; i++)
		if (words[i] != 1)
			return WRONG;
	return r;
}

/* Two runs, of which one may fail because of the kill. */
static int run_twice(struct rig_pool *pool, struct rig_segment *segment)
{
	int deaths = 0, r = 0;

	for (int runs = 0; runs < 2 + deaths && r == 0; runs++) {
		r = run_once(pool, segment);
		if (r != -EOWNERDEAD || deaths++)
			continue;
		if (rig_pool_report(pool)->wait_status != SIGKILL)
			return NO_REPORT;
		r = 0;
	}
	return r;
}

static int make(struct rig_pool **pool)
{
	return rig_pool_create(pool,
			       &(struct rig_pool_options){ .workers = 2 });
}

/* The pool first: its warden removes the name of a caller that dies. */
static int use(struct rig_pool *pool)
{
	struct rig_segment *segment = NULL;
	int r = rig_segment_create(&segment, "call-kills",
				   WORDS * sizeof(uint64_t), NULL);

	if (r == 0)
		r = run_twice(pool, segment);
	if (r)
		snprintf(shared->why, sizeof(shared->why), "%s", rig_why());
	rig_segment_destroy(segment);
	return r;
}

static int use_pools(void)
{
	struct rig_pool *pool = NULL;
	int r = make(&pool);

	if (r == 0)
		r = use(pool);
	rig_pool_destroy(pool);
	pool = NULL;
	/* The warden, or the process between: the pool is no more. */
	if (r == -ECANCELED)
		r = make(&pool) < 0 ? NO_POOL : use(pool);
	rig_pool_destroy(pool);
	return r < 0 ? WRONG : r;
}

static int life(void)
{
	const int before = kill_sweep_descriptors();
	const int r = use_pools();

	return r == WELL && kill_sweep_descriptors() != before ? LEAKED : r;
}

static const char *judge(const struct inject *inject, int status)
{
	static char said[640];
	const char *end;

	if (inject->role == INJECT_CALLER && inject->killed)
		return WIFSIGNALED(status) ? NULL : "the caller lives";
	if (!WIFEXITED(status) || WEXITSTATUS(status) >= ENDS)
		return "the caller dies";
	end = ends[WEXITSTATUS(status)];
	if (!end)
		return NULL;
	snprintf(said, sizeof(said), "%s: %s", end, shared->why);
	return said;
}

static int sweep(int rank, void *arg)
{
	static const char *const victims[INJECT_ROLES] = {
		"the caller", "the one between", "the warden", "a worker"
	};
	static const int shares[INJECT_ROLES] = { 31, 2, 13, 11 };
	const enum inject_role victim = *(const enum inject_role *)arg;
	char what[80];

	(void)rank;
	(void)harness_own_shm("size=16m", false);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	/* A file that is read once is not read again in every life. */
	if (shared == MAP_FAILED || use_pools() != WELL)
		return 101;
	snprintf(what, sizeof(what), "a kill at a call of %s%s",
		 victims[victim], harness_execed ? ", RIG_EXEC" : "");
	return kill_sweep(&(struct kill_sweep){ .what = what,
						.victim = victim,
						.life = life,
						.judge = judge,
						.share = shares[victim] });
}

START_TEST(a_kill_at_each_call)
{
	enum inject_role victim = (enum inject_role)_i;

	if (!puppet_possible()) {
		fprintf(stderr, "skipped: no process can be traced here\n");
		return;
	}
	harness_limits.workers_ns = UINT64_C(3600000000000);
	ck_assert_int_eq(run_workers(1, sweep, &victim), 0);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("call_kills");
	TCase *tcase = make_tcase("call_kills", 0);

	tcase_add_loop_test(tcase, a_kill_at_each_call, 0, INJECT_ROLES);
	suite_add_tcase(suite, tcase);
	return suite;
}
