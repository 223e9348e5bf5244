/* SPDX-License-Identifier: MIT */
/*
 * test_matrix.c - every fault at every phase to every victim in teams of every size:
 * the report is true, and the next run is as if nothing had happened.
 *
 * A phase is a function of the runtime: the victim is stopped at the first
 * instruction of the function, and has the fault there.  RUNRIG_CELLS=N takes every
 * N-th cell (default 19; 1: all 2520).
 */
#include "lib/harness.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "pool/attach.h"
#include "base/clock.h"
#include "objects/dispatch.h"
#include "lib/process.h"
#include "lib/puppet.h"
#include "lib/tally.h"
#include "team/rank.h"

#define WORDS    1024
#define LIMIT_NS UINT64_C(30000000)
#define LATE_NS  UINT64_C(10000000000) /* against hanging */

enum fault {
	KILL,
	SEGV,
	BUS,
	FPE,
	ABRT,
	EXIT_0,
	EXIT_3,
	EXIT_AT_ONCE,
	THREAD_EXIT,
	OVERFLOW,
	STOP, /* the faults from here on need a limit */
	BUSY,
	FAULTS
};

static const char *const fault_names[FAULTS] = {
	"KILL",    "SEGV",     "BUS",          "FPE",      "ABRT", "exit(0)",
	"exit(3)", "_exit(0)", "pthread_exit", "overflow", "STOP", "busy",
};

/* As waitpid() returns. */
static const int statuses[FAULTS] = {
	[KILL] = SIGKILL,     [SEGV] = SIGSEGV,   [BUS] = SIGBUS,
	[FPE] = SIGFPE,       [ABRT] = SIGABRT,   [EXIT_0] = 0,
	[EXIT_3] = 3 << 8,    [EXIT_AT_ONCE] = 0, [THREAD_EXIT] = 0,
	[OVERFLOW] = SIGSEGV,
};

enum phase {
	FORKED,   /* the victim has done nothing yet */
	BORN,     /* pinned, not ready yet */
	TAKEN,    /* has the job */
	ATTACH,   /* before the victim attaches */
	MEET,     /* has attached, others may not have */
	KERNEL,   /* at the kernel's first instruction */
	ARRIVE,   /* before the barrier */
	BLOCK,    /* the epoch is blocking, the victim does not sleep yet */
	ASLEEP,   /* in the barrier */
	RESULT,   /* behind the barriers */
	FAILING,  /* reporting an error */
	FINISH,   /* the kernel has returned */
	FINISHED, /* before the victim counts itself out */
	IDLE,     /* the run is over */
	PHASES
};

static const char *const phase_names[PHASES] = {
	"forked", "born",   "taken",  "attach",  "meet",   "kernel",   "arrive",
	"block",  "asleep", "result", "failing", "finish", "finished", "idle",
};

enum who { FIRST, MIDDLE, LAST, TWO, ALL, WHOS };

struct cell {
	enum fault fault;
	enum phase phase;
	enum who who;
	int size;
};

static struct rig_pool *pool;
/* Made by the pool, with a barrier that runs use. */
static struct rig_segment *kept;
static struct tally tally;

static volatile int zero;

static void touch(size_t bytes, int prot)
{
	int fd = memfd_create("touch", MFD_CLOEXEC);
	volatile char *page = mmap(NULL, 4096, prot, MAP_SHARED, fd, 0);

	(void)!ftruncate(fd, (off_t)bytes);
	page[0] = 1;
}

__attribute__((noinline)) static int deep(volatile char *above)
{
	volatile char here[4096];

	here[0] = above[0];
	if (here[0])
		return 0;
	here[4095] = (char)deep(here);
	return here[0] + here[4095];
}

/* The act of a victim instead of the next instruction. */
static void suffer(long fault)
{
	volatile char start = 0;

	switch ((enum fault)fault) {
	case KILL:
		(void)raise(SIGKILL);
		break;
	case SEGV:
		touch(4096, PROT_NONE);
		break;
	case BUS:
		touch(0, PROT_READ | PROT_WRITE);
		break;
	case FPE:
		zero = 1 / zero;
		(void)raise(SIGFPE);
		break;
	case ABRT:
		abort();
	case EXIT_0:
		exit(0);
	case EXIT_3:
		exit(3);
	case EXIT_AT_ONCE:
		_exit(0);
	case THREAD_EXIT:
		pthread_exit(NULL);
	case OVERFLOW:
		(void)deep(&start);
		break;
	case STOP:
		(void)raise(SIGSTOP);
		break;
	case BUSY:
	case FAULTS:
		break;
	}
	for (;;)
		(void)getppid();
}

/* The puppet has the fault instead of going on. */
static void strike(struct puppet *puppet, enum fault fault)
{
	static const int signals[FAULTS] = { [KILL] = SIGKILL,
					     [SEGV] = SIGSEGV,
					     [BUS] = SIGBUS,
					     [FPE] = SIGFPE,
					     [ABRT] = SIGABRT };
	static const int codes[FAULTS] = { [EXIT_3] = 3 };
	void (*leave)(long) = fault == EXIT_AT_ONCE
				      ? (void (*)(long))(void (*)(void))_exit
				      : (void (*)(long))(void (*)(void))exit;

	if (puppet_place(puppet->pid, (void (*)(void))suffer)) {
		puppet_call(puppet, suffer, fault);
		puppet_release(puppet, 0);
		return;
	}
	/* The worker is no fork of the test, and has not loaded the test. */
	if (!signals[fault])
		puppet_call(puppet, leave, codes[fault]);
	puppet_release(puppet, signals[fault]);
}

/* Strips written, then read by others: the sum is the same for any number of ranks. 
 * The argument says whether the kernel fails. */
static int work(struct rig_team *team)
{
	uint64_t *words = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, WORDS);
	uint64_t sum = 0;

	for (size_t i = strip.begin; i < strip.end; i++)
		words[i] = i * UINT64_C(6364136223846793005) + 1;
	(void)rig_team_barrier(team);
	for (size_t i = 0; i < WORDS; i++)
		sum ^= words[i] * (i + 1);
	(void)rig_team_barrier(team);
	*(uint64_t *)rig_team_result(team) = sum;
	return *(const int *)rig_team_args(team);
}

static uint64_t right_sum(void)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < WORDS; i++)
		sum ^= (i * UINT64_C(6364136223846793005) + 1) * (i + 1);
	return sum;
}

static void (*const places[PHASES])(void) = {
	[BORN] = (void (*)(void))attach_begin,
	[TAKEN] = (void (*)(void))rank_begin,
	[ATTACH] = (void (*)(void))attach_segments,
	[MEET] = (void (*)(void))rank_meet,
	[KERNEL] = (void (*)(void))work,
	[ARRIVE] = (void (*)(void))rig_team_barrier,
	[BLOCK] = (void (*)(void))pthread_barrier_wait,
	[ASLEEP] = (void (*)(void))rig_team_barrier,
	[RESULT] = (void (*)(void))rig_team_result,
	[FAILING] = (void (*)(void))rank_failed,
	[FINISH] = (void (*)(void))rank_finish,
	[FINISHED] = (void (*)(void))dispatch_finish,
	[IDLE] = (void (*)(void))dispatch_take,
};

/* Fill in the ranks that are hit; returns how many. */
static int victims(const struct cell *cell, int *ranks)
{
	switch (cell->who) {
	case FIRST:
		ranks[0] = 0;
		return 1;
	case MIDDLE:
		ranks[0] = cell->size / 2;
		return 1;
	case LAST:
		ranks[0] = cell->size - 1;
		return 1;
	case TWO:
		ranks[0] = 0;
		ranks[1] = cell->size - 1;
		return 2;
	default:
		for (int i = 0; i < cell->size; i++)
			ranks[i] = i;
		return cell->size;
	}
}

static pid_t pid_of(int rank)
{
	struct rig_worker worker;

	ck_assert_int_eq(rig_pool_worker(pool, rank, &worker), 0);
	return worker.pid;
}

static struct rig_job job_over(const char *plain, const int *code,
			       uint64_t *sum)
{
	return (struct rig_job){
		.kernel = work,
		.segments = { { .name = rig_segment_name(kept) },
			      { .name = plain } },
		.args = code,
		.args_bytes = sizeof(*code),
		.result = sum,
		.result_bytes = sizeof(*sum),
	};
}

/* Two good runs: the data and the sum are right. */
static void check_next_run(const char *plain)
{
	const int code = 0;
	uint64_t sum = 0;
	struct rig_job job = job_over(plain, &code, &sum);
	int r;

	memset(rig_segment_data(kept), 0, WORDS * sizeof(uint64_t));
	r = rig_pool_run(pool, &job);
	ck_assert_msg(r == 0, "%s", rig_why());
	ck_assert_uint_eq(sum, right_sum());
}

static void check_death(const struct cell *cell, const int *ranks, int count)
{
	const struct rig_report *report = rig_pool_report(pool);
	bool known = false;

	ck_assert_int_eq(report->end, RIG_END_DEATH);
	for (int i = 0; i < count; i++)
		known |= report->rank == ranks[i];
	ck_assert_msg(known, "rank %d", report->rank);
	ck_assert_msg((report->wait_status & ~0x80) == statuses[cell->fault],
		      "%s", rig_why());
	ck_assert_str_eq(report->kernel, "work");
}

static void check_end(const struct cell *cell, int r, const int *ranks,
		      int count)
{
	switch (cell->phase) {
	case IDLE:
		/* The report has no trace of a fault. */
		ck_assert_msg(r == 0, "%s", rig_why());
		return;
	case FAILING:
		/* Whichever was first. */
		ck_assert_msg(r == -EBADMSG || r == -EOWNERDEAD ||
				      r == -ETIMEDOUT,
			      "%d %s", r, rig_why());
		return;
	default:
		break;
	}
	if (cell->fault >= STOP) {
		ck_assert_msg(r == -ETIMEDOUT, "%d %s", r, rig_why());
		return;
	}
	ck_assert_msg(r == -EOWNERDEAD, "%d %s", r, rig_why());
	check_death(cell, ranks, count);
}

/* Let the ranks go on into the barrier, where one rank is missing. */
static void wait_until_asleep(struct puppet *puppets, int count)
{
	uint64_t until = clock_after(LATE_NS);

	for (int i = 0; i < count; i++) {
		pid_t pid = puppets[i].pid;

		puppet_release(&puppets[i], 0);
		while (process_state(pid) != 'S' && clock_ns() < until)
			(void)poll(NULL, 0, 1);
		(void)puppet_attach(&puppets[i], pid);
	}
}

/* A fault in a run, or right behind it. */
static void hit_run(const struct cell *cell, const char *plain)
{
	const int code = cell->phase == FAILING ? -EBADMSG : 0;
	uint64_t sum = 0, begin, until = clock_after(LATE_NS);
	struct rig_job job = job_over(plain, &code, &sum);
	struct puppet puppets[16], holder;
	int ranks[16], count = victims(cell, ranks), r = 0;
	bool hold = cell->phase == ASLEEP && count < cell->size;

	for (int i = 0; i < count; i++) {
		/* Not still on the way there from the run before. */
		while (process_state(pid_of(ranks[i])) != 'S' &&
		       clock_ns() < until)
			(void)poll(NULL, 0, 1);
		ck_assert_int_eq(puppet_attach(&puppets[i], pid_of(ranks[i])),
				 0);
		ck_assert_int_eq(puppet_go(&puppets[i], places[cell->phase]),
				 0);
	}
	if (hold) {
		/* A rank that never comes, so that the others sleep. */
		int rank = (ranks[count - 1] + 1) % cell->size;

		if (cell->who == TWO)
			rank = 1;
		ck_assert_int_eq(puppet_attach(&holder, pid_of(rank)), 0);
		ck_assert_int_eq(puppet_go(&holder, (void (*)(void))work), 0);
	}
	if (cell->fault >= STOP && cell->phase != IDLE)
		job.limit_ns = LIMIT_NS;
	ck_assert_int_eq(rig_pool_submit(pool, &job), 0);
	for (int i = 0; i < count; i++)
		ck_assert_msg(puppet_arrive(&puppets[i], until) == 0,
			      "rank %d does not come", ranks[i]);
	if (hold) {
		ck_assert_int_eq(puppet_arrive(&holder, until), 0);
		wait_until_asleep(puppets, count);
	}
	/* Other ranks may still be in the run. */
	if (cell->phase == IDLE)
		r = rig_pool_wait(pool, RIG_FOREVER);
	begin = clock_ns();
	for (int i = 0; i < count; i++)
		strike(&puppets[i], cell->fault);
	if (hold)
		puppet_release(&holder, 0);
	if (cell->phase != IDLE)
		r = rig_pool_wait(pool, RIG_FOREVER);
	tally_add(&tally, clock_ns() - begin);
	check_end(cell, r, ranks, count);
	if (cell->phase != IDLE || cell->fault < STOP)
		return;
	/* Idle for ever: the limit of the next run ends the worker. */
	job.limit_ns = LIMIT_NS;
	ck_assert_int_eq(rig_pool_run(pool, &job), -ETIMEDOUT);
}

/* A fault in a worker of a new team. */
static void hit_start(const struct cell *cell)
{
	struct puppet warden, child;
	int ranks[16], count = victims(cell, ranks), hit = 0, r;
	uint64_t until = clock_after(LATE_NS);
	pid_t old = pid_of(0);

	ck_assert_int_eq(puppet_watch_forks(&warden, process_parent(old)), 0);
	ck_assert_int_eq(kill(old, SIGKILL), 0);
	for (int rank = 0; rank < cell->size; rank++) {
		ck_assert_int_eq(puppet_next_child(&warden, &child, until), 0);
		if (hit == count || ranks[hit] != rank) {
			puppet_release(&child, 0);
			continue;
		}
		hit++;
		if (cell->phase == BORN) {
			ck_assert_int_eq(puppet_go(&child, places[BORN]), 0);
			r = puppet_arrive(&child, until);
			/* The death of the first victim is the team's. */
			if (r == -ESRCH && hit > 1)
				break;
			ck_assert_int_eq(r, 0);
		}
		strike(&child, cell->fault);
		if (hit == count)
			break;
	}
	puppet_release(&warden, 0);
	tally_add(&tally, 0);
}

static void settle_idle_death(const char *plain)
{
	const int code = 0;
	uint64_t sum = 0;
	struct rig_job job = job_over(plain, &code, &sum);
	int r = rig_pool_run(pool, &job);

	/* A run that was posted before the warden saw the death. */
	ck_assert_msg(r == 0 || r == -EOWNERDEAD, "%s", rig_why());
}

static bool possible(const struct cell *cell)
{
	/* A worker that never becomes ready takes the warden's 10 s. */
	if (cell->phase <= BORN && cell->fault >= STOP)
		return false;
	/* Not in the test's library, which is not loaded there. */
	if (harness_execed && cell->phase <= BORN && cell->fault >= THREAD_EXIT)
		return false;
	/* No thread's stack to unwind there. */
	if ((cell->phase == FORKED || cell->phase == ASLEEP) &&
	    cell->fault == THREAD_EXIT)
		return false;
	/* Somebody must be missing for others to sleep. */
	return !(cell->phase == ASLEEP &&
		 (cell->who == ALL || (cell->who == TWO && cell->size == 2)));
}

static void try_cell(const struct cell *cell)
{
	struct rig_segment *plain;

	if (!possible(cell))
		return;
	if (getenv("RUNRIG_SAY"))
		fprintf(stderr, "%s %s to %d of %d\n", fault_names[cell->fault],
			phase_names[cell->phase], cell->who, cell->size);
	ck_assert_int_eq(rig_segment_create(&plain, NULL, 64, NULL), 0);
	if (cell->phase <= BORN) {
		hit_start(cell);
		settle_idle_death(rig_segment_name(plain));
	} else {
		hit_run(cell, rig_segment_name(plain));
		if (cell->phase == IDLE && cell->fault < STOP)
			settle_idle_death(rig_segment_name(plain));
	}
	check_next_run(rig_segment_name(plain));
	rig_segment_destroy(plain);
}

/* Workers that are no forks of the test load it with their first run. */
static void run_first(void)
{
	struct rig_segment *plain;

	ck_assert_int_eq(rig_segment_create(&plain, NULL, 64, NULL), 0);
	check_next_run(rig_segment_name(plain));
	rig_segment_destroy(plain);
}

/* One size and one fault; cells by number. */
START_TEST(cells)
{
	static const int sizes[] = { 2, 4, 8 };
	const char *value = getenv("RUNRIG_CELLS");
	const struct rlimit none = { 0, 0 };
	int every = value ? atoi(value) : harness_long() ? 19 : 57;
	int size = sizes[_i / FAULTS], number = _i;
	struct cell cell = { .size = size, .fault = (enum fault)(_i % FAULTS) };
	char what[64];

	if (!puppet_possible()) {
		fprintf(stderr, "skipped: no process can be traced here\n");
		return;
	}
	(void)setrlimit(RLIMIT_CORE, &none);
	memset(&tally, 0, sizeof(tally));
	/* Every epoch through the pthread barrier, so that BLOCK is reached. */
	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){
					.workers = size,
					.barrier = RIG_BARRIER_PTHREAD }),
		0);
	ck_assert_int_eq(rig_segment_create(
				 &kept, NULL, WORDS * sizeof(uint64_t),
				 &(struct rig_segment_options){ .pool = pool }),
			 0);
	run_first();
	for (int phase = 0; phase < PHASES; phase++)
		for (int who = 0; who < WHOS; who++) {
			cell.phase = (enum phase)phase;
			cell.who = (enum who)who;
			if (number++ % every == 0)
				try_cell(&cell);
		}
	rig_segment_destroy(kept);
	rig_pool_destroy(pool);
	snprintf(what, sizeof(what), "%s, at each phase, of %d",
		 fault_names[cell.fault], size);
	tally_write(&tally, what);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("matrix");
	TCase *tcase = make_tcase("matrix", 300);

	tcase_add_loop_test(tcase, cells, 0, 3 * FAULTS);
	suite_add_tcase(suite, tcase);
	return suite;
}
