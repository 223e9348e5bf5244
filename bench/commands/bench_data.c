/* SPDX-License-Identifier: MIT */
/*
 * bench_data.c - rigbench data: kernels on data in place, against NumPy.
 *
 * Numbers in a file: the whole command `runrig run`, beside NumPy's work alone
 * and a program that imports NumPy; by the clock, and by the CPU time of all
 * processes.  Numbers in a live segment: rig_kernel_run() of this process on an
 * existing pool, beside NumPy in a process.  "over the kernel": the time of a
 * call beyond the job that is the kernel's run.
 */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/number.h>
#include <runrig/kernels.h>
#include <runrig/runrig.h>

#include "commands/commands.h"
#include "driver/peer.h"
#include "driver/pool_contender.h"
#include "driver/stopwatch.h"

#define WORKERS 2

/* Elements of the files, and of the small file. */
#define SUM_LENGTH   100000000
#define OTHER_LENGTH 30000000
#define SMALL_LENGTH 1000

/* ---- live segments: the library ---- */

struct call_arg {
	char kernel[16];
	size_t length;
	bool over; /* the time over the kernel counts */
};

/* In this process. */
struct call_timing {
	struct call_arg arg;
	clockid_t clock;
	struct rig_pool *pool;
	struct rig_segment *segment;
};

static int call_once(const struct call_timing *call, enum rig_verify verify,
		     uint64_t *kernel_ns, char *why)
{
	const struct rig_operand operand = {
		.segment = rig_segment_name(call->segment), .dtype = RIG_FLOAT64
	};
	struct rig_outcome *outcome = NULL;
	int r = rig_kernel_run(call->pool,
			       &(struct rig_spec){ .kernel = call->arg.kernel,
						   .operands = &operand,
						   .operand_count = 1,
						   .verify = verify },
			       &outcome);

	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%.200s", rig_why());
	else
		*kernel_ns += outcome->times_ns[0];
	rig_outcome_free(outcome);
	return r;
}

static void call_close(void *state)
{
	struct call_timing *call = state;

	rig_segment_destroy(call->segment);
	rig_pool_destroy(call->pool);
	free(call);
}

static int call_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct call_timing *call = calloc(1, sizeof(*call));
	double *x;
	int r;

	if (!call)
		return -ENOMEM;
	call->arg = *(const struct call_arg *)arg;
	call->clock = clock;
	r = pool_contender_open(
		&call->pool, &(struct rig_pool_options){ .workers = WORKERS },
		why);
	if (r == 0)
		r = rig_segment_create(&call->segment, NULL,
				       call->arg.length * sizeof(*x), NULL);
	if (r < 0) {
		call_close(call);
		return r;
	}
	x = rig_segment_data(call->segment);
	for (size_t i = 0; i < call->arg.length; i++)
		x[i] = (double)(i % 1000) / 1000;
	*state = call;
	return 0;
}

static int call_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	struct call_timing *call = state;
	uint64_t begin = stopwatch_ns(call->clock), kernel_ns = 0;
	int r = 0;

	for (uint64_t i = 0; i < count && r == 0; i++)
		r = call_once(call, RIG_VERIFY_NONE, &kernel_ns, why);
	timing->measured = call->arg.over;
	timing->value =
		(double)(stopwatch_ns(call->clock) - begin - kernel_ns) /
		(double)count;
	return r;
}

static int call_verify(void *state, char *why)
{
	return call_once(state, RIG_VERIFY_FULL, &(uint64_t){ 0 }, why);
}

static void call_bound(void *state, struct case_binding *binding)
{
	struct call_timing *call = state;

	pool_contender_bound(call->pool, binding);
}

static const struct bench_ops call_ops = {
	.open = call_open,
	.run = call_run,
	.verify = call_verify,
	.bound = call_bound,
	.close = call_close,
};

static void put_length(struct bench_case *what, size_t length)
{
	what->axes[0].name = "length";
	snprintf(what->axes[0].value, sizeof(what->axes[0].value), "%zu",
		 length);
}

static int add_call(struct plan *plan, const char *kernel, size_t length,
		    bool over)
{
	struct call_arg arg = { .length = length, .over = over };
	struct bench_case what = {
		.unit = "ns",
		.again = true,
		.ops = &call_ops,
		.arg = &arg,
		.arg_bytes = sizeof(arg),
	};
	struct peer_arg peer = { .environment = "" };
	bool binned = strcmp(kernel, "histogram") == 0;
	int r;

	snprintf(arg.kernel, sizeof(arg.kernel), "%s", kernel);
	snprintf(what.contest, sizeof(what.contest), "%s of a segment, %zu%s",
		 kernel, length, over ? ", over the kernel" : "");
	snprintf(what.name, sizeof(what.name), "runrig");
	snprintf(what.settings, sizeof(what.settings),
		 "rig_kernel_run(), %d workers, no proof", WORKERS);
	put_length(&what, length);
	r = plan_add(plan, &what);
	if (r < 0 || over)
		return r;
	what.again = false;
	what.peer = "numpy";
	snprintf(what.name, sizeof(what.name), "NumPy");
	snprintf(peer.command, sizeof(peer.command),
		 "/usr/bin/python3 @/numpy_kernels.py %% %s %zu%s", kernel,
		 length, binned ? " 256" : "");
	peer_case(&what, &peer);
	return plan_add(plan, &what);
}

/* ---- files: the command ---- */

/* The folder of the files, which the helpers share: the first helper makes a
 * file. */
static char folder[128];

static int make_folder(void)
{
	const char *where = getenv("TMPDIR");

	if (snprintf(folder, sizeof(folder), "%s/rigbench-XXXXXX",
		     where && *where ? where : "/tmp") >= (int)sizeof(folder))
		return -ENAMETOOLONG;
	return mkdtemp(folder) && setenv("RIGBENCH_FOLDER", folder, 1) == 0
		       ? 0
		       : -errno;
}

static void remove_folder(void)
{
	DIR *dir = opendir(folder);
	const struct dirent *entry;

	while (dir && (entry = readdir(dir)))
		if (entry->d_name[0] != '.')
			(void)unlinkat(dirfd(dir), entry->d_name, 0);
	if (dir)
		closedir(dir);
	(void)rmdir(folder);
}

struct file_contestant {
	const char *name, *who, *words;
};

static const struct file_contestant contenders[] = {
	{ "runrig, no proof", "runrig", "--verify=none" },
	{ "runrig, sample", "runrig", "--verify=sample" },
	{ "NumPy's work alone", "numpy", "" },
	{ "Python and NumPy", "python", "" },
};

static int add_file(struct plan *plan, const char *kernel, size_t length,
		    const char *measure)
{
	int r = 0;

	for (size_t i = 0;
	     i < sizeof(contenders) / sizeof(*contenders) && r == 0; i++) {
		const struct file_contestant *c = &contenders[i];
		bool ours = strcmp(c->who, "runrig") == 0;
		struct peer_arg arg = { .environment = "" };
		struct bench_case what = {
			.unit = "ns",
			.count = 1,
			.peer = ours ? NULL : "numpy",
		};

		snprintf(what.contest, sizeof(what.contest),
			 "%s of a file, %zu, %s", kernel, length,
			 strcmp(measure, "cpu") == 0 ? "CPU" : "wall");
		snprintf(what.name, sizeof(what.name), "%s", c->name);
		put_length(&what, length);
		snprintf(arg.command, sizeof(arg.command),
			 "/usr/bin/python3 @/numpy_data.py %% %s %s %s %zu "
			 "%s",
			 measure, c->who, kernel, length, c->words);
		peer_case(&what, &arg);
		r = plan_add(plan, &what);
	}
	return r;
}

/* The contest that opens fastest is the first. */
static int add_files(struct plan *plan, size_t part)
{
	int r = add_file(plan, "sum", SMALL_LENGTH, "cpu");

	if (r == 0)
		r = add_file(plan, "sum", SUM_LENGTH / part, "wall");
	if (r == 0)
		r = add_file(plan, "sum", SUM_LENGTH / part, "cpu");
	if (r == 0)
		r = add_file(plan, "histogram", OTHER_LENGTH / part, "wall");
	return r == 0 ? add_file(plan, "scan", OTHER_LENGTH / part, "wall") : r;
}

static int add_calls(struct plan *plan, size_t part)
{
	static const char *const kernels[] = { "sum", "scan", "histogram",
					       "min" };
	int r = add_call(plan, "sum", SMALL_LENGTH, true);

	for (size_t i = 0; i < 4 && r == 0; i++)
		for (size_t n = 1000000; n <= 10000000 && r == 0; n *= 10)
			r = add_call(plan, kernels[i], n / part, false);
	return r;
}

/* The request: all elements, or a half, of a part of the elements. */
struct file_options {
	bool files, segments;
	size_t part;
};

static bool parse_word(const char *word, struct file_options *options)
{
	if (strcmp(word, "files") == 0)
		options->files = true;
	else if (strcmp(word, "segments") == 0)
		options->segments = true;
	else
		return strncmp(word, "part=", 5) == 0 &&
		       number_size(word + 5, &options->part) == 0 &&
		       options->part >= 1 && options->part <= 10000;
	return true;
}

static int measure_files(struct command *c, size_t part)
{
	int r = make_folder();

	if (r < 0) {
		fprintf(stderr, "rigbench: a folder in $TMPDIR or /tmp: %s\n",
			strerror(-r));
		return EXIT_SYSTEM;
	}
	r = add_files(&c->plan, part);
	if (r < 0)
		fprintf(stderr, "rigbench: out of memory\n");
	r = r < 0 ? EXIT_SYSTEM : command_measure(c);
	remove_folder();
	return r;
}

static int command_data(struct command *c)
{
	struct file_options options = { .part = 1 };
	int r = 0;

	for (int i = 1; i < c->word_count; i++)
		if (!parse_word(c->words[i], &options)) {
			fprintf(stderr,
				"rigbench: data %s: there are files, segments, "
				"and part=N, 1 to 10000: an Nth of the "
				"elements\n",
				c->words[i]);
			return EXIT_USAGE;
		}
	if (rig_kernels_register() < 0) {
		fprintf(stderr, "rigbench: %s\n", rig_why());
		return EXIT_SYSTEM;
	}
	if (options.segments || !options.files)
		r = add_calls(&c->plan, options.part);
	if (r < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return EXIT_SYSTEM;
	}
	return options.files || !options.segments
		       ? measure_files(c, options.part)
		       : command_measure(c);
}

const struct bench_command bench_data = {
	.name = "data",
	.words = "[files] [segments] [part=N]",
	.summary = "Time kernels on files and live segments against NumPy.",
	.run = command_data,
	.about = "part=10 takes a tenth of the elements.",
};
