/* SPDX-License-Identifier: MIT */
/*
 * check.c - runs the five programs, and shows the report of each that fails.
 *
 * No run has a limit, and no clock decides anything: what ends a run that
 * stands still is that the runtime sees it.
 */
#include "lab.h"

#include <stdio.h>

#define WORKERS 4

static const struct program {
	const char *name;
	rig_kernel_fn *kernel;
	size_t n;
	double answer;
} programs[] = {
	{ "early", early, 3, 9 },      /* 2 + 3 + 4 */
	{ "ragged", ragged, 10, 65 },  /* 2 + ... + 11 */
	{ "swapped", swapped, 1, 10 }, /* 1 + 2 + 3 + 4 */
	{ "rooted", rooted, 1, 28 },
	/* 4 times 7 */ { "halves", halves, 1, 2 }, /* 0 + 2 */
};

#define PROGRAMS ((int)(sizeof(programs) / sizeof(programs[0])))

/* 1 where it is not right yet, 0 where it is, -errno. */
static int check(struct rig_pool *pool, const struct program *program)
{
	struct rig_segment *data = NULL, *answer = NULL;
	int r = rig_segment_create(&data, NULL, program->n * sizeof(double),
				   NULL);

	if (r == 0)
		r = rig_segment_create(&answer, NULL, sizeof(double), NULL);
	if (r < 0) {
		printf("%s\n", rig_why());
		goto out;
	}
	for (size_t i = 0; i < program->n; i++)
		((double *)rig_segment_data(data))[i] = (double)(i + 1);
	r = rig_pool_run(
		pool,
		&(struct rig_job){
			.kernel = program->kernel,
			.segments = { { .name = rig_segment_name(data) },
				      { .name = rig_segment_name(answer) } } });
	if (r < 0) {
		printf("%s\n", rig_pool_report(pool)->text);
		r = 1;
	} else if (*(double *)rig_segment_data(answer) != program->answer) {
		printf("%s: ends, with %g, must be %g\n\n", program->name,
		       *(double *)rig_segment_data(answer), program->answer);
		r = 1;
	}
out:
	rig_segment_destroy(answer);
	rig_segment_destroy(data);
	return r;
}

int main(void)
{
	struct rig_pool *pool = NULL;
	int right = 0, r = 0;

	/* One pool for all: a deadlock is not the end of it. */
	if (rig_pool_create(&pool, &(struct rig_pool_options){
					   .workers = WORKERS }) < 0) {
		printf("%s\n", rig_why());
		return 3;
	}
	for (int i = 0; i < PROGRAMS && r >= 0; i++) {
		r = check(pool, &programs[i]);
		right += r == 0;
	}
	rig_pool_destroy(pool);
	if (right == PROGRAMS)
		printf("all right: %d of %d\n", right, PROGRAMS);
	else
		printf("not yet: %d of %d right\n", right, PROGRAMS);
	return right != PROGRAMS;
}
