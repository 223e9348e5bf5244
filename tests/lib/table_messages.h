/* SPDX-License-Identifier: MIT */
/*
 * table_messages.h - trials of verbs with more than two buffers: messages,
 * neighbours, teams, shared work, memory of all ranks.
 */
#ifndef RUNRIG_TEST_TABLE_MESSAGES_H
#define RUNRIG_TEST_TABLE_MESSAGES_H

#include "lib/table.h"

/* Each calls, compares, and returns 0 or a failure with words. */
int try_barrier(struct trial *t);
int try_sum(struct trial *t);
int try_share(struct trial *t);
int try_split(struct trial *t);
int try_split_type(struct trial *t);
int try_dup(struct trial *t);
int try_send(struct trial *t);
int try_ssend(struct trial *t);
int try_sendrecv(struct trial *t);
int try_probe(struct trial *t);
int try_wait(struct trial *t);
int try_lend(struct trial *t);
int try_neighbor_alltoall(struct trial *t);
int try_neighbor_alltoallv(struct trial *t);
int try_neighbor_allgather(struct trial *t);
int try_halo(struct trial *t);
int try_wait_until(struct trial *t);
int try_lock(struct trial *t);
int try_accumulate(struct trial *t);

#endif
