/* SPDX-License-Identifier: MIT */
/*
 * number.h - numbers as a user types them: 40M is 40 * 10^6, 64Ki 64 * 2^10, and
 * 1e6 a million.
 *
 * Units are K M G T P E and Ki Mi Gi Ti Pi Ei; k is K.  2.5e3 is a
 * whole number, and 2.5e0 is not.  Nothing may follow, and nothing is guessed: "1,5", "0x10" and "" are no numbers.  Each returns 0 and
 * sets *value, or -EINVAL (no number) or -ERANGE (does not fit).
 */
#ifndef COMMON_NUMBER_H
#define COMMON_NUMBER_H

#include <stddef.h>
#include <stdint.h>

int number_size(const char *text, size_t *value);
int number_int(const char *text, int64_t *value); /* may have a sign */
int number_real(const char *text, double *value); /* finite; no units */

#endif
