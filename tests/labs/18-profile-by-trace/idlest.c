/* hint: TODO(2): compare with the mean */
/* The busiest by the idlest. */
#include "lab.h"

/* Does the span lie within another wait of the rank? */
static bool is_within(const struct lab_trace *trace,
		      const struct lab_span *span)
{
	for (int i = 0; i < trace->count; i++) {
		const struct lab_span *other = &trace->spans[i];

		if (other != span && other->kind != LAB_KERNEL &&
		    other->rank == span->rank && other->begin <= span->begin &&
		    other->end >= span->end)
			return true;
	}
	return false;
}

double busy(const struct lab_trace *trace, int rank)
{
	double time = 0;

	for (int i = 0; i < trace->count; i++) {
		const struct lab_span *span = &trace->spans[i];
		double length = span->end - span->begin;

		if (span->rank != rank)
			continue;
		if (span->kind == LAB_KERNEL)
			time += length;
		else if (!is_within(trace, span))
			time -= length;
	}
	return time;
}

double imbalance(const struct lab_trace *trace)
{
	double most = 0, least = 1e300;

	for (int rank = 0; rank < trace->ranks; rank++) {
		double time = busy(trace, rank);

		most = time > most ? time : most;
		least = time < least ? time : least;
	}
	return most / least;
}

/* Is the rank at work at this moment? */
static bool works(const struct lab_trace *trace, int rank, double now)
{
	bool within = false;

	for (int i = 0; i < trace->count; i++) {
		const struct lab_span *span = &trace->spans[i];

		if (span->rank != rank || now < span->begin || now >= span->end)
			continue;
		if (span->kind != LAB_KERNEL)
			return false;
		within = true;
	}
	return within;
}

/* The first moment after `now` at which a span begins or ends; `now` itself where
 * there is none. */
static double next_of(const struct lab_trace *trace, double now)
{
	double next = now;

	for (int i = 0; i < trace->count; i++) {
		const double ends[] = { trace->spans[i].begin,
					trace->spans[i].end };

		for (int k = 0; k < 2; k++)
			if (ends[k] > now && (next == now || ends[k] < next))
				next = ends[k];
	}
	return next;
}

double alone(const struct lab_trace *trace)
{
	double now = trace->spans[0].begin, next, time = 0;

	while ((next = next_of(trace, now)) > now) {
		int working = 0;

		for (int rank = 0; rank < trace->ranks; rank++)
			working += works(trace, rank, (now + next) / 2);
		if (working == 1)
			time += next - now;
		now = next;
	}
	return time;
}

double late(const struct lab_trace *trace, int *culprit)
{
	double time = 0, most = -1;

	for (int rank = 0; rank < trace->ranks; rank++) {
		double of = 0;

		for (int i = 0; i < trace->count; i++) {
			const struct lab_span *span = &trace->spans[i];

			if (span->kind == LAB_RECV && span->peer == rank &&
			    span->sent > span->begin)
				of += span->sent - span->begin;
		}
		time += of;
		if (of > most) {
			most = of;
			*culprit = rank;
		}
	}
	return time;
}

enum lab_trouble diagnose(const struct lab_trace *trace)
{
	double whole = 0, waits = 0;
	int culprit;

	for (int i = 0; i < trace->count; i++)
		if (trace->spans[i].kind == LAB_KERNEL)
			whole += trace->spans[i].end - trace->spans[i].begin;
	waits = whole;
	for (int rank = 0; rank < trace->ranks; rank++)
		waits -= busy(trace, rank);
	if (waits < whole / 10)
		return LAB_NONE;
	if (late(trace, &culprit) > waits / 2)
		return LAB_LATE_SENDER;
	if (alone(trace) * (trace->ranks - 1) > waits / 2)
		return LAB_SERIAL;
	return LAB_IMBALANCE;
}

int pipeline(struct rig_team *team)
{
	const int rank = rig_team_rank(team), last = rig_team_size(team) - 1;
	int r = 0;

	for (int k = 0; r == 0 && k < LAB_BLOCKS; k++) {
		double block = 0;

		if (rank > 0)
			r = lab_recv(team, &block, rank - 1);
		if (r < 0)
			break;
		block = lab_make(team, k, block);
		if (rank < last)
			r = lab_send(team, block, rank + 1);
	}
	return r;
}
