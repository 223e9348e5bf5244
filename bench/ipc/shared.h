/* SPDX-License-Identifier: MIT */
/*
 * shared.h - the memory that two sides share: the kind, the pages, the NUMA
 * node.
 */
#ifndef RIGBENCH_SHARED_H
#define RIGBENCH_SHARED_H

#include "driver/case.h"
#include "ipc/transport.h"

/* A direction of a ring has a multiple of this number of bytes: a page. */
size_t shared_page(const struct link *link);

/*
 * In the driver: make and map link->shared_bytes of memory as link->transport and
 * link->pages ask.  0; -ENOTSUP where there is no such memory here, or another
 * -errno; with words.
 */
int shared_create(struct link *link, char *why);

/* Twice is once. */
void shared_destroy(struct link *link);

/* In a side: map a segment by the name, as strangers do; other memory was inherited
 * from the driver. */
int shared_attach(struct link *link, char *why);

/* In a side: make the bytes lie on the node of link->home; `mine` tells whether this
 * side touches the bytes. */
void shared_settle(const struct link *link, char *at, size_t bytes, bool mine);

/* In a side, once memory is touched: are the pages of the wanted kind?  -ENOTSUP with
 * words where the pages are not. */
int shared_granted(const struct link *link, char *why);

/* The kernel's account of the shared memory; zeros where there is none. */
void shared_look(const struct link *link, struct case_memory *memory);

#endif
