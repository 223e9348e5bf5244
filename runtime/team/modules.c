/* SPDX-License-Identifier: MIT */
/*
 * modules.c - the ranges of a rank's code.
 *
 * The ring has the ranges of all processes that have had the rank, one after the other:
 * the trace has spans of dead processes, too.  A range counts for an address at a time
 * if the process that lived at the time had noted the range by then.
 */
#include "team/modules.h"

#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
/* In this process: the state that modules_publish() hands from object to object. */
struct noting {
	struct modules_shm *modules;
	uint64_t now_ns;
};

static struct module_shm *range_at(const struct modules_shm *modules,
				   uint64_t index)
{
	return (struct module_shm *)&modules->ring[index % MODULES_MAX];
}

/* The oldest range that is still in the ring. */
static uint64_t oldest(uint64_t count)
{
	return count > MODULES_MAX ? count - MODULES_MAX : 0;
}

static bool is_noted(const struct modules_shm *modules,
		     const struct module_shm *range)
{
	uint64_t count = load_relaxed(&modules->count);

	for (uint64_t i = oldest(count); i < count; i++) {
		const struct module_shm *noted = range_at(modules, i);

		if (noted->born_ns == range->born_ns &&
		    noted->begin == range->begin && noted->end == range->end &&
		    noted->base == range->base &&
		    strcmp(noted->path, range->path) == 0)
			return true;
	}
	return false;
}

/* The file of an object; the program itself has no name in the list. */
static void find_path(const char *name, char path[static PATH_MAX])
{
	ssize_t length = 0;

	if (!*name)
		length = readlink("/proc/self/exe", path, PATH_MAX - 1);
	else if (realpath(name, path))
		length = (ssize_t)strlen(path);
	path[length > 0 ? length : 0] = 0;
}

static void note(struct noting *noting, const struct module_shm *range)
{
	struct modules_shm *modules = noting->modules;
	uint64_t count = load_relaxed(&modules->count);

	if (is_noted(modules, range))
		return;
	*range_at(modules, count) = *range;
	/* release: a look that sees the count sees the range. */
	store_release(&modules->count, count + 1);
}

static int note_object(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	struct noting *noting = arg;
	struct module_shm range = { .base = info->dlpi_addr,
				    .since_ns = noting->now_ns,
				    .born_ns = noting->modules->born_ns };
	char path[PATH_MAX];

	(void)bytes;
	find_path(info->dlpi_name, path);
	/* The kernel's own, which has no file. */
	if (path[0] != '/')
		return 0;
	if (strlen(path) < sizeof(range.path))
		strcpy(range.path, path);
	for (int i = 0; i < info->dlpi_phnum && !range.id_bytes; i++)
		if (info->dlpi_phdr[i].p_type == PT_NOTE)
			range.id_bytes = (uint32_t)symbol_build_id(
				(const void *)(info->dlpi_addr +
					       info->dlpi_phdr[i].p_vaddr),
				info->dlpi_phdr[i].p_memsz, range.id);
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X))
			continue;
		range.begin = info->dlpi_addr + segment->p_vaddr;
		range.end = range.begin + segment->p_memsz;
		note(noting, &range);
	}
	return 0;
}

void modules_begin(struct modules_shm *modules)
{
	modules->born_ns = clock_ns();
}

void modules_publish(struct modules_shm *modules, uint64_t calls)
{
	struct noting noting = { modules, clock_ns() };

	modules->calls = calls;
	(void)dl_iterate_phdr(note_object, &noting);
}

/* Find the range of `address` at `at_ns`: true and a copy. */
static bool find_range(const struct modules_shm *modules, uint64_t address,
		       uint64_t at_ns, struct module_shm *found)
{
	/* acquire: pairs with the release in note(). */
	uint64_t count = load_acquire(&modules->count), born_ns = 0;

	for (uint64_t i = count; i > oldest(count); i--) {
		const struct module_shm *range = range_at(modules, i - 1);

		if (range->since_ns > at_ns)
			continue;
		/* Ranges of the process that lived then, and of no earlier
		 * process. */
		if (!born_ns)
			born_ns = range->born_ns;
		if (range->born_ns != born_ns)
			return false;
		if (address < range->begin || address >= range->end)
			continue;
		*found = *range;
		found->path[sizeof(found->path) - 1] = 0;
		return true;
	}
	return false;
}

int modules_find(const struct modules_shm *modules, uint64_t address,
		 uint64_t at_ns, struct symbol *symbol)
{
	struct module_shm range;

	if (!load_relaxed(&modules->count))
		return symbol_find(address, symbol);
	if (!find_range(modules, address, at_ns, &range) || !range.path[0])
		return -ENOENT;
	(void)symbol_find_in(range.path, range.id,
			     range.id_bytes <= BUILD_ID_BYTES ? range.id_bytes
							      : 0,
			     address - range.base, symbol);
	return 0;
}
