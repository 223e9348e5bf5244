/* SPDX-License-Identifier: MIT */
/*
 * option.h - the options of a command line: as users of other programs type them,
 * and what is wrong with them in one line.
 *
 * argp parses.  What argp has not is here: names in full alone (--n is not
 * --no-verify), mpirun's -np and --np for -n, help in the order of the table, and a
 * mistake in one line that says what would be right.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include <argp.h>
#include <stddef.h>

/*
 * Are the options of argv[1] to argv[argc - 1] among those of `options` (NULL:
 * none; the table ends with a zeroed entry, as argp has it) and the common
 * options, in full, with an argument where the option wants an argument?  Looks
 * no further than --help.  Rewrites in argv what mpirun has for -n: -np 2, --np 2
 * and --np=2, where there is an option -n.
 * Uses getopt(), so one thread at a time.
 *
 * Returns 0, or -EINVAL with a line that says what is wrong, cut to `bytes`, or
 * -ENOMEM.
 */
int option_check(const struct argp_option *options, int argc, char **argv,
		 char *line, size_t bytes);

/*
 * argp_parse() after option_check(): help shows the options in the order of their
 * table, and then the common options.  Exits where the words are wrong and
 * the check did not say so, as argp does; `code` is the exit status of that.
 * argp_program_version says what --version prints.
 */
void option_parse(const struct argp *argp, int argc, char **argv, int code,
		  void *input);

#endif
