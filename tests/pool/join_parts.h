/* SPDX-License-Identifier: MIT */
/*
 * join_parts.h - processes that meet under a name, for the tests of rig_join(): the
 * name, a call that joins, and a rank that uses many verbs.
 */
#ifndef RUNRIG_TESTS_JOIN_PARTS_H
#define RUNRIG_TESTS_JOIN_PARTS_H

#include "lib/harness.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <runrig/runrig.h>

#include "base/clock.h"

#define PATIENCE_NS UINT64_C(20000000000)
#define LONG        ((size_t)1 << 20) /* bytes that do not fit a tray */

static char name[64];

static void name_meeting(void)
{
	snprintf(name, sizeof(name), "test-join-%d", (int)getpid());
}

static int join(struct rig_team **team, int size, int number)
{
	return rig_join(team, &(struct rig_join_options){
				      .deadline_ns = clock_after(PATIENCE_NS),
				      .name = name,
				      .size = size,
				      .number = number });
}

static bool is_there(const char *file)
{
	char path[128];

	snprintf(path, sizeof(path), "/dev/shm/%s", file);
	return access(path, F_OK) == 0;
}

/* Wait until somebody waits under the name. */
static void await_name(void)
{
	const uint64_t late = clock_after(PATIENCE_NS);

	while (!is_there(name) && clock_ns() < late)
		usleep(1000);
}

#define CHECK(condition)                                                       \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "%s:%d: %s (%s)\n", __FILE__,          \
				__LINE__, #condition, rig_why());              \
			return 1;                                              \
		}                                                              \
	} while (0)

static int talk(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	struct rig_request *request = NULL;
	struct rig_team *half = NULL;
	uint64_t sum = 0, own = (uint64_t)rank + 1;
	int got = -1;
	char *bytes = malloc(LONG);
	void *memory = NULL;

	CHECK(bytes);
	for (int i = 0; i < 10; i++)
		CHECK(rig_team_barrier(team) == 0);
	CHECK(rig_team_allreduce(team, &own, &sum, 1, RIG_UINT64, RIG_SUM) ==
	      0);
	CHECK(sum == (uint64_t)size * (uint64_t)(size + 1) / 2);
	CHECK(rig_team_sendrecv(team, &rank, 1, RIG_INT32, (rank + 1) % size, 7,
				&got, 1, RIG_INT32, (rank + size - 1) % size, 7,
				NULL) == 0);
	CHECK(got == (rank + size - 1) % size);
	memset(bytes, rank, LONG);
	CHECK(rig_team_bcast(team, bytes, LONG, RIG_UINT8, 0) == 0);
	CHECK(bytes[LONG - 1] == 0);
	CHECK(rig_team_ibarrier(team, &request) == 0);
	CHECK(rig_team_wait(team, &request, NULL) == 0);
	CHECK(rig_team_split(team, rank % 2, 0, &half) == 0);
	CHECK(rig_team_barrier(half) == 0);
	CHECK(rig_team_free(half) == 0);
	CHECK(rig_team_alloc(team, 4096, &memory) == 0);
	CHECK(rig_team_fetch_add(team, memory, 1, 0, NULL) == 0);
	CHECK(rig_team_barrier(team) == 0);
	CHECK(rank || *(uint64_t *)memory == (uint64_t)size);
	CHECK(rig_team_dealloc(team, memory) == 0);
	free(bytes);
	return 0;
}

static int talks(int rank, void *arg)
{
	const int size = *(int *)arg;
	struct rig_team *team;

	(void)rank;
	for (int again = 0; again < 2; again++) {
		CHECK(join(&team, size, 0) == 0);
		CHECK(rig_team_size(team) == size);
		CHECK(rig_join(&team, NULL) == -EALREADY);
		if (talk(team))
			return 1;
		CHECK(rig_leave() == 0);
	}
	return 0;
}

#endif
