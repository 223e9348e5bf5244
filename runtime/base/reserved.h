/* SPDX-License-Identifier: MIT */
/*
 * reserved.h - the words at the end of each struct that a program fills in.
 */
#ifndef RUNRIG_RESERVED_H
#define RUNRIG_RESERVED_H

#include <errno.h>
#include <stdint.h>

#include "base/error.h"

/* Check the array `words` of a `struct NAME`.  Returns 0, or -EINVAL with NAME
 * in the words where a word is not zero. */
#define reserved_check(words, name)                                            \
	reserved_zero((words), sizeof(words) / sizeof((words)[0]), (name))

static inline int reserved_zero(const uint64_t *reserved, size_t count,
				const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (reserved[i])
			return rig_fail(-EINVAL,
					"struct %s: reserved[%zu] is not 0: "
					"zero the struct before filling it in",
					name, i);
	return 0;
}

#endif
