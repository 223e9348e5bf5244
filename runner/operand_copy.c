/* SPDX-License-Identifier: MIT */
/*
 * operand_copy.c - elements between where the caller's operand has them and the
 * run's own segment.
 */
#include <runner/operand.h>

#include <stdint.h>
#include <unistd.h>

#include <runner/dtype.h>
#include <runner/transfer.h>

/* Between the caller's private memory and the segment of array `index`. */
static int copy_data(struct kernel_run *run, int index,
		     const struct source *source, bool out)
{
	const struct rig_array *array = kernel_run_array(run, index);
	const struct rig_operand *operand = source->operand;
	struct transfer transfer = { .address =
					     (uint64_t)(uintptr_t)operand->data,
				     .count = array->count,
				     .item_bytes = array->item_bytes,
				     .dims = source->shape.dims,
				     .pid = (int32_t)getpid(),
				     .out = out };
	int64_t stride = array->item_bytes;

	for (int d = source->shape.dims - 1; d >= 0; d--) {
		transfer.shape[d] = (int64_t)source->shape.extent[d];
		transfer.strides[d] =
			operand->strides ? operand->strides[d] : stride;
		stride *= transfer.shape[d];
	}
	return transfer_run(run->pool, &transfer, run->arrays[index].segment);
}

/* Between where the operand says and the segment of array `index`. */
static int copy_elements(struct kernel_run *run, int index,
			 const struct source *source, bool out)
{
	struct rig_segment *segment = run->arrays[index].segment;

	if (source->operand->data)
		return copy_data(run, index, source, out);
	return strided_copy(run->pool, &source->strided, source->attached,
			    segment, out);
}

/* A complex number is two. */
int operand_turn(struct kernel_run *run, int index, const struct source *source)
{
	const struct rig_array *array = kernel_run_array(run, index);
	uint32_t bytes = dtype_align((enum rig_dtype)array->dtype);

	if (!source->turned)
		return 0;
	return strided_turn(run->pool, run->arrays[index].segment,
			    array->count * (array->item_bytes / bytes), bytes);
}

bool operand_copied(const struct kernel_run *run, int index,
		    const struct source *source)
{
	return source->operand && run->arrays[index].segment &&
	       (source->operand->data || source->operand->file ||
		source->operand->segment);
}

int operand_load(struct kernel_run *run, int index, const struct source *source)
{
	int r = copy_elements(run, index, source, false);

	return r == 0 ? operand_turn(run, index, source) : r;
}

/* The run's own segment is afterwards as before. */
int operand_store(struct kernel_run *run, int index,
		  const struct source *source)
{
	int r = operand_turn(run, index, source);

	if (r == 0)
		r = copy_elements(run, index, source, true);
	return r == 0 ? operand_turn(run, index, source) : r;
}
