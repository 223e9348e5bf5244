/* SPDX-License-Identifier: MIT */
/*
 * test_verb_deaths.c - a rank is killed at a system call within every verb, in every
 * form: the report is whole, and the next run is well.
 *
 * RUNRIG_VERB_KILLS=10000 is how many kills there are (without: two for each verb).
 */
#include "lib/harness.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"
#include "lib/job_pool.h"
#include "lib/table.h"
#include "lib/tally.h"

/* System calls of the verbs, where ranks wait, copy or make room. */
static const struct deadly {
	int number;
	const char *name;
} deadly[] = {
	{ SYS_futex, "futex" },
	{ SYS_sched_yield, "sched_yield" },
	{ SYS_process_vm_readv, "process_vm_readv" },
	{ SYS_madvise, "madvise" },
	{ SYS_mmap, "mmap" },
	{ SYS_munmap, "munmap" },
};
#define DEADLY ((int)(sizeof(deadly) / sizeof(*deadly)))

/* Arguments of the kernel. */
struct killing {
	int verb; /* index in `table_verbs` */
	enum form form;
	int victim;
	int at; /* index in `deadly` */
	unsigned turn;
};

/* From now on the call ends this process, by SIGSYS. */
static int die_at(int number)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof(filter) / sizeof(filter[0]),
				      filter };
	const struct rlimit no_core = { 0, 0 };

	(void)setrlimit(RLIMIT_CORE, &no_core);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -ENOSYS;
	return 0;
}

static int dies_in_a_verb(struct rig_team *team)
{
	const struct killing *killing = rig_team_args(team);
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	const struct row *row = table_row_of(table_verbs[killing->verb].verb);
	struct trial t = {
		.team = team,
		.row = row,
		.rank = rank,
		.size = size,
		.form = killing->form,
		.type = RIG_FLOAT64,
		.op = row->reduces ? RIG_SUM : -1,
		.item = sizeof(double),
		.count = killing->turn % 2 ? 4099 : 19,
		.turn = killing->turn,
		.root = (int)(killing->turn % (unsigned)size),
	};
	int r = 0;

	if (rank == killing->victim)
		r = die_at(deadly[killing->at].number);
	if (r == 0 && table_buffers(&t))
		r = table_try(&t);
	/* Where the verb has not made the call, the rank ends here, in the same way. */
	if (r == 0 && rank == killing->victim)
		(void)syscall(deadly[killing->at].number, 0, 0, 0, 0, 0, 0);
	return r;
}

/* The report of the victim's death has all that rig_pool_report() promises. */
static void check_report(const struct killing *killing, int size)
{
	const struct rig_report *report = rig_pool_report(pool);
	char line[32];

	ck_assert_int_eq(report->end, RIG_END_DEATH);
	ck_assert_int_eq(report->rank, killing->victim);
	ck_assert(WIFSIGNALED(report->wait_status) &&
		  WTERMSIG(report->wait_status) == SIGSYS);
	ck_assert_ptr_nonnull(strstr(report->kernel, "dies_in_a_verb"));
	ck_assert_ptr_nonnull(strstr(rig_why(), "SIGSYS"));
	for (int rank = 0; rank < size; rank++) {
		snprintf(line, sizeof(line), "\n  rank %d (pid %d", rank,
			 (int)report->ranks[rank].pid);
		ck_assert_int_gt(report->ranks[rank].pid, 0);
		ck_assert_msg(strstr(report->text, line) != NULL, "%s",
			      report->text);
	}
}

static int all_are_well(struct rig_team *team)
{
	const double one = 1;
	double sum = 0;
	int r = rig_team_allreduce(team, &one, &sum, 1, RIG_FLOAT64, RIG_SUM);

	return r < 0 ? r : sum == rig_team_size(team) ? 0 : -EBADMSG;
}

/* False: this system has no filters. */
static bool kill_one(struct rig_segment *segment, const struct killing *killing,
		     int size, struct tally *tally)
{
	const uint64_t begun = clock_ns();
	const struct rig_job job = {
		.kernel = dies_in_a_verb,
		.segments = { { .name = rig_segment_name(segment) } },
		.args = killing,
		.args_bytes = sizeof(*killing)
	};
	int r = rig_pool_run(pool, &job);

	if (r == -ENOSYS)
		return false;
	ck_assert_msg(r == -EOWNERDEAD, "%s%s, rank %d at %s: %d, %s",
		      verb_name(table_verbs[killing->verb].verb),
		      table_forms[killing->form], killing->victim,
		      deadly[killing->at].name, r, rig_why());
	check_report(killing, size);
	tally_add(tally, clock_ns() - begun);
	ck_assert_msg(run(all_are_well) == 0, "%s", rig_why());
	return true;
}

START_TEST(a_rank_dies_at_a_system_call_of_every_verb)
{
	const char *times = getenv("RUNRIG_VERB_KILLS");
	const int size = 3, count = times ? atoi(times) : 2 * table_verb_count;
	struct rig_segment *segment;
	struct tally tally = { 0 };

	make_pool(size);
	ck_assert_int_eq(rig_segment_create(&segment, NULL,
					    (size_t)size * SHARED_BYTES, NULL),
			 0);
	for (int i = 0; i < count; i++) {
		const int round = i / table_verb_count;
		const struct killing killing = {
			.verb = i % table_verb_count,
			.form = table_verbs[i % table_verb_count].forms
					? (enum form)(round % 3)
					: FORM_PLAIN,
			.victim = (i + round) % size,
			.at = round % DEADLY,
			.turn = 1 + (unsigned)round,
		};

		if (!kill_one(segment, &killing, size, &tally))
			break;
	}
	rig_segment_destroy(segment);
	rig_pool_destroy(pool);
	tally_write(&tally, "a rank at a system call of a verb");
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("verb deaths");
	TCase *tcase = make_tcase("deaths", 0);

	tcase_add_test(tcase, a_rank_dies_at_a_system_call_of_every_verb);
	suite_add_tcase(suite, tcase);
	return suite;
}
