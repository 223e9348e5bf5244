/* SPDX-License-Identifier: MIT */
/*
 * startup.c - the startup of a pool's processes, as bytes: packed by the caller,
 * unpacked by a process that is no fork of the caller.
 */
#include "pool/exec_start.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"

/* Builds that differ in one of these numbers lay the memory out differently. */
uint64_t startup_build(void)
{
	const uint64_t sizes[] = {
		sizeof(struct startup_shm),     sizeof(struct rig_spot),
		sizeof(struct rig_core),        sizeof(struct rig_node),
		sizeof(struct job_shm),         sizeof(struct about_shm),
		sizeof(struct control_shm),     sizeof(struct rank_shm),
		layout_at(NULL, 1).bytes,       layout_at(NULL, 2).bytes,
		sizeof(struct trace_event_shm), TRAILER_LAYOUT,
	};
	uint64_t build = 1;

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		build = build * UINT64_C(0x9e3779b97f4a7c15) + sizes[i];
	return build;
}

/* Where the parts of a plan lie after the rest. */
struct parts {
	size_t spots, machine, memory, end;
};

static struct parts parts_of(const struct rig_plan *plan)
{
	struct parts parts;

	parts.spots = size_round_up(sizeof(struct startup_shm), RIG_LINE);
	parts.machine =
		parts.spots + (size_t)plan->workers * sizeof(struct rig_spot);
	parts.memory = parts.machine +
		       (size_t)plan->machine_cores * sizeof(struct rig_core);
	parts.end = parts.memory +
		    (size_t)plan->machine_nodes * sizeof(struct rig_node);
	return parts;
}

size_t startup_bytes(const struct rig_plan *plan)
{
	return parts_of(plan).end;
}

void startup_pack(struct startup_shm *shm, const struct pool_startup *startup)
{
	const struct rig_plan *plan = startup->plan;
	const struct parts parts = parts_of(plan);
	const struct tracer *tracer = startup->tracer;
	char *base = (char *)shm;

	*shm = (struct startup_shm){
		.magic = STARTUP_MAGIC,
		.build = startup_build(),
		.size = startup->size,
		.kind = (uint32_t)startup->kind,
		.caller = startup->caller,
		.bytes = parts.end,
		.trace_bytes = tracer && tracer->memory ? tracer->bytes : 0,
		.trace_stride = tracer ? tracer->stride : 0,
		.idle = startup->idle,
		.busy = startup->busy,
		.plan = *plan,
	};
	shm->plan.spots = NULL;
	shm->plan.machine = NULL;
	shm->plan.memory = NULL;
	for (int i = 0; i < STARTUP_FDS; i++)
		shm->fds[i] = -1;
	memcpy(base + parts.spots, plan->spots, parts.machine - parts.spots);
	if (parts.memory > parts.machine)
		memcpy(base + parts.machine, plan->machine,
		       parts.memory - parts.machine);
	if (parts.end > parts.memory)
		memcpy(base + parts.memory, plan->memory,
		       parts.end - parts.memory);
}

int startup_unpack(struct startup_shm *shm, size_t bytes,
		   struct pool_startup *startup, struct rig_plan *plan,
		   struct tracer *tracer)
{
	char *base = (char *)shm;
	struct parts parts;

	if (bytes < sizeof(*shm) || shm->magic != STARTUP_MAGIC)
		return rig_fail(-EPROTO, "start: this is no runrig's");
	if (shm->build != startup_build() || shm->bytes > bytes) {
		(void)rig_fail(-EPROTO,
			       "start: the caller and the ranks have different "
			       "builds of librunrig");
		snprintf(shm->why, sizeof(shm->why), "%s", rig_why());
		return -EPROTO;
	}
	*plan = shm->plan;
	parts = parts_of(plan);
	plan->spots = (void *)(base + parts.spots);
	plan->machine = (void *)(base + parts.machine);
	plan->memory = (void *)(base + parts.memory);
	*tracer = (struct tracer){ .bytes = shm->trace_bytes,
				   .stride = shm->trace_stride };
	*startup = (struct pool_startup){
		.size = shm->size,
		.kind = (enum rig_barrier_kind)shm->kind,
		.plan = plan,
		.caller = shm->caller,
		.idle = shm->idle,
		.busy = shm->busy,
		.tracer = tracer,
		.execed = true,
		.caller_end = -1,
		.warden_end = shm->fds[STARTUP_WARDEN_END],
		.lifeline_read = -1,
		.lifeline_held = shm->fds[STARTUP_LIFELINE_HELD],
		.caller_pidfd = shm->fds[STARTUP_CALLER_PIDFD],
		.ready = shm->fds[STARTUP_READY],
		.bell = shm->fds[STARTUP_BELL],
		.files_send = -1,
		.files_receive = shm->fds[STARTUP_FILES_RECEIVE],
	};
	return 0;
}
