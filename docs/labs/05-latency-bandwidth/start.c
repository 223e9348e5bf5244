/* SPDX-License-Identifier: MIT */
/*
 * start.c - four answers, each with a mistake that has been printed in articles.
 */
#include "lab.h"

int measure(struct rig_team *team, int peer, size_t bytes, double *ns)
{
	double begin = lab_clock(team);
	int r = 0;

	/* TODO(1): when is a message there?  Is one message enough, and is the
	 * first like the others? */
	if (rig_team_rank(team) == 0) {
		r = lab_send(team, bytes, peer);
		*ns = lab_clock(team) - begin;
	} else if (rig_team_rank(team) == peer) {
		r = lab_recv(team, bytes, 0);
	}
	return r;
}

void fit(const struct lab_sample *samples, size_t count, struct lab_line *line)
{
	double w = 0, x = 0, y = 0, xx = 0, xy = 0;

	/* TODO(2): least squares.  1 % of a long message is more than all of a
	 * short one: whose error counts how much? */
	for (size_t i = 0; i < count; i++) {
		double weight = 1, n = (double)samples[i].bytes;

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
	/* TODO(3): what does each piece cost? */
	(void)pieces;
	return line->a + line->b * (double)bytes;
}

size_t long_enough(const struct lab_line *line, double share)
{
	/* TODO(4): the bandwidth of n bytes is n / (a + b n). */
	return (size_t)(share * line->a / line->b);
}
