/* SPDX-License-Identifier: MIT */
/*
 * launch_files.c - the limit of descriptors: raised for the launcher, and how many are
 * enough.
 */
#include "pool/launch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "base/error.h"

/* Descriptors that are open for a moment only: two pipes' other ends, a folder of /proc
 * and a file there. */
#define MOMENTARY 4

void launch_raise_files(struct rig_launch *launch)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &launch->files) < 0)
		return;
	limit = launch->files;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
}

static long count_open(long limit)
{
	long open = 0;

	for (int fd = 0; fd < limit; fd++)
		open += fcntl(fd, F_GETFD) >= 0;
	return open;
}

/* Descriptors of the launch that are not open yet. */
static long count_missing(const struct rig_launch *launch)
{
	long missing = MOMENTARY + (launch->shm_fd < 0) +
		       (launch->team_fd < 0) + (launch->trace_fd < 0) +
		       (launch->listening < 0) + (launch->signals < 0) +
		       (launch->rung < 0) + (launch->spare[0] < 0) +
		       (launch->spare[1] < 0);

	for (int i = 0; launch->seats && i < launch->startup.size; i++) {
		const struct seat *seat = &launch->seats[i];

		missing += (seat->pidfd < 0) + (seat->connection < 0) +
			   (seat->member_fd < 0);
		if (launch->label)
			missing += (seat->out.fd < 0) + (seat->err.fd < 0);
	}
	return missing;
}

void launch_files_words(const struct rig_launch *launch, char *words,
			size_t bytes)
{
	const long polled = (long)launch_polled(launch);
	struct rlimit limit;
	long enough;

	words[0] = 0;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	enough = count_open((long)limit.rlim_cur) + count_missing(launch);
	snprintf(words, bytes,
		 "; the hard limit of descriptors is %ld (ulimit -Hn), and %ld "
		 "are enough for %d ranks",
		 (long)limit.rlim_cur, enough > polled ? enough : polled,
		 launch->startup.size);
}

int launch_check_files(const struct rig_launch *launch)
{
	struct rlimit limit;

	/* The system's poll() refuses more entries than the limit. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 &&
	    limit.rlim_cur < launch_polled(launch))
		return rig_fail_errno(-EMFILE, "launch");
	return 0;
}
