/* SPDX-License-Identifier: MIT */
/*
 * report.c - putting the end of a run into words.
 *
 * The first line is the text of rig_why(): which rank, of how many, in which kernel.
 * Then comes a line for each rank, up to a number that fits a screen; struct rig_report
 * has all ranks.
 */
#include "pool/report.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include <runrig/message.h>

#include "pool/pool_startup.h"
#include "team/verb.h"
#include "base/error.h"
#include "base/glibc.h"
#include "base/symbol.h"
#include "machine/process.h"
#include "team/modules.h"

/* Ranks that the text lists. */
#define LISTED 32

#define TEXT_BYTES ((size_t)(WHY_BYTES + (LISTED + 1) * 256))

int report_init(struct report *report, int size)
{
	size_t n = (size_t)size;

	memset(report, 0, sizeof(*report));
	report->ranks = calloc(n, sizeof(*report->ranks));
	report->where = calloc(n, sizeof(*report->where));
	report->text = calloc(1, TEXT_BYTES);
	if (!report->ranks || !report->where || !report->text) {
		report_finish(report);
		return rig_fail_errno(-ENOMEM, "pool: report");
	}
	report->said.size = size;
	report->said.ranks = report->ranks;
	report->said.text = report->text;
	report->said.kernel = report->kernel;
	report_clear(report);
	return 0;
}

void report_finish(struct report *report)
{
	free(report->ranks);
	free(report->where);
	free(report->text);
	memset(report, 0, sizeof(*report));
}

void report_clear(struct report *report)
{
	struct rig_report *said = &report->said;

	report->text[0] = 0;
	if (said->end == RIG_END_OK && said->rank == -1)
		return;
	said->end = RIG_END_OK;
	said->rank = -1;
	said->code = 0;
	said->wait_status = 0;
	said->segment = -1;
	said->offset = 0;
	report->kernel[0] = 0;
	memset(report->where, 0, (size_t)said->size * sizeof(*report->where));
	for (int i = 0; i < said->size; i++)
		report->ranks[i] =
			(struct rig_rank_report){ .pu = -1,
						  .where = report->where[i] };
}

bool called_at(const struct modules_shm *modules, uint64_t address)
{
	if (!load_relaxed(&modules->count))
		return worker_calls_at(address);
	return modules->calls && address > modules->calls &&
	       address < modules->calls + CALL_KERNEL_BYTES;
}

/* A place in the code of `rank` in words: "reverse+0x5c, reverse.c:31".
 * `returned`: a call returns there. */
static void say_where(char *out, const struct report_facts *info, int rank,
		      uint64_t address, bool returned, const char *kernel)
{
	const struct layout *layout = info->layout;
	const struct modules_shm *modules = &layout->modules[rank];
	uint64_t at_ns = info->ended ? layout->control->ended_ns : RIG_FOREVER;
	struct symbol symbol;

	out[0] = 0;
	if (!address)
		return;
	if (modules_find(modules, address, at_ns, &symbol) < 0)
		snprintf(out, WHERE_BYTES, "0x%" PRIx64, address);
	else if (called_at(modules, address))
		/* The kernel ended in the call, the very last act of the
		 * kernel. */
		snprintf(out, WHERE_BYTES, "the end of %.100s", kernel);
	else
		symbol_write(&symbol, returned, out, WHERE_BYTES);
}

/* A number in the team's memory: any rank may have written over the number. */
static int checked_rank(int64_t rank, int size)
{
	return rank >= 0 && rank < size ? (int)rank : -1;
}

static enum rig_state checked_state(uint32_t state)
{
	return state <= RIG_STATE_DONE ? (enum rig_state)state : RIG_STATE_IDLE;
}

static int checked_segment(uint32_t index_plus_1)
{
	return index_plus_1 <= RIG_SEGMENTS_MAX ? (int)index_plus_1 - 1 : -1;
}

static void name_kernel(struct report *report, const struct report_facts *info)
{
	uint64_t address = (uint64_t)(uintptr_t)info->kernel;
	struct symbol symbol;

	if (info->name)
		snprintf(report->kernel, sizeof(report->kernel), "%.120s",
			 info->name);
	else if (symbol_find(address, &symbol) < 0)
		snprintf(report->kernel, sizeof(report->kernel), "0x%" PRIx64,
			 address);
	else if (symbol.offset)
		snprintf(report->kernel, sizeof(report->kernel),
			 "%s+0x%" PRIx64, symbol.name, symbol.offset);
	else
		snprintf(report->kernel, sizeof(report->kernel), "%s",
			 symbol.name);
}

/* Where rank `rank` was. */
static void fill_rank(struct report *report, const struct report_facts *info,
		      int rank)
{
	const struct about_shm *about = &info->layout->about[rank];
	struct rank_shm *live = &info->layout->ranks[rank];
	const struct rig_plan *plan = info->plan;
	uint64_t where;

	report->ranks[rank] = (struct rig_rank_report){
		.pid = info->ended ? about->was : about->pid,
		.pu = plan->pinned ? plan->spots[rank].pu : -1,
		.state =
			checked_state(info->ended ? about->state
						  : load_relaxed(&live->state)),
		.epoch = info->ended ? about->entered
				     : load_relaxed(&live->entered),
		.where = report->where[rank],
	};
	where = info->ended ? about->where : load_relaxed(&live->where);
	/* Waiting begins with spinning, which is not worth a state. */
	if (where && report->ranks[rank].state == RIG_STATE_RUNNING)
		report->ranks[rank].state = RIG_STATE_WAITING;
	say_where(report->where[rank], info, rank, where, true, report->kernel);
}

/* printf onto the end of a text of `bytes` bytes. */
static void add(char *text, size_t bytes, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void add(char *text, size_t bytes, const char *format, ...)
{
	size_t used = strlen(text);
	va_list list;

	va_start(list, format);
	vsnprintf(text + used, bytes - used, format, list);
	va_end(list);
}

void report_append(struct report *report, const char *lines)
{
	add(report->text, TEXT_BYTES, "%s", lines);
}

static const char *signal_name(int signal)
{
	const char *name = signal_abbreviation(signal);

	return name ? name : "?";
}

/* How the first to die died: "by SIGSEGV at segment a + 0x10 in f+0x5c". */
static void say_death(struct report *report, const struct report_facts *info,
		      char *line, size_t bytes)
{
	const struct rig_report *said = &report->said;
	const struct about_shm *about = &info->layout->about[said->rank];
	char at[WHERE_BYTES];

	if (said->wait_status == STATUS_UNKNOWN) {
		add(line, bytes,
		    "has ended, and only its tracer or its parent was told "
		    "how");
		return;
	}
	if (!WIFSIGNALED(said->wait_status)) {
		add(line, bytes, "left by exit(%d)",
		    WEXITSTATUS(said->wait_status));
		return;
	}
	add(line, bytes, "was killed by SIG%s",
	    signal_name(WTERMSIG(said->wait_status)));
	if (info->layout->control->out_of_memory)
		add(line, bytes,
		    " (probably out of memory: its control group has had an "
		    "OOM kill)");
	if ((int)about->signal != WTERMSIG(said->wait_status) ||
	    about->signal_code <= 0)
		return;
	if (said->segment >= 0)
		add(line, bytes, " at segment %.*s + 0x%" PRIx64, RIG_NAME_MAX,
		    info->layout->job->names[said->segment], said->offset);
	else
		add(line, bytes, " at address 0x%" PRIx64, about->address);
	say_where(at, info, said->rank, about->instruction, false,
		  report->kernel);
	add(line, bytes, " in %s", at);
	if (about->signal == SIGBUS && said->segment >= 0)
		add(line, bytes, " (truncated, or %s is full)", "/dev/shm");
}

static void say_first_line(struct report *report,
			   const struct report_facts *info, char *line,
			   size_t bytes)
{
	const struct rig_report *said = &report->said;
	const char *words;

	if (info->jobs)
		add(line, bytes, "jobs[%d] of %d: ", info->job, info->jobs);
	if (said->rank < 0 &&
	    (info->end == RIG_END_FAILED || info->end == RIG_END_DEATH)) {
		add(line, bytes,
		    "%s: the run has ended, and who ended it was written over "
		    "in the team's memory: a stray store of one of its ranks",
		    report->kernel);
		return;
	}
	switch (info->end) {
	case RIG_END_OK:
		break;
	case RIG_END_FAILED:
		words = info->ended ? info->layout->about[said->rank].why
				    : info->layout->ranks[said->rank].why;
		add(line, bytes, "%s: rank %d: %.*s", report->kernel,
		    said->rank, WHY_BYTES - 1, words);
		break;
	case RIG_END_DEATH:
		add(line, bytes, "%s: rank %d (pid %d) ", report->kernel,
		    said->rank, (int)report->ranks[said->rank].pid);
		say_death(report, info, line, bytes);
		break;
	case RIG_END_DEADLOCK:
		add(line, bytes,
		    "%s: deadlock: every rank waits for one that waits or has "
		    "returned",
		    report->kernel);
		break;
	case RIG_END_LIMIT:
		add(line, bytes, "%s: not done within its limit of %.3f s",
		    report->kernel, (double)info->limit_ns * 1e-9);
		break;
	case RIG_END_CANCEL:
		add(line, bytes, "%s: cancelled", report->kernel);
		break;
	case RIG_END_HOST:
		add(line, bytes,
		    "%s: ended, for another host's part of the run has",
		    report->kernel);
		break;
	case RIG_END_WARDEN:
		add(line, bytes, "%.*s", WHY_BYTES - 1,
		    info->layout->control->why[0] ? info->layout->control->why
						  : "pool: its warden died");
		break;
	}
}

/* " from rank 3, tag 5" */
static void say_message(uint64_t calls, char *text)
{
	const unsigned verb = CALLS_VERB(calls);
	const int peer = CALLS_RANK(calls), tag = CALLS_TAG(calls);
	const char *way = verb == VERB_SEND || verb == VERB_SSEND ||
					  verb == VERB_LEND ||
					  calls & CALLS_SENDS
				  ? "to"
				  : "from";

	if (peer < RIG_ANY_SOURCE)
		return;
	if (verb == VERB_LOCK) {
		add(text, TEXT_BYTES, " of rank %d", peer);
		return;
	}
	if (verb == VERB_WAIT)
		add(text, TEXT_BYTES, " for a message");
	if (peer == RIG_ANY_SOURCE)
		add(text, TEXT_BYTES, " %s any rank", way);
	else
		add(text, TEXT_BYTES, " %s rank %d", way, peer);
	if (tag == RIG_ANY_TAG)
		add(text, TEXT_BYTES, ", any tag");
	else
		add(text, TEXT_BYTES, ", tag %d", tag);
}

static void say_rank(const struct rig_rank_report *rank, int number,
		     uint64_t calls, uint64_t unasked, char *text)
{
	const unsigned verb = CALLS_VERB(calls);

	add(text, TEXT_BYTES, "  rank %d (pid %d", number, (int)rank->pid);
	if (rank->pu >= 0)
		add(text, TEXT_BYTES, ", cpu %d", rank->pu);
	add(text, TEXT_BYTES, ") ");
	switch (rank->state) {
	case RIG_STATE_IDLE:
		add(text, TEXT_BYTES, "idle");
		break;
	case RIG_STATE_ATTACHING:
		add(text, TEXT_BYTES, "attaching segments");
		break;
	case RIG_STATE_RUNNING:
		add(text, TEXT_BYTES, "running");
		if (rank->epoch)
			add(text, TEXT_BYTES, ", after barrier %" PRIu64,
			    rank->epoch);
		break;
	case RIG_STATE_WAITING:
		if (verb) {
			add(text, TEXT_BYTES, "waiting in %s", verb_name(verb));
			say_message(calls, text);
			add(text, TEXT_BYTES, " (%s)", rank->where);
			if (unasked)
				add(text, TEXT_BYTES,
				    "; a message from rank %d with tag %d "
				    "waits there",
				    CALLS_RANK(unasked), CALLS_TAG(unasked));
			break;
		}
		add(text, TEXT_BYTES, "waiting at barrier %" PRIu64 " (%s)",
		    rank->epoch, rank->where);
		break;
	case RIG_STATE_DONE:
		add(text, TEXT_BYTES, "returned, after %" PRIu64 " barrier%s",
		    rank->epoch, rank->epoch == 1 ? "" : "s");
		break;
	}
	add(text, TEXT_BYTES, "\n");
}

/* The verb of a rank, as rank_shm.calls; 0: none. */
static uint64_t called(const struct report_facts *info, int rank)
{
	return info->ended ? info->layout->about[rank].calls
			   : load_relaxed(&info->layout->ranks[rank].calls);
}

/* A message that has come to the rank and that no receive asks for, likewise. */
static uint64_t unasked(const struct report_facts *info, int rank)
{
	return info->ended ? info->layout->about[rank].unasked
			   : load_relaxed(&info->layout->ranks[rank].unasked);
}

void report_make(struct report *report, const struct report_facts *info)
{
	const struct control_shm *control = info->layout->control;
	struct rig_report *said = &report->said;
	char line[WHY_BYTES] = "";

	said->end = info->end;
	said->code = info->code;
	said->rank = -1;
	said->wait_status = 0;
	said->segment = -1;
	said->offset = 0;
	report->text[0] = 0;
	name_kernel(report, info);
	for (int i = 0; i < info->size; i++)
		fill_rank(report, info, i);
	if (info->end == RIG_END_DEATH)
		said->rank = checked_rank(control->rank, info->size);
	else if (info->end == RIG_END_FAILED)
		said->rank = checked_rank(info->failed, info->size);
	if (info->end == RIG_END_DEATH && said->rank >= 0) {
		const struct about_shm *about =
			&info->layout->about[said->rank];

		said->wait_status = control->wait_status;
		said->segment = checked_segment(about->segment);
		said->offset = about->offset;
	}
	say_first_line(report, info, line, sizeof(line));
	add(report->text, TEXT_BYTES, "%s\n", line);
	for (int i = 0; i < info->size && i < LISTED; i++)
		say_rank(&report->ranks[i], i, called(info, i),
			 unasked(info, i), report->text);
	if (info->size > LISTED)
		add(report->text, TEXT_BYTES, "  and %d more\n",
		    info->size - LISTED);
	(void)rig_fail(info->code, "%s", line);
}
