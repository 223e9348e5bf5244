/* SPDX-License-Identifier: MIT */
/*
 * worker_main.c - the program of the warden of a pool made with RIG_EXEC, and of the
 * workers: all code is in the library.
 */
#include "pool/worker_program.h"

int main(int argc, char **argv)
{
	return rig_worker_program(argc, argv);
}
