/* SPDX-License-Identifier: MIT */
/*
 * evaluation_blocks.c - blocks of elements between the arrays and the registers of
 * an expression's program.
 */
#include <kernels/lib/evaluation_blocks.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <kernels/lib/stream.h>
#include <runner/arguments.h>
#include <runner/convert.h>
#include <runrig/kernels.h>

void evaluation_close(struct evaluation *own)
{
	if (own)
		free(own->memory);
	free(own);
}

static void give_registers(struct evaluation *own)
{
	const struct vector_program *program = &own->program;
	char *at = own->memory;

	for (int k = 0; k < program->arrays; k++, at += VECTOR_BYTES)
		own->registers[k] = own->own[k] = at;
	for (int k = 0; k < program->constants; k++, at += VECTOR_BYTES)
		own->registers[VECTOR_CONSTANT + k] = at;
	for (int k = 0; k < program->temporaries; k++, at += VECTOR_BYTES)
		own->registers[VECTOR_TEMPORARY + k] = at;
	vector_fill(program, own->registers);
}

int evaluation_open(const struct evaluate_args *args, struct evaluation **made)
{
	struct evaluation *own = malloc(sizeof(*own));
	char why[WHY_BYTES];
	int r;

	if (!own)
		return -ENOMEM;
	own->memory = NULL;
	r = evaluation_read(args, &own->expression, &own->shapes, why,
			    sizeof(why));
	if (r < 0) {
		evaluation_close(own);
		return r;
	}
	vector_compile(&own->program, &own->expression);
	own->memory = aligned_alloc(64, (size_t)vector_buffers(&own->program) *
						VECTOR_BYTES);
	if (!own->memory) {
		evaluation_close(own);
		return -ENOMEM;
	}
	give_registers(own);
	*made = own;
	return 0;
}

static void swap_items(void *items, size_t item_bytes, size_t count)
{
	char *at = items;

	for (size_t i = 0; i < count; i++, at += item_bytes)
		for (size_t low = 0, high = item_bytes - 1; low < high;
		     low++, high--) {
			char byte = at[low];

			at[low] = at[high];
			at[high] = byte;
		}
}

const void *evaluation_items(const struct evaluate_args *args,
			     const struct broadcast *all, int k,
			     const void *items, size_t begin, size_t count,
			     void *to)
{
	const struct rig_array *array = &args->header.arrays[k];
	size_t item = array->item_bytes;
	const char *from = (const char *)items + begin * item;

	if (all->flat[k] && !array->swapped && (uintptr_t)from % item == 0)
		return from;
	broadcast_gather(all, k, items, item, begin, count, to);
	if (array->swapped)
		swap_items(to, item, count);
	return to;
}

/* Items are a register's values as they lie? */
static bool is_register(enum rig_dtype dtype)
{
	return dtype == RIG_FLOAT64 || dtype == RIG_FLOAT32 ||
	       dtype == RIG_INT64 || dtype == RIG_UINT64;
}

static void load_halves(const void *items, size_t count, float *to)
{
	double wide[VECTOR_BLOCK];

	convert_to_double(RIG_FLOAT16, items, 0, count, wide);
	for (size_t i = 0; i < count; i++)
		to[i] = (float)wide[i];
}

static void load(const struct evaluate_args *args, struct evaluation *own,
		 void *const data[], size_t begin, size_t count)
{
	for (int k = 0; k < own->program.arrays; k++) {
		enum rig_dtype dtype =
			(enum rig_dtype)args->header.arrays[k].dtype;
		const void *items = evaluation_items(
			args, &own->shapes, k, data[k], begin, count,
			is_register(dtype) ? own->own[k] : own->items);

		if (is_register(dtype)) {
			own->registers[k] = (void *)(uintptr_t)items;
		} else if (dtype == RIG_FLOAT16) {
			load_halves(items, count, (float *)own->own[k]);
		} else {
			convert_to_64(dtype, items, 0, count,
				      (uint64_t *)own->own[k]);
		}
	}
}

/* Past the caches; `to` is aligned to its items. */
static void store_past(double *to, const double *from, size_t count)
{
	size_t i = (uintptr_t)to % STREAM_ALIGN ? 1 : 0;

	if (i && count)
		to[0] = from[0];
	for (; i + 2 <= count; i += 2)
		stream_two(to + i, from[i], from[i + 1]);
	if (i < count)
		to[i] = from[i];
}

static void store_halves(uint16_t *to, const float *from, size_t count)
{
	for (size_t i = 0; i < count; i++)
		to[i] = convert_float16_of((double)from[i]);
}

/* The low bytes of 64-bit values. */
static void store_whole(char *to, const uint64_t *from, size_t item_bytes,
			size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (item_bytes == 1)
			to[i] = (char)from[i];
		else if (item_bytes == 2)
			((uint16_t *)(void *)to)[i] = (uint16_t)from[i];
		else
			((uint32_t *)(void *)to)[i] = (uint32_t)from[i];
	}
}

void evaluation_store(const struct evaluation *own, char *out, size_t begin,
		      size_t count)
{
	enum rig_dtype dtype = (enum rig_dtype)own->program.dtype;
	size_t item = rig_dtype_bytes(dtype);
	const void *from = own->registers[own->program.result];
	char *to = out + begin * item;

	if (from == to)
		return;
	if (item == sizeof(double) && own->streams)
		store_past((double *)(void *)to, from, count);
	else if (is_register(dtype))
		memcpy(to, from, count * item);
	else if (dtype == RIG_FLOAT16)
		store_halves((uint16_t *)(void *)to, from, count);
	else
		store_whole(to, from, item, count);
}

/* The result may be computed where it is to lie; not a narrow one, for the
 * register may hold values of 64 bits before. */
void evaluation_aim(struct evaluation *own, char *out, size_t begin)
{
	enum rig_dtype dtype = (enum rig_dtype)own->program.dtype;
	uint16_t result = own->program.result;

	if (!own->streams && result >= VECTOR_TEMPORARY && is_register(dtype) &&
	    rig_dtype_bytes(dtype) == sizeof(uint64_t))
		own->registers[result] = out + begin * sizeof(uint64_t);
}

int evaluation_block(const struct evaluate_args *args, struct evaluation *own,
		     void *const data[], size_t begin, size_t count)
{
	load(args, own, data, begin, count);
	return vector_run(&own->program, own->registers, count);
}

void evaluation_put_total(const struct evaluation *own, uint64_t total,
			  void *out)
{
	enum rig_dtype dtype = (enum rig_dtype)own->program.dtype;
	double real;
	float single;

	memcpy(&real, &total, sizeof(real));
	single = (float)real;
	if (dtype == RIG_FLOAT32)
		memcpy(out, &single, sizeof(single));
	else if (dtype == RIG_FLOAT16)
		memcpy(out, &(uint16_t){ convert_float16_of(real) },
		       sizeof(uint16_t));
	else if (is_register(dtype))
		memcpy(out, &total, sizeof(total));
	else
		store_whole(out, &total, rig_dtype_bytes(dtype), 1);
}
