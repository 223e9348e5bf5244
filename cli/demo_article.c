/* SPDX-License-Identifier: MIT */
/*
 * demo_article.c - the three programs of the article, in C.
 *
 * Each program shows a class of Python's multiprocessing.shared_memory:
 * SharedMemory, ShareableList, SharedMemoryManager.  The child is a forked
 * process that knows only the name.  The article's third program is a race with
 * itself: the program reads items that it has already written over.  A pool
 * therefore does the same work again, each rank on its strip of pairs.
 */
#include "cmd_demo.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/list.h>
#include <runrig/segment.h>
#include <runrig/team.h>

#include "command.h"

#define BYTES 10 /* bytes in program 1 */
#define ITEMS 10 /* items in program 3 */

static int failed(void)
{
	return complain(EXIT_SYSTEM, "%s", rig_why());
}

static int differs(void)
{
	return complain(EXIT_UNVERIFIED, "that is not what it must be");
}

/* Run fn(name) in another process, which attaches by the name. */
static int in_child(int (*fn)(const char *name), const char *name)
{
	int status = 0;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(fn(name) < 0);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return complain(EXIT_SYSTEM, "no child could be made");
	if (status)
		return complain(EXIT_RUN, "the child failed");
	return 0;
}

/* ---- program 1 ---- */

static int count_down(const char *name)
{
	struct rig_segment *segment = NULL;
	unsigned char *bytes;
	int r = rig_segment_attach(&segment, name, NULL);

	if (r < 0)
		return r;
	bytes = rig_segment_data(segment);
	for (int i = 0; i < BYTES; i++)
		bytes[i] = (unsigned char)(BYTES - i);
	rig_segment_destroy(segment);
	return 0;
}

static void print_bytes(const unsigned char *bytes)
{
	printf("  ");
	for (int i = 0; i < BYTES; i++)
		printf(" %d,", bytes[i]);
	printf("\n");
}

static int program_1(void)
{
	struct rig_segment *segment = NULL;
	unsigned char *bytes;
	int r;

	printf("1  SharedMemory: a child that knows only the name writes "
	       "the parent's 10 bytes\n");
	if (rig_segment_create(&segment, NULL, BYTES, NULL) < 0)
		return failed();
	bytes = rig_segment_data(segment);
	for (int i = 0; i < BYTES; i++)
		bytes[i] = (unsigned char)i;
	print_bytes(bytes);
	r = in_child(count_down, rig_segment_name(segment));
	if (r == 0)
		print_bytes(bytes);
	for (int i = 0; i < BYTES && r == 0; i++)
		if (bytes[i] != BYTES - i)
			r = differs();
	rig_segment_destroy(segment);
	return r;
}

/* ---- program 2 ---- */

static int change_items(const char *name)
{
	struct rig_list *list = NULL;
	struct rig_value value = rig_int(99);
	int r = rig_list_attach(&list, name, NULL);

	if (r < 0)
		return r;
	r = rig_list_set(list, 1, &value);
	if (r == 0)
		r = rig_list_get(list, 2, &value);
	if (r == 0) {
		value = rig_int(value.integer + 99);
		r = rig_list_set(list, 2, &value);
	}
	rig_list_destroy(list);
	return r;
}

/* Print the items, and compare with the expected items. */
static int print_items(struct rig_list *list, const int64_t *want, size_t count)
{
	struct rig_value value;
	bool same = rig_list_length(list) == count;

	printf("  ");
	for (size_t i = 0; i < count; i++) {
		if (rig_list_get(list, (int64_t)i, &value) < 0)
			return failed();
		printf(" %lld,", (long long)value.integer);
		same = same && value.kind == RIG_VALUE_INT &&
		       value.integer == want[i];
	}
	printf("\n");
	return same ? 0 : differs();
}

static int print_repr(struct rig_list *list)
{
	char *text = NULL;

	if (rig_list_repr(list, &text) < 0)
		return failed();
	printf("   %s\n", text);
	free(text);
	return 0;
}

static int program_2(void)
{
	static const int64_t want[] = { 1, 99, 102 };
	const struct rig_value values[] = { rig_int(1), rig_int(2),
					    rig_int(3) };
	struct rig_list *list = NULL;
	int r;

	printf("2  ShareableList: the child sets [1] to 99 and adds 99 to "
	       "[2]\n");
	if (rig_list_create(&list, NULL, values, 3, NULL) < 0)
		return failed();
	r = print_repr(list);
	if (r == 0)
		r = in_child(change_items, rig_list_name(list));
	if (r == 0)
		r = print_items(list, want, 3);
	rig_list_destroy(list);
	return r;
}

/* ---- program 3 ---- */

static int copy_item(struct rig_list *list, int64_t to, int64_t from)
{
	struct rig_value value;
	int r = rig_list_get(list, from, &value);

	return r < 0 ? r : rig_list_set(list, to, &value);
}

/* The article's loop, unchanged. */
static int reverse_like_the_article(const char *name)
{
	struct rig_list *list = NULL;
	int r = rig_list_attach(&list, name, NULL);

	for (int64_t i = 0; i < ITEMS && r == 0; i++)
		r = copy_item(list, i, ITEMS - 1 - i);
	rig_list_destroy(list);
	return r;
}

/* A kernel: each rank swaps its strip of the slice's pairs. */
static int reverse_slice(struct rig_team *team)
{
	const struct rig_span *slice = rig_team_args(team);
	struct rig_span strip =
		rig_team_strip(team, (slice->end - slice->begin) / 2);
	struct rig_list *list = NULL;
	int r = rig_list_over(&list, rig_team_data(team, 0),
			      rig_team_bytes(team, 0));

	if (r == 0)
		r = rig_list_reverse(list, *slice, strip);
	rig_list_destroy(list);
	return r < 0 ? r : rig_team_barrier(team);
}

static int reverse_by_pool(const char *name)
{
	const struct rig_span slice = { 0, ITEMS };
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(&pool, NULL);

	if (r == 0)
		r = rig_pool_run(pool, &(struct rig_job){
					       .kernel = reverse_slice,
					       .segments = { { .name = name } },
					       .args = &slice,
					       .args_bytes = sizeof(slice) });
	if (r < 0)
		r = failed();
	rig_pool_destroy(pool);
	return r;
}

static int fill(struct rig_list *list)
{
	for (int64_t i = 0; i < ITEMS; i++) {
		struct rig_value value = rig_int(i);

		if (rig_list_set(list, i, &value) < 0)
			return failed();
	}
	return 0;
}

static int program_3(void)
{
	static const int64_t raced[] = { 9, 8, 7, 6, 5, 5, 6, 7, 8, 9 };
	static const int64_t reversed[] = { 9, 8, 7, 6, 5, 4, 3, 2, 1, 0 };
	struct rig_value zeros[ITEMS];
	struct rig_list *list = NULL;
	int r;

	for (int i = 0; i < ITEMS; i++)
		zeros[i] = rig_int(0);
	printf("3  A managed list 0...9: ls[i] = ls[9 - i] for i from 0 to 9, "
	       "in the article\n");
	if (rig_list_create(&list, NULL, zeros, ITEMS, NULL) < 0)
		return failed();
	r = fill(list);
	if (r == 0)
		r = in_child(reverse_like_the_article, rig_list_name(list));
	if (r == 0)
		r = print_items(list, raced, ITEMS);
	if (r == 0)
		r = fill(list);
	if (r == 0)
		r = reverse_by_pool(rig_list_name(list));
	if (r == 0) {
		printf("   and by a pool, each rank swapping its strip of the "
		       "pairs (i, 9 - i)\n");
		r = print_items(list, reversed, ITEMS);
	}
	if (r == 0)
		printf("   They differ: the loop's second half reads what "
		       "the first has overwritten.\n");
	rig_list_destroy(list);
	return r;
}

int demo_article(void)
{
	int r = program_1();

	if (r == 0)
		r = program_2();
	return r ? r : program_3();
}
