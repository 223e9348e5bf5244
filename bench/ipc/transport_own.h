/* SPDX-License-Identifier: MIT */
/*
 * transport_own.h - transports of the user's: out of shared objects, or programs of
 * their own.
 */
#ifndef RIGBENCH_TRANSPORT_OWN_H
#define RIGBENCH_TRANSPORT_OWN_H

#include "ipc/transport.h"

struct rigbench_contender;

/* Take what --contender was given: the path of a shared object that defines a
 * contender of contender.h, or "cmd:" and the words that start a program which
 * speaks the protocol of pair_command.h.  0, or -EINVAL with a line on stderr.  A
 * shared object stays loaded. */
int transport_own_load(const char *what);

/* Take a contender that lives as long as this process does: for the selftest.
 * NULL: there is no place left. */
const struct transport *transport_own_add(
	const struct rigbench_contender *contender);

/* Contender `at` of those that were taken, in their order; NULL beyond the
 * last. */
const struct transport *transport_own(size_t at);

/* The words that start the program of a transport; NULL: the transport is no
 * program of its own. */
const char *transport_command(const struct transport *transport);

#endif
