/* SPDX-License-Identifier: MIT */
/*
 * cmd_doctor.c - runrig doctor: will runrig work here, and what is the cure?
 *
 * The first checks do the work of every program: make a segment, make a pool,
 * run.  The other checks look for reasons, and for things that work less well
 * than they could.  `rigbench doctor' looks at the other side: can numbers be
 * believed here?
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <linux/magic.h>
#include <linux/mempolicy.h>

#include <common/checkup.h>
#include <runrig/error.h>
#include <runrig/pool.h>
#include <runrig/segment.h>

#include "command.h"
#include "json.h"
#include "show.h"

/* The oldest kernel on which all tests pass. */
#define KERNEL_MAJOR 5
#define KERNEL_MINOR 4

/* Below ROOM_LEAST no array of a useful size fits into memory; ROOM_ENOUGH is
 * enough for kernels with default parameters. */
#define ROOM_LEAST  ((size_t)64 << 20)
#define ROOM_ENOUGH ((size_t)1 << 30)

/* The only process of a pool that is no worker: the warden. */
#define OTHER_PROCESSES 1

/* A program should be able to have this many descriptors. */
#define FILES_ENOUGH 1024

#define SEGMENT_BYTES 65536

/* Four huge pages, at least one of which is aligned. */
#define HUGE_BYTES ((size_t)8 << 20)

enum { KEY_JSON = 256 };

struct options {
	bool json;
	const char *path;
};

/* The machine as planned; NULL: no plan can be had. */
struct setting {
	const struct rig_plan *plan;
};

/* ---- the work of every program ---- */

static int meet(struct rig_team *team)
{
	return rig_team_barrier(team);
}

/* A pool with the default number of workers, and a run; with RIG_EXEC a pool
 * with a single worker and no run, for such a pool refuses a program's own
 * kernel. */
static enum checkup_state try_pool(enum rig_start start, char *found)
{
	struct rig_pool_options options = { .start = start };
	struct rig_job job = { .kernel = meet };
	struct rig_pool *pool = NULL;
	int r;

	if (start == RIG_EXEC)
		options.workers = 1;
	r = rig_pool_create(&pool, &options);
	if (r == 0 && start == RIG_FORK)
		r = rig_pool_run(pool, &job);
	if (r < 0)
		checkup_say(found, "%.190s", rig_why());
	else
		checkup_say(found, "%d worker%s started%s", rig_pool_size(pool),
			    rig_pool_size(pool) == 1 ? "" : "s",
			    start == RIG_FORK ? ", and met at a barrier" : "");
	rig_pool_destroy(pool);
	return r < 0 ? BAD : FINE;
}

static enum checkup_state look_pool(const void *context, char *found)
{
	(void)context;
	return try_pool(RIG_FORK, found);
}

static enum checkup_state look_exec(const void *context, char *found)
{
	(void)context;
	return try_pool(RIG_EXEC, found) == FINE ? FINE : NOTE;
}

static enum checkup_state look_segment(const void *context, char *found)
{
	struct rig_segment *segment = NULL;
	int r = rig_segment_create(&segment, NULL, SEGMENT_BYTES, NULL);

	(void)context;
	if (r < 0) {
		checkup_say(found, "%.190s", rig_why());
		return BAD;
	}
	memset(rig_segment_data(segment), 1, SEGMENT_BYTES);
	rig_segment_destroy(segment);
	checkup_say(found, "made, written and removed");
	return FINE;
}

/* ---- the kernel and its limits ---- */

static enum checkup_state look_kernel(const void *context, char *found)
{
	struct utsname name;
	int major = 0, minor = 0;

	(void)context;
	if (uname(&name) < 0 ||
	    sscanf(name.release, "%d.%d", &major, &minor) != 2) {
		checkup_say(found, "it does not say its version");
		return UNKNOWN;
	}
	checkup_say(found, "%s %.100s", name.sysname, name.release);
	return major > KERNEL_MAJOR ||
			       (major == KERNEL_MAJOR && minor >= KERNEL_MINOR)
		       ? FINE
		       : BAD;
}

static bool pidfd_refused(void)
{
	int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (fd < 0)
		return true;
	close(fd);
	return false;
}

static bool memfd_refused(void)
{
	int fd = (int)syscall(SYS_memfd_create, "runrig doctor", 0);

	if (fd < 0)
		return true;
	close(fd);
	return false;
}

static bool mbind_refused(void)
{
	void *page;
	long r;

	if (posix_memalign(&page, 4096, 4096))
		return true;
	r = syscall(SYS_mbind, page, 4096, MPOL_DEFAULT, NULL, 0, 0);
	free(page);
	/* A kernel built for a single node has no such file, and needs none. */
	return r < 0 && errno != ENOSYS;
}

static bool affinity_refused(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) == 0 &&
	       sched_setaffinity(0, sizeof(set), &set) < 0;
}

static enum checkup_state look_calls(const void *context, char *found)
{
	static const struct {
		const char *name;
		bool (*refused)(void);
	} calls[] = {
		{ "pidfd_open", pidfd_refused },
		{ "memfd_create", memfd_refused },
		{ "sched_setaffinity", affinity_refused },
		{ "mbind", mbind_refused },
	};
	char names[FOUND_BYTES] = "";
	size_t used = 0;

	(void)context;
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		if (calls[i].refused())
			used += (size_t)snprintf(
				names + used, sizeof(names) - used, "%s%s",
				used ? ", " : "", calls[i].name);
	if (!used) {
		checkup_say(found, "no call that runrig makes is refused");
		return FINE;
	}
	checkup_say(found, "refused: %.150s", names);
	return NOTE;
}

/* The file `name` of this process's cgroup, version 2. */
static bool cgroup_file(const char *name, char *text, size_t bytes)
{
	char group[256], path[400];

	if (!checkup_file("/proc/self/cgroup", group, sizeof(group)) ||
	    strncmp(group, "0::", 3) != 0)
		return false;
	snprintf(path, sizeof(path), "/sys/fs/cgroup%s/%s",
		 strcmp(group + 3, "/") == 0 ? "" : group + 3, name);
	return checkup_file(path, text, bytes);
}

static int workers_of(const struct setting *setting)
{
	return setting->plan ? setting->plan->workers : 1;
}

static enum checkup_state look_processes(const void *context, char *found)
{
	const int wanted = workers_of(context) + OTHER_PROCESSES;
	char most[32] = "max", now[32] = "0";
	struct rlimit limit;

	if (cgroup_file("pids.max", most, sizeof(most)) && *most != 'm' &&
	    cgroup_file("pids.current", now, sizeof(now))) {
		checkup_say(found,
			    "the cgroup may have %s, has %s, and a pool adds "
			    "%d",
			    most, now, wanted);
		return atol(now) + wanted > atol(most) ? BAD : FINE;
	}
	if (getrlimit(RLIMIT_NPROC, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY && getuid() != 0) {
		checkup_say(found, "ulimit -u is %llu, and a pool adds %d",
			    (unsigned long long)limit.rlim_cur, wanted);
		return limit.rlim_cur < (rlim_t)wanted ? BAD : FINE;
	}
	checkup_say(found, "no limit that matters; a pool adds %d", wanted);
	return FINE;
}

static enum checkup_state look_files(const void *context, char *found)
{
	struct rlimit limit;

	(void)context;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0) {
		checkup_say(found, "%s", strerror(errno));
		return UNKNOWN;
	}
	checkup_say(found, "ulimit -n is %llu",
		    (unsigned long long)limit.rlim_cur);
	return limit.rlim_cur < FILES_ENOUGH ? NOTE : FINE;
}

static enum checkup_state look_memlock(const void *context, char *found)
{
	struct rlimit limit;
	char text[SHOWN_BYTES] = "no limit";

	(void)context;
	if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
	    limit.rlim_cur != RLIM_INFINITY)
		show_bytes((double)limit.rlim_cur, text);
	checkup_say(found, "%s; runrig locks no memory", text);
	return FINE;
}

/* ---- memory ---- */

static enum checkup_state look_shm(const void *context, char *found)
{
	struct statfs system;
	struct stat status;

	(void)context;
	if (stat("/dev/shm", &status) < 0 || statfs("/dev/shm", &system) < 0) {
		checkup_say(found, "%s", strerror(errno));
		return BAD;
	}
	if (access("/dev/shm", W_OK | X_OK) < 0) {
		checkup_say(found, "mode %o of user %u: %s",
			    (unsigned int)status.st_mode & 07777,
			    (unsigned int)status.st_uid, strerror(errno));
		return BAD;
	}
	if (system.f_type != TMPFS_MAGIC) {
		checkup_say(found, "no tmpfs: the bytes lie on a disk");
		return NOTE;
	}
	if ((status.st_mode & 02) && !(status.st_mode & S_ISVTX)) {
		checkup_say(found, "mode %o: everybody may remove everything",
			    (unsigned int)status.st_mode & 07777);
		return NOTE;
	}
	checkup_say(found, "a tmpfs that this user may write");
	return FINE;
}

static enum checkup_state look_room(const void *context, char *found)
{
	size_t room = rig_shm_available();
	char text[SHOWN_BYTES];

	(void)context;
	checkup_say(found, "%s free", show_bytes((double)room, text));
	return room < ROOM_ENOUGH ? NOTE : FINE;
}

static enum checkup_state look_memory(const void *context, char *found)
{
	size_t memory = rig_memory_available();
	char limit[32], text[SHOWN_BYTES];

	(void)context;
	checkup_say(found, "%s to be had%s", show_bytes((double)memory, text),
		    cgroup_file("memory.max", limit, sizeof(limit)) &&
				    *limit != 'm'
			    ? ", within the cgroup's limit"
			    : "");
	return memory < ROOM_LEAST ? BAD : memory < ROOM_ENOUGH ? NOTE : FINE;
}

static enum checkup_state look_huge(const void *context, char *found)
{
	const struct rig_segment_options options = { .pages = RIG_PAGES_HUGE };
	struct rig_segment *segment = NULL;
	char got[SHOWN_BYTES], asked[SHOWN_BYTES];
	ssize_t huge;

	(void)context;
	if (rig_segment_create(&segment, NULL, HUGE_BYTES, &options) < 0) {
		checkup_say(found, "%.190s", rig_why());
		return UNKNOWN;
	}
	memset(rig_segment_data(segment), 1, HUGE_BYTES);
	huge = rig_segment_huge_bytes(segment);
	rig_segment_destroy(segment);
	checkup_say(found, "%s of %s that were asked for",
		    show_bytes((double)(huge > 0 ? huge : 0), got),
		    show_bytes(HUGE_BYTES, asked));
	return huge > 0 ? FINE : NOTE;
}

static enum checkup_state look_numa(const void *context, char *found)
{
	const struct setting *setting = context;
	int mode;

	if (!setting->plan) {
		checkup_say(found, "%.190s", rig_why());
		return UNKNOWN;
	}
	if (setting->plan->machine_nodes < 2) {
		checkup_say(found, "one node: nothing to place");
		return FINE;
	}
	if (syscall(SYS_get_mempolicy, &mode, NULL, 0, NULL, 0) < 0 ||
	    mbind_refused()) {
		checkup_say(found,
			    "%d nodes, and get_mempolicy or mbind is "
			    "refused: %s",
			    setting->plan->machine_nodes, strerror(errno));
		return NOTE;
	}
	checkup_say(found, "%d nodes, and arrays can be placed",
		    setting->plan->machine_nodes);
	return FINE;
}

/* ---- permissions ---- */

static enum checkup_state look_cores(const void *context, char *found)
{
	const struct setting *setting = context;

	if (!setting->plan) {
		checkup_say(found, "%.190s", rig_why());
		return BAD;
	}
	checkup_say(found, "%d of %d usable", setting->plan->cores,
		    setting->plan->machine_cores);
	return setting->plan->squeezed ? NOTE : FINE;
}

static enum checkup_state look_user(const void *context, char *found)
{
	(void)context;
	if (getuid() != geteuid() || getgid() != getegid()) {
		checkup_say(found, "this program is set-uid or set-gid");
		return BAD;
	}
	checkup_say(found, "user %u; segments are this user's alone",
		    (unsigned int)getuid());
	return FINE;
}

/* The last "RemoveIPC=" in logind's files decides; without such a line the
 * answer is the distribution's default. */
static enum checkup_state look_remove_ipc(const void *context, char *found)
{
	glob_t files = { 0 };
	char line[256], said[16] = "unset";

	(void)context;
	if (access("/run/systemd/seats", F_OK) < 0) {
		checkup_say(found, "no systemd-logind runs here");
		return FINE;
	}
	if (getuid() < 1000) {
		checkup_say(found, "logind spares system users, as this one");
		return FINE;
	}
	(void)glob("/etc/systemd/logind.conf", 0, NULL, &files);
	(void)glob("/etc/systemd/logind.conf.d/*.conf", GLOB_APPEND, NULL,
		   &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		FILE *file = fopen(files.gl_pathv[i], "r");

		while (file && fgets(line, sizeof(line), file))
			(void)sscanf(line, " RemoveIPC = %15s", said);
		if (file)
			fclose(file);
	}
	globfree(&files);
	checkup_say(found, "RemoveIPC is %s", said);
	return strcmp(said, "no") == 0 ? FINE : NOTE;
}

static const struct checkup checks[] = {
	{ "Linux", look_kernel,
	  "runrig needs calls that Linux has since 5.4, and is tested with these "
	  "calls alone.",
	  "A newer kernel." },
	{ "system calls", look_calls,
	  "A seccomp filter or an old kernel refuses them: the lines on pools "
	  "and NUMA say what is missing.",
	  "For Docker: --security-opt seccomp=unconfined, or a profile that "
	  "allows them." },
	{ "/dev/shm", look_shm,
	  "Segments are files there: where they cannot be made, nothing "
	  "works.",
	  "mount -t tmpfs -o mode=1777 tmpfs /dev/shm" },
	{ "room in /dev/shm", look_room, "Arrays that do not fit are refused.",
	  "mount -o remount,size=4G /dev/shm; for a container, --shm-size=4g." },
	{ "memory", look_memory,
	  "Arrays that do not fit are refused, or Linux ends the process that "
	  "touches them.",
	  "A machine or a container with more memory (Docker: --memory)." },
	{ "segments", look_segment,
	  "No segment can be made, and so no array shared.",
	  "See the lines above." },
	{ "cores", look_cores,
	  "A launcher, taskset or OMP_PROC_BIND has bound this process to one "
	  "core: every worker will share it.",
	  "mpirun --bind-to none, srun --cpu-bind=none, or unset "
	  "OMP_PROC_BIND." },
	{ "processes", look_processes,
	  "A pool of a worker a core cannot be made.",
	  "Fewer workers (-n), or raise the limit: docker --pids-limit, "
	  "ulimit -u." },
	{ "pools", look_pool, "No kernel can be run on workers.",
	  "See the lines above; report what they do not explain." },
	{ "pools of RIG_EXEC", look_exec,
	  "Pools whose workers are started afresh cannot be made; pools of "
	  "forks can.",
	  "Install runrig whole: the program `worker' is in libexec/runrig." },
	{ "open files", look_files,
	  "A program of many segments or pools may run out of descriptors.",
	  "ulimit -n 4096" },
	{ "locked memory", look_memlock, "None.", "None." },
	{ "huge pages", look_huge,
	  "runrig run --huge gets none: large arrays cost more TLB misses.",
	  "Linux 6.1, or echo advise > "
	  "/sys/kernel/mm/transparent_hugepage/shmem_enabled" },
	{ "NUMA", look_numa,
	  "Arrays lie where they are first touched, and --memory is refused.",
	  "For Docker: --cap-add SYS_NICE." },
	{ "permissions", look_user,
	  "The library refuses to start workers for a set-uid program.",
	  "Run it as the user whose data it is." },
	{ "RemoveIPC", look_remove_ipc,
	  "logind may remove this user's segments when the last session ends, "
	  "under a job that still runs.",
	  "RemoveIPC=no in /etc/systemd/logind.conf, or loginctl "
	  "enable-linger." },
};

#define CHECKS (sizeof(checks) / sizeof(*checks))

static void show(const struct checkup_finding *findings)
{
	int bad = checkup_count(findings, CHECKS, BAD);

	if (bad)
		printf("runrig does not work here: %d of %d checks failed.\n\n",
		       bad, (int)CHECKS);
	else
		printf("runrig works here; %d to note.\n\n",
		       checkup_count(findings, CHECKS, NOTE));
	checkup_print(stdout, checks, findings, CHECKS);
}

static json_t *to_json(const struct checkup_finding *findings)
{
	json_t *list = json_array();

	for (size_t i = 0; i < CHECKS; i++)
		json_array_append_new(
			list,
			json_pack("{ss ss ss ss ss}", "name", checks[i].name,
				  "state", checkup_word(findings[i].state),
				  "found", findings[i].found, "effect",
				  checks[i].effect, "cure", checks[i].cure));
	return json_pack("{sb so}", "works",
			 checkup_count(findings, CHECKS, BAD) == 0, "checks",
			 list);
}

static const struct argp_option option_table[] = {
	JSON_OPTION(KEY_JSON),
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case KEY_JSON:
		options->json = true;
		options->path = given_path("--json", arg);
		return 0;
	case ARGP_KEY_ARG:
		exit(complain(EXIT_USAGE, "doctor: takes no words: %s",
			      given_word(arg)));
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp argp = {
	.options = option_table,
	.parser = parse,
	.doc = "Say whether runrig works here: what works, what does not, and "
	       "the cure.  The exit code is 0 or 5.",
};

int command_doctor(int argc, char **argv)
{
	struct checkup_finding findings[CHECKS];
	struct options options = { 0 };
	struct rig_plan *plan = NULL;
	struct setting setting = { 0 };
	int r;

	parse_command(&argp, argc, argv, &options);
	if (rig_place_plan(&plan, &(struct rig_place_options){ 0 }) == 0)
		setting.plan = plan;
	checkup_do(checks, CHECKS, &setting, findings);
	rig_place_free(plan);
	r = checkup_count(findings, CHECKS, BAD) ? EXIT_SYSTEM : EXIT_DONE;
	if (!options.json || options.path)
		show(findings);
	if (options.json) {
		int put = json_put(to_json(findings), options.path);

		r = r ? r : put;
	}
	return finish_output(r);
}
