/* SPDX-License-Identifier: MIT */
/*
 * worker_main.c - the program that the warden of a pool made with RIG_EXEC is,
 * and the workers with it: all of it is in the library.
 */
#include "pool/worker_program.h"

int main(int argc, char **argv)
{
	return rig_worker_program(argc, argv);
}
