/* SPDX-License-Identifier: MIT */
/*
 * puppet_place.c - the address that a function of the test has in a puppet.
 *
 * A fork of the test has all functions where the test has them.  A worker of a
 * RIG_EXEC pool is another program, and has two copies of the runtime: librunrig, in
 * which the worker lives, and the copy within the test's library, which the test's
 * kernels call.
 */
#include "lib/puppet.h"

#include <elf.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/symbol.h"

/* Longer paths are not this build's. */
#define PATH_BYTES 1024

/* Does the puppet run the same program as the test? */
static bool is_fork(pid_t pid)
{
	char link[64], own[PATH_BYTES] = "", other[PATH_BYTES] = "";

	snprintf(link, sizeof(link), "/proc/%d/exe", (int)pid);
	return readlink("/proc/self/exe", own, sizeof(own) - 1) < 0 ||
	       readlink(link, other, sizeof(other) - 1) < 0 ||
	       strcmp(own, other) == 0;
}

/* The address at which the puppet has mapped the first byte of the file whose path has
 * `part` in it, and the path; 0: not mapped. */
static uint64_t base_of(pid_t pid, const char *part, char path[PATH_BYTES])
{
	char name[64], line[PATH_BYTES + 128];
	uint64_t from, offset, base = 0;
	FILE *maps;

	snprintf(name, sizeof(name), "/proc/%d/maps", (int)pid);
	maps = fopen(name, "re");
	while (maps && !base && fgets(line, sizeof(line), maps)) {
		const char *slash = strchr(line, '/');

		line[strcspn(line, "\n")] = 0;
		if (!slash || !strstr(slash, part) ||
		    sscanf(line, "%" SCNx64 "-%*x %*s %" SCNx64, &from,
			   &offset) != 2 ||
		    offset)
			continue;
		base = from;
		snprintf(path, PATH_BYTES, "%s", slash);
	}
	if (maps)
		fclose(maps);
	return base;
}

/* The function `name` in a mapped file, as the file numbers addresses; 0: none. */
static uint64_t value_of(const unsigned char *file, const char *name)
{
	const Elf64_Ehdr *header = (const void *)file;
	const Elf64_Shdr *sections = (const void *)(file + header->e_shoff);

	for (int i = 0; i < header->e_shnum; i++) {
		const Elf64_Sym *symbols =
			(const void *)(file + sections[i].sh_offset);
		const char *text;

		if (sections[i].sh_type != SHT_SYMTAB)
			continue;
		text = (const char *)file +
		       sections[sections[i].sh_link].sh_offset;
		for (size_t s = 0; s < sections[i].sh_size / sizeof(*symbols);
		     s++)
			if (ELF64_ST_TYPE(symbols[s].st_info) == STT_FUNC &&
			    strcmp(text + symbols[s].st_name, name) == 0)
				return symbols[s].st_value;
	}
	return 0;
}

/* The library is of this build, and so no foreign input. */
static uint64_t in_library(pid_t pid, const char *library, const char *name)
{
	char path[PATH_BYTES];
	uint64_t base = base_of(pid, library, path), value = 0;
	int fd = base ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct stat status;
	void *file;

	if (fd < 0)
		return 0;
	if (fstat(fd, &status) == 0) {
		file = mmap(NULL, (size_t)status.st_size, PROT_READ,
			    MAP_PRIVATE, fd, 0);
		if (file != MAP_FAILED) {
			value = value_of(file, name);
			munmap(file, (size_t)status.st_size);
		}
	}
	close(fd);
	return value ? base + value : 0;
}

uint64_t puppet_place(pid_t pid, void (*function)(void))
{
	const uint64_t own = (uint64_t)(uintptr_t)function;
	char path[PATH_BYTES], real[PATH_MAX];
	struct symbol symbol;
	uint64_t base, place = 0;

	if (is_fork(pid))
		return own;
	if (symbol_find(own, &symbol) < 0 || symbol.offset)
		return 0;
	/* A kernel of the test calls the verbs of the test's own copy. */
	if (strncmp(symbol.name, "rig_", 4) != 0)
		place = in_library(pid, "/librunrig.so", symbol.name);
	if (place)
		return place;
	base = realpath(symbol.path, real) ? base_of(pid, real, path) : 0;
	return base ? base + symbol.in_file : 0;
}
