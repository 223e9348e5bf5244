/* SPDX-License-Identifier: MIT */
/*
 * cmd_exec.c - runrig exec: programs as ranks.
 *
 * The command's own options end at the first word that is no option, or at
 * "--"; the other words are the program's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/number.h>
#include <common/outfile.h>
#include <runrig/error.h>
#include <runrig/launch.h>

#include "command.h"
#include "timeline.h"

/* Exit statuses for a shell: about the program, and about the command
 * itself. */
enum { EXIT_OWN = 125, EXIT_NOT_EXECUTABLE = 126, EXIT_MISSING = 127 };

enum { KEY_PLACE = 256, KEY_LIMIT, KEY_BINDINGS, KEY_WDIR, KEY_TRACE };

/* Longest --limit. */
#define LIMIT_MAX_S 1e9

struct options {
	struct rig_launch_options launch;
	bool bindings;
	const char *trace; /* the file; NULL: none */
};

static const struct argp_option known[] = {
	{ .name = "ranks",
	  .key = 'n',
	  .arg = "N",
	  .doc = "Start N ranks, not one a usable core; -np N is the same." },
	{ .name = "place",
	  .key = KEY_PLACE,
	  .arg = "PLACE",
	  .doc = "Bind each rank as `runrig topo --help' says." },
	{ .name = "limit",
	  .key = KEY_LIMIT,
	  .arg = "SECONDS",
	  .doc = "End the ranks after this time, with exit status 124." },
	{ .name = "label",
	  .key = 'l',
	  .doc = "Begin each line of output with the rank." },
	{ .name = "report-bindings",
	  .key = KEY_BINDINGS,
	  .doc = "Say first, on stderr, which CPUs each rank has." },
	{ .key = 'x',
	  .arg = "VAR[=VALUE]",
	  .doc = "Set a variable in the environment of the ranks." },
	{ .name = "wdir",
	  .key = KEY_WDIR,
	  .arg = "DIR",
	  .doc = "Start the ranks in DIR." },
	{ .name = "trace",
	  .key = KEY_TRACE,
	  .arg = "FILE",
	  .doc = "Write what each rank did when; - draws it." },
	{ 0 }
};

static int given_ranks(const char *word)
{
	int64_t ranks;

	if (number_int(word, &ranks) < 0 || ranks < 1 ||
	    ranks > RIG_WORKERS_MAX)
		exit(complain(EXIT_OWN, "-n %s: not a number of ranks, 1 to %d",
			      word, RIG_WORKERS_MAX));
	return (int)ranks;
}

static uint64_t given_limit(const char *word)
{
	double seconds;

	if (number_real(word, &seconds) < 0 || seconds <= 0 ||
	    seconds > LIMIT_MAX_S)
		exit(complain(EXIT_OWN,
			      "--limit %s: not a number of seconds above 0",
			      word));
	seconds *= 1e9;
	return seconds < 1 ? 1 : (uint64_t)seconds;
}

/* -x VAR=VALUE; or -x VAR, which is there already or is wrong. */
static void set_variable(char *word)
{
	char *equals = strchr(word, '=');

	if (word[0] && equals != word && !equals && getenv(word))
		return;
	if (!word[0] || equals == word)
		exit(complain(EXIT_OWN, "-x %s: not VAR or VAR=VALUE", word));
	if (!equals)
		exit(complain(EXIT_OWN,
			      "-x %s: the environment has no such variable: "
			      "-x %s=VALUE",
			      word, word));
	*equals = 0;
	if (setenv(word, equals + 1, 1) < 0)
		exit(complain(EXIT_OWN, "-x %s: out of memory", word));
	*equals = '=';
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	arg = given_word(arg);
	switch (key) {
	case 'n':
		options->launch.ranks = given_ranks(arg);
		return 0;
	case KEY_PLACE:
		options->launch.place = arg;
		return 0;
	case KEY_LIMIT:
		options->launch.limit_ns = given_limit(arg);
		return 0;
	case 'l':
		options->launch.label = true;
		return 0;
	case KEY_BINDINGS:
		options->bindings = true;
		return 0;
	case 'x':
		set_variable(arg);
		return 0;
	case KEY_WDIR:
		options->launch.directory = arg;
		return 0;
	case KEY_TRACE:
		options->trace = arg;
		options->launch.trace = TIMELINE_SPANS;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = known,
	.parser = parse,
	.args_doc = "[--] PROGRAM [WORD ...]",
	.doc = "Start a program N times, as the ranks of one team: each calls "
	       "rig_join() to be one (<runrig/join.h>); one that does not is "
	       "only started.\v"
	       "Exit status: 0; that of the first rank to end with another; "
	       "128 + the signal that killed it; 124: the limit passed; 125: "
	       "deadlock, ranks that disagree, or runrig itself; 126: the "
	       "program cannot be executed; 127: there is none.",
};

/* Whether the option takes the next word. */
static bool takes_next(const char *word)
{
	const size_t length = strlen(word);

	if (word[1] != '-')
		/* The last letter, with nothing behind the letter. */
		return word[length - 1] == 'n' || word[length - 1] == 'x';
	if (strchr(word, '='))
		return false;
	for (size_t i = 0; known[i].key; i++)
		if (known[i].name && known[i].arg &&
		    strcmp(known[i].name, word + 2) == 0)
			return true;
	return false;
}

/* How many of the words are the command's. */
static int count_own(int argc, char **argv)
{
	static char number[] = "-n";
	int i = 1;

	while (i < argc && argv[i][0] == '-' && argv[i][1] &&
	       strcmp(argv[i], "--") != 0) {
		/* mpirun's spelling of -n. */
		if (strcmp(argv[i], "-np") == 0 || strcmp(argv[i], "--np") == 0)
			argv[i] = number;
		i += 1 + takes_next(argv[i]);
	}
	return i < argc ? i : argc;
}

/* A launcher of several processes has started this process: each process would
 * start the ranks again. */
static void refuse_launchers(void)
{
	static const struct {
		const char *variable, *launcher;
	} launchers[] = {
		{ "OMPI_COMM_WORLD_SIZE", "mpirun" },
		{ "PMI_SIZE", "mpiexec" },
		{ "SLURM_STEP_NUM_TASKS", "srun" },
	};

	for (size_t i = 0; i < sizeof(launchers) / sizeof(launchers[0]); i++) {
		const char *text = getenv(launchers[i].variable);
		int64_t tasks;

		if (text && number_int(text, &tasks) == 0 && tasks > 1)
			exit(complain(EXIT_OWN,
				      "exec: %s has started %s processes (%s), "
				      "and each would start the ranks: start "
				      "one",
				      launchers[i].launcher, text,
				      launchers[i].variable));
	}
}

static int status_of_start(int r)
{
	switch (r) {
	case -ENOENT:
	case -ENOTDIR:
		return EXIT_MISSING;
	case -EACCES:
	case -ENOEXEC:
		return EXIT_NOT_EXECUTABLE;
	default:
		return EXIT_OWN;
	}
}

static void report_bindings(const struct rig_plan *plan)
{
	for (int i = 0; i < plan->workers; i++) {
		const struct rig_spot *spot = &plan->spots[i];

		if (!plan->pinned)
			fprintf(stderr, "rank %d: not bound\n", i);
		else
			fprintf(stderr,
				"rank %d: package %d, node %d, core %d, "
				"cpu %d%s\n",
				i, spot->package, spot->node, spot->core,
				spot->pu, spot->pus > 1 ? " and more" : "");
	}
}

static int launch(const struct options *options)
{
	struct rig_launch *launch;
	int status, r = rig_launch_start(&launch, &options->launch);

	if (r < 0)
		return complain(status_of_start(r), "exec: %s", rig_why());
	if (options->bindings)
		report_bindings(rig_launch_plan(launch));
	status = rig_launch_wait(launch);
	fputs(rig_launch_text(launch), stderr);
	if (options->trace) {
		const struct traced traced = { .launch = launch };

		r = timeline_write(&traced, options->launch.arguments[0],
				   options->trace);
		if (r != EXIT_DONE && status == 0)
			status = EXIT_OWN;
	}
	rig_launch_finish(launch);
	return status;
}

int command_exec(int argc, char **argv)
{
	struct options options = { 0 };
	int own = count_own(argc, argv);
	char **rest = argv + own;

	if (own < argc && strcmp(argv[own], "--") == 0)
		rest++;
	command_usage_code(EXIT_OWN);
	parse_command(&argp, own, argv, &options);
	if (rest >= argv + argc)
		return complain(EXIT_OWN,
				"exec: say a program: runrig exec -n 4 -- "
				"PROGRAM");
	refuse_launchers();
	if (options.trace && strcmp(options.trace, "-") != 0 &&
	    check_writable(options.trace) != EXIT_DONE)
		return EXIT_OWN;
	options.launch.arguments = rest;
	return launch(&options);
}
