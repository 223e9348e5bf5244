/* SPDX-License-Identifier: MIT */
/*
 * robust.h - a mutex in shared memory that survives the death of the holder.
 */
#ifndef RUNRIG_ROBUST_H
#define RUNRIG_ROBUST_H

#include <pthread.h>

/* Begin a mutex for several processes: where a holder dies, the next lock returns
 * EOWNERDEAD.  0 or -errno, without words. */
static inline int robust_init(pthread_mutex_t *lock)
{
	pthread_mutexattr_t attributes;
	int r = -pthread_mutexattr_init(&attributes);

	if (r == 0)
		r = -pthread_mutexattr_setpshared(&attributes,
						  PTHREAD_PROCESS_SHARED);
	if (r == 0)
		r = -pthread_mutexattr_setrobust(&attributes,
						 PTHREAD_MUTEX_ROBUST);
	if (r == 0)
		r = -pthread_mutex_init(lock, &attributes);
	return r;
}

#endif
