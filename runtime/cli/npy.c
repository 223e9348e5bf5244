/* SPDX-License-Identifier: MIT */
/*
 * npy.c - NumPy's .npy files: read straight into memory, written beside and
 * renamed.
 *
 * An output gets its name when it is complete, so that whoever looks sees the
 * old file or the new one, and the input may be the output.  Until then it has
 * no name at all where the file system can do that, so that nothing is left of
 * a program that is killed.
 */
#include "npy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "npy_header.h"

/* Longer headers than this no array of numbers has. */
#define HEADER_MAX (1 << 20)

/* Bytes that one read or write may be of. */
#define PIECE_MAX ((size_t)1 << 30)

static int unreadable(const char *path)
{
	return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
}

/* Read exactly `bytes` bytes; a file that ends before sets errno to 0. */
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

static bool write_all(int fd, const void *from, size_t bytes)
{
	const char *next = from;

	while (bytes) {
		ssize_t put =
			write(fd, next, bytes < PIECE_MAX ? bytes : PIECE_MAX);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return false;
		next += put;
		bytes -= (size_t)put;
	}
	return true;
}

/* Where the header's text is: its offset and length.  NULL, or what is wrong
 * (errno where reading was). */
static const char *find_header(int fd, off_t *text_at, size_t *bytes)
{
	unsigned char start[12];

	if (!read_all(fd, start, sizeof(start), 0) ||
	    memcmp(start, "\x93NUMPY", 6) != 0)
		return "it is no .npy file";
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

/* The size of the file is what the header says? */
static int check_size(const struct npy_input *input, off_t file_bytes)
{
	size_t bytes, has = (size_t)(file_bytes - input->data_at);

	if (__builtin_mul_overflow((size_t)input->array.count,
				   (size_t)input->array.item_bytes, &bytes) ||
	    has < bytes)
		return complain(EXIT_SYSTEM,
				"%s: it is truncated: %zu bytes of data, its "
				"header says %llu elements of %u",
				input->path, has,
				(unsigned long long)input->array.count,
				input->array.item_bytes);
	if (has > bytes)
		return complain(EXIT_SYSTEM,
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
		return complain(EXIT_SYSTEM, "%s: %s", input->path, wrong);
	text = malloc(bytes + 1);
	if (!text)
		return complain(EXIT_SYSTEM, "out of memory");
	if (!read_all(input->fd, text, bytes, text_at))
		wrong = "it is truncated in its header";
	else
		wrong = npy_parse_header(text, bytes, &input->shape,
					 &input->array, words, sizeof(words));
	free(text);
	if (wrong)
		return complain(EXIT_SYSTEM, "%s: %s", input->path, wrong);
	input->data_at = text_at + (off_t)bytes;
	return check_size(input, file_bytes);
}

int npy_open(struct npy_input *input, const char *path)
{
	struct stat status;
	int r;

	*input = (struct npy_input){ .path = path };
	/* Not waiting for a pipe's writer: it is refused below. */
	input->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (input->fd < 0 || fstat(input->fd, &status) < 0)
		r = unreadable(path);
	else if (!S_ISREG(status.st_mode))
		r = complain(EXIT_SYSTEM, "%s: not a regular file", path);
	else
		r = read_header(input, status.st_size);
	if (r)
		npy_close(input);
	return r;
}

int npy_read(const struct npy_input *input, void *to)
{
	size_t bytes = input->array.count * input->array.item_bytes;

	if (read_all(input->fd, to, bytes, input->data_at))
		return 0;
	if (errno)
		return unreadable(input->path);
	return complain(EXIT_SYSTEM, "%s: it was truncated just now",
			input->path);
}

void npy_close(struct npy_input *input)
{
	if (input->path && input->fd >= 0)
		close(input->fd);
	input->fd = -1;
}

/* ---- output ---- */

static int unwritable(const struct npy_output *output)
{
	return complain(EXIT_SYSTEM, "%s: %s", output->path, strerror(errno));
}

/* A name beside `path` that nobody has: .NAME.rig-16 hex digits. */
static char *name_beside(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	unsigned long long random = 0;
	char *name = NULL;

	if (getrandom(&random, sizeof(random), 0) < 0 ||
	    asprintf(&name, "%.*s.%.200s.rig-%016llx", (int)(base - path), path,
		     base, random) < 0)
		return NULL;
	return name;
}

/* The file without a name, or with a temporary one. */
static int open_beside(struct npy_output *output)
{
	const char *slash = strrchr(output->path, '/');
	char *folder =
		slash == output->path
			? strdup("/")
			: strndup(slash ? output->path : ".",
				  slash ? (size_t)(slash - output->path) : 1);

	if (!folder)
		return -1;
	output->fd = open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(folder);
	if (output->fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR))
		return output->fd;
	output->temporary = name_beside(output->path);
	if (!output->temporary)
		return -1;
	output->fd = open(output->temporary,
			  O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	if (output->fd < 0) {
		free(output->temporary);
		output->temporary = NULL;
	}
	return output->fd;
}

/* What is there now decides how to write: false, with errno, if it cannot be. */
static bool open_output(struct npy_output *output)
{
	struct stat status;

	if (stat(output->path, &status) < 0)
		return errno == ENOENT && open_beside(output) >= 0;
	if (S_ISDIR(status.st_mode)) {
		errno = EISDIR;
		return false;
	}
	if (!S_ISREG(status.st_mode)) {
		output->direct = true;
		output->fd = open(output->path, O_WRONLY | O_CLOEXEC);
		return output->fd >= 0;
	}
	/* Whom the file refuses may not replace it either. */
	if (access(output->path, W_OK) < 0 || open_beside(output) < 0)
		return false;
	(void)fchmod(output->fd, status.st_mode & 0777);
	return true;
}

/* Room for all of it now, rather than a failure when the work is done. */
static bool reserve(const struct npy_output *output, size_t header,
		    size_t elements)
{
	size_t bytes;

	if (__builtin_add_overflow(header, elements, &bytes) ||
	    bytes > INT64_MAX) {
		errno = EFBIG;
		return false;
	}
	return output->direct ||
	       fallocate(output->fd, 0, 0, (off_t)bytes) == 0 ||
	       errno == EOPNOTSUPP || errno == ENOSYS;
}

int npy_begin(struct npy_output *output, const char *path, const char *header,
	      size_t bytes, uint64_t body_bytes)
{
	*output = (struct npy_output){ .fd = -1 };
	output->path = realpath(path, NULL);
	if (!output->path)
		output->path = strdup(path);
	if (!output->path)
		return complain(EXIT_SYSTEM, "out of memory");
	if (!open_output(output) || !reserve(output, bytes, body_bytes) ||
	    !write_all(output->fd, header, bytes))
		return unwritable(output);
	return 0;
}

int npy_create(struct npy_output *output, const char *path,
	       const struct rig_array *array, const struct npy_shape *shape)
{
	size_t bytes = 0;
	char *header = npy_make_header(array, shape, &bytes);
	int r;

	*output = (struct npy_output){ .fd = -1 };
	if (!header)
		return complain(EXIT_SYSTEM, "out of memory");
	r = npy_begin(output, path, header, bytes,
		      array->count * array->item_bytes);
	free(header);
	return r;
}

int npy_commit(struct npy_output *output, const void *data, size_t bytes)
{
	char self[40];
	int r;

	if (!write_all(output->fd, data, bytes))
		return unwritable(output);
	if (output->direct)
		return 0;
	if (!output->temporary) {
		output->temporary = name_beside(output->path);
		snprintf(self, sizeof(self), "/proc/self/fd/%d", output->fd);
		if (!output->temporary ||
		    linkat(AT_FDCWD, self, AT_FDCWD, output->temporary,
			   AT_SYMLINK_FOLLOW) < 0)
			return unwritable(output);
	}
	/* Some file systems tell only now that the disk is full. */
	r = close(output->fd);
	output->fd = -1;
	if (r < 0 || rename(output->temporary, output->path) < 0)
		return unwritable(output);
	free(output->temporary);
	output->temporary = NULL;
	return 0;
}

void npy_discard(struct npy_output *output)
{
	if (output->temporary)
		(void)unlink(output->temporary);
	/* A zeroed one was never made. */
	if (output->path && output->fd >= 0)
		close(output->fd);
	free(output->temporary);
	free(output->path);
	*output = (struct npy_output){ .fd = -1 };
}
