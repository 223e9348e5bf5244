/* SPDX-License-Identifier: MIT */
/*
 * lab.h - a lost update, every interleaving of a small model, and a cure.
 */
#ifndef LAB_H
#define LAB_H

#include <runrig/runrig.h>

/* A step of a model.  Each rank has a register; both share one number, 0 to begin
 * with.  No step is divided. */
enum lab_what { LAB_LOAD, LAB_ADD, LAB_STORE };

struct lab_step {
	enum lab_what what;
	int value; /* LAB_ADD: added to the rank's register */
};

/*
 * Yours, in start.c.  Ranks 0 and 1 each add 1 to the number, k times (2 or
 * more): load, and store of the loaded number and 1.  That is 2 k steps of each.
 * Write into order[0] to order[4 k - 1] which rank makes each step, so that the
 * number is `want` in the end, 2 to 2 k.
 */
void schedule(int k, int want, int *order);

/* Yours: the numbers that are possible in the end, by every interleaving of the
 * two programs: bit v for number v, which is below 64. */
uint64_t finals(const struct lab_step *first, int n,
		const struct lab_step *second, int m);

#define LAB_ACCOUNTS 4

struct lab_transfer {
	int from, to; /* accounts; both may be the same */
	int64_t amount;
};

/* Yours: every rank makes the transfers of its strip of segment 0.  Whenever no
 * lock is held, the accounts together have what they had at the beginning. */
int transfer(struct rig_team *team);

/*
 * The lab's, in check.c.  An account is read and written by these alone, under
 * the account's lock.  Before each of them the check chooses which rank goes on,
 * so that a race which can happen does happen.
 */
int64_t lab_load(struct rig_team *team, int account);
void lab_store(struct rig_team *team, int account, int64_t balance);
void lab_lock(struct rig_team *team, int account);
void lab_unlock(struct rig_team *team, int account);

#endif
