/* SPDX-License-Identifier: MIT */
/*
 * source_line.c - reading an object's line table, with libdw.
 *
 * libdw and the libraries that libdw needs are loaded when a report is made; a
 * program that makes no report never loads libdw.  The headers are needed to
 * build this file, and the library itself only at run time.
 */
#include "base/source_line.h"

#ifdef HAVE_LIBDW

#include <dlfcn.h>
#include <elfutils/libdw.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LIBDW "libdw.so.1"

/* In this process: the functions of libdw that are called. */
static struct libdw {
	__typeof__(dwarf_begin) *begin;
	__typeof__(dwarf_end) *end;
	__typeof__(dwarf_nextcu) *nextcu;
	__typeof__(dwarf_offdie) *offdie;
	__typeof__(dwarf_haspc) *haspc;
	__typeof__(dwarf_getsrc_die) *getsrc_die;
	__typeof__(dwarf_linesrc) *linesrc;
	__typeof__(dwarf_lineno) *lineno;
} libdw;

static bool loaded;

static void load(void)
{
	const struct {
		const char *name;
		void *at;
	} calls[] = {
		{ "dwarf_begin", &libdw.begin },
		{ "dwarf_end", &libdw.end },
		{ "dwarf_nextcu", &libdw.nextcu },
		{ "dwarf_offdie", &libdw.offdie },
		{ "dwarf_haspc", &libdw.haspc },
		{ "dwarf_getsrc_die", &libdw.getsrc_die },
		{ "dwarf_linesrc", &libdw.linesrc },
		{ "dwarf_lineno", &libdw.lineno },
	};
	void *library = dlopen(LIBDW, RTLD_LAZY | RTLD_LOCAL);

	if (!library)
		return;
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
		void *call = dlsym(library, calls[i].name);

		if (!call)
			return;
		memcpy(calls[i].at, &call, sizeof(call));
	}
	loaded = true;
}

/* The unit of the source that has the address; false: none has. */
static bool find_unit(Dwarf *dwarf, Dwarf_Addr address, Dwarf_Die *unit)
{
	Dwarf_Off at = 0, next;
	size_t header;

	for (; libdw.nextcu(dwarf, at, &next, &header, NULL, NULL, NULL) == 0;
	     at = next)
		if (libdw.offdie(dwarf, at + header, unit) &&
		    libdw.haspc(unit, address) == 1)
			return true;
	return false;
}

static void read_line(Dwarf *dwarf, Dwarf_Addr address, char *line,
		      size_t bytes)
{
	Dwarf_Line *found;
	const char *path, *slash;
	Dwarf_Die unit;
	int number = 0;

	if (!find_unit(dwarf, address, &unit))
		return;
	found = libdw.getsrc_die(&unit, address);
	path = found ? libdw.linesrc(found, NULL, NULL) : NULL;
	if (!path || libdw.lineno(found, &number) != 0 || number <= 0)
		return;
	slash = strrchr(path, '/');
	snprintf(line, bytes, "%s:%d", slash ? slash + 1 : path, number);
}

void source_line(const char *path, uint64_t address, char *line, size_t bytes)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	Dwarf *dwarf;
	int fd;

	line[0] = 0;
	pthread_once(&once, load);
	if (!loaded)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	dwarf = libdw.begin(fd, DWARF_C_READ);
	if (dwarf) {
		read_line(dwarf, address, line, bytes);
		(void)libdw.end(dwarf);
	}
	close(fd);
}

#else

void source_line(const char *path, uint64_t address, char *line, size_t bytes)
{
	(void)path;
	(void)address;
	if (bytes)
		line[0] = 0;
}

#endif
