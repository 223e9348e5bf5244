/* SPDX-License-Identifier: MIT */
/*
 * pool_list.c - the pools of this process, and the forks of this process.
 *
 * A segment tells all pools when the segment goes, so that no worker keeps the file
 * mapped.  A pool belongs to the process that made the pool; a fork has a copy of the
 * list, and leaves the pools in the copy alone.
 */
#include "pool/caller.h"

#include <pthread.h>
#include <unistd.h>

/* The lock knows its owner: another thread's lock stays locked. */
static pthread_mutex_t pools_lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;

static struct rig_pool *pools;

/* Forks between the first process and this process.  A pool belongs to the process
 * that made the pool, and a call of getpid() would be a system call in every run. */
static uint32_t forks;

static void before_fork(void)
{
	pthread_mutex_lock(&pools_lock);
}

static void after_fork(void)
{
	pthread_mutex_unlock(&pools_lock);
}

static void in_child(void)
{
	forks++;
	worker_forked();
	/* The child's thread has another number than the thread that took the
	 * lock. */
	pools_lock = (pthread_mutex_t)PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
}

static void hook_fork(void)
{
	(void)pthread_atfork(before_fork, after_fork, in_child);
}

bool pool_is_maker(const struct rig_pool *pool)
{
	return pool->maker_forks == forks;
}

static uint64_t pool_id(const struct rig_pool *pool)
{
	return pool->id;
}

static enum rig_barrier_kind pool_barrier(const struct rig_pool *pool)
{
	return pool->startup.kind;
}

static void pools_forget(struct identity identity)
{
	pthread_mutex_lock(&pools_lock);
	for (struct rig_pool *pool = pools; pool; pool = pool->next) {
		uint32_t seen = TURN_FREE;

		if (!pool_is_maker(pool))
			continue;
		job_segments_queue(pool, identity);
		/* Now, if the turn is free; else the thread with the turn
		 * forgets the file. */
		if (cas_seq(&pool->turn, &seen, TURN_TAKEN))
			run_end_turn(pool);
	}
	pthread_mutex_unlock(&pools_lock);
}

static int pools_let_go(void)
{
	int count = 0;

	pthread_mutex_lock(&pools_lock);
	for (struct rig_pool *pool = pools; pool; pool = pool->next) {
		uint32_t seen = TURN_FREE;

		/* A run in progress may want the segments. */
		if (!pool_is_maker(pool) ||
		    !cas_seq(&pool->turn, &seen, TURN_TAKEN))
			continue;
		count += job_segments_let_go(pool);
		run_end_turn(pool);
	}
	pthread_mutex_unlock(&pools_lock);
	return count;
}

void pool_list_prepare(void)
{
	static const struct segment_pools calls = {
		.id = pool_id,
		.size = rig_pool_size,
		.barrier = pool_barrier,
		.populate = pool_populate,
		.forget = pools_forget,
		.let_go = pools_let_go,
	};

	hook_fork();
	segment_register_pools(&calls);
}

void pool_list_sign(struct rig_pool *pool)
{
	pool->maker = getpid();
	pool->maker_forks = forks;
}

void pool_list_enter(struct rig_pool *pool)
{
	pthread_mutex_lock(&pools_lock);
	pool->next = pools;
	pools = pool;
	pthread_mutex_unlock(&pools_lock);
}

void pool_list_leave(struct rig_pool *pool)
{
	struct rig_pool **at = &pools;

	pthread_mutex_lock(&pools_lock);
	while (*at && *at != pool)
		at = &(*at)->next;
	if (*at)
		*at = pool->next;
	pthread_mutex_unlock(&pools_lock);
}

void pools_left_behind(void)
{
	for (struct rig_pool *pool = pools; pool; pool = pool->next)
		pool->left_behind = true;
}

void pool_list_fork_failed(void)
{
	after_fork();
}
