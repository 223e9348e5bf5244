/* SPDX-License-Identifier: MIT */
/*
 * fuzz.c - libFuzzer's target for reading memory that others write: the decoder of
 * lists, and the parser of trailers.
 *
 * The first byte of an input chooses the target, and the number of bytes of commands
 * behind; the rest is the memory.  The memory is copied to a block of exactly the
 * same size, so that AddressSanitizer sees a step beyond.  Every outcome must be a
 * value or an error; a text that was read must be UTF-8, and a set that failed must
 * not have changed a byte.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/error.h>

#include "objects/layout.h"
#include "objects/list_layout.h"
#include "base/utf8.h"

#define TRAILER      0x80
#define COMMANDS_MAX 0x7f

/* Items looked at, of a list that claims to have many. */
#define ITEMS_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

/* The present case, in memory of exactly the case's size. */
struct block {
	unsigned char *memory;
	size_t bytes;
	struct list_view view;
	char room[256];
};

static void get(struct block *block, size_t item)
{
	struct rig_value value = rig_none();
	char text[64];
	int r = list_layout_get(&block->view, item, &value, block->room,
				sizeof(block->room));

	if (r > 0) {
		/* Like a list's handle: as much room as the decoder asks for. */
		char *room = malloc((size_t)r);

		assert(room && r <= RIG_TEXT_MAX + 9);
		r = list_layout_get(&block->view, item, &value, room,
				    (size_t)r);
		assert(r <= 0);
		if (r == 0)
			(void)rig_value_repr(&value, text, sizeof(text));
		free(room);
		return;
	}
	if (r < 0) {
		assert(*rig_why());
		return;
	}
	if (value.kind == RIG_VALUE_STR)
		assert(utf8_valid(value.text, value.bytes) == value.bytes);
	(void)rig_value_repr(&value, text, sizeof(text));
}

static void set(struct block *block, size_t item, unsigned char command)
{
	static const char text[] = "h\303\251llo, a text of some length";
	struct rig_value values[] = {
		rig_int(command),
		rig_float(command / 3.0),
		rig_bool(true),
		rig_none(),
		rig_str(text + 7),
		rig_str("\377"),
		rig_bytes(text, command % sizeof(text)),
	};
	const struct rig_value *value = &values[command % 7];
	unsigned char *before = malloc(block->bytes);
	int r;

	assert(before);
	memcpy(before, block->memory, block->bytes);
	r = list_layout_set(&block->view, item, value);
	if (r < 0)
		assert(memcmp(before, block->memory, block->bytes) == 0);
	else
		get(block, item);
	free(before);
}

/* A byte of command: the item, and the act. */
static void obey(struct block *block, unsigned char command)
{
	size_t a, b;

	if (!list_layout_item(&block->view, (int8_t)command, &a)) {
		assert(list_layout_fail_index(&block->view, (int8_t)command) <
		       0);
		return;
	}
	b = block->view.length - 1 - a;
	set(block, a, command);
	(void)list_layout_can_swap(&block->view, a, b);
	(void)list_layout_swap(&block->view, a, b);
}

static void fuzz_list(struct block *block, const uint8_t *commands,
		      size_t count)
{
	char format[9];

	if (list_layout_view(&block->view, "fuzz", block->memory,
			     block->bytes) < 0) {
		assert(*rig_why());
		return;
	}
	for (size_t i = 0; i < block->view.length && i < ITEMS_MAX; i++) {
		get(block, i);
		if (list_layout_format(&block->view, i, format) == 0)
			assert(strlen(format) <= 8);
	}
	for (size_t i = 0; i < count && block->view.length; i++)
		obey(block, commands[i]);
}

/* The memory is the end of a file of as many bytes as the commands say. */
static void fuzz_trailer(const struct block *block, const uint8_t *commands,
			 size_t count)
{
	struct trailer_shm trailer = { 0 };
	size_t file_bytes = 0;
	size_t bytes =
		block->bytes < sizeof(trailer) ? block->bytes : sizeof(trailer);

	memcpy(&trailer, block->memory, bytes);
	if (count > sizeof(file_bytes))
		count = sizeof(file_bytes);
	memcpy(&file_bytes, commands, count);
	if (trailer_check(&trailer, file_bytes, "fuzz") > 0) {
		assert(trailer.bytes <= file_bytes - PAGE_BYTES);
		assert(trailer_file_bytes(trailer.bytes) == file_bytes);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
	struct block block = { 0 };
	size_t commands;

	if (bytes == 0)
		return 0;
	commands = data[0] & COMMANDS_MAX;
	if (commands > bytes - 1)
		commands = bytes - 1;
	block.bytes = bytes - 1 - commands;
	block.memory = malloc(block.bytes ? block.bytes : 1);
	assert(block.memory);
	memcpy(block.memory, data + 1 + commands, block.bytes);
	if (data[0] & TRAILER)
		fuzz_trailer(&block, data + 1, commands);
	else
		fuzz_list(&block, data + 1, commands);
	free(block.memory);
	return 0;
}
