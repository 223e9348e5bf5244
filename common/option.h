/* SPDX-License-Identifier: MIT */
/*
 * option.h - the options of a command line: typed as for other programs, and a
 * mistake told in a single line.
 *
 * argp parses.  These functions add to argp: names in full only (--n is not
 * --no-verify), mpirun's -np and --np for -n, help in the order of the table,
 * and a single line for a mistake that says what would be right.
 */
#ifndef COMMON_OPTION_H
#define COMMON_OPTION_H

#include <argp.h>
#include <stddef.h>

/*
 * Check the options of argv[1] to argv[argc - 1]: each is in `options` (NULL:
 * an empty table; the table ends with a zeroed entry, as argp has it) or is a
 * common option, is written in full, and has an argument where there must be
 * one.  The check ends at --help.  Where there is an option -n, mpirun's forms
 * -np 2, --np 2 and --np=2 are rewritten in argv.  Uses getopt(): a single
 * thread at a time.
 *
 * Returns 0; -EINVAL with a line about the mistake, cut to `bytes`; or -ENOMEM.
 */
int option_check(const struct argp_option *options, int argc, char **argv,
		 char *line, size_t bytes);

/*
 * argp_parse() after option_check(): help shows the options in the order of
 * their table, and then the common options.  Exits with status `code` where
 * argp finds a mistake that the check did not find.  --version prints
 * argp_program_version.
 */
void option_parse(const struct argp *argp, int argc, char **argv, int code,
		  void *input);

#endif
