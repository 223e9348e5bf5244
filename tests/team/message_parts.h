/* SPDX-License-Identifier: MIT */
/*
 * message_parts.h - common parts of the tests of messages: data that a reader can
 * check, and a kernel that passes messages around.
 */
#ifndef RUNRIG_TESTS_MESSAGE_PARTS_H
#define RUNRIG_TESTS_MESSAGE_PARTS_H

#include "lib/harness.h"

#include <errno.h>

#include <runrig/runrig.h>

#include "lib/job_pool.h"

static inline int run_seed(rig_kernel_fn *kernel, uint32_t seed)
{
	return run_args(kernel, &seed, sizeof(seed));
}

static inline void fill(unsigned char *data, size_t bytes, uint32_t what)
{
	for (size_t i = 0; i < bytes; i++)
		data[i] = (unsigned char)(what * 31 + i * 7 + i / 4096);
}

static inline bool is_filled(const unsigned char *data, size_t bytes,
			     uint32_t what)
{
	for (size_t i = 0; i < bytes; i++)
		if (data[i] != (unsigned char)(what * 31 + i * 7 + i / 4096))
			return false;
	return true;
}

/* --- wildcards --- */

/* A ring: each rank sends on the messages that come, long and short, blocking. */
static inline int around(struct rig_team *team)
{
	const int rank = rig_team_rank(team), size = rig_team_size(team);
	static unsigned char out[40000], in[40000];
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < 60; i++) {
		const size_t n = i % 5 ? i : sizeof(out);

		fill(out, n, (uint32_t)rank + i);
		r = rig_team_sendrecv(team, out, n, RIG_UINT8,
				      (rank + 1) % size, 3, in, sizeof(in),
				      RIG_UINT8, (rank + size - 1) % size, 3,
				      NULL);
		if (r == 0 &&
		    !is_filled(in, n, (uint32_t)((rank + size - 1) % size) + i))
			r = -EBADMSG;
	}
	return r;
}

#endif
