/* SPDX-License-Identifier: MIT */
/*
 * lab.h - what the student's file gives, and what it is given.
 *
 * One map, the sum of f(x) over an array, done by workers that get their strip
 * through a pipe, through a ring in shared memory, or by being told where it is.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* Bytes a ring has room for. */
#define LAB_RING_BYTES 4096

/* In shared memory: one chunk under way, from the caller to one worker. */
struct lab_ring {
	_Alignas(RIG_LINE) _Atomic uint64_t given; /* bytes published, ever */
	_Alignas(RIG_LINE) _Atomic uint64_t taken; /* bytes taken, ever */
	_Alignas(RIG_LINE) char bytes[LAB_RING_BYTES];
};

/* Yours, in start.c.  give runs in the caller, take in a worker; both move
 * `bytes` bytes and return 0, or -errno. */
int pipe_give(int fd, const char *from, size_t bytes);
int pipe_take(int fd, char *to, size_t bytes);
int ring_give(struct lab_ring *ring, const char *from, size_t bytes);
int ring_take(struct lab_ring *ring, char *to, size_t bytes);
/* The sum of lab_f() over the worker's strip of what lies in the segment. */
int share(struct rig_segment *segment, struct rig_span strip, double *sum);

/* The lab's, in check.c: every byte that moves, moves through these, and is
 * counted.  write and read move at most 4096 bytes a call, as the kernel may. */
double lab_f(double x);
double lab_sum(const double *x, size_t n);
void lab_copy(void *to, const void *from, size_t bytes);
long lab_write(int fd, const void *from, size_t bytes);
long lab_read(int fd, void *to, size_t bytes);

/* `bytes` more are in the ring: returns when the worker has taken them.  That
 * makes the worst case certain: what is published is read at once. */
void lab_publish(struct lab_ring *ring, size_t bytes);
/* Wait until there is something to take; returns how many bytes. */
size_t lab_await(struct lab_ring *ring);
/* They are taken. */
void lab_taken(struct lab_ring *ring, size_t bytes);

#endif
