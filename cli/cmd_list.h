/* SPDX-License-Identifier: MIT */
/*
 * cmd_list.h - runrig list: lists in shared memory, shown, read, set and created.
 */
#ifndef RUNRIG_CMD_LIST_H
#define RUNRIG_CMD_LIST_H

/* A command in the sense of command.h; argv[0] is "runrig list". */
int list_command(int argc, char **argv);

#endif
