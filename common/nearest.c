/* SPDX-License-Identifier: MIT */
/*
 * nearest.c - the name that the user may have meant.
 */
#include <common/nearest.h>

#include <string.h>

/* The longest word and name that are compared. */
#define LETTERS_MAX 31

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Mistakes between `a` and `b` by the distance of Damerau and Levenshtein, in
 * which no pair of letters changes twice. */
static size_t distance(const char *a, size_t a_length, const char *b,
		       size_t b_length)
{
	size_t table[LETTERS_MAX + 1][LETTERS_MAX + 1];

	for (size_t i = 0; i <= a_length; i++)
		table[i][0] = i;
	for (size_t k = 0; k <= b_length; k++)
		table[0][k] = k;
	for (size_t i = 1; i <= a_length; i++)
		for (size_t k = 1; k <= b_length; k++) {
			size_t best =
				table[i - 1][k - 1] + (a[i - 1] != b[k - 1]);

			best = least(best, table[i - 1][k] + 1);
			best = least(best, table[i][k - 1] + 1);
			if (i > 1 && k > 1 && a[i - 1] == b[k - 2] &&
			    a[i - 2] == b[k - 1])
				best = least(best, table[i - 2][k - 2] + 1);
			table[i][k] = best;
		}
	return table[a_length][b_length];
}

void nearest_look(struct nearest *nearest, const char *name)
{
	size_t length = strcspn(nearest->word, "=");
	size_t name_length = strlen(name);
	size_t mistakes;

	if (length < 2 || length > LETTERS_MAX || name_length > LETTERS_MAX)
		return;
	mistakes = distance(nearest->word, length, name, name_length);
	/* The beginning of a name counts as a single mistake. */
	if (strncmp(nearest->word, name, length) == 0)
		mistakes = 1;
	if (mistakes > (length + 2) / 3 ||
	    (nearest->name && mistakes >= nearest->mistakes))
		return;
	nearest->name = name;
	nearest->mistakes = mistakes;
}
