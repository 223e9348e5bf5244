/* SPDX-License-Identifier: MIT */
/*
 * tsan_list.c - a ShareableList's bytes written and read by threads, under
 * ThreadSanitizer.
 *
 * Each item has a single writer; everybody reads all items.  A reader may see: of an
 * item that keeps its type, the numbers stored, in order; of an item that changes its
 * type a single time, the value before, None or the value after, never a type's bits
 * as another type's; of text that goes from str to bytes and back, None or any text
 * as long as the stored texts.  A reader that sees a number sees the writer's earlier
 * writes.
 */
#include <errno.h>
#include <pthread.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "objects/list_layout.h"

#define WRITERS 3
#define READERS 3
#define TURNS   40000

/* Item 0 counts, item 1 is text, all other items change from int to float, one after
 * the other. */
enum { COUNTS, TEXT, CHANGES, ITEMS = CHANGES + TURNS };

static alignas(8) unsigned char memory[ITEMS * 32];
static struct rig_value values[ITEMS];
static struct list_view view;

/* The item under change: readers look there, relaxed, for the number must order
 * nothing. */
static _Atomic size_t changing = CHANGES;

/* Not atomic: the count in the list hands the value over. */
static long before[TURNS + 1];

static int write_memory(void *to, const void *from, size_t bytes)
{
	unsigned char **at = to;

	memcpy(*at, from, bytes);
	*at += bytes;
	return 0;
}

static int write_turn(int what, long turn)
{
	struct rig_value value = rig_int(turn);
	size_t item = (size_t)what;
	char text[16];

	switch (what) {
	case COUNTS:
		before[turn] = turn;
		break;
	case TEXT:
		snprintf(text, sizeof(text), "%05ld", turn);
		value = turn % 2 ? rig_str(text) : rig_bytes(text, 5);
		break;
	default:
		item += (size_t)turn - 1;
		store_relaxed(&changing, item);
		value = rig_float((double)item + 0.5);
	}
	return list_layout_set(&view, item, &value);
}

static void *writer(void *arg)
{
	int what = (int)(intptr_t)arg;
	long wrong = 0;

	for (long turn = 1; turn <= TURNS; turn++)
		wrong += write_turn(what, turn) != 0;
	return (void *)wrong;
}

static bool is_wrong_count(long *seen)
{
	struct rig_value value;

	if (list_layout_get(&view, COUNTS, &value, NULL, 0) ||
	    value.kind != RIG_VALUE_INT || value.integer < *seen ||
	    value.integer > TURNS)
		return true;
	*seen = value.integer;
	return before[*seen] != *seen;
}

static bool is_wrong_text(void)
{
	struct rig_value value;
	char room[64];
	int r = list_layout_get(&view, TEXT, &value, room, sizeof(room));

	/* A reader may be out of luck a thousand times. */
	if (r < 0)
		return r != -EAGAIN;
	return value.kind != RIG_VALUE_NONE && value.bytes != 5;
}

static bool is_wrong_change(size_t item)
{
	struct rig_value value;
	int r = list_layout_get(&view, item, &value, NULL, 0);

	if (r < 0)
		return r != -EAGAIN;
	if (value.kind == RIG_VALUE_INT)
		return value.integer != (int64_t)item;
	if (value.kind == RIG_VALUE_FLOAT)
		return value.real != (double)item + 0.5;
	return value.kind != RIG_VALUE_NONE;
}

static void *reader(void *arg)
{
	long seen = 0, wrong = 0;

	(void)arg;
	for (size_t turn = 0; turn < TURNS; turn++) {
		wrong += is_wrong_count(&seen);
		wrong += is_wrong_text();
		wrong += is_wrong_change(load_relaxed(&changing));
	}
	return (void *)wrong;
}

int main(void)
{
	void *(*const play[])(void *) = { writer, writer, writer,
					  reader, reader, reader };
	pthread_t threads[WRITERS + READERS];
	unsigned char *at = memory;
	size_t bytes;
	long wrong = 0;

	for (int i = 0; i < ITEMS; i++)
		values[i] = rig_int(i);
	values[TEXT] = rig_str("00000");
	if (list_layout_bytes("tsan", values, ITEMS, &bytes) < 0 ||
	    bytes > sizeof(memory) ||
	    list_layout_write(values, ITEMS, write_memory, &at) < 0 ||
	    list_layout_view(&view, "tsan", memory, bytes) < 0)
		return EXIT_FAILURE;
	for (intptr_t i = 0; i < WRITERS + READERS; i++)
		if (pthread_create(&threads[i], NULL, play[i], (void *)i))
			return EXIT_FAILURE;
	for (int i = 0; i < WRITERS + READERS; i++) {
		void *result;

		pthread_join(threads[i], &result);
		wrong += (long)result;
	}
	if (wrong)
		printf("%ld readings that nobody stored\n", wrong);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
