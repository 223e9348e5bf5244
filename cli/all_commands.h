/* SPDX-License-Identifier: MIT */
/*
 * all_commands.h - the library with all commands, which the program runrig loads.
 */
#ifndef RUNRIG_ALL_COMMANDS_H
#define RUNRIG_ALL_COMMANDS_H

/* The command line of runrig; returns the exit code.  The program finds the function
 * by its name. */
__attribute__((visibility("default"))) int commands_run(int argc, char **argv);

#endif
