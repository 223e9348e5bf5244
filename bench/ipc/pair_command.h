/* SPDX-License-Identifier: MIT */
/*
 * pair_command.h - contenders that are programs of their own, in any language.
 *
 * The user gives words; rigbench appends one and starts the program.
 *
 *	WORDS describe
 *
 * prints one line, and ends:
 *
 *	contender 1 COPIES NAME SUMMARY...
 *
 *	WORDS pair clock=C pattern=P bytes=N slots=N wait=W cpus=N,N touch=T
 *	           rotate=N rate=N
 *
 * makes a link of two processes (or two threads: whatever the transport joins),
 * side 0 and side 1, each on its CPU (-1: on any), and obeys lines on its standard
 * input until end of file; every answer is one line on the standard output.  Words
 * that a program does not know it passes over.
 *
 *	program   ready PID...           the processes to stop while others run
 *	          or  cannot WORDS       such messages are not to be had: a row
 *	rigbench  run COUNT SEED         COUNT operations; message k, from 0, has
 *	                                 words (SEED + k) * A + i * B, modulo 2^64,
 *	                                 A = 0x9e3779b97f4a7c15,
 *	                                 B = 0x2545f4914f6cdd1d; a byte that is left
 *	                                 over is SEED + k + j, j from 0, modulo 256
 *	program   timing BEGIN END BEGIN END [cpu NS] sum S
 *	                                 nanoseconds of clock C of each side; CPU
 *	                                 time of both; the sum of every word that a
 *	                                 side has consumed, modulo 2^64
 *	          or  measured NS sum S  pattern rate, setup, crash: nanoseconds an
 *	                                 operation
 *	          or  cannot WORDS, wrong WORDS
 *	rigbench  verify COUNT PATH      the file holds COUNT messages.  Side 0 sends
 *	                                 each; side 1 writes what came behind those,
 *	                                 and sends the same back; side 0 writes what
 *	                                 came back behind that: three times COUNT
 *	program   verified, or  wrong WORDS
 *
 * Patterns, as docs/measuring.md has them.  pingpong: side 1 consumes the message,
 * and produces one like it for the way back.  stream: one way.  map: side 0 has one
 * array, message SEED of each run, and sends it COUNT times; side 1 sends its words
 * back in reverse order, and side 0 adds the first and the last word of each to the
 * sum.  rate: `rate` messages a second are due; NS is from when a message was due to
 * when it had been consumed, on average.  setup: NS is to make the link, one
 * round trip (both messages in the sum), and to take the link down.  crash: side 1
 * is killed in the midst of messages; NS is until side 0's call fails.
 *
 * rigbench compares the sum with its closed form, every byte of the file, and the
 * notes of time with its own clock.
 */
#ifndef RIGBENCH_PAIR_COMMAND_H
#define RIGBENCH_PAIR_COMMAND_H

#include "ipc/pair.h"

/* The word of --contender begins so where the contender is a program. */
#define COMMAND_PREFIX "cmd:"

/* A program, as it describes itself. */
struct command_words {
	char command[320]; /* PROGRAM ARGUMENT... */
	char name[32];
	char summary[128];
	int copies;
};

/* Put the module rigbench_contender on the path of programs in Python. */
void command_offer_module(void);

/* Ask a program to describe itself.  0, or -errno with words in `why`. */
int command_describe(const char *command, struct command_words *words,
		     char *why);

#endif
