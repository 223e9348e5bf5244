/* SPDX-License-Identifier: MIT */
/*
 * process.h - other processes as a test sees each, by /proc, and time for the
 * processes.
 */
#ifndef RUNRIG_TEST_PROCESS_H
#define RUNRIG_TEST_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The line of /proc/PID/stat; "": there is no such process. */
void process_stat(pid_t pid, char *line, size_t bytes);

/* The state as Linux's letter: 'R', 'S', 'Z', ...; 0: there is no such process. */
char process_state(pid_t pid);

/* Is there such a process that is no zombie? */
bool process_runs(pid_t pid);

/* The parent's number; 0: there is no such process. */
pid_t process_parent(pid_t pid);

/* Has the process of a line of process_stat() mapped memory?  A process without
 * memory is dead or, where it has not been scheduled since, about to be a zombie. */
bool process_has_memory(const char *line);

/* The entries of a folder, `.` and `..` among them; 0: there is no such folder. */
int process_count_entries(const char *folder);

/* Wait; a signal ends the wait early. */
void process_sleep(uint64_t ns);

#endif
