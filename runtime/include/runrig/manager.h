/* SPDX-License-Identifier: MIT */
/*
 * manager.h - segments and lists that go when their maker does, as Python's
 * SharedMemoryManager has it.
 *
 *	rig_manager_start()     starts a small process that watches this one
 *	rig_manager_segment()   makes a segment under a fresh name
 *	rig_manager_list()      makes a list, likewise
 *	rig_manager_shutdown()  removes the names of all of them
 *
 * A member's name stays until shutdown, whoever attaches, detaches or destroys
 * a handle; handles stay usable after it.  What a manager made is gone
 *
 *	after shutdown;
 *	when this process ends, however it does: its manager's process notices;
 *	when that process is killed: this one removes the names when it ends;
 *	when both are killed at once: `runrig clean` finds the names stale.
 *
 * Anyone of the same user may unlink a member before that: it is gone early, and
 * nothing else is.  Where Python's manager stops at such a gap, this one goes on.
 *
 * The manager's process ignores the signals that a terminal sends.  It is no
 * child of this process: wait() never meets it.
 */
#ifndef RUNRIG_MANAGER_H
#define RUNRIG_MANAGER_H

#include <sys/types.h>

#include <runrig/api.h>
#include <runrig/list.h>
#include <runrig/segment.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Members of one manager.  Each holds a descriptor, whose lock says that the
 * name is in use, so the limit on those (ulimit -n) comes first. */
#define RIG_MEMBERS_MAX 65536

struct rig_manager; /* in this process */

/*
 * Start a manager.  Returns 0 and sets *manager; its owner shuts it down.  On
 * failure *manager is untouched, no process is left, and the result is what
 * fork, socketpair, pidfd_open or mmap said.  Any thread.
 */
RIG_API int rig_manager_start(struct rig_manager **manager);

/*
 * Make a segment of `bytes` zeroed bytes, or a list of `count` values, and
 * attach to it.  Returns 0 and sets *segment or *list, whose owner destroys it
 * (which leaves the name alone); or as rig_segment_create() and
 * rig_list_create() do, or
 *
 *	-ECANCELED  the manager's process is no more
 *	-EINVAL     the manager is another process's, or is shut down
 *	-ENOSPC     it has RIG_MEMBERS_MAX members
 *
 * Any thread.
 */
RIG_API int rig_manager_segment(struct rig_manager *manager,
				struct rig_segment **segment, size_t bytes);
RIG_API int rig_manager_list(struct rig_manager *manager,
			     struct rig_list **list,
			     const struct rig_value *values, size_t count);

/* The manager's process; for display. */
RIG_API pid_t rig_manager_pid(const struct rig_manager *manager);

/*
 * Remove the names of all members, end the manager's process and free the
 * manager.  NULL is allowed.  One thread, when nobody else uses the manager.
 * In a fork of the process that started it: only frees.
 */
RIG_API void rig_manager_shutdown(struct rig_manager *manager);

/*
 * Start a manager, call body(manager, arg), and shut the manager down whatever
 * body returns.  Returns that, or what rig_manager_start() said.
 */
RIG_API int rig_manager_with(int (*body)(struct rig_manager *manager,
					 void *arg),
			     void *arg);

#ifdef __cplusplus
}
#endif

#endif
