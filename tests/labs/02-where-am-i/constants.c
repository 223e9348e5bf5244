/* hint: TODO(1): one bit for each CPU */
#include "lab.h"

/* Every worker may run everywhere. */
#include <sched.h>
#include <stdlib.h>

uint64_t my_cpus(void)
{
	return UINT64_MAX;
}

int home_of_page(const struct rig_plan *plan, size_t n, size_t page)
{
	size_t i = page * LAB_PAGE / sizeof(double);

	if (i >= n / 2)
		i = n - 1 - i;
	for (int rank = 0; rank < plan->workers; rank++)
		if (i < rig_strip(n / 2, rank, plan->workers).end)
			return plan->spots[rank].node;
	return -1;
}

size_t bytes_on(const struct rig_segment *segment, int node)
{
	ssize_t count = rig_segment_where(segment, NULL, 0);
	struct rig_home *homes;
	size_t bytes = 0;

	if (count <= 0)
		return 0;
	homes = calloc((size_t)count, sizeof(*homes));
	if (!homes)
		return 0;
	count = rig_segment_where(segment, homes, (size_t)count);
	for (ssize_t i = 0; i < count; i++)
		if (homes[i].node == node)
			bytes += homes[i].end - homes[i].begin;
	free(homes);
	return bytes;
}
