/* SPDX-License-Identifier: MIT */
/*
 * kernel_peers.c - programs that do the same work as a kernel.
 *
 * A peer is a helper's command line, with $NAME for the kernel's parameter and
 * $workers for the number of threads or ranks.
 */
#include "commands/kernel_peers.h"

#include <stdio.h>
#include <string.h>

#include <runner/arguments.h>

#include "driver/peer.h"

#define OMP    "OMP_NUM_THREADS=$workers OMP_PROC_BIND=true"
#define FORM   "@/rigbench-omp-kernels % "
#define PYTHON "/usr/bin/python3 @/"
#define NUMPY  PYTHON "numpy_kernels.py % "
#define EXPR   PYTHON "expressions.py % "

/* A peer of a kernel. */
static const struct kernel_peer {
	const char *kernel;
	const char *peer; /* for --peer */
	const char *name;
	const char *environment;
	const char *command;
	const char *needs; /* NAME=VALUE: only then; NULL: always */
} peers[] = {
	{ "reverse", "libgomp", "OpenMP libgomp", OMP,
	  "@/rigbench-omp % reverse $count", NULL },
	{ "reverse", "libomp", "OpenMP libomp", OMP,
	  "@/rigbench-libomp % reverse $count", NULL },
	{ "reverse", "python", "Python Pool, views", "",
	  PYTHON "pool_reverse.py % $count $workers views", NULL },
	{ "reverse", "python", "Python Pool, blocks", "",
	  PYTHON "pool_reverse.py % $count $workers blocks", NULL },
	{ "evaluate", "numexpr", "numexpr, its threads", OMP,
	  EXPR "numexpr $length $workers $expr", "let=" },
	{ "evaluate", "numpy", "NumPy in blocks", OMP,
	  EXPR "blocks $length $workers $expr", "let=" },
	{ "triad", "libgomp", "OpenMP libgomp", OMP,
	  "@/rigbench-omp % triad $count", NULL },
	{ "triad", "libomp", "OpenMP libomp", OMP,
	  "@/rigbench-libomp % triad $count", NULL },
	{ "nstream", "libgomp", "OpenMP libgomp", OMP,
	  FORM "nstream $length $iterations", NULL },
	{ "stencil", "libgomp", "OpenMP libgomp", OMP,
	  FORM "stencil $n $iterations", "radius=2 shape=star" },
	{ "transpose", "libgomp", "OpenMP libgomp", OMP,
	  FORM "transpose $n $iterations $tile", NULL },
	{ "synch-p2p", "libgomp", "OpenMP libgomp", OMP,
	  FORM "synch-p2p $m $n $iterations", NULL },
	{ "reduce", "libgomp", "OpenMP libgomp", OMP,
	  FORM "reduce $length $vectors $iterations", "method=strips" },
	{ "random", "libgomp", "OpenMP libgomp", OMP, FORM "random $log $ratio",
	  NULL },
	{ "sparse", "libgomp", "OpenMP libgomp", OMP,
	  FORM "sparse $log $radius $iterations", NULL },
	{ "dgemm", "libgomp", "OpenMP libgomp", OMP,
	  FORM "dgemm $n $iterations 32", NULL },
	{ "dgemm", "openblas", "OpenBLAS, its threads", "",
	  "@/rigbench-openblas % $n $iterations $workers", NULL },
	{ "global", "libgomp", "OpenMP libgomp", OMP,
	  FORM "global $length $parts $iterations", NULL },
	{ "cg", "libgomp", "OpenMP libgomp", OMP, FORM "cg", "class=A" },
	{ "is", "libgomp", "OpenMP libgomp", OMP, FORM "is", "class=A" },
	{ "sort", "libstdc++", "__gnu_parallel::sort", OMP,
	  "@/rigbench-gnu-sort % $count $workers", "axis=none" },
	{ "sort", "numpy", "numpy.sort", OMP, NUMPY "sort $count",
	  "axis=none" },
	{ "sum", "numpy", "numpy.sum", OMP, NUMPY "sum $count", "axis=none" },
	{ "min", "numpy", "numpy.min", OMP, NUMPY "min $count", "axis=none" },
	{ "max", "numpy", "numpy.max", OMP, NUMPY "max $count", "axis=none" },
	{ "norm", "numpy", "numpy.linalg.norm", OMP, NUMPY "norm $count",
	  NULL },
	{ "dot", "numpy", "numpy.dot", OMP, NUMPY "dot $count", NULL },
	{ "scan", "numpy", "numpy.cumsum", OMP, NUMPY "scan $count", NULL },
	{ "histogram", "numpy", "numpy.histogram", OMP,
	  NUMPY "histogram $count $bins", "low=0 high=1" },
	{ "argsort", "numpy", "numpy.argsort", OMP, NUMPY "argsort $count",
	  NULL },
	{ "unique", "numpy", "numpy.unique", OMP,
	  NUMPY "unique $count $different", NULL },
	{ "median", "numpy", "numpy.median", OMP, NUMPY "median $count", NULL },
	{ "quantile", "numpy", "numpy.quantile", OMP, NUMPY "quantile $count",
	  "q=0.5" },
	{ "mean", "numpy", "numpy.mean", OMP, NUMPY "mean $count",
	  "columns=0" },
	{ "var", "numpy", "numpy.var", OMP, NUMPY "var $count", "columns=0" },
	{ "cumprod", "numpy", "numpy.cumprod", OMP, NUMPY "cumprod $count",
	  NULL },
	{ "sum", "numpy", "numpy.sum(axis=0)", OMP,
	  NUMPY "sum-axis $count $columns 0", "axis=0" },
	{ "sum", "numpy", "numpy.sum(axis=1)", OMP,
	  NUMPY "sum-axis $count $columns 1", "axis=1" },
	{ "sort", "numpy", "numpy.sort(axis=0)", OMP,
	  NUMPY "sort-axis $count $columns 0", "axis=0" },
	{ "sort", "numpy", "numpy.sort(axis=1)", OMP,
	  NUMPY "sort-axis $count $columns 1", "axis=1" },
	{ "matvec", "numpy", "numpy.dot", OMP, NUMPY "matvec $rows $columns",
	  NULL },
};

/* Kernels that also have a form for Open MPI's window. */
static const struct {
	const char *kernel, *words, *needs;
} windows[] = {
	{ "stencil", "stencil $n $iterations", "radius=2 shape=star" },
	{ "transpose", "transpose $n $iterations $tile", NULL },
	{ "synch-p2p", "synch-p2p $m $n $iterations", NULL },
};

struct bench_case kernel_contest(const struct kernel_arg *arg,
				 const struct kernel_run *run)
{
	const struct rig_kernel *kernel = arg->kernel;
	struct bench_case what = {
		.unit = "ns",
		.axes = { { .name = "workers" }, { .name = "parameters" } },
	};

	if (kernel->bytes_moved)
		what.bytes = kernel->bytes_moved(run->args);
	snprintf(what.contest, sizeof(what.contest), "kernel %.30s",
		 kernel->name);
	snprintf(what.axes[0].value, sizeof(what.axes[0].value), "%d",
		 arg->workers);
	kernel_words(arg, what.axes[1].value, sizeof(what.axes[1].value));
	return what;
}

/* A parameter as a plain number or word. */
static void show(const struct kernel_run *run, const char *name, size_t length,
		 char *text, size_t bytes)
{
	const struct rig_param *param = run->kernel->params;

	snprintf(text, bytes, "?");
	if (length == 5 && strncmp(name, "count", 5) == 0)
		snprintf(text, bytes, "%llu",
			 (unsigned long long)kernel_run_array(run, 0)->count);
	for (; param && param->name; param++) {
		const char *field = (const char *)run->args + param->offset;

		if (strlen(param->name) != length ||
		    strncmp(param->name, name, length) != 0)
			continue;
		if (param->kind == RIG_PARAM_SIZE) {
			size_t size;

			memcpy(&size, field, sizeof(size));
			snprintf(text, bytes, "%zu", size);
		} else {
			arguments_show(param, run->args, text, bytes);
		}
	}
}

/* Replace names by parameters. */
static void expand(const struct kernel_run *run, int workers, const char *from,
		   char *to, size_t bytes)
{
	size_t used = 0;

	while (*from && used + 1 < bytes) {
		char text[64];
		size_t length;

		if (*from != '$') {
			to[used++] = *from++;
			continue;
		}
		length = strspn(++from, "abcdefghijklmnopqrstuvwxyz");
		if (length == 7 && strncmp(from, "workers", 7) == 0)
			snprintf(text, sizeof(text), "%d", workers);
		else
			show(run, from, length, text, sizeof(text));
		from += length;
		used += (size_t)snprintf(to + used, bytes - used, "%s", text);
	}
	to[used < bytes ? used : bytes - 1] = '\0';
}

/* Whether the parameters are the peer's parameters. */
static bool has(const struct kernel_run *run, const char *needs)
{
	while (needs && *needs) {
		size_t name = strcspn(needs, "=");
		size_t length = strcspn(needs, " ");
		char text[64];

		show(run, needs, name, text, sizeof(text));
		if (strlen(text) != length - name - 1 ||
		    strncmp(text, needs + name + 1, strlen(text)) != 0)
			return false;
		needs += length + (needs[length] == ' ');
	}
	return true;
}

static int add_peer(struct plan *plan, const struct kernel_arg *arg,
		    const struct kernel_run *run,
		    const struct kernel_peer *peer)
{
	struct bench_case what = kernel_contest(arg, run);
	struct peer_arg command = { .environment = "" };

	expand(run, arg->workers, peer->environment, command.environment,
	       sizeof(command.environment));
	expand(run, arg->workers, peer->command, command.command,
	       sizeof(command.command));
	what.peer = peer->peer;
	snprintf(what.name, sizeof(what.name), "%s", peer->name);
	peer_case(&what, &command);
	return plan_add(plan, &what);
}

static int add_window(struct plan *plan, const struct kernel_arg *arg,
		      const struct kernel_run *run, const char *words)
{
	struct bench_case what = kernel_contest(arg, run);
	struct peer_arg command;
	char text[120];

	expand(run, arg->workers, words, text, sizeof(text));
	snprintf(what.name, sizeof(what.name), "Open MPI, shared window");
	peer_mpi(&what, &command,
		 &(struct mpi_peer){ .openmpi = true,
				     .suffix = "",
				     .ranks = arg->workers,
				     .launch = "",
				     .words = text });
	return plan_add(plan, &what);
}

int kernel_peers_add(struct plan *plan, const struct kernel_arg *arg,
		     const struct kernel_run *run)
{
	const char *kernel = arg->kernel->name;
	int r = 0;

	for (size_t i = 0; i < sizeof(peers) / sizeof(*peers) && r == 0; i++)
		if (strcmp(peers[i].kernel, kernel) == 0 &&
		    has(run, peers[i].needs))
			r = add_peer(plan, arg, run, &peers[i]);
	for (size_t i = 0; i < sizeof(windows) / sizeof(*windows) && r == 0;
	     i++)
		if (strcmp(windows[i].kernel, kernel) == 0 &&
		    has(run, windows[i].needs))
			r = add_window(plan, arg, run, windows[i].words);
	return r;
}
