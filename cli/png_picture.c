/* SPDX-License-Identifier: MIT */
/*
 * png_picture.c - an array as a picture in colours, by libpng.
 */
#include "png_picture.h"

#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "command.h"

#if defined(HAVE_LIBPNG)

#include <png.h>

#include <common/outfile.h>

/* Points of a picture, at most: 16 GB of colours would be in memory. */
#define POINTS_MAX ((uint64_t)1 << 28)

#define STOPS                                                                  \
	10    /* colours of a scale that are given; between them it is even */
#define GAP 8 /* points between the pictures of a row */

static const struct {
	const char *name;
	uint32_t stops[STOPS];
} scales[] = {
	/* Matplotlib's colours (Smith, van der Walt and Firing, CC0): equal
	 * steps look equal. */
	{ "inferno",
	  { 0x000004, 0x1b0c41, 0x4a0c6b, 0x781c6d, 0xa52c60, 0xcf4446,
	    0xed6925, 0xfb9b06, 0xf7d13d, 0xfcffa4 } },
	{ "viridis",
	  { 0x440154, 0x482878, 0x3e4989, 0x31688e, 0x26828e, 0x1f9e89,
	    0x35b779, 0x6ece58, 0xb5de2b, 0xfde725 } },
	{ "gray",
	  { 0x000000, 0x1c1c1c, 0x393939, 0x555555, 0x717171, 0x8e8e8e,
	    0xaaaaaa, 0xc6c6c6, 0xe3e3e3, 0xffffff } },
};

int png_colors(const char *name)
{
	for (size_t i = 0; i < sizeof(scales) / sizeof(*scales); i++)
		if (strcmp(scales[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* ---- the shape of the picture ---- */

/* Points across and down of each picture of a row of `count`. */
struct frames {
	uint64_t count, wide, high;
};

static bool find_frames(const struct rig_outcome_array *array,
			struct frames *frames)
{
	const int64_t *shape = array->shape;
	uint64_t count = array->array.count;
	uint64_t side = (uint64_t)llrint(sqrt((double)count));

	*frames = (struct frames){ 1, side, side };
	if (array->dims == 3)
		*frames =
			(struct frames){ (uint64_t)shape[0], (uint64_t)shape[2],
					 (uint64_t)shape[1] };
	else if (array->dims == 2)
		*frames = (struct frames){ 1, (uint64_t)shape[1],
					   (uint64_t)shape[0] };
	return count > 0 && count <= POINTS_MAX && array->dims <= 3 &&
	       frames->count * frames->wide * frames->high == count;
}

static bool is_shade(const struct rig_array *array)
{
	return !array->swapped && array->dtype >= RIG_BOOL &&
	       array->dtype <= RIG_FLOAT64 && array->dtype != RIG_FLOAT16;
}

int png_check(const struct rig_outcome_array *array, const char *path)
{
	struct frames frames;

	if (!is_shade(&array->array))
		return complain(
			EXIT_USAGE,
			"%s: a picture is of bools, integers, float32 "
			"or float64, in this machine's byte order, not "
			"%s",
			path,
			rig_dtype_name((enum rig_dtype)array->array.dtype));
	if (find_frames(array, &frames))
		return 0;
	return complain(EXIT_USAGE,
			"%s: %llu elements in %d dimensions are no picture: "
			"pictures are squares, or of 2 dimensions, or rows of "
			"them, and of at most 2^28 points",
			path, (unsigned long long)array->array.count,
			array->dims);
}

/* ---- values and colours ---- */

#define READ(dtype, type)                                                      \
	case dtype:                                                            \
		return (double)((const type *)items)[i];

static double item_of(enum rig_dtype dtype, const void *items, uint64_t i)
{
	switch (dtype) {
		READ(RIG_BOOL, uint8_t)
		READ(RIG_INT8, int8_t)
		READ(RIG_INT16, int16_t)
		READ(RIG_INT32, int32_t)
		READ(RIG_INT64, int64_t)
		READ(RIG_UINT8, uint8_t)
		READ(RIG_UINT16, uint16_t)
		READ(RIG_UINT32, uint32_t)
		READ(RIG_UINT64, uint64_t)
		READ(RIG_FLOAT32, float)
	default:
		return ((const double *)items)[i];
	}
}

/* In this process: a picture in the making. */
struct painting {
	const struct rig_outcome_array *array;
	const void *items;
	const struct png_style *style;
	struct frames frames;
	double least, greatest; /* among the finite elements */
	double least_positive;
	uint64_t zoom;
	uint64_t wide, high; /* the whole row, in points */
	unsigned char *row;
};

static double value_at(const struct painting *p, uint64_t i)
{
	return item_of((enum rig_dtype)p->array->array.dtype, p->items, i);
}

static void find_range(struct painting *p)
{
	p->least = p->least_positive = INFINITY;
	p->greatest = -INFINITY;
	for (uint64_t i = 0; i < p->array->array.count; i++) {
		double x = value_at(p, i);

		if (!isfinite(x))
			continue;
		p->least = x < p->least ? x : p->least;
		p->greatest = x > p->greatest ? x : p->greatest;
		if (x > 0 && x < p->least_positive)
			p->least_positive = x;
	}
}

/* The place of x in the scale: from 0, the least, to 1, the greatest; a NaN is
 * 0. */
static double part_of(const struct painting *p, double x)
{
	double part, least = p->least, greatest = p->greatest;

	if (p->style->logarithmic) {
		least = log(p->least_positive);
		greatest = log(greatest);
		x = x > 0 ? log(x) : least;
	}
	part = (x / 2 - least / 2) / (greatest / 2 - least / 2);
	return !(part > 0) ? 0 : part < 1 ? part : 1;
}

static void put_color(const struct painting *p, double part,
		      unsigned char *point)
{
	const uint32_t *stops = scales[p->style->colors].stops;
	double at = part * (STOPS - 1);
	int stop = at < STOPS - 2 ? (int)at : STOPS - 2;

	for (int c = 0; c < 3; c++) {
		int shift = 16 - 8 * c;
		double from = (double)(stops[stop] >> shift & 255);
		double to = (double)(stops[stop + 1] >> shift & 255);

		point[c] =
			(unsigned char)lrint(from + (to - from) * (at - stop));
	}
}

/* A row of points, through all pictures that stand side by side. */
static void paint_row(const struct painting *p, uint64_t y)
{
	uint64_t step = p->frames.wide * p->zoom + GAP;

	memset(p->row, 255, p->wide * 3);
	for (uint64_t f = 0; f < p->frames.count; f++)
		for (uint64_t x = 0; x < p->frames.wide * p->zoom; x++) {
			uint64_t at = (f * p->frames.high + y / p->zoom) *
					      p->frames.wide +
				      x / p->zoom;

			put_color(p, part_of(p, value_at(p, at)),
				  p->row + (f * step + x) * 3);
		}
}

static int begin_painting(struct painting *p)
{
	uint64_t longer;

	(void)find_frames(p->array, &p->frames);
	longer = p->frames.wide > p->frames.high ? p->frames.wide
						 : p->frames.high;
	p->zoom = longer * p->frames.count < PNG_SIDE
			  ? PNG_SIDE / (longer * p->frames.count)
			  : 1;
	p->wide = (p->frames.wide * p->zoom + GAP) * p->frames.count - GAP;
	p->high = p->frames.high * p->zoom;
	find_range(p);
	p->row = malloc(p->wide * 3);
	return p->row ? 0 : complain(EXIT_SYSTEM, "out of memory");
}

/* ---- the file ---- */

/* libpng comes back here by longjmp(); no local changes after it is set. */
static bool write_rows(const struct painting *p, png_structp png,
		       png_infop info, FILE *file)
{
	if (setjmp(png_jmpbuf(png)))
		return false;
	png_init_io(png, file);
	png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
	png_set_IHDR(png, info, (png_uint_32)p->wide, (png_uint_32)p->high, 8,
		     PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
		     PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
	png_write_info(png, info);
	for (uint64_t y = 0; y < p->high; y++) {
		paint_row(p, y);
		png_write_row(png, p->row);
	}
	png_write_end(png, info);
	return true;
}

/* The whole file, in memory; NULL: there is none. */
static char *compress(const struct painting *p, size_t *bytes)
{
	png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL,
						  NULL, NULL);
	png_infop info = png ? png_create_info_struct(png) : NULL;
	char *data = NULL;
	FILE *file = open_memstream(&data, bytes);
	bool done = info && file && write_rows(p, png, info, file);

	png_destroy_write_struct(&png, &info);
	if (file && fclose(file) != 0)
		done = false;
	if (done)
		return data;
	free(data);
	return NULL;
}

int png_write(const struct rig_outcome_array *array, const char *path,
	      const struct png_style *style)
{
	struct painting p = { .array = array,
			      .items = (const char *)rig_segment_data(
					       array->segment) +
				       array->offset,
			      .style = style };
	size_t bytes = 0;
	char *data;
	int r = png_check(array, path);

	if (r == 0)
		r = begin_painting(&p);
	if (r)
		return r;
	data = compress(&p, &bytes);
	free(p.row);
	if (!data)
		return complain(EXIT_SYSTEM, "%s: libpng makes no picture",
				path);
	r = outfile_put(path, data, bytes);
	free(data);
	return r < 0 ? complain(EXIT_SYSTEM, "%s: %s", path, strerror(-r)) : 0;
}

#else

int png_colors(const char *name)
{
	return strcmp(name, "inferno") == 0 ? 0 : -1;
}

int png_check(const struct rig_outcome_array *array, const char *path)
{
	(void)array;
	return complain(EXIT_USAGE,
			"%s: this runrig was built without libpng: write .pgm",
			path);
}

int png_write(const struct rig_outcome_array *array, const char *path,
	      const struct png_style *style)
{
	(void)style;
	return png_check(array, path);
}

#endif

bool png_wanted(const char *path)
{
	size_t length = path ? strlen(path) : 0;

	return length > 4 && strcasecmp(path + length - 4, ".png") == 0;
}
