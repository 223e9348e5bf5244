/* SPDX-License-Identifier: MIT */
/*
 * error.h - how every runrig function fails.
 *
 * What can fail returns 0 (or a count) or a negative errno and leaves its
 * outputs untouched; rig_why() has the words.  The codes mean the same
 * everywhere:
 *
 *	-EINVAL      an argument is malformed or out of range
 *	-EEXIST      the name is taken
 *	-ENOENT      nothing of that name
 *	-EPERM       not of a set-uid program (AT_SECURE), or a container forbids
 *	-EACCES      not ours: another user's, or of a mode that lets others in
 *	-EPROTO      a segment of another layout, version or C library
 *	-ENODATA     a foreign segment that is not ready (empty or half made)
 *	-ENOSPC      /dev/shm is full, or a memory limit is
 *	-ETIMEDOUT   a deadline or a job's limit passed
 *	-EOWNERDEAD  a worker died: the run failed, the pool is usable again
 *	-EDEADLK     every rank waited for another: the run failed, likewise
 *	-ECANCELED   the pool is no more (its warden died, or start-up failed)
 *	-EBUSY       the calling thread itself has a submitted run to wait for
 *	-EBADMSG     a result is not what it must be (verification)
 *
 * and of lists and their values (list.h)
 *
 *	-ERANGE      an index outside of the list
 *	-EOVERFLOW   text longer than its slot, or than any can be
 *	-EILSEQ      text that is not UTF-8
 *	-EAGAIN      the item was being changed; ask again
 *
 * Any other code is what a system call said, and the words name the call.
 */
#ifndef RUNRIG_ERROR_H
#define RUNRIG_ERROR_H

#include <runrig/api.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * The words for this thread's last failure in this library: one line, no line
 * end, "" before the first.  Any thread; never waits.  Valid until the next
 * failing call of the same thread.
 */
RIG_API const char *rig_why(void);

/* Make `words` (cut to fit; NULL: "") those of this thread's last failure, and return
 * `code`.  A library that stands on this one fails so.  Any thread; never
 * waits. */
RIG_API int rig_why_set(int code, const char *words);

#ifdef __cplusplus
}
#endif

#endif
