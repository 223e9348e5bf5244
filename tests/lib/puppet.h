/* SPDX-License-Identifier: MIT */
/*
 * puppet.h - a worker on strings: stop the worker anywhere, and have the worker do
 * things that no program would.
 *
 * The means is ptrace: the runtime under test is the product, byte for byte,
 * and every function is a place to stop.  A test and the workers of its pool
 * are forks of the same program, and a function has the same address in all; in
 * workers that are no forks, the function of the same name is meant.
 * On x86-64 only; puppet_possible() tells.
 *
 * A puppet is stopped from attach or arrive until release.
 */
#ifndef RUNRIG_PUPPET_H
#define RUNRIG_PUPPET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct puppet {
	pid_t pid;
	uint64_t at;   /* where the puppet is to stop; 0: nowhere */
	uint64_t word; /* the instruction that stood there */
	bool entered;  /* the puppet is at a function's first instruction, or
		        * has forked and is stopped there */
};

/* Can processes be traced here? */
bool puppet_possible(void);

/* Stop a process that runs or sleeps: 0 or -errno. */
int puppet_attach(struct puppet *puppet, pid_t pid);

/* Let the puppet run until the entry of `function`.  go returns at once, arrive
 * waits (until deadline_ns): 0, -ETIMEDOUT (the puppet is stopped all the same), or
 * -ESRCH: the puppet is gone. */
int puppet_go(struct puppet *puppet, void (*function)(void));
int puppet_arrive(struct puppet *puppet, uint64_t deadline_ns);

/* Execute `count` instructions.  Returns as arrive. */
int puppet_step(struct puppet *puppet, long count);

/* The address of the puppet's next instruction. */
uint64_t puppet_where(const struct puppet *puppet);

/* The address that `function`, of the test or of the runtime, has in process `pid`;
 * 0: the process does not have the function. */
uint64_t puppet_place(pid_t pid, void (*function)(void));

/* Go on as if the present function had called `function(argument)` instead. */
void puppet_call(struct puppet *puppet, void (*function)(long), long argument);

/* Let the puppet go, with a signal (0: none). */
void puppet_release(struct puppet *puppet, int signal);

/* Kill the puppet at its place, and wait until the puppet is dead. */
void puppet_kill(struct puppet *puppet);

/*
 * Stop a process (the warden) at each of its forks.  next waits for a child,
 * which is then a puppet, stopped before its first instruction; the process
 * itself is stopped too, until the next call.
 */
int puppet_watch_forks(struct puppet *parent, pid_t pid);
int puppet_next_child(struct puppet *parent, struct puppet *child,
		      uint64_t deadline_ns);

#endif
