/* SPDX-License-Identifier: MIT */
/*
 * hosts_run.c - a run on all hosts: carrying parcels, and agreeing on the end.
 *
 * The callers of all hosts do the same.  A caller agrees with the other callers on
 * the job, posts the job to the pool, and then carries parcels between the gateway
 * and the other hosts until host 0 (hosts_zero.c) says that the run is over.
 *
 * Long data travels from the memory of a rank to the memory of a rank: a move.  At the
 * receiver a message whose data is yet to come is offered to the gateway, and the data is
 * received when the gateway tells the place.  The end of a move counts as a message back
 * to the sender: so a host that is about to go on never looks quiet (hosts_zero.c).
 *
 * At the end all hosts sum up the messages sent to each host, and each host receives
 * messages until the sum is reached: no message of a run is left to the next run.
 */
#include <dlfcn.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <runrig/error.h>
#include <runrig/report.h>

#include "hosts_run.h"

/*
 * A caller with nothing to carry looks around for SPIN_NS, and then naps: longer after
 * LONG_NS.  Where other processes want the CPU, a caller that only yielded would wait
 * for their time slices; a caller that naps is woken at once.
 */
#define SPIN_NS UINT64_C(1000000)
#define NAP_NS  UINT64_C(50000)
#define LONG_NS UINT64_C(20000000)

/* A caller that has sent something looks for the answer for LOOK_NS before other processes
 * run: ranks that exchange something send at about the same time. */
#define LOOK_NS UINT64_C(4000)

/* A host says that all its ranks wait when nothing has moved for this time: most waits
 * are over before, and the news would be in the way of the messages. */
#define QUIET_NS UINT64_C(200000)

/* How long past its limit a run may take to end, on all hosts. */
#define GRACE_NS (UINT64_C(10) * 1000000000)

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void handle(struct hosts_run *run, int from, struct wire_head *head,
		   void *data);

void hosts_tell(struct hosts_run *run, int to, enum wire_kind kind,
		int32_t number, const char *text)
{
	struct rig_hosts *hosts = run->hosts;
	struct wire_head head = { .kind = kind,
				  .run = hosts->runs,
				  .numbers = { number },
				  .counts = { run->sent, run->received } };
	char *copy = text ? strdup(text) : NULL;

	if (copy)
		head.bytes = strlen(copy) + 1;
	if (to == hosts->rank) {
		handle(run, to, &head, copy);
		return;
	}
	/* Without the news the other hosts would wait for ever. */
	if (hosts_send(hosts, to, &head, copy, NULL) < 0)
		hosts->engine->abort(hosts->link, 1);
}

/* The own host's part has ended. */
static void part_ends(struct hosts_run *run, int code)
{
	const struct rig_report *report = rig_pool_report(run->hosts->pool);
	char text[TEXT_BYTES] = "";

	run->over = run->told = true;
	run->told_sent = run->sent;
	run->told_received = run->received;
	/* If no job could be posted, the report is of an earlier job. */
	if (code < 0)
		snprintf(text, sizeof(text), "%s\n", rig_why());
	if (code < 0 && report->code == code && report->text[0])
		snprintf(text, sizeof(text), "%s", report->text);
	hosts_tell(run, 0, DONE, code, code < 0 ? text : NULL);
}

static bool is_quiet(struct hosts_run *run)
{
	return run->over ? run->hosts->moves == 0
			 : rig_gateway_is_quiet(run->hosts->gateway);
}

static void answer(struct hosts_run *run, int32_t wave)
{
	hosts_tell(run, 0, is_quiet(run) ? AGAIN : BUSY, wave, NULL);
	run->told = false;
}

/* --- moves --- */

/* Data that is sent from the memory of a rank, or received into such memory, or
 * received and dropped. */
struct hosts_transfer {
	void *lent;   /* a parcel that was taken, or NULL */
	void *handle; /* a place, or NULL */
	void *dropped;
};

static struct hosts_transfer *begin_move(struct hosts_run *run,
					 struct hosts_transfer as)
{
	struct hosts_transfer *move = malloc(sizeof(*move));

	if (!move) {
		run->hosts->engine->abort(run->hosts->link, 1);
		return NULL;
	}
	*move = as;
	run->hosts->moves++;
	return move;
}

/* Receive the data of `later`, and drop the data. */
static void drop(struct hosts_run *run, void *later, uint64_t bytes)
{
	struct rig_hosts *hosts = run->hosts;
	void *data = malloc(bytes ? bytes : 1);

	if (!data)
		hosts->engine->abort(hosts->link, 1);
	hosts->engine->accept(
		hosts->link, later, data,
		begin_move(run, (struct hosts_transfer){ .dropped = data }));
}

/* Receive data into the places that the gateway tells. */
static bool accept_parcels(struct hosts_run *run)
{
	struct rig_hosts *hosts = run->hosts;
	struct rig_place place;
	bool moved = false;

	while (rig_gateway_place(hosts->gateway, &place)) {
		const struct hosts_transfer as = { .handle = place.handle };

		moved = true;
		if (place.data)
			hosts->engine->accept(hosts->link, place.token,
					      place.data, begin_move(run, as));
		else
			drop(run, place.token, place.bytes);
	}
	return moved;
}

static bool end_moves(struct hosts_run *run)
{
	struct rig_hosts *hosts = run->hosts;
	struct hosts_transfer *move;
	bool moved = false;

	while (hosts->moves && (move = hosts->engine->finished(hosts->link))) {
		moved = true;
		hosts->moves--;
		if (move->lent)
			run->received++;
		else
			run->sent++;
		rig_gateway_sent(hosts->gateway, move->lent);
		rig_gateway_placed(hosts->gateway, move->handle);
		free(move->dropped);
		free(move);
	}
	return moved;
}

/* --- messages of other hosts --- */

static void take_parcel(struct hosts_run *run, const struct wire_head *head,
			void *data, void *later)
{
	const struct rig_parcel parcel = {
		.to = head->numbers[0],
		.from = head->numbers[1],
		.context = (uint32_t)head->counts[0],
		.tag = head->numbers[2],
		.team_rank = (uint32_t)head->numbers[3],
		.bytes = head->bytes,
		.data = data,
		.token = later,
	};
	bool given = false;

	run->received++;
	if (run->over)
		free(data);
	else
		given = rig_gateway_give(run->hosts->gateway, &parcel) == 0;
	if (!given && later)
		drop(run, later, head->bytes);
	if (!given && !run->over)
		part_ends(run, rig_gateway_end(run->hosts->gateway, false));
}

static void end_part(struct hosts_run *run, bool deadlock)
{
	if (!run->over)
		part_ends(run, rig_gateway_end(run->hosts->gateway, deadlock));
}

static void handle(struct hosts_run *run, int from, struct wire_head *head,
		   void *data)
{
	switch ((enum wire_kind)head->kind) {
	case PARCEL: /* see receive() */
		break;
	case DONE:
		hosts_take_done(run, from, head, data);
		return;
	case FINAL:
		run->final = true;
		run->code = head->numbers[0];
		run->text = data;
		return;
	case END:
		end_part(run, head->numbers[0]);
		break;
	case QUIET:
		hosts_take_quiet(run, from, head);
		break;
	case ASK:
		answer(run, head->numbers[0]);
		break;
	case AGAIN:
	case BUSY:
		hosts_take_answer(run, from, head);
		break;
	}
	free(data);
}

static bool receive(struct hosts_run *run)
{
	struct rig_hosts *hosts = run->hosts;
	struct wire_head head;
	bool moved = false;
	void *data, *later;
	int from, r;

	while ((r = hosts->engine->receive(hosts->link, &from, &head, &data,
					   &later)) > 0) {
		hosts->received++;
		moved = true;
		if (head.bytes == 0) {
			free(data);
			data = NULL;
		}
		if (head.kind == PARCEL)
			take_parcel(run, &head, data, later);
		else
			handle(run, from, &head, data);
	}
	if (r < 0)
		hosts->engine->abort(hosts->link, 1);
	moved |= accept_parcels(run);
	return end_moves(run) || moved;
}

/* The host of a rank of the world. */
static int host_of(const struct rig_hosts *hosts, int rank)
{
	int low = 0, high = hosts->size;

	while (high - low > 1) {
		const int middle = low + (high - low) / 2;

		if (hosts->firsts[middle] <= rank)
			low = middle;
		else
			high = middle;
	}
	return low;
}

/* Send the parcels of the own host's ranks. */
static bool send_parcels(struct hosts_run *run)
{
	struct rig_hosts *hosts = run->hosts;
	struct rig_parcel parcel;
	bool moved = false;

	while (rig_gateway_take(hosts->gateway, &parcel)) {
		const struct wire_head head = {
			.kind = PARCEL,
			.run = hosts->runs,
			.numbers = { parcel.to, parcel.from, parcel.tag,
				     (int32_t)parcel.team_rank },
			.counts = { parcel.context },
			.bytes = parcel.bytes,
			.later = parcel.bytes >= LATER_BYTES,
		};

		const struct hosts_transfer as = { .lent = parcel.lent };

		moved = true;
		if (parcel.to >= hosts->firsts[hosts->size]) {
			/* No such rank: a stray store. */
			if (!parcel.lent)
				free(parcel.data);
			rig_gateway_sent(hosts->gateway, parcel.lent);
			continue;
		}
		run->sent++;
		if (hosts_send(hosts, host_of(hosts, parcel.to), &head,
			       parcel.data,
			       parcel.lent ? begin_move(run, as) : NULL) < 0)
			hosts->engine->abort(hosts->link, 1);
	}
	return moved;
}

/* All ranks of the own host wait: tell host 0, unless host 0 knows. */
static void say_quiet(struct hosts_run *run)
{
	if (run->told && run->told_sent == run->sent &&
	    run->told_received == run->received)
		return;
	run->told = true;
	run->told_sent = run->sent;
	run->told_received = run->received;
	hosts_tell(run, 0, QUIET, 0, NULL);
}

/* A host does not answer, long past the limit of the run: end all processes. */
static void heed_limit(const struct hosts_run *run)
{
	if (run->abort_at && now_ns() > run->abort_at)
		run->hosts->engine->abort(run->hosts->link, 1);
}

/* No parcel has moved for `idle_ns`: let other processes run. */
static void rest(struct hosts_run *run, uint64_t idle_ns)
{
	const uint64_t nap = idle_ns < LONG_NS ? NAP_NS : 10 * NAP_NS;
	const struct timespec span = { 0, (long)nap };

	if (idle_ns >= QUIET_NS && is_quiet(run))
		say_quiet(run);
	heed_limit(run);
	if (idle_ns < LOOK_NS && run->looks)
		return;
	if (idle_ns < SPIN_NS) {
		(void)sched_yield();
	} else if (run->over) {
		(void)nanosleep(&span, NULL);
	} else {
		const int r =
			rig_gateway_poll(run->hosts->gateway, now_ns() + nap);

		if (r == -EAGAIN)
			return;
		(void)send_parcels(run);
		part_ends(run, r);
	}
}

static void carry(struct hosts_run *run)
{
	uint64_t moved_at = now_ns();

	while (!run->final) {
		bool moved = receive(run);

		/* A rank that has got something wants to go on. */
		if (moved)
			run->looks = false;
		if (!run->over) {
			const int r = rig_gateway_poll(run->hosts->gateway, 0);

			if (send_parcels(run))
				moved = run->looks = true;
			if (r != -EAGAIN)
				part_ends(run, r);
		}
		if (moved)
			moved_at = now_ns();
		else if (!run->final)
			rest(run, now_ns() - moved_at);
	}
}

/* --- beginning and end --- */

/* FNV-1a, 64 bits. */
static uint64_t hash(uint64_t sum, const void *data, size_t bytes)
{
	const unsigned char *at = data;

	for (size_t i = 0; i < bytes; i++)
		sum = (sum ^ at[i]) * UINT64_C(0x100000001b3);
	return sum;
}

/* A hash of the kernel, by name or by the place in the file, and of the arguments,
 * which must be the same on all hosts. */
static uint64_t hash_job(const struct rig_job *job)
{
	uint64_t sum = UINT64_C(0xcbf29ce484222325);
	Dl_info info = { 0 };

	if (job->name) {
		sum = hash(sum, job->name, strlen(job->name));
	} else if (dladdr((void *)(uintptr_t)job->kernel, &info)) {
		const uint64_t place = (uint64_t)(uintptr_t)job->kernel -
				       (uint64_t)(uintptr_t)info.dli_fbase;

		sum = hash(sum, &place, sizeof(place));
	}
	if (job->args)
		sum = hash(sum, job->args, job->args_bytes);
	return hash(sum, &job->args_bytes, sizeof(job->args_bytes));
}

static int agree_on(struct rig_hosts *hosts, const struct rig_job *job)
{
	const int r = hosts_agree(hosts, HOSTS_RUN, job ? hash_job(job) : 0);

	if (r == 0)
		return 0;
	if (r == -ECANCELED)
		return hosts_fail(r, "hosts: another host has left");
	return hosts_fail(-EINVAL,
			  "hosts: not all run the same kernel with the "
			  "same arguments");
}

/* Receive all messages that were sent to the own host. */
static void drain(struct hosts_run *run)
{
	struct rig_hosts *hosts = run->hosts;
	uint64_t expected;

	memcpy(hosts->words, hosts->messages,
	       (size_t)hosts->size * sizeof(*hosts->words));
	(void)hosts->engine->combine(hosts->link, hosts->words, hosts->size,
				     true);
	for (int turns = 0; !hosts->engine->combined(hosts->link); turns++) {
		(void)receive(run);
		heed_limit(run);
		hosts_pause(turns);
	}
	expected = hosts->words[hosts->rank];
	while (hosts->received < expected || hosts->moves ||
	       !hosts->engine->is_sent(hosts->link)) {
		if (receive(run))
			continue;
		heed_limit(run);
		hosts_pause(0);
	}
}

static int keep_report(struct hosts_run *run)
{
	struct rig_hosts *hosts = run->hosts;
	char *text = run->text ? run->text : strdup("");

	if (text) {
		free(hosts->report);
		hosts->report = text;
	}
	if (run->code < 0)
		return hosts_fail(run->code, "%.*s",
				  text ? (int)strcspn(text, "\n") : 0,
				  text ? text : "");
	return 0;
}

int rig_hosts_run(struct rig_hosts *hosts, const struct rig_job *job)
{
	struct hosts_run run = { .hosts = hosts, .job = job, .failed = -1 };
	int r;

	r = agree_on(hosts, job);
	if (r < 0)
		return r;
	hosts->runs++;
	if (hosts->rank == 0) {
		run.states = calloc((size_t)hosts->size, sizeof(*run.states));
		if (!run.states)
			hosts->engine->abort(hosts->link, 1);
	}
	if (job && job->limit_ns)
		run.abort_at = now_ns() + job->limit_ns + GRACE_NS;
	r = rig_gateway_submit(hosts->gateway, job);
	if (r < 0)
		part_ends(&run, r);
	carry(&run);
	drain(&run);
	for (int i = 0; run.states && i < hosts->size; i++)
		free(run.states[i].text);
	free(run.states);
	return keep_report(&run);
}
