/* SPDX-License-Identifier: MIT */
/*
 * test_policy.c - places that are refused, each in one line that says why.
 */
#include "place/place.h"

#include <errno.h>
#include <limits.h>

#include <runrig/error.h>
#include <runrig/pool.h>

#include "lib/harness.h"

#include "place_parts.h"

/* ---- machines written down ---- */

START_TEST(no_usable_core_is_an_error)
{
	const struct given it = { .cores = { { 0, 1, 0, 0, 0 } } };
	struct core cores[CORES_MAX];
	struct topology topology;
	struct rig_plan *plan = NULL;

	write_down(&topology, cores, &it);
	ck_assert_int_eq(place_on(&plan, &topology, 0, "core", "place"),
			 -EINVAL);
	ck_assert_str_eq(rig_why(), "place: no core is usable");
	ck_assert_ptr_null(plan);
}
END_TEST

/* ---- refusals ---- */

static const struct refused {
	struct rig_place_options options;
	const char *why;
} refused[] = {
	{ { .workers = -1 }, "workers: -1 is outside 1 to 1024" },
	{ { .workers = 100000 }, "workers: 100000 is outside 1 to 1024" },
	{ { .place = "cores" }, "place \"cores\": " NOT_A_PLACE },
	{ { .place = "" }, "place \"\": " NOT_A_PLACE },
	{ { .place = "0," }, "place \"0,\": " NOT_A_PLACE },
	{ { .place = ",0" }, "place \",0\": " NOT_A_PLACE },
	{ { .place = "0-" }, "place \"0-\": " NOT_A_PLACE },
	{ { .place = "-1" }, "place \"-1\": " NOT_A_PLACE },
	{ { .place = "0 1" }, "place \"0 1\": " NOT_A_PLACE },
	{ { .place = "0x1" }, "place \"0x1\": " NOT_A_PLACE },
	{ { .place = "0-1-2" }, "place \"0-1-2\": " NOT_A_PLACE },
	{ { .place = "+0" }, "place \"+0\": " NOT_A_PLACE },
	{ { .place = "l3:" }, "place \"l3:\": " NOT_A_PLACE },
	{ { .place = "l3:0" }, "place \"l3:0\": " NOT_A_PLACE },
	{ { .place = "l3:x" }, "place \"l3:x\": " NOT_A_PLACE },
	{ { .place = "numa:-1" }, "place \"numa:-1\": " NOT_A_PLACE },
	{ { .place = "spread:2" }, "place \"spread:2\": " NOT_A_PLACE },
	{ { .place = "none:1" }, "place \"none:1\": " NOT_A_PLACE },
	{ { .place = "pu:2" }, "place \"pu:2\": " NOT_A_PLACE },
	{ { .place = "L3" }, "place \"L3\": " NOT_A_PLACE },
	{ { .place = "l3" },
	  "place \"l3\": this machine shows no L3 cache; use core, pu, numa "
	  "or package" },
	{ { .place = "l2:2", .topology = "l3:1 core:2 pu:1" },
	  "place \"l2:2\": this machine shows no L2 cache; use core, pu, l3, "
	  "numa or package" },
	{ { .place = "numa:5" },
	  "place \"numa:5\": NUMA node 0 has 4 usable cores, so at most "
	  "numa:4" },
	{ { .place = "l3:99999999999", .topology = "l3:2 core:2 pu:2" },
	  "place \"l3:99999999999\": L3 cache 0 has 2 usable cores, so at most "
	  "l3:2" },
	{ { .place = "core:2" },
	  "place \"core:2\": core 0 has 1 usable hardware thread, so at most "
	  "core:1" },
	{ { .place = "numa:2", .workers = 3 },
	  "place \"numa:2\": has room for 2, not 3" },
	{ { .place = "3-1" }, "place: 3-1 runs backwards; write 1-3" },
	{ { .place = "1,0-2" }, "place: core 1 is listed twice" },
	{ { .place = "4" },
	  "place: core 4 is not usable by this process (usable: 0-3)" },
	{ { .place = "2-99999999999999999999" },
	  "place: core 4 is not usable by this process (usable: 0-3)" },
	{ { .place = "99999999999999999999" },
	  "place: core 9223372036854775807 is not usable by this process "
	  "(usable: 0-3)" },
	{ { .topology = "sandwich" },
	  "topology \"sandwich\": neither a file nor a description such as "
	  "\"package:2 numa:1 core:4 pu:2\"" },
	{ { .topology = "no/such.xml" },
	  "topology no/such.xml: No such file or directory" },
};

START_TEST(bad_input_is_refused_in_one_line)
{
	struct rig_place_options options = refused[_i].options;
	struct rig_plan *plan = NULL;

	if (!options.topology)
		options.topology = "core:4 pu:1";
	ck_assert_int_eq(rig_place_plan(&plan, &options), -EINVAL);
	ck_assert_str_eq(rig_why(), refused[_i].why);
	ck_assert_ptr_null(plan);
}
END_TEST

START_TEST(too_long_a_list_is_refused)
{
	struct rig_plan *plan = NULL;

	ck_assert_int_eq(
		rig_place_plan(&plan,
			       &(struct rig_place_options){
				       .place = "0-1024",
				       .topology = "package:41 core:25 pu:1" }),
		-EINVAL);
	ck_assert_str_eq(rig_why(), "place: a list of 1025 cores; workers are "
				    "1 to 1024");
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("policy");
	TCase *refusal = make_tcase("refusal", 10);

	tcase_add_loop_test(refusal, bad_input_is_refused_in_one_line, 0,
			    LENGTH(refused));
	tcase_add_test(refusal, too_long_a_list_is_refused);
	tcase_add_test(refusal, no_usable_core_is_an_error);
	suite_add_tcase(suite, refusal);
	return suite;
}
