/* SPDX-License-Identifier: MIT */
/*
 * list.h - runrig list: lists in shared memory, shown, read, set and created.
 */
#ifndef RUNRIG_LIST_COMMAND_H
#define RUNRIG_LIST_COMMAND_H

/* A command in the sense of command.h; argv[0] is "runrig list". */
int list_command(int argc, char **argv);

#endif
