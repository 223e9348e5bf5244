/* SPDX-License-Identifier: MIT */
/*
 * reserved.h - the words at the end of each struct that a program fills in.
 */
#ifndef RUNRIG_RESERVED_H
#define RUNRIG_RESERVED_H

#include <errno.h>
#include <stdint.h>

#include "base/error.h"

/* Check `count` words of a `struct NAME`.  Returns 0, or -EINVAL with NAME in the
 * words of rig_why() where one is not zero. */
static inline int reserved_check_some(const uint64_t *reserved, int count,
				      const char *name)
{
	for (int i = 0; i < count; i++)
		if (reserved[i])
			return rig_fail(-EINVAL,
					"struct %s: reserved[%d] is not 0: "
					"zero the struct before filling it in",
					name, i);
	return 0;
}

/* The same where no field has been taken from the words. */
static inline int reserved_check(const uint64_t reserved[RIG_RESERVED_WORDS],
				 const char *name)
{
	return reserved_check_some(reserved, RIG_RESERVED_WORDS, name);
}

#endif
