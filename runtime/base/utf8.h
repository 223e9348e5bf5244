/* SPDX-License-Identifier: MIT */
/*
 * utf8.h - UTF-8 as Python reads UTF-8, and the characters that Python prints
 * unescaped.
 */
#ifndef RUNRIG_UTF8_H
#define RUNRIG_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The character at `text`, of which `bytes` (at least 1) are left: sets *code
 * and returns the number of its bytes, 1 to 4; or 0 for a stray byte, an
 * overlong form, a surrogate, a code beyond 0x10ffff, or a character cut off.
 */
size_t utf8_next(const char *text, size_t bytes, uint32_t *code);

/* The first byte that is not UTF-8, or `bytes`. */
size_t utf8_valid(const char *text, size_t bytes);

/* Does Python's repr() print the character unescaped?  As str.isprintable() of
 * Unicode 14. */
bool utf8_printable(uint32_t code);

#endif
