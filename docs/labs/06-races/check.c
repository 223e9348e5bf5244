/* SPDX-License-Identifier: MIT */
/*
 * check.c - replay schedules, compare with every interleaving, and choose which
 * rank goes on while accounts are changed.
 *
 * No clock decides anything.  Before each access one rank has the turn, and a
 * number that is drawn says whose turn is next.  Whoever has the turn sees all:
 * an access without the lock, a sum that is wrong while no lock is held, and ranks
 * that wait for each other.
 */
#include "lab.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "labs/judge/grade.h"

#define WORKERS_MAX 8
#define TRANSFERS   24
#define STEPS_MAX   6
#define K_MAX       6

static struct {
	void (*schedule)(int, int, int *);
	uint64_t (*finals)(const struct lab_step *, int,
			   const struct lab_step *, int);
	rig_kernel_fn *transfer;
} student;

/* ---- (1) a lost update on order ---- */

static bool is_order(const int *order, int k)
{
	int made[2] = { 0 };

	for (int i = 0; i < 4 * k; i++) {
		if (order[i] != 0 && order[i] != 1)
			return false;
		made[order[i]]++;
	}
	return made[0] == 2 * k;
}

static int replay(const int *order, int k)
{
	int number = 0, mine[2] = { 0 }, made[2] = { 0 };

	for (int i = 0; i < 4 * k; i++) {
		int rank = order[i];

		if (made[rank]++ % 2 == 0)
			mine[rank] = number;
		else
			number = mine[rank] + 1;
	}
	return number;
}

static void check_schedule(int k, int want)
{
	int order[4 * K_MAX], found;

	memset(order, 0xff, sizeof(order));
	student.schedule(k, want, order);
	if (!is_order(order, k)) {
		grade_case(false, "schedule(%d, %d): not %d steps of each rank",
			   k, want, 2 * k);
		grade_hint("TODO(1): each rank has 2 k steps, no more and no "
			   "fewer");
		return;
	}
	found = replay(order, k);
	grade_case(found == want, "schedule(%d, %d): the number ends at %d", k,
		   want, found);
	if (found > want)
		grade_hint("TODO(1): too few updates are lost: a store undoes "
			   "all stores since its load");
	else if (found < want)
		grade_hint("TODO(1): too many updates are lost");
}

/* ---- (2) every interleaving ---- */

/* Final numbers, by steps: `which` is a bit for each step, 1 for second. */
static int follow(const struct lab_step *steps[2], int all, unsigned which)
{
	int number = 0, mine[2] = { 0 }, at[2] = { 0 };

	for (int i = 0; i < all; i++) {
		int rank = which >> i & 1;
		const struct lab_step *step = &steps[rank][at[rank]++];

		if (step->what == LAB_LOAD)
			mine[rank] = number;
		else if (step->what == LAB_ADD)
			mine[rank] += step->value;
		else
			number = mine[rank];
	}
	return number;
}

static uint64_t all_finals(const struct lab_step *first, int n,
			   const struct lab_step *second, int m)
{
	const struct lab_step *steps[2] = { first, second };
	uint64_t found = 0;

	for (unsigned which = 0; which < 1u << (n + m); which++)
		if (__builtin_popcount(which) == m)
			found |= UINT64_C(1) << follow(steps, n + m, which);
	return found;
}

/* Load, add and store, once or twice; perhaps with an add beside. */
static int draw_program(struct lab_step *steps)
{
	int rounds = 1 + (int)grade_draw(2), n = 0;

	for (int i = 0; i < rounds; i++) {
		steps[n++] = (struct lab_step){ LAB_LOAD, 0 };
		steps[n++] =
			(struct lab_step){ LAB_ADD, 1 + (int)grade_draw(9) };
		steps[n++] = (struct lab_step){ LAB_STORE, 0 };
	}
	return n;
}

static void check_finals(void)
{
	struct lab_step first[STEPS_MAX], second[STEPS_MAX];
	int n = draw_program(first), m = draw_program(second);
	uint64_t wanted = all_finals(first, n, second, m);
	uint64_t said = student.finals(first, n, second, m);

	grade_case(said == wanted,
		   "programs of %d and %d steps: finals %#llx, must be %#llx",
		   n, m, (unsigned long long)said, (unsigned long long)wanted);
	if (said & ~wanted)
		grade_hint("TODO(2): a number that no interleaving gives: does "
			   "each rank have a register of its own?");
	else if (wanted & ~said)
		grade_hint("TODO(2): an interleaving is left out: either rank "
			   "may make the next step, after every step");
}

/* ---- (3) transfers ---- */

/* Segment 1.  All but `turn` is for whoever has the turn. */
struct bank {
	_Atomic int turn;
	int size; /* ranks of the team */
	bool alive[WORKERS_MAX];
	int wanted[WORKERS_MAX]; /* account that a rank waits for, or -1 */
	int owner[LAB_ACCOUNTS];
	int64_t balance[LAB_ACCOUNTS], total;
	uint64_t state; /* of a linear congruential generator (Knuth, MMIX) */
	unsigned stores[WORKERS_MAX], bare, broken, twice;
	bool stuck;
};

static struct bank *enter(struct rig_team *team)
{
	struct bank *bank = rig_team_data(team, 1);

	while (atomic_load(&bank->turn) != rig_team_rank(team))
		sched_yield();
	return bank;
}

static void look(struct bank *bank)
{
	int64_t sum = 0;

	for (int i = 0; i < LAB_ACCOUNTS; i++) {
		if (bank->owner[i] >= 0)
			return;
		sum += bank->balance[i];
	}
	bank->broken += sum != bank->total;
}

/* Give the turn to a rank that still works; the same rank may go on. */
static void leave(struct bank *bank)
{
	int ranks[WORKERS_MAX], count = 0;

	look(bank);
	for (int rank = 0; rank < bank->size; rank++)
		if (bank->alive[rank])
			ranks[count++] = rank;
	bank->state = bank->state * UINT64_C(6364136223846793005) +
		      UINT64_C(1442695040888963407);
	atomic_store(&bank->turn,
		     count ? ranks[(bank->state >> 33) % (unsigned)count] : -1);
}

int64_t lab_load(struct rig_team *team, int account)
{
	struct bank *bank = enter(team);
	int64_t balance = bank->balance[account];

	bank->bare += bank->owner[account] != rig_team_rank(team);
	leave(bank);
	return balance;
}

void lab_store(struct rig_team *team, int account, int64_t balance)
{
	struct bank *bank = enter(team);

	bank->bare += bank->owner[account] != rig_team_rank(team);
	bank->balance[account] = balance;
	bank->stores[rig_team_rank(team)]++;
	leave(bank);
}

/* Does every rank that works wait for a lock that a rank holds? */
static bool is_stuck(const struct bank *bank)
{
	for (int rank = 0; rank < bank->size; rank++)
		if (bank->alive[rank] && (bank->wanted[rank] < 0 ||
					  bank->owner[bank->wanted[rank]] < 0))
			return false;
	return true;
}

void lab_lock(struct rig_team *team, int account)
{
	const int rank = rig_team_rank(team);
	bool done = false;

	while (!done) {
		struct bank *bank = enter(team);

		bank->twice += bank->owner[account] == rank;
		if (bank->owner[account] < 0)
			bank->owner[account] = rank;
		done = bank->owner[account] == rank;
		bank->wanted[rank] = done ? -1 : account;
		bank->stuck |= is_stuck(bank);
		done |= bank->stuck;
		leave(bank);
	}
}

void lab_unlock(struct rig_team *team, int account)
{
	struct bank *bank = enter(team);

	if (bank->owner[account] == rig_team_rank(team))
		bank->owner[account] = -1;
	leave(bank);
}

static int banked(struct rig_team *team)
{
	int r = student.transfer(team);
	struct bank *bank = enter(team);

	bank->alive[rig_team_rank(team)] = false;
	leave(bank);
	return r;
}

static void open_bank(struct bank *bank, int size, struct lab_transfer *all,
		      int64_t *wanted)
{
	memset(bank, 0, sizeof(*bank));
	bank->state = grade_draw(UINT64_MAX);
	bank->size = size;
	atomic_store(&bank->turn, (int)grade_draw((uint64_t)size));
	for (int i = 0; i < size; i++) {
		bank->alive[i] = true;
		bank->wanted[i] = -1;
	}
	for (int i = 0; i < LAB_ACCOUNTS; i++) {
		bank->owner[i] = -1;
		bank->balance[i] = wanted[i] = (int64_t)grade_draw(1000);
		bank->total += wanted[i];
	}
	for (int i = 0; i < TRANSFERS; i++) {
		all[i] = (struct lab_transfer){
			.from = (int)grade_draw(LAB_ACCOUNTS),
			.to = (int)grade_draw(LAB_ACCOUNTS),
			.amount = 1 + (int64_t)grade_draw(100)
		};
		wanted[all[i].from] -= all[i].amount;
		wanted[all[i].to] += all[i].amount;
	}
	/* Each of 8 ranks has one at least that changes accounts. */
	for (int i = 0; i < TRANSFERS; i += TRANSFERS / WORKERS_MAX) {
		wanted[all[i].to] -= all[i].amount;
		all[i].to =
			(all[i].from + 1 + (int)grade_draw(LAB_ACCOUNTS - 1)) %
			LAB_ACCOUNTS;
		wanted[all[i].to] += all[i].amount;
	}
	/* One at least is from an account to itself. */
	wanted[all[5].to] -= all[5].amount;
	all[5].to = all[5].from;
	wanted[all[5].to] += all[5].amount;
}

static void judge_bank(const struct bank *bank, const int64_t *wanted)
{
	bool right = memcmp(bank->balance, wanted, sizeof(bank->balance)) == 0;

	grade_case(!bank->twice, "a rank locks an account that the rank has "
				 "locked already");
	if (bank->twice)
		grade_hint("TODO(3): both accounts of a transfer may be the "
			   "same");
	grade_case(!bank->stuck, "all ranks wait for locks of each other");
	if (bank->stuck && !bank->twice)
		grade_hint("TODO(3): a deadlock: take the locks in the same "
			   "order, and give back each");
	grade_case(!bank->bare, "%u accesses without the account's lock",
		   bank->bare);
	if (bank->bare && !bank->stuck)
		grade_hint("TODO(3): lock the account before the load, and "
			   "until after the store");
	grade_case(!bank->broken,
		   "the sum is wrong %u times while no lock is "
		   "held",
		   bank->broken);
	if (bank->broken && !bank->bare)
		grade_hint("TODO(3): between two locked halves the money is "
			   "nowhere: hold both locks");
	grade_case(right, "balances are not those of the transfers");
	if (!right && !bank->broken && !bank->stuck)
		grade_hint("TODO(3): some transfers are not made, or twice");
	for (int rank = 0; rank < bank->size; rank++) {
		grade_case(bank->stores[rank] > 0,
			   "rank %d of %d makes no transfer", rank, bank->size);
		if (bank->stores[rank] == 0)
			grade_hint("every rank makes the transfers of its "
				   "strip");
	}
}

static int check_bank(struct rig_pool *pool)
{
	struct rig_segment *list = NULL, *bank = NULL;
	int64_t wanted[LAB_ACCOUNTS];
	int r = rig_segment_create(
		&list, NULL, TRANSFERS * sizeof(struct lab_transfer), NULL);

	if (r == 0)
		r = rig_segment_create(&bank, NULL, sizeof(struct bank), NULL);
	if (r == 0) {
		open_bank(rig_segment_data(bank), rig_pool_size(pool),
			  rig_segment_data(list), wanted);
		r = rig_pool_run(
			pool,
			&(struct rig_job){
				.kernel = banked,
				.segments = { { .name = rig_segment_name(list),
						.bytes = TRANSFERS *
							 sizeof(struct
								lab_transfer) },
					      { .name = rig_segment_name(
							bank) } },
				.limit_ns = 20000000000u });
		grade_run(r, "transfer() by %d ranks", rig_pool_size(pool));
		if (r == 0)
			judge_bank(rig_segment_data(bank), wanted);
		r = 0;
	}
	rig_segment_destroy(bank);
	rig_segment_destroy(list);
	return r;
}

int lab_check(void)
{
	/* A deadlock needs two ranks, and the right turns: so some come twice. */
	static const int teams[] = { 1, 2, 3, 3, WORKERS_MAX, WORKERS_MAX };
	int r = 0;

	student.schedule =
		(__typeof__(student.schedule))grade_student("schedule");
	student.finals = (__typeof__(student.finals))grade_student("finals");
	student.transfer = (rig_kernel_fn *)grade_student("transfer");
	for (int k = 2; k <= K_MAX; k++) {
		check_schedule(k, 2);
		check_schedule(k, 2 + (int)grade_draw(2 * (uint64_t)k - 2));
	}
	for (int i = 0; i < 8; i++)
		check_finals();
	for (int i = 0; r == 0 && i < 6; i++) {
		struct rig_pool *pool = NULL;

		r = rig_pool_create(&pool, &(struct rig_pool_options){
						   .workers = teams[i] });
		if (r == 0)
			r = check_bank(pool);
		rig_pool_destroy(pool);
	}
	return r;
}
