/* SPDX-License-Identifier: MIT */
/*
 * hosts.h - one run on the pools of several hosts, over an MPI library.
 *
 *	rig_pool_create(&pool, NULL);        each process has a pool
 *	rig_hosts_join(&hosts, pool, NULL);  and joins the other processes
 *	rig_hosts_run(hosts, &job);          all pools run the same kernel
 *	rig_hosts_leave(hosts);
 *
 * A host is an MPI process with a pool, whether or not other hosts are on the same
 * machine.  In the kernel rig_team_world() (gateway.h) is the team of all hosts.
 * Only the process that joins calls MPI, and only within the functions of
 * hosts.h; workers and wardens never call MPI, so a worker that dies is replaced as in
 * any pool.
 *
 * Make the pool first: MPI_Init() may start threads.  The functions belong to a
 * single thread: the thread that has called MPI_Init_thread(), if the program has
 * called MPI_Init_thread() (MPI_THREAD_FUNNELED is enough).
 */
#ifndef RUNRIG_HOSTS_H
#define RUNRIG_HOSTS_H

#include <stdbool.h>

#include <runrig/pool.h>

#ifdef __cplusplus
extern "C" {
#endif

struct rig_hosts; /* in this process */

struct rig_hosts_options {
	/* "openmpi" or "mpich"; NULL: the MPI that the process has loaded, else
	 * the MPI of the launcher, else the MPI that RUNRIG_MPI names. */
	const char *mpi;
	int fcomm;       /* MPI_Comm_c2f() of the hosts' communicator, */
	bool have_fcomm; /* false: MPI_COMM_WORLD is the communicator */
	uint64_t reserved[RIG_RESERVED_WORDS]; /* 0 */
};

/*
 * Collective over the processes of the communicator: join.  Each process must get
 * here: a process whose pool could not be made joins with NULL, and all processes
 * learn so.  Calls MPI_Init_thread() if the program has not.  `options` may be NULL.
 * Returns 0 and sets *hosts, or the same on every host:
 *
 *	-EINVAL  options out of range, or no MPI can be chosen
 *	-ENOENT  the MPI has no engine, or the engine cannot be loaded
 *	-ECHILD  a host has no pool
 *	-EPROTO  the hosts have different versions of the library
 *	-E2BIG   more than RIG_HOSTS_MAX hosts, or RIG_WORLD_MAX ranks
 *	-ENOMEM
 *
 * The other processes do not learn of the first two errors, which come before
 * MPI_Init_thread(), and wait.
 */
RIG_API int rig_hosts_join(struct rig_hosts **hosts, struct rig_pool *pool,
			   const struct rig_hosts_options *options);

/*
 * Collective: run a job on all ranks of all hosts.  Each host gives the same kernel
 * and arguments, and its own segments, result and limit.  Returns the same code
 * everywhere, with the same words in rig_why(), when no worker of any host is in
 * the kernel any more: 0, or what rig_pool_run() returned on the host that failed
 * first, or
 *
 *	-EINVAL   the hosts do not run the same job
 *	-ECANCELED  another host has left
 *	-EDEADLK  every rank of every host waited for another
 *
 * The next run works as ever.  If a host does not answer (the process is stopped, or
 * the machine is gone, and the launcher has not ended the job), then MPI_Abort() ends
 * all processes ten seconds after the job's limit; without a limit the call waits.
 */
RIG_API int rig_hosts_run(struct rig_hosts *hosts, const struct rig_job *job);

/* How the last run ended, in words, lines ended by \n: the report of the host that
 * failed first, or all reports after a deadlock.  "" after a run that ended well.
 * The same on every host.  Valid until the next run; never waits. */
RIG_API const char *rig_hosts_report(const struct rig_hosts *hosts);

/* This host's number, and how many there are.  Never wait. */
RIG_API int rig_hosts_rank(const struct rig_hosts *hosts);
RIG_API int rig_hosts_size(const struct rig_hosts *hosts);

/* The number in the world of the first rank of `host`, 0 to rig_hosts_size(): for
 * rig_hosts_size(), the size of the world.  Never waits. */
RIG_API int rig_hosts_first(const struct rig_hosts *hosts, int host);

/* Leave: a host that runs a job instead gets -ECANCELED.  The pool stays.  Calls MPI_Finalize() if the join has called
 * MPI_Init_thread().  NULL is allowed. */
RIG_API void rig_hosts_leave(struct rig_hosts *hosts);

/* Has a launcher of several processes (mpirun, mpiexec, srun) started this one?
 * Returns how many, or 0, and sets *variable to the name of the variable that says so.
 * Any thread; never waits. */
RIG_API int rig_hosts_launched(const char **variable);

/* The number that the launcher has given this process; -1: none has.  Any thread;
 * never waits. */
RIG_API int rig_hosts_launched_rank(void);

#ifdef __cplusplus
}
#endif

#endif
