/* SPDX-License-Identifier: MIT */
/*
 * grade.c - the main program of every lab's check.
 */
#include "grade.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <runrig/runrig.h>

/* Seconds that a check may take: a lab has deadlocks, and endless loops. */
#define LIMIT_S 60

#define HINTS      32
#define HINT_BYTES 200

/* The child tells the parent this.  The student's code runs in the child before
 * the verdict is written, and does not know the token. */
struct verdict {
	uint64_t token;
	int cases, right;
};

/* A page of the child's own.  Workers do not have the page, and the student's code
 * cannot read or write there by a stray pointer. */
static struct verdict *verdict;
static size_t page;

static void *student;
static uint64_t state;
static char hints[HINTS][HINT_BYTES];
static int verdict_fd = -1;

static void open_verdict(bool open)
{
	if (mprotect(verdict, page, open ? PROT_READ | PROT_WRITE : PROT_NONE) <
	    0)
		_exit(3);
}

static void make_verdict(uint64_t token)
{
	page = (size_t)sysconf(_SC_PAGESIZE);
	verdict = mmap(NULL, page, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (verdict == MAP_FAILED || madvise(verdict, page, MADV_DONTFORK) < 0)
		_exit(3);
	verdict->token = token;
	open_verdict(false);
}

uint64_t grade_draw(uint64_t bound)
{
	uint64_t z = state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (z ^ (z >> 31)) % bound;
}

void grade_case(bool right, const char *format, ...)
{
	va_list args;

	open_verdict(true);
	verdict->cases++;
	verdict->right += right;
	open_verdict(false);
	if (right)
		return;
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
}

void grade_hint(const char *format, ...)
{
	char words[HINT_BYTES];
	va_list args;
	int i = 0;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	while (i < HINTS - 1 && hints[i][0] && strcmp(hints[i], words) != 0)
		i++;
	if (hints[i][0])
		return;
	memcpy(hints[i], words, sizeof(words));
	printf("  hint: %s\n", words);
}

void grade_run(int r, const char *format, ...)
{
	char words[HINT_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	grade_case(r == 0, "%s: %s", words, r < 0 ? rig_why() : "");
	if (r == -EOWNERDEAD)
		grade_hint("a rank has ended before its time: start.c must not "
			   "call exit(), and a signal is a mistake of memory");
	else if (r == -EDEADLK)
		grade_hint("a rank waits for another that has returned, or "
			   "waits too: all ranks make the same calls");
	else if (r == -ETIMEDOUT)
		grade_hint("a rank comes to no end: an endless loop?");
}

/* Tell the parent, and end without what the student's code left at exit. */
static _Noreturn void finish(int status)
{
	fflush(stdout);
	open_verdict(true);
	if (write(verdict_fd, verdict, sizeof(*verdict)) != sizeof(*verdict))
		status = 3;
	_exit(status);
}

void grade_end(void)
{
	finish(0);
}

grade_fn *grade_student(const char *name)
{
	/* POSIX: what dlsym() returns holds a function's address. */
	grade_fn *function;

	*(void **)&function = dlsym(student, name);

	if (!function) {
		grade_case(false, "start.c has no function %s()", name);
		grade_hint("keep the names that lab.h declares: %s()", name);
		finish(0);
	}
	return function;
}

static void run_child(const char *path)
{
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	student = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	if (!student) {
		grade_case(false, "start.c cannot be loaded: %s", dlerror());
		finish(0);
	}
	r = lab_check();
	if (r < 0)
		printf("the check could not be run: %s\n", strerror(-r));
	finish(r < 0 ? 3 : 0);
}

/* Wait for the child's end or word.  False where the time is over.  The pipe's end
 * is no sign: a process that the student's code has left may hold the pipe. */
static bool in_time(pid_t pid, int fd)
{
	struct pollfd ready[] = { { .fd = fd, .events = POLLIN },
				  { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
				    .events = POLLIN } };
	bool is_there = poll(ready, 2, LIMIT_S * 1000) > 0;

	if (ready[1].fd >= 0)
		close(ready[1].fd);
	(void)fcntl(fd, F_SETFL, O_NONBLOCK);
	return is_there;
}

/* The verdict of the child, or false where there is none in time. */
static bool wait_for(pid_t pid, int fd, uint64_t token, struct verdict *found)
{
	bool late = !in_time(pid, fd);
	bool whole = !late && read(fd, found, sizeof(*found)) == sizeof(*found);
	int status = 0;

	if (late)
		printf("not finished after %d s\n"
		       "  hint: does a rank wait for something that never "
		       "comes?\n",
		       LIMIT_S);
	if (!whole)
		(void)kill(-pid, SIGKILL);
	if (waitpid(pid, &status, 0) != pid)
		return false;
	if (!late && WIFSIGNALED(status) && !whole)
		printf("the check died of signal %d (%s)\n"
		       "  hint: a function that no worker runs has a mistake of "
		       "memory\n",
		       WTERMSIG(status), strsignal(WTERMSIG(status)));
	else if (!late && !whole)
		printf("the program ended before the check had an answer\n"
		       "  hint: start.c must not call exit()\n");
	return whole && found->token == token && WIFEXITED(status) &&
	       WEXITSTATUS(status) == 0;
}

/* The last line; and the same for `runrig lab check`, by a pipe. */
static int say(const struct verdict *found, int told)
{
	if (told >= 0)
		dprintf(told, "%d of %d\n", found->right, found->cases);
	if (found->cases > 0 && found->right == found->cases) {
		printf("all right: %d of %d\n", found->right, found->cases);
		return 0;
	}
	printf("not yet: %d of %d right\n", found->right, found->cases);
	return 2;
}

int main(int argc, char **argv)
{
	struct verdict found = { .token = 0 };
	uint64_t token;
	int ends[2], told;
	pid_t pid;

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: %s start.so [SEED|- [FD]]\n", argv[0]);
		return 1;
	}
	if (getrandom(&token, sizeof(token), 0) != sizeof(token) ||
	    getrandom(&state, sizeof(state), 0) != sizeof(state) ||
	    pipe(ends) < 0) {
		perror("lab check");
		return 3;
	}
	if (argc > 2 && strcmp(argv[2], "-") != 0)
		state = strtoull(argv[2], NULL, 10);
	told = argc > 3 ? atoi(argv[3]) : -1;
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		perror("lab check");
		return 3;
	}
	if (pid == 0) {
		(void)setpgid(0, 0);
		close(ends[0]);
		if (told >= 0)
			close(told);
		verdict_fd = ends[1];
		make_verdict(token);
		explicit_bzero(&token, sizeof(token));
		run_child(argv[1]);
	}
	(void)setpgid(pid, pid);
	/* The child may be a user's who could trace this process. */
	(void)prctl(PR_SET_DUMPABLE, 0);
	close(ends[1]);
	if (!wait_for(pid, ends[0], token, &found))
		found.right = found.cases = 0;
	return say(&found, told);
}
