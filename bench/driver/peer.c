/* SPDX-License-Identifier: MIT */
/*
 * peer.c - start a helper, give the helper orders, stop the helper between
 * orders.
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
	pid_t pid;          /* the program that rigbench started */
	char command[1024]; /* the environment and the command, of a helper of
			     * many cases */
	bool idle;          /* no case is open, and another may come */
	bool broken;        /* an answer was wrong, or missing */
	struct peer_process *next;
	uint64_t
		start_ns; /* from the start to the first case; 0: it was kept */
	int in, out;      /* its stdin, its stdout */
	int pids;         /* that run operations: to be stopped */
	pid_t pid_of[TIMING_RANKS_MAX];
	size_t kept; /* bytes of the next line already read */
	char line[LINE_BYTES];
};

/* Helpers of many cases, until the launch ends. */
static struct peer_process *shared_helpers;

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
	/* In a build folder they lie beside rigbench. */
	snprintf(folder, sizeof(folder), "%s/peers", program);
	if (access(folder, X_OK) < 0)
		snprintf(folder, sizeof(folder), "%s/" RIGBENCH_HELPERS,
			 program);
	return folder;
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

/* In the child: become the helper, or say in a line why not. */
static void become(const struct peer_arg *arg, clockid_t clock, int in, int out)
{
	char environment[sizeof(arg->environment)];
	char command[2048];
	char *words[WORDS_MAX];
	int n;

	/* A group of its own: Ctrl-C is the driver's affair. */
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

/* Read a line, without the end of line, to peer->line.  0, or -ETIMEDOUT, -ECANCELED at end of file. */
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

/* Each case comes as a line; other helpers have a single case. */
static bool has_many_cases(const struct peer_process *peer)
{
	return *peer->command != '\0';
}

static void forget(const struct peer_process *peer)
{
	struct peer_process **at = &shared_helpers;

	while (*at && *at != peer)
		at = &(*at)->next;
	if (*at)
		*at = peer->next;
}

/* End of file is the word to end; a helper that goes on is killed with its
 * group. */
static void end(struct peer_process *peer)
{
	forget(peer);
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

/* A helper of many cases is kept for the next. */
static void peer_close(void *state)
{
	struct peer_process *peer = state;

	if (!has_many_cases(peer) || peer->broken) {
		end(peer);
		return;
	}
	peer_rest(peer);
	peer->idle = true;
}

static uint64_t peer_kept_ns(void *state)
{
	const struct peer_process *peer = state;

	return has_many_cases(peer) ? peer->start_ns : 0;
}

static void peer_end_launch(void)
{
	for (struct peer_process *peer = shared_helpers, *next; peer;
	     peer = next) {
		next = peer->next;
		if (peer->idle)
			end(peer);
	}
}

/* Is the helper itself, the word that begins with @, there? */
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
		end(peer);
	} else {
		free(peer);
	}
	if (r < 0)
		snprintf(why, CASE_WHY_BYTES, "%s",
			 r == -ECANCELED ? "it ended without a word"
					 : strerror(-r));
	return r;
}

/* An idle helper of the command; NULL: none. */
static struct peer_process *find_kept(const char *command)
{
	for (struct peer_process *peer = shared_helpers; peer;
	     peer = peer->next)
		if (peer->idle && strcmp(peer->command, command) == 0)
			return peer;
	return NULL;
}

static int peer_started(const struct peer_arg *arg, clockid_t clock,
			struct peer_process **out, char *why)
{
	struct peer_process *peer = calloc(1, sizeof(*peer));
	int r;

	if (!peer)
		return -ENOMEM;
	r = start(peer, arg, clock);
	if (r < 0) {
		snprintf(why, CASE_WHY_BYTES, "cannot start: %s", strerror(-r));
		free(peer);
		return r;
	}
	if (*arg->words) {
		snprintf(peer->command, sizeof(peer->command), "%s %s",
			 arg->environment, arg->command);
		peer->next = shared_helpers;
		shared_helpers = peer;
	}
	*out = peer;
	return 0;
}

/* Start a helper, or take an idle helper, and tell the helper the case. */
static int peer_get(const struct peer_arg *arg, clockid_t clock,
		    struct peer_process **out, bool *fresh, char *why)
{
	char command[sizeof((*out)->command)];
	char order[sizeof(arg->words) + 8];
	int r = 0;

	snprintf(command, sizeof(command), "%s %s", arg->environment,
		 arg->command);
	*out = *arg->words ? find_kept(command) : NULL;
	*fresh = !*out;
	if (*out)
		r = peer_wake(*out);
	else
		r = peer_started(arg, clock, out, why);
	if (r < 0 || !*arg->words)
		return r;
	(*out)->idle = false;
	(*out)->pids = 0;
	snprintf(order, sizeof(order), "case %s\n", arg->words);
	/* A helper that ended at once has said why. */
	(void)tell(*out, order);
	return 0;
}

static int peer_open(const void *arg, clockid_t clock, void **state, char *why)
{
	const uint64_t began = stopwatch_ns(clock);
	struct peer_process *peer = NULL;
	char *words[WORDS_MAX];
	bool fresh;
	int n;
	int r;

	if (!helper_is_built(arg, why))
		return -ENOTSUP;
	r = peer_get(arg, clock, &peer, &fresh, why);
	if (r < 0) {
		if (peer)
			end(peer);
		return r;
	}
	r = answer(peer);
	if (r == 0 && strncmp(peer->line, "ready", 5) == 0) {
		n = cut(peer->line, words);
		for (int i = 1; i < n && peer->pids < TIMING_RANKS_MAX; i++)
			peer->pid_of[peer->pids++] = atoi(words[i]);
		peer->start_ns = fresh ? stopwatch_ns(clock) - began : 0;
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
	end(peer);
	return r;
}

/* Pairs of numbers, and " cpu NS".  Returns the rest of the text, or NULL where
 * there is no pair.  Ranks are added to the ranks of `timing`. */
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

/* Where a line begins with the word and a space, the rest of it; else NULL. */
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
	peer->broken |= r < 0;
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
	peer->broken = true;
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
	.end_launch = peer_end_launch,
	.kept_ns = peer_kept_ns,
};
