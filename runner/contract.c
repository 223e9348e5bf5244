/* SPDX-License-Identifier: MIT */
/*
 * contract.c - the check that a kernel keeps the contract of runrig/kernel.h.
 */
#include <runner/contract.h>

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <runner/dtype.h>

static int say(char why[WHY_BYTES], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int say(char why[WHY_BYTES], const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vsnprintf(why, WHY_BYTES, format, list);
	va_end(list);
	return -EINVAL;
}

bool contract_is_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-");

	return length > 0 && length <= CONTRACT_NAME_MAX && !name[length] &&
	       *name != '-';
}

static int check_name(const char *what, const char *name, char why[WHY_BYTES])
{
	if (contract_is_name(name))
		return 0;
	return say(why,
		   "the name of %s is \"%.80s\", not 1 to %d of a-z 0-9 -, the "
		   "first no -",
		   what, name, CONTRACT_NAME_MAX);
}

/* Whether the words are a single line that can be shown; NULL: there are
 * none. */
static bool is_line(const char *text)
{
	for (; text && *text; text++)
		if ((unsigned char)*text < ' ')
			return false;
	return true;
}

static size_t field_bytes(const struct rig_param *param)
{
	return param->kind == RIG_PARAM_CHOICE ? sizeof(uint32_t)
	       : param->kind == RIG_PARAM_TEXT ? arguments_text_bytes(param)
					       : sizeof(uint64_t);
}

static int check_param(const struct rig_kernel *kernel,
		       const struct rig_param *param, char why[WHY_BYTES])
{
	const char *lacks = NULL;
	int r = check_name("a parameter", param->name, why);

	if (r < 0)
		return r;
	for (const struct rig_param *p = kernel->params; p < param; p++)
		if (strcmp(p->name, param->name) == 0)
			return say(why, "two parameters are called %s",
				   param->name);
	if ((unsigned)param->kind > RIG_PARAM_TEXT)
		lacks = "kind of enum rig_param_kind";
	else if (!is_line(param->help))
		lacks = "line of help";
	else if (!param->fallback || !is_line(param->fallback))
		lacks = "fallback, its default";
	else if (param->kind == RIG_PARAM_CHOICE && !param->choices)
		lacks = "choices";
	else if (param->offset < sizeof(struct rig_kernel_args) ||
		 param->offset > kernel->args_bytes ||
		 kernel->args_bytes - param->offset < field_bytes(param))
		lacks = "field in the arguments, behind their header, at its "
			"offset";
	return lacks ? say(why, "parameter %s has no %s", param->name, lacks)
		     : 0;
}

static int check_array(const struct rig_array_spec *arrays, int index,
		       char why[WHY_BYTES])
{
	const struct rig_array_spec *spec = &arrays[index];

	for (int i = 0; i < index; i++)
		if (strcmp(arrays[i].name, spec->name) == 0)
			return say(why, "two arrays are called %s", spec->name);
	if (rig_dtype_bytes(spec->dtype) == 0)
		return say(why,
			   "the dtype of array %s is %d, none of enum "
			   "rig_dtype",
			   spec->name, (int)spec->dtype);
	if ((unsigned)spec->role > RIG_INOUT)
		return say(why,
			   "the role of array %s is %d, none of enum "
			   "rig_array_role",
			   spec->name, (int)spec->role);
	return 0;
}

static int check_fixed(const struct rig_kernel *kernel, int index,
		       char why[WHY_BYTES])
{
	int r = check_name("an array", kernel->arrays[index].name, why);

	return r < 0 ? r : check_array(kernel->arrays, index, why);
}

/* Whether a declared array may have the name: a letter or _, then letters,
 * digits, - and _ (kernel.h). */
static bool is_declared_name(const char *name)
{
	size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-_");

	return length > 0 && length < RIG_DECLARED_BYTES && !name[length] &&
	       *name != '-' && (*name < '0' || *name > '9');
}

int contract_check_declared(const struct rig_declared *declared,
			    char why[WHY_BYTES])
{
	int r = declared->specs[0].name ? 0 : say(why, "it declares no array");

	for (int i = 0; r == 0 && declared->specs[i].name; i++) {
		if (is_declared_name(declared->specs[i].name))
			r = check_array(declared->specs, i, why);
		else
			r = say(why,
				"it declares an array \"%.60s\": not 1 to %d of "
				"A-Z a-z 0-9 _ -, the first no digit and no -",
				declared->names[i], RIG_DECLARED_BYTES - 1);
	}
	return r;
}

static int check_words(const struct rig_kernel *kernel, char why[WHY_BYTES])
{
	if (!is_line(kernel->summary))
		return say(why, "its summary is more than a line");
	if (!is_line(kernel->verified))
		return say(why, "`verified` is more than a line");
	if (!kernel->items != !kernel->item)
		return say(why, "it has either of items and item, not both");
	if (kernel->item &&
	    (strlen(kernel->item) > RIG_ITEM_MAX || !is_line(kernel->item)))
		return say(why, "item is longer than %d bytes", RIG_ITEM_MAX);
	return 0;
}

/* A proof by blocks is whole, or not there. */
static int check_proof(const struct rig_kernel *kernel, char why[WHY_BYTES])
{
	int count = 0;

	while (kernel->arrays[count].name)
		count++;
	if (!kernel->blocks != !kernel->prove)
		return say(why, "it has either of blocks and prove, not both");
	if (kernel->keeps &&
	    (!kernel->blocks || kernel->kept < 0 || kernel->kept >= count))
		return say(why,
			   "it keeps blocks of array %d, of which there "
			   "are %d",
			   kernel->kept, count);
	if (kernel->blocks && !kernel->declare && count == RIG_ARRAYS_MAX)
		return say(why,
			   "it has a proof by blocks, and more than %d "
			   "arrays",
			   RIG_ARRAYS_MAX - 1);
	for (size_t i = 0;
	     i < sizeof(kernel->reserved) / sizeof(*kernel->reserved); i++)
		if (kernel->reserved[i])
			return say(why, "a reserved field is not 0");
	return 0;
}

int contract_check(const struct rig_kernel *kernel, char why[WHY_BYTES])
{
	const struct rig_param *param = kernel->params;
	int r;

	/* First: in a struct of another version every other field is
	 * elsewhere. */
	if (kernel->version != RIG_KERNEL_VERSION)
		return say(why,
			   "it is of version %u of runrig/kernel.h, and this "
			   "is version %d: build it again",
			   kernel->version, RIG_KERNEL_VERSION);
	if (!kernel->name)
		return say(why, "it has no name");
	r = check_name("the kernel", kernel->name, why);
	if (r == 0 && !kernel->run)
		r = say(why, "it has no run");
	if (r == 0 && (!kernel->arrays || !kernel->arrays[0].name))
		r = say(why, "it has no array");
	if (r == 0)
		r = check_words(kernel, why);
	for (; param && param->name && r == 0; param++)
		r = check_param(kernel, param, why);
	for (int i = 0; r == 0 && kernel->arrays[i].name; i++)
		r = i < RIG_ARRAYS_MAX ? check_fixed(kernel, i, why)
				       : say(why, "it has more than %d arrays",
					     RIG_ARRAYS_MAX);
	return r == 0 ? check_proof(kernel, why) : r;
}

/* A span, and the rank that owns the span. */
struct owned_span {
	struct rig_span span;
	int rank;
};

static int by_begin(const void *a, const void *b)
{
	const struct owned_span *x = a, *y = b;

	return (x->span.begin > y->span.begin) -
	       (x->span.begin < y->span.begin);
}

static int check_spans(const struct contract_owned *owned, int rank,
		       size_t bytes, char why[WHY_BYTES])
{
	if (owned->count < 0 || owned->count > RIG_SPANS_MAX)
		return say(why, "owns gives rank %d %d spans, not 0 to %d",
			   rank, owned->count, RIG_SPANS_MAX);
	for (int i = 0; i < owned->count; i++)
		if (owned->spans[i].begin > owned->spans[i].end ||
		    owned->spans[i].end > bytes)
			return say(why,
				   "owns gives rank %d the bytes %zu to %zu, "
				   "which is no span of its %zu bytes",
				   rank, owned->spans[i].begin,
				   owned->spans[i].end, bytes);
	return 0;
}

int contract_check_owns(const struct contract_owned *owned, int ranks,
			size_t bytes, char why[WHY_BYTES])
{
	struct owned_span *all =
		calloc((size_t)ranks * RIG_SPANS_MAX + 1, sizeof(*all));
	size_t count = 0;
	int r = all ? 0 : -ENOMEM;

	for (int k = 0; k < ranks && r == 0; k++) {
		r = check_spans(&owned[k], k, bytes, why);
		for (int i = 0; r == 0 && i < owned[k].count; i++)
			if (owned[k].spans[i].begin < owned[k].spans[i].end)
				all[count++] =
					(struct owned_span){ owned[k].spans[i],
							     k };
	}
	if (r == 0)
		qsort(all, count, sizeof(*all), by_begin);
	for (size_t i = 1; i < count && r == 0; i++)
		if (all[i].span.begin < all[i - 1].span.end)
			r = say(why,
				"owns gives byte %zu twice, to rank %d and to "
				"rank %d",
				all[i].span.begin, all[i - 1].rank,
				all[i].rank);
	free(all);
	return r;
}
