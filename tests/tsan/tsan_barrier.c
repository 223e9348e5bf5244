/* SPDX-License-Identifier: MIT */
/*
 * tsan_barrier.c - the barrier between threads, under ThreadSanitizer.
 *
 * The cells are plain: the barrier alone orders writers and readers.
 */
#include <pthread.h>
#include <stdio.h>

#include "objects/barrier.h"

#define SIZE_MAX_HERE 5
#define EPOCHS        1500

static struct rig_barrier barrier;
static uint64_t cells[2][SIZE_MAX_HERE];
static int size;
static struct patience patience;

static void *party(void *arg)
{
	int rank = (int)(intptr_t)arg;

	for (uint64_t epoch = 0; epoch < EPOCHS; epoch++) {
		cells[epoch % 2][rank] = epoch + 1;
		barrier_wait(&barrier, &patience, NULL);
		for (int i = 0; i < size; i++)
			if (cells[epoch % 2][i] != epoch + 1)
				return arg ? arg : &barrier;
	}
	return NULL;
}

static int meet(enum rig_barrier_kind kind)
{
	pthread_t threads[SIZE_MAX_HERE];
	int failed = 0;
	void *wrong;

	if (rig_barrier_init(&barrier, size, kind) < 0)
		return 1;
	for (intptr_t i = 0; i < size; i++)
		if (pthread_create(&threads[i], NULL, party, (void *)i))
			return 1;
	for (int i = 0; i < size; i++) {
		pthread_join(threads[i], &wrong);
		failed |= wrong != NULL;
	}
	return failed;
}

int main(void)
{
	static const struct patience patiences[] = {
		{ 0 }, { .yields = 1 }, { .yields = 4 }, { .spin_ns = 20000 }
	};
	int failed = 0;

	for (size = 1; size <= SIZE_MAX_HERE; size++) {
		for (int i = 0; i < 4; i++) {
			patience = patiences[i];
			failed |= meet(RIG_BARRIER_ADAPTIVE);
		}
		failed |= meet(RIG_BARRIER_PTHREAD);
	}
	if (failed)
		fprintf(stderr, "a party left too early\n");
	return failed;
}
