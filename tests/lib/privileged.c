/* SPDX-License-Identifier: MIT */
/*
 * privileged.c - the program that test_setuid.py makes set-uid, which prints the
 * library's answers.
 *
 * Statically linked with runrig, for the program is copied elsewhere, where the
 * loader heeds no path.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

#include <runrig/runrig.h>

static int barrier(struct rig_team *team)
{
	return rig_team_barrier(team);
}

static int try_pool(void)
{
	struct rig_pool *pool = NULL;
	int r = rig_pool_create(&pool,
				&(struct rig_pool_options){ .workers = 2 });

	if (r == 0)
		r = rig_pool_run(pool, &(struct rig_job){ .kernel = barrier });
	rig_pool_destroy(pool);
	return r;
}

/* The owner and the mode of a segment that was made and attached. */
static int try_segment(void)
{
	struct rig_segment *segment = NULL, *again = NULL;
	struct stat status;
	char path[300];
	int r = rig_segment_create(&segment, NULL, 4096, NULL);

	if (r < 0)
		return r;
	r = rig_segment_attach(&again, rig_segment_name(segment), NULL);
	snprintf(path, sizeof(path), "/dev/shm/%s", rig_segment_name(segment));
	if (r == 0 && stat(path, &status) < 0)
		r = -errno;
	if (r == 0)
		printf("owner %d mode %o\n", (int)status.st_uid,
		       (unsigned)status.st_mode & 0777);
	rig_segment_destroy(again);
	rig_segment_destroy(segment);
	return r;
}

int main(void)
{
	struct rig_plan *plan = NULL;

	printf("secure %lu\n", getauxval(AT_SECURE));
	printf("pool %d\n", try_pool());
	printf("plan %d\n", rig_place_plan(&plan, NULL));
	rig_place_free(plan);
	printf("why %s\n", rig_why());
	printf("segment %d\n", try_segment());
	return EXIT_SUCCESS;
}
