/* SPDX-License-Identifier: MIT */
/*
 * picture.c - an array as a picture.
 */
#include <runner/picture.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <runner/dtype.h>
#include <runner/convert.h>

#include <runner/words.h>

#define WHITE 255

static bool ends_in(const char *path, const char *end)
{
	size_t length = strlen(path), most = strlen(end);

	return length > most && strcasecmp(path + length - most, end) == 0;
}

/* Pictures of other kinds, and tables, which are not written. */
static bool is_other(const char *path)
{
	static const char *const ends[] = { ".png", ".ppm", ".pbm",  ".jpg",
					    ".gif", ".bmp", ".jpeg", ".tif",
					    ".svg", ".csv", ".txt",  ".tiff",
					    ".pdf", ".npz" };
	bool other = false;

	for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
		other |= ends_in(path, ends[i]);
	return other;
}

bool picture_wanted(const char *path)
{
	return ends_in(path, ".pgm") || is_other(path);
}

/* The side of a square of `count` points; 0: there is no such square. */
static uint64_t side_of(uint64_t count)
{
	uint64_t side = (uint64_t)llrint(sqrt((double)count));

	return side * side == count ? side : 0;
}

int picture_create(struct outfile *output, const char *path,
		   const struct rig_array *array, const struct npy_shape *shape)
{
	uint64_t side = side_of(array->count);
	char header[80];
	int length, r;

	if (is_other(path))
		return words_fail(-EINVAL,
				  "%s: arrays are written as .npy, and "
				  "pictures as .pgm, or by `runrig run' as "
				  ".png",
				  path);
	if (!convert_knows(array))
		return words_fail(-EINVAL, "%s: %s are no shades of a picture",
				  path, rig_dtype_name(array->dtype));
	if (array->count == 0 || shape->dims > 2 ||
	    (shape->dims == 1 && side == 0))
		return words_fail(-EINVAL,
				  "%s: %llu elements are no square: "
				  "only those, and arrays of two dimensions, "
				  "are pictures",
				  path, (unsigned long long)array->count);
	length = snprintf(
		header, sizeof(header), "P5\n%llu %llu\n%d\n",
		(unsigned long long)(shape->dims == 2 ? shape->extent[1]
						      : side),
		(unsigned long long)(shape->dims == 2 ? shape->extent[0]
						      : side),
		WHITE);
	r = outfile_begin(output, path, header, (size_t)length, array->count);
	return r < 0 ? words_fail_file(r, path) : 0;
}

/* The least and the greatest finite element; false: no element is finite. */
static bool range_of(const void *data, const struct rig_array *array,
		     double *least, double *greatest)
{
	*least = INFINITY;
	*greatest = -INFINITY;
	for (uint64_t i = 0; i < array->count; i++) {
		double x;

		convert_to_double(array->dtype, data, i, i + 1, &x);
		if (!isfinite(x))
			continue;
		*least = x < *least ? x : *least;
		*greatest = x > *greatest ? x : *greatest;
	}
	return *least <= *greatest;
}

int picture_end(struct outfile *output, const void *data,
		const struct rig_array *array)
{
	unsigned char *shades = malloc(array->count);
	double least, greatest;
	bool any;
	int r;

	if (!shades)
		return words_fail(-ENOMEM, "out of memory");
	any = range_of(data, array, &least, &greatest);
	for (uint64_t i = 0; i < array->count; i++) {
		double x, part = 0;

		convert_to_double(array->dtype, data, i, i + 1, &x);
		if (any && greatest > least)
			part = (x / 2 - least / 2) / (greatest / 2 - least / 2);
		/* A NaN is black. */
		part = part > 0 ? part : 0;
		shades[i] = (unsigned char)lrint((part < 1 ? part : 1) * WHITE);
	}
	r = outfile_end(output, shades, array->count);
	free(shades);
	return r < 0 ? words_fail_file(r, output->path) : 0;
}
