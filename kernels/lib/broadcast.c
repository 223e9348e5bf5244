/* SPDX-License-Identifier: MIT */
/*
 * broadcast.c - arrays of several shapes as one shape.
 */
#include <kernels/lib/broadcast.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Bytes of a shape in words. */
#define SHAPE_BYTES 96

/* An array that is not given has no dimensions, and any number of elements. */
static int dims_of(const struct rig_array *array)
{
	return array->dims == 0 ? array->count != 1 : (int)array->dims;
}

static int64_t extent_of(const struct rig_array *array, int d)
{
	return array->dims == 0 ? (int64_t)array->count : array->shape[d];
}

static int64_t stride_of(const struct rig_array *array, int d)
{
	return array->dims == 0 ? array->item_bytes : array->strides[d];
}

/* "(3, 4)" */
static const char *shape_words(const struct rig_array *array,
			       char text[SHAPE_BYTES])
{
	int dims = dims_of(array), used = snprintf(text, SHAPE_BYTES, "(");

	for (int d = 0; d < dims && used < SHAPE_BYTES; d++)
		used += snprintf(text + used, (size_t)(SHAPE_BYTES - used),
				 "%s%lld", d ? ", " : "",
				 (long long)extent_of(array, d));
	if (used < SHAPE_BYTES)
		snprintf(text + used, (size_t)(SHAPE_BYTES - used), "%s)",
			 dims == 1 ? "," : "");
	return text;
}

/* Widen the result's shape by the shape of array k; false: there is no common
 * shape. */
static bool join(struct broadcast *all, const struct rig_array *array)
{
	int dims = dims_of(array);

	for (int d = 0; d < dims; d++) {
		int at = all->dims - dims + d;
		int64_t extent = extent_of(array, d);

		if (all->extent[at] == 1)
			all->extent[at] = extent;
		else if (extent != 1 && extent != all->extent[at])
			return false;
	}
	return true;
}

static void set_strides(struct broadcast *all, int k,
			const struct rig_array *array)
{
	int dims = dims_of(array);
	int64_t next = array->item_bytes;

	all->flat[k] = true;
	for (int at = all->dims - 1; at >= 0; at--) {
		int d = at - (all->dims - dims);
		bool is_one = d < 0 || extent_of(array, d) == 1;

		all->stride[k][at] = is_one ? 0 : stride_of(array, d);
		all->flat[k] &=
			all->extent[at] == 1 || all->stride[k][at] == next;
		next *= all->extent[at];
	}
}

static int refuse(const struct rig_array *arrays, int k,
		  const char (*names)[RIG_DECLARED_BYTES], char *why,
		  size_t why_bytes)
{
	char shape[SHAPE_BYTES], other[SHAPE_BYTES];

	for (int i = 0; i < k; i++) {
		struct broadcast two = { .dims = RIG_DIMS_MAX,
					 .extent = { 1, 1, 1, 1 } };

		if (join(&two, &arrays[i]) && join(&two, &arrays[k]))
			continue;
		snprintf(why, why_bytes,
			 "%s is %s and %s is %s: shapes that do not broadcast "
			 "together",
			 names[i], shape_words(&arrays[i], shape), names[k],
			 shape_words(&arrays[k], other));
		return -EINVAL;
	}
	snprintf(why, why_bytes, "%s is %s, which does not broadcast", names[k],
		 shape_words(&arrays[k], shape));
	return -EINVAL;
}

int broadcast_shapes(struct broadcast *all, const struct rig_array *arrays,
		     int count, const char (*names)[RIG_DECLARED_BYTES],
		     char *why, size_t why_bytes)
{
	_Static_assert(RIG_DIMS_MAX == 4, "the ones below");

	*all = (struct broadcast){ .extent = { 1, 1, 1, 1 }, .count = 1 };
	for (int k = 0; k < count; k++) {
		if (arrays[k].dims > RIG_DIMS_MAX) {
			snprintf(why, why_bytes,
				 "%s has %u dimensions, and %d are taken",
				 names[k], arrays[k].dims, RIG_DIMS_MAX);
			return -EINVAL;
		}
		if (dims_of(&arrays[k]) > all->dims)
			all->dims = dims_of(&arrays[k]);
	}
	for (int k = 0; k < count; k++)
		if (!join(all, &arrays[k]))
			return refuse(arrays, k, names, why, why_bytes);
	for (int d = 0; d < all->dims; d++)
		if (__builtin_mul_overflow(all->count, (size_t)all->extent[d],
					   &all->count)) {
			snprintf(why, why_bytes,
				 "the shapes together have more elements than "
				 "can be counted");
			return -EINVAL;
		}
	for (int k = 0; k < count; k++)
		set_strides(all, k, &arrays[k]);
	return 0;
}

/* `count` elements, `stride` bytes apart; a loop for each size of an
 * element. */
static void copy_run(char *to, const char *from, int64_t stride, size_t item,
		     size_t count)
{
	if (stride == (int64_t)item) {
		memcpy(to, from, count * item);
		return;
	}
	for (size_t i = 0; i < count; i++, to += item, from += stride) {
		if (item == 8)
			memcpy(to, from, 8);
		else if (item == 4)
			memcpy(to, from, 4);
		else
			memcpy(to, from, item);
	}
}

void broadcast_gather(const struct broadcast *all, int k, const void *items,
		      size_t item_bytes, size_t begin, size_t count, void *to)
{
	int last = all->dims - 1;
	size_t index[RIG_DIMS_MAX] = { 0 }, at = begin;

	for (int d = last; d >= 0; d--) {
		index[d] = at % (size_t)all->extent[d];
		at /= (size_t)all->extent[d];
	}
	while (count) {
		const char *from = items;
		size_t run =
			last < 0 ? 1 : (size_t)all->extent[last] - index[last];

		run = run < count ? run : count;
		for (int d = 0; d <= last; d++)
			from += (int64_t)index[d] * all->stride[k][d];
		copy_run(to, from, last < 0 ? 0 : all->stride[k][last],
			 item_bytes, run);
		to = (char *)to + run * item_bytes;
		count -= run;
		/* On to the next row. */
		if (last >= 0)
			index[last] = 0;
		for (int d = last - 1; d >= 0; d--) {
			if (++index[d] < (size_t)all->extent[d])
				break;
			index[d] = 0;
		}
	}
}
