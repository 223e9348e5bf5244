/* SPDX-License-Identifier: MIT */
/*
 * bench_new.c - rigbench new contender: a transport of one's own, to begin with.
 *
 * The file is whole: the file builds with the command that is printed, and is
 * measured and verified beside rigbench's transports.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/headers.h>

#include "commands/commands.h"

#define NAME_MAX_CHARS 30

/* $ stands for the contender's name. */
static const char template[] =
	"/* $.c - a transport of your own: a pair of sockets.  What each function is for:\n"
	" * <rigbench/contender.h>. */\n"
	"#include <errno.h>\n"
	"#include <stdlib.h>\n"
	"#include <sys/socket.h>\n"
	"#include <unistd.h>\n"
	"\n"
	"#include <rigbench/contender.h>\n"
	"\n"
	"struct mine {\n"
	"\tint fd[2]; /* of side 0, of side 1 */\n"
	"\tchar *out, *in;\n"
	"};\n"
	"\n"
	"static int create(struct rigbench_link *link)\n"
	"{\n"
	"\tstruct mine *m = link->state = calloc(1, sizeof(*m));\n"
	"\n"
	"\tm->out = calloc(2, link->bytes + 1);\n"
	"\tm->in = m->out + link->bytes + 1;\n"
	"\tif (socketpair(AF_UNIX, SOCK_STREAM, 0, m->fd) < 0)\n"
	"\t\treturn -errno;\n"
	"\treturn link->bytes ? 0 : -ENOTSUP; /* a stream has no empty message */\n"
	"}\n"
	"/* Without the other's descriptor a side sees that the other has died. */\n"
	"static int attach(struct rigbench_link *link)\n"
	"{\n"
	"\treturn close(((struct mine *)link->state)->fd[!link->side]);\n"
	"}\n"
	"static void *put(struct rigbench_link *link) { return ((struct mine *)link->state)->out; }\n"
	"static int send_all(struct rigbench_link *link)\n"
	"{\n"
	"\tstruct mine *m = link->state;\n"
	"\n"
	"\tfor (size_t at = 0; at < link->bytes;) {\n"
	"\t\tssize_t n = write(m->fd[link->side], m->out + at, link->bytes - at);\n"
	"\t\tif (n < 0 && errno != EINTR)\n"
	"\t\t\treturn -errno;\n"
	"\t\tat += n > 0 ? (size_t)n : 0;\n"
	"\t}\n"
	"\treturn 0;\n"
	"}\n"
	"static void *get_all(struct rigbench_link *link)\n"
	"{\n"
	"\tstruct mine *m = link->state;\n"
	"\n"
	"\tfor (size_t at = 0; at < link->bytes;) {\n"
	"\t\tssize_t n = read(m->fd[link->side], m->in + at, link->bytes - at);\n"
	"\t\tif (n == 0 || (n < 0 && errno != EINTR))\n"
	"\t\t\treturn NULL;\n"
	"\t\tat += n > 0 ? (size_t)n : 0;\n"
	"\t}\n"
	"\treturn m->in;\n"
	"}\n"
	"static int done(struct rigbench_link *link) { (void)link; return 0; }\n"
	"static void destroy(struct rigbench_link *link)\n"
	"{\n"
	"\tstruct mine *m = link->state;\n"
	"\tif (m && close(m->fd[0]) == 0 && close(m->fd[1]) == 0)\n"
	"\t\tlink->state = NULL;\n"
	"}\n"
	"const struct rigbench_contender rigbench_contender = { RIGBENCH_CONTENDER_VERSION,\n"
	"\t1 /* copies */, \"$\", \"a pair of stream sockets\",\n"
	"\tcreate, attach, put, send_all, get_all, done, destroy, { 0 } };\n";

static bool is_name(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_-";

	return *name && strlen(name) <= NAME_MAX_CHARS &&
	       strspn(name, allowed) == strlen(name);
}

static int write_example(const char *path, const char *name)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	bool bad;

	if (!file) {
		fprintf(stderr, "rigbench: %s: %s\n", path,
			errno == EEXIST ? "is there already: choose another "
					  "name"
					: strerror(errno));
		return EXIT_SYSTEM;
	}
	for (const char *c = template; *c; c++)
		if (*c == '$')
			fputs(name, file);
		else
			fputc(*c, file);
	bad = ferror(file);
	if (fclose(file) == 0 && !bad)
		return EXIT_DONE;
	fprintf(stderr, "rigbench: %s: not all of the file was written\n",
		path);
	(void)remove(path);
	return EXIT_SYSTEM;
}

static int command_new(struct command *c)
{
	const char *name = c->word_count == 3 ? c->words[2] : "mine";
	char path[NAME_MAX_CHARS + 3];
	int status;

	if (c->word_count < 2 || c->word_count > 3 ||
	    strcmp(c->words[1], "contender") != 0 || !is_name(name)) {
		fprintf(stderr,
			"rigbench: new contender [NAME], and a NAME is "
			"1 to %d letters, digits, - or _\n",
			NAME_MAX_CHARS);
		return EXIT_USAGE;
	}
	snprintf(path, sizeof(path), "%s.c", name);
	status = write_example(path, name);
	if (status != EXIT_DONE)
		return status;
	printf("%s: a transport to begin with.  Build and measure it:\n\n"
	       "  cc -shared -fPIC -O2 -I%s %s -o %s.so\n"
	       "  rigbench ipc --contender=./%s.so transports=seg-inplace,pipe\n",
	       path, headers_folder("rigbench/contender.h", "bench/include"),
	       path, name, name);
	return EXIT_DONE;
}

const struct bench_command bench_new = {
	.name = "new",
	.words = "contender [NAME]",
	.summary = "Write the beginning of a transport of your own.",
	.run = command_new,
	.about =
		"Writes NAME.c (mine.c), and says how to build and measure the "
		"file.",
};
