/* SPDX-License-Identifier: MIT */
/*
 * plugin.c - kernels by name, and kernels from a shared object of the user's.
 */
#include "plugin.h"

#include <dlfcn.h>
#include <errno.h>
#include <link.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdnoreturn.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <common/nearest.h>
#include <runrig/error.h>
#include <runrig/kernels.h>

#include "command.h"
#include "leave.h"

/* Seconds that loading may take. */
#define LOAD_LIMIT_S 20

/* The kernel's functions that are called in this process. */
#define ASKED                                                                  \
	"count, check, owns, bytes_moved, flops, items, private_bytes or "     \
	"result"

/* The exit status of the child that loads the object first. */
#define TRIED 42

static bool is_path(const char *word)
{
	size_t length = strlen(word);

	return strchr(word, '/') ||
	       (length > 3 && strcmp(word + length - 3, ".so") == 0);
}

/* An object built against another kernel.h has a struct of another size. */
static bool right_size(const void *symbol)
{
	const ElfW(Sym) *entry = NULL;
	Dl_info info;

	if (!dladdr1(symbol, &info, (void **)&entry, RTLD_DL_SYMENT) || !entry)
		return true;
	return entry->st_size == sizeof(struct rig_kernel);
}

/* About an object for another machine dlopen() says only that there is no such
 * file. */
static int check_machine(const char *path, const char *word)
{
	ElfW(Ehdr) own, theirs = { 0 };
	size_t bytes = offsetof(ElfW(Ehdr), e_version);
	FILE *mine = fopen("/proc/self/exe", "re"), *file = fopen(path, "re");
	bool other = mine && file && fread(&own, bytes, 1, mine) == 1 &&
		     fread(&theirs, bytes, 1, file) == 1 &&
		     memcmp(theirs.e_ident, ELFMAG, SELFMAG) == 0 &&
		     (memcmp(theirs.e_ident, own.e_ident, EI_VERSION) != 0 ||
		      theirs.e_machine != own.e_machine);

	if (mine)
		fclose(mine);
	if (file)
		fclose(file);
	if (other)
		return complain(EXIT_SYSTEM,
				"%s: built for another kind of machine: build "
				"it on this one",
				word);
	return 0;
}

/* A pipe or a device would never end, or worse. */
static int check_file(const char *path, const char *word)
{
	struct stat status;

	if (stat(path, &status) < 0)
		return complain(EXIT_SYSTEM, "%s: %s", word, strerror(errno));
	if (!S_ISREG(status.st_mode))
		return complain(EXIT_SYSTEM, "%s: not a file", word);
	return check_machine(path, word);
}

/* Read names and words to their ends: the pointers may lead anywhere. */
static size_t read_words(const struct rig_kernel *kernel)
{
	size_t length = kernel->name ? strlen(kernel->name) : 0;

	length += kernel->summary ? strlen(kernel->summary) : 0;
	length += kernel->verified ? strlen(kernel->verified) : 0;
	for (const struct rig_param *p = kernel->params; p && p->name; p++)
		length += strlen(p->name) + (p->help ? strlen(p->help) : 0);
	return length;
}

/* All uses of a kernel before workers have the kernel. */
static noreturn void try(const char *path)
{
	void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	const struct rig_kernel *kernel =
		object ? dlsym(object, PLUGIN_SYMBOL) : NULL;
	struct rig_outcome *outcome = NULL;

	if (kernel && right_size(kernel) &&
	    kernel->version == RIG_KERNEL_VERSION && read_words(kernel) > 0 &&
	    rig_kernel_examine(kernel) == 0 &&
	    rig_kernel_register(kernel) == 0 &&
	    rig_kernel_check(&(struct rig_spec){ .kernel = kernel->name },
			     &outcome) == 0 &&
	    kernel->items)
		(void)kernel->items(outcome->args, NULL);
	/* A mere mistake is reported by the later load in the command
	 * itself. */
	_exit(TRIED);
}

/* A user's code may crash or hang while it is loaded, or later: a child loads
 * the object first. */
static int check_by_child(const char *path)
{
	int status = 0;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)alarm(LOAD_LIMIT_S);
		try(path);
	}
	if (pid < 0)
		return complain(EXIT_SYSTEM, "fork: %s", strerror(errno));
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return complain(EXIT_SYSTEM,
				"%s: it does not come to an end while it is "
				"loaded",
				path);
	if (WIFSIGNALED(status))
		return complain(EXIT_SYSTEM,
				"%s: it crashes while it is loaded (%s): its "
				"constructors, or its " PLUGIN_SYMBOL,
				path, strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != TRIED)
		return complain(EXIT_SYSTEM,
				"%s: it ends the program while it is loaded",
				path);
	return 0;
}

/* The words for a kernel that crashes in this process: a worker's crash is told
 * by the pool's report. */
static char crashed[4096 + 200];
static const char *plugin;
static pid_t command;
static bool done; /* the plugin's functions are no longer called */

static void on_crash(int number)
{
	ssize_t written;

	if (getpid() != command) {
		(void)signal(number, SIG_DFL);
		(void)raise(number);
		return;
	}
	written = write(STDERR_FILENO, crashed, strlen(crashed));
	(void)written;
	_exit(EXIT_SYSTEM);
}

/* An exit that the command did not ask for: exit status 0 would look like a
 * success. */
static void on_leave(int status, void *arg)
{
	(void)arg;
	if (getpid() != command || status != 0 || done)
		return;
	(void)complain(EXIT_SYSTEM,
		       "%s: it calls exit(0), not in a worker but in what the "
		       "command asks it: " ASKED,
		       plugin);
	done = true;
	_exit(EXIT_SYSTEM);
}

/* quick_exit() runs no handler of on_exit(). */
static void on_quick_leave(void)
{
	on_leave(0, NULL);
}

void plugin_done(void)
{
	done = true;
}

/* From here on the kernel's functions are called with the user's own values. */
static void guard(const char *path)
{
	static const int numbers[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL,
				       SIGABRT };
	/* A separate stack: the crash may be an overflow of the stack. */
	static char stack[64 << 10];
	struct sigaction action = { .sa_handler = on_crash,
				    .sa_flags = SA_ONSTACK };

	command = getpid();
	snprintf(crashed, sizeof(crashed),
		 "runrig: %s: it crashes with these values, not in a worker "
		 "but in what the command asks it: " ASKED "\n",
		 path);
	plugin = path;
	runrig_leaving = on_leave;
	(void)on_exit(on_leave, NULL);
	(void)at_quick_exit(on_quick_leave);
	(void)sigaltstack(
		&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		(void)sigaction(numbers[i], &action, NULL);
}

static int load(const char *path, const struct rig_kernel **kernel)
{
	char beside[4096];
	void *object;
	int r;

	/* Without a slash dlopen() would look anywhere but here. */
	snprintf(beside, sizeof(beside), "%s%s", strchr(path, '/') ? "" : "./",
		 path);
	r = check_file(beside, path);
	if (r == 0)
		r = check_by_child(beside);
	if (r)
		return r;
	guard(path);
	/* The object is never unloaded: the kernel lies in the object. */
	object = dlopen(beside, RTLD_NOW | RTLD_LOCAL);
	if (!object)
		return complain(EXIT_SYSTEM, "%s", dlerror());
	*kernel = dlsym(object, PLUGIN_SYMBOL);
	if (!*kernel)
		return complain(EXIT_SYSTEM,
				"%s: it exports no const struct rig_kernel "
				"called " PLUGIN_SYMBOL,
				path);
	if (!right_size(*kernel) || (*kernel)->version != RIG_KERNEL_VERSION)
		return complain(EXIT_SYSTEM,
				"%s: built against another runrig/kernel.h: "
				"build it again",
				path);
	if (rig_kernel_examine(*kernel) < 0)
		return complain(EXIT_SYSTEM, "%s: %s", path, rig_why());
	/* A report calls the kernel by its name, which must mean a single
	 * kernel. */
	if (rig_kernel_register(*kernel) < 0)
		return complain(EXIT_SYSTEM,
				"%s: its kernel is called %s, as one that "
				"comes with runrig: give it another name",
				path, (*kernel)->name);
	return 0;
}

int plugin_none(const char *word)
{
	struct nearest nearest = { .word = word };
	char names[400];
	size_t used = 0;

	for (size_t i = 0; rig_kernel_at(i); i++)
		nearest_look(&nearest, rig_kernel_at(i)->name);
	if (nearest.name)
		return complain(EXIT_USAGE,
				"no kernel \"%s\": did you mean %s?", word,
				nearest.name);
	for (size_t i = 0; rig_kernel_at(i) && used < sizeof(names); i++)
		used += (size_t)snprintf(names + used, sizeof(names) - used,
					 "%s%s", i ? ", " : "",
					 rig_kernel_at(i)->name);
	return complain(EXIT_USAGE,
			"no kernel \"%s\": there are %s, or name a file, "
			"./mine.so",
			word, names);
}

int plugin_find(const char *word, const struct rig_kernel **kernel)
{
	*kernel = rig_kernel_find(word);
	if (*kernel)
		return 0;
	if (is_path(word))
		return load(word, kernel);
	return plugin_none(word);
}
