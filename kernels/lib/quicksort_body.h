/* SPDX-License-Identifier: MIT */
/*
 * quicksort_body.h - a quicksort of keys in vectors, whatever the vectors are.
 *
 * A file includes this one after it has defined, for vectors of its own:
 *
 *	VECTOR            attributes of a function that is part of all others
 *	APART             and of one that is none
 *	vec, BYTES        a vector, and its bytes
 *	ROWS              vectors that are sorted within registers: 8 or 16
 *	get, put          a vector of keys from and to memory
 *	fill, first_key   a vector of one key; the key in the first lane
 *	get_apart         of each `step` keys one
 *	get_some, put_some  the same of the first `count` keys; lanes beyond are
 *	                  the greatest key
 *	lesser, greater   of each pair of keys
 *	swap(v, x)        lane i becomes lane i ^ x
 *	pick(low, high, d)  lanes whose number has the bit d from `high`
 *	exchange(a, b, d) lanes of a with the bit d change places with lanes of
 *	                  b without
 *	turn(v, rows)     the bits of lanes' numbers turned by log2(rows), upwards
 *	divide            see partition()
 *
 * Each takes `bytes`, of a key, which is a constant: 4 or 8.
 *
 * Keys that fit in ROWS vectors are sorted in registers (quicksort_network.h).
 * More keys are divided at a pivot, from both ends, where they lie: first
 * some vectors of both ends are loaded, and from then on there is room for the
 * vector that is written.
 *
 * The plan is that of Bramas ("A novel hybrid quicksort algorithm vectorized using
 * AVX-512 on Intel Skylake", 2017) and of Blacher, Giesen, Sanders and Wassenberg
 * ("Vectorized and performance-portable quicksort", 2022).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <kernels/lib/quicksort_network.h>

/* Vectors that are divided at once. */
#define UNROLLED 4

/* Keys from which on a pivot is chosen among ROWS vectors, and not 4. */
#define MANY 8192

/* The distance of keys of the sample that a pivot is the median of, at most: all
 * lanes' distances fit in 32 bits. */
#define APART_MAX ((size_t)1 << 26)

/* ---- as many keys as fit in registers ---- */

/* Row i: all of it, or so much as there is of `count` keys. */
VECTOR void get_row(vec *v, const char *keys, size_t i, bool full, size_t count,
		    size_t bytes)
{
	size_t first = i * lanes(bytes);

	if (full)
		v[i] = get(keys + first * bytes, bytes);
	else
		v[i] = get_some(keys + first * bytes,
				count > first ? count - first : 0, bytes);
}

VECTOR void put_row(const vec *v, char *keys, size_t i, size_t rows, bool full,
		    size_t count, size_t bytes)
{
	size_t first = i * lanes(bytes);
	vec row = v[place_of(i, rows, bytes)];

	if (rows < lanes(bytes))
		row = turn(row, rows, bytes);
	if (full)
		put(keys + first * bytes, row, bytes);
	else
		put_some(keys + first * bytes, row,
			 count > first ? count - first : 0, bytes);
}

VECTOR void get_rows4(vec *v, const char *keys, size_t i, bool full,
		      size_t count, size_t bytes)
{
	get_row(v, keys, i, full, count, bytes);
	get_row(v, keys, i + 1, full, count, bytes);
	get_row(v, keys, i + 2, full, count, bytes);
	get_row(v, keys, i + 3, full, count, bytes);
}

VECTOR void put_rows4(const vec *v, char *keys, size_t i, size_t rows,
		      bool full, size_t count, size_t bytes)
{
	put_row(v, keys, i, rows, full, count, bytes);
	put_row(v, keys, i + 1, rows, full, count, bytes);
	put_row(v, keys, i + 2, rows, full, count, bytes);
	put_row(v, keys, i + 3, rows, full, count, bytes);
}

/* The first half of 8 or 16 rows is full. */
VECTOR void few_rows(char *keys, size_t rows, size_t count, size_t bytes)
{
	vec v[16];

	get_rows4(v, keys, 0, rows > 4, count, bytes);
	if (rows >= 8)
		get_rows4(v, keys, 4, rows > 8, count, bytes);
	if (rows >= 16) {
		get_rows4(v, keys, 8, false, count, bytes);
		get_rows4(v, keys, 12, false, count, bytes);
	}
	sort_rows(v, rows, bytes);
	put_rows4(v, keys, 0, rows, rows > 4, count, bytes);
	if (rows >= 8)
		put_rows4(v, keys, 4, rows, rows > 8, count, bytes);
	if (rows >= 16) {
		put_rows4(v, keys, 8, rows, false, count, bytes);
		put_rows4(v, keys, 12, rows, false, count, bytes);
	}
}

VECTOR void block_of(char *keys, size_t count, size_t bytes)
{
	if (count <= 4 * lanes(bytes))
		few_rows(keys, 4, count, bytes);
	else if (count <= 8 * lanes(bytes))
		few_rows(keys, 8, count, bytes);
	else
		few_rows(keys, ROWS, count, bytes);
}

/* These are long, and called from more than one place. */
APART void block_wide(char *keys, size_t count)
{
	block_of(keys, count, 8);
}

APART void block_narrow(char *keys, size_t count)
{
	block_of(keys, count, 4);
}

/* Up to ROWS rows. */
VECTOR void one_block(char *keys, size_t count, size_t bytes)
{
	if (bytes == 8)
		block_wide(keys, count);
	else
		block_narrow(keys, count);
}

/* Row i of sorted keys and the row that is as far from the end of as many others
 * are ordered: the greater ones become row i of `high`. */
VECTOR void fold_row(vec *v, vec *high, const char *keys, size_t i,
		     size_t count, size_t bytes)
{
	size_t first = (2 * ROWS - 1 - i) * lanes(bytes);
	vec a = get(keys + i * BYTES, bytes), b;

	b = swap(get_some(keys + first * bytes,
			  count > first ? count - first : 0, bytes),
		 lanes(bytes) - 1, bytes);
	v[i] = lesser(a, b, bytes);
	high[i] = greater(a, b, bytes);
}

VECTOR void fold_rows4(vec *v, vec *high, const char *keys, size_t i,
		       size_t count, size_t bytes)
{
	fold_row(v, high, keys, i, count, bytes);
	fold_row(v, high, keys, i + 1, count, bytes);
	fold_row(v, high, keys, i + 2, count, bytes);
	fold_row(v, high, keys, i + 3, count, bytes);
}

/* A bitonic sequence of ROWS rows, one after another, in order. */
VECTOR void merge_bitonic(vec *v, size_t bytes)
{
	if (ROWS == 16)
		halves16(v, bytes);
	else
		halves8(v, bytes);
	if (lanes(bytes) >= 16)
		across_rows(v, ROWS, 8, bytes);
	if (lanes(bytes) >= 8)
		across_rows(v, ROWS, 4, bytes);
	across_rows(v, ROWS, 2, bytes);
	across_rows(v, ROWS, 1, bytes);
}

VECTOR void put_bitonic(const vec *v, char *keys, size_t i, bool full,
			size_t count, size_t bytes)
{
	for (size_t row = i; row < i + 4; row++) {
		size_t first = row * lanes(bytes);

		if (full)
			put(keys + row * BYTES, v[row], bytes);
		else
			put_some(keys + row * BYTES, v[row],
				 count > first ? count - first : 0, bytes);
	}
}

/* Up to 2 * ROWS rows, of which the first ROWS are full: sorted by halves, which
 * are merged. */
VECTOR void two_blocks(char *keys, size_t count, size_t bytes)
{
	char *upper = keys + ROWS * BYTES;
	vec v[16], high[16];

	one_block(keys, ROWS * lanes(bytes), bytes);
	one_block(upper, count - ROWS * lanes(bytes), bytes);
	fold_rows4(v, high, keys, 0, count, bytes);
	fold_rows4(v, high, keys, 4, count, bytes);
	if (ROWS == 16) {
		fold_rows4(v, high, keys, 8, count, bytes);
		fold_rows4(v, high, keys, 12, count, bytes);
	}
	merge_bitonic(v, bytes);
	for (size_t i = 0; i < ROWS; i += 4)
		put_bitonic(v, keys, i, true, count, bytes);
	merge_bitonic(high, bytes);
	for (size_t i = 0; i < ROWS; i += 4)
		put_bitonic(high, upper, i, false, count - ROWS * lanes(bytes),
			    bytes);
}

VECTOR void few(char *keys, size_t count, size_t bytes)
{
	if (count <= ROWS * lanes(bytes))
		one_block(keys, count, bytes);
	else
		two_blocks(keys, count, bytes);
}

/* ---- more keys ---- */

VECTOR uint64_t load_key(const char *keys, size_t i, size_t bytes)
{
	uint64_t key = 0;

	memcpy(&key, keys + i * bytes, bytes);
	return key;
}

/* The key in the middle of a sample, `rows` vectors, from all over the keys: single
 * keys, for neighbours are of one kind in much that is to be sorted. */
VECTOR uint64_t median(const char *keys, size_t count, size_t rows,
		       size_t bytes)
{
	size_t step = count / (rows * lanes(bytes));
	size_t middle = place_of(rows / 2, rows, bytes);
	vec v[ROWS];

	if (step > APART_MAX)
		step = APART_MAX;
	for (size_t i = 0; i < rows; i++)
		v[i] = get_apart(keys + i * lanes(bytes) * step * bytes, step,
				 bytes);
	sort_rows(v, rows, bytes);
	return first_key(rows < lanes(bytes) ? turn(v[middle], rows, bytes)
					     : v[middle],
			 bytes);
}

/* In this process: what is not yet written of keys that are divided.  Keys that
 * are read come from the gap between the two ends; there is room from `low` to
 * `left` and from `right` to `high`. */
struct division {
	char *keys;
	size_t low, left, right, high; /* numbers of keys */
};

/* The number of the first of `width` keys, at the end where there is less room. */
VECTOR size_t next_keys(struct division *d, size_t width)
{
	bool from_left = d->left - d->low <= d->high - d->right;
	size_t first = from_left ? d->left : d->right - width;

	d->left += from_left ? width : 0;
	d->right -= from_left ? 0 : width;
	return first;
}

VECTOR void divide_next(struct division *d, vec pivot, size_t bytes)
{
	size_t first = next_keys(d, lanes(bytes));

	divide(d, get(d->keys + first * bytes, bytes), pivot, bytes);
}

VECTOR void divide_block(struct division *d, vec pivot, size_t bytes)
{
	size_t first = next_keys(d, UNROLLED * lanes(bytes));
	const char *keys = d->keys + first * bytes;
	vec v0 = get(keys, bytes), v1 = get(keys + BYTES, bytes);
	vec v2 = get(keys + 2 * BYTES, bytes);
	vec v3 = get(keys + 3 * BYTES, bytes);

	divide(d, v0, pivot, bytes);
	divide(d, v1, pivot, bytes);
	divide(d, v2, pivot, bytes);
	divide(d, v3, pivot, bytes);
}

/* Fewer keys than a vector's; all between d->low and d->high is room. */
VECTOR void divide_rest(struct division *d, uint64_t at, size_t bytes)
{
	size_t count = d->right - d->left;
	char rest[BYTES];

	memcpy(rest, d->keys + d->left * bytes, count * bytes);
	for (size_t i = 0; i < count; i++) {
		uint64_t key = load_key(rest, i, bytes);
		bool below = key < at;

		memcpy(d->keys + (below ? d->low : d->high - 1) * bytes, &key,
		       bytes);
		d->low += below;
		d->high -= !below;
	}
}

/*
 * The keys below `at` come first; returns how many these are.  There are
 * 2 * UNROLLED vectors at least.
 *
 * divide(d, v, pivot): the keys of v that are below the pivot go to d->low, the
 * others before d->high, and these move on.  It may write a whole vector at d->low
 * and one that ends at d->high: either there is room for one at both, or all
 * between is room for a number of whole vectors.
 */
VECTOR size_t partition(char *keys, size_t count, uint64_t at, size_t bytes)
{
	size_t block = UNROLLED * lanes(bytes);
	struct division d = { keys, 0, block, count - block, count };
	vec pivot = fill(at, bytes), ends[2 * UNROLLED];

	for (size_t i = 0; i < UNROLLED; i++) {
		ends[i] = get(keys + i * BYTES, bytes);
		ends[UNROLLED + i] =
			get(keys + d.right * bytes + i * BYTES, bytes);
	}
	while (d.right - d.left >= block)
		divide_block(&d, pivot, bytes);
	while (d.right - d.left >= lanes(bytes))
		divide_next(&d, pivot, bytes);
	divide_rest(&d, at, bytes);
	for (size_t i = 0; i < 2 * UNROLLED; i++)
		divide(&d, ends[i], pivot, bytes);
	return d.low;
}

/* Keys that are still to be sorted: none is below `least`, and `depth` more
 * divisions may follow one another. */
struct key_range {
	char *keys;
	size_t count;
	uint64_t least;
	unsigned depth;
};

/* Divides a range until few are left and sorts these; upper parts go to the
 * stack.  Returns false where too many pivots were poor. */
VECTOR bool sort_range(struct key_range range, struct key_range **top,
		       size_t bytes)
{
	while (range.count > 2 * ROWS * lanes(bytes)) {
		uint64_t pivot =
			range.count < MANY
				? median(range.keys, range.count, 4, bytes)
				: median(range.keys, range.count, ROWS, bytes);
		bool equal = pivot == range.least;
		size_t below;

		if (range.depth-- == 0)
			return false;
		if (equal && pivot == UINT64_MAX >> (64 - 8 * bytes))
			return true;
		/* None is below the least: those that equal it are split off. */
		below = partition(range.keys, range.count, pivot + equal,
				  bytes);
		*(*top)++ = (struct key_range){ range.keys + below * bytes,
						range.count - below,
						pivot + equal, range.depth };
		if (equal)
			return true;
		range.count = below;
	}
	few(range.keys, range.count, bytes);
	return true;
}

/* A range leaves an upper part for each of its divisions, and these have fewer
 * divisions before them. */
VECTOR bool sort_in_vectors(char *keys, size_t count, unsigned depth,
			    size_t bytes)
{
	struct key_range stack[QUICKSORT_DEPTH + 1], *top = stack;

	*top++ = (struct key_range){ keys, count, 0, depth };
	while (top > stack) {
		struct key_range range = *--top;

		if (!sort_range(range, &top, bytes))
			return false;
	}
	return true;
}
