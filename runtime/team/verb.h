/* SPDX-License-Identifier: MIT */
/*
 * verb.h - the verbs that a kernel can call of a team, and the terms that ranks agree
 * on.
 */
#ifndef RUNRIG_VERB_H
#define RUNRIG_VERB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

struct rig_team;

/* The terms of a verb, in the row of verbs.def. */
#define TERM_COUNT 0x1u
#define TERM_BYTES 0x2u /* a count, whatever the types are */
#define TERM_TYPE  0x4u
#define TERM_OP    0x8u
#define TERM_ROOT  0x10u

/* Further terms of a verb: the meaning of its terms.words.  verb.c puts a word that
 * is added here into words. */
enum word { WORD_NONE, WORD_CHUNK, WORD_SCHEDULE, WORD_LEVEL, WORDS };
#define TERM_WORDS_MAX 2
#define TERM_WORDS(first, second)                                              \
	((uint32_t)(first) << 8 | (uint32_t)(second) << 16)

enum verb {
	VERB_NONE,
#define VERB(verb, name, terms) VERB_##verb,
#define COLLECTIVE(verb, name, terms)                                          \
	VERB_##verb, VERB_I##verb, VERB_##verb##_INIT,
#include "team/verbs.def"
#undef VERB
#undef COLLECTIVE
	VERBS
};
_Static_assert(VERBS <= 256, "a verb is eight bits of a word");

/* In a header: where the verb is known, the compiler leaves nothing of the table. */
static const uint32_t verb_terms[VERBS] = {
#define VERB(verb, name, terms) [VERB_##verb] = (terms),
#define COLLECTIVE(verb, name, terms)                                          \
	[VERB_##verb] = (terms), [VERB_I##verb] = (terms),                     \
	[VERB_##verb##_INIT] = (terms),
#include "team/verbs.def"
#undef VERB
#undef COLLECTIVE
};

/* The terms that all ranks of a call must agree on; terms that the verb does not
 * have are not read. */
struct terms {
	enum verb verb;
	int root;
	int type;
	int op;
	size_t count; /* or bytes */
	uint64_t words[TERM_WORDS_MAX];
};

static inline uint32_t terms_have(const struct terms *terms, uint32_t term)
{
	return verb_terms[terms->verb] & term;
}

/* Which word of the verb's is words[i]? */
static inline enum word verb_word(unsigned verb, int i)
{
	return (enum word)(verb_terms[verb] >> (8 + 8 * i) & 0xff);
}

/* Verb, root, operation and type in one word. */
static inline uint64_t terms_pack(const struct terms *terms)
{
	uint64_t what = (uint64_t)terms->verb;

	if (terms_have(terms, TERM_ROOT))
		what |= (uint64_t)(uint16_t)terms->root << 8;
	if (terms_have(terms, TERM_OP))
		what |= (uint64_t)(uint8_t)terms->op << 24;
	if (terms_have(terms, TERM_TYPE))
		what |= (uint64_t)(uint32_t)terms->type << 32;
	return what;
}

static inline uint64_t terms_count(const struct terms *terms)
{
	return terms_have(terms, TERM_COUNT | TERM_BYTES) ? terms->count : 0;
}

/* "bcast" */
const char *verb_name(unsigned verb);

/* Is the verb an ..._init()? */
bool verb_is_plan(unsigned verb);

/* Add to `text`, of `room` bytes, the words for the numbers of terms_pack(),
 * terms_count() and the words: "bcast(count 8, type float64, root 1)". */
void verb_describe(char *text, size_t room, uint64_t what, uint64_t count,
		   const uint64_t *words);

/* The terms are out of range: write the words for the reason.  In another thread
 * than the rank's the words are rig_why()'s alone. */
COLD void terms_refuse(struct rig_team *team, const struct terms *terms);

/* The verb's send and receive buffers share bytes: likewise.  -EINVAL. */
COLD int terms_overlap(struct rig_team *team, enum verb verb);

#endif
