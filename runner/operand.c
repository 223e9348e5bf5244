/* SPDX-License-Identifier: MIT */
/*
 * operand.c - the caller's arrays: which elements of which file, segment or
 * memory a kernel is to work on.
 */
#include <runner/operand.h>

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <runner/dtype.h>
#include <runner/transfer.h>
#include <runner/words.h>

_Static_assert(TRANSFER_DIMS_MAX == NPY_DIMS_MAX, "of any array");

static bool is_zero(const uint64_t reserved[RIG_RESERVED_WORDS])
{
	for (int i = 0; i < RIG_RESERVED_WORDS; i++)
		if (reserved[i])
			return false;
	return true;
}

/* The array for an operand; -1: no array is left, or none has the name. */
static int find_array(const struct kernel_run *run, const char *name,
		      const struct source *sources)
{
	const struct rig_array_spec *specs = run->kernel->arrays;

	for (int i = 0; i < run->count; i++)
		if (name ? strcmp(specs[i].name, name) == 0
			 : specs[i].role && !sources[i].operand)
			return i;
	return -1;
}

/* Whether the array may play the part that the operand gives it. */
static int check_role(const struct rig_kernel *kernel, int index,
		      const struct rig_operand *operand)
{
	const struct rig_array_spec *spec = &kernel->arrays[index];

	if (!spec->role)
		return words_fail(-EINVAL,
				  "array %s is scratch memory of %s: nobody "
				  "gives it",
				  spec->name, kernel->name);
	if (operand->file && !(spec->role & RIG_INPUT))
		return words_fail(-EINVAL, "array %s of %s is no input",
				  spec->name, kernel->name);
	if (operand->inplace && (!operand->file || operand->output ||
				 spec->role != RIG_INOUT || spec->shortens))
		return words_fail(-EINVAL,
				  "array %s of %s: in place is for a file of "
				  "which each element is read and written, "
				  "without another output",
				  spec->name, kernel->name);
	if (operand->output && !(spec->role & RIG_OUTPUT))
		return words_fail(-EINVAL, "array %s of %s is no output",
				  spec->name, kernel->name);
	if (!operand->segment + !operand->file + !operand->data < 2)
		return words_fail(-EINVAL,
				  "array %s: a segment, a file or data: one of "
				  "them, not several",
				  spec->name);
	return 0;
}

int operands_assign(const struct kernel_run *run, const struct rig_spec *spec,
		    struct source sources[RIG_ARRAYS_MAX])
{
	int r = 0;

	for (size_t i = 0; i < spec->operand_count && r == 0; i++) {
		const struct rig_operand *operand = &spec->operands[i];
		int index = find_array(run, operand->name, sources);

		if (!is_zero(operand->reserved))
			return words_fail(-EINVAL,
					  "operand %zu: a reserved field is "
					  "not 0",
					  i);
		if (index < 0)
			return words_fail(-EINVAL, "%s has no array \"%.80s\"",
					  run->kernel->name,
					  operand->name ? operand->name
							: "of one more");
		if (sources[index].operand)
			return words_fail(-EINVAL, "array %s is given twice",
					  run->kernel->arrays[index].name);
		r = check_role(run->kernel, index, operand);
		sources[index].operand = operand;
	}
	return r;
}

/* In Fortran order, where the kernel sees all dimensions. */
static void turn_strides(struct rig_array *array)
{
	int64_t stride = array->item_bytes;

	for (uint32_t d = 0; d < array->dims && array->dims <= RIG_DIMS_MAX;
	     d++) {
		array->strides[d] = stride;
		stride *= array->shape[d];
	}
}

/* Tell the kernel the shape of the array, as far as rig_array has room. */
static void set_shape(struct rig_array *array, const struct npy_shape *shape)
{
	int more = shape->dims > RIG_DIMS_MAX ? shape->dims - RIG_DIMS_MAX : 0;
	int64_t stride = array->item_bytes;

	array->dims = (uint32_t)shape->dims;
	for (int d = shape->dims - more - 1; d >= 0; d--) {
		array->shape[d] = (int64_t)shape->extent[d + more];
		for (int k = 0; d == 0 && k < more; k++)
			array->shape[0] *= (int64_t)shape->extent[k];
		array->strides[d] = stride;
		stride *= array->shape[d];
	}
	if (shape->fortran)
		turn_strides(array);
}

/* Whether the ranks can use the elements in place, in the file. */
static bool lies_well(const struct rig_array_spec *spec,
		      const struct npy_input *input)
{
	size_t at = (size_t)input->data_at;

	return spec->role == RIG_INPUT && input->array.count > 0 &&
	       (spec->any_byte ||
		at % dtype_align((enum rig_dtype)input->array.dtype) == 0);
}

/* The operand says no more of the file than the file does. */
static int check_stated(const struct rig_operand *operand,
			const struct npy_input *input)
{
	bool same = !operand->shape || operand->dims == input->shape.dims;

	for (int d = 0; operand->shape && same && d < operand->dims; d++)
		same = operand->shape[d] == (int64_t)input->shape.extent[d];
	if (!same)
		return words_fail(-EINVAL,
				  "%s: its shape is not the one that is stated",
				  operand->file);
	if (operand->dtype && operand->dtype != input->array.dtype)
		return words_fail(
			-EINVAL, "%s: it is of %s, and %s is stated",
			operand->file,
			rig_dtype_name((enum rig_dtype)input->array.dtype),
			rig_dtype_name(operand->dtype));
	if (operand->offset || operand->strides)
		return words_fail(-EINVAL,
				  "%s: a file is taken whole: offset and "
				  "strides are of segments and of data",
				  operand->file);
	return 0;
}

/* No store of the ranks meets a full disk, and no other run the same file. */
static int reserve_edit(struct source *source, const char *path)
{
	const struct npy_input *input = &source->input;
	off_t bytes =
		(off_t)(input->array.count * (uint64_t)input->array.item_bytes);
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return words_fail_file(-errno, source->operand->file);
	source->edit_fd = fd;
	source->edited = true;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return words_fail(errno == EWOULDBLOCK ? -EBUSY : -errno,
				  "%s: another run is editing it",
				  source->operand->file);
	if (bytes && fallocate(fd, 0, input->data_at, bytes) < 0 &&
	    errno != EOPNOTSUPP && errno != ENOSYS)
		return words_fail_file(-errno, source->operand->file);
	return 0;
}

/* The ranks edit the file in place. */
static int open_edited(struct kernel_run *run, int index, struct source *source,
		       const char *path)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	int r = reserve_edit(source, path);

	if (r < 0)
		return r;
	if (!spec->any_byte &&
	    source->input.data_at %
		    dtype_align((enum rig_dtype)source->input.array.dtype))
		return words_fail(-EPROTO,
				  "%s: its elements are not aligned, and %s "
				  "cannot work on them in place",
				  source->operand->file, run->kernel->name);
	return rig_segment_open_file(&source->attached, path, NULL);
}

/* Whether the kernel gets a copy: elements whose order in memory or order of
 * bytes the kernel does not take are copied. */
static void plan_copy(const struct rig_array_spec *spec, struct source *source,
		      struct rig_array *array, bool apart)
{
	source->apart = apart;
	source->turned = array->swapped && !spec->any_endian;
	if (source->apart)
		source->shape.fortran = false;
	if (source->turned)
		array->swapped = 0;
}

/* Where the elements of a file lie. */
static void find_strides(struct source *source)
{
	int64_t stride = source->input.array.item_bytes;
	struct strided *strided = &source->strided;
	int dims = source->shape.dims;

	strided->offset = (uint64_t)source->input.data_at;
	strided->item_bytes = source->input.array.item_bytes;
	strided->dims = dims;
	for (int k = 0; k < dims; k++) {
		int d = source->apart ? k : dims - 1 - k;

		strided->shape[d] = (int64_t)source->shape.extent[d];
		strided->strides[d] = stride;
		stride *= strided->shape[d];
	}
}

/* Ranks map files that are only read, and files that are edited.  A file that
 * cannot be mapped is read, as the file of an array that the kernel writes is;
 * a file in Fortran order must be mapped. */
static int open_file(struct kernel_run *run, int index, struct source *source)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	struct npy_input *input = &source->input;
	const struct rig_segment_options options = { .read_only = true };
	char path[40];
	int r = npy_open(input, source->operand->file);

	if (r == 0)
		r = check_stated(source->operand, input);
	if (r < 0)
		return r;
	source->shape = input->shape;
	plan_copy(spec, source, &input->array,
		  input->shape.fortran && !spec->any_order);
	set_shape(&input->array, &source->shape);
	/* The path of the open file itself, whatever the operand's name means
	 * by now. */
	snprintf(path, sizeof(path), "/proc/self/fd/%d", input->fd);
	if (source->operand->inplace)
		r = open_edited(run, index, source, path);
	else if (source->apart)
		r = rig_segment_open_file(&source->attached, path, &options);
	else if (lies_well(spec, input) && !source->turned)
		(void)rig_segment_open_file(&source->attached, path, &options);
	if (r < 0)
		return r;
	find_strides(source);
	if (source->attached && !source->apart && !source->turned)
		kernel_run_give(run, index, &input->array,
				rig_segment_name(source->attached),
				(size_t)input->data_at);
	else
		kernel_run_give(run, index, &input->array, NULL, 0);
	return 0;
}

/* Read the operand's shape, and count the elements. */
static int read_shape(const struct rig_operand *operand, const char *name,
		      struct npy_shape *shape, uint64_t *count)
{
	*count = 1;
	if (operand->dims < 0 || operand->dims > NPY_DIMS_MAX)
		return words_fail(-EINVAL,
				  "array %s: %d dimensions, not 0 to %d", name,
				  operand->dims, NPY_DIMS_MAX);
	shape->dims = operand->dims;
	for (int d = 0; d < operand->dims; d++) {
		if (operand->shape[d] < 0 ||
		    __builtin_mul_overflow(*count, (size_t)operand->shape[d],
					   count))
			return words_fail(-EINVAL,
					  "array %s: dimension %d has %lld "
					  "elements, which cannot be",
					  name, d,
					  (long long)operand->shape[d]);
		shape->extent[d] = (size_t)operand->shape[d];
	}
	return 0;
}

/* Count the elements of a segment's array, from the shape or from the size of
 * the segment. */
static int count_window(struct source *source, const char *name,
			struct rig_array *array)
{
	const struct rig_operand *operand = source->operand;
	size_t has = rig_segment_bytes(source->attached);
	size_t left = has - operand->offset;

	if (operand->offset > has)
		return words_fail(-ERANGE,
				  "segment %s: byte %zu, where array %s is to "
				  "begin, is beyond its %zu bytes",
				  operand->segment, operand->offset, name, has);
	if (operand->shape)
		return read_shape(operand, name, &source->shape, &array->count);
	if (operand->strides)
		return words_fail(-EINVAL,
				  "array %s: strides are of a shape: give it "
				  "one",
				  name);
	if (left % array->item_bytes)
		return words_fail(-ERANGE,
				  "segment %s: %zu bytes are no whole number "
				  "of %s: say how many",
				  operand->segment, left,
				  rig_dtype_name(array->dtype));
	array->count = left / array->item_bytes;
	source->shape =
		(struct npy_shape){ .dims = 1, .extent = { array->count } };
	return 0;
}

/* Check that all elements lie in the segment.  Sets *plain where the elements
 * are in C order. */
static int check_window(struct source *source, const struct rig_array *array,
			bool *plain)
{
	const struct rig_operand *operand = source->operand;
	struct strided *strided = &source->strided;
	size_t has = rig_segment_bytes(source->attached);
	int64_t stride = array->item_bytes;
	uint64_t low, high;

	*plain = true;
	strided->offset = operand->offset;
	strided->item_bytes = array->item_bytes;
	strided->dims = source->shape.dims;
	for (int d = strided->dims - 1; d >= 0; d--) {
		strided->shape[d] = (int64_t)source->shape.extent[d];
		strided->strides[d] =
			operand->strides ? operand->strides[d] : stride;
		*plain &=
			strided->strides[d] == stride || strided->shape[d] == 1;
		if (__builtin_mul_overflow(stride, strided->shape[d], &stride))
			break;
	}
	if (strided_extent(strided, &low, &high) == 0 && high <= has)
		return 0;
	return words_fail(-ERANGE,
			  "segment %s: %llu elements of %s from byte %zu on "
			  "are more than its %zu bytes",
			  operand->segment, (unsigned long long)array->count,
			  rig_dtype_name(array->dtype), operand->offset, has);
}

/* The dtype of a segment or of memory. */
static int find_dtype(const struct rig_array_spec *spec,
		      const struct rig_operand *operand,
		      struct rig_array *array)
{
	enum rig_dtype dtype = operand->dtype ? operand->dtype : spec->dtype;

	*array = (struct rig_array){ .dtype = dtype,
				     .item_bytes = rig_dtype_bytes(dtype),
				     .swapped = operand->swapped &&
						rig_dtype_bytes(dtype) > 1 };
	if (!operand->dtype && spec->any_dtype)
		return words_fail(-EINVAL,
				  "array %s: bytes do not say what they are: "
				  "give it a dtype",
				  spec->name);
	if (array->item_bytes == 0)
		return words_fail(-EINVAL, "array %s: there is no dtype %d",
				  spec->name, (int)dtype);
	return 0;
}

/* With a stride of 0 two elements of a written array would lie at the same
 * place. */
static int check_strides(const struct rig_operand *operand, const char *name)
{
	for (int d = 0; operand->strides && d < operand->dims; d++)
		if (operand->strides[d] == 0 && operand->shape[d] > 1)
			return words_fail(-EINVAL,
					  "array %s is written, and the stride "
					  "of its dimension %d is 0",
					  name, d);
	return 0;
}

static int open_segment(struct kernel_run *run, int index,
			struct source *source, bool replicate)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	const struct rig_operand *operand = source->operand;
	struct rig_array array;
	bool plain = true;
	int r = find_dtype(spec, operand, &array);

	if (r < 0)
		return r;
	r = rig_segment_attach(
		&source->attached, operand->segment,
		&(struct rig_segment_options){
			.read_only = !(spec->role & RIG_OUTPUT),
			/* Copies on each node end with the handle. */
			.brief = !replicate });
	if (r == 0)
		r = count_window(source, spec->name, &array);
	if (r == 0)
		r = check_window(source, &array, &plain);
	if (r == 0 && spec->role & RIG_OUTPUT)
		r = check_strides(operand, spec->name);
	if (r < 0)
		return r;
	plan_copy(spec, source, &array, !plain);
	set_shape(&array, &source->shape);
	if (source->apart || source->turned)
		kernel_run_give(run, index, &array, NULL, 0);
	else
		kernel_run_give(run, index, &array, operand->segment,
				operand->offset);
	return 0;
}

static int open_data(struct kernel_run *run, int index, struct source *source)
{
	const struct rig_array_spec *spec = &run->kernel->arrays[index];
	const struct rig_operand *operand = source->operand;
	struct rig_array array;
	int r = find_dtype(spec, operand, &array);

	if (r < 0)
		return r;
	if (!operand->shape)
		return words_fail(-EINVAL, "array %s: data needs a shape",
				  spec->name);
	r = read_shape(operand, spec->name, &source->shape, &array.count);
	if (r == 0 && spec->role & RIG_OUTPUT)
		r = check_strides(operand, spec->name);
	if (r < 0)
		return r;
	plan_copy(spec, source, &array, false);
	set_shape(&array, &source->shape);
	kernel_run_give(run, index, &array, NULL, 0);
	return 0;
}

int operand_open(struct kernel_run *run, int index, struct source *source,
		 bool replicate)
{
	const struct rig_operand *operand = source->operand;

	if (!operand)
		return 0;
	if (operand->file)
		return open_file(run, index, source);
	if (operand->segment)
		return open_segment(run, index, source, replicate);
	return operand->data ? open_data(run, index, source) : 0;
}

/* Whether array `other` uses the file of the edited array `index`. */
static bool shares_file(const struct source sources[RIG_ARRAYS_MAX], int index,
			int other)
{
	const struct rig_operand *edited = sources[index].operand;
	const struct rig_operand *b = sources[other].operand;

	return sources[index].edited && b && index != other &&
	       ((b->file && outfile_same(edited->file, b->file)) ||
		(b->output && outfile_same(edited->file, b->output)));
}

static int check_edited(const struct kernel_run *run, int index,
			const struct source sources[RIG_ARRAYS_MAX])
{
	for (int k = 0; k < run->count; k++)
		if (shares_file(sources, index, k))
			return words_fail(-EINVAL,
					  "%s: it is edited in place, and is "
					  "array %s, too",
					  sources[index].operand->file,
					  run->kernel->arrays[k].name);
	return 0;
}

/* The bytes of the attached segment in which an array's elements lie. */
static void extent_of(const struct kernel_run *run, int index,
		      const struct source *source, uint64_t *low,
		      uint64_t *high)
{
	const struct rigged_array *array = &run->arrays[index];

	*low = array->offset;
	*high = array->offset + array->bytes;
	if (source->apart || source->turned)
		(void)strided_extent(&source->strided, low, high);
}

/* Do two arrays of segments share a byte? */
static bool overlap(const struct kernel_run *run, const struct source *sources,
		    int first, int second)
{
	const struct source *a = &sources[first], *b = &sources[second];
	uint64_t low, high, other_low, other_high;

	if (!a->attached || !b->attached ||
	    strcmp(rig_segment_name(a->attached),
		   rig_segment_name(b->attached)) != 0)
		return false;
	extent_of(run, first, a, &low, &high);
	extent_of(run, second, b, &other_low, &other_high);
	return low < other_high && other_low < high;
}

int operands_check(const struct kernel_run *run,
		   const struct source sources[RIG_ARRAYS_MAX])
{
	const struct rig_array_spec *specs = run->kernel->arrays;

	for (int i = 0; i < run->count; i++) {
		int r = check_edited(run, i, sources);

		if (r < 0)
			return r;
		for (int k = 0; k < i; k++)
			if (((specs[i].role | specs[k].role) & RIG_OUTPUT) &&
			    overlap(run, sources, i, k))
				return words_fail(
					-EINVAL,
					"arrays %s and %s overlap in segment "
					"%s",
					specs[k].name, specs[i].name,
					rig_segment_name(sources[i].attached));
	}
	return 0;
}

void operand_close(struct source *source)
{
	npy_close(&source->input);
	outfile_discard(&source->output);
	rig_segment_destroy(source->attached);
	source->attached = NULL;
	if (source->edited)
		close(source->edit_fd);
	source->edited = false;
}
