/* SPDX-License-Identifier: MIT */
/*
 * kernels_table.c - a kernel with its parameters, run by teams of several sizes.
 */
#include "kernels_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/builtin.h>
#include <kernels/dtype.h>
#include <kernels/rigging.h>
#include <runrig/runrig.h>

#include "harness.h"

static const int teams[] = { 1, 2, 3, 5, 8 };

/* With the row's words, and `given` as array 0 (NULL: generated); what the
 * first bad word said. */
static int rig_up(struct rigging *rigging, const struct kernel_row *row,
		  const struct rig_array *given)
{
	const struct rig_kernel *kernel;
	char words[256];
	int r;

	ck_assert_int_eq(kernels_register(), 0);
	kernel = rig_kernel_find(row->kernel);
	ck_assert_msg(kernel, "no kernel %s", row->kernel);
	ck_assert_int_eq(rigging_init(rigging, kernel), 0);
	snprintf(words, sizeof(words), "%s", row->words);
	r = 0;
	for (char *save, *word = strtok_r(words, " ", &save); word && r == 0;
	     word = strtok_r(NULL, " ", &save))
		r = rigging_set(rigging, word);
	if (given)
		rigging_give(rigging, 0, given, NULL, 0);
	return r == 0 ? rigging_check(rigging) : r;
}

/* Turn a high bit of the last item: no tolerance is so wide. */
static void spoil(unsigned char *bytes, size_t count)
{
	bytes[count - 1] ^= 0x40;
}

static void must(int r, const struct rigging *rigging,
		 const struct kernel_row *row, int team)
{
	ck_assert_msg(r == 0, "%s %s, %d workers: %s", row->kernel, row->words,
		      team, rigging->why);
}

/* The answer's bytes of one team; the caller frees them. */
static unsigned char *answer_of(const struct kernel_row *row, int team,
				size_t *bytes)
{
	struct rig_pool *pool = NULL;
	struct rigging rigging;
	unsigned char *answer, *data;

	must(rig_up(&rigging, row, NULL), &rigging, row, team);
	rigging.limit_ns = UINT64_C(30000000000);
	must(rig_pool_create(&pool,
			     &(struct rig_pool_options){ .workers = team }),
	     &rigging, row, team);
	must(rigging_make(&rigging, pool), &rigging, row, team);
	must(rigging_prepare(&rigging), &rigging, row, team);
	must(rigging_run(&rigging), &rigging, row, team);
	must(rigging_verify(&rigging), &rigging, row, team);
	*bytes = rigging.arrays[row->answer].bytes;
	data = rig_segment_data(rigging.arrays[row->answer].segment);
	answer = malloc(*bytes + 1);
	memcpy(answer, data, *bytes);
	if (*bytes) {
		spoil(data, *bytes);
		ck_assert_msg(rigging_verify(&rigging) == -EBADMSG,
			      "%s %s, %d workers: a wrong answer is verified",
			      row->kernel, row->words, team);
	}
	rigging_finish(&rigging);
	rig_pool_destroy(pool);
	return answer;
}

void kernels_check_row(const struct kernel_row *row)
{
	unsigned char *first = NULL;
	size_t first_bytes = 0;

	for (size_t t = 0; t < sizeof(teams) / sizeof(*teams); t++) {
		size_t bytes;
		unsigned char *answer = answer_of(row, teams[t], &bytes);

		if (!first) {
			first = answer;
			first_bytes = bytes;
			continue;
		}
		ck_assert_uint_eq(bytes, first_bytes);
		ck_assert_msg(memcmp(answer, first, bytes) == 0,
			      "%s %s: %d workers have another answer than one",
			      row->kernel, row->words, teams[t]);
		free(answer);
	}
	free(first);
}

void kernels_check_once(const struct kernel_row *row, int team)
{
	size_t bytes;

	free(answer_of(row, team, &bytes));
}

/* Bits of no meaning; of bool, 0 or 1. */
static void fill(unsigned char *bytes, size_t count, bool bits)
{
	uint32_t state = 1;

	for (size_t i = 0; i < count; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = (unsigned char)(state >> 24);
		if (bits)
			bytes[i] &= 1;
	}
}

void kernels_check_given(const struct kernel_row *row, const char *dtype,
			 size_t count, int team)
{
	struct rig_array given = { .count = count };
	struct rig_pool *pool = NULL;
	struct rigging rigging;
	char why[WHY_BYTES];

	ck_assert_int_eq(dtype_parse(dtype, &given, why, sizeof(why)), 0);
	must(rig_up(&rigging, row, &given), &rigging, row, team);
	rigging.limit_ns = UINT64_C(30000000000);
	must(rig_pool_create(&pool,
			     &(struct rig_pool_options){ .workers = team }),
	     &rigging, row, team);
	must(rigging_make(&rigging, pool), &rigging, row, team);
	fill(rig_segment_data(rigging.arrays[0].segment),
	     rigging.arrays[0].bytes, given.dtype == RIG_BOOL);
	must(rigging_digest(&rigging, false), &rigging, row, team);
	must(rigging_run(&rigging), &rigging, row, team);
	must(rigging_digest(&rigging, true), &rigging, row, team);
	must(rigging_verify(&rigging), &rigging, row, team);
	rigging_finish(&rigging);
	rig_pool_destroy(pool);
}

void kernels_check_refused(const struct kernel_row *row)
{
	struct rigging rigging;

	ck_assert_msg(rig_up(&rigging, row, NULL) == -EINVAL,
		      "%s %s is not refused", row->kernel, row->words);
	ck_assert_msg(rigging.why[0], "%s %s: refused without a word",
		      row->kernel, row->words);
	rigging_finish(&rigging);
}
