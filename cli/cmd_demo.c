/* SPDX-License-Identifier: MIT */
/*
 * cmd_demo.c - runrig demo: the purpose of runrig in a single, checked run.
 *
 * The article's three programs; then pinned workers reverse an array of
 * doubles, of 40 million or fewer, in place; then the same workers do the same
 * job with the data copied through pipes to the workers and back.
 */
#include "cmd_demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <common/number.h>
#include <runrig/barrier.h>
#include <runrig/error.h>
#include <runrig/segment.h>

#include "command.h"
#include "verified_run.h"
#include "show.h"

#define LENGTH     40000000
#define LENGTH_MIN 1000

/* Runs of the big reverse: the first run, and the runs for the median. */
#define RUNS 6

struct options {
	size_t length; /* 0: as many as there is room for */
	int workers;
	bool verbose;
};

static const struct argp_option option_table[] = {
	{ .name = "workers",
	  .key = 'n',
	  .arg = "N",
	  .doc = "Reverse by N workers, not by one a usable core." },
	{ .name = "verbose",
	  .key = 'v',
	  .doc = "Say where the barrier lies, and how often it blocked." },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	arg = given_word(arg);
	if (key == 'n') {
		options->workers = given_int("-n", arg, 1, RIG_WORKERS_MAX);
		return 0;
	}
	if (key == 'v') {
		options->verbose = true;
		return 0;
	}
	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (strncmp(arg, "length=", 7) != 0 ||
	    number_size(arg + 7, &options->length) < 0 ||
	    options->length < LENGTH_MIN || options->length > SIZE_MAX / 64)
		exit(complain(EXIT_USAGE,
			      "demo %s: it takes length=N alone, %d or more",
			      arg, LENGTH_MIN));
	return 0;
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse,
	.args_doc = "[length=N]",
	.doc = "Run the three programs of the article on shared memory, and "
	       "reverse 40 million doubles by one pinned worker a core: "
	       "timed, checked, and held against copying through pipes.",
};

/* As many doubles as there is room for: the segment in /dev/shm; and the
 * segment and a copy for the pipes in half of the available memory. */
static size_t choose_length(void)
{
	size_t shm = rig_shm_available() / sizeof(double) / 16 * 15;
	size_t memory = rig_memory_available() / 2 / (2 * sizeof(double));
	size_t least = shm < memory ? shm : memory;
	char count[SHOWN_BYTES], text[SHOWN_BYTES];

	if (least >= LENGTH)
		return LENGTH;
	/* Whole thousands, for people to read. */
	least = least > LENGTH_MIN ? least - least % 1000 : LENGTH_MIN;
	printf("Not 40 million doubles but %s: %s.\n", show_count(least, count),
	       shm < memory ? "/dev/shm is small" : "memory is short");
	if (shm < memory)
		printf("(%s of /dev/shm are free; a container sets it with "
		       "--shm-size.)\n",
		       show_bytes((double)rig_shm_available(), text));
	return least;
}

static void print_strips(const struct runner *runner, int rank)
{
	struct rig_span spans[RIG_SPANS_MAX];
	int count = rig_outcome_owns(runner->outcome, 0, rank,
				     rig_pool_size(runner->pool), spans);

	for (int i = 0; i < count; i++) {
		char begin[SHOWN_BYTES], end[SHOWN_BYTES];

		printf("%s%s-%s", i ? " and " : "",
		       show_count(spans[i].begin / sizeof(double), begin),
		       show_count(spans[i].end / sizeof(double) - 1, end));
	}
	printf("\n");
}

static void print_workers(const struct runner *runner)
{
	struct rig_worker worker;

	printf("   rank      pid  package  core  node  strip\n");
	for (int i = 0; i < rig_pool_size(runner->pool); i++) {
		if (rig_pool_worker(runner->pool, i, &worker) < 0)
			continue;
		printf("   %4d  %7d  %7d  %4d  %4d  ", i, (int)worker.pid,
		       worker.package, worker.core, worker.node);
		print_strips(runner, i);
	}
}

static void print_time(const char *what, double bytes, uint64_t ns)
{
	char time[SHOWN_BYTES], rate[SHOWN_BYTES];

	printf("   %-12s %s, %s\n", what, show_time((double)ns, time),
	       show_rate(bytes, (double)ns, rate));
}

static void print_reverse(const struct runner *runner, size_t length)
{
	const struct rig_outcome *outcome = runner->outcome;
	double bytes = 2.0 * (double)length * sizeof(double);

	print_workers(runner);
	print_time("first run", bytes, outcome->times_ns[0]);
	print_time("later runs", bytes, runner_steady_ns(runner));
	if (runner->request->verbose)
		printf("   The barrier lies behind the data, in segment\n"
		       "   %s: %llu epochs, %llu of them blocked.\n",
		       outcome->barrier_segment,
		       (unsigned long long)outcome->epochs,
		       (unsigned long long)outcome->blocked);
	printf("   Verified: every element, after the barrier, by a rank that "
	       "did not write it.\n");
}

static int check_elements(const double *to, const double *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (to[i] != from[length - 1 - i])
			return complain(EXIT_UNVERIFIED,
					"pipes: element %zu is %.17g, expected "
					"%.17g",
					i, to[i], from[length - 1 - i]);
	return 0;
}

/* The same job with copies.  Copying may be impossible here: the user is told,
 * and the demo goes on. */
static int copy_through_pipes(const struct runner *runner, size_t length)
{
	const double *from =
		rig_segment_data(runner->outcome->arrays[0].segment);
	size_t bytes = length * sizeof(double);
	double *to = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	struct pipes_cost cost;
	char why[256], time[SHOWN_BYTES];
	int r;

	if (to == MAP_FAILED) {
		warn("no memory for the copy through pipes");
		return 0;
	}
	r = demo_pipes(runner->pool, from, to, length, &cost, why, sizeof(why));
	if (r < 0) {
		warn("copying through pipes was not possible: %s", why);
		r = 0;
	} else {
		r = check_elements(to, from, length);
		printf("   The same workers, the data copied to them and back "
		       "through pipes of %d KiB:\n",
		       cost.pipe_bytes / 1024);
		printf("   %s, %.1f times as long as sharing it; every element "
		       "checked.\n",
		       show_time((double)cost.ns, time),
		       (double)cost.ns / (double)runner_steady_ns(runner));
	}
	munmap(to, bytes);
	return r;
}

static int big_reverse(const struct options *options)
{
	size_t length = options->length ? options->length : choose_length();
	char word[40], count[SHOWN_BYTES], bytes[SHOWN_BYTES];
	char *words[] = { word, NULL };
	struct run_request request = { .verify = RIG_VERIFY_FULL,
				       .words = words,
				       .verbose = options->verbose,
				       .pool.workers = options->workers,
				       .repeat = RUNS };
	struct runner runner = { 0 };
	int r;

	if (rig_kernels_register() < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	request.kernel = rig_kernel_find("reverse");
	snprintf(word, sizeof(word), "length=%zu", length);
	printf("4  %s doubles, %s, reversed in place\n",
	       show_count(length, count),
	       show_bytes((double)length * sizeof(double), bytes));
	(void)fflush(stdout);
	r = runner_run(&runner, &request);
	if (r == 0) {
		print_reverse(&runner, length);
		(void)fflush(stdout);
		r = copy_through_pipes(&runner, length);
	}
	runner_finish(&runner);
	return r;
}

int command_demo(int argc, char **argv)
{
	struct options options = { 0 };
	int r;

	parse_command(&argp, argc, argv, &options);
	r = demo_article();
	if (r == 0)
		r = big_reverse(&options);
	return finish_output(r);
}
