#include <stdio.h>
#include <runrig/runrig.h>

static int reverse(struct rig_team *team)                     /* runs on every rank */
{
	double *x = rig_team_data(team, 0);                   /* first segment handed over */
	size_t n = rig_team_bytes(team, 0) / sizeof(*x);
	struct rig_span strip = rig_team_strip(team, n / 2);  /* this rank's part of n / 2 */

	for (size_t i = strip.begin; i < strip.end; i++) {
		double t = x[i];
		x[i] = x[n - 1 - i];
		x[n - 1 - i] = t;
	}
	return rig_team_barrier(team);                        /* in the segment; then each may read it all */
}

int main(void)
{
	struct rig_segment *segment = NULL;
	struct rig_pool *pool = NULL;
	int r;

	r = rig_pool_create(&pool, NULL);                     /* one worker per usable core */
	if (r == 0)
		r = rig_segment_create(&segment, NULL, (size_t)1 << 25,      /* NULL: a fresh name */
				       &(struct rig_segment_options){ .pool = pool });
	if (r == 0)
		r = rig_pool_run(pool, &(struct rig_job){
			.kernel = reverse,
			.segments = { { .name = rig_segment_name(segment) } } });
	if (r < 0)
		fprintf(stderr, "%s\n", rig_why());
	rig_segment_destroy(segment);                         /* detach; its maker also unlinks */
	rig_pool_destroy(pool);
	return r < 0;
}
