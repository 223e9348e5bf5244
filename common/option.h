/* SPDX-License-Identifier: MIT */
/*
 * option.h - what is wrong with the options of a command line, in one line.
 *
 * argp and getopt say such a thing in two lines, and not what would be right.
 * Whoever calls this before argp_parse() never hears them.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include <argp.h>
#include <stddef.h>

/*
 * Are the options of argv[1] to argv[argc - 1] among `options` (NULL: none;
 * they end with a zeroed entry, as argp has them) and those that argp adds,
 * with an argument where they want one?  Looks no further than --help.
 * Uses getopt(), so one thread at a time.
 *
 * Returns 0, or -EINVAL with a line that says what is wrong and which options
 * there are, cut to `bytes`, or -ENOMEM.
 */
int option_check(const struct argp_option *options, int argc, char **argv,
		 char *line, size_t bytes);

#endif
