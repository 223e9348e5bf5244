/* SPDX-License-Identifier: MIT */
/*
 * call_files.c - the arrays of a call, in and out of files and private memory.
 */
#include <runner/kernel_call.h>

#include <errno.h>
#include <unistd.h>

#include <runner/file_strips.h>
#include <runner/picture.h>
#include <runner/words.h>

const char *call_data(const struct kernel_call *call, int index)
{
	const struct rig_outcome_array *array = &call->arrays[index];

	return (const char *)rig_segment_data(array->segment) + array->offset;
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
	return r;
}

static int read_file(struct kernel_call *call, int index)
{
	const struct npy_input *input = &call->sources[index].input;
	const struct file_part what = {
		.fd = input->fd,
		.at = input->data_at,
		.segment = call->run.arrays[index].segment,
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
	r = write_strips(call, index);
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
