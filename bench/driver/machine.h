/* SPDX-License-Identifier: MIT */
/*
 * machine.h - the machine that was measured, and how quiet the machine was.
 */
#ifndef RIGBENCH_MACHINE_H
#define RIGBENCH_MACHINE_H

#include <stdbool.h>

#include <jansson.h>

#include "driver/stopwatch.h"

/* A: p99.9 of a fixed quantum of work below 1.05 times its minimum; B: below
 * 1.5 times; C: else. */
struct machine_noise {
	char grade;
	int pus;             /* probed */
	double worst;        /* p99.9 / min, of the worst PU */
	uint64_t quantum_ns; /* its minimum */
};

/* CPU time of the whole machine, in clock ticks. */
struct machine_ticks {
	uint64_t all, steal;
};

/* Run the probe on every usable PU (at most eight), on each for as long as 150
 * samples of `batch_ns` take, at most 0.3 s. */
void machine_noise(const struct stopwatch *watch, uint64_t batch_ns,
		   struct machine_noise *noise);

void machine_ticks(struct machine_ticks *ticks);

/* Percent of the CPU time between the two that the hypervisor took. */
double machine_steal(const struct machine_ticks *before,
		     const struct machine_ticks *after);

/* One line: "AMD EPYC, 2 cores, 1 NUMA node, Linux 6.1". */
void machine_line(char *text, size_t bytes);

/* The environment block of the JSON.  What cannot be read is null. */
json_t *machine_json(const struct stopwatch *watch,
		     const struct machine_noise *noise);

/* The value of a line "key : value" of /proc/cpuinfo. */
bool machine_cpuinfo(const char *key, char *text, size_t bytes);

/* A data cache of the first PU that this process may run on. */
struct machine_cache {
	int level;
	int sharers; /* PUs that have it */
	size_t bytes;
};

#define MACHINE_CACHES_MAX 4

/* From the nearest on, as the system tells them; returns how many. */
int machine_caches(struct machine_cache caches[MACHINE_CACHES_MAX]);

/* The proportional set size of a process: shared pages are shared out.  0: it
 * cannot be read. */
double machine_pss_bytes(int pid);

/* PUs this process may run on. */
int machine_pus(void);

#endif
