/* SPDX-License-Identifier: MIT */
/*
 * cmd_topo.c - runrig topo: the machine, and the place of each worker.
 *
 * The command only plans, and binds nothing: a described machine (--topology)
 * is as good as this machine.
 */
#include "cmd_topo.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/error.h>
#include <runrig/hosts.h>

#include "command.h"
#include "hosts_text.h"
#include "json.h"
#include "show.h"

enum {
	KEY_JSON = 256,
	KEY_SVG,
	KEY_FORMAT,
	KEY_PLACE,
	KEY_TOPOLOGY,
	KEY_HOSTS
};

/* The formats of the output. */
enum format { FORMAT_UNSAID, FORMAT_TEXT, FORMAT_JSON, FORMAT_SVG, FORMATS };

static const char *const format_names[FORMATS] = { "", "text", "json", "svg" };

struct options {
	struct rig_place_options place;
	enum format format;
	const char *json_path;
	const char *svg_path;
	bool hosts;
};

static const struct argp_option option_table[] = {
	{ .key = 'n',
	  .arg = "N",
	  .doc = "Place N workers, not one a usable core." },
	{ .name = "place",
	  .key = KEY_PLACE,
	  .arg = "P",
	  .doc = "Bind each worker to a core (the default), pu, l2, l3, numa "
		 "or package (l3:2: two workers an L3); spread, compact or "
		 "none; or to cores in rank order: 0,2,4-7." },
	{ .name = "topology",
	  .key = KEY_TOPOLOGY,
	  .arg = "XML|SYNTHETIC",
	  .doc = "Show another machine: an hwloc XML file, or \"numa:2 "
		 "core:4 pu:2\"." },
	{ .name = "format",
	  .key = KEY_FORMAT,
	  .arg = "F",
	  .doc = "Print text (the default), json or svg." },
	{ .name = "json",
	  .key = KEY_JSON,
	  .arg = "FILE",
	  .flags = OPTION_ARG_OPTIONAL,
	  .doc = "Write JSON to FILE, or print it instead of the picture." },
	{ .name = "svg",
	  .key = KEY_SVG,
	  .arg = "FILE",
	  .doc = "Write a picture to FILE." },
	{ .name = "hosts",
	  .key = KEY_HOSTS,
	  .doc = "Show all hosts that mpirun, mpiexec or srun has started: "
		 "docs/hosts.md." },
	{ 0 },
};

static enum format given_format(const char *word)
{
	for (enum format f = FORMAT_TEXT; f < FORMATS; f++)
		if (strcmp(word, format_names[f]) == 0)
			return f;
	exit(complain(EXIT_USAGE, "topo: --format %s: use text, json or svg",
		      word));
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'n':
		options->place.workers =
			given_int("-n", given_word(arg), 1, RIG_WORKERS_MAX);
		return 0;
	case KEY_PLACE:
		options->place.place = given_word(arg);
		return 0;
	case KEY_TOPOLOGY:
		options->place.topology = given_word(arg);
		return 0;
	case KEY_JSON:
		options->json_path = given_path("--json", arg);
		if (!arg)
			options->format = FORMAT_JSON;
		return 0;
	case KEY_FORMAT:
		options->format = given_format(given_word(arg));
		return 0;
	case KEY_SVG:
		options->svg_path = given_path("--svg", arg);
		return 0;
	case KEY_HOSTS:
		options->hosts = true;
		if (rig_hosts_launched_rank() > 0)
			command_silence();
		return 0;
	case ARGP_KEY_ARG:
		exit(complain(EXIT_USAGE, "topo: takes no words: %s",
			      given_word(arg)));
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse,
	.doc = "Show the machine, or a described one, and where each worker "
	       "would go.",
};

/* Whether the rank has any CPU of the core. */
static bool has_core(const struct rig_plan *plan, int rank, int number)
{
	for (int i = 0; i < RIG_PUS_MAX / 64; i++)
		if (plan->spots[rank].set[i] & plan->machine[number].set[i])
			return true;
	return false;
}

void topo_ranks(const struct rig_plan *plan, int number, char *text,
		size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (int rank = 0; plan->pinned && rank < plan->workers; rank++) {
		if (!has_core(plan, rank, number))
			continue;
		if (used + 8 > bytes) {
			snprintf(text + used, bytes - used, "..");
			return;
		}
		used += (size_t)snprintf(text + used, bytes - used, "%s%d",
					 used ? "," : "", rank);
	}
}

void topo_node(const struct rig_plan *plan, int number, char *text,
	       size_t bytes)
{
	const struct rig_node *node = &plan->memory[number];
	char memory[SHOWN_BYTES];
	const char *without = plan->described ? "" : ", no memory";

	if (number < 0) {
		snprintf(text, bytes, "no NUMA node");
		return;
	}
	snprintf(text, bytes, "NUMA node %d%s%s%s", number,
		 node->cores ? "" : ", memory only",
		 node->bytes ? ", " : without,
		 node->bytes ? show_bytes((double)node->bytes, memory) : "");
}

const char *topo_kind(const struct rig_plan *plan, const struct rig_core *core)
{
	return core->kind < plan->kinds - 1 ? "e" : "";
}

/* A set of PUs as ranges: "0-1,8". */
static void print_set(const uint64_t *set, char *text, size_t bytes)
{
	size_t used = 0;

	text[0] = '\0';
	for (int pu = 0; pu < RIG_PUS_MAX; pu++) {
		int last = pu;

		if (!(set[pu / 64] >> (pu % 64) & 1))
			continue;
		while (last + 1 < RIG_PUS_MAX &&
		       set[(last + 1) / 64] >> ((last + 1) % 64) & 1)
			last++;
		if (used + 14 > bytes) {
			snprintf(text + used, bytes - used, ",..");
			return;
		}
		used += (size_t)snprintf(text + used, bytes - used,
					 last > pu ? "%s%d-%d" : "%s%d",
					 used ? "," : "", pu, last);
		pu = last;
	}
}

/* The numbers of a rank's cores. */
static void print_cores(const struct rig_plan *plan, int rank, char *text,
			size_t bytes)
{
	uint64_t cores[RIG_PUS_MAX / 64] = { 0 };

	for (int i = 0; i < plan->machine_cores; i++)
		if (has_core(plan, rank, i))
			cores[i / 64] |= UINT64_C(1) << (i % 64);
	print_set(cores, text, bytes);
}

/* "-" for a rank that spans several. */
static const char *number_or(int number, char text[12])
{
	snprintf(text, 12, number < 0 ? "-" : "%d", number);
	return text;
}

static void list_workers(const struct rig_plan *plan, FILE *out)
{
	char set[64], package[12], node[12];
	int width;

	if (!plan->pinned) {
		print_set(plan->spots[0].set, set, sizeof(set));
		fprintf(out, "\n%d worker%s, not pinned: on CPUs %s\n",
			plan->workers, plan->workers == 1 ? "" : "s", set);
		return;
	}
	width = plan->spots[0].cores > 1 ? 8 : 4;
	fprintf(out, "\nrank  package  node  %*s  CPUs\n", width,
		plan->spots[0].cores > 1 ? "cores" : "core");
	for (int rank = 0; rank < plan->workers; rank++) {
		const struct rig_spot *spot = &plan->spots[rank];
		char cores[20];

		print_set(spot->set, set, sizeof(set));
		print_cores(plan, rank, cores, sizeof(cores));
		fprintf(out, "%4d  %7s  %4s  %*s  %s%s\n", rank,
			number_or(spot->package, package),
			number_or(spot->node, node), width, cores, set,
			spot->shared ? "  (shares its core)" : "");
	}
}

static json_t *set_json(const uint64_t *set)
{
	json_t *list = json_array();

	for (int pu = 0; pu < RIG_PUS_MAX; pu++)
		if (set[pu / 64] >> (pu % 64) & 1)
			json_array_append_new(list, json_integer(pu));
	return list;
}

static json_t *plan_json(const struct rig_plan *plan)
{
	json_t *cores = json_array(), *workers = json_array();
	json_t *memory = json_array();

	for (int i = 0; i < plan->machine_cores; i++) {
		const struct rig_core *core = &plan->machine[i];

		json_array_append_new(
			cores, json_pack("{si si si si si si so so}", "core",
					 core->number, "package", core->package,
					 "node", core->node, "l3", core->l3,
					 "l2", core->l2, "kind", core->kind,
					 "cpus", set_json(core->set), "usable",
					 set_json(core->ours)));
	}
	for (int i = 0; i < plan->workers; i++) {
		const struct rig_spot *spot = &plan->spots[i];

		json_array_append_new(
			workers,
			json_pack("{si si si si si so sb}", "rank", i,
				  "package", spot->package, "node", spot->node,
				  "core", spot->core, "cores", spot->cores,
				  "cpus", set_json(spot->set), "shares_core",
				  (int)spot->shared));
	}
	for (int i = 0; i < plan->machine_nodes; i++) {
		const struct rig_node *node = &plan->memory[i];

		json_array_append_new(
			memory, json_pack("{si si si si sI}", "node", i, "os",
					  node->os, "package", node->package,
					  "cores", node->cores, "bytes",
					  (json_int_t)node->bytes));
	}
	return json_pack("{sb sI si si si si sb sb sb so so so}", "described",
			 (int)plan->described, "planned_ns",
			 (json_int_t)plan->planned_ns, "packages",
			 plan->machine_packages, "nodes", plan->machine_nodes,
			 "kinds", plan->kinds, "quota_cpus", plan->quota,
			 "pinned", (int)plan->pinned, "oversubscribed",
			 (int)plan->oversubscribed, "squeezed",
			 (int)plan->squeezed, "memory", memory, "cores", cores,
			 "workers", workers);
}

static int put_svg(const struct rig_plan *plan, const char *path)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *file = open_memstream(&text, &bytes);
	int r;

	if (file)
		topo_svg(plan, file);
	if (!file || fclose(file) != 0)
		r = complain(EXIT_SYSTEM, "out of memory");
	else
		r = write_whole(path, text, bytes);
	free(text);
	return r;
}

/* All of a host's plan as text or JSON, from malloc(); NULL: no memory. */
static char *plan_words(const struct rig_plan *plan, bool json)
{
	char *text = NULL;
	size_t bytes = 0;
	FILE *out;

	if (json) {
		json_t *root = plan_json(plan);

		text = root ? json_dumps(root, JSON_COMPACT) : NULL;
		json_decref(root);
		return text;
	}
	out = open_memstream(&text, &bytes);
	if (!out)
		return NULL;
	topo_text(plan, out);
	list_workers(plan, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

/* { "hosts": [...] }, of each host as `runrig topo --json` has the host. */
static json_t *hosts_json(const struct hosts_text *texts)
{
	json_t *list = json_array();

	for (int host = 0; host < texts->hosts; host++)
		json_array_append_new(list,
				      json_loads(texts->each[host], 0, NULL));
	return json_pack("{so}", "hosts", list);
}

/* The plans of all hosts, which host 0 prints. */
static int show_hosts(const struct options *options, struct rig_plan *plan)
{
	const bool json = options->json_path || options->format == FORMAT_JSON;
	char *words = plan ? plan_words(plan, json) : NULL;
	struct hosts_text texts;
	int r = hosts_text_gather(&texts, words);

	free(words);
	if (r == 0 && texts.own == 0 && json)
		r = json_put(hosts_json(&texts), options->json_path);
	for (int host = 0;
	     r == 0 && texts.own == 0 && !json && host < texts.hosts; host++)
		printf("%shost %d\n%s", host ? "\n" : "", host,
		       texts.each[host]);
	hosts_text_free(&texts);
	return finish_output(r);
}

static int print(const struct rig_plan *plan, enum format format)
{
	if (format == FORMAT_JSON)
		return json_put(plan_json(plan), NULL);
	if (format == FORMAT_SVG) {
		topo_svg(plan, stdout);
	} else {
		topo_text(plan, stdout);
		list_workers(plan, stdout);
	}
	return finish_output(EXIT_DONE);
}

/* A damaged description may crash hwloc, which trusts the file: a child tries
 * the description first. 0, or an exit code after a message. */
static int check_by_child(const struct rig_place_options *place)
{
	struct rig_plan *plan = NULL;
	int status = 0;
	pid_t pid;

	if (!place->topology)
		return 0;
	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)!freopen("/dev/null", "w", stderr);
		(void)rig_place_plan(&plan, place);
		_exit(EXIT_DONE);
	}
	if (pid < 0)
		return complain(EXIT_SYSTEM, "fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status))
		return complain(EXIT_SYSTEM,
				"topo: --topology %s: hwloc crashes on it (%s)",
				place->topology, strsignal(WTERMSIG(status)));
	return 0;
}

int command_topo(int argc, char **argv)
{
	struct options options = { 0 };
	struct rig_plan *plan = NULL;
	int code = EXIT_DONE;
	int r;

	parse_command(&argp, argc, argv, &options);
	if (options.hosts && (options.svg_path || options.place.topology ||
			      options.format == FORMAT_SVG))
		return complain(EXIT_USAGE, "topo: --hosts: --svg and "
					    "--topology are for one host");
	r = check_by_child(&options.place);
	if (r)
		return r;
	r = rig_place_plan(&plan, &options.place);
	if (options.hosts) {
		if (r < 0)
			(void)complain(exit_of(r), "%s", rig_why());
		code = show_hosts(&options, plan);
		rig_place_free(plan);
		return r < 0 ? exit_of(r) : code;
	}
	if (r < 0)
		return complain(exit_of(r), "%s", rig_why());
	if (options.svg_path)
		code = put_svg(plan, options.svg_path);
	if (code == EXIT_DONE && options.json_path)
		code = json_put(plan_json(plan), options.json_path);
	if (code == EXIT_DONE && (options.format || !options.svg_path))
		code = print(plan, options.format);
	warn_squeezed(plan);
	if (plan->oversubscribed)
		warn("%d workers share %d CPU%s", plan->workers, plan->cpus,
		     plan->cpus == 1 ? "" : "s");
	rig_place_free(plan);
	return code;
}
