/* SPDX-License-Identifier: MIT */
/*
 * main.c - rigbench: the command line of the measuring driver.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <libgen.h>
#include <math.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <runner/option.h>

#include "commands/commands.h"
#include "driver/machine.h"
#include "driver/measure.h"
#include "report/result.h"
#include "report/table.h"

/* Exit statuses, the same as runrig's. */
enum {
	EXIT_DONE = 0,
	EXIT_USAGE = 1,
	EXIT_UNVERIFIED = 2,
	EXIT_RUN_FAILED = 3,
	EXIT_UNTRUSTED = 4,
	EXIT_SYSTEM = 5,
	EXIT_INTERRUPTED = 130
};

enum {
	KEY_PEER = 256,
	KEY_BUDGET,
	KEY_LAUNCHES,
	KEY_BLOCKS,
	KEY_SEED,
	KEY_STRICT,
	KEY_JSON,
	KEY_CSV,
	KEY_WARMUP,
	KEY_BATCH
};

static const struct argp_option option_list[] = {
	{ "peer", KEY_PEER, "LIST", 0,
	  "measure only these peers (libgomp,libomp,python,...), or none", 0 },
	{ "budget", KEY_BUDGET, "SECONDS", 0,
	  "cut blocks so that it takes about so long", 0 },
	{ "launches", KEY_LAUNCHES, "N", 0,
	  "start every process anew so many times (6)", 0 },
	{ "blocks", KEY_BLOCKS, "N", 0, "visit every cell so often a launch",
	  0 },
	{ "seed", KEY_SEED, "N", 0, "replay this order", 0 },
	{ "warmup", KEY_WARMUP, "SECONDS", 0,
	  "warm every cell up for at least so long (0.2)", 0 },
	{ "batch", KEY_BATCH, "SECONDS", 0, "length of one sample (0.002)", 0 },
	{ "strict", KEY_STRICT, NULL, 0,
	  "exit with 4 where the machine is too noisy", 0 },
	{ "json", KEY_JSON, "FILE", OPTION_ARG_OPTIONAL,
	  "everything as JSON, to FILE or instead of the table", 0 },
	{ "output", 'o', "PATH", 0, "suite: folder; report: the page", 0 },
	{ "csv", KEY_CSV, "FILE", 0, "samples as CSV, and FILE-summary.csv",
	  0 },
	{ 0 },
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	interrupted = signal;
}

static noreturn void refuse(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/* The command line is wrong: in one line. */
static noreturn void refuse(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "rigbench: ");
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_USAGE);
}

/* What an option was given, a number from min to max, or a usage error. */
static double number(const char *option, const char *text, double min,
		     double max)
{
	char *end;
	double x;

	errno = 0;
	x = strtod(text, &end);
	if (*end || end == text || errno || !(x >= min && x <= max))
		refuse("--%s %s: not a number from %g to %g", option, text, min,
		       max);
	return x;
}

/* What an option was given as the name of a file; NULL: nothing. */
static char *file_name(const char *option, char *text)
{
	if (text && !*text)
		refuse("--%s: an empty name of a file", option);
	return text;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
	struct command *c = state->input;

	switch (key) {
	case KEY_PEER:
		c->peers = text;
		break;
	case KEY_BUDGET:
		c->plan.budget_ns =
			(uint64_t)(1e9 * number("budget", text, 1, 86400));
		break;
	case KEY_LAUNCHES:
		c->plan.launches = (uint32_t)number("launches", text, 1, 1000);
		break;
	case KEY_BLOCKS:
		c->plan.blocks = (uint32_t)number("blocks", text, 1, 100000);
		break;
	case KEY_SEED:
		c->plan.seed = (uint64_t)number("seed", text, 0, 9e15);
		break;
	case KEY_WARMUP:
		c->warmup_given = true;
		c->plan.warmup_ns =
			(uint64_t)(1e9 * number("warmup", text, 0, 2));
		break;
	case KEY_BATCH:
		c->plan.batch_ns =
			(uint64_t)(1e9 * number("batch", text, 1e-5, 10));
		break;
	case 'o':
		c->folder = file_name("output", text);
		break;
	case KEY_STRICT:
		c->strict = true;
		break;
	case KEY_JSON:
		c->json = true;
		c->json_path = file_name("json", text);
		break;
	case KEY_CSV:
		c->csv_path = file_name("csv", text);
		break;
	case ARGP_KEY_ARG:
		if (c->word_count == COMMAND_WORDS_MAX)
			refuse("more than %d words", COMMAND_WORDS_MAX);
		c->words[c->word_count++] = text;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* One line that changes, of a terminal, drawn between samples. */
static void show_progress(void *arg, const char *text)
{
	(void)arg;
	fprintf(stderr, "\r\033[K%s", text);
	fflush(stderr);
}

static void end_progress(const struct plan *plan)
{
	if (plan->progress)
		plan->progress(plan->progress_arg, "");
}

static int write_json(const struct command *c, const struct run_info *info)
{
	json_t *json = result_json(&c->plan, info);
	int r = 0;

	if (!json)
		return -ENOMEM;
	if (c->more && c->more(&c->plan, info, json) < 0) {
		json_decref(json);
		return -ENOMEM;
	}
	if (!c->json_path) {
		r = json_dumpf(json, stdout, JSON_INDENT(1));
		printf("\n");
	} else {
		r = json_dump_file(json, c->json_path, JSON_INDENT(1));
	}
	json_decref(json);
	return r < 0 ? -EIO : 0;
}

static int write_results(const struct command *c, const struct run_info *info)
{
	int r;

	if (c->json && write_json(c, info) < 0) {
		fprintf(stderr, "rigbench: cannot write %s\n",
			c->json_path ? c->json_path : "the JSON");
		return EXIT_SYSTEM;
	}
	if (!c->json || c->json_path)
		table_print(&c->plan, info, c->verdict, c->tables, c->json_path,
			    stdout);
	if (c->csv_path) {
		r = c->csv ? c->csv(&c->plan, info, c->csv_path)
			   : result_csv(&c->plan, c->csv_path);
		if (r < 0) {
			fprintf(stderr, "rigbench: cannot write %s: %s\n",
				c->csv_path, strerror(-r));
			return EXIT_SYSTEM;
		}
	}
	if (fflush(stdout) == 0 && !ferror(stdout))
		return EXIT_DONE;
	fprintf(stderr, "rigbench: standard output: %s\n", strerror(errno));
	return EXIT_SYSTEM;
}

/* The worst that any cell, or the machine, has to say. */
static int status_of(const struct command *c, const struct run_info *info)
{
	int status = EXIT_DONE;

	if (c->plan.interrupted)
		return EXIT_INTERRUPTED;
	if (c->strict && (info->noise.grade == 'C' || info->steal > 1))
		status = EXIT_UNTRUSTED;
	for (size_t i = 0; i < c->plan.cell_count; i++) {
		const struct cell *cell = &c->plan.cells[i];

		if (cell->unverified)
			return EXIT_UNVERIFIED;
		if (cell->status == CELL_FAILED)
			status = EXIT_RUN_FAILED;
		if (cell->status == CELL_IMPLAUSIBLE && c->strict &&
		    status == EXIT_DONE)
			status = EXIT_UNTRUSTED;
	}
	return status;
}

/* Can a result be written there?  Asked before, not after, an hour of
 * measuring. */
static int check_path(const char *path)
{
	struct stat status;
	char folder[4096];
	int r = 0;

	snprintf(folder, sizeof(folder), "%s", path);
	if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
		r = -EISDIR;
	else if (access(path, F_OK) == 0 ? access(path, W_OK) < 0
					 : access(dirname(folder), W_OK) < 0)
		r = -errno;
	if (r < 0)
		fprintf(stderr, "rigbench: cannot write \"%s\": %s\n", path,
			strerror(-r));
	return r;
}

static int check_paths(const struct command *c)
{
	int r = c->json_path ? check_path(c->json_path) : 0;

	return r == 0 && c->csv_path ? check_path(c->csv_path) : r;
}

/* Is this the first cell of its peer? */
static bool is_first(const struct plan *plan, size_t at)
{
	const char *peer = plan->cells[at].what.peer;

	for (size_t i = 0; peer && i < at; i++)
		if (plan->cells[i].what.peer &&
		    strcmp(plan->cells[i].what.peer, peer) == 0)
			return false;
	return peer != NULL;
}

/* Does the plan have each peer of the list?  If not, say which it has. */
static int check_peers(const struct command *c)
{
	const struct plan *plan = &c->plan;
	const char *word = c->peers;

	for (size_t n; *word; word += n + (word[n] == ',')) {
		bool known = (n = strcspn(word, ",")) == 4 &&
			     strncmp(word, "none", 4) == 0;

		for (size_t i = 0; i < plan->cell_count && !known; i++)
			known = plan->cells[i].what.peer &&
				strlen(plan->cells[i].what.peer) == n &&
				strncmp(plan->cells[i].what.peer, word, n) == 0;
		if (known)
			continue;
		fprintf(stderr, "rigbench: %s has no peer \"%.*s\"; there are:",
			c->words[0], (int)n, word);
		for (size_t i = 0; i < plan->cell_count; i++)
			if (is_first(plan, i))
				fprintf(stderr, " %s",
					plan->cells[i].what.peer);
		fprintf(stderr, " none\n");
		return -EINVAL;
	}
	return 0;
}

static bool asked_for(const char *peers, const char *peer)
{
	size_t n = strlen(peer);

	for (const char *at = strstr(peers, peer); at;
	     at = strstr(at + 1, peer))
		if ((at == peers || at[-1] == ',') && (at[n] == ',' || !at[n]))
			return true;
	return false;
}

void command_warmup(struct command *c, uint64_t ns)
{
	if (!c->warmup_given)
		c->plan.warmup_ns = ns;
	c->plan.warmup_max_ns = 10 * c->plan.warmup_ns;
}

int command_measure(struct command *c)
{
	struct run_info info = { .command = c->words[0],
				 .argc = c->argc,
				 .argv = c->argv };
	struct sigaction action = { .sa_handler = on_interrupt };
	struct machine_ticks before;
	struct machine_ticks after;
	int status;

	if (c->peers && check_peers(c) < 0)
		return EXIT_USAGE;
	if (check_paths(c) < 0)
		return EXIT_SYSTEM;
	sigemptyset(&action.sa_mask);
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	if (c->peers)
		plan_keep_peers(&c->plan, asked_for, c->peers);
	c->plan.stop = &interrupted;
	if (isatty(STDERR_FILENO))
		c->plan.progress = show_progress;
	machine_ticks(&before);
	machine_noise(&c->plan.watch, c->plan.batch_ns, &info.noise);
	if (measure(&c->plan) < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return EXIT_SYSTEM;
	}
	machine_ticks(&after);
	end_progress(&c->plan);
	info.steal = machine_steal(&before, &after);
	status = write_results(c, &info);
	return status ? status : status_of(c, &info);
}

static const struct entry {
	const char *name;
	const char *words; /* behind it */
	const char *summary;
	int (*run)(struct command *c);
	const char *about;       /* the words; NULL: there are none */
	void (*help)(FILE *out); /* the same, where there is a list of them */
} commands[] = {
	{ "ipc", "[NAME=LIST...]", "transports between two processes",
	  command_ipc, NULL, help_ipc },
	{ "sync", "", "barriers, hand-over, dispatch, pool start", command_sync,
	  NULL, NULL },
	{ "map", "", "items and chunks of work handed out", command_map, NULL,
	  NULL },
	{ "exact", "", "sums with the same bits in any order", command_exact,
	  NULL, NULL },
	{ "place", "", "memory populated by its owners, and planning",
	  command_place, NULL, NULL },
	{ "coll", "[VERB...]", "the team's verbs against Open MPI and MPICH",
	  command_coll, NULL, help_coll },
	{ "c2c", "", "what a cache line takes from each PU to each other",
	  command_c2c, NULL, NULL },
	{ "mem", "[sizes=LIST]",
	  "what caches and memory can do at best: the roofs", command_mem,
	  "sizes=24Ki,128M,... are bytes of one worker's working set; without "
	  "them half of each cache's share, sizes between, and four times the "
	  "last cache.",
	  NULL },
	{ "suite", "quick|normal", "a fixed choice of ipc, to a JSON file",
	  command_suite,
	  "quick takes 90 seconds and writes rigbench-quick.json, normal all "
	  "transports, sizes and peers, and rigbench-normal.json: here, or in "
	  "the folder of -o.",
	  NULL },
	{ "compare", "OLD.json NEW.json", "what has changed", command_compare,
	  "Both are what --json=FILE wrote.  Exits with 4 where something is "
	  "shown slower.",
	  NULL },
	{ "report", "[FILE.json...]", "one page, figure or table",
	  command_report,
	  "Each is what --json=FILE wrote (rigbench-quick.json).  -o PAGE.html "
	  "is the page (rigbench.html), -o latency.svg its figure latency, "
	  "-o TABLE.md the table of kernels.",
	  NULL },
	{ "selftest", "", "slow, lying and corrupting transports are caught",
	  command_selftest, NULL, NULL },
	{ "cases", "", "what there is, and what is not available here and why",
	  command_cases, NULL, NULL },
	{ "scale", "KERNEL [PARAM=VALUE...]...",
	  "kernels by 1 worker, 2, ... to all: strong and weak", command_scale,
	  NULL, help_kernel },
	{ "doctor", "", "what makes numbers of this machine untrustworthy",
	  command_doctor, NULL, NULL },
	{ "kernel", "[KERNEL [PARAM=VALUE...]]...",
	  "kernels against OpenMP, MPI, libraries; without a name all of them",
	  command_kernel, NULL, help_kernel },
	{ "python", "[length=N]", "lists and segments against CPython's own",
	  command_python, "length=1M is how many items the large list has.",
	  NULL },
};

#define COMMANDS (sizeof(commands) / sizeof(*commands))

static const struct entry *find_command(const char *name)
{
	for (size_t i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static void help_commands(FILE *out)
{
	fprintf(out, "Commands (rigbench COMMAND --help has its words):\n\n");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(out, "  %-10s %s\n", commands[i].name,
			commands[i].summary);
}

static void help_command(const struct entry *entry, FILE *out)
{
	if (entry->help)
		entry->help(out);
	else
		fprintf(out, "%s\n",
			entry->about ? entry->about : "It takes no words.");
}

/* The command whose --help is asked for; argp has not come to it yet. */
static const struct entry *helped(const struct command *c)
{
	const struct entry *entry = NULL;

	for (int i = 1; i < c->argc && !entry; i++)
		entry = find_command(c->argv[i]);
	return entry;
}

static char *help_filter(int key, const char *text, void *input)
{
	const struct entry *entry = helped(input);
	char *out = NULL;
	size_t bytes;
	FILE *file;

	if (key != ARGP_KEY_HELP_POST_DOC &&
	    (!entry ||
	     (key != ARGP_KEY_HELP_ARGS_DOC && key != ARGP_KEY_HELP_PRE_DOC)))
		return (char *)(uintptr_t)text;
	file = open_memstream(&out, &bytes);
	if (!file)
		return NULL;
	if (key == ARGP_KEY_HELP_ARGS_DOC)
		fprintf(file, "%s%s%s", entry->name, *entry->words ? " " : "",
			entry->words);
	else if (key == ARGP_KEY_HELP_PRE_DOC)
		fprintf(file, "%s: %s.", entry->name, entry->summary);
	else if (entry)
		help_command(entry, file);
	else
		help_commands(file);
	fclose(file);
	return out;
}

static int run_command(struct command *c)
{
	const struct entry *entry =
		c->word_count ? find_command(c->words[0]) : NULL;

	if (entry)
		return entry->run(c);
	fprintf(stderr,
		c->word_count ? "rigbench: no command %s; there are"
			      : "rigbench: say a command%s:",
		c->word_count ? c->words[0] : "");
	for (size_t i = 0; i < COMMANDS; i++)
		fprintf(stderr, " %s", commands[i].name);
	fprintf(stderr, "\n");
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct argp parser = {
		option_list,
		parse_option,
		"COMMAND [WORD...]",
		"Measure sharing against copying.\v ",
		NULL,
		help_filter,
		NULL
	};
	struct command command = { .argc = argc };
	char wrong[800];
	int status;

	if (option_check(option_list, argc, argv, wrong, sizeof(wrong)) < 0)
		refuse("%s", wrong);
	/* argp reorders argv; what was typed is what is reported. */
	command.argv = calloc((size_t)argc + 1, sizeof(*argv));
	if (!command.argv)
		return EXIT_SYSTEM;
	memcpy(command.argv, argv, (size_t)argc * sizeof(*argv));
	argp_program_version = "rigbench " RIGBENCH_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	plan_init(&command.plan);
	argp_parse(&parser, argc, argv, 0, NULL, &command);
	status = run_command(&command);
	plan_free(&command.plan);
	free(command.argv);
	return status;
}
