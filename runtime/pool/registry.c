/* SPDX-License-Identifier: MIT */
/*
 * registry.c - the kernels that this process knows by name.
 */
#include <runrig/kernel.h>

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/atomic.h"
#include "base/error.h"
#include "base/reserved.h"

/* Kernels that a process may know. */
#define KERNELS_MAX 256

/* Entries below `count` never change, so a look needs no lock. */
static const struct rig_kernel *kernels[KERNELS_MAX];
static _Atomic uint32_t count;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

const struct rig_kernel *rig_kernel_at(size_t index)
{
	/* acquire: pairs with the release in add(). */
	return index < load_acquire(&count) ? kernels[index] : NULL;
}

const struct rig_kernel *rig_kernel_find(const char *name)
{
	const struct rig_kernel *kernel;

	for (size_t i = 0; (kernel = rig_kernel_at(i)); i++)
		if (strcmp(kernel->name, name) == 0)
			return kernel;
	return NULL;
}

/* With the lock held. */
static int add(const struct rig_kernel *kernel)
{
	const struct rig_kernel *known = rig_kernel_find(kernel->name);
	uint32_t at = load_relaxed(&count);

	if (known == kernel)
		return 0;
	if (known)
		return rig_fail(-EEXIST, "kernel %s: the name is taken",
				kernel->name);
	if (at == KERNELS_MAX)
		return rig_fail(-ENOSPC, "kernel %s: %d are known already",
				kernel->name, KERNELS_MAX);
	kernels[at] = kernel;
	/* release: a look that sees the count sees the entry. */
	store_release(&count, at + 1);
	return 0;
}

static int check_reserved(const struct rig_kernel *kernel)
{
	const struct rig_array_spec *array = kernel->arrays;
	int r = reserved_check(kernel->reserved, "rig_kernel");

	for (const struct rig_param *p = kernel->params; r == 0 && p && p->name;
	     p++)
		r = reserved_check(p->reserved, "rig_param");
	for (int i = 0; r == 0 && array && i < RIG_ARRAYS_MAX && array[i].name;
	     i++)
		r = reserved_check(array[i].reserved, "rig_array_spec");
	return r;
}

int rig_kernel_register(const struct rig_kernel *kernel)
{
	int r;

	/* The version first: in a struct of another version every other field
	 * may lie elsewhere. */
	if (kernel && kernel->version != RIG_KERNEL_VERSION)
		return rig_fail(-EINVAL,
				"kernel: made for another version of "
				"runrig/kernel.h than %d: build it again",
				RIG_KERNEL_VERSION);
	if (!kernel || !kernel->name || !kernel->name[0] || !kernel->run)
		return rig_fail(-EINVAL, "kernel: it needs a name and a run");
	r = check_reserved(kernel);
	if (r < 0)
		return r;
	pthread_mutex_lock(&lock);
	r = add(kernel);
	pthread_mutex_unlock(&lock);
	return r;
}
