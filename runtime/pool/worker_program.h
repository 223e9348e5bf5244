/* SPDX-License-Identifier: MIT */
/*
 * worker_program.h - the main function of the workers' program.
 */
#ifndef RUNRIG_WORKER_PROGRAM_H
#define RUNRIG_WORKER_PROGRAM_H

#include <runrig/api.h>

/* main() of libexec/runrig/worker, started by exec_and_leave(): the warden of a
 * pool.  Returns only where there is none to be: an exit status. */
RIG_API int rig_worker_program(int argc, char **argv);

#endif
