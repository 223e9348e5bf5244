/* SPDX-License-Identifier: MIT */
/*
 * worker_program.c - from an exec to a warden.
 *
 * The one argument is the number of a descriptor: of the file with the pool's startup,
 * which the caller has written.  A user who runs the program by hand reads the purpose
 * of the program.
 */
#include "pool/worker_program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "machine/shared.h"
#include "pool/exec_start.h"
#include "pool/team_memory.h"
#include "segment/ledger.h"

static int map_startup(int fd, struct startup_shm **shm, size_t *bytes)
{
	struct stat status;
	void *memory;
	int r;

	if (fstat(fd, &status) < 0 || status.st_size <= 0)
		return rig_fail(-EPROTO, "start: descriptor %d is no runrig's",
				fd);
	*bytes = (size_t)status.st_size;
	r = shared_map_fd(fd, *bytes, "start", &memory);
	if (r == 0)
		*shm = memory;
	return r;
}

/* The memory behind the pointers of pool_startup. */
static int map_memory(const struct startup_shm *shm,
		      struct pool_startup *startup, struct tracer *tracer)
{
	void *memory;
	int r = team_memory_map_fd(&startup->layout, shm->size,
				   "start: its team", shm->fds[STARTUP_TEAM]);

	if (r < 0)
		return r;
	if (tracer->bytes)
		r = shared_map_fd(shm->fds[STARTUP_TRACE], tracer->bytes,
				  "start: its trace", &memory);
	if (r == 0 && tracer->bytes)
		tracer->memory = memory;
	if (r == 0)
		r = ledger_adopt(shm->fds[STARTUP_LEDGER]);
	return r;
}

int rig_worker_program(int argc, char **argv)
{
	static struct pool_startup startup;
	static struct rig_plan plan;
	static struct tracer tracer;
	struct startup_shm *shm = NULL;
	size_t bytes = 0;
	int r;

	if (argc != 2 || map_startup(atoi(argv[1]), &shm, &bytes) < 0) {
		(void)fprintf(
			stderr,
			"%s: librunrig starts it, for a pool; by hand there "
			"is nothing that it does\n",
			argc > 0 ? argv[0] : "worker");
		return EXIT_FAILURE;
	}
	r = startup_unpack(shm, bytes, &startup, &plan, &tracer);
	if (r == 0)
		r = map_memory(shm, &startup, &tracer);
	if (r == 0)
		warden_main(&startup);
	if (!shm->why[0])
		snprintf(shm->why, sizeof(shm->why), "%s", rig_why());
	return EXIT_FAILURE;
}
