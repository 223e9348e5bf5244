/* SPDX-License-Identifier: MIT */
/*
 * version.c - the version of the library, for programs that load it.
 */
#include <runrig/api.h>

int rig_version(void)
{
	return RIG_VERSION;
}
