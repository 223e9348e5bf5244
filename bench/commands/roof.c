/* SPDX-License-Identifier: MIT */
/*
 * roof.c - five loops in the widest vectors of the processor.
 *
 * Each step of a loop moves eight lines of 64 bytes.  A barrier for the
 * compiler after each step keeps the compiler from calling memset and memcpy
 * instead, which choose their own stores.
 */
#include "commands/roof.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <kernels/lib/clones.h>
#include <kernels/lib/stream.h>

#include "driver/stopwatch.h"

/* A line.  Narrower processors take the line in parts. */
typedef double line __attribute__((vector_size(64), may_alias));
typedef uint64_t words __attribute__((vector_size(64), may_alias));

#define LINE_DOUBLES 8
#define UNROLL       8
#define STEP_BYTES   (UNROLL * sizeof(line))

/* Bytes of a page that needs few TLB entries. */
#define HUGE ((size_t)2 << 20)

#define FACTOR  3.0
#define WRITTEN 1.5
#define PERIOD  1000

const char *const roof_names[ROOFS] = { "read", "write", "write-nt", "copy",
					"triad" };
const double roof_moves[ROOFS] = { 1, 2, 1, 1.5, 4.0 / 3 };

/* A barrier for the compiler: memory may have changed. */
#define SETTLE() __asm__ volatile("" ::: "memory")

bool roof_has_nt(void)
{
#if defined(__SSE2__)
	return true;
#else
	return false;
#endif
}

double *roof_memory(size_t bytes)
{
	size_t whole = (bytes + HUGE - 1) / HUGE * HUGE;
	double *memory = aligned_alloc(HUGE, whole);

	if (!memory)
		return NULL;
	(void)madvise(memory, whole, MADV_HUGEPAGE);
	roof_fill(memory, bytes);
	return memory;
}

static double at(size_t i)
{
	return (double)(i % PERIOD);
}

void roof_fill(double *memory, size_t bytes)
{
	for (size_t i = 0; i < bytes / sizeof(*memory); i++)
		memory[i] = at(i);
}

CLONES_WIDE
static uint64_t read_all(const double *memory, size_t bytes)
{
	const words *from = (const words *)(const void *)memory;
	words sum[UNROLL] = { 0 };
	uint64_t total = 0;

	for (size_t i = 0; i < bytes / STEP_BYTES; i++, from += UNROLL) {
		for (int k = 0; k < UNROLL; k++)
			sum[k] += from[k];
	}
	for (int k = 1; k < UNROLL; k++)
		sum[0] += sum[k];
	for (int k = 0; k < LINE_DOUBLES; k++)
		total += sum[0][k];
	return total;
}

CLONES_WIDE
static void write_all(double *memory, size_t bytes)
{
	line *to = (line *)(void *)memory;
	line value = { WRITTEN, WRITTEN, WRITTEN, WRITTEN,
		       WRITTEN, WRITTEN, WRITTEN, WRITTEN };

	for (size_t i = 0; i < bytes / STEP_BYTES; i++, to += UNROLL) {
		for (int k = 0; k < UNROLL; k++)
			to[k] = value;
		SETTLE();
	}
}

static void write_nt(double *memory, size_t bytes)
{
	double *end = memory + bytes / sizeof(*memory);

	for (; memory < end; memory += LINE_DOUBLES) {
		for (int k = 0; k < LINE_DOUBLES; k += 2)
			stream_two(memory + k, WRITTEN, WRITTEN);
		SETTLE();
	}
	stream_fence();
}

CLONES_WIDE
static void copy_all(double *memory, size_t bytes)
{
	size_t half = bytes / 2 / sizeof(*memory);
	line *to = (line *)(void *)memory;
	const line *from = (const line *)(const void *)(memory + half);

	for (size_t i = 0; i < bytes / 2 / STEP_BYTES; i++) {
		for (int k = 0; k < UNROLL; k++)
			to[k] = from[k];
		to += UNROLL;
		from += UNROLL;
		SETTLE();
	}
}

CLONES_WIDE
static void triad_all(double *memory, size_t bytes)
{
	size_t third = bytes / 3 / sizeof(*memory);
	line *a = (line *)(void *)memory;
	const line *b = (const line *)(const void *)(memory + third);
	const line *c = (const line *)(const void *)(memory + 2 * third);

	for (size_t i = 0; i < bytes / 3 / STEP_BYTES; i++) {
		for (int k = 0; k < UNROLL; k++)
			a[k] = b[k] + FACTOR * c[k];
		a += UNROLL;
		b += UNROLL;
		c += UNROLL;
		SETTLE();
	}
}

uint64_t roof_run(enum roof roof, double *memory, size_t bytes, uint64_t count)
{
	uint64_t sum = 0;

	for (uint64_t i = 0; i < count; i++) {
		switch (roof) {
		case ROOF_READ:
			sum = read_all(memory, bytes);
			break;
		case ROOF_WRITE:
			write_all(memory, bytes);
			break;
		case ROOF_WRITE_NT:
			write_nt(memory, bytes);
			break;
		case ROOF_COPY:
			copy_all(memory, bytes);
			break;
		case ROOF_TRIAD:
			triad_all(memory, bytes);
			break;
		case ROOFS:
			break;
		}
		/* Each pass is done, and the sum of each pass is used. */
		__asm__ volatile("" ::"r"(sum) : "memory");
	}
	return sum;
}

/* The value that the pass must have left at element i of n. */
static double wanted(enum roof roof, size_t i, size_t n)
{
	switch (roof) {
	case ROOF_WRITE:
	case ROOF_WRITE_NT:
		return WRITTEN;
	case ROOF_COPY:
		return at(i < n / 2 ? i + n / 2 : i);
	case ROOF_TRIAD:
		return i < n / 3 ? at(i + n / 3) + FACTOR * at(i + n / 3 * 2)
				 : at(i);
	default:
		return at(i);
	}
}

bool roof_right(enum roof roof, const double *memory, size_t bytes,
		uint64_t sum)
{
	size_t n = bytes / sizeof(*memory);
	uint64_t total = 0;
	bool right = true;

	for (size_t i = 0; i < n; i++) {
		double x = wanted(roof, i, n);
		uint64_t word;

		memcpy(&word, &x, sizeof(word));
		total += word;
		right &= memory[i] == x;
	}
	return right && (roof != ROOF_READ || sum == total);
}

/* A working set of more is memory on any machine, or as good as. */
#define LEAST_MAX ((double)((size_t)64 << 20))

/* A reading shorter than this tells more about the clock than about memory. */
#define READING_NS 200000

/* The best of some passes, bytes a nanosecond. */
static double best_rate(enum roof roof, double *memory, size_t bytes,
			clockid_t clock)
{
	uint64_t count = 1;
	double best = 0;

	for (int i = 0; i < 8;) {
		uint64_t begin = stopwatch_ns(clock);
		uint64_t ns;

		(void)roof_run(roof, memory, bytes, count);
		ns = stopwatch_ns(clock) - begin;
		if (ns < READING_NS) {
			count *= 2;
			continue;
		}
		best = fmax(best, (double)bytes * (double)count / (double)ns);
		i++;
	}
	return best;
}

double roof_least_ns(double moved, double held, int workers, clockid_t clock)
{
	double share = fmin(held / workers, LEAST_MAX);
	size_t bytes = ((size_t)share / ROOF_STEP + 1) * ROOF_STEP;
	double *memory = roof_memory(bytes);
	double rate;

	if (!memory)
		return 0;
	rate = fmax(best_rate(ROOF_WRITE, memory, bytes, clock),
		    best_rate(ROOF_WRITE_NT, memory, bytes, clock));
	rate += best_rate(ROOF_READ, memory, bytes, clock);
	free(memory);
	return moved / (rate * workers);
}
