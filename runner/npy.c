/* SPDX-License-Identifier: MIT */
/*
 * npy.c - NumPy's .npy files: read straight into memory, written with a header.
 */
#include <runner/npy.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <runner/npy_header.h>
#include <runner/words.h>

/* No array of numbers has a longer header. */
#define HEADER_MAX (1 << 20)

/* The most bytes of a read. */
#define PIECE_MAX ((size_t)1 << 30)

static int unreadable(const char *path)
{
	return words_fail_file(-errno, path);
}

/* Read exactly `bytes` bytes; a file that ends too early sets errno to 0. */
static bool read_all(int fd, void *to, size_t bytes, off_t at)
{
	char *next = to;

	while (bytes) {
		ssize_t got = pread(fd, next,
				    bytes < PIECE_MAX ? bytes : PIECE_MAX, at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0) {
			errno = got ? errno : 0;
			return false;
		}
		next += got;
		at += got;
		bytes -= (size_t)got;
	}
	return true;
}

/* Find the header's text: its offset and length.  Returns NULL, or words about
 * the mistake (and errno, where a read failed). */
static const char *find_header(int fd, off_t *text_at, size_t *bytes)
{
	unsigned char start[12] = { 0 };

	if (!read_all(fd, start, sizeof(start), 0) ||
	    memcmp(start, "\x93NUMPY", 6) != 0)
		return memcmp(start, "PK\x03\x04", 4) == 0
			       ? "it is an .npz file: save each array by "
				 "itself, numpy.save(\"a.npy\", z[\"a\"])"
			       : "it is no .npy file";
	/* Major and minor. */
	switch (start[7] ? 0 : start[6]) {
	case 1:
		*text_at = 10;
		*bytes = (size_t)start[8] | (size_t)start[9] << 8;
		break;
	case 2:
	case 3:
		*text_at = 12;
		*bytes = (size_t)start[8] | (size_t)start[9] << 8 |
			 (size_t)start[10] << 16 | (size_t)start[11] << 24;
		break;
	default:
		return "its format version is not 1.0, 2.0 or 3.0";
	}
	return *bytes > HEADER_MAX ? "its header is too long" : NULL;
}

/* Check the size of the file against the header. */
static int check_size(const struct npy_input *input, off_t file_bytes)
{
	size_t bytes, has = (size_t)(file_bytes - input->data_at);

	if (__builtin_mul_overflow((size_t)input->array.count,
				   (size_t)input->array.item_bytes, &bytes) ||
	    has < bytes)
		return words_fail(-EPROTO,
				  "%s: it is truncated: %zu bytes of data, its "
				  "header says %llu elements of %u",
				  input->path, has,
				  (unsigned long long)input->array.count,
				  input->array.item_bytes);
	if (has > bytes)
		return words_fail(-EPROTO,
				  "%s: %zu bytes follow the array: save it as "
				  "one array",
				  input->path, has - bytes);
	return 0;
}

static int read_header(struct npy_input *input, off_t file_bytes)
{
	char words[160];
	size_t bytes = 0;
	off_t text_at = 0;
	const char *wrong = find_header(input->fd, &text_at, &bytes);
	char *text;

	if (wrong)
		return words_fail(-EPROTO, "%s: %s", input->path, wrong);
	text = malloc(bytes + 1);
	if (!text)
		return words_fail(-ENOMEM, "out of memory");
	if (!read_all(input->fd, text, bytes, text_at))
		wrong = "it is truncated in its header";
	else
		wrong = npy_parse_header(text, bytes, &input->shape,
					 &input->array, words, sizeof(words));
	free(text);
	if (wrong)
		return words_fail(-EPROTO, "%s: %s", input->path, wrong);
	input->data_at = text_at + (off_t)bytes;
	return check_size(input, file_bytes);
}

int npy_open(struct npy_input *input, const char *path)
{
	struct stat status;
	int r;

	*input = (struct npy_input){ .path = path };
	/* O_NONBLOCK: open() does not wait for the writer of a pipe, which is
	 * refused below. */
	input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (input->fd < 0 || fstat(input->fd, &status) < 0)
		r = unreadable(path);
	else if (!S_ISREG(status.st_mode))
		r = words_fail(-EPROTO, "%s: not a regular file", path);
	else
		r = read_header(input, status.st_size);
	if (r)
		npy_close(input);
	return r;
}

void npy_close(struct npy_input *input)
{
	if (input->path && input->fd >= 0)
		close(input->fd);
	input->fd = -1;
}

int npy_create(struct outfile *output, const char *path,
	       const struct rig_array *array, const struct npy_shape *shape)
{
	size_t bytes = 0;
	char *header = npy_make_header(array, shape, &bytes);
	int r;

	*output = (struct outfile){ .fd = -1 };
	if (!header)
		return words_fail(-ENOMEM, "out of memory");
	r = outfile_begin(output, path, header, bytes,
			  array->count * array->item_bytes);
	free(header);
	return r < 0 ? words_fail_file(r, path) : 0;
}
