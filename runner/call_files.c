/* SPDX-License-Identifier: MIT */
/*
 * call_files.c - the arrays of a call, in and out of files and private memory.
 */
#include <runner/kernel_call.h>

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#include <runrig/segment.h>

#include <runner/file_strips.h>
#include <runner/picture.h>
#include <runner/words.h>

/* Shorter arrays are made in memory: a segment of the pool's that an earlier
 * call has left is faster than a new mapping. */
#define OUTPUT_MIN ((size_t)1 << 20)

const char *call_data(const struct kernel_call *call, int index)
{
	const struct rig_outcome_array *array = &call->arrays[index];

	return (const char *)rig_segment_data(array->segment) + array->offset;
}

/* ---- arrays in the file of the output ---- */

/* The ranks may work in the file that becomes the output: there the elements
 * are in memory only once, and nothing is left to write in the end.  An array
 * whose elements come from private memory, or are put in order as they come, is
 * made in memory, as are arrays that a run may shorten or that further runs
 * change. */
static bool fits_output(const struct kernel_call *call, int index)
{
	const struct rig_spec *spec = call->spec;
	const struct source *source = &call->sources[index];
	const struct rig_operand *operand = source->operand;

	return operand && operand->output && !operand->data &&
	       !operand->segment && !picture_wanted(operand->output) &&
	       !source->apart && !source->turned &&
	       !call->run.kernel->arrays[index].shortens && spec->repeat <= 1 &&
	       !spec->memory && spec->pages == RIG_PAGES_BASE &&
	       !spec->run_job && call->run.arrays[index].bytes >= OUTPUT_MIN;
}

void call_plan_outputs(struct kernel_call *call)
{
	for (int i = 0; i < call->run.count; i++)
		call->run.arrays[i].in_output = fits_output(call, i);
}

/* The file behind its header becomes the memory of the array.  A store to space
 * that is not reserved could meet a full disk. */
static bool map_output(struct kernel_call *call, int index)
{
	const struct outfile *output = &call->sources[index].output;
	struct rigged_array *array = &call->run.arrays[index];
	const off_t at = lseek(output->fd, 0, SEEK_CUR);
	char path[40];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", output->fd);
	if (!output->reserved || at < 0 ||
	    (size_t)at % sizeof(max_align_t) != 0 ||
	    rig_segment_open_file(&array->segment, path, NULL) < 0)
		return false;
	array->offset = (size_t)at;
	return true;
}

/* Where a file cannot be mapped, its array is made in memory after all. */
static int map_outputs(struct kernel_call *call)
{
	bool missed = false;

	for (int i = 0; i < call->run.count; i++) {
		struct rigged_array *array = &call->run.arrays[i];

		if (!array->in_output)
			continue;
		array->in_output = map_output(call, i);
		missed |= !array->in_output;
	}
	return missed ? call_check_memory(call) : 0;
}

int call_begin_outputs(struct kernel_call *call)
{
	int r = 0;

	for (int i = 0; i < call->run.count && r == 0; i++) {
		struct source *source = &call->sources[i];
		const char *path =
			source->operand ? source->operand->output : NULL;

		if (path)
			r = (picture_wanted(path) ? picture_create
						  : npy_create)(
				&source->output, path,
				kernel_run_array(&call->run, i),
				&source->shape);
	}
	return r == 0 ? map_outputs(call) : r;
}

/* ---- in and out ---- */

static int read_file(struct kernel_call *call, int index)
{
	const struct npy_input *input = &call->sources[index].input;
	const struct file_part what = {
		.fd = input->fd,
		.at = input->data_at,
		.segment = call->run.arrays[index].segment,
		.offset = call->run.arrays[index].offset,
		.bytes = call->run.arrays[index].bytes,
	};
	bool job;
	int r = file_strips_read(call->run.pool, &what, &job);

	call->outcome.started |= job;
	if (r == 0 || job)
		return r;
	return r == -ENODATA ? words_fail(-EPROTO,
					  "%s: it was truncated just "
					  "now",
					  input->path)
			     : words_fail_file(r, input->path);
}

/* Bring in the arrays that lie in files or in private memory. */
int call_load(struct kernel_call *call)
{
	struct kernel_run *run = &call->run;
	int r = 0;

	for (int i = 0; i < run->count && r == 0; i++) {
		struct source *source = &call->sources[i];

		if (!operand_copied(run, i, source) ||
		    !(run->kernel->arrays[i].role & RIG_INPUT))
			continue;
		/* All ranks read a file that could not be mapped. */
		if (source->operand->file && !source->attached) {
			r = read_file(call, i);
			if (r == 0)
				r = operand_turn(run, i, source);
		} else {
			r = operand_load(run, i, source);
		}
	}
	return r;
}

/* All ranks write the array behind the header, where the file has room. */
static int write_strips(struct kernel_call *call, int index)
{
	const struct source *source = &call->sources[index];
	const struct file_part what = {
		.fd = source->output.fd,
		.at = lseek(source->output.fd, 0, SEEK_CUR),
		.segment = call->arrays[index].segment,
		.offset = call->arrays[index].offset,
		.bytes = call->run.arrays[index].bytes,
	};
	bool job;
	int r = file_strips_write(call->run.pool, &what, &job);

	call->outcome.started |= job;
	return r == 0 || job ? r : words_fail_file(r, source->operand->output);
}

static int end_output(struct kernel_call *call, int index)
{
	struct outfile *output = &call->sources[index].output;
	const char *path = call->sources[index].operand->output;
	int r;

	if (picture_wanted(path))
		return picture_end(output, call_data(call, index),
				   kernel_run_array(&call->run, index));
	if (output->direct) {
		r = outfile_end(output, call_data(call, index),
				call->run.arrays[index].bytes);
		return r < 0 ? words_fail_file(r, path) : 0;
	}
	r = call->run.arrays[index].in_output ? 0 : write_strips(call, index);
	if (r < 0)
		return r;
	r = outfile_end(output, NULL, 0);
	return r < 0 ? words_fail_file(r, path) : 0;
}

/* All files are complete before the first file is put in its place. */
int call_write_outputs(struct kernel_call *call)
{
	int r = 0;

	for (int i = 0; i < call->run.count && r == 0; i++)
		if (call->sources[i].output.path)
			r = end_output(call, i);
	for (int i = 0; i < call->run.count && r == 0; i++) {
		struct outfile *output = &call->sources[i].output;

		if (!output->path)
			continue;
		r = outfile_place(output);
		if (r < 0)
			r = words_fail_file(r, output->path);
	}
	return r;
}

/* Whether the run's elements go back to the operand's place. */
static bool returns(const struct kernel_call *call, int index)
{
	const struct source *source = &call->sources[index];

	return operand_copied(&call->run, index, source) &&
	       (!source->operand->file || source->edited) &&
	       call->run.kernel->arrays[index].role & RIG_OUTPUT;
}

/* Copy the results back to the caller's memory, segment or edited file. */
int call_return_data(struct kernel_call *call)
{
	int r = 0;

	for (int i = 0; i < call->run.count && r == 0; i++)
		if (returns(call, i))
			r = operand_store(&call->run, i, &call->sources[i]);
	return r;
}

bool call_stores(const struct kernel_call *call)
{
	for (int i = 0; i < call->run.count; i++)
		if (returns(call, i) || call->sources[i].output.path)
			return true;
	return false;
}
