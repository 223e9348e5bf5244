/* SPDX-License-Identifier: MIT */
/*
 * test_public.c - the version, and the reserved words of every struct that a
 * program fills in.
 */
#include "lib/harness.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <runrig/runrig.h>

START_TEST(the_library_has_the_version_of_the_headers)
{
	char version[40];

	ck_assert_int_eq(rig_version(), RIG_VERSION);
	snprintf(version, sizeof(version), "%d.%d.%d", RIG_VERSION / 10000,
		 RIG_VERSION / 100 % 100, RIG_VERSION % 100);
	ck_assert_str_eq(version, PROJECT_VERSION);
}
END_TEST

static int nothing(struct rig_team *team)
{
	(void)team;
	return 0;
}

static int map_nothing(struct rig_team *team, size_t index, const void *item,
		       void *result)
{
	(void)team;
	(void)index;
	(void)item;
	(void)result;
	return 0;
}

/* Each function below passes a struct whose last reserved word is `word`, and
 * returns what the library said. */
static int pool_options(uint64_t word)
{
	const struct rig_pool_options options = { .workers = 1,
						  .reserved = { [7] = word } };
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(&pool, &options);

	rig_pool_destroy(pool);
	return r;
}

static int segment_create(uint64_t word)
{
	const struct rig_segment_options options = { .reserved = {
							     [6] = word } };
	struct rig_segment *segment = NULL;
	int r = rig_segment_create(&segment, NULL, 1, &options);

	rig_segment_destroy(segment);
	return r;
}

static int segment_attach(uint64_t word)
{
	const struct rig_segment_options options = { .reserved = {
							     [6] = word } };
	struct rig_segment *made, *segment = NULL;
	int r;

	ck_assert_int_eq(rig_segment_create(&made, NULL, 1, NULL), 0);
	r = rig_segment_attach(&segment, rig_segment_name(made), &options);
	rig_segment_destroy(segment);
	rig_segment_destroy(made);
	return r;
}

static int list_create(uint64_t word)
{
	const struct rig_segment_options options = { .reserved = {
							     [6] = word } };
	struct rig_list *list = NULL;
	int r = rig_list_create(&list, NULL, NULL, 0, &options);

	rig_list_destroy(list);
	return r;
}

static int list_attach(uint64_t word)
{
	const struct rig_segment_options options = { .reserved = {
							     [6] = word } };
	struct rig_list *made, *list = NULL;
	int r;

	ck_assert_int_eq(rig_list_create(&made, NULL, NULL, 0, NULL), 0);
	r = rig_list_attach(&list, rig_list_name(made), &options);
	rig_list_destroy(list);
	rig_list_destroy(made);
	return r;
}

static int place_options(uint64_t word)
{
	const struct rig_place_options options = { .topology = "core:2 pu:1",
						   .reserved = { [7] = word } };
	struct rig_plan *plan = NULL;
	int r = rig_place_plan(&plan, &options);

	rig_place_free(plan);
	return r;
}

static struct rig_pool *pool;

static int job(uint64_t word)
{
	return rig_pool_run(pool,
			    &(struct rig_job){ .kernel = nothing,
					       .reserved = { [7] = word } });
}

static int handed(uint64_t word)
{
	struct rig_job job = { .kernel = nothing };
	struct rig_segment *segment;
	int r;

	ck_assert_int_eq(rig_segment_create(&segment, NULL, 1, NULL), 0);
	job.segments[0].name = rig_segment_name(segment);
	job.segments[0].reserved[7] = word;
	r = rig_pool_run(pool, &job);
	rig_segment_destroy(segment);
	return r;
}

static int map(uint64_t word)
{
	return rig_pool_map(
		pool, &(struct rig_map){ .fn = map_nothing,
					 .count = 3,
					 .reserved = { [RIG_RESERVED_WORDS -
							2] = word } });
}

static struct rig_param params[2];
static struct rig_array_spec arrays[2];
static struct rig_kernel known = { .version = RIG_KERNEL_VERSION };

/* The words are zero for the test that comes after. */
static int registered(const char *name)
{
	known.name = name;
	known.run = nothing;
	return rig_kernel_register(&known);
}

static int kernel(uint64_t word)
{
	known.reserved[0] = word;
	return registered("test-kernel");
}

static int param(uint64_t word)
{
	params[0].name = "n";
	params[0].reserved[0] = word;
	known.params = params;
	return registered("test-param");
}

static int array(uint64_t word)
{
	arrays[0].name = "x";
	arrays[0].reserved[0] = word;
	known.arrays = arrays;
	return registered("test-array");
}

static const struct {
	int (*pass)(uint64_t word);
	const char *name; /* the struct, as the words call it */
} entries[] = {
	{ pool_options, "struct rig_pool_options" },
	{ segment_create, "struct rig_segment_options" },
	{ segment_attach, "struct rig_segment_options" },
	{ list_create, "struct rig_segment_options" },
	{ list_attach, "struct rig_segment_options" },
	{ place_options, "struct rig_place_options" },
	{ job, "struct rig_job" },
	{ handed, "struct rig_handed" },
	{ map, "struct rig_map" },
	{ kernel, "struct rig_kernel" },
	{ param, "struct rig_param" },
	{ array, "struct rig_array_spec" },
};

START_TEST(a_reserved_word_is_zero)
{
	const size_t length = strlen(entries[_i].name);

	ck_assert_int_eq(
		rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 1 }),
		0);
	ck_assert_int_eq(entries[_i].pass(1), -EINVAL);
	ck_assert_msg(strncmp(rig_why(), entries[_i].name, length) == 0 &&
			      rig_why()[length] == ':',
		      "%s", rig_why());
	ck_assert_ptr_nonnull(strstr(rig_why(), "reserved["));
	ck_assert_msg(entries[_i].pass(0) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("public");
	TCase *tcase = make_tcase("interface", 20);

	tcase_add_test(tcase, the_library_has_the_version_of_the_headers);
	tcase_add_loop_test(tcase, a_reserved_word_is_zero, 0,
			    sizeof(entries) / sizeof(*entries));
	suite_add_tcase(suite, tcase);
	return suite;
}
