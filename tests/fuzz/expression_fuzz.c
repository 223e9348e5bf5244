/* SPDX-License-Identifier: MIT */
/*
 * expression_fuzz.c - libFuzzer's target for expressions: any text is refused with a
 * line of words, or is parsed, typed, compiled and run, within the bounds of
 * expression.h, without a signal.
 *
 * The first byte of an input chooses the dtypes of the arrays; the rest is the text.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/vector.h>

/* Items of a block that are run. */
#define ITEMS 40

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static struct expression e;
static struct vector_program program;
static void *registers[VECTOR_REGISTERS];

static void check_words(const char *text)
{
	char why[512];

	assert(*e.why);
	expression_say(&e, text, why, sizeof(why));
	assert(*why && !strchr(why, '\n') && strlen(why) < 400);
}

/* Numbers of any kind, the ends of every range among them. */
static void fill(uint64_t *items, unsigned seed)
{
	static const uint64_t ends[] = { 0,
					 1,
					 UINT64_MAX,
					 (uint64_t)INT64_MAX,
					 (uint64_t)INT64_MIN,
					 UINT64_C(0x7ff0000000000000),
					 UINT64_C(0x7ff8000000000000),
					 64,
					 7 };

	for (size_t i = 0; i < VECTOR_BLOCK; i++)
		items[i] = ends[(i * 5 + i / 9 + seed) %
				(sizeof(ends) / sizeof(*ends))];
}

static void run(void)
{
	int count = vector_buffers(&program);
	char *memory = aligned_alloc(64, (size_t)count * VECTOR_BYTES);
	char *at = memory;

	assert(memory && program.count <= VECTOR_OPS);
	for (int k = 0; k < count; k++, at += VECTOR_BYTES) {
		int to = k < program.arrays ? k
			 : k < program.arrays + program.constants
				 ? VECTOR_CONSTANT + k - program.arrays
				 : VECTOR_TEMPORARY + k - program.arrays -
					   program.constants;

		assert(to < VECTOR_REGISTERS);
		registers[to] = at;
		fill((uint64_t *)(void *)at, (unsigned)k);
	}
	vector_fill(&program, registers);
	if (vector_run(&program, registers, ITEMS) == 0 &&
	    program.whole != EXPRESSION_OPS)
		(void)vector_total(&program, registers, ITEMS);
	free(memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	enum rig_dtype dtypes[EXPRESSION_ARRAYS];
	char *text;

	if (bytes == 0)
		return 0;
	text = malloc(bytes);
	assert(text);
	for (size_t i = 1; i < bytes; i++)
		text[i - 1] =
			data[i] < 32 || data[i] == 127 ? 32 : (char)data[i];
	text[bytes - 1] = 0;
	for (unsigned k = 0; k < EXPRESSION_ARRAYS; k++)
		dtypes[k] = RIG_BOOL + (data[0] + k * 5) % RIG_FLOAT64;
	if (expression_parse(&e, text, "a=2, b=-0.5") < 0 &&
	    expression_parse(&e, text, "") < 0) {
		check_words(text);
	} else if (expression_type(&e, dtypes) < 0) {
		check_words(text);
	} else {
		assert(e.count <= EXPRESSION_NODES);
		vector_compile(&program, &e);
		run();
	}
	free(text);
	return 0;
}
