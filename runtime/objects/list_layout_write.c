/* SPDX-License-Identifier: MIT */
/*
 * list_layout_write.c - the bytes of a new ShareableList, from first to last.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "objects/list_cell.h"
#include "base/size.h"
#include "base/utf8.h"

/* Bytes on their way to a sink. */
struct encoder {
	list_layout_sink *sink;
	void *to;
	int r;
	size_t used;
	char bytes[16384];
};

uint64_t list_cell_of_text(size_t slot_bytes)
{
	char text[32] = { 0 };

	snprintf(text, sizeof(text), "%zus", slot_bytes);
	return cell_of(text);
}

/* Characters of a text: the bytes that begin a character. */
static size_t characters(const struct rig_value *value)
{
	size_t count = 0;

	for (size_t i = 0; i < value->bytes; i++)
		count += ((unsigned char)value->text[i] & 0xc0) != 0x80;
	return count;
}

/* The slot of a new value: Python's size, which goes by characters, where the
 * bytes fit, else a size by bytes. */
static inline size_t slot_bytes_of(const struct rig_value *value)
{
	size_t slot;

	if (value->kind == RIG_VALUE_STR) {
		slot = WORD * (characters(value) / WORD + 1);
		if (value->bytes <= slot)
			return slot;
	} else if (value->kind != RIG_VALUE_BYTES) {
		return WORD;
	}
	return WORD * (value->bytes / WORD + 1);
}

int list_check_value(const char *name, const struct rig_value *value,
		     size_t item)
{
	size_t valid;

	if ((unsigned)value->kind > RIG_VALUE_BYTES)
		return rig_fail(-EINVAL, "list %s: item %zu: no kind of value",
				name, item);
	/* Before a byte is read, or a size is rounded up. */
	if ((value->kind == RIG_VALUE_STR || value->kind == RIG_VALUE_BYTES) &&
	    value->bytes > RIG_TEXT_MAX)
		return rig_fail(-EOVERFLOW,
				"list %s: item %zu: %zu bytes of text, at most "
				"%d",
				name, item, value->bytes, RIG_TEXT_MAX);
	if ((value->kind == RIG_VALUE_STR || value->kind == RIG_VALUE_BYTES) &&
	    value->bytes && !value->text)
		return rig_fail(-EINVAL,
				"list %s: item %zu: %zu bytes of text at NULL",
				name, item, value->bytes);
	if (value->kind != RIG_VALUE_STR)
		return 0;
	valid = utf8_valid(value->text, value->bytes);
	if (valid != value->bytes)
		return rig_fail(
			-EILSEQ,
			"list %s: item %zu: byte %zu of the text is not "
			"UTF-8",
			name, item, valid);
	return 0;
}

int list_layout_bytes(const char *name, const struct rig_value *values,
		      size_t count, size_t *bytes)
{
	size_t sum;

	if (count && !values)
		return rig_fail(-EINVAL, "list %s: %zu values at NULL", name,
				count);
	if (!size_mul(count, 2 * WORD + 1, &sum) ||
	    !size_add(sum, FIXED_BYTES, &sum))
		return rig_fail(-EINVAL, "list %s: %zu items are too many",
				name, count);
	for (size_t i = 0; i < count; i++) {
		const struct rig_value *value = &values[i];
		int r = list_check_value(name, value, i);

		if (r < 0)
			return r;
		if (slot_bytes_of(value) > RIG_TEXT_MAX + 1)
			return rig_fail(
				-EOVERFLOW,
				"list %s: item %zu: %zu bytes of text, at "
				"most %d",
				name, i, value->bytes, RIG_TEXT_MAX);
		if (!size_add(sum, slot_bytes_of(value), &sum))
			return rig_fail(-EINVAL, "list %s: too large", name);
	}
	*bytes = sum;
	return 0;
}

static int encode_flush(struct encoder *encoder)
{
	if (encoder->r == 0 && encoder->used)
		encoder->r = encoder->sink(encoder->to, encoder->bytes,
					   encoder->used);
	encoder->used = 0;
	return encoder->r;
}

static inline void encode(struct encoder *encoder, const void *from,
			  size_t bytes)
{
	if (encoder->used + bytes > sizeof(encoder->bytes))
		(void)encode_flush(encoder);
	memcpy(encoder->bytes + encoder->used, from, bytes);
	encoder->used += bytes;
}

/* The bytes of a text and zeros to the end of its slot. */
static void encode_text(struct encoder *encoder, const struct rig_value *value)
{
	static const char zeros[WORD];
	size_t slot = slot_bytes_of(value), left = value->bytes;

	for (size_t at = 0; at < slot; at += WORD) {
		size_t some = left < WORD ? left : WORD;

		if (some)
			encode(encoder, value->text + at, some);
		if (some < WORD)
			encode(encoder, zeros, WORD - some);
		left -= some;
	}
}

int list_layout_write(const struct rig_value *values, size_t count,
		      list_layout_sink *sink, void *to)
{
	struct encoder encoder = { .sink = sink, .to = to };
	uint64_t word = count, offset = 0;

	encode(&encoder, &word, WORD);
	encode(&encoder, &offset, WORD);
	for (size_t i = 0; i < count; i++) {
		offset += slot_bytes_of(&values[i]);
		encode(&encoder, &offset, WORD);
	}
	for (size_t i = 0; i < count; i++) {
		struct store store = store_of(&values[i], WORD);

		if (store.is_text)
			encode_text(&encoder, &values[i]);
		else
			encode(&encoder, &store.word, WORD);
	}
	for (size_t i = 0; i < count; i++) {
		struct store store =
			store_of(&values[i], slot_bytes_of(&values[i]));

		encode(&encoder, &store.cell, WORD);
	}
	for (size_t i = 0; i < count; i++) {
		struct store store = store_of(&values[i], WORD);

		encode(&encoder, &store.code, 1);
	}
	return encode_flush(&encoder);
}
