/* SPDX-License-Identifier: MIT */
/*
 * explore.c - depth first through all states, each a single time.
 *
 * A thread is a coroutine on a stack of its own.  The whole of a paused thread lies
 * in the bytes from the stack pointer to the stack's top; so a state can be kept,
 * compared and gone back to by copying bytes.  Stacks never move.
 *
 * Only a 128-bit hash of a seen state is kept: two of n states collide with a
 * probability below n^2 / 2^128.
 */
#include "model.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_BYTES 65536
#define DEPTH_MAX   100000

/* --- coroutines --- */

/* Pushes the registers that a call must preserve, notes the stack pointer in
 * *from, takes `to` instead and pops. */
void checker_switch(void **from, void *to);

#if defined(__x86_64__)
#define SAVED_WORDS 6 /* and then the return address */
__asm__(".text\n"
	".globl checker_switch\n"
	".type checker_switch, @function\n"
	"checker_switch:\n"
	"	push %rbp\n"
	"	push %rbx\n"
	"	push %r12\n"
	"	push %r13\n"
	"	push %r14\n"
	"	push %r15\n"
	"	mov %rsp, (%rdi)\n"
	"	mov %rsi, %rsp\n"
	"	pop %r15\n"
	"	pop %r14\n"
	"	pop %r13\n"
	"	pop %r12\n"
	"	pop %rbx\n"
	"	pop %rbp\n"
	"	ret\n"
	".size checker_switch, . - checker_switch\n");
#elif defined(__aarch64__)
#define SAVED_WORDS 11 /* and then the return address */
__asm__(".text\n"
	".globl checker_switch\n"
	".type checker_switch, %function\n"
	"checker_switch:\n"
	"	sub sp, sp, #160\n"
	"	stp x19, x20, [sp]\n"
	"	stp x21, x22, [sp, #16]\n"
	"	stp x23, x24, [sp, #32]\n"
	"	stp x25, x26, [sp, #48]\n"
	"	stp x27, x28, [sp, #64]\n"
	"	stp x29, x30, [sp, #80]\n"
	"	stp d8, d9, [sp, #96]\n"
	"	stp d10, d11, [sp, #112]\n"
	"	stp d12, d13, [sp, #128]\n"
	"	stp d14, d15, [sp, #144]\n"
	"	mov x2, sp\n"
	"	str x2, [x0]\n"
	"	mov sp, x1\n"
	"	ldp x19, x20, [sp]\n"
	"	ldp x21, x22, [sp, #16]\n"
	"	ldp x23, x24, [sp, #32]\n"
	"	ldp x25, x26, [sp, #48]\n"
	"	ldp x27, x28, [sp, #64]\n"
	"	ldp x29, x30, [sp, #80]\n"
	"	ldp d8, d9, [sp, #96]\n"
	"	ldp d10, d11, [sp, #112]\n"
	"	ldp d12, d13, [sp, #128]\n"
	"	ldp d14, d15, [sp, #144]\n"
	"	add sp, sp, #160\n"
	"	ret\n"
	".size checker_switch, . - checker_switch\n");
#else
#error "checker_switch() is not written for this machine"
#endif

static struct {
	_Alignas(64) unsigned char bytes[STACK_BYTES];
} stacks[CHECKER_THREADS];
static void *stack_at[CHECKER_THREADS]; /* the paused threads' stack pointers */
static void *explorer_at;

/* A fault that a thread found. */
static enum checker_verdict verdict;
static char words[200];

static unsigned char *top_of(int t)
{
	return stacks[t].bytes + STACK_BYTES;
}

void explore_pause(void)
{
	checker_switch(&stack_at[current], explorer_at);
}

static void entry(void)
{
	scenario->thread(current);
	state.threads[current].status = STATUS_ENDED;
	for (;;)
		explore_pause();
}

void explore_begin(int t)
{
	/* 64 bytes below the top, and entered as by a call. */
	uint64_t *sp = (uint64_t *)(void *)(top_of(t) - 64) - 1;
	uint64_t start = (uint64_t)(uintptr_t)entry;

#if defined(__aarch64__)
	sp = (uint64_t *)(void *)(top_of(t) - 64) - 20;
#else
	sp -= SAVED_WORDS + 1;
#endif
	memset(sp, 0, (size_t)(top_of(t) - (unsigned char *)sp));
	sp[SAVED_WORDS] = start;
	stack_at[t] = sp;
}

static void resume(int t)
{
	current = t;
	checker_switch(&explorer_at, stack_at[t]);
	current = -1;
}

void explore_fail(enum checker_verdict what, const char *why)
{
	verdict = what;
	snprintf(words, sizeof(words), "%s", why);
}

void checker_fail(enum checker_verdict what, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	verdict = what;
	for (;;)
		explore_pause();
}

/* --- states --- */

/* How a state came about, for the trace. */
struct step {
	struct op op;
	struct choice choice;
	bool released; /* the waiting operation has come to its end */
	int thread;
	uint64_t value; /* read, or stored */
};

struct node {
	struct state state;
	void *stack_at[CHECKER_THREADS];
	unsigned char *stacks; /* bytes in use, thread after thread */
	struct step step;
	int tried;  /* threads whose choices have been tried */
	int choice; /* number of the next thread */
};

static struct node *path[DEPTH_MAX];
static int depth;

static size_t stack_bytes(int t, void *const *at)
{
	return (size_t)(top_of(t) - (unsigned char *)at[t]);
}

static struct node *keep(const struct step *step)
{
	struct node *node = calloc(1, sizeof(*node));
	size_t bytes = 1; /* at least a single thread */
	size_t at = 0;

	for (int t = 0; t < scenario->threads; t++)
		bytes += stack_bytes(t, stack_at);
	if (node)
		node->stacks = malloc(bytes);
	if (!node || !node->stacks || depth == DEPTH_MAX) {
		fprintf(stderr, "checker: out of memory\n");
		exit(5);
	}
	node->state = state;
	node->step = *step;
	memcpy(node->stack_at, stack_at, sizeof(stack_at));
	for (int t = 0; t < scenario->threads; t++) {
		memcpy(node->stacks + at, stack_at[t],
		       stack_bytes(t, stack_at));
		at += stack_bytes(t, stack_at);
	}
	return node;
}

static void restore(const struct node *node)
{
	size_t at = 0;

	state = node->state;
	memcpy(stack_at, node->stack_at, sizeof(stack_at));
	for (int t = 0; t < scenario->threads; t++) {
		memcpy(stack_at[t], node->stacks + at,
		       stack_bytes(t, stack_at));
		at += stack_bytes(t, stack_at);
	}
}

static void drop_node(struct node *node)
{
	free(node->stacks);
	free(node);
}

/* --- states seen --- */

struct hash {
	uint64_t a, b;
};

static struct hash *seen;
static size_t seen_size; /* a power of two */
static size_t seen_count;

static void mix(struct hash *hash, const void *bytes, size_t count)
{
	const unsigned char *p = bytes;

	for (uint64_t word; count; count -= count < 8 ? count : 8, p += 8) {
		word = 0;
		memcpy(&word, p, count < 8 ? count : 8);
		hash->a = (hash->a ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		hash->a ^= hash->a >> 29;
		hash->b = (hash->b + word) * UINT64_C(0xc2b2ae3d27d4eb4f);
		hash->b ^= hash->b >> 31;
	}
}

static struct hash hash_state(void)
{
	struct hash hash = { 1, 2 };

	for (int l = 0; l < CHECKER_LOCATIONS; l++) {
		const struct location *location = &state.locations[l];

		mix(&hash, location->messages,
		    location->count * sizeof(*location->messages));
		mix(&hash, &location->count, 3);
	}
	mix(&hash, state.threads, sizeof(state.threads));
	mix(&hash, state.cells, sizeof(state) - offsetof(struct state, cells));
	for (int t = 0; t < scenario->threads; t++) {
		uint8_t status = state.threads[t].status;

		if (status != STATUS_ENDED && status != STATUS_DEAD)
			mix(&hash, stack_at[t], stack_bytes(t, stack_at));
	}
	return hash;
}

static bool insert(struct hash *set, size_t size, struct hash hash)
{
	size_t i = hash.a & (size - 1);

	for (; set[i].a || set[i].b; i = (i + 1) & (size - 1))
		if (set[i].a == hash.a && set[i].b == hash.b)
			return false;
	set[i] = hash;
	return true;
}

static void grow(void)
{
	size_t size = seen_size ? seen_size * 2 : 1 << 16;
	struct hash *set = calloc(size, sizeof(*set));

	if (!set) {
		fprintf(stderr, "checker: out of memory\n");
		exit(5);
	}
	for (size_t i = 0; i < seen_size; i++)
		if (seen[i].a || seen[i].b)
			insert(set, size, seen[i]);
	free(seen);
	seen = set;
	seen_size = size;
}

/* Whether the state is new. */
static bool note(void)
{
	if (2 * seen_count >= seen_size)
		grow();
	if (!insert(seen, seen_size, hash_state()))
		return false;
	seen_count++;
	return true;
}

/* --- the trace --- */

static void print_step(int number, const struct step *step)
{
	const struct op *op = &step->op;
	const char *where = model_location_name(op->location);
	const char *how = "";

	printf("%4d  %-8s ", number, scenario->names[step->thread]);
	if (step->choice.how == HOW_DIE) {
		printf("dies before %s\n", op->name);
		return;
	}
	switch (op->action) {
	case ACTION_BLOCK:
	case ACTION_LOCK:
	case ACTION_UNLOCK:
	case ACTION_CONSISTENT:
	case ACTION_DEATH:
	case ACTION_STEP:
		printf("%s", op->name);
		break;
	case ACTION_KILL:
	case ACTION_START:
		printf("%s %s", op->name, scenario->names[op->operand]);
		break;
	case ACTION_LOAD:
		printf("%s %s -> %lld", op->name, where,
		       (long long)step->value);
		break;
	case ACTION_CHANGE:
	case ACTION_REACH:
		printf("%s %s, %lld -> %lld", op->name, where,
		       (long long)op->operand, (long long)step->value);
		break;
	case ACTION_CAS:
		printf("%s %s, %lld to %lld: %s %lld", op->name, where,
		       (long long)op->expected, (long long)op->operand,
		       step->choice.how == HOW_GO ? "done," : "failed,",
		       (long long)step->value);
		break;
	case ACTION_STORE:
	case ACTION_WAKE:
	case ACTION_SLEEP:
		printf("%s %s, %lld", op->name, where, (long long)op->operand);
		break;
	default:
		printf("%s %s, %lld: was %lld", op->name, where,
		       (long long)op->operand, (long long)step->value);
		break;
	}
	if (step->released)
		how = ": released";
	else if (step->choice.how == HOW_SLEEP)
		how = ": sleeps";
	else if (step->choice.how == HOW_AGAIN)
		how = ": not that value";
	else if (step->choice.how == HOW_SPURIOUS)
		how = ": woken for no reason";
	else if (step->choice.how == HOW_TIMEOUT)
		how = ": time is up";
	printf("%s\n", how);
}

static void print_trace(const struct step *last)
{
	static const char *const verdicts[] = {
		"fine", "early release", "race", "mix", "deadlock", "wrong"
	};

	printf("%s: %s: %s\n", scenario->name, verdicts[verdict], words);
	for (int i = 1; i < depth; i++)
		print_step(i, &path[i]->step);
	if (last)
		print_step(depth, last);
}

/* --- the search --- */

/* Do a step in the current state, and note the step in *step. */
static void advance(int t, struct choice choice, struct step *step)
{
	struct thread *self = &state.threads[t];

	*step = (struct step){ .op = self->op,
			       .choice = choice,
			       .thread = t,
			       .released = self->status == STATUS_RELEASED };
	self->result = 0;
	if (model_do(t, choice) && verdict == CHECKER_FINE) {
		step->value = self->result;
		resume(t);
	}
	model_tidy();
}

/* Nothing more can happen: whether the scenario may end in this state. */
static void check_end(void)
{
	const char *why = NULL;
	struct choice choices[CHOICES_MAX];
	bool stuck = false;

	for (int t = 0; t < scenario->threads; t++) {
		int n = model_choices(t, choices);

		for (int i = 0; i < n; i++)
			if (model_progress(choices[i]))
				return;
		stuck |= state.threads[t].status == STATUS_READY
				 ? state.threads[t].op.action != ACTION_DEATH
				 : state.threads[t].status == STATUS_ASLEEP ||
					   state.threads[t].status ==
						   STATUS_BLOCKED;
	}
	if (scenario->end)
		why = scenario->end(stuck);
	else if (stuck)
		why = "nobody can go on";
	if (why)
		explore_fail(stuck ? CHECKER_DEADLOCK : CHECKER_WRONG, why);
}

/* The next choice to try in `node`; the thread that got there goes on first, so
 * that traces are easy to read.  Returns false when all choices have been
 * tried. */
static bool next(struct node *node, int *t, struct choice *choice)
{
	struct choice choices[CHOICES_MAX];

	for (; node->tried < scenario->threads; node->tried++) {
		*t = (node->step.thread + node->tried) % scenario->threads;
		if (node->choice < model_choices(*t, choices)) {
			*choice = choices[node->choice++];
			return true;
		}
		node->choice = 0;
	}
	return false;
}

static void set_up(void)
{
	model_clear();
	memset(stacks, 0, sizeof(stacks));
	verdict = CHECKER_FINE;
	scenario->set_up();
	for (int t = 0; t < scenario->threads; t++) {
		explore_begin(t);
		state.threads[t].status = STATUS_READY;
		resume(t);
	}
}

static size_t search(void)
{
	struct step step = { 0 };
	struct choice choice;
	size_t steps = 0;
	int t;

	note();
	path[depth++] = keep(&step);
	while (depth) {
		struct node *node = path[depth - 1];

		restore(node);
		if (!next(node, &t, &choice)) {
			drop_node(path[--depth]);
			continue;
		}
		advance(t, choice, &step);
		steps++;
		if (verdict != CHECKER_FINE) {
			print_trace(&step);
			break;
		}
		if (!note())
			continue;
		path[depth++] = keep(&step);
		check_end();
		if (verdict != CHECKER_FINE) {
			print_trace(NULL);
			break;
		}
	}
	return steps;
}

enum checker_verdict checker_run(const struct checker_scenario *what)
{
	size_t steps;

	scenario = what;
	set_up();
	steps = search();
	while (depth)
		drop_node(path[--depth]);
	printf("%s: %zu states, %zu steps\n", scenario->name, seen_count,
	       steps);
	free(seen);
	seen = NULL;
	seen_size = seen_count = 0;
	return verdict;
}

int checker_main(const struct checker_scenario *scenarios, int count, int argc,
		 char **argv)
{
	static const char *const verdicts[CHECKER_VERDICTS] = {
		"fine", "early", "race", "mix", "deadlock", "wrong"
	};

	for (int i = 0; i < count; i++) {
		enum checker_verdict found = checker_run(&scenarios[i]);

		if (found == CHECKER_FINE)
			continue;
		for (int j = 1; j < argc; j++)
			if (strcmp(argv[j], verdicts[found]) == 0)
				return 0;
		return 1;
	}
	return argc > 1; /* a mutant that was not caught */
}
