/* SPDX-License-Identifier: MIT */
/*
 * reporter.c - signal handlers that note a fault and pass the fault on.
 *
 * The handler writes to memory that is there already, puts back the action from before,
 * and returns: the fault repeats, and meets that action.  So the warden sees the true
 * signal, a core can be written, and a program's own handler (gfortran's, Python's
 * faulthandler) has its say.
 */
#include "pool/reporter.h"

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "pool/attach.h"

#define REPORTER_STACK_BYTES 65536

static const int faults[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

#define FAULTS (sizeof(faults) / sizeof(faults[0]))

static struct rank *reporting;           /* the rank of the handler */
static struct sigaction actions[FAULTS]; /* the action from before */
static stack_t own_stack; /* ss_sp NULL: the program has a stack of its own */

static void put_back(int signal)
{
	for (size_t i = 0; i < FAULTS; i++)
		if (faults[i] == signal)
			(void)sigaction(signal, &actions[i], NULL);
}

static void report_signal(int signal, siginfo_t *info, void *context)
{
	struct rank_shm *mine = reporting->mine;
	uint64_t offset = 0;
	int segment;

	mine->signal_code = info->si_code;
	mine->address = (uint64_t)(uintptr_t)info->si_addr;
#if defined(__x86_64__)
	mine->instruction =
		(uint64_t)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
	mine->instruction = ((ucontext_t *)context)->uc_mcontext.pc;
#endif
	segment = attach_which(reporting, mine->address, &offset);
	mine->segment = (uint32_t)(segment + 1);
	mine->offset = offset;
	/* release: the rest is written. */
	store_release(&mine->signal, (uint32_t)signal);
	put_back(signal);
	/* A fault repeats; a signal that was sent does not. */
	if (info->si_code <= 0)
		(void)raise(signal);
}

/* A stack for handlers, for the fault may be that the thread's own stack is full. */
static bool have_stack(void)
{
	stack_t present;

	if (sigaltstack(NULL, &present) == 0 &&
	    !(present.ss_flags & SS_DISABLE))
		return true;
	own_stack.ss_size = REPORTER_STACK_BYTES;
	own_stack.ss_sp =
		mmap(NULL, REPORTER_STACK_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (own_stack.ss_sp == MAP_FAILED) {
		own_stack.ss_sp = NULL;
		return false;
	}
	return sigaltstack(&own_stack, NULL) == 0;
}

void reporter_install(struct rank *rank)
{
	struct sigaction action = { .sa_sigaction = report_signal,
				    .sa_flags = SA_SIGINFO | SA_ONSTACK };

	reporting = rank;
	if (!have_stack())
		return;
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < FAULTS; i++)
		(void)sigaction(faults[i], &action, &actions[i]);
}

void reporter_remove(void)
{
	const stack_t none = { .ss_flags = SS_DISABLE };
	struct sigaction now;

	for (size_t i = 0; i < FAULTS; i++)
		if (sigaction(faults[i], NULL, &now) == 0 &&
		    now.sa_sigaction == report_signal)
			(void)sigaction(faults[i], &actions[i], NULL);
	if (own_stack.ss_sp && sigaltstack(&none, NULL) == 0)
		(void)munmap(own_stack.ss_sp, own_stack.ss_size);
	own_stack.ss_sp = NULL;
}
