/* SPDX-License-Identifier: MIT */
/*
 * model.h - the state of the modelled machine, and its possible next steps.
 *
 * A state, except for the bytes of the stacks, is struct state; states are copied
 * and compared as bytes, so unused parts are zero.
 */
#ifndef RUNRIG_CHECKER_MODEL_H
#define RUNRIG_CHECKER_MODEL_H

#include "checker.h"
#include "checker_atomic.h"

/* A thread's knowledge: for each location, the index of the oldest message that
 * the thread may still read; for each thread, the number of plain accesses that
 * came before. */
struct view {
	uint8_t oldest[CHECKER_LOCATIONS];
	uint8_t clock[CHECKER_THREADS];
};

struct message {
	uint64_t value;
	struct view view; /* taken over by an acquire of the message */
	uint32_t reserved;
};

struct location {
	struct message messages[CHECKER_MESSAGES];
	uint8_t count;
	uint8_t seq;   /* the oldest message that a seq_cst load may read */
	uint8_t futex; /* the oldest that a sleeper may read: wakers knew it */
};

struct cell {
	uint32_t value;
	uint8_t writer;
	uint8_t written;               /* the writer's clock then; 0: never */
	uint8_t read[CHECKER_THREADS]; /* each thread's clock then */
};

enum action {
	ACTION_LOAD,
	ACTION_STORE,
	ACTION_ADD,
	ACTION_OR,
	ACTION_SWAP,
	ACTION_CAS,
	ACTION_CHANGE, /* wait_change() */
	ACTION_REACH,  /* wait_reach() */
	ACTION_SLEEP,
	ACTION_WAKE,
	ACTION_BLOCK,
	ACTION_LOCK,
	ACTION_UNLOCK,
	ACTION_CONSISTENT,
	ACTION_STEP,
	ACTION_DEATH, /* wait for a death */
	ACTION_KILL,
	ACTION_START
};

/* The operation a thread is about to do. */
struct op {
	const char *name;
	uint64_t operand;  /* value, target, how many */
	uint64_t expected; /* CAS: old value; wait_reach(): bits that stop it */
	uint8_t action;
	uint8_t order;
	uint8_t failed; /* order of a failing CAS */
	uint8_t location;
	uint8_t bytes;
	uint8_t endless; /* patience, or the sleeper's deadline */
	uint8_t reserved[2];
};

enum status {
	STATUS_NONE,  /* there is no thread */
	STATUS_READY, /* before the thread's operation */
	STATUS_ASLEEP,
	STATUS_BLOCKED,  /* in the pthread barrier */
	STATUS_RELEASED, /* woken, or the pthread barrier is complete */
	STATUS_ENDED,
	STATUS_DEAD
};

struct thread {
	struct op op;
	uint64_t result;
	struct view view;
	uint8_t status;
	uint8_t succeeded; /* a CAS */
	uint8_t round;     /* checker_arrive() */
	uint8_t stepped;   /* has done an operation since */
};

/* The robust mutex. */
struct mutex {
	struct view view; /* of all who have unlocked the mutex */
	uint8_t owner;    /* plus 1; 0: free */
	uint8_t damaged;  /* the owner has taken over from the dead */
	uint8_t lost;     /* ENOTRECOVERABLE for ever */
	uint8_t used;
};

struct state {
	struct thread threads[CHECKER_THREADS];
	struct location locations[CHECKER_LOCATIONS];
	struct cell cells[CHECKER_CELLS];
	uint64_t ghost[CHECKER_GHOST / sizeof(uint64_t)];
	struct view block; /* view of the threads in the pthread barrier */
	struct mutex mutex;
	uint8_t blocked; /* how many are in the barrier */
	uint8_t deaths;
	uint8_t dead;     /* last dead thread plus 1, until a thread was told */
	uint8_t timeouts; /* early deadlines, while other threads could go on */
	uint8_t spurious; /* wakes for no reason */
	uint8_t rounds;   /* rounds of the pthread barrier */
	uint8_t reserved[2];
};

/* A thing that a thread may do next. */
enum how {
	HOW_GO,
	HOW_READ, /* a load, or a failing CAS, of message `index` */
	HOW_SLEEP,
	HOW_AGAIN,
	HOW_SPURIOUS,
	HOW_TIMEOUT,
	HOW_DIE
};

struct choice {
	uint8_t how;
	uint8_t index;
};

#define CHOICES_MAX (CHECKER_MESSAGES + 4)

/* The state on which the threads work, the scenario, and the running thread;
 * -1: none, the scenario is being set up. */
extern struct state state;
extern const struct checker_scenario *scenario;
extern int current;

/* Forget all locations; then the scenario sets up. */
void model_clear(void);
const char *model_location_name(int location);

/* The number of a location that the scenario has named; the checker ends for
 * another address. */
uint8_t model_location(const volatile void *p);

/* The checker cannot go on with the scenario: ends the program, and says why. */
_Noreturn void model_die(const char *why);

/* The number of threads that the pthread barrier waits for.  Written while the
 * scenario is set up. */
extern unsigned model_block_parties;

/* The steps that thread `t` may take next; returns their number. */
int model_choices(int t, struct choice *choices);

/* Whether the choice changes anything for good.  A wake for no reason does
 * not. */
bool model_progress(struct choice choice);

/* Do the step.  Returns whether the thread goes on. */
bool model_do(int t, struct choice choice);

/* Drop the messages that no thread can read any more. */
void model_tidy(void);

/* Go back to the explorer until the operation has been done. */
void explore_pause(void);
/* The last step must not be.  For the model; threads use checker_fail(). */
void explore_fail(enum checker_verdict what, const char *why);
/* Give thread `t` a fresh stack. */
void explore_begin(int t);

#endif
