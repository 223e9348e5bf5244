/* SPDX-License-Identifier: MIT */
/*
 * peer.c - start a helper, send commands, stop the helper between its turns.
 */
#include "driver/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <inttypes.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/machine.h"

/* A line: a timing of TIMING_RANKS_MAX ranks, two numbers each. */
#define LINE_BYTES (TIMING_RANKS_MAX * 2 * 21 + 16)
#define WORDS_MAX  32

/* How long a helper may take to answer, and to end when told to. */
#define ANSWER_MS 120000
#define END_MS    5000

struct peer_process {
	pid_t pid;   /* the process that the driver has started */
	int in, out; /* the helper's stdin and stdout */
	int pids;    /* the processes that run operations, to be stopped */
	pid_t pid_of[TIMING_RANKS_MAX];
	size_t kept; /* bytes of the next line already read */
	char line[LINE_BYTES];
};

const char *peer_folder(void)
{
	static char folder[PATH_MAX];
	char program[PATH_MAX / 2];
	ssize_t n;
	char *slash;

	if (*folder)
		return folder;
	n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	program[n > 0 ? n : 0] = '\0';
	slash = strrchr(program, '/');
	if (slash)
		*slash = '\0';
	/* In a build folder the helpers lie beside rigbench. */
	snprintf(folder, sizeof(folder), "%s/peers", program);
	if (access(folder, X_OK) < 0)
		snprintf(folder, sizeof(folder), "%s/" RIGBENCH_HELPERS,
			 program);
	return folder;
}

void peer_case(struct bench_case *what, struct peer_arg *arg)
{
	char shown[sizeof(arg->command)];
	size_t n = 0;

	/* The folder and the clock's number tell a reader nothing. */
	for (const char *c = arg->command; *c && n + 1 < sizeof(shown); c++) {
		if (*c == '@' && c[1] == '/') {
			c++;
			continue;
		}
		if (*c == '%') {
			c += c[1] == ' ';
			continue;
		}
		shown[n++] = *c;
	}
	shown[n] = '\0';
	snprintf(what->settings, sizeof(what->settings), "%.100s%s%.200s",
		 arg->environment, *arg->environment ? " " : "", shown);
	what->ops = &peer_ops;
	what->arg = arg;
	what->arg_bytes = sizeof(*arg);
}

void peer_mpi(struct bench_case *what, struct peer_arg *arg, bool openmpi,
	      const char *helper, int ranks, const char *launch,
	      const char *words)
{
	arg->environment[0] = '\0';
	snprintf(arg->command, sizeof(arg->command),
		 openmpi ? "mpirun.openmpi --allow-run-as-root --oversubscribe "
			   "-n %d %s @/rigbench-openmpi%s %% %s"
			 : "mpirun.mpich -n %d %s @/rigbench-mpich%s %% %s",
		 ranks, launch, helper, words);
	what->peer = openmpi ? "openmpi" : "mpich";
	peer_case(what, arg);
}

/* Cut `text` into words in place; returns how many. */
static int cut(char *text, char **words)
{
	char *rest = NULL;
	int n = 0;

	for (char *word = strtok_r(text, " ", &rest); word && n < WORDS_MAX - 1;
	     word = strtok_r(NULL, " ", &rest))
		words[n++] = word;
	words[n] = NULL;
	return n;
}

/* Put the folder for @ and the clock for %. */
static void expand(const char *from, clockid_t clock, char *to, size_t bytes)
{
	size_t n = 0;

	for (; *from && n + 1 < bytes; from++) {
		if (*from == '@')
			n += (size_t)snprintf(to + n, bytes - n, "%s",
					      peer_folder());
		else if (*from == '%')
			n += (size_t)snprintf(to + n, bytes - n, "%d",
					      (int)clock);
		else
			to[n++] = *from;
		if (n >= bytes)
			n = bytes - 1;
	}
	to[n] = '\0';
}

/* In the child: become the helper.  A failure to start is told on stdout. */
static void become(const struct peer_arg *arg, clockid_t clock, int in, int out)
{
	char environment[sizeof(arg->environment)];
	char command[2048];
	char *words[WORDS_MAX];
	int n;

	/* A process group for the helper: Ctrl-C is the driver's affair. */
	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	dup2(in, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	snprintf(environment, sizeof(environment), "%s", arg->environment);
	n = cut(environment, words);
	for (int i = 0; i < n; i++)
		putenv(words[i]);
	expand(arg->command, clock, command, sizeof(command));
	if (cut(command, words))
		execvp(words[0], words);
	printf("cannot %s is not installed (%s)\n", words[0] ? words[0] : "it",
	       strerror(errno));
	fflush(stdout);
	_exit(127);
}

static int start(struct peer_process *peer, const struct peer_arg *arg,
		 clockid_t clock)
{
	int in[2];
	int out[2];

	if (pipe2(in, O_CLOEXEC) < 0)
		return -errno;
	if (pipe2(out, O_CLOEXEC) < 0) {
		int r = -errno;

		close(in[0]);
		close(in[1]);
		return r;
	}
	fflush(NULL);
	peer->pid = fork();
	if (peer->pid == 0)
		become(arg, clock, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	peer->in = in[1];
	peer->out = out[0];
	return peer->pid < 0 ? -errno : 0;
}

/* Read one line, without the end, to peer->line (the rest of the input moves up
 * first). 0, or -ETIMEDOUT, -ECANCELED at end of file. */
static int answer(struct peer_process *peer)
{
	size_t n = 0;
	struct pollfd ready = { .fd = peer->out, .events = POLLIN };

	for (;;) {
		ssize_t got;
		int r = poll(&ready, 1, ANSWER_MS);

		if (r < 0 && errno == EINTR)
			continue;
		if (r == 0)
			return -ETIMEDOUT;
		got = read(peer->out, peer->line + n,
			   sizeof(peer->line) - 1 - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -ECANCELED;
		n += (size_t)got;
		peer->line[n] = '\0';
		if (peer->line[n - 1] == '\n') {
			peer->line[n - 1] = '\0';
			return 0;
		}
		if (n == sizeof(peer->line) - 1)
			return -EPROTO;
	}
}

static int tell(struct peer_process *peer, const char *text)
{
	size_t n = strlen(text);

	return write(peer->in, text, n) == (ssize_t)n ? 0 : -ECANCELED;
}

static int peer_wake(void *state)
{
	struct peer_process *peer = state;

	for (int i = 0; i < peer->pids; i++)
		if (kill(peer->pid_of[i], SIGCONT) < 0)
			return -errno;
	return 0;
}

static void peer_rest(void *state)
{
	struct peer_process *peer = state;

	for (int i = 0; i < peer->pids; i++)
		(void)kill(peer->pid_of[i], SIGSTOP);
}

/* End of file tells the helper to end; a helper that does not end is killed with its
 * group. */
static void peer_close(void *state)
{
	struct peer_process *peer = state;

	(void)peer_wake(peer);
	close(peer->in);
	if (peer->pid > 0) {
		for (int ms = 0; ms < END_MS; ms++) {
			if (waitpid(peer->pid, NULL, WNOHANG) != 0) {
				peer->pid = 0;
				break;
			}
			poll(NULL, 0, 1);
		}
	}
	if (peer->pid > 0) {
		(void)kill(-peer->pid, SIGKILL);
		(void)waitpid(peer->pid, NULL, 0);
	}
	close(peer->out);
	free(peer);
}

/* Is the file of the helper, the word that begins with @, there? */
static bool helper_is_built(const struct peer_arg *arg, char *why)
{
	const char *at = strstr(arg->command, "@/");
	char path[PATH_MAX + 256];
	size_t n;

	if (!at)
		return true;
	n = strcspn(at + 2, " ");
	snprintf(path, sizeof(path), "%s/%.*s", peer_folder(), (int)n, at + 2);
	if (access(path, R_OK) == 0)
		return true;
	snprintf(why, CASE_WHY_BYTES,
		 "%.*s was not built: its compiler or library was missing",
		 (int)n, at + 2);
	return false;
}

int peer_describe(const struct peer_arg *arg, char *line, size_t bytes,
		  char *why)
{
	struct peer_process *peer = calloc(1, sizeof(*peer));
	int r;

	if (!peer)
		return -ENOMEM;
	r = start(peer, arg, CLOCK_MONOTONIC);
	if (r == 0) {
		r = answer(peer);
		snprintf(line, bytes, "%s", r == 0 ? peer->line : "");
		peer_close(peer);
	} else {
		free(peer);
	}
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%s",
			 r == -ECANCELED ? "it ended without a word"
					 : strerror(-r));
	return r;
}

static int peer_open(const void *arg, clockid_t clock, void **state, char *why)
{
	struct peer_process *peer = calloc(1, sizeof(*peer));
	char *words[WORDS_MAX];
	int n;
	int r;

	if (!peer)
		return -ENOMEM;
	if (!helper_is_built(arg, why)) {
		free(peer);
		return -ENOTSUP;
	}
	r = start(peer, arg, clock);
	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "cannot start: %s", strerror(-r));
		free(peer);
		return r;
	}
	r = answer(peer);
	if (r == 0 && strncmp(peer->line, "ready", 5) == 0) {
		n = cut(peer->line, words);
		for (int i = 1; i < n && peer->pids < TIMING_RANKS_MAX; i++)
			peer->pid_of[peer->pids++] = atoi(words[i]);
		*state = peer;
		peer_rest(peer);
		return 0;
	}
	if (r == 0 && strncmp(peer->line, "cannot ", 7) == 0) {
		snprintf(why, CASE_WHY_BYTES, "%.200s", peer->line + 7);
		r = -ENOTSUP;
	} else {
		snprintf(why, CASE_WHY_BYTES,
			 "its helper did not start: %.160s",
			 r == 0 ? peer->line : strerror(-r));
		r = r == 0 ? -EPROTO : r;
	}
	peer_close(peer);
	return r;
}

/* Read pairs of numbers, and " cpu NS".  Returns the text behind the numbers, or NULL
 * where there is no pair.  The ranks are added to the ranks of `timing`. */
static const char *read_timing(const char *text, struct timing *timing)
{
	int before = timing->ranks;
	uint64_t cpu_ns;
	int used;

	while (timing->ranks < TIMING_RANKS_MAX &&
	       sscanf(text, " %" SCNu64 " %" SCNu64 "%n",
		      &timing->rank[timing->ranks].begin_ns,
		      &timing->rank[timing->ranks].end_ns, &used) == 2) {
		timing->ranks++;
		text += used;
	}
	if (sscanf(text, " cpu %" SCNu64 "%n", &cpu_ns, &used) == 1) {
		timing->cost.cpu_ns += cpu_ns;
		text += used;
	}
	return timing->ranks > before ? text : NULL;
}

/* The rest of a line that begins with the word and a space; else NULL. */
static const char *after(const char *line, const char *word)
{
	size_t n = strlen(word);

	return strncmp(line, word, n) == 0 && line[n] == ' ' ? line + n + 1
							     : NULL;
}

const char *peer_timing(const char *line, struct timing *timing)
{
	const char *text = after(line, "measured");
	char *rest;

	if (text) {
		timing->measured = true;
		timing->value += strtod(text, &rest);
		return rest;
	}
	text = after(line, "timing");
	return text ? read_timing(text, timing) : NULL;
}

int peer_tell(void *state, const char *order)
{
	int r = tell(state, order);

	return r == 0 ? tell(state, "\n") : r;
}

int peer_answer(void *state, const char **text)
{
	struct peer_process *peer = state;
	int r = answer(peer);

	*text = peer->line;
	return r;
}

static int peer_run(void *state, uint64_t count, struct timing *timing,
		    char *why)
{
	struct peer_process *peer = state;
	char order[32];
	int r;

	snprintf(order, sizeof(order), "run %" PRIu64 "\n", count);
	r = tell(peer, order);
	if (r == 0)
		r = answer(peer);
	if (r == 0 && !peer_timing(peer->line, timing))
		r = -EPROTO;
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "its helper: %.200s",
			 r == -EPROTO ? peer->line : strerror(-r));
	return r;
}

static int peer_verify(void *state, char *why)
{
	struct peer_process *peer = state;
	int r;

	r = tell(peer, "verify\n");
	if (r == 0)
		r = answer(peer);
	if (r == 0 && strcmp(peer->line, "verified") == 0)
		return 0;
	snprintf(why, CASE_WHY_BYTES, "%.200s",
		 r == 0 ? peer->line : strerror(-r));
	return r == 0 ? -EBADMSG : r;
}

static void peer_bound(void *state, struct case_binding *binding)
{
	struct peer_process *peer = state;

	for (int i = 0; i < peer->pids; i++) {
		cpu_set_t set;
		size_t cpu = 0;

		if (sched_getaffinity(peer->pid_of[i], sizeof(set), &set) < 0)
			continue;
		while (cpu < CPU_SETSIZE && !CPU_ISSET(cpu, &set))
			cpu++;
		binding->worker[i].pid = peer->pid_of[i];
		binding->worker[i].cpu = (int)cpu;
		binding->worker[i].cpus = CPU_COUNT(&set);
		binding->workers = i + 1;
	}
}

const struct bench_ops peer_ops = {
	.open = peer_open,
	.wake = peer_wake,
	.rest = peer_rest,
	.run = peer_run,
	.verify = peer_verify,
	.bound = peer_bound,
	.close = peer_close,
};

int peer_add_mpi(struct plan *plan, const struct bench_case *what,
		 const char *helper, int ranks, bool coll_sm, const char *words)
{
	static const struct {
		const char *name, *launch;
		bool openmpi;
	} ways[] = {
		{ "Open MPI", "", true },
		{ "Open MPI coll_sm", "--mca coll_sm_priority 100", true },
		{ "MPICH", "", false },
	};
	bool bind = ranks <= machine_pus();
	int r = 0;

	for (int i = 0; i < 3 && r == 0; i++) {
		struct bench_case one = *what;
		struct peer_arg arg;
		char launch[80];

		if (i == 1 && !coll_sm)
			continue;
		snprintf(one.name, sizeof(one.name), "%s", ways[i].name);
		snprintf(launch, sizeof(launch), "%s%s",
			 !bind             ? ""
			 : ways[i].openmpi ? "--bind-to core "
					   : "-bind-to core ",
			 ways[i].launch);
		peer_mpi(&one, &arg, ways[i].openmpi, helper, ranks, launch,
			 words);
		r = plan_add(plan, &one);
	}
	return r;
}
