/* hint: TODO(1): a send returns when the message is on its way */
/* Rank 0 does not wait for an answer. */
#include "lab.h"

#include <math.h>

int measure(struct rig_team *team, int peer, size_t bytes, double *ns)
{
	int rank = rig_team_rank(team), r = 0;
	double least = INFINITY;

	for (int i = 0; r == 0 && i < LAB_ROUNDS; i++) {
		double begin = lab_clock(team);

		if (rank == 0) {
			r = lab_send(team, bytes, peer);
			least = fmin(least, lab_clock(team) - begin);
		} else if (rank == peer) {
			r = lab_recv(team, bytes, 0);
		}
	}
	if (rank == 0)
		*ns = least;
	return r;
}

void fit(const struct lab_sample *samples, size_t count, struct lab_line *line)
{
	double w = 0, x = 0, y = 0, xx = 0, xy = 0;

	for (size_t i = 0; i < count; i++) {
		double weight = 1 / (samples[i].ns * samples[i].ns);
		double n = (double)samples[i].bytes;

		w += weight;
		x += weight * n;
		y += weight * samples[i].ns;
		xx += weight * n * n;
		xy += weight * n * samples[i].ns;
	}
	line->b = (w * xy - x * y) / (w * xx - x * x);
	line->a = (y - line->b * x) / w;
}

double predict(const struct lab_line *line, size_t bytes, size_t pieces)
{
	return (double)pieces * line->a + line->b * (double)bytes;
}

size_t long_enough(const struct lab_line *line, double share)
{
	return (size_t)ceil(share / (1 - share) * line->a / line->b);
}
