/* SPDX-License-Identifier: MIT */
/*
 * transport_own.h - transports of the user's: out of shared objects, or programs.
 */
#ifndef RIGBENCH_TRANSPORT_OWN_H
#define RIGBENCH_TRANSPORT_OWN_H

#include "ipc/transport.h"

struct rigbench_contender;

/* Take the value of --contender: the path of a shared object that defines a contender
 * of contender.h, or "cmd:" and the words that start a program which speaks the
 * protocol of pair_command.h.  0, or -EINVAL with a line on stderr.  A shared object
 * stays loaded. */
int transport_own_load(const char *what);

/* Take a contender that lives as long as this process: for the selftest.  NULL: there
 * is no place left. */
const struct transport *transport_own_add(
	const struct rigbench_contender *contender);

/* Contenders that rigbench brings: out of a shared object, 0 or -errno with words; a
 * program, started by `command`; and a contender that is missing here, whose rows say
 * `why`.  The texts `name` and `summary` live as long as this process. */
int transport_own_object(const char *path, char *why, size_t bytes);
void transport_own_program(const char *name, const char *summary, int copies,
			   const char *command);
void transport_own_missing(const char *name, const char *summary, int copies,
			   const char *why);

/* Contender `at` in the order of the command line; NULL beyond the last. */
const struct transport *transport_own(size_t at);

/* Did the user give the contender, and not rigbench? */
bool transport_given(const struct transport *transport);

/* The words that start the program of a transport; NULL: the transport is no program. */
const char *transport_command(const struct transport *transport);

#endif
