/* SPDX-License-Identifier: MIT */
/*
 * builtin.h - runrig's own kernels: kernel_NAME for each name in meson.build.
 */
#ifndef KERNELS_BUILTIN_H
#define KERNELS_BUILTIN_H

#include <runrig/kernels.h>

#define BUILTIN(name) extern const struct rig_kernel kernel_##name;
#include <kernels/builtin.def>
#undef BUILTIN

#endif
