/* SPDX-License-Identifier: MIT */
/*
 * thread.h - a number of the calling thread that costs one instruction.
 */
#ifndef RUNRIG_THREAD_H
#define RUNRIG_THREAD_H

#include <stdint.h>

/* The number of the calling thread, its thread pointer, which no other living thread of the process has;
 * never 0.  In a child of fork() the number is that of the thread that forked. */
static inline uintptr_t thread_self(void)
{
	uintptr_t self;

	/* The thread pointer.  clang 13 has no __builtin_thread_pointer() on x86-64. */
#if defined(__x86_64__) && defined(__LP64__)
	__asm__("mov %%fs:0, %0" : "=r"(self));
#elif defined(__aarch64__)
	__asm__("mrs %0, tpidr_el0" : "=r"(self));
#else
	self = (uintptr_t)__builtin_thread_pointer();
#endif
	return self;
}

#endif
