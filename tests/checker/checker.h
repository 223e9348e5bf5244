/* SPDX-License-Identifier: MIT */
/*
 * checker.h - run compiled code through every interleaving that the code may see.
 *
 * A scenario is a few threads that call the code under test.  The threads are
 * coroutines; each stops before every operation of atomic.h, wait.h, the pthread
 * barrier and the mutex, and the checker explores every order in which threads may go on, and
 * every value that a load may return.  A state is the model's memory and the bytes
 * of the stacks: a state seen before is not explored again, so that the search is
 * exhaustive and ends.
 *
 * A thread that dies with the mutex hands the mutex, and all that the thread knew,
 * to the next thread.
 *
 * The memory is C11's, in its operational form of messages and views:
 *
 *	- a location is the list of the values stored there, in modification
 *	  order; a view says, for each location, the oldest value a thread may
 *	  still read, and for each thread, which plain accesses happened before
 *	- a load returns any value that the view allows, an RMW the last value: the
 *	  effects of a store buffer or a late invalidation are covered, on any
 *	  machine
 *	- a release stores the view beside the value; an acquire that reads the
 *	  value takes the view over; an RMW hands on the view of the value replaced
 *	  (the release sequence), a plain store does not
 *	- a seq_cst load reads no value older than the last seq_cst store or load
 *	  of the location
 *	- a plain access not ordered after the others of the cell is a race
 *
 * Not covered: a load that returns a value stored later (load buffering).
 *
 * Waiting: a poll is an acquire load at any moment, whose result may be that
 * patience has ended; a sleeper on a futex may wake for no reason, but a state in
 * which nothing else can happen is a deadlock.
 */
#ifndef RUNRIG_CHECKER_H
#define RUNRIG_CHECKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Limits of a scenario; each is checked. */
#define CHECKER_THREADS 4
#ifndef CHECKER_LOCATIONS
#define CHECKER_LOCATIONS 8
#define CHECKER_MESSAGES  32 /* values that a thread may still read */
#endif
#define CHECKER_CELLS 16
#define CHECKER_GHOST 64

/* The faults that the checker finds. */
enum checker_verdict {
	CHECKER_FINE,
	CHECKER_EARLY, /* released before all have arrived */
	CHECKER_RACE,  /* a plain access is not ordered */
	CHECKER_MIX,   /* two epochs in the same round of the pthread barrier */
	CHECKER_DEADLOCK, /* nothing can happen any more */
	CHECKER_WRONG,    /* the scenario's own check failed */
	CHECKER_VERDICTS
};

struct checker_scenario {
	const char *name;
	const char *const *names; /* names of the threads, for the trace */
	/* Lay everything out: before any thread runs. */
	void (*set_up)(void);
	void (*thread)(int self);
	/* No thread can go on; `stuck`: some threads have not ended.  Returns
	 * words for a fault, or NULL.  Without a function, stuck is a
	 * deadlock. */
	const char *(*end)(bool stuck);
	int threads;
	/* Bit t: thread t may die before any of its operations. */
	unsigned mortal;
	int deaths;   /* the most deaths */
	int spurious; /* wakes for no reason, at most */
	int timeouts; /* the most deadlines that pass early */
};

/* Explore; prints the search, and on failure the schedule that led to the
 * failure. */
enum checker_verdict checker_run(const struct checker_scenario *scenario);

/* Run `count` scenarios.  As main(): the arguments are verdicts, and the search
 * must find any of these (a mutant); without arguments all scenarios must be
 * fine.  Returns the status. */
int checker_main(const struct checker_scenario *scenarios, int count, int argc,
		 char **argv);

/* --- in set_up --- */

/* A location that the code under test uses atomically; zero at first. */
void checker_location(const volatile void *p, const char *name);

/* --- in end --- */

/* The last value stored. */
uint64_t checker_last(const volatile void *p);
/* Rounds of the pthread barrier. */
int checker_rounds(void);
/* Nobody has the mutex, not even a dead thread. */
bool checker_unlocked(void);

/* --- in a thread --- */

/* Endless patience, for polls that must not rely on an end. */
#define CHECKER_ENDLESS UINT32_MAX

/* Something is wrong; does not return. */
void checker_fail(enum checker_verdict verdict, const char *format, ...)
	__attribute__((format(printf, 2, 3), noreturn));

/* A plain (not atomic) object: a cell. */
void checker_write(int cell, uint32_t value);
uint32_t checker_read(int cell);

/* This thread is about to arrive in round `round`: all threads that enter a
 * round of the pthread barrier must have the same `round`. */
void checker_arrive(int round);
/* Whether the thread has arrived in `round`, by at least a single operation. */
bool checker_arrived(int thread, int round);

/* Bytes that belong to the state, zero at first; for the scenario alone. */
void *checker_ghost(void);

/* Let anybody go first. */
void checker_step(const char *name);
/* Wait until a thread has died; returns which. */
int checker_wait_death(void);
/* Kill a thread, and start a fresh thread, which knows all that the caller knows. */
void checker_kill(int thread);
void checker_start(int thread);

#endif
