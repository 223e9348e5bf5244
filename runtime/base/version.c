/* SPDX-License-Identifier: MIT */
/*
 * version.c - the version of the library, for programs that load the library.
 */
#include <runrig/api.h>

int rig_version(void)
{
	return RIG_VERSION;
}
