/* SPDX-License-Identifier: MIT */
/*
 * list_layout_item.c - reading and writing an item of a ShareableList.
 *
 * An item has three parts that cannot be stored at once: format cell, code and
 * slot.  While its type stays the same only the slot is written, 8 bytes by a
 * single store.  A change of type goes through code 3, which every reader takes
 * for None whatever the format says: code 3, format, slot, code.  A reader takes
 * the format, then the code, then the slot, then looks at format and code again;
 * if the two do not go together or have changed, the reader starts over.  In this
 * order a reader that sees the new format sees code 3 or, with the new code, the
 * new slot; a reader that sees the old format to the end has the old slot.  A
 * writer killed on the way leaves None.
 *
 * Python stores format, code and slot, in this order and with a zero first: a
 * reader beside a Python that changes types may be misled all the same.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/error.h"
#include "objects/list_cell.h"

/* How often a reader looks again at an item that is changing.  A change takes a
 * few stores; no list begins a change that never ends. */
#define LOOKS 1000

/* Digits in the format cell of a text. */
#define DIGITS_MAX 7

/* The meaning of format cell and code for an item. */
enum reading {
	READ_NUMBER, /* int, float or bool: the word in the slot */
	READ_NONE,
	READ_TEXT,
	READ_CHANGING, /* code 3, and a format that is not None's */
	READ_UNMADE,   /* no format yet, or a text without its code */
	READ_MISMATCH,
	READ_NO_FORMAT,
	READ_NO_CODE
};

struct item {
	enum reading reading;
	enum rig_value_kind kind;
	uint64_t text_bytes; /* the format that the cell holds */
};

struct slot {
	_Atomic uint64_t *words;
	size_t bytes;
};

/* The text, and zeros to the end of the slot. */
static void store_text(const struct slot *slot, const struct rig_value *value)
{
	size_t left = value->bytes;
	const char *text = value->text;

	for (size_t i = 0; i < slot->bytes / WORD; i++) {
		size_t some = left < WORD ? left : WORD;
		uint64_t word = 0;

		if (some)
			memcpy(&word, text + i * WORD, some);
		store_release(&slot->words[i], word);
		left -= some;
	}
}

static inline void store_slot(const struct slot *slot,
			      const struct store *store,
			      const struct rig_value *value)
{
	/* release: pairs with the acquire in read_slot(); a reader of the value
	 * sees all writes before the store. */
	if (store->is_text)
		store_text(slot, value);
	else
		store_release(slot->words, store->word);
}

/* Copied once, then checked, then used. */
static inline bool find_slot(const struct list_view *view, size_t item,
			     struct slot *slot)
{
	/* relaxed: offsets do not change, and are checked at each use. */
	uint64_t begin = load_relaxed(&view->offsets[item]);
	uint64_t end = load_relaxed(&view->offsets[item + 1]);

	if (begin >= end || end > view->slots_bytes || (begin | end) % WORD)
		return false;
	slot->words = view->slots + begin / WORD;
	slot->bytes = end - begin;
	return true;
}

static int slot_of(const struct list_view *view, size_t item, struct slot *slot)
{
	if (find_slot(view, item, slot))
		return 0;
	return rig_fail(-EPROTO,
			"list %s: item %zu: its offsets are %lld and %lld, of "
			"%llu bytes",
			view->name, item,
			(long long)load_relaxed(&view->offsets[item]),
			(long long)load_relaxed(&view->offsets[item + 1]),
			(unsigned long long)view->slots_bytes);
}

/* "<digits>s" and NULs: true and the number. */
static bool is_text_cell(uint64_t cell, uint64_t *bytes)
{
	char text[WORD];
	size_t at = 0, end;
	uint64_t number = 0;

	memcpy(text, &cell, WORD);
	while (at < DIGITS_MAX && text[at] >= '0' && text[at] <= '9')
		number = number * 10 + (uint64_t)(text[at++] - '0');
	if (at == 0 || text[at] != 's')
		return false;
	for (end = at + 1; end < WORD; end++)
		if (text[end])
			return false;
	*bytes = number;
	return true;
}

static struct item number_or(enum rig_value_kind kind, uint8_t code)
{
	return (struct item){
		.reading = code == CODE_NONE    ? READ_CHANGING
			   : code == CODE_PLAIN ? READ_NUMBER
			   : code <= CODE_BYTES ? READ_MISMATCH
						: READ_NO_CODE,
		.kind = kind,
	};
}

/* The meaning of cell and code together. */
static struct item interpret(uint64_t cell, uint8_t code)
{
	struct item item = { .reading = READ_NO_FORMAT };

	if (cell == CELL_INT)
		return number_or(RIG_VALUE_INT, code);
	if (cell == CELL_FLOAT)
		return number_or(RIG_VALUE_FLOAT, code);
	if (cell == CELL_BOOL)
		return number_or(RIG_VALUE_BOOL, code);
	if (cell == 0) {
		item.reading = READ_UNMADE;
	} else if (cell == CELL_NONE) {
		item.reading = code == CODE_NONE  ? READ_NONE
			       : code < CODE_NONE ? READ_MISMATCH
						  : READ_NO_CODE;
	} else if (is_text_cell(cell, &item.text_bytes)) {
		item.reading = code == CODE_STR || code == CODE_BYTES
				       ? READ_TEXT
			       : code == CODE_NONE  ? READ_CHANGING
			       : code == CODE_PLAIN ? READ_UNMADE
						    : READ_NO_CODE;
		item.kind = code == CODE_STR ? RIG_VALUE_STR : RIG_VALUE_BYTES;
	}
	return item;
}

/* Copy a text out of a slot, without the NULs at the end. */
static size_t read_text(const struct slot *slot, size_t bytes, char *room)
{
	for (size_t at = 0; at < bytes; at += WORD) {
		uint64_t word = load_acquire(&slot->words[at / WORD]);

		memcpy(room + at, &word, bytes - at < WORD ? bytes - at : WORD);
	}
	while (bytes && room[bytes - 1] == 0)
		bytes--;
	room[bytes] = 0;
	return bytes;
}

/* The value in the slot.  A positive number: the bytes that the text needs. */
static int read_slot(const struct slot *slot, const struct item *item,
		     struct rig_value *value, char *room, size_t room_bytes)
{
	char truth[WORD];
	uint64_t word;
	size_t bytes;

	value->kind = item->kind;
	if (item->reading == READ_TEXT) {
		bytes = item->text_bytes < slot->bytes ? item->text_bytes
						       : slot->bytes;
		if (bytes + 1 > room_bytes)
			return (int)bytes + 1;
		value->text = room;
		value->bytes = read_text(slot, bytes, room);
		return 0;
	}
	/* acquire: pairs with store_slot(). */
	word = load_acquire(slot->words);
	memcpy(truth, &word, WORD);
	if (item->kind == RIG_VALUE_FLOAT)
		memcpy(&value->real, &word, WORD);
	else if (item->kind == RIG_VALUE_BOOL)
		value->truth = truth[WORD - 1] != 0;
	else
		value->integer = (int64_t)word;
	return 0;
}

/* Why an item could not be read, by the last look at the item. */
static int fail_reading(const struct list_view *view, size_t at,
			enum reading reading)
{
	uint64_t cell = load_relaxed(&view->formats[at]);
	char format[9];
	unsigned code = load_relaxed(&view->codes[at]);

	memcpy(format, &cell, WORD);
	format[WORD] = 0;
	for (char *c = format; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
	switch (reading) {
	case READ_UNMADE:
		return rig_fail(-ENODATA,
				"list %s: item %zu: format \"%s\" and code %u: "
				"not made yet",
				view->name, at, format, code);
	case READ_MISMATCH:
		return rig_fail(-EPROTO,
				"list %s: item %zu: format \"%s\" does not go "
				"with code %u",
				view->name, at, format, code);
	case READ_NO_FORMAT:
		return rig_fail(
			-EPROTO,
			"list %s: item %zu: \"%s\" is no format of a list",
			view->name, at, format);
	case READ_NO_CODE:
		return rig_fail(-EPROTO, "list %s: item %zu: unknown code %u",
				view->name, at, code);
	default:
		return rig_fail(-EAGAIN,
				"list %s: item %zu: another process keeps "
				"changing its type",
				view->name, at);
	}
}

static int check_text(const struct list_view *view,
		      const struct rig_value *value, size_t at)
{
	return value->kind == RIG_VALUE_STR
		       ? list_check_value(view->name, value, at)
		       : 0;
}

/* An item that is a single word, and how the item was found. */
struct number {
	struct slot slot;
	uint64_t cell;
	uint64_t word;
	uint8_t code;
};

/* Read an item that is an int, float, bool or None and is not being changed;
 * false for any other item.  Most items of most lists are of these types. */
static inline bool read_number(const struct list_view *view, size_t at,
			       struct number *number)
{
	/* acquire: as in list_layout_get(). */
	uint64_t cell = load_acquire(&view->formats[at]);
	uint8_t code = load_acquire(&view->codes[at]);

	if (!find_slot(view, at, &number->slot) ||
	    (cell == CELL_NONE ? code != CODE_NONE
			       : code != CODE_PLAIN || (cell != CELL_INT &&
							cell != CELL_FLOAT &&
							cell != CELL_BOOL)))
		return false;
	number->word = load_acquire(number->slot.words);
	number->cell = cell;
	number->code = code;
	return load_acquire(&view->formats[at]) == cell &&
	       load_acquire(&view->codes[at]) == code;
}

static inline void take_number(const struct number *number,
			       struct rig_value *value)
{
	char truth[WORD];

	if (number->cell == CELL_INT) {
		value->kind = RIG_VALUE_INT;
		value->integer = (int64_t)number->word;
	} else if (number->cell == CELL_FLOAT) {
		value->kind = RIG_VALUE_FLOAT;
		memcpy(&value->real, &number->word, WORD);
	} else if (number->cell == CELL_BOOL) {
		memcpy(truth, &number->word, WORD);
		value->kind = RIG_VALUE_BOOL;
		value->truth = truth[WORD - 1] != 0;
	} else {
		value->kind = RIG_VALUE_NONE;
	}
}

int list_layout_get(const struct list_view *view, size_t at,
		    struct rig_value *value, char *room, size_t room_bytes)
{
	struct item item = { .reading = READ_CHANGING };
	struct rig_value seen = { .kind = RIG_VALUE_NONE };
	struct number number;
	struct slot slot = { 0 };
	int r;

	if (read_number(view, at, &number)) {
		take_number(&number, value);
		return 0;
	}
	r = slot_of(view, at, &slot);
	if (r < 0)
		return r;
	for (int looks = 0; looks < LOOKS; looks++) {
		/* A writer may be halfway, and need this CPU to go on. */
		if (looks >= LOOKS / 2)
			(void)sched_yield();
		/* acquire: pairs with the releases in list_layout_set(), and
		 * keeps what follows behind. */
		uint64_t cell = load_acquire(&view->formats[at]);
		uint8_t code = load_acquire(&view->codes[at]);

		item = interpret(cell, code);
		if (item.reading == READ_NONE) {
			*value = rig_none();
			return 0;
		}
		if (item.reading != READ_NUMBER && item.reading != READ_TEXT)
			continue;
		r = read_slot(&slot, &item, &seen, room, room_bytes);
		if (load_acquire(&view->formats[at]) != cell ||
		    load_acquire(&view->codes[at]) != code)
			continue;
		if (r == 0)
			r = check_text(view, &seen, at);
		if (r == 0)
			*value = seen;
		return r;
	}
	/* The writer has died: None, as Python reads the item. */
	if (item.reading == READ_CHANGING) {
		*value = rig_none();
		return 0;
	}
	return fail_reading(view, at, item.reading);
}

/* The slot of an item, where the slot is sound and the value fits. */
static int fit(const struct list_view *view, size_t at,
	       const struct rig_value *value, struct slot *slot)
{
	int r = slot_of(view, at, slot);

	if (r == 0)
		r = list_check_value(view->name, value, at);
	if (r < 0)
		return r;
	if (value->kind != RIG_VALUE_STR && value->kind != RIG_VALUE_BYTES)
		return 0;
	if (value->bytes > slot->bytes)
		return rig_fail(
			-EOVERFLOW,
			"list %s: item %zu: %zu bytes of text, its slot "
			"has %zu",
			view->name, at, value->bytes, slot->bytes);
	if (slot->bytes > RIG_TEXT_MAX + 1)
		return rig_fail(
			-EPROTO,
			"list %s: item %zu: its slot has %zu bytes, more "
			"than any text",
			view->name, at, slot->bytes);
	return 0;
}

int list_layout_fits(const struct list_view *view, size_t at,
		     const struct rig_value *value)
{
	struct slot slot = { 0 };

	return fit(view, at, value, &slot);
}

/* Store the form of a value into an item whose slot is sound. */
static inline void put(const struct list_view *view, size_t at,
		       const struct slot *slot, const struct store *store,
		       const struct rig_value *value)
{
	/* relaxed: two processes that set the same item must lock. */
	if (load_relaxed(&view->formats[at]) == store->cell &&
	    load_relaxed(&view->codes[at]) == store->code) {
		store_slot(slot, store, value);
		return;
	}
	/* release, each: a reader that sees a store sees the stores before. */
	store_release(&view->codes[at], CODE_NONE);
	store_release(&view->formats[at], store->cell);
	store_slot(slot, store, value);
	store_release(&view->codes[at], store->code);
}

int list_layout_set(const struct list_view *view, size_t at,
		    const struct rig_value *value)
{
	bool is_number = (unsigned)value->kind <= RIG_VALUE_BOOL;
	struct store store;
	struct slot slot = { 0 };
	int r;

	/* Most items are; and a number fits any sound slot. */
	if (!is_number || !find_slot(view, at, &slot)) {
		r = fit(view, at, value, &slot);
		if (r < 0)
			return r;
	}
	store = store_of(value, slot.bytes);
	put(view, at, &slot, &store, value);
	return 0;
}

bool list_layout_can_swap(const struct list_view *view, size_t a, size_t b)
{
	struct number number;

	return read_number(view, a, &number) && read_number(view, b, &number);
}

bool list_layout_swap(const struct list_view *view, size_t a, size_t b)
{
	struct number numbers[2];

	if (!read_number(view, a, &numbers[0]) ||
	    !read_number(view, b, &numbers[1]))
		return false;
	put(view, a, &numbers[0].slot,
	    &(struct store){ .cell = numbers[1].cell,
			     .word = numbers[1].word,
			     .code = numbers[1].code },
	    NULL);
	put(view, b, &numbers[1].slot,
	    &(struct store){ .cell = numbers[0].cell,
			     .word = numbers[0].word,
			     .code = numbers[0].code },
	    NULL);
	return true;
}

/* The word of an item with the cell of an int or a float, or NULL. */
static inline _Atomic uint64_t *word_of(const struct list_view *view, size_t at,
					uint64_t cell)
{
	struct slot slot;

	/* relaxed: two processes that set the same item must lock. */
	if (load_relaxed(&view->formats[at]) != cell ||
	    load_relaxed(&view->codes[at]) != CODE_PLAIN ||
	    !find_slot(view, at, &slot))
		return NULL;
	return slot.words;
}

size_t list_layout_swap_alike(const struct list_view *view, size_t a, size_t b,
			      size_t count, bool write)
{
	size_t k = 0;

	for (; k < count; k++) {
		uint64_t cell = load_relaxed(&view->formats[a + k]), word;
		_Atomic uint64_t *first = word_of(view, a + k, cell);
		_Atomic uint64_t *second = word_of(view, b - k, cell);

		if (!first || !second ||
		    (cell != CELL_INT && cell != CELL_FLOAT))
			break;
		if (!write)
			continue;
		/* acquire, release: as in read_slot() and store_slot(). */
		word = load_acquire(first);
		store_release(first, load_acquire(second));
		store_release(second, word);
	}
	return k;
}

int list_layout_format(const struct list_view *view, size_t item,
		       char text[static 9])
{
	uint64_t bytes, cell = load_relaxed(&view->formats[item]);

	if (cell != CELL_INT && cell != CELL_FLOAT && cell != CELL_BOOL &&
	    cell != CELL_NONE && !is_text_cell(cell, &bytes))
		return fail_reading(view, item,
				    cell ? READ_NO_FORMAT : READ_UNMADE);
	memcpy(text, &cell, WORD);
	text[WORD] = 0;
	return 0;
}
