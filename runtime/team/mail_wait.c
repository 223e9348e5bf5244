/* SPDX-License-Identifier: MIT */
/*
 * mail_wait.c - how a rank waits while the rank's mail goes on.
 *
 * A waiting rank moves the mail on again and again.  A rank out of patience reads all
 * channels, also for messages that no receive wants, and sleeps at the mailbox, or at
 * a word of the team; the report finds the awaited word or message in shared memory.
 */
#include <sched.h>

#include "base/clock.h"
#include "team/mail_parts.h"
#include "team/verb.h"

/* The wait of a sleeper, beside the mailbox, as others see the wait. */
struct wait_target {
	const _Atomic uint64_t *word; /* a word of rank_await(); or NULL */
	bool barrier;
	uint64_t target;
};

/* Sleep, counted as a sleeper, until a change. */
static void sleep_counted(struct mail *mail, uint64_t rung,
			  bool (*over)(void *arg), void *arg,
			  const struct wait_target *as)
{
	struct rank *owner = mail->owner;
	const char *base = (const char *)owner->layout.control;

	if (as->barrier)
		rank_sleeps(owner, 0, as->target, rung + 1);
	else if (as->word)
		rank_sleeps(owner, (uint64_t)((const char *)as->word - base),
			    as->target, rung + 1);
	else
		rank_sleeps(owner,
			    (uint64_t)((const char *)&mail->box->rung - base),
			    rung + 1, 0);
	for (;;) {
		/* seq_cst: the bell before the reason for the ring. */
		uint32_t heard = load_seq(&mail->box->bell);

		if (load_seq(&mail->box->rung) > rung ||
		    rank_has_ended(owner) ||
		    ((as->barrier || as->word) && over(arg)))
			break;
		(void)wait_sleep(&mail->box->bell, heard,
				 as->barrier ? clock_after(STORE_NS)
					     : RIG_FOREVER);
	}
	rank_awake(owner);
}

/* Show the report a message that has come and that no receive asks for: a message of
 * the team and the rank that the first receive names, if any. */
static void show_unasked(const struct mail *mail)
{
	const struct rig_request *wanted = TAILQ_FIRST(&mail->posted);
	const struct message *message, *best = NULL;
	int best_fits = -1;

	TAILQ_FOREACH (message, &mail->strays, entry) {
		int fits = 0;

		/* The library's own messages are no news for a user. */
		if (message->slot.context & MAIL_APART)
			continue;
		if (wanted && message->slot.context == wanted->context)
			fits = 1 + (message->peer == wanted->peer);
		if (fits > best_fits) {
			best = message;
			best_fits = fits;
		}
	}
	/* relaxed: for the report. */
	store_relaxed(
		&mail->owner->mine->unasked,
		best ? CALLS_MESSAGE(VERB_RECV, best->slot.from, best->slot.tag)
		     : 0);
}

/* Sleep until something changes.  Returns whether the wait is over, as over() said. */
static bool sleep_for(struct mail *mail, bool (*over)(void *arg), void *arg,
		      const struct wait_target *as)
{
	struct rank *owner = mail->owner;
	_Atomic uint32_t *sleepers = &owner->layout.team->sleepers;
	uint64_t rung = mailbox_arm(mail->box);
	bool moved, done;

	if (as->word) {
		store_relaxed(&owner->mine->target, as->target);
		store_relaxed(&owner->mine->awaited,
			      (uint64_t)((const char *)as->word -
					 (const char *)owner->layout.control));
		/* seq_cst: as in sleep_on() of rank.c. */
		add_seq(sleepers, 1);
	}
	/* Once more, now that every change rings the bell; and no rank may wait for
	 * this rank, which is about to sleep. */
	mail->greedy = true;
	moved = mail_progress(mail);
	done = over(arg);
	if (!moved && !done && !mail->careful) {
		/* See mailbox_set(): a change may still be unseen here, and
		 * the rank that made the change may not have seen that the box
		 * is armed. */
		moved = mailbox_sleep(mail->box, rung, clock_after(STORE_NS));
		moved |= mail_progress(mail);
		done = over(arg);
	}
	mail->greedy = false;
	if (!moved && !done) {
		show_unasked(mail);
		sleep_counted(mail, rung, over, arg, as);
		store_relaxed(&owner->mine->unasked, 0);
	}
	if (as->word) {
		sub_seq(sleepers, 1);
		store_relaxed(&owner->mine->awaited, 0);
	}
	mailbox_disarm(mail->box);
	return done;
}

static bool wait_or_sleep(struct mail *mail, bool (*over)(void *arg), void *arg,
			  const struct wait_target *as)
{
	struct wait wait = { 0 };

	for (;;) {
		bool moved = mail_progress(mail);

		if (over(arg))
			return true;
		if (moved) {
			wait = (struct wait){ 0 };
		} else if (!wait_more(&wait, &mail->owner->patience)) {
			if (rank_has_ended(mail->owner))
				return false;
			if (sleep_for(mail, over, arg, as))
				return true;
			wait = (struct wait){ 0 };
		}
	}
}

void mail_polls(const struct mail *mail)
{
	/* Ranks have no CPU each: the rank that this rank waits for may need
	 * this CPU. */
	if (mail->careful)
		sched_yield();
}

bool mail_wait(struct mail *mail, bool (*over)(void *arg), void *arg)
{
	return wait_or_sleep(mail, over, arg, &(struct wait_target){ 0 });
}

/* A word that other ranks advance. */
struct goal {
	const _Atomic uint64_t *word;
	uint64_t target;
};

static bool reached(void *arg)
{
	const struct goal *goal = arg;

	/* acquire: stores before the value; seq_cst: see sleep_on() of rank.c. */
	return load_seq(goal->word) >= goal->target;
}

void mail_await(struct rank *rank, const _Atomic uint64_t *word,
		uint64_t target)
{
	struct goal goal = { word, target };

	(void)wait_or_sleep(
		rank->mail, reached, &goal,
		&(struct wait_target){ .word = word, .target = target });
}

void mail_await_barrier(struct rank *rank, const _Atomic uint64_t *word,
			uint64_t target, uint64_t shown)
{
	struct goal goal = { word, target };

	(void)wait_or_sleep(
		rank->mail, reached, &goal,
		&(struct wait_target){ .barrier = true, .target = shown });
}
