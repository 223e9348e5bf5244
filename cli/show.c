/* SPDX-License-Identifier: MIT */
/*
 * show.c - the results of a run, for people and for programs.
 */
#include "show.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/barrier.h>

#include "command.h"
#include "memory_map.h"

char *show_count(uint64_t count, char text[SHOWN_BYTES])
{
	char digits[24];
	size_t length = (size_t)snprintf(digits, sizeof(digits), "%llu",
					 (unsigned long long)count);
	char *to = text;

	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = 0;
	return text;
}

/* Three significant digits, and the largest unit below the number. */
static char *show_scaled(double value, double base, const char *const units[],
			 char *text)
{
	int unit = 0;

	while (value >= 999.5 && units[unit + 1]) {
		value /= base;
		unit++;
	}
	snprintf(text, SHOWN_BYTES, "%.*f %s",
		 unit == 0 && value == (double)(int)value ? 0
		 : value < 9.995                          ? 2
		 : value < 99.95                          ? 1
							  : 0,
		 value, units[unit]);
	return text;
}

char *show_bytes(double bytes, char text[SHOWN_BYTES])
{
	static const char *const units[] = { "bytes", "kB", "MB", "GB",
					     "TB",    "PB", NULL };

	return show_scaled(bytes, 1000, units, text);
}

char *show_time(double ns, char text[SHOWN_BYTES])
{
	static const char *const units[] = { "ns", "µs", "ms", "s", NULL };

	return show_scaled(ns, 1000, units, text);
}

char *show_rate(double bytes, double ns, char text[SHOWN_BYTES])
{
	static const char *const units[] = { "B/s",  "kB/s", "MB/s", "GB/s",
					     "TB/s", "PB/s", NULL };

	return show_scaled(ns > 0 ? bytes / ns * 1e9 : 0, 1000, units, text);
}

char *show_item_rate(double items, double ns, const char *item,
		     char text[SHOWN_BYTES])
{
	static const char *const units[] = { "",   "k ", "M ", "G ",
					     "T ", "P ", NULL };
	char number[SHOWN_BYTES];

	show_scaled(ns > 0 ? items / ns * 1e9 : 0, 1000, units, number);
	snprintf(text, SHOWN_BYTES, "%.14s%.*s/s", number, RIG_ITEM_MAX, item);
	return text;
}

/* ---- lines ---- */

#define COLUMNS 80

/* Columns of `bytes` bytes of UTF-8. */
static int columns(const char *text, size_t bytes)
{
	int count = 0;

	for (size_t i = 0; i < bytes; i++)
		count += ((unsigned char)text[i] & 0xc0) != 0x80;
	return count;
}

void show_wrapped(const char *words, int column, int indent)
{
	bool first = true;

	while (*words) {
		size_t bytes = strcspn(words, " ");
		int width = columns(words, bytes);

		if (!first && column + 1 + width > COLUMNS) {
			printf("\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			putchar(' ');
			column++;
		}
		fwrite(words, 1, bytes, stdout);
		column += width;
		first = false;
		words += bytes + (words[bytes] == ' ');
	}
	putchar('\n');
}

/* ---- workers ---- */

/* Numbers in order as ranges, "0-3, 8"; with repetition once. */
static void put_ranges(FILE *file, int *numbers, int count)
{
	bool first = true;

	for (int i = 0; i < count; i++) {
		int begin = numbers[i];

		while (i + 1 < count && numbers[i + 1] <= numbers[i] + 1)
			i++;
		fprintf(file, numbers[i] > begin ? "%s%d-%d" : "%s%d",
			first ? "" : ", ", begin, numbers[i]);
		first = false;
	}
}

static int compare_ints(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void put_workers(FILE *file, const struct rig_pool *pool)
{
	const struct rig_plan *plan = rig_pool_plan(pool);
	int size = rig_pool_size(pool);
	struct rig_worker worker;
	int *cores = calloc((size_t)size, sizeof(*cores));
	int *nodes = calloc((size_t)size, sizeof(*nodes));
	int pinned = 0, most = 0;

	fprintf(file, "%d worker%s", size, size == 1 ? "" : "s");
	for (int i = 0; i < size && cores && nodes; i++) {
		if (rig_pool_worker(pool, i, &worker) < 0 || worker.core < 0 ||
		    !worker.as_planned)
			continue;
		cores[pinned] = worker.core;
		nodes[pinned++] = worker.node;
		if (plan->spots[i].cores > most)
			most = plan->spots[i].cores;
	}
	if (pinned == size) {
		qsort(cores, (size_t)size, sizeof(*cores), compare_ints);
		qsort(nodes, (size_t)size, sizeof(*nodes), compare_ints);
		if (most > 1)
			fprintf(file, " of up to %d cores, from", most);
		else
			fprintf(file, " on");
		fprintf(file, " core%s ",
			cores[0] == cores[size - 1] ? "" : "s");
		put_ranges(file, cores, size);
		fprintf(file, nodes[0] < 0 ? ", across nodes" : " of node%s ",
			nodes[0] == nodes[size - 1] ? "" : "s");
		if (nodes[0] >= 0)
			put_ranges(file, nodes, size);
	} else {
		fprintf(file, ", %d of them pinned", pinned);
	}
	free(cores);
	free(nodes);
}

char *show_workers(const struct rig_pool *pool)
{
	char *text = NULL;
	size_t bytes;
	FILE *file = open_memstream(&text, &bytes);

	if (!file)
		return NULL;
	put_workers(file, pool);
	return fclose(file) == 0 ? text : NULL;
}

json_t *show_workers_json(const struct rig_pool *pool)
{
	json_t *list = json_array();
	struct rig_worker worker;

	for (int i = 0; i < rig_pool_size(pool); i++) {
		if (rig_pool_worker(pool, i, &worker) < 0)
			continue;
		json_array_append_new(
			list, json_pack("{si si si si si si si si sb}", "rank",
					i, "pid", (int)worker.pid, "package",
					worker.package, "node", worker.node,
					"core", worker.core, "cores",
					rig_pool_plan(pool)->spots[i].cores,
					"pu", worker.pu, "pus", worker.pus,
					"as_planned", (int)worker.as_planned));
	}
	return list;
}

void warn_squeezed(const struct rig_plan *plan)
{
	if (plan->squeezed)
		warn("started on one core of %d: a launcher, taskset or "
		     "OMP_PROC_BIND has bound this process (mpirun --bind-to "
		     "none, srun --cpu-bind=none leave it all)",
		     plan->allowed);
}

/* ---- a run ---- */

/* A kernel's words on this line; control characters must not reach the
 * terminal. */
static void put_tame(const char *text)
{
	for (; *text; text++)
		if ((unsigned char)*text < ' ' || *text == '\x7f')
			printf("\\x%02x", (unsigned char)*text);
		else
			putchar(*text);
}

static void put_named(const char *before, const char *name)
{
	if (!name)
		return;
	fputs(before, stdout);
	put_tame(name);
}

double show_bytes_moved(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;

	return outcome->kernel->bytes_moved
		       ? outcome->kernel->bytes_moved(outcome->args)
		       : 0;
}

double show_flops(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;

	return outcome->kernel->flops ? outcome->kernel->flops(outcome->args)
				      : 0;
}

double show_items(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;
	void *data[RIG_ARRAYS_MAX] = { NULL };
	double counted;

	if (!outcome->kernel->items)
		return 0;
	for (int i = 0; i < outcome->array_count; i++)
		data[i] = (char *)rig_segment_data(outcome->arrays[i].segment) +
			  outcome->arrays[i].offset;
	counted = outcome->kernel->items(outcome->args, data);
	return isfinite(counted) ? counted : 0;
}

/* "reverse length=40000000 method=swap begin=0 end=40000000" */
static void show_command(const struct runner *runner)
{
	const struct rig_kernel *kernel = runner->request->kernel;
	const struct rig_param *param = kernel->params;
	char value[VALUE_BYTES];

	printf("%s", kernel->name);
	for (int i = 0; param && param[i].name; i++) {
		rig_outcome_setting(runner->outcome, i, value, sizeof(value));
		printf(" %s=%s", param[i].name, value);
	}
	putchar('\n');
}

static void show_array(const struct runner *runner, int index)
{
	const struct rig_outcome_array *array = &runner->outcome->arrays[index];
	const struct run_array *asked = &runner->request->arrays[index];
	char count[SHOWN_BYTES], bytes[SHOWN_BYTES];

	printf("  %-9s %s %s%s, %s", array->name,
	       show_count(array->array.count, count),
	       rig_dtype_name(array->array.dtype),
	       array->array.swapped ? " in the other byte order" : "",
	       show_bytes((double)array->bytes, bytes));
	put_named(asked->inplace ? ", in place in " : ", from ", asked->input);
	put_named(", in segment ", asked->segment);
	if (asked->offset)
		printf(" from byte %zu on", array->offset);
	put_named(", to ", asked->output);
	if (!array->role)
		printf(", scratch");
	putchar('\n');
}

/* Scratch memory is the kernel's own affair, unless all is asked for. */
static bool is_shown(const struct runner *runner, int index)
{
	return runner->request->verbose ||
	       runner->outcome->arrays[index].role != RIG_SCRATCH;
}

static void show_arrays(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;
	char bytes[SHOWN_BYTES];

	for (int i = 0; i < outcome->array_count; i++)
		if (is_shown(runner, i))
			show_array(runner, i);
	if (outcome->disk_bytes)
		printf("  disk      %s in files without a name in %s\n",
		       show_bytes((double)outcome->disk_bytes, bytes),
		       outcome->disk_folder);
}

/* How much of an array of ours lies on huge pages; -1: unknown, or not ours. */
ssize_t show_huge_bytes(const struct runner *runner, int index)
{
	const struct rig_outcome_array *array = &runner->outcome->arrays[index];

	return array->made ? rig_segment_huge_bytes(array->segment) : -1;
}

static void show_huge(const struct runner *runner)
{
	const char *label = "pages";
	char text[SHOWN_BYTES];

	for (int i = 0; i < runner->outcome->array_count; i++) {
		ssize_t huge = show_huge_bytes(runner, i);

		if (huge < 0 || !is_shown(runner, i))
			continue;
		printf("  %-9s %s: %s on huge pages\n", label,
		       runner->outcome->arrays[i].name,
		       show_bytes((double)huge, text));
		label = "";
	}
}

static void show_line(const struct runner *runner, const char *what,
		      uint64_t ns)
{
	char time[SHOWN_BYTES], rate[SHOWN_BYTES];

	/* µ is one column and two bytes. */
	show_time((double)ns, time);
	printf("  %-9s %s%*s", what, time,
	       11 - (int)strlen(time) + (strchr(time, '\xc2') != NULL), "");
	if (show_bytes_moved(runner) > 0)
		printf(" %s",
		       show_rate(show_bytes_moved(runner), (double)ns, rate));
	if (show_flops(runner) > 0)
		printf(" %.3g Gflop/s", show_flops(runner) / (double)ns);
	if (show_items(runner) > 0)
		printf(" %s",
		       show_item_rate(show_items(runner), (double)ns,
				      runner->request->kernel->item, rate));
}

static void show_times(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;
	int steady = outcome->runs - 1;

	show_line(runner, steady ? "first" : "time", outcome->times_ns[0]);
	putchar('\n');
	if (!steady)
		return;
	show_line(runner, "steady", runner_steady_ns(runner));
	printf("  (median of %d%s)\n", steady,
	       outcome->copied ? ", on a copy: yours has it once" : "");
}

/* The proof, or why there is none. */
static void show_proof(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;
	const struct rig_kernel *kernel = outcome->kernel;
	char covered[SHOWN_BYTES], blocks[SHOWN_BYTES];

	if (outcome->verified && outcome->verify == RIG_VERIFY_SAMPLE)
		printf("  verified  by sample: %s of %s blocks recomputed "
		       "(seed %llu)\n",
		       show_count(outcome->covered, covered),
		       show_count(outcome->blocks, blocks),
		       (unsigned long long)outcome->seed);
	else if (outcome->verified) {
		printf("  verified  in full: ");
		show_wrapped(kernel->verified ? kernel->verified
					      : "by the kernel",
			     21, 12);
	} else if (runner->request->verify == RIG_VERIFY_NONE)
		printf("  not verified  (--verify=none)\n");
	else
		printf("  not verified: the kernel %s\n",
		       kernel->verify ? "cannot judge your data"
				      : "has no verify");
}

/* Authors of kernels and of barriers ask where the barrier lies, and how many
 * epochs went either way. */
static void show_barrier(const struct runner *runner)
{
	const struct rig_outcome *outcome = runner->outcome;
	char line[160], blocked[80] = "";

	if (outcome->barrier_segment)
		snprintf(blocked, sizeof(blocked),
			 ": %llu epoch%s, %llu blocked",
			 (unsigned long long)outcome->epochs,
			 outcome->epochs == 1 ? "" : "s",
			 (unsigned long long)outcome->blocked);
	snprintf(line, sizeof(line), "%s, in %s%s",
		 runner->request->pool.barrier == RIG_BARRIER_PTHREAD
			 ? "pthread"
			 : "adaptive",
		 outcome->barrier_segment ? outcome->barrier_segment
					  : "the team's own segment",
		 blocked);
	printf("  barrier   ");
	show_wrapped(line, 12, 12);
}

void show_run(const struct runner *runner)
{
	const struct run_request *request = runner->request;
	const struct rig_outcome *outcome = runner->outcome;
	char *workers = show_workers(runner->pool);

	show_command(runner);
	show_arrays(runner);
	printf("  workers   %s\n", workers ? workers : "?");
	if (runner->hosts)
		printf("  hosts     %d, of %d ranks in all\n",
		       rig_hosts_size(runner->hosts),
		       rig_hosts_first(runner->hosts,
				       rig_hosts_size(runner->hosts)));
	if (request->pages == RIG_PAGES_HUGE)
		show_huge(runner);
	show_times(runner);
	if (request->verbose)
		show_barrier(runner);
	if (*outcome->result) {
		put_named("  result    ", outcome->result);
		putchar('\n');
	}
	show_proof(runner);
	free(workers);
}
