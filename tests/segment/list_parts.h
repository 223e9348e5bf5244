/* SPDX-License-Identifier: MIT */
/*
 * list_parts.h - the worked example of a list, for the tests of lists.
 */
#ifndef RUNRIG_TESTS_LIST_PARTS_H
#define RUNRIG_TESTS_LIST_PARTS_H

#include <runrig/list.h>

#include <string.h>

#include <runrig/error.h>
#include <runrig/team.h>

#include "base/atomic.h"
#include "base/clock.h"
#include "objects/list_layout.h"
#include "lib/harness.h"

/* [1, 2.5, True, None, 'hé', b'ab\0'], in the layout of CPython 3.9 to 3.13. */
static const unsigned char worked[166] =
	"\6\0\0\0\0\0\0\0"
	"\0\0\0\0\0\0\0\0\10\0\0\0\0\0\0\0\20\0\0\0\0\0\0\0\30\0\0\0\0\0\0\0"
	"\40\0\0\0\0\0\0\0\50\0\0\0\0\0\0\0\60\0\0\0\0\0\0\0"
	"\1\0\0\0\0\0\0\0\0\0\0\0\0\0\4\100\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\0"
	"h\303\251\0\0\0\0\0ab\0\0\0\0\0\0"
	"q\0\0\0\0\0\0\0d\0\0\0\0\0\0\0xxxxxxx?xxxxxx?x"
	"8s\0\0\0\0\0\0"
	"8s\0\0\0\0\0\0\0\0\0\3\1\2";

static inline void assert_words(const char *words)
{
	ck_assert_msg(strstr(rig_why(), words), "\"%s\" lacks \"%s\"",
		      rig_why(), words);
}

#endif
