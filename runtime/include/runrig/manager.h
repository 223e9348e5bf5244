/* SPDX-License-Identifier: MIT */
/*
 * manager.h - segments and lists that go when their maker does, as Python's
 * SharedMemoryManager has them.
 *
 *	rig_manager_start()     starts a small process that watches the caller
 *	rig_manager_segment()   makes a segment under a fresh name
 *	rig_manager_list()      makes a list, likewise
 *	rig_manager_shutdown()  removes the names of all of them
 *
 * A member's name stays until shutdown, whoever attaches, detaches or destroys
 * a handle; handles stay usable afterwards.  A member is gone
 *
 *	after shutdown;
 *	when the caller ends, in any way: the manager's process notices;
 *	when the manager's process is killed: the caller's end removes the names;
 *	when both are killed at once: `runrig clean` finds the names stale.
 *
 * Anyone of the same user may unlink a member earlier: the member is gone early,
 * and nothing else is.  Where Python's manager stops at such a gap, runrig's goes
 * on.
 *
 * The manager's process ignores the signals that a terminal sends.  The process
 * is no child of the caller: wait() never meets a manager's process.
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

/* Members of a manager.  Each holds a descriptor, whose lock means that the name
 * is in use, so the limit on descriptors (ulimit -n) comes first. */
#define RIG_MEMBERS_MAX 65536

struct rig_manager; /* in this process */

/*
 * Start a manager.  Returns 0 and sets *manager; the owner shuts the manager down.
 * On failure *manager is untouched, no process is left, and the result is the
 * error of fork, socketpair, pidfd_open or mmap.  Any thread.
 */
RIG_API int rig_manager_start(struct rig_manager **manager);

/*
 * Make a segment of `bytes` zeroed bytes, or a list of `count` values, and attach
 * to the new member.  Returns 0 and sets *segment or *list, which the caller
 * destroys (the name stays); or as rig_segment_create() and rig_list_create(), or
 *
 *	-ECANCELED  the manager's process is no more
 *	-EINVAL     the manager is another process's, or is shut down
 *	-ENOSPC     the manager has RIG_MEMBERS_MAX members
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
 * manager.  NULL is allowed.  A single thread, when nobody else uses the manager.
 * In a fork of the process that started the manager: only frees.
 */
RIG_API void rig_manager_shutdown(struct rig_manager *manager);

/*
 * Start a manager, call body(manager, arg), and shut the manager down whatever
 * body returns.  Returns body's result, or the error of rig_manager_start().
 */
RIG_API int rig_manager_with(int (*body)(struct rig_manager *manager,
					 void *arg),
			     void *arg);

#ifdef __cplusplus
}
#endif

#endif
