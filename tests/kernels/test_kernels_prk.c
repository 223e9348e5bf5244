/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_prk.c - PRK's kernels against PRK's closed forms, by teams of
 * several sizes; and verify finds wrong results.
 */
#include "kernels/kernels_table.h"

#include "lib/harness.h"

static const struct kernel_row rows[] = {
	{ "nstream", "length=100003 iterations=3", 0 },
	{ "nstream", "length=0", 0 },
	{ "nstream", "length=3 iterations=0", 0 },
	{ "stencil", "n=1000", 1 },
	{ "stencil", "n=0", 1 },
	{ "stencil", "n=1", 1 },
	{ "stencil", "n=5", 1 },
	{ "stencil", "n=127 radius=1 iterations=0", 1 },
	{ "stencil", "n=127 radius=4 shape=box iterations=2", 1 },
	{ "stencil", "n=97 radius=9 shape=box iterations=1", 1 },
	{ "stencil", "n=97 radius=9 iterations=1", 1 },
	{ "stencil", "n=2061 iterations=1", 1 },
	{ "stencil", "n=2061 radius=3 shape=box iterations=1", 1 },
	{ "transpose", "n=503", 1 },
	{ "transpose", "n=0", 1 },
	{ "transpose", "n=1", 1 },
	{ "transpose", "n=7 tile=1", 1 },
	{ "transpose", "n=130 tile=200 iterations=1", 1 },
	{ "synch-p2p", "m=1000 n=100", 0 },
	{ "synch-p2p", "m=2 n=2", 0 },
	{ "synch-p2p", "m=3 n=101 iterations=4", 0 },
	{ "synch-p2p", "m=997 n=2 iterations=0", 0 },
	{ "random", "log=16", 0 },
	{ "random", "log=0", 0 },
	{ "random", "log=3 ratio=1", 0 },
	{ "random", "log=10 ratio=7", 0 },
	{ "random", "log=21 ratio=1", 0 },
	{ "sparse", "log=7", 3 },
	{ "sparse", "log=5 radius=6", 3 },
	{ "sparse", "log=0 radius=0", 3 },
	{ "sparse", "log=3 radius=3 iterations=0", 3 },
	{ "dgemm", "n=150 iterations=1", 2 },
	{ "dgemm", "n=151 method=own tile=32 iterations=2", 2 },
	{ "dgemm", "n=1 method=own", 2 },
	{ "dgemm", "n=0", 2 },
	{ "dgemm", "n=7 method=own tile=3", 2 },
	{ "global", "", 1 },
	{ "global", "length=0", 1 },
	{ "global", "length=1 parts=1 iterations=4", 1 },
	{ "global", "length=101 parts=7 iterations=2", 1 },
	{ "reduce", "length=100003 iterations=2", 1 },
	{ "reduce", "length=1009 vectors=1 method=tree", 1 },
	{ "reduce", "length=1009 vectors=7 method=tree", 1 },
	{ "reduce", "length=1009 vectors=16 method=tree iterations=1", 1 },
	{ "reduce", "length=1009 vectors=1 method=tree-p2p", 1 },
	{ "reduce", "length=1009 vectors=2 method=tree-p2p", 1 },
	{ "reduce", "length=1009 vectors=7 method=tree-p2p", 1 },
	{ "reduce", "length=101 vectors=33 method=tree-p2p iterations=4", 1 },
	{ "reduce", "length=5003 vectors=21 iterations=1", 1 },
	{ "reduce", "length=10 method=linear", 1 },
	{ "reduce", "length=0", 1 },
};

START_TEST(same_answer_for_any_team)
{
	kernels_check_row(&rows[_i]);
}
END_TEST

static const struct kernel_row wrong[] = {
	{ "stencil", "n=-1", 0 },      { "stencil", "radius=0", 0 },
	{ "stencil", "radius=10", 0 }, { "stencil", "shape=disc", 0 },
	{ "transpose", "tile=0", 0 },  { "transpose", "n=1e30", 0 },
	{ "synch-p2p", "m=1", 0 },     { "synch-p2p", "n=1", 0 },
	{ "random", "log=49", 0 },     { "sparse", "log=2 radius=2", 0 },
	{ "dgemm", "method=mkl", 0 },  { "global", "parts=0", 0 },
	{ "reduce", "vectors=0", 0 },  { "nstream", "s=nan", 0 },
	{ "nstream", "size=3", 0 },
};

START_TEST(refuses_parameters)
{
	kernels_check_refused(&wrong[_i]);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: PRK");
	TCase *tcase = make_tcase("closed forms", 60);

	tcase_add_loop_test(tcase, same_answer_for_any_team, 0,
			    sizeof(rows) / sizeof(*rows));
	tcase_add_loop_test(tcase, refuses_parameters, 0,
			    sizeof(wrong) / sizeof(*wrong));
	suite_add_tcase(suite, tcase);
	return suite;
}
