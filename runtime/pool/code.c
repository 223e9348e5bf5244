/* SPDX-License-Identifier: MIT */
/*
 * code.c - functions that a job names: by an address that the caller and this worker
 * have in common, by a file and a symbol, or by a file and a place in that library.
 */
#include "pool/code.h"

#include <dlfcn.h>
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "machine/inherit.h"

/* FNV-1a, of 64 bits. */
#define SIGN_BASIS UINT64_C(0xcbf29ce484222325)
#define SIGN_PRIME UINT64_C(0x100000001b3)

/* In this process: a search for a library, and the result. */
struct signing {
	uint64_t base;
	uint64_t sign; /* 0: not found yet */
};

static uint64_t sign_on(uint64_t sign, const void *bytes, size_t count)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < count; i++)
		sign = (sign ^ at[i]) * SIGN_PRIME;
	return sign;
}

/* The layout of the library, and its notes: one of the notes is the build-id. */
static int sign_object(struct dl_phdr_info *info, size_t bytes, void *arg)
{
	struct signing *signing = arg;
	uint64_t sign = SIGN_BASIS;

	(void)bytes;
	if (info->dlpi_addr != signing->base)
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		sign = sign_on(sign, segment, sizeof(*segment));
		if (segment->p_type == PT_NOTE)
			sign = sign_on(sign,
				       (const void *)(info->dlpi_addr +
						      segment->p_vaddr),
				       segment->p_memsz);
	}
	signing->sign = sign;
	return 1;
}

static uint64_t sign_of(uint64_t base)
{
	struct signing signing = { .base = base };

	(void)dl_iterate_phdr(sign_object, &signing);
	return signing.sign;
}

/* "+OFFSET:SIGN" of a library: the address. */
static int place_in(void *library, const char *path, const char *place,
		    void **found)
{
	struct link_map *map;
	uint64_t offset, sign;

	if (sscanf(place, "+%" SCNx64 ":%" SCNx64, &offset, &sign) != 2 ||
	    dlinfo(library, RTLD_DI_LINKMAP, &map) < 0)
		return rig_fail(-EINVAL, "kernel %s:%s: malformed", path,
				place);
	if (sign_of(map->l_addr) != sign)
		return rig_fail(-ESTALE,
				"kernel: %s is another file now than the one "
				"that the caller has loaded",
				path);
	*found = (void *)(uintptr_t)(map->l_addr + offset);
	return 0;
}

/* The part of `name` in "path.so:symbol" or "path.so:+OFFSET:SIGN" where the path
 * ends. */
static char *end_of_path(char *symbol)
{
	char *place = strstr(symbol, ":+");

	return place ? place : strrchr(symbol, ':');
}

static int load(struct code *code, const char *symbol)
{
	char path[PAGE_BYTES];
	char *colon;
	void *library, *found = NULL;
	int r = 0;

	if (code->symbol[0] && strcmp(code->symbol, symbol) == 0)
		return 0;
	memcpy(path, symbol, sizeof(path));
	colon = end_of_path(path);
	if (!colon)
		return rig_fail(-EINVAL, "kernel %s: not path.so:symbol", path);
	*colon = 0;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return rig_fail(-ENOENT, "kernel %s", dlerror());
	code->loaded = true;
	if (colon[1] == '+')
		r = place_in(library, path, colon + 1, &found);
	else if (!(found = dlsym(library, colon + 1)))
		r = rig_fail(-ENOENT, "kernel %s: no symbol %s", path,
			     colon + 1);
	if (r < 0)
		return r;
	memcpy(code->symbol, symbol, sizeof(code->symbol));
	code->address = (uint64_t)(uintptr_t)found;
	return 0;
}

int code_find(struct code *code, uint64_t address, const char *symbol)
{
	code->loaded = false;
	if (!address)
		return load(code, symbol);
	if (address != code->address && !inherit_has_code(address))
		return rig_fail(-EINVAL,
				"kernel: its code was loaded after the pool "
				"was made; name it \"path.so:symbol\"");
	code->address = address;
	code->symbol[0] = 0;
	return 0;
}

int code_name(uint64_t address, char *symbol)
{
	struct link_map *map;
	char path[PATH_MAX];
	Dl_info info;
	int length;

	if (!dladdr1((void *)(uintptr_t)address, &info, (void **)&map,
		     RTLD_DL_LINKMAP))
		return rig_fail(-EINVAL,
				"kernel: its code is in no library; name it "
				"\"path.so:symbol\"");
	if (!map->l_name || !map->l_name[0])
		return rig_fail(-EINVAL,
				"kernel: it is part of the program itself, "
				"which the workers of a pool made with "
				"RIG_EXEC do not have: put it into a library");
	if (!realpath(map->l_name, path))
		return rig_fail_errno(-errno, "kernel: its library %s",
				      map->l_name);
	length = snprintf(symbol, PAGE_BYTES, "%s:+%" PRIx64 ":%" PRIx64, path,
			  address - map->l_addr, sign_of(map->l_addr));
	if (length >= (int)PAGE_BYTES)
		return rig_fail(-EINVAL, "kernel: the path of its library has "
					 "more than 4000 bytes");
	return 0;
}

int code_name_again(struct code_name *last, uint64_t address, char *symbol)
{
	int r;

	if (last->address != address) {
		last->address = 0;
		r = code_name(address, last->symbol);
		if (r < 0)
			return r;
		last->address = address;
	}
	if (strcmp(symbol, last->symbol) != 0)
		strcpy(symbol, last->symbol);
	return 0;
}
