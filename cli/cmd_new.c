/* SPDX-License-Identifier: MIT */
/*
 * cmd_new.c - runrig new: the source of a new kernel, for a user to begin with.
 *
 * The file is complete: built by the command that is printed, the kernel runs
 * and verifies.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <common/headers.h>
#include <runrig/error.h>
#include <runrig/kernels.h>

#include "command.h"

/* $ stands for the kernel's name. */
static const char template[] =
	"/*\n"
	" * $.c - a kernel: a[i] = x * i.\n"
	" *\n"
	" * What each part of a kernel is for: runrig/kernel.h.\n"
	" */\n"
	"#include <errno.h>\n"
	"#include <stddef.h>\n"
	"#include <stdio.h>\n"
	"\n"
	"#include <runrig/kernel.h>\n"
	"\n"
	"/* The arguments: what the runner says, then the parameters. */\n"
	"struct args {\n"
	"\tstruct rig_kernel_args header;\n"
	"\tsize_t n;\n"
	"\tdouble x;\n"
	"};\n"
	"\n"
	"static const struct rig_param params[] = {\n"
	"\t{ .name = \"n\",\n"
	"\t  .help = \"elements\",\n"
	"\t  .kind = RIG_PARAM_SIZE,\n"
	"\t  .offset = offsetof(struct args, n),\n"
	"\t  .fallback = \"1M\",\n"
	"\t  .max = 1e12 },\n"
	"\t{ .name = \"x\",\n"
	"\t  .help = \"the factor\",\n"
	"\t  .kind = RIG_PARAM_REAL,\n"
	"\t  .offset = offsetof(struct args, x),\n"
	"\t  .fallback = \"2\",\n"
	"\t  .min = -1e9,\n"
	"\t  .max = 1e9 },\n"
	"\t{ 0 },\n"
	"};\n"
	"\n"
	"static uint64_t count(const void *given)\n"
	"{\n"
	"\tconst struct args *args = given;\n"
	"\n"
	"\treturn args->n;\n"
	"}\n"
	"\n"
	"static double bytes_moved(const void *given)\n"
	"{\n"
	"\tconst struct args *args = given;\n"
	"\n"
	"\treturn (double)args->n * sizeof(double);\n"
	"}\n"
	"\n"
	"/* Every rank runs this at the same time, each on its strip. */\n"
	"static int run(struct rig_team *team)\n"
	"{\n"
	"\tconst struct args *args = rig_team_args(team);\n"
	"\tstruct rig_span strip = rig_team_strip(team, args->n);\n"
	"\tdouble *a = rig_team_data(team, 0);\n"
	"\n"
	"\tfor (size_t i = strip.begin; i < strip.end; i++) {\n"
	"\t\ta[i] = args->x * (double)i;\n"
	"\t\t/* What a terminal shows of a long run: now and then will do. "
	"*/\n"
	"\t\tif (i % 65536 == 0)\n"
	"\t\t\trig_team_progress(team,\n"
	"\t\t\t\t\t  (double)(i - strip.begin) /\n"
	"\t\t\t\t\t\t  (double)(strip.end - strip.begin));\n"
	"\t}\n"
	"\treturn rig_team_barrier(team);\n"
	"}\n"
	"\n"
	"/* Look at what another rank has written. */\n"
	"static int verify(struct rig_team *team)\n"
	"{\n"
	"\tconst struct args *args = rig_team_args(team);\n"
	"\tint size = rig_team_size(team);\n"
	"\tstruct rig_span strip = rig_strip(\n"
	"\t\targs->n, (rig_team_rank(team) + 1) % size, size);\n"
	"\tconst double *a = rig_team_data(team, 0);\n"
	"\n"
	"\tfor (size_t i = strip.begin; i < strip.end; i++)\n"
	"\t\tif (a[i] != args->x * (double)i)\n"
	"\t\t\treturn rig_team_fail(team, -EBADMSG,\n"
	"\t\t\t\t\t     \"element %zu is %g\", i, a[i]);\n"
	"\treturn 0;\n"
	"}\n"
	"\n"
	"/* In the caller: what it found, \"last = 2999997\". */\n"
	"static void result(const void *given, void *const data[], char *text,\n"
	"\t\t   size_t bytes)\n"
	"{\n"
	"\tconst struct args *args = given;\n"
	"\tconst double *a = data[0];\n"
	"\n"
	"\tif (args->n > 0)\n"
	"\t\tsnprintf(text, bytes, \"last = %.17g\", a[args->n - 1]);\n"
	"}\n"
	"\n"
	"static const struct rig_array_spec arrays[] = {\n"
	"\t{ .name = \"a\",\n"
	"\t  .role = RIG_OUTPUT,\n"
	"\t  .dtype = RIG_FLOAT64,\n"
	"\t  .count = count },\n"
	"\t{ 0 },\n"
	"};\n"
	"\n"
	"const struct rig_kernel runrig_kernel = {\n"
	"\t.version = RIG_KERNEL_VERSION,\n"
	"\t.name = \"$\",\n"
	"\t.summary = \"a multiplication table\",\n"
	"\t.verified = \"the closed form, each element\",\n"
	"\t.params = params,\n"
	"\t.arrays = arrays,\n"
	"\t.args_bytes = sizeof(struct args),\n"
	"\t.bytes_moved = bytes_moved,\n"
	"\t.run = run,\n"
	"\t.verify = verify,\n"
	"\t.result = result,\n"
	"};\n";

static void put(FILE *file, const char *name)
{
	for (const char *c = template; *c; c++) {
		if (*c == '$')
			fputs(name, file);
		else
			fputc(*c, file);
	}
}

/* A path as a word of a shell. */
static void put_word(const char *path)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-_./+,:@%";

	if (strspn(path, plain) == strlen(path)) {
		fputs(path, stdout);
		return;
	}
	putchar('\'');
	for (; *path; path++) {
		if (*path == '\'')
			fputs("'\\'", stdout);
		putchar(*path);
	}
	putchar('\'');
}

/* The library itself.  A kernel that is linked with the library finds
 * rig_team_*() also where a program has loaded the library by dlopen(), for the
 * program's own use alone. */
static const char *library(void)
{
	static char path[PATH_MAX];
	Dl_info info;

	if (!dladdr((void *)(uintptr_t)rig_version, &info) || !info.dli_fname ||
	    !realpath(info.dli_fname, path))
		return "-lrunrig";
	return strstr(path, ".so") ? path : "-lrunrig";
}

static void print_how(const char *name)
{
	printf("%s.c: a kernel to begin with.  Build it, and run it:\n\n"
	       "  cc -O2 -shared -fPIC -I",
	       name);
	put_word(headers_folder("runrig/kernel.h", "runtime/include"));
	printf(" %s.c -o %s.so ", name, name);
	put_word(library());
	printf("\n  runrig run ./%s.so x=3\n", name);
}

/* Make the file in the current folder, where the printed command looks. */
static int write_file(const char *name)
{
	char path[RIG_KERNEL_NAME_MAX + 3];
	FILE *file;
	int fd, r;

	snprintf(path, sizeof(path), "%s.c", name);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	if (fd < 0)
		return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	file = fdopen(fd, "w");
	if (!file) {
		close(fd);
		(void)unlink(path);
		return complain(EXIT_SYSTEM, "out of memory");
	}
	put(file, name);
	if (ferror(file) | fclose(file)) {
		(void)unlink(path);
		return complain(EXIT_SYSTEM, "%s: %s", path, strerror(errno));
	}
	print_how(name);
	r = finish_output(EXIT_DONE);
	if (r)
		(void)unlink(path);
	return r;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	const char **name = state->input;

	if (key != ARGP_KEY_ARG)
		return ARGP_ERR_UNKNOWN;
	if (*name)
		exit(complain(EXIT_USAGE, "new: one name at a time, not %s %s",
			      *name, arg));
	*name = given_word(arg);
	return 0;
}

static const struct argp argp = {
	.parser = parse,
	.args_doc = "NAME",
	.doc = "Write NAME.c, a kernel to begin with, and say how to build it.",
};

int command_new(int argc, char **argv)
{
	const char *name = NULL;

	parse_command(&argp, argc, argv, &name);
	if (!name)
		return complain(EXIT_USAGE,
				"new: what is it called? runrig new mykernel");
	if (!rig_kernel_is_name(name))
		return complain(EXIT_USAGE,
				"new: a kernel's name is 1 to %d of a-z 0-9 - "
				"and begins with no -: not \"%s\"",
				RIG_KERNEL_NAME_MAX, name);
	if (rig_kernels_register() < 0)
		return complain(EXIT_SYSTEM, "%s", rig_why());
	if (rig_kernel_find(name))
		return complain(EXIT_USAGE,
				"new: a kernel called %s comes with runrig: "
				"choose another name",
				name);
	return write_file(name);
}
