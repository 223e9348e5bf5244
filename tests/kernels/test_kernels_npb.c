/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_npb.c - NPB's kernels against NPB's verification values, small
 * classes, by teams of several sizes.
 */
#include "kernels/kernels_table.h"

#include "lib/harness.h"

static const struct kernel_row rows[] = {
	{ "ep", "class=S", 1 }, { "is", "", 2 },        { "is", "class=W", 2 },
	{ "cg", "class=S", 3 }, { "ft", "class=S", 2 }, { "mg", "", 3 },
};

START_TEST(same_answer_for_any_team)
{
	kernels_check_row(&rows[_i]);
}
END_TEST

/* Classes that take longer, by two workers: each class has a row in a kernel's
 * table. */
static const struct kernel_row classes[] = {
	{ "is", "class=A", 2 }, { "cg", "class=W", 3 }, { "cg", "class=A", 3 },
	{ "ft", "class=W", 2 }, { "ft", "class=A", 2 }, { "mg", "class=W", 3 },
	{ "mg", "class=A", 3 }, { "ep", "class=W", 1 },
};

START_TEST(class_is_successful)
{
	kernels_check_once(&classes[_i], 2);
}
END_TEST

static const struct kernel_row wrong[] = {
	{ "ep", "class=X", 0 }, { "is", "class=", 0 },  { "cg", "class=s", 0 },
	{ "cg", "klass=S", 0 }, { "ft", "class=G", 0 }, { "mg", "class=SS", 0 },
};

START_TEST(refuses_parameters)
{
	kernels_check_refused(&wrong[_i]);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: NPB");
	TCase *tcase = make_tcase("verification values", 60);

	tcase_add_loop_test(tcase, same_answer_for_any_team, 0,
			    sizeof(rows) / sizeof(*rows));
	tcase_add_loop_test(tcase, class_is_successful, 0,
			    sizeof(classes) / sizeof(*classes));
	tcase_add_loop_test(tcase, refuses_parameters, 0,
			    sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, tcase);
	return suite;
}
