/* SPDX-License-Identifier: MIT */
/*
 * trial.c - a trial of the table of all verbs: fill the buffers, call the verb in one of
 * its forms, compare.
 */
#include "lib/table.h"

#include <errno.h>
#include <string.h>

#include <runrig/runrig.h>

#include "lib/elements.h"

/* Every verb with its forms, from verbs.def. */
const struct table_verb table_verbs[] = {
#define VERB(verb, name, terms)       { VERB_##verb, false },
#define COLLECTIVE(verb, name, terms) { VERB_##verb, true },
#include "team/verbs.def"
#undef VERB
#undef COLLECTIVE
};
const int table_verb_count = (int)(sizeof(table_verbs) / sizeof(*table_verbs));

/* Fill the buffers: this rank's elements, and nothing else. */
static void fill(struct trial *t)
{
	const struct buffers *b = &t->buffers;

	memset(t->recv, FILL, t->room * t->item + GUARD);
	memset(t->send, FILL, b->sent * t->item + GUARD);
	for (size_t i = 0; i < b->sent; i++)
		table_brought(t, t->rank, i, t->send + i * t->item);
	memcpy(t->expect, t->recv, t->room * t->item + GUARD);
	for (size_t i = 0; i < b->kept; i++) {
		char *at = t->recv + (b->kept_at + i) * t->item;

		table_brought(t, t->rank, b->kept_from + i, at);
		memcpy(t->expect + (b->kept_at + i) * t->item, at, t->item);
	}
}

static int compare(struct trial *t)
{
	char own[ELEMENT_BYTES];

	for (size_t i = 0; i < t->room - t->open; i++) {
		char *found = t->recv + i * t->item;
		char *wanted = t->expect + i * t->item;

		if (t->folded > i && elements_same(found, wanted, t->type))
			continue;
		if (memcmp(found, wanted, t->item) != 0)
			return table_fails(t, "wrong is element", i);
	}
	for (size_t i = 0; i < GUARD; i++)
		if (t->recv[t->room * t->item + i] != FILL)
			return table_fails(t, "written behind the buffer", i);
	for (size_t i = 0; i < t->buffers.sent; i++) {
		table_brought(t, t->rank, i, own);
		if (memcmp(t->send + i * t->item, own, t->item) != 0)
			return table_fails(t, "the call has changed element",
					   i);
	}
	return 0;
}

/* Wait for a verb that is begun, or for a plan that is started. */
static int complete(struct trial *t, struct rig_request **request)
{
	bool done = false;
	int r;

	if (t->turn % 2)
		return rig_team_wait(t->team, request, NULL);
	do
		r = rig_team_test(t->team, request, &done, NULL);
	while (r == 0 && !done);
	return r;
}

static int try_plan(struct trial *t)
{
	struct rig_request *plan = NULL;
	int r = t->row->call(t, &plan);

	for (int round = 0; r == 0 && round < 2; round++) {
		/* Lengths may not change under a plan: 6 keeps them. */
		t->turn += 6 * (unsigned)round;
		fill(t);
		t->row->expect(t);
		r = rig_team_start(t->team, &plan);
		if (r == 0)
			r = complete(t, &plan);
		if (r == 0)
			r = compare(t);
	}
	return r < 0 ? r : rig_team_request_free(t->team, &plan);
}

static int try_buffers(struct trial *t)
{
	struct rig_request *request = NULL;
	int r;

	t->buffers = (struct buffers){ 0 };
	t->room = t->folded = t->open = 0;
	t->row->lay(t);
	if (t->form == FORM_PLAN)
		return try_plan(t);
	fill(t);
	t->row->expect(t);
	r = t->row->call(t, &request);
	if (r == 0 && t->form == FORM_BEGUN)
		r = complete(t, &request);
	return r < 0 ? r : compare(t);
}

int table_try(struct trial *t)
{
	char name[160];
	int r = t->row->whole ? t->row->whole(t) : try_buffers(t);

	if (r == 0 || r == -EBADMSG)
		return r;
	table_name(t, name, sizeof(name));
	/* The words of the call itself come behind. */
	return rig_team_fail(t->team, r, "%s: %s", name, rig_why());
}
