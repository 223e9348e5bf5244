/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - kernels by name, and kernels from a shared object of the user's.
 */
#include "plugin.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "command.h"

static bool is_path(const char *word)
{
	size_t length = strlen(word);

	return strchr(word, '/') ||
	       (length > 3 && strcmp(word + length - 3, ".so") == 0);
}

/* An object built against another kernel.h has a struct of another size. */
static bool right_size(const void *symbol)
{
	const ElfW(Sym) *entry = NULL;
	Dl_info info;

	if (!dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) || !entry)
		return true;
	return entry->st_size == sizeof(struct rig_kernel);
}

static int load(const char *path, const struct rig_kernel **kernel)
{
	char beside[4096];
	void *object;

	/* Without a slash dlopen() would look anywhere but here. */
	snprintf(beside, sizeof(beside), "%s%s", strchr(path, '/') ? "" : "./",
		 path);
	/* It stays loaded: the kernel is in it. */
	object = dlopen(beside, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return complain(EXIT_SYSTEM, "%s", dlerror());
	*kernel = dlsym(object, PLUGIN_SYMBOL);
	if (!*kernel)
		return complain(EXIT_SYSTEM,
				"%s: it exports no const struct rig_kernel "
				"called " PLUGIN_SYMBOL,
				path);
	if (!right_size(*kernel))
		return complain(EXIT_SYSTEM,
				"%s: built against another runrig/kernel.h: "
				"build it again",
				path);
	/* So that a report can call it by its name; where another kernel has
	 * that, it goes without. */
	(void)rig_kernel_register(*kernel);
	return 0;
}

int plugin_find(const char *word, const struct rig_kernel **kernel)
{
	char names[400];
	size_t used = 0;

	*kernel = rig_kernel_find(word);
	if (*kernel)
		return 0;
	if (is_path(word))
		return load(word, kernel);
	for (size_t i = 0; rig_kernel_at(i) && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 "%s%s", i ? ", " : "",
					 rig_kernel_at(i)->name);
	return complain(EXIT_USAGE,
			"no kernel \"%s\": there are %s, or name a file, "
			"./mine.so",
			word, names);
}
