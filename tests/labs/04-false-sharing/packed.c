/* hint: TODO(1): counters of ranks */
#include "lab.h"

/* The counters of the ranks lie one after the other. */
#include <stdatomic.h>

static uint64_t *counters_of(struct lab_board *board, int rank)
{
	size_t each = 8 * sizeof(uint64_t) / 2 * 2;
	uintptr_t room = (uintptr_t)board->room;

	return (uint64_t *)(room + (size_t)rank * each);
}

int tally(struct rig_team *team)
{
	const uint32_t *values = rig_team_data(team, 0);
	struct lab_board *board = rig_team_data(team, 1);
	struct rig_span strip =
		rig_team_strip(team, rig_team_bytes(team, 0) / sizeof(*values));
	uint64_t *mine = counters_of(board, rig_team_rank(team));

	for (size_t i = strip.begin; i < strip.end; i++)
		mine[values[i] % LAB_BUCKETS]++;
	return 0;
}

int merge(struct rig_team *team)
{
	struct lab_board *board = rig_team_data(team, 1);

	if (rig_team_rank(team) != 0)
		return 0;
	for (int rank = 0; rank < rig_team_size(team); rank++)
		for (int i = 0; i < LAB_BUCKETS; i++)
			board->total[i] += counters_of(board, rank)[i];
	for (int i = 0; i < LAB_BUCKETS; i++)
		atomic_fetch_add(&board->seen, board->total[i]);
	return 0;
}

static int writer_of(const struct lab_write *writes, size_t count, size_t byte)
{
	int writer = -1;

	for (size_t i = 0; i < count; i++) {
		if (byte < writes[i].offset ||
		    byte >= writes[i].offset + writes[i].bytes)
			continue;
		if (writer >= 0 && writer != writes[i].rank)
			return -2;
		writer = writes[i].rank;
	}
	return writer;
}

static int is_false(const struct lab_write *writes, size_t count, size_t line)
{
	int first = -1, several = 0;

	for (size_t byte = line * RIG_LINE; byte < (line + 1) * RIG_LINE;
	     byte++) {
		int writer = writer_of(writes, count, byte);

		if (writer == -2)
			return 0;
		if (writer >= 0 && first >= 0 && writer != first)
			several = 1;
		if (writer >= 0)
			first = writer;
	}
	return several;
}

size_t false_lines(const struct lab_write *writes, size_t count)
{
	size_t end = 0, found = 0;

	for (size_t i = 0; i < count; i++)
		if (writes[i].offset + writes[i].bytes > end)
			end = writes[i].offset + writes[i].bytes;
	for (size_t line = 0; line * RIG_LINE < end; line++)
		found += (size_t)is_false(writes, count, line);
	return found;
}
