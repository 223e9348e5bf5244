/* SPDX-License-Identifier: MIT */
/*
 * peer_mpi.c - rigbench-openmpi, rigbench-mpich CLOCK [CASE [BYTES]]: the cases
 * with two ranks of an MPI.  Without a case the driver names case after case.
 *
 *	barrier    MPI_Barrier, any number of ranks
 *	pingpong   MPI_Send and MPI_Recv, there and back
 *	stream     one way, the last message acknowledged
 *	window     there and back in an MPI_Win_allocate_shared, produced and
 *	           consumed in place, told by a flag in the window
 *	transpose, stencil, synch-p2p: a run (mpi_kernels.h), NUMBER...
 *
 * The method of the first three cases is the OSU suite's; payloads are produced and
 * consumed as for every other transport.  Rank 0 talks to the driver.
 */
#include <mpi.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "peers/mpi_kernels.h"
#include "ipc/pair.h"
#include "peers/serve.h"
#include "driver/stopwatch.h"

#define TAG 1
/* From the flags to the payload, and between payloads: whole pages. */
#define HEAD 4096

static struct {
	clockid_t clock;
	size_t bytes;
	int rank, size;
	char *out, *in;
	uint64_t seq;
	_Atomic uint64_t *turn[2]; /* in the window: messages each rank sent */
	char *slot[2];
	int wrong;
} job;

static void barrier(void)
{
	MPI_Barrier(MPI_COMM_WORLD);
}

static void send_message(void)
{
	payload_fill(job.out, job.bytes, job.seq);
	MPI_Send(job.out, (int)job.bytes, MPI_BYTE, !job.rank, TAG,
		 MPI_COMM_WORLD);
}

static void receive_message(void)
{
	MPI_Recv(job.in, (int)job.bytes, MPI_BYTE, !job.rank, TAG,
		 MPI_COMM_WORLD, MPI_STATUS_IGNORE);
	job.wrong |= !payload_right(job.in, job.bytes, job.seq);
}

static void pingpong(void)
{
	if (job.rank == 0)
		send_message();
	receive_message();
	if (job.rank != 0)
		send_message();
	job.seq++;
}

static void stream(void)
{
	if (job.rank == 0)
		send_message();
	else
		receive_message();
	job.seq++;
}

static void window_send(void)
{
	payload_fill(job.slot[job.rank], job.bytes, job.seq);
	atomic_store_explicit(job.turn[job.rank], job.seq + 1,
			      memory_order_release);
}

static void window_receive(void)
{
	while (atomic_load_explicit(job.turn[!job.rank],
				    memory_order_acquire) != job.seq + 1)
		;
	job.wrong |= !payload_right(job.slot[!job.rank], job.bytes, job.seq);
}

static void window(void)
{
	if (job.rank == 0)
		window_send();
	window_receive();
	if (job.rank != 0)
		window_send();
	job.seq++;
}

static const struct {
	const char *name;
	void (*operation)(void);
} cases[] = { { "barrier", barrier },
	      { "pingpong", pingpong },
	      { "stream", stream },
	      { "window", window } };

static void (*operation)(void);

/* Where the case is a kernel. */
static const struct mpi_form *form;
static uint64_t params[MPI_PARAMS_MAX];

static void run_form(void)
{
	form->run(params);
}

/* Rank 0's order to the other ranks: the number of operations, and whether the ranks
 * say at the end that all operations were right; 0 operations: a new case, or the end,
 * which has no words. */
struct word {
	uint64_t count;
	uint64_t check;
	char words[SERVE_LINE_BYTES];
};

static void tell_all(struct word *word)
{
	MPI_Bcast(word, sizeof(*word), MPI_BYTE, 0, MPI_COMM_WORLD);
}

/* All ranks: do `count` operations, and send the times of every rank to rank 0. */
static int together(struct word word, struct timing *timing)
{
	uint64_t mine[2];
	uint64_t all[2 * TIMING_RANKS_MAX];
	int wrong = 0;

	MPI_Barrier(MPI_COMM_WORLD);
	mine[0] = stopwatch_ns(job.clock);
	for (uint64_t i = 0; i < word.count; i++)
		operation();
	mine[1] = stopwatch_ns(job.clock);
	MPI_Gather(mine, 2, MPI_UINT64_T, all, 2, MPI_UINT64_T, 0,
		   MPI_COMM_WORLD);
	for (int i = 0; job.rank == 0 && i < job.size; i++) {
		timing->rank[i].begin_ns = all[2 * i];
		timing->rank[i].end_ns = all[2 * i + 1];
		timing->ranks = i + 1;
	}
	if (word.check && form) {
		form->fill(params);
		form->run(params);
		job.wrong = form->wrong(params);
	}
	if (word.check)
		MPI_Reduce(&job.wrong, &wrong, 1, MPI_INT, MPI_MAX, 0,
			   MPI_COMM_WORLD);
	return wrong;
}

static int run(uint64_t count, struct timing *timing)
{
	struct word word = { .count = count };

	tell_all(&word);
	return together(word, timing);
}

/* Some more messages, and were all messages right, from the first on? */
static int verify(char *why)
{
	struct word word = { .count = 16, .check = 1 };
	struct timing timing = { 0 };

	tell_all(&word);
	if (!together(word, &timing))
		return 0;
	snprintf(why, CASE_WHY_BYTES, "%s",
		 form ? "its answer is wrong" : "a message is wrong");
	return 1;
}

static MPI_Win win = MPI_WIN_NULL;

static void make_window(void)
{
	size_t bytes = 2 * HEAD + (job.bytes + HEAD - 1) / HEAD * HEAD;
	char *base;

	MPI_Win_allocate_shared((MPI_Aint)bytes, 1, MPI_INFO_NULL,
				MPI_COMM_WORLD, &base, &win);
	memset(base, 0, bytes);
	MPI_Win_lock_all(MPI_MODE_NOCHECK, win);
	for (int i = 0; i < 2 && job.size == 2; i++) {
		MPI_Aint length;
		int unit;
		char *at;

		MPI_Win_shared_query(win, i, &length, &unit, &at);
		/* Rounds up to a whole line: windows begin where the MPI
		 * likes. */
		at = (char *)(((uintptr_t)at + 127) & ~(uintptr_t)127);
		job.turn[i] = (_Atomic uint64_t *)(void *)at;
		job.slot[i] = at + HEAD;
	}
	MPI_Barrier(MPI_COMM_WORLD);
}

static void close_case(void)
{
	if (win != MPI_WIN_NULL) {
		MPI_Win_unlock_all(win);
		MPI_Win_free(&win);
	}
	free(job.out);
	free(job.in);
	job.out = job.in = NULL;
}

/* All ranks: a case that is no kernel. */
static void open_case(const char *name, size_t bytes)
{
	close_case();
	job.bytes = bytes;
	job.seq = 0;
	job.wrong = 0;
	operation = NULL;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (strcmp(cases[i].name, name) == 0)
			operation = cases[i].operation;
	job.out = calloc(1, bytes + 8);
	job.in = calloc(1, bytes + 8);
	if (!operation || !job.out || !job.in)
		MPI_Abort(MPI_COMM_WORLD, 1);
	make_window();
}

/* "NAME BYTES" */
static void open_words(const char *words)
{
	char name[16] = "";
	size_t bytes = 0;

	(void)sscanf(words, "%15s %zu", name, &bytes);
	open_case(name, bytes);
}

/* Every rank but 0. */
static void follow(void)
{
	for (;;) {
		struct timing timing = { 0 };
		struct word word;

		tell_all(&word);
		if (word.count)
			(void)together(word, &timing);
		else if (*word.words)
			open_words(word.words);
		else
			return;
	}
}

static int pids[TIMING_RANKS_MAX];

static int take(const char *words)
{
	struct word word = { .count = 0 };

	snprintf(word.words, sizeof(word.words), "%s", words);
	tell_all(&word);
	open_words(word.words);
	serve_ready(pids, job.size);
	return 0;
}

static void lead(bool many)
{
	static const struct served served = { run, verify };
	struct word end = { .count = 0 };

	if (many)
		(void)serve_cases(&served, take);
	else
		(void)serve(&served, pids, job.size);
	tell_all(&end);
}

static void open_form(int argc, char **argv)
{
	for (int i = 3; i < argc && i - 3 < MPI_PARAMS_MAX; i++)
		params[i - 3] = strtoull(argv[i], NULL, 10);
	operation = run_form;
	mpi_form_open(form, params, job.rank, job.size);
}

int main(int argc, char **argv)
{
	int pid = (int)getpid();

	MPI_Init(&argc, &argv);
	MPI_Comm_rank(MPI_COMM_WORLD, &job.rank);
	MPI_Comm_size(MPI_COMM_WORLD, &job.size);
	if (argc < 2 || job.size > TIMING_RANKS_MAX)
		MPI_Abort(MPI_COMM_WORLD, 1);
	job.clock = (clockid_t)atoi(argv[1]);
	form = argc > 2 ? mpi_form_find(argv[2]) : NULL;
	if (form)
		open_form(argc, argv);
	else if (argc > 2)
		open_case(argv[2], argc > 3 ? strtoull(argv[3], NULL, 10) : 0);
	MPI_Gather(&pid, 1, MPI_INT, pids, 1, MPI_INT, 0, MPI_COMM_WORLD);
	if (job.rank == 0)
		lead(argc == 2);
	else
		follow();
	close_case();
	MPI_Finalize();
	return 0;
}
