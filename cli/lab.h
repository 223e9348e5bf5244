/* SPDX-License-Identifier: MIT */
/*
 * lab.h - where labs are, a student's folder, and the marks of a check.
 */
#ifndef RUNRIG_LAB_H
#define RUNRIG_LAB_H

#include <stdbool.h>

#define LABS_MAX     99
#define LAB_NAME_MAX 64

/* The installed labs, by number: "01-first-rig" and so on. */
struct lab_set {
	char names[LABS_MAX][LAB_NAME_MAX];
	int count;
};

/* The mark of a folder. */
struct lab_mark {
	const char *folder;
	char lab[LAB_NAME_MAX];
	bool passed;
	int right, cases; /* both 0: the check could not count */
	char hint[256];   /* the first hint, or "" */
	char *text;       /* the whole output of the check; free() */
};

/* Each function below returns 0, or an exit code after complain(). */
int labs_find(struct lab_set *labs);
int lab_named(const char *word, char name[LAB_NAME_MAX]);
int lab_write_folder(const char *name, const char *folder);

/* Compile and check a folder.  A folder that fails has a mark and returns 0. */
int lab_check_folder(struct lab_mark *mark);

int lab_print_marks(const struct lab_mark *marks, int count, bool json);
int lab_write_junit(const struct lab_mark *marks, int count, const char *path);
int lab_write_csv(const struct lab_mark *marks, int count, const char *path);

/* The lab's title, from the first line of its page; static memory. */
const char *lab_title(const char *name);

#endif
