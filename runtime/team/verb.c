/* SPDX-License-Identifier: MIT */
/*
 * verb.c - verbs and their terms in words.
 */
#include "team/verb.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/share.h>

#include "team/fold.h"
#include "team/team.h"
#include "team/rank.h"
#include "team/type.h"

/* A wrong row breaks the build. */
#define VERB(verb, name, terms)                                                \
	_Static_assert(sizeof(name) > 1,                                       \
		       "VERB_" #verb " has no name: write the name into "      \
		       "the row of verbs.def");
#define COLLECTIVE(verb, name, terms)                                          \
	VERB(verb, name, terms)                                                \
	_Static_assert(((terms) >> 8) == 0,                                    \
		       name ": a message of its schedule has no place for "    \
			    "TERM_WORDS(): take a term of terms_pack(), see "  \
			    "docs/HACKING.md");
#include "team/verbs.def"
#undef VERB
#undef COLLECTIVE

const char *verb_name(unsigned verb)
{
	static const char *const names[VERBS] = {
		[VERB_NONE] = "nothing",
#define VERB(verb, name, terms) [VERB_##verb] = name,
#define COLLECTIVE(verb, name, terms)                                          \
	[VERB_##verb] = name, [VERB_I##verb] = "i" name,                       \
	[VERB_##verb##_INIT] = name "_init",
#include "team/verbs.def"
#undef VERB
#undef COLLECTIVE
	};

	return verb < VERBS ? names[verb] : "?";
}

bool verb_is_plan(unsigned verb)
{
	static const bool plans[VERBS] = {
#define VERB(verb, name, terms)
#define COLLECTIVE(verb, name, terms) [VERB_##verb##_INIT] = true,
#include "team/verbs.def"
#undef VERB
#undef COLLECTIVE
	};

	return verb < VERBS && plans[verb];
}

/* In this process: a description that grows. */
struct description {
	char *text;
	size_t room;
	const char *before; /* the next term */
};

static void add(struct description *to, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct description *to, const char *format, ...)
{
	const size_t used = strlen(to->text);
	va_list list;

	va_start(list, format);
	vsnprintf(to->text + used, to->room - used, format, list);
	va_end(list);
}

static void add_term(struct description *to, const char *name,
		     const char *value)
{
	add(to, "%s%s %s", to->before, name, value);
	to->before = ", ";
}

static void add_number(struct description *to, const char *name, uint64_t value)
{
	add(to, "%s%s %llu", to->before, name, (unsigned long long)value);
	to->before = ", ";
}

/* The name of a number in `names`, or else the number. */
static void add_named(struct description *to, const char *name,
		      const char *const *names, uint64_t count, uint64_t value)
{
	if (value < count)
		add_term(to, name, names[value]);
	else
		add_number(to, name, value);
}

static void add_word(struct description *to, enum word word, uint64_t value)
{
	static const char *const schedules[] = {
		[RIG_SHARE_STATIC] = "static",
		[RIG_SHARE_DYNAMIC] = "dynamic",
		[RIG_SHARE_GUIDED] = "guided",
	};
	static const char *const levels[RIG_LEVELS] = {
		[RIG_LEVEL_HOST] = "host",
		[RIG_LEVEL_PACKAGE] = "package",
		[RIG_LEVEL_NODE] = "node",
		[RIG_LEVEL_L3] = "l3",
	};

	switch (word) {
	case WORD_CHUNK:
		add_number(to, "chunk", value);
		break;
	case WORD_SCHEDULE:
		add_named(to, "schedule", schedules, 3, value);
		break;
	case WORD_LEVEL:
		add_named(to, "level", levels, RIG_LEVELS, value);
		break;
	case WORD_NONE:
	case WORDS:
		break;
	}
}

void verb_describe(char *text, size_t room, uint64_t what, uint64_t count,
		   const uint64_t *words)
{
	const unsigned verb = what & 0xff;
	const uint32_t terms = verb < VERBS ? verb_terms[verb] : 0;
	struct description to = { text, room, "(" };

	add(&to, "%s", verb_name(verb));
	if (terms & TERM_COUNT)
		add_number(&to, "count", count);
	if (terms & TERM_BYTES)
		add_number(&to, "bytes", count);
	if (terms & TERM_TYPE)
		add_term(&to, "type", type_name((int)(what >> 32)).text);
	if (terms & TERM_OP)
		add_term(&to, "op", op_name((int)(what >> 24 & 0xff)).text);
	if (terms & TERM_ROOT)
		add_number(&to, "root", what >> 8 & 0xffff);
	for (int i = 0; terms && i < TERM_WORDS_MAX; i++)
		add_word(&to, verb_word(verb, i), words[i]);
	if (terms)
		add(&to, ")");
}

void terms_refuse(struct rig_team *team, const struct terms *terms)
{
	const char *name = verb_name(terms->verb);

	if (rank_check_thread(team->owner, name) < 0)
		return;
	if (rig_type_bytes(terms->type) == 0)
		(void)rig_team_fail(team, -EINVAL, "%s: no type %s", name,
				    type_name(terms->type).text);
	else if (terms_have(terms, TERM_ROOT) &&
		 (terms->root < 0 || terms->root >= team->size))
		(void)rig_team_fail(team, -EINVAL, "%s: root %d, not 0 to %d",
				    name, terms->root, team->size - 1);
	else if (terms_have(terms, TERM_OP) &&
		 !fold_has(terms->op, terms->type))
		(void)rig_team_fail(
			team, -EINVAL, "%s: no operation %s on type %s", name,
			op_name(terms->op).text, type_name(terms->type).text);
	else
		(void)rig_team_fail(team, -EINVAL,
				    "%s: %zu elements of type %s", name,
				    terms->count, type_name(terms->type).text);
}

int terms_overlap(struct rig_team *team, enum verb verb)
{
	return rig_team_fail(team, -EINVAL,
			     "%s: what is sent and what is received overlap: "
			     "give two buffers, or RIG_IN_PLACE",
			     verb_name(verb));
}
