/* SPDX-License-Identifier: MIT */
/*
 * mirror.h - items in reverse order, as fast as memory allows.
 *
 * Items have 1, 2, 4, 8, 16 or 32 bytes and need no alignment.  Small items are
 * handled a word at a time, with the items of the word turned round in
 * registers.
 */
#ifndef KERNELS_MIRROR_H
#define KERNELS_MIRROR_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the functions here know the size of an item. */
bool mirror_knows(size_t item_bytes);

/* Exchange item i of `low` with item count - 1 - i of `high`.  The two do not
 * overlap. */
void mirror_swap(void *low, void *high, size_t count, size_t item_bytes);

/* Copy item count - 1 - i of `from` to item i of `to`.  The two do not
 * overlap. */
void mirror_copy(void *to, const void *from, size_t count, size_t item_bytes);

#endif
