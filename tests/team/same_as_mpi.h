/* SPDX-License-Identifier: MIT */
/*
 * same_as_mpi.h - one spelling for MPI's calls (WITH_MPI) and for runrig's.
 */
#ifndef TESTS_SAME_AS_MPI_H
#define TESTS_SAME_AS_MPI_H

#ifdef WITH_MPI
#include <mpi.h>

typedef MPI_Comm team_t;
typedef MPI_Request request_t;
typedef MPI_Status status_t;
typedef MPI_Message message_t;
typedef int count_t;

#define OK         MPI_SUCCESS
#define I32        MPI_INT32_T
#define I64        MPI_INT64_T
#define F64        MPI_DOUBLE
#define F64_AT     MPI_DOUBLE_INT
#define OP(name)   MPI_##name
#define ANY_SOURCE MPI_ANY_SOURCE
#define ANY_TAG    MPI_ANY_TAG
#define NOBODY     MPI_PROC_NULL
#define NO_COLOR   MPI_UNDEFINED
#define NO_REQUEST MPI_REQUEST_NULL
#define NO_TEAM    MPI_COMM_NULL
#define IN_PLACE   MPI_IN_PLACE
#define SOURCE(s)  (s).MPI_SOURCE
#define TAG(s)     (s).MPI_TAG

#define SEND(b, n, to, tag)       MUST(MPI_Send(b, n, I64, to, tag, all))
#define RECV(b, n, from, tag, s)  MUST(MPI_Recv(b, n, I64, from, tag, all, s))
#define ISEND(b, n, to, tag, r)   MUST(MPI_Isend(b, n, I64, to, tag, all, r))
#define IRECV(b, n, from, tag, r) MUST(MPI_Irecv(b, n, I64, from, tag, all, r))
#define SENDRECV(b, n, to, c, m, from, s)                                      \
	MUST(MPI_Sendrecv(b, n, I64, to, 1, c, m, I64, from, 1, all, s))
#define PROBE(from, tag, s)     MUST(MPI_Probe(from, tag, all, s))
#define SSEND(b, n, to, tag)    MUST(MPI_Ssend(b, n, I64, to, tag, all))
#define MPROBE(from, tag, m, s) MUST(MPI_Mprobe(from, tag, all, m, s))
#define MRECV(b, n, m, s)       MUST(MPI_Mrecv(b, n, I64, m, s))
#define CANCEL(r, done)         cancel(r, done)
#define IPROBE(from, tag, f, s) MUST(MPI_Iprobe(from, tag, all, f, s))
#define WAIT(r, s)              MUST(MPI_Wait(r, s))
#define WAITALL(n, r, s)        MUST(MPI_Waitall(n, r, s))
#define WAITANY(n, r, i, s)     MUST(MPI_Waitany(n, r, i, s))
#define WAITSOME(n, r, c, i, s) MUST(MPI_Waitsome(n, r, c, i, s))
#define TEST(r, d, s)           MUST(MPI_Test(r, d, s))
#define TESTALL(n, r, d, s)     MUST(MPI_Testall(n, r, d, s))
#define TESTANY(n, r, i, d, s)  MUST(MPI_Testany(n, r, i, d, s))
#define TESTSOME(n, r, c, i, s) MUST(MPI_Testsome(n, r, c, i, s))
typedef int flag_t;
#else
#include <runrig/runrig.h>

typedef struct rig_team *team_t;
typedef struct rig_request *request_t;
typedef struct rig_status status_t;
typedef struct rig_message *message_t;
typedef size_t count_t;

#define OK         0
#define I32        RIG_INT32
#define I64        RIG_INT64
#define F64        RIG_FLOAT64
#define F64_AT     RIG_FLOAT64_AT32
#define OP(name)   RIG_##name
#define ANY_SOURCE RIG_ANY_SOURCE
#define ANY_TAG    RIG_ANY_TAG
#define NOBODY     RIG_PROC_NULL
#define NO_COLOR   RIG_UNDEFINED
#define NO_REQUEST NULL
#define NO_TEAM    NULL
#define IN_PLACE   RIG_IN_PLACE
#define SOURCE(s)  (s).source
#define TAG(s)     (s).tag

#define SEND(b, n, to, tag) MUST(rig_team_send(all, b, n, I64, to, tag))
#define RECV(b, n, from, tag, s)                                               \
	MUST(rig_team_recv(all, b, n, I64, from, tag, s))
#define ISEND(b, n, to, tag, r) MUST(rig_team_isend(all, b, n, I64, to, tag, r))
#define IRECV(b, n, from, tag, r)                                              \
	MUST(rig_team_irecv(all, b, n, I64, from, tag, r))
#define SENDRECV(b, n, to, c, m, from, s)                                      \
	MUST(rig_team_sendrecv(all, b, n, I64, to, 1, c, m, I64, from, 1, s))
#define PROBE(from, tag, s)     MUST(rig_team_probe(all, from, tag, s))
#define SSEND(b, n, to, tag)    MUST(rig_team_ssend(all, b, n, I64, to, tag))
#define MPROBE(from, tag, m, s) MUST(rig_team_mprobe(all, from, tag, m, s))
#define MRECV(b, n, m, s)       MUST(rig_team_mrecv(all, b, n, I64, m, s))
#define CANCEL(r, done)         MUST(rig_team_cancel(all, r, done))
#define IPROBE(from, tag, f, s) MUST(rig_team_iprobe(all, from, tag, f, s))
#define WAIT(r, s)              MUST(rig_team_wait(all, r, s))
#define WAITALL(n, r, s)        MUST(rig_team_waitall(all, n, r, s))
#define WAITANY(n, r, i, s)     MUST(rig_team_waitany(all, n, r, i, s))
#define WAITSOME(n, r, c, i, s) MUST(rig_team_waitsome(all, n, r, c, i, s))
#define TEST(r, d, s)           MUST(rig_team_test(all, r, d, s))
#define TESTALL(n, r, d, s)     MUST(rig_team_testall(all, n, r, d, s))
#define TESTANY(n, r, i, d, s)  MUST(rig_team_testany(all, n, r, i, d, s))
#define TESTSOME(n, r, c, i, s) MUST(rig_team_testsome(all, n, r, c, i, s))
typedef bool flag_t;
#endif

#include <stdint.h>

#define CELLS 48

/* The team of all, and this rank. */
extern team_t all;
extern int rank, size;

/* The input of a row, and the result. */
extern int64_t in[CELLS], out[CELLS];

/* A call that fails ends the program. */
void must(int code, const char *call);
#define MUST(call) must(call, #call)

/* Before a row, and after: rank 0 prints `out` of every rank. */
void begin(void);
void print(const char *row, const char *form);

/* The rows of teams, grids and one-sided calls. */
void same_teams(void);

#endif
