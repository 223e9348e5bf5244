/* SPDX-License-Identifier: MIT */
/*
 * test_heap.c - a rank's own heap: the promises of malloc, blocks that the other
 * ranks read in place, and nothing that outlives a run.
 *
 * test_table.c shows that every verb gives the same from the heap as from other
 * memory.
 */
#include "lib/harness.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"
#include "pool/caller.h"
#include "team/rank.h"

/* Blocks that a rank has at a time, and steps of the test. */
#define BLOCKS 64
#define STEPS  (harness_long() ? 40000 : 1200)

/* More than the pages that stay from run to run. */
#define LONG_BYTES (HEAP_KEEP + ((size_t)3 << 20))

struct kept {
	unsigned char *memory;
	size_t bytes;
	unsigned char value;
};

static bool holds(const unsigned char *memory, size_t bytes,
		  unsigned char value)
{
	for (size_t i = 0; i < bytes; i++)
		if (memory[i] != value)
			return false;
	return true;
}

/* Mostly short, some longer than a huge page. */
static size_t some_bytes(unsigned *seed)
{
	const int shift = rand_r(seed) % 19;

	if (rand_r(seed) % 100 == 0)
		return ((size_t)3 << 20) + (size_t)rand_r(seed) % 4096;
	return (size_t)rand_r(seed) % ((size_t)1 << shift);
}

static int fails(struct rig_team *team, int step, const char *what)
{
	return rig_team_fail(team, -EBADMSG, "step %d: %s: %s", step, what,
			     rig_why());
}

static int take_block(struct rig_team *team, struct kept *kept, int step,
		      unsigned *seed)
{
	struct rig_heap *heap = rig_team_heap(team);
	const size_t bytes = some_bytes(seed);
	const size_t alignment = (size_t)1 << rand_r(seed) % 22;
	const int way = rand_r(seed) % 4;

	if (way == 0)
		kept->memory = rig_heap_calloc(heap, bytes, 1);
	else if (way == 1)
		kept->memory = rig_heap_aligned(heap, alignment, bytes);
	else
		kept->memory = rig_heap_malloc(heap, bytes);
	if (!kept->memory)
		return fails(team, step, "no memory");
	if ((uintptr_t)kept->memory % RIG_LINE ||
	    (way == 1 && (uintptr_t)kept->memory % alignment))
		return fails(team, step, "not aligned");
	if (way == 0 && !holds(kept->memory, bytes, 0))
		return fails(team, step, "not zero");
	kept->bytes = bytes;
	kept->value = (unsigned char)(1 + rand_r(seed) % 255);
	memset(kept->memory, kept->value, bytes);
	return 0;
}

static int change_block(struct rig_team *team, struct kept *kept, int step,
			unsigned *seed)
{
	struct rig_heap *heap = rig_team_heap(team);
	const size_t bytes = some_bytes(seed);
	const size_t both = bytes < kept->bytes ? bytes : kept->bytes;

	if (!holds(kept->memory, kept->bytes, kept->value))
		return fails(team, step, "written over");
	if (rand_r(seed) % 2) {
		if (rig_heap_free(heap, kept->memory) < 0)
			return fails(team, step, "not freed");
		*kept = (struct kept){ 0 };
		return 0;
	}
	kept->memory = rig_heap_realloc(heap, kept->memory, bytes);
	if (!kept->memory)
		return fails(team, step, "not made longer");
	if (!holds(kept->memory, both, kept->value))
		return fails(team, step, "lost by realloc");
	memset(kept->memory, kept->value, bytes);
	kept->bytes = bytes;
	return 0;
}

/* As a program would: at random. */
static int allocates(struct rig_team *team)
{
	struct rig_heap *heap = rig_team_heap(team);
	unsigned seed = 4711 + (unsigned)rig_team_rank(team);
	struct kept blocks[BLOCKS] = { 0 };
	int r = 0;

	for (int step = 0; r == 0 && step < STEPS; step++) {
		struct kept *kept = &blocks[rand_r(&seed) % BLOCKS];

		r = kept->memory ? change_block(team, kept, step, &seed)
				 : take_block(team, kept, step, &seed);
	}
	for (int i = 0; r == 0 && i < BLOCKS; i++) {
		if (!holds(blocks[i].memory, blocks[i].bytes, blocks[i].value))
			r = fails(team, STEPS, "written over");
		else if (rig_heap_free(heap, blocks[i].memory) < 0)
			r = fails(team, STEPS, "not freed");
	}
	/* All of the heap is one free block again. */
	if (r == 0 && (heap->top || heap->filled))
		r = fails(team, STEPS, "something is left");
	return r;
}

START_TEST(gives_what_malloc_gives)
{
	make_pool(2);
	ck_assert_msg(run(allocates) == 0, "%s", rig_why());
	ck_assert_msg(run(allocates) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static bool refused(const void *memory, int error)
{
	return !memory && errno == error && rig_why()[0];
}

static int errors(struct rig_team *team)
{
	struct rig_heap *heap = rig_team_heap(team);
	char *memory = rig_heap_malloc(heap, 1000);
	char own[RIG_LINE];

	if (!memory || heap != rig_team_heap(team))
		return -1;
	if (!refused(rig_heap_malloc(heap, heap->room), ENOMEM) ||
	    !refused(rig_heap_malloc(heap, SIZE_MAX), ENOMEM) ||
	    !refused(rig_heap_aligned(heap, (size_t)1 << 63, 8), ENOMEM) ||
	    !refused(rig_heap_calloc(heap, SIZE_MAX / 2, 3), ENOMEM) ||
	    !refused(rig_heap_realloc(heap, memory, heap->room), ENOMEM) ||
	    !strstr(rig_why(), "no room for"))
		return -2;
	if (!refused(rig_heap_malloc(NULL, 8), EINVAL) ||
	    !refused(rig_heap_aligned(heap, 24, 8), EINVAL) ||
	    !refused(rig_heap_aligned(heap, 0, 8), EINVAL) ||
	    !refused(rig_heap_realloc(heap, own, 8), EINVAL) ||
	    !refused(rig_heap_realloc(heap, memory + RIG_LINE, 8), EINVAL))
		return -3;
	if (rig_heap_free(NULL, memory) != -EINVAL ||
	    rig_heap_free(heap, own) != -EINVAL ||
	    rig_heap_free(heap, memory + RIG_LINE) != -EINVAL ||
	    rig_heap_free(heap, memory + 1) != -EINVAL ||
	    rig_heap_free(heap, NULL) != 0 ||
	    rig_heap_free(heap, memory) != 0 ||
	    rig_heap_free(heap, memory) != -EINVAL)
		return -4;
	return 0;
}

START_TEST(refuses_in_words)
{
	make_pool(1);
	ck_assert_msg(run(errors) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* Without address space: the calls return errors, and nothing else changes. */
static int has_none(struct rig_team *team)
{
	char *data = malloc(65536), *all = malloc(2 * 65536);
	int r = -1;

	if (data && all &&
	    refused(rig_heap_malloc(rig_team_heap(team), 1), ENOMEM) &&
	    strstr(rig_why(), "ulimit"))
		r = rig_team_allgather(team, memset(data, 1, 65536), 65536,
				       RIG_UINT8, all, 65536, RIG_UINT8);
	free(data);
	free(all);
	return r;
}

START_TEST(does_without_address_space)
{
	struct rlimit limit;

	/* A file as long as the team's, and no longer. */
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = layout_at(NULL, 2).bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
	make_pool(2);
	ck_assert_ptr_null(pool->startup.layout.heaps);
	ck_assert_msg(run(has_none) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

static void *fill_some(void *arg)
{
	for (int i = 0; i < 2000; i++) {
		char *memory = rig_heap_malloc(arg, 64 + (size_t)i % 700);

		if (!memory)
			return arg;
		memset(memory, i, 64);
		if (memory[63] != (char)i || rig_heap_free(arg, memory) < 0)
			return arg;
	}
	return NULL;
}

static int in_threads(struct rig_team *team)
{
	struct rig_heap *heap = rig_team_heap(team);
	pthread_t threads[3];
	void *bad = NULL;
	int r = 0;

	for (int i = 0; i < 3; i++)
		if (pthread_create(&threads[i], NULL, fill_some, heap))
			return -EAGAIN;
	for (int i = 0; i < 3; i++) {
		pthread_join(threads[i], &bad);
		r = bad ? -EBADMSG : r;
	}
	return r == 0 && heap->top ? -EBADMSG : r;
}

START_TEST(serves_threads)
{
	make_pool(1);
	ck_assert_msg(run(in_threads) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* ---- in place ---- */

static int exchange(struct rig_team *team, char *data, char *all, size_t bytes)
{
	int r = rig_team_allgather(team, data, bytes, RIG_UINT8, all, bytes,
				   RIG_UINT8);

	for (int i = 0; r == 0 && i < rig_team_size(team); i++)
		if (!holds((unsigned char *)all + (size_t)i * bytes, bytes,
			   (unsigned char)(i + 1)))
			r = rig_team_fail(team, -EBADMSG, "block %d", i);
	return r;
}

/* Does the data go through the stage, by a trial of way `number`? */
static int is_staged(struct rig_team *team, char *data, enum way_number number,
		     bool *staged)
{
	const size_t bytes = (size_t)64 << 10;
	struct rank *owner = team->owner;
	char *all = malloc(bytes * (size_t)rig_team_size(team));
	size_t before = owner->stage.at;
	int r = -ENOMEM;

	if (all && data) {
		memset(data, rig_team_rank(team) + 1, bytes);
		memset(team->ways, 0, sizeof(team->ways));
		team->ways[team->distances.now][WAY_ALLGATHER][way_size(bytes)]
			.calls = (uint16_t)number;
		r = exchange(team, data, all, bytes);
		*staged = owner->stage.at != before;
	}
	free(all);
	return r;
}

static int in_place(struct rig_team *team)
{
	const size_t bytes = (size_t)64 << 10;
	char *own = malloc(bytes);
	void *shared = NULL;
	bool by_own = false, by_heap = true, by_alloc = true;
	bool by_copy = false;
	int r = is_staged(team, own, WAY_LENT, &by_own);

	free(own);
	if (r == 0)
		r = is_staged(team, rig_heap_malloc(rig_team_heap(team), bytes),
			      WAY_LENT, &by_heap);
	if (r == 0)
		r = is_staged(team, rig_heap_malloc(rig_team_heap(team), bytes),
			      WAY_COPIED, &by_copy);
	if (r == 0)
		r = rig_team_alloc(team, bytes, &shared);
	if (r == 0)
		r = is_staged(team, shared, WAY_LENT, &by_alloc);
	if (r == 0 && (!by_own || by_heap || !by_copy || by_alloc))
		r = rig_team_fail(team, -EBADMSG,
				  "through the stage: %d %d %d %d, not 1 0 1 0",
				  by_own, by_heap, by_copy, by_alloc);
	return r;
}

START_TEST(is_read_in_place)
{
	make_pool(3);
	ck_assert_msg(run(in_place) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* Lent, and borrowed in place. */
static int lends(struct rig_team *team)
{
	struct rig_request *request = NULL;
	const unsigned char *data = NULL;
	unsigned char *memory;
	int r;

	if (rig_team_rank(team) == 0) {
		memory = rig_heap_malloc(rig_team_heap(team), 5000);
		if (!memory)
			return -ENOMEM;
		memset(memory, 77, 5000);
		r = rig_team_lend(team, memory, 5000, RIG_UINT8, 1, 1,
				  &request);
		return r < 0 ? r : rig_team_wait(team, &request, NULL);
	}
	r = rig_team_borrow(team, (const void **)&data, 0, 1, NULL);
	if (r < 0)
		return r;
	if (!holds(data, 5000, 77) || data < team->owner->layout.heaps)
		r = -EBADMSG;
	return r < 0 ? r : rig_team_release(team, data);
}

START_TEST(is_lent)
{
	make_pool(2);
	ck_assert_msg(run(lends) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* ---- the end of a run ---- */

static int leaves_much(struct rig_team *team)
{
	char *memory = rig_heap_malloc(rig_team_heap(team), LONG_BYTES);
	const int *dies = rig_team_args(team);

	if (!memory)
		return -ENOMEM;
	memset(memory, 1, LONG_BYTES);
	if (dies && *dies == rig_team_rank(team))
		raise(SIGKILL);
	return dies ? rig_team_barrier(team) : 0;
}

/* Bytes of each rank's heap that are not zero, as the caller sees the heap. */
static size_t left(int rank)
{
	const struct layout *layout = &pool->startup.layout;
	const unsigned char *heap =
		layout->heaps + (size_t)rank * layout->heap_bytes;
	size_t count = 0;

	for (size_t i = 0; i < LONG_BYTES; i += 4096)
		count += heap[i + 4000] ? 4096 : 0;
	return count;
}

static int is_empty(struct rig_team *team)
{
	struct rig_heap *heap = rig_team_heap(team);
	unsigned char *memory;

	if (heap->top || heap->there > HEAP_KEEP)
		return rig_team_fail(team, -EBADMSG, "top %zu, there %zu",
				     heap->top, heap->there);
	memory = rig_heap_calloc(heap, 1, LONG_BYTES);
	return memory && holds(memory, LONG_BYTES, 0) ? 0 : -EBADMSG;
}

START_TEST(goes_with_the_run)
{
	const int dies = 1;

	make_pool(2);
	ck_assert_msg(run(leaves_much) == 0, "%s", rig_why());
	for (int i = 0; i < 2; i++)
		ck_assert_uint_le(left(i), HEAP_KEEP);
	ck_assert_msg(run(is_empty) == 0, "%s", rig_why());
	/* And with a death, all bytes of the heap. */
	ck_assert_int_eq(run_args(leaves_much, &dies, sizeof(dies)),
			 -EOWNERDEAD);
	for (int i = 0; i < 2; i++)
		ck_assert_uint_eq(left(i), 0);
	ck_assert_msg(run(is_empty) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

/* More than a free block keeps, freed in any order and had again. */
static int gives_back(struct rig_team *team)
{
	struct rig_heap *heap = rig_team_heap(team);
	const size_t bytes = (size_t)40 << 20;
	unsigned char *low = rig_heap_malloc(heap, bytes);
	unsigned char *high = rig_heap_malloc(heap, 100);

	if (!low || !high)
		return -ENOMEM;
	memset(low, 3, bytes);
	memset(high, 4, 100);
	if (rig_heap_free(heap, low) < 0)
		return -1;
	/* The pages within have gone. */
	if (low[bytes / 2])
		return -2;
	low = rig_heap_malloc(heap, bytes / 2);
	if (!low || !holds(high, 100, 4))
		return -3;
	memset(low, 5, bytes / 2);
	if (rig_heap_free(heap, high) < 0 || heap->there > bytes)
		return -4;
	high = rig_heap_calloc(heap, 1, bytes);
	if (!high || !holds(high, bytes, 0) || !holds(low, bytes / 2, 5))
		return -5;
	return rig_heap_free(heap, low) < 0 || rig_heap_free(heap, high) < 0 ||
	       heap->top;
}

START_TEST(gives_long_blocks_back)
{
	make_pool(1);
	ck_assert_msg(run(gives_back) == 0, "%s", rig_why());
	rig_pool_destroy(pool);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("heap");
	TCase *tcase = make_tcase("calls", 60);

	tcase_add_test(tcase, gives_what_malloc_gives);
	tcase_add_test(tcase, refuses_in_words);
	tcase_add_test(tcase, does_without_address_space);
	tcase_add_test(tcase, serves_threads);
	tcase_add_test(tcase, gives_long_blocks_back);
	suite_add_tcase(suite, tcase);
	tcase = make_tcase("ranks", 60);
	tcase_add_test(tcase, is_read_in_place);
	tcase_add_test(tcase, is_lent);
	tcase_add_test(tcase, goes_with_the_run);
	suite_add_tcase(suite, tcase);
	return suite;
}
