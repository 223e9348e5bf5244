/* SPDX-License-Identifier: MIT */
/*
 * code.c - functions that a job names: by an address that the caller and this
 * worker have in common, or by a file and a symbol.
 */
#include "pool/code.h"

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "machine/inherit.h"

static int load(struct code *code, const char *symbol)
{
	char path[PAGE_BYTES];
	char *colon;
	void *library, *found;

	if (code->symbol[0] && strcmp(code->symbol, symbol) == 0)
		return 0;
	memcpy(path, symbol, sizeof(path));
	colon = strrchr(path, ':');
	if (!colon)
		return rig_fail(-EINVAL, "kernel %s: not path.so:symbol", path);
	*colon = 0;
	library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!library)
		return rig_fail(-ENOENT, "kernel %s", dlerror());
	found = dlsym(library, colon + 1);
	if (!found)
		return rig_fail(-ENOENT, "kernel %s: no symbol %s", path,
				colon + 1);
	memcpy(code->symbol, symbol, sizeof(code->symbol));
	code->address = (uint64_t)(uintptr_t)found;
	return 0;
}

int code_find(struct code *code, uint64_t address, const char *symbol)
{
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
