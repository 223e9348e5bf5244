/* SPDX-License-Identifier: MIT */
/*
 * builtin.c - the table of runrig's own kernels, made of the names in meson.build.
 */
#include <kernels/builtin.h>

#define BUILTIN(name) &kernel_##name,
static const struct rig_kernel *const kernels[] = {
#include <kernels/builtin.def>
};
#undef BUILTIN

int rig_kernels_register(void)
{
	int r = 0;

	for (size_t i = 0; i < sizeof(kernels) / sizeof(kernels[0]); i++)
		if (r == 0)
			r = rig_kernel_register(kernels[i]);
	return r;
}
