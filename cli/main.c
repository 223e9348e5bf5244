/* SPDX-License-Identifier: MIT */
/*
 * main.c - the program runrig: `runrig exec' itself, and a loader of all else.
 *
 * The other commands, and the drawing of traces, are in the library commands.so, which
 * needs the libraries of kernels, hosts, pictures and JSON.  A launch needs none of
 * those libraries, and begins without the time that the libraries take to load.
 */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "timeline.h"

/* The address of a function of commands.so; NULL after a message. */
static void *find_function(const char *name)
{
	/* cli/meson.build has the folder of an installation, relative to the folder
	 * of the program; in the build folder the library is beside. */
	static const char *const places[] = { "../" RUNRIG_LIBEXEC
					      "/commands.so",
					      "commands.so" };
	char program[PATH_MAX], path[PATH_MAX];
	ssize_t length =
		readlink("/proc/self/exe", program, sizeof(program) - 1);
	void *library = NULL, *function = NULL;
	const char *why = NULL;
	char *slash;

	program[length > 0 ? length : 0] = 0;
	slash = strrchr(program, '/');
	for (size_t i = 0;
	     slash && !library && i < sizeof(places) / sizeof(places[0]); i++) {
		slash[1] = 0;
		if (snprintf(path, sizeof(path), "%s%s", program, places[i]) <
			    (int)sizeof(path) &&
		    access(path, R_OK) == 0)
			/* Global: plugins and the runtime find OpenMP, and
			 * the library of kernels. */
			library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
	}
	if (library)
		function = dlsym(library, name);
	if (!function)
		why = dlerror();
	if (!function)
		(void)complain(EXIT_SYSTEM, "the commands cannot be loaded: %s",
			       why ? why
				   : "there is no " RUNRIG_LIBEXEC
				     "/commands.so beside bin");
	return function;
}

/* The real one is in commands.so. */
int timeline_write(const struct traced *traced, const char *kernel,
		   const char *path)
{
	int (*write)(const struct traced *, const char *, const char *);

	*(void **)&write = find_function("timeline_write");
	return write ? write(traced, kernel, path) : EXIT_SYSTEM;
}

int main(int argc, char **argv)
{
	int (*run)(int, char **);

	if (argc > 1 && strcmp(argv[1], "exec") == 0) {
		begin_commands();
		return run_command("exec", command_exec, argc - 1, argv + 1);
	}
	*(void **)&run = find_function("commands_run");
	return run ? run(argc, argv) : EXIT_SYSTEM;
}
