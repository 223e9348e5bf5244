/* SPDX-License-Identifier: MIT */
/*
 * quicksort_network.h - the keys of some vectors put in order in registers, whatever
 * the vectors are; part of quicksort_body.h, which names the vectors' operations.
 *
 * The keys are a matrix, a row a vector.  First each column is sorted, by a network
 * of comparisons between rows.  Then neighbouring columns are merged as bitonic
 * sequences, so that pairs of columns are in order, then fours, and so on; and at
 * last the columns become rows.
 */
#include <stddef.h>
#include <stdint.h>

VECTOR size_t lanes(size_t bytes)
{
	return BYTES / bytes;
}

VECTOR void order(vec *a, vec *b, size_t bytes)
{
	vec low = lesser(*a, *b, bytes);

	*b = greater(*a, *b, bytes);
	*a = low;
}

/* ---- columns: Batcher's odd-even merge sort, of rows ---- */

VECTOR void columns4(vec *v, size_t bytes)
{
	order(v, v + 1, bytes);
	order(v + 2, v + 3, bytes);
	order(v, v + 2, bytes);
	order(v + 1, v + 3, bytes);
	order(v + 1, v + 2, bytes);
}

VECTOR void columns8(vec *v, size_t bytes)
{
	columns4(v, bytes);
	columns4(v + 4, bytes);
	order(v, v + 4, bytes);
	order(v + 1, v + 5, bytes);
	order(v + 2, v + 6, bytes);
	order(v + 3, v + 7, bytes);
	order(v + 2, v + 4, bytes);
	order(v + 3, v + 5, bytes);
	order(v + 1, v + 2, bytes);
	order(v + 3, v + 4, bytes);
	order(v + 5, v + 6, bytes);
}

VECTOR void columns16(vec *v, size_t bytes)
{
	columns8(v, bytes);
	columns8(v + 8, bytes);
	order(v, v + 8, bytes);
	order(v + 1, v + 9, bytes);
	order(v + 2, v + 10, bytes);
	order(v + 3, v + 11, bytes);
	order(v + 4, v + 12, bytes);
	order(v + 5, v + 13, bytes);
	order(v + 6, v + 14, bytes);
	order(v + 7, v + 15, bytes);
	order(v + 4, v + 8, bytes);
	order(v + 5, v + 9, bytes);
	order(v + 6, v + 10, bytes);
	order(v + 7, v + 11, bytes);
	order(v + 2, v + 4, bytes);
	order(v + 3, v + 5, bytes);
	order(v + 6, v + 8, bytes);
	order(v + 7, v + 9, bytes);
	order(v + 10, v + 12, bytes);
	order(v + 11, v + 13, bytes);
	order(v + 1, v + 2, bytes);
	order(v + 3, v + 4, bytes);
	order(v + 5, v + 6, bytes);
	order(v + 7, v + 8, bytes);
	order(v + 9, v + 10, bytes);
	order(v + 11, v + 12, bytes);
	order(v + 13, v + 14, bytes);
}

/* ---- merges ---- */

/* Each row is ordered with the one half of the rows away, then a quarter... */
VECTOR void halves4(vec *v, size_t bytes)
{
	order(v, v + 2, bytes);
	order(v + 1, v + 3, bytes);
	order(v, v + 1, bytes);
	order(v + 2, v + 3, bytes);
}

VECTOR void halves8(vec *v, size_t bytes)
{
	order(v, v + 4, bytes);
	order(v + 1, v + 5, bytes);
	order(v + 2, v + 6, bytes);
	order(v + 3, v + 7, bytes);
	halves4(v, bytes);
	halves4(v + 4, bytes);
}

VECTOR void halves16(vec *v, size_t bytes)
{
	order(v, v + 8, bytes);
	order(v + 1, v + 9, bytes);
	order(v + 2, v + 10, bytes);
	order(v + 3, v + 11, bytes);
	order(v + 4, v + 12, bytes);
	order(v + 5, v + 13, bytes);
	order(v + 6, v + 14, bytes);
	order(v + 7, v + 15, bytes);
	halves8(v, bytes);
	halves8(v + 8, bytes);
}

/* Two runs of `d` columns each lie side by side: the first is ordered with the
 * second from its end: row a with row b, the same distance from the last row. */
VECTOR void fold(vec *a, vec *b, size_t d, size_t bytes)
{
	vec turned = swap(*b, 2 * d - 1, bytes);
	vec low = lesser(*a, turned, bytes), high = greater(*a, turned, bytes);

	*a = pick(low, high, d, bytes);
	*b = swap(pick(high, low, d, bytes), 2 * d - 1, bytes);
}

/* Columns a distance of `d` apart. */
VECTOR void across(vec *v, size_t d, size_t bytes)
{
	vec other = swap(*v, d, bytes);

	*v = pick(lesser(*v, other, bytes), greater(*v, other, bytes), d,
		  bytes);
}

VECTOR void across4(vec *v, size_t d, size_t bytes)
{
	across(v, d, bytes);
	across(v + 1, d, bytes);
	across(v + 2, d, bytes);
	across(v + 3, d, bytes);
}

VECTOR void across_rows(vec *v, size_t rows, size_t d, size_t bytes)
{
	across4(v, d, bytes);
	if (rows >= 8)
		across4(v + 4, d, bytes);
	if (rows >= 16) {
		across4(v + 8, d, bytes);
		across4(v + 12, d, bytes);
	}
}

VECTOR void fold_rows(vec *v, size_t rows, size_t d, size_t bytes)
{
	fold(v, v + rows - 1, d, bytes);
	fold(v + 1, v + rows - 2, d, bytes);
	if (rows >= 8) {
		fold(v + 2, v + rows - 3, d, bytes);
		fold(v + 3, v + rows - 4, d, bytes);
	}
	if (rows >= 16) {
		fold(v + 4, v + rows - 5, d, bytes);
		fold(v + 5, v + rows - 6, d, bytes);
		fold(v + 6, v + rows - 7, d, bytes);
		fold(v + 7, v + rows - 8, d, bytes);
	}
}

/* Runs of d columns become runs of 2 * d. */
VECTOR void merge(vec *v, size_t rows, size_t d, size_t bytes)
{
	fold_rows(v, rows, d, bytes);
	if (d >= 8)
		across_rows(v, rows, 4, bytes);
	if (d >= 4)
		across_rows(v, rows, 2, bytes);
	if (d >= 2)
		across_rows(v, rows, 1, bytes);
	if (rows == 16)
		halves16(v, bytes);
	else if (rows == 8)
		halves8(v, bytes);
	else
		halves4(v, bytes);
}

/* ---- columns become rows ---- */

/* Exchanges a bit of the rows' numbers, `row`, and one of the lanes', `d`. */
VECTOR void exchange4(vec *v, size_t row, size_t d, size_t bytes)
{
	exchange(v, v + row, d, bytes);
	exchange(v + (row == 1 ? 2 : 1), v + (row == 1 ? 2 : 1) + row, d,
		 bytes);
}

VECTOR void exchange8(vec *v, size_t row, size_t d, size_t bytes)
{
	if (row < 4) {
		exchange4(v, row, d, bytes);
		exchange4(v + 4, row, d, bytes);
	} else {
		exchange(v, v + 4, d, bytes);
		exchange(v + 1, v + 5, d, bytes);
		exchange(v + 2, v + 6, d, bytes);
		exchange(v + 3, v + 7, d, bytes);
	}
}

VECTOR void exchange_rows(vec *v, size_t rows, size_t row, size_t d,
			  size_t bytes)
{
	if (rows == 4) {
		exchange4(v, row, d, bytes);
	} else if (rows == 8) {
		exchange8(v, row, d, bytes);
	} else if (row < 8) {
		exchange8(v, row, d, bytes);
		exchange8(v + 8, row, d, bytes);
	} else {
		exchange(v, v + 8, d, bytes);
		exchange(v + 1, v + 9, d, bytes);
		exchange(v + 2, v + 10, d, bytes);
		exchange(v + 3, v + 11, d, bytes);
		exchange(v + 4, v + 12, d, bytes);
		exchange(v + 5, v + 13, d, bytes);
		exchange(v + 6, v + 14, d, bytes);
		exchange(v + 7, v + 15, d, bytes);
	}
}

/* The highest bit of a row's number for that of a lane's, and so on down: where
 * there are more rows than lanes the upper bits of rows stay. */
VECTOR void transpose(vec *v, size_t rows, size_t bytes)
{
	size_t row = rows < lanes(bytes) ? rows / 2 : lanes(bytes) / 2;
	size_t d = lanes(bytes) / 2;

	exchange_rows(v, rows, row, d, bytes);
	exchange_rows(v, rows, row / 2, d / 2, bytes);
	if (row >= 4)
		exchange_rows(v, rows, row / 4, d / 4, bytes);
	if (row >= 8)
		exchange_rows(v, rows, row / 8, d / 8, bytes);
}

/* Where vector i of the sorted keys is, after transpose(). */
VECTOR size_t place_of(size_t i, size_t rows, size_t bytes)
{
	size_t blocks = rows > lanes(bytes) ? rows / lanes(bytes) : 1;

	return i % blocks * lanes(bytes) + i / blocks;
}

VECTOR void sort_rows(vec *v, size_t rows, size_t bytes)
{
	if (rows == 16)
		columns16(v, bytes);
	else if (rows == 8)
		columns8(v, bytes);
	else
		columns4(v, bytes);
	merge(v, rows, 1, bytes);
	merge(v, rows, 2, bytes);
	if (lanes(bytes) >= 8)
		merge(v, rows, 4, bytes);
	if (lanes(bytes) >= 16)
		merge(v, rows, 8, bytes);
	transpose(v, rows, bytes);
}
