/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - UTF-8 as Python reads it, and which characters it prints as they
 * are.
 */
#ifndef RUNRIG_UTF8_H
#define RUNRIG_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character at `text`, of which `bytes` (at least 1) are left: sets *code
 * and returns how many bytes it takes, 1 to 4; or 0 where there is none: a
 * stray byte, an overlong form, a surrogate, beyond 0x10ffff, cut off.
 */
size_t utf8_next(const char *text, size_t bytes, uint32_t *code);

/* The first byte that is not UTF-8, or `bytes`. */
size_t utf8_valid(const char *text, size_t bytes);

/* Does Python's repr() print it as it is?  As str.isprintable(), Unicode 14. */
bool utf8_printable(uint32_t code);

#endif
