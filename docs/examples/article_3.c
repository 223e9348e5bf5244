#include <stdio.h>
#include <runrig/runrig.h>

static int reverse(struct rig_team *team)                  /* each rank: its part of the 5 pairs */
{
	struct rig_span pairs = rig_team_strip(team, 10 / 2);
	struct rig_list *ls = NULL;
	int r = rig_list_over(&ls, rig_team_data(team, 0), rig_team_bytes(team, 0));

	while (r == 0 && pairs.begin < pairs.end--)
		r = rig_list_swap(ls, (int64_t)pairs.end, 9 - (int64_t)pairs.end);
	return rig_list_destroy(ls), r;
}

static int show(struct rig_manager *manager, void *pool)   /* without a pool: the article's loop */
{
	struct rig_value v[] = { rig_int(0), rig_int(1), rig_int(2), rig_int(3), rig_int(4),
				 rig_int(5), rig_int(6), rig_int(7), rig_int(8), rig_int(9) };
	struct rig_list *ls = NULL;
	int r = rig_manager_list(manager, &ls, v, 10);

	for (int i = 0; i < 10 && r == 0 && !pool; i++)
		if ((r = rig_list_get(ls, 9 - i, v)) == 0)
			r = rig_list_set(ls, i, v);
	r = r < 0 || !pool ? r : rig_pool_run(pool, &(struct rig_job){
		.kernel = reverse, .segments = { { .name = rig_list_name(ls) } } });
	for (int i = 0; i < 10 && r == 0 && (r = rig_list_get(ls, i, v)) == 0; i++)
		printf("%d,%s", (int)v->integer, i < 9 ? " " : pool ? "\n" : "  (half of it read what was overwritten)\n");
	return rig_list_destroy(ls), r;
}

int main(void)
{
	struct rig_pool *pool = NULL;

	if (rig_pool_create(&pool, NULL) < 0 || rig_manager_with(show, NULL) < 0 || rig_manager_with(show, pool) < 0)
		return fprintf(stderr, "%s\n", rig_why()), 1;
	return rig_pool_destroy(pool), 0;
}
