/* SPDX-License-Identifier: MIT */
/*
 * same_as_mpi.c - the rows of docs/team.md's table, called twice: in runrig, and,
 * compiled with -DWITH_MPI, in MPI.  Both programs print the same lines;
 * test_same_as_mpi.py compares the lines and knows which rows have none.
 *
 * A line has the name of MPI's call and what the call left in every rank.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "same_as_mpi.h"

#define RANKS 8

team_t all;
int rank, size;

/* The input of a row, and the result. */
int64_t in[CELLS], out[CELLS];

void must(int code, const char *call)
{
	if (code == OK)
		return;
#ifdef WITH_MPI
	fprintf(stderr, "%s: code %d\n", call, code);
	MPI_Abort(MPI_COMM_WORLD, 1);
#else
	fprintf(stderr, "%s: %s\n", call, rig_why());
#endif
	exit(1);
}

void begin(void)
{
	for (int i = 0; i < CELLS; i++) {
		in[i] = 100 * rank + i + 1;
		out[i] = -1 - rank;
	}
}

static void send_cells(const int64_t *cells, int dest)
{
#ifdef WITH_MPI
	MUST(MPI_Send(cells, CELLS, I64, dest, 99, all));
#else
	MUST(rig_team_send(all, cells, CELLS, I64, dest, 99));
#endif
}

static void receive_cells(int64_t *cells, int source)
{
#ifdef WITH_MPI
	MUST(MPI_Recv(cells, CELLS, I64, source, 99, all, MPI_STATUS_IGNORE));
#else
	MUST(rig_team_recv(all, cells, CELLS, I64, source, 99, NULL));
#endif
}

/* Rank 0 prints what every rank has in `out`. */
void print(const char *row, const char *form)
{
	int64_t cells[CELLS];

	if (rank > 0) {
		send_cells(out, 0);
		return;
	}
	printf("%s%s:", row, form);
	for (int from = 0; from < size; from++) {
		int last = CELLS;

		if (from == 0)
			memcpy(cells, out, sizeof(cells));
		else
			receive_cells(cells, from);
		while (last > 0 && cells[last - 1] == -1 - from)
			last--;
		printf(" |");
		for (int i = 0; i < last; i++)
			printf(" %lld", (long long)cells[i]);
	}
	printf("\n");
}

/* --- collectives, each in its three forms --- */

static count_t some[RANKS], same[RANKS], at_some[RANKS], at_same[RANKS];

/* Name in MPI, name in runrig, arguments in either's order, without the team. */
#define COLLECTIVES(X)                                                         \
	X(Bcast, bcast, out, 3, I64, 1)                                        \
	X(Reduce, reduce, in, out, 3, I64, OP(SUM), 1)                         \
	X(Allreduce, allreduce, in, out, 5, I64, OP(MAX))                      \
	X(Reduce_scatter, reduce_scatter, in, out, some, I64, OP(SUM))         \
	X(Reduce_scatter_block, reduce_scatter_block, in, out, 2, I64,         \
	  OP(MIN))                                                             \
	X(Scan, scan, in, out, 3, I64, OP(SUM))                                \
	X(Exscan, exscan, in, out, 3, I64, OP(SUM))                            \
	X(Gather, gather, in, 2, I64, out, 2, I64, 1)                          \
	X(Gatherv, gatherv, in, some[rank], I64, out, some, at_some, I64, 0)   \
	X(Scatter, scatter, in, 2, I64, out, 2, I64, 1)                        \
	X(Scatterv, scatterv, in, some, at_some, I64, out, some[rank], I64, 0) \
	X(Allgather, allgather, in, 2, I64, out, 2, I64)                       \
	X(Allgatherv, allgatherv, in, some[rank], I64, out, some, at_some,     \
	  I64)                                                                 \
	X(Alltoall, alltoall, in, 2, I64, out, 2, I64)                         \
	X(Alltoallv, alltoallv, in, some, at_some, I64, out, same, at_same, I64)

/* The same in place; out[] is a rank's contribution, 7 * rank + i. */
#define IN_PLACES(X)                                                           \
	X(Allreduce, allreduce, IN_PLACE, out, 3, I64, OP(SUM))                \
	X(Scan, scan, IN_PLACE, out, 3, I64, OP(SUM))                          \
	X(Allgather, allgather, IN_PLACE, 0, I64, out, 2, I64)                 \
	X(Alltoall, alltoall, IN_PLACE, 0, I64, out, 2, I64)                   \
	X(Reduce_scatter_block, reduce_scatter_block, IN_PLACE, out, 2, I64,   \
	  OP(SUM))

static void finish(request_t *request)
{
#ifdef WITH_MPI
	MUST(MPI_Wait(request, MPI_STATUS_IGNORE));
#else
	MUST(rig_team_wait(all, request, NULL));
#endif
}

#ifdef WITH_MPI
#define BLOCKING(Name, name, ...)    MPI_##Name(__VA_ARGS__, all)
#define NONBLOCKING(Name, name, ...) MPI_I##name(__VA_ARGS__, all, &request)
#else
#define BLOCKING(Name, name, ...) rig_team_##name(all, __VA_ARGS__)
#define NONBLOCKING(Name, name, ...)                                           \
	rig_team_i##name(all, __VA_ARGS__, &request)
#endif

/* MPI has plans since MPI 4, and the plans of the packaged MPICH fail.  A plan must
 * leave the same as the blocking call. */
#ifdef WITH_MPI
#define PLANS          0
#define PLAN(...)      OK
#define START(request) OK
#define DROP(request)  OK
#else
#define PLANS                 1
#define PLAN(Name, name, ...) rig_team_##name##_init(all, __VA_ARGS__, &request)
#define START(request)        rig_team_start(all, &(request))
#define DROP(request)         rig_team_request_free(all, &(request))
#endif

/* MPI leaves open the result of rank 0 in an exclusive scan. */
static void clean(const char *row)
{
	if (rank == 0 && strcmp(row, "Exscan") == 0)
		memset(out, 0, sizeof(out));
}

static void fill(bool in_place)
{
	begin();
	if (in_place)
		for (int i = 0; i < 2 * RANKS; i++)
			out[i] = 7 * rank + i;
}

#define ROW(Name, name, in_place, form, ...)                                   \
	do {                                                                   \
		request_t request = NO_REQUEST;                                \
		fill(in_place);                                                \
		MUST(BLOCKING(Name, name, __VA_ARGS__));                       \
		clean(#Name);                                                  \
		print(#Name, form);                                            \
		fill(in_place);                                                \
		MUST(NONBLOCKING(Name, name, __VA_ARGS__));                    \
		finish(&request);                                              \
		clean(#Name);                                                  \
		print("I" #name, form);                                        \
		if (!PLANS)                                                    \
			break;                                                 \
		MUST(PLAN(Name, name, __VA_ARGS__));                           \
		for (int turn = 0; turn < 2; turn++) {                         \
			fill(in_place);                                        \
			MUST(START(request));                                  \
			finish(&request);                                      \
		}                                                              \
		MUST(DROP(request));                                           \
		clean(#Name);                                                  \
		print(#Name "_init", form);                                    \
	} while (0);
#define PLAIN_ROW(Name, name, ...) ROW(Name, name, false, "", __VA_ARGS__)
#define IN_PLACE_ROW(Name, name, ...)                                          \
	ROW(Name, name, true, " IN_PLACE", __VA_ARGS__)

static void collectives(void)
{
	for (int i = 0; i < size; i++) {
		some[i] = (count_t)(i + 1);
		same[i] = (count_t)(rank + 1);
		at_some[i] = (count_t)(i * (i + 1) / 2);
		at_same[i] = (count_t)(i * (rank + 1));
	}
	COLLECTIVES(PLAIN_ROW)
	IN_PLACES(IN_PLACE_ROW)
}

/* --- operations and types --- */

#ifdef WITH_MPI
#define ALLREDUCE(send, recv, n, type, op)                                     \
	MUST(MPI_Allreduce(send, recv, n, type, op, all))
#else
#define ALLREDUCE(send, recv, n, type, op)                                     \
	MUST(rig_team_allreduce(all, send, recv, n, type, op))
#endif

/* 2 * a + b: another order of the ranks gives another number. */
#ifdef WITH_MPI
static void user(void *with, void *into, int *count, MPI_Datatype *type)
{
	(void)type;
	for (int i = 0; i < *count; i++)
		((int64_t *)into)[i] += 2 * ((int64_t *)with)[i];
}
#else
static void user(const void *with, void *into, size_t count, int type)
{
	(void)type;
	for (size_t i = 0; i < count; i++)
		((int64_t *)into)[i] += 2 * ((const int64_t *)with)[i];
}
#endif

#define OPERATION(op)                                                          \
	begin();                                                               \
	in[0] = rank > 0;                                                      \
	in[1] = 0;                                                             \
	ALLREDUCE(in, out, 5, I64, OP(op));                                    \
	print(#op, "");

static void operations(void)
{
	struct {
		double value;
		int at;
	} mine[3], found[3];

	OPERATION(SUM)
	OPERATION(PROD)
	OPERATION(MIN)
	OPERATION(MAX)
	OPERATION(LAND)
	OPERATION(LOR)
	OPERATION(LXOR)
	OPERATION(BAND)
	OPERATION(BOR)
	OPERATION(BXOR)

	/* The least, the greatest, and a value that all ranks have. */
	memset(mine, 0, sizeof(mine));
	for (int i = 0; i < 3; i++) {
		mine[i].value = i == 2 ? 4 : (rank * 5 + i) % 3;
		mine[i].at = 10 * rank + i;
	}
	for (int greatest = 0; greatest < 2; greatest++) {
		begin();
		memset(found, 0, sizeof(found));
		ALLREDUCE(mine, found, 3, F64_AT,
			  greatest ? OP(MAXLOC) : OP(MINLOC));
		for (int i = 0; i < 3; i++) {
			out[2 * i] = (int64_t)found[i].value;
			out[2 * i + 1] = found[i].at;
		}
		print("DOUBLE_INT", greatest ? " MAXLOC" : " MINLOC");
	}

	begin();
#ifdef WITH_MPI
	MPI_Op op;
	MUST(MPI_Op_create(user, 0, &op));
#else
	int op = rig_op_create(user);
	MUST(op < 0 ? op : 0);
#endif
	ALLREDUCE(in, out, 4, I64, op);
	print("Op_create", "");
}

/* --- messages --- */

static int count_of(status_t *status)
{
#ifdef WITH_MPI
	int count;

	MUST(MPI_Get_count(status, I64, &count));
	return count;
#else
	return (int)(status->bytes / rig_type_bytes(I64));
#endif
}

#ifdef WITH_MPI
static void cancel(MPI_Request *request, int *cancelled)
{
	MPI_Status status;

	MUST(MPI_Cancel(request));
	MUST(MPI_Wait(request, &status));
	MUST(MPI_Test_cancelled(&status, cancelled));
}
#endif

/* A barrier, so that a row's messages are in no other row. */
static void meet(void)
{
#ifdef WITH_MPI
	MUST(MPI_Barrier(all));
#else
	MUST(rig_team_barrier(all));
#endif
}

static void note(int cell, status_t *status)
{
	out[cell] = SOURCE(*status);
	out[cell + 1] = TAG(*status);
	out[cell + 2] = count_of(status);
}

static void blocking_messages(void)
{
	status_t status;
	message_t message;
	flag_t found = 0;
	int next = (rank + 1) % size, before = (rank + size - 1) % size;

	begin();
	if (rank % 2 == 0 && rank + 1 < size)
		SEND(in, 3, rank + 1, 4);
	if (rank % 2 == 1) {
		RECV(out, 8, ANY_SOURCE, ANY_TAG, &status);
		note(10, &status);
	}
	print("Recv", " ANY_SOURCE ANY_TAG");

	/* Two tags, taken in the other order. */
	begin();
	if (rank == 0) {
		SEND(in, 1, 1, 5);
		SEND(in + 1, 1, 1, 6);
	}
	if (rank == 1) {
		RECV(out, 1, 0, 6, &status);
		RECV(out + 1, 1, 0, 5, &status);
	}
	print("Send", "");

	begin();
	SENDRECV(in, 2, next, out, 2, before, &status);
	note(4, &status);
	print("Sendrecv", "");

	begin();
	SENDRECV(in, 2, rank + 1 < size ? rank + 1 : NOBODY, out, 2,
		 rank > 0 ? rank - 1 : NOBODY, &status);
	out[4] = rank > 0 ? SOURCE(status) : SOURCE(status) == NOBODY;
	out[5] = count_of(&status);
	out[6] = rank > 0 ? TAG(status) : TAG(status) == ANY_TAG;
	print("Sendrecv", " PROC_NULL");

	begin();
	if (rank == 0)
		SEND(in, 5, size - 1, 3);
	if (rank == size - 1) {
		PROBE(ANY_SOURCE, 3, &status);
		note(0, &status);
		while (!found)
			IPROBE(0, ANY_TAG, &found, &status);
		note(3, &status);
		RECV(out + 8, 8, 0, 3, &status);
	}
	print("Probe", "");

	begin();
	if (rank == 0)
		SSEND(in, 2, 1, 8);
	if (rank == 1)
		RECV(out, 2, 0, 8, &status);
	print("Ssend", "");

	begin();
	if (rank == 0)
		SEND(in, 3, 1, 9);
	if (rank == 1) {
		MPROBE(ANY_SOURCE, 9, &message, &status);
		note(4, &status);
		MRECV(out, 3, &message, &status);
		note(8, &status);
	}
	print("Mprobe", "");
}

/* Rank 0 sends three messages; rank 1 has three receives open. */
static void open_three(request_t requests[4])
{
	for (int i = 0; i < 4; i++)
		requests[i] = NO_REQUEST;
	begin();
	for (int i = 0; i < 3; i++) {
		if (rank == 0)
			ISEND(in + 2 * i, 2, 1, i, &requests[i]);
		if (rank == 1)
			IRECV(out + 2 * i, 2, 0, i, &requests[i]);
	}
}

static void requests(void)
{
	request_t r[4];
	status_t statuses[4];
	flag_t done = 0;
	int index, completed, indices[4], seen = 0;

	/* A receive that no message meets. */
	begin();
	IRECV(out, 1, (rank + 1) % size, 77, &r[0]);
	CANCEL(&r[0], &done);
	out[0] = done;
	print("Cancel", "");

	open_three(r);
	for (int i = 2; i >= 0; i--)
		WAIT(&r[i], &statuses[i]);
	if (rank == 1)
		note(10, &statuses[1]);
	out[14] = r[0] == NO_REQUEST;
	print("Wait", "");

	open_three(r);
	WAITALL(4, r, statuses);
	if (rank == 1)
		note(10, &statuses[2]);
	print("Waitall", "");

	open_three(r);
	for (int i = 0; i < 3; i++) {
		WAITANY(4, r, &index, &statuses[0]);
		seen |= 1 << index;
	}
	out[10] = rank < 2 ? seen : 0;
	print("Waitany", "");

	open_three(r);
	for (seen = completed = 0; rank < 2 && completed < 3;) {
		int some_of = 0;

		WAITSOME(4, r, &some_of, indices, statuses);
		completed += some_of;
		for (int i = 0; i < some_of; i++)
			seen |= 1 << indices[i];
	}
	out[10] = seen;
	print("Waitsome", "");

	open_three(r);
	for (seen = completed = 0; rank < 2 && completed < 3;) {
		int some_of = 0;

		TESTSOME(4, r, &some_of, indices, statuses);
		completed += some_of;
		for (int i = 0; i < some_of; i++)
			seen |= 1 << indices[i];
	}
	out[10] = seen;
	print("Testsome", "");

	open_three(r);
	for (done = 0; !done;)
		TESTALL(4, r, &done, statuses);
	print("Testall", "");

	open_three(r);
	for (seen = 0; rank < 2 && seen != 7;) {
		TESTANY(4, r, &index, &done, &statuses[0]);
		if (done)
			seen |= 1 << index;
	}
	print("Testany", "");

	open_three(r);
	for (int i = 0; rank < 2 && i < 3; i++)
		for (done = 0; !done;)
			TEST(&r[i], &done, &statuses[0]);
	TEST(&r[3], &done, &statuses[0]);
	out[10] = done;
	print("Test", " REQUEST_NULL");
	meet();
}

static void all_rows(void)
{
	collectives();
	operations();
	blocking_messages();
	requests();
	same_teams();
}

int main(int argc, char **argv)
{
	(void)argc;
	(void)argv;
#ifdef WITH_MPI
	MUST(MPI_Init(&argc, &argv));
	all = MPI_COMM_WORLD;
	MUST(MPI_Comm_rank(all, &rank));
	MUST(MPI_Comm_size(all, &size));
	all_rows();
	MPI_Finalize();
#else
	MUST(rig_join(&all, NULL));
	rank = rig_team_rank(all);
	size = rig_team_size(all);
	all_rows();
	MUST(rig_leave());
#endif
	return 0;
}
