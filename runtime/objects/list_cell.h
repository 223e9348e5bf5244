/* SPDX-License-Identifier: MIT */
/*
 * list_cell.h - shared parts of list_layout_*.c: the parts of an item, and the
 * stored form of a value.
 */
#ifndef RUNRIG_LIST_CELL_H
#define RUNRIG_LIST_CELL_H

#include <stdbool.h>
#include <string.h>

#include "objects/list_layout.h"

#define CODE_PLAIN 0
#define CODE_STR   1
#define CODE_BYTES 2
#define CODE_NONE  3

#define WORD ((size_t)8)

/* Bytes of a list beside the items, and of the smallest item. */
#define FIXED_BYTES (2 * WORD)
#define ITEM_BYTES  (3 * WORD + 1)

/* The stored form of a value. */
struct store {
	uint64_t cell;
	uint64_t word; /* except for text */
	uint8_t code;
	bool is_text;
};

/* Eight characters in the order of memory. */
static inline uint64_t cell_of(const char text[static 8])
{
	uint64_t cell;

	memcpy(&cell, text, sizeof(cell));
	return cell;
}

#define CELL_INT   cell_of("q\0\0\0\0\0\0")
#define CELL_FLOAT cell_of("d\0\0\0\0\0\0")
#define CELL_BOOL  cell_of("xxxxxxx?")
#define CELL_NONE  cell_of("xxxxxx?x")

/* The format cell of a text in a slot of `bytes` bytes. */
uint64_t list_cell_of_text(size_t slot_bytes);

/* Is `value` a value, and if text, UTF-8?  0, -EINVAL or -EILSEQ; `name` and
 * `item` are for the words. */
int list_check_value(const char *name, const struct rig_value *value,
		     size_t item);

/* The stored word for `value` in a slot, and the bytes behind the word. */
static inline struct store store_of(const struct rig_value *value,
				    size_t slot_bytes)
{
	struct store store = { .code = CODE_PLAIN };
	char truth[WORD] = { 0 };

	switch (value->kind) {
	case RIG_VALUE_NONE:
		store.cell = CELL_NONE;
		store.code = CODE_NONE;
		break;
	case RIG_VALUE_INT:
		store.cell = CELL_INT;
		store.word = (uint64_t)value->integer;
		break;
	case RIG_VALUE_FLOAT:
		store.cell = CELL_FLOAT;
		memcpy(&store.word, &value->real, WORD);
		break;
	case RIG_VALUE_BOOL:
		store.cell = CELL_BOOL;
		truth[WORD - 1] = value->truth;
		memcpy(&store.word, truth, WORD);
		break;
	case RIG_VALUE_STR:
	case RIG_VALUE_BYTES:
		store.cell = list_cell_of_text(slot_bytes);
		store.code =
			value->kind == RIG_VALUE_STR ? CODE_STR : CODE_BYTES;
		store.is_text = true;
		break;
	}
	return store;
}

#endif
