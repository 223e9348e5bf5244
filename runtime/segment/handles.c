/* SPDX-License-Identifier: MIT */
/*
 * handles.c - the handles to segments of this process, in a list: a job that names a
 * segment means the handle's segment, even where the name has been stolen.
 */
#include "segment/handle.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static struct rig_segment *handles;

/* A fork must not inherit a lock that another thread holds. */
static void before_fork(void)
{
	pthread_mutex_lock(&lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&lock);
}

static void in_child(void)
{
	/* The child's thread has another number than the thread that locked. */
	lock = (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
}

void segments_fork_failed(void)
{
	after_fork();
}

void segments_left_behind(void)
{
	struct rig_segment *segment;

	for (segment = handles; segment; segment = segment->next) {
		segment->data = NULL;
		segment->barrier = NULL;
		segment->info.fd = -1;
	}
}

static void hook_fork(void)
{
	(void)pthread_atfork(before_fork, after_fork, in_child);
}

void handle_add(struct rig_segment *segment)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, hook_fork);
	pthread_mutex_lock(&lock);
	segment->next = handles;
	handles = segment;
	pthread_mutex_unlock(&lock);
}

void handle_remove(struct rig_segment *segment)
{
	struct rig_segment **at = &handles;

	pthread_mutex_lock(&lock);
	while (*at && *at != segment)
		at = &(*at)->next;
	if (*at)
		*at = segment->next;
	pthread_mutex_unlock(&lock);
}

bool segment_handle_info(const char *name, bool brief,
			 struct segment_info *info)
{
	struct rig_segment *segment;

	pthread_mutex_lock(&lock);
	for (segment = handles; segment; segment = segment->next)
		if (segment->info.fd >= 0 && segment->brief == brief &&
		    strcmp(segment->name, name) == 0)
			break;
	if (segment)
		*info = segment_info_of(segment);
	/* Its descriptor is the pool's only one now. */
	if (segment)
		segment->brief = false;
	pthread_mutex_unlock(&lock);
	return segment != NULL;
}
