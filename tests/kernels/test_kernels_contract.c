/* SPDX-License-Identifier: MIT */
/*
 * test_kernels_contract.c - the rules of kernel.h, checked for each kernel of
 * runrig: a kernel allocates no more than the kernel states, and frees all of
 * that; and where nothing was run, verify says so.
 *
 * The linker sends this program's calls of malloc() and similar functions, and
 * so the kernels' calls, to the functions below (--wrap), which count.
 */
#include "kernels/kernels_table.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <kernels/builtin.h>
#include <runner/kernel_run.h>
#include <runrig/runrig.h>

#include "lib/harness.h"

#define WORKERS 3

/* The most allocations of a rank that are not freed yet. */
#define LIVE_MAX 64

/* Small forms, with private memory large enough to show.  A kernel without a form
 * here is run with length=10007 or, without such a parameter, as the kernel is. */
static const struct form {
	const char *kernel, *words;
	bool rests; /* an answer of zeros is right */
} forms[] = {
	{ "all", "length=10007", true },
	{ "quantile", "length=10007 q=0.25", false },
	{ "unique", "length=10007 different=500", false },
	{ "dgemm", "n=66", false },
	{ "evaluate", "length=10007", false },
	{ "evaluate", "expr=sum(x*y) length=10007", false },
	{ "evaluate", "expr=where(a>0,b//3,a**2)%7 length=10007", false },
	{ "global", "", false },
	{ "heat", "n=17", false },
	{ "histogram", "length=10007 bins=50021", false },
	{ "is", "", false },
	{ "is", "class=W", false },
	{ "kmeans", "points=1009", false },
	{ "kmeans", "points=1009 k=50 dims=7", false },
	{ "life", "side=67 generations=10", false },
	{ "mandelbrot", "side=67", false },
	{ "mandelbrot", "side=67 smooth=yes", false },
	{ "matvec", "rows=67 columns=67", false },
	{ "min", "length=10007", true },
	{ "nbody", "bodies=67 steps=3", false },
	{ "pi", "points=10007", false },
	{ "reduce", "", false },
	{ "reverse", "length=10007", false },
	{ "reverse", "length=10007 method=copy", false },
	{ "reverse", "length=1000003 method=copy", false },
	{ "sort", "length=10007", false },
	{ "sort", "length=10007 stable=yes", false },
	{ "stencil", "n=67", false },
	{ "transpose", "n=67", false },
};
#define FORMS (sizeof(forms) / sizeof(*forms))

/* The forms above, and a form of each other kernel, of which there are no more than
 * 256: make_suite() fills the rows. */
static struct form rows[FORMS + 256];
static int row_count;

/* In this process. */
static struct {
	bool counts;
	void *at[LIVE_MAX];
	size_t bytes[LIVE_MAX];
	size_t now, most;
} live;

/* In shared memory, for each rank: the most memory in any of the jobs, and the
 * memory left by the jobs. */
static struct found {
	size_t most, left;
} * found;

static void *took(void *at, size_t bytes)
{
	size_t i = 0;

	if (!live.counts || !at)
		return at;
	while (i < LIVE_MAX - 1 && live.at[i])
		i++;
	live.at[i] = at;
	live.bytes[i] = bytes;
	live.now += bytes;
	if (live.now > live.most)
		live.most = live.now;
	return at;
}

static void gave(const void *at)
{
	for (size_t i = 0; i < LIVE_MAX; i++) {
		if (!at || live.at[i] != at)
			continue;
		live.now -= live.bytes[i];
		live.at[i] = NULL;
	}
}

/* The linker's names. */
void *__real_malloc(size_t bytes);
void *__real_calloc(size_t count, size_t bytes);
void *__real_realloc(void *at, size_t bytes);
void *__real_aligned_alloc(size_t alignment, size_t bytes);
void __real_free(void *at);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *at, size_t bytes);
void *__wrap_aligned_alloc(size_t alignment, size_t bytes);
void __wrap_free(void *at);

void *__wrap_malloc(size_t bytes)
{
	return took(__real_malloc(bytes), bytes);
}

void *__wrap_calloc(size_t count, size_t bytes)
{
	return took(__real_calloc(count, bytes), count * bytes);
}

void *__wrap_realloc(void *at, size_t bytes)
{
	gave(at);
	return took(__real_realloc(at, bytes), bytes);
}

void *__wrap_aligned_alloc(size_t alignment, size_t bytes)
{
	return took(__real_aligned_alloc(alignment, bytes), bytes);
}

void __wrap_free(void *at)
{
	gave(at);
	__real_free(at);
}

/* The kernel under test, and a copy with jobs that count. */
static const struct rig_kernel *plain;
static struct rig_kernel counting;

static int counted(struct rig_team *team, rig_kernel_fn *fn)
{
	struct found *mine = &found[rig_team_rank(team)];
	int r;

	memset(&live, 0, sizeof(live));
	live.counts = true;
	r = fn(team);
	live.counts = false;
	if (live.most > mine->most)
		mine->most = live.most;
	mine->left += live.now;
	return r;
}

static int prepare(struct rig_team *team)
{
	return counted(team, plain->prepare);
}

static int digest(struct rig_team *team)
{
	return counted(team, plain->digest);
}

static int run_plain(struct rig_team *team)
{
	return counted(team, plain->run);
}

static int verify(struct rig_team *team)
{
	return counted(team, plain->verify);
}

/* Rig up row i, with arrays made and filled. */
static void prepare_row(struct kernel_run *run, struct rig_pool **pool, int i)
{
	char words[64];

	ck_assert_int_eq(rig_kernels_register(), 0);
	plain = rig_kernel_find(rows[i].kernel);
	ck_assert_msg(plain, "no kernel %s", rows[i].kernel);
	counting = *plain;
	counting.prepare = plain->prepare ? prepare : NULL;
	counting.digest = plain->digest ? digest : NULL;
	counting.run = run_plain;
	counting.verify = verify;
	found = mmap(NULL, WORKERS * sizeof(*found), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ck_assert_ptr_ne(found, MAP_FAILED);
	ck_assert_int_eq(kernel_run_init(run, &counting), 0);
	snprintf(words, sizeof(words), "%s", rows[i].words);
	for (char *save, *word = strtok_r(words, " ", &save); word;
	     word = strtok_r(NULL, " ", &save))
		ck_assert_msg(kernel_run_set(run, word) == 0, "%s", run->why);
	ck_assert_msg(kernel_run_check(run) == 0, "%s", run->why);
	ck_assert_int_eq(
		rig_pool_create(
			pool, &(struct rig_pool_options){ .workers = WORKERS }),
		0);
	ck_assert_msg(kernel_run_make(run, *pool) == 0, "%s", run->why);
	ck_assert_msg(kernel_run_prepare(run) == 0, "%s", run->why);
}

static void finish(struct kernel_run *run, struct rig_pool *pool)
{
	kernel_run_finish(run);
	rig_pool_destroy(pool);
	munmap(found, WORKERS * sizeof(*found));
}

START_TEST(allocates_no_more_than_it_states)
{
	struct rig_pool *pool = NULL;
	struct kernel_run run;
	size_t stated, most = 0;

	prepare_row(&run, &pool, _i);
	stated = kernel_run_private_bytes(&run, WORKERS);
	ck_assert_msg(kernel_run_digest(&run, false) == 0, "%s", run.why);
	ck_assert_msg(kernel_run_run(&run) == 0, "%s", run.why);
	ck_assert_msg(kernel_run_digest(&run, true) == 0, "%s", run.why);
	ck_assert_msg(kernel_run_verify(&run) == 0, "%s", run.why);
	for (int rank = 0; rank < WORKERS; rank++) {
		most += found[rank].most;
		ck_assert_msg(found[rank].left == 0,
			      "%s %s: rank %d keeps %zu bytes", rows[_i].kernel,
			      rows[_i].words, rank, found[rank].left);
	}
	ck_assert_msg(most <= stated,
		      "%s %s: %d ranks allocate %zu bytes, and state %zu",
		      rows[_i].kernel, rows[_i].words, WORKERS, most, stated);
	finish(&run, pool);
}
END_TEST

START_TEST(what_was_not_run_is_not_verified)
{
	struct rig_pool *pool = NULL;
	struct kernel_run run;

	if (rows[_i].rests)
		return;
	prepare_row(&run, &pool, _i);
	ck_assert_msg(kernel_run_verify(&run) == -EBADMSG,
		      "%s is verified and was not run: %s", rows[_i].kernel,
		      run.why);
	finish(&run, pool);
}
END_TEST

START_TEST(every_form_is_of_a_kernel)
{
	for (size_t i = 0; i < FORMS; i++)
		ck_assert_msg(rig_kernel_find(forms[i].kernel),
			      "no kernel is called %s: take the form out",
			      forms[i].kernel);
}
END_TEST

static bool takes_length(const struct rig_kernel *kernel)
{
	const struct rig_param *param = kernel->params;

	while (param && param->name && strcmp(param->name, "length") != 0)
		param++;
	return param && param->name;
}

static void add_rows(const struct rig_kernel *kernel)
{
	const int before = row_count;

	for (size_t i = 0; i < FORMS; i++)
		if (strcmp(forms[i].kernel, kernel->name) == 0)
			rows[row_count++] = forms[i];
	if (row_count == before)
		rows[row_count++] = (struct form){
			.kernel = kernel->name,
			.words = takes_length(kernel) ? "length=10007" : ""
		};
}

Suite *make_suite(void)
{
	Suite *suite = suite_create("kernels: contract");
	TCase *tcase = make_tcase("every kernel", 60);
	const struct rig_kernel *kernel;

	if (rig_kernels_register() < 0)
		abort();
	for (size_t at = 0; (kernel = rig_kernel_at(at)); at++)
		add_rows(kernel);
	tcase_add_test(tcase, every_form_is_of_a_kernel);
	tcase_add_loop_test(tcase, allocates_no_more_than_it_states, 0,
			    row_count);
	tcase_add_loop_test(tcase, what_was_not_run_is_not_verified, 0,
			    row_count);
	suite_add_tcase(suite, tcase);
	return suite;
}
