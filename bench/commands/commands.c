/* SPDX-License-Identifier: MIT */
/*
 * commands.c - the way from a filled plan to a report and an exit status.
 */
#include "commands/commands.h"

#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/budget.h"
#include "driver/energy.h"
#include "driver/machine.h"
#include "report/table.h"

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
	interrupted = signal;
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
	if (c->strict && plan_untrusted(&c->plan))
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

void command_openings(struct command *c, uint32_t openings)
{
	if (!c->openings_given)
		c->plan.openings = openings;
}

/* From so long on, how long a run takes is said before it begins. */
#define LONG_NS UINT64_C(60000000000)

static void announce(const struct plan *plan)
{
	uint64_t ns = budget_left_ns(plan, 0, 1);
	char text[32];

	if (ns < LONG_NS)
		return;
	budget_format(text, sizeof(text), ns);
	fprintf(stderr,
		"rigbench: this takes about %s: %u launches of %u blocks%s\n",
		text, plan->launches, plan->blocks,
		plan->budget_ns ? " within the budget"
				: "; --budget SECONDS is a bound");
}

int command_measure(struct command *c)
{
	struct run_info info = { .command = c->words[0],
				 .argc = c->argc,
				 .argv = c->argv };
	struct sigaction action = { .sa_handler = on_interrupt };
	struct machine_ticks before;
	struct machine_ticks after;
	struct energy energy;
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
	announce(&c->plan);
	if (energy_open(&energy, ENERGY_FOLDER) == 0)
		c->plan.energy = &energy;
	machine_ticks(&before);
	machine_noise(&c->plan.watch, c->plan.batch_ns, &info.noise);
	if (measure(&c->plan) < 0) {
		fprintf(stderr, "rigbench: out of memory\n");
		return EXIT_SYSTEM;
	}
	machine_ticks(&after);
	energy_close(&energy);
	c->plan.energy = NULL;
	end_progress(&c->plan);
	info.steal = machine_steal(&before, &after);
	status = write_results(c, &info);
	return status ? status : status_of(c, &info);
}
