/* SPDX-License-Identifier: MIT */
/*
 * refuse.c - a filter of system calls (seccomp), written by hand.
 */
#include "lib/refuse.h"

#include "base/glibc.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#define ADVICE(name)                                                           \
	{                                                                      \
		"madvise(" #name ")", SYS_madvise, 2, UINT32_MAX, name         \
	}
#define NEWER -1
#define CALL(name)                                                             \
	{                                                                      \
#name, SYS_##name, 0, 0, 0                                     \
	}

/* The last call and the last advice that Linux 5.4 has; numbers from 424 on are
 * the same on every machine. */
#define LAST_CALL   435 /* clone3 */
#define LAST_ADVICE 21  /* MADV_PAGEOUT */

const struct refusal refusals[] = {
	ADVICE(MADV_POPULATE_WRITE),
	ADVICE(MADV_POPULATE_READ),
	ADVICE(MADV_REMOVE),
	ADVICE(MADV_DONTFORK),
	ADVICE(MADV_HUGEPAGE),
	{ "openat(O_TMPFILE)", SYS_openat, 2, O_TMPFILE & ~O_DIRECTORY,
	  O_TMPFILE & ~O_DIRECTORY },
	CALL(linkat),
	CALL(flock),
	CALL(fallocate),
	CALL(close_range),
	CALL(pidfd_open),
	CALL(mbind),
	CALL(move_pages),
	CALL(get_mempolicy),
	CALL(getrandom),
	CALL(sched_setaffinity),
	CALL(getcpu),
	CALL(rseq),
	CALL(eventfd2),
	CALL(fchmod),
	CALL(memfd_create),
	CALL(mincore),
	{ "prctl(PR_SET_PDEATHSIG)", SYS_prctl, 0, UINT32_MAX,
	  PR_SET_PDEATHSIG },
	{ "prctl(PR_SET_NAME)", SYS_prctl, 0, UINT32_MAX, PR_SET_NAME },
	{ .name = "all that Linux 5.4 lacks", .number = NEWER },
};
const int refusals_count = sizeof(refusals) / sizeof(refusals[0]);

/* The lower half of argument `argument`, on a machine that stores the lower
 * half first. */
static uint32_t argument_at(int argument)
{
	return (uint32_t)(offsetof(struct seccomp_data, args) +
			  sizeof(uint64_t) * (size_t)argument);
}

static int install(struct sock_filter *filter, size_t count)
{
	struct sock_fprog program = {
		.len = (unsigned short)count,
		.filter = filter,
	};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		return -errno;
	return 0;
}

/* Linux 5.4 itself answers ENOSYS or EINVAL. */
static int refuse_newer(int error)
{
	const uint32_t answer =
		SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA);
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_CALL, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_madvise, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, argument_at(2)),
		BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_ADVICE, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, answer),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	return install(filter, sizeof(filter) / sizeof(filter[0]));
}

int refuse(const struct refusal *refusal, int error)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)refusal->number,
			 0, 4),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 argument_at(refusal->argument)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, refusal->bits),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, refusal->value, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO |
				 ((uint32_t)error & SECCOMP_RET_DATA)),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};

	if (refusal->number == NEWER)
		return refuse_newer(error);
	return install(filter, sizeof(filter) / sizeof(filter[0]));
}
