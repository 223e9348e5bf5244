/* hint: TODO(3): solve 1 / speedup */
/* The part that the efficiency lacks. */
#include "lab.h"

#include <math.h>

double amdahl(double serial, int workers)
{
	return 1 / (serial + (1 - serial) / workers);
}

double gustafson(double serial, int workers)
{
	return serial + (1 - serial) * workers;
}

double karp_flatt(double speedup, int workers)
{
	return 1 - speedup / workers;
}

int workers_for(double serial, double speedup)
{
	int workers = 1;

	if (speedup * serial >= 1)
		return 0;
	while (amdahl(serial, workers) < speedup)
		workers++;
	return workers;
}

double predict(const struct lab_run *runs, int count, int workers)
{
	const struct lab_run *last = &runs[count - 1];
	double serial = karp_flatt(runs[0].ns / last->ns, last->workers);

	return runs[0].ns / amdahl(serial, workers);
}

enum lab_loss diagnose(const struct lab_run *runs, int count)
{
	const struct lab_run *few = &runs[1], *many = &runs[count - 1];
	double first = karp_flatt(runs[0].ns / few->ns, few->workers);
	double last = karp_flatt(runs[0].ns / many->ns, many->workers);

	return last > 1.5 * first ? LAB_OVERHEAD : LAB_SERIAL;
}

int scale(struct rig_team *team)
{
	struct rig_span mine = rig_team_strip(team, lab_count(team));
	double found = -INFINITY, all = 0;
	int r;

	for (size_t i = mine.begin; i < mine.end; i++)
		found = fmax(found, lab_look(team, i));
	r = lab_greatest(team, found, &all);
	for (size_t i = mine.begin; r == 0 && i < mine.end; i++)
		lab_divide(team, i, all);
	return r;
}
