/* SPDX-License-Identifier: MIT */
/*
 * interrupt.h - signals that end the command: the run in progress is cancelled,
 * and tells where each rank was; files in the making go.
 */
#ifndef RUNRIG_INTERRUPT_H
#define RUNRIG_INTERRUPT_H

struct rig_pool;

/* Handle the signals that would end this process.  A signal that is ignored
 * (nohup) or handled already is left alone.  Called once, before other
 * threads. */
void interrupt_watch(void);

/* A function that removes further files in the making: called from a signal handler.
 * Set before interrupt_watch(). */
void interrupt_removes(void (*remove)(void));

/* The pool whose run Ctrl-C, TERM and HUP cancel; NULL: none any more. */
void interrupt_pool(struct rig_pool *pool);

/* A run was cancelled by a signal, or has ended just before: remove files in the
 * making, and end by the signal now, as a shell expects. */
void interrupt_end(void);

#endif
