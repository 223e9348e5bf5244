/* SPDX-License-Identifier: MIT */
/*
 * exec_host.c - runs a test program that was built as a library.
 *
 * Workers that are no forks of a test find the test's kernels in a library.  So
 * the test is a library, main() and all, and the program only loads the library:
 *
 *	exec_host LIBRARY
 */
#include <dlfcn.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	void *library = argc == 2 ? dlopen(argv[1], RTLD_NOW) : NULL;
	int (*run)(void) = NULL;

	if (library)
		*(void **)&run = dlsym(library, "main");
	if (!run) {
		fprintf(stderr, "exec_host LIBRARY: %s\n",
			argc == 2 ? dlerror() : "which one?");
		return 2;
	}
	return run();
}
