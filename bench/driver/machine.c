/* SPDX-License-Identifier: MIT */
/*
 * machine.c - the environment block, from /proc and /sys, and the noise probe.
 *
 * Virtual machines lack half of these files: what cannot be read is null in
 * the JSON, never left out.
 */
#include "driver/machine.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <common/checkup.h>

#include "driver/stats.h"

#define PROBE_NS      UINT64_C(300000000)
#define PROBE_SAMPLES 150
#define PROBE_PUS     8
#define QUANTA        40000
/* Steps of one quantum: a few microseconds of dependent arithmetic. */
#define STEPS 4000

extern char **environ;

int machine_pus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) < 0 ? 1
							   : CPU_COUNT(&set);
}

static uint64_t work(uint64_t x)
{
	for (int i = 0; i < STEPS; i++) {
		x = x * UINT64_C(6364136223846793005) + 1;
		__asm__ volatile("" : "+r"(x));
	}
	return x;
}

/* p99.9 over minimum of a quantum on this CPU. */
static double probe(const struct stopwatch *watch, uint64_t long_ns,
		    double *took, uint64_t *quantum_ns)
{
	uint64_t begin = stopwatch_ns(watch->clock);
	uint64_t last = begin;
	uint64_t x = 1;
	size_t n = 0;

	while (n < QUANTA && last - begin < long_ns) {
		uint64_t now;

		x = work(x);
		now = stopwatch_ns(watch->clock);
		took[n++] = (double)(now - last);
		last = now;
	}
	stats_sort(took, n);
	if (took[0] < (double)*quantum_ns || !*quantum_ns)
		*quantum_ns = (uint64_t)took[0];
	return stats_quantile(took, n, 0.999) / took[0];
}

void machine_noise(const struct stopwatch *watch, uint64_t batch_ns,
		   struct machine_noise *noise)
{
	uint64_t long_ns = batch_ns < PROBE_NS / PROBE_SAMPLES
				   ? batch_ns * PROBE_SAMPLES
				   : PROBE_NS;
	double *took = malloc(QUANTA * sizeof(*took));
	cpu_set_t before;
	size_t cpus = sizeof(before) * 8;

	*noise = (struct machine_noise){ .grade = 'C' };
	if (!took || sched_getaffinity(0, sizeof(before), &before) < 0) {
		free(took);
		return;
	}
	memset(took, 0, QUANTA * sizeof(*took));
	for (size_t cpu = 0; cpu < cpus && noise->pus < PROBE_PUS; cpu++) {
		cpu_set_t one;
		double ratio;

		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (!CPU_ISSET(cpu, &before) ||
		    sched_setaffinity(0, sizeof(one), &one) < 0)
			continue;
		ratio = probe(watch, long_ns, took, &noise->quantum_ns);
		noise->worst = ratio > noise->worst ? ratio : noise->worst;
		noise->pus++;
	}
	(void)sched_setaffinity(0, sizeof(before), &before);
	if (noise->pus)
		noise->grade = noise->worst < 1.05  ? 'A'
			       : noise->worst < 1.5 ? 'B'
						    : 'C';
	free(took);
}

void machine_ticks(struct machine_ticks *ticks)
{
	unsigned long long t[8] = { 0 };
	FILE *file = fopen("/proc/stat", "r");

	*ticks = (struct machine_ticks){ 0 };
	if (!file)
		return;
	if (fscanf(file, "cpu %llu %llu %llu %llu %llu %llu %llu %llu", &t[0],
		   &t[1], &t[2], &t[3], &t[4], &t[5], &t[6], &t[7]) == 8) {
		for (int i = 0; i < 8; i++)
			ticks->all += t[i];
		ticks->steal = t[7];
	}
	fclose(file);
}

double machine_steal(const struct machine_ticks *before,
		     const struct machine_ticks *after)
{
	uint64_t all = after->all - before->all;

	return all ? 100.0 * (double)(after->steal - before->steal) /
			       (double)all
		   : 0;
}

static json_t *file_json(const char *path)
{
	char text[512];

	return checkup_file(path, text, sizeof(text)) ? json_string(text)
						      : json_null();
}

bool machine_cpuinfo(const char *key, char *text, size_t bytes)
{
	char line[4096];
	FILE *file = fopen("/proc/cpuinfo", "r");
	size_t length = strlen(key);
	bool found = false;

	while (!found && file && fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, key, length) != 0 || !colon)
			continue;
		snprintf(text, bytes, "%s", colon + 1 + (colon[1] == ' '));
		text[strcspn(text, "\n")] = '\0';
		found = true;
	}
	if (file)
		fclose(file);
	return found;
}

static json_t *cpuinfo_json(const char *key)
{
	char text[256];

	return machine_cpuinfo(key, text, sizeof(text)) ? json_string(text)
							: json_null();
}

static int first_pu(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set) == 0)
		for (int cpu = 0; cpu < CPU_SETSIZE; cpu++)
			if (CPU_ISSET((size_t)cpu, &set))
				return cpu;
	return 0;
}

/* A file of a cache of a PU. */
static bool cache_file(int pu, int index, const char *name, char *text,
		       size_t bytes)
{
	char path[120];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu%d/cache/index%d/%s", pu, index,
		 name);
	return checkup_file(path, text, bytes);
}

/* How many numbers a list "0-3,8" has. */
static int list_length(const char *list)
{
	int n = 0;

	for (const char *at = list; at; at = strchr(at, ',')) {
		int first;
		int last;

		at += *at == ',';
		switch (sscanf(at, "%d-%d", &first, &last)) {
		case 2:
			n += last - first + 1;
			break;
		case 1:
			n++;
			break;
		}
	}
	return n;
}

int machine_caches(struct machine_cache caches[MACHINE_CACHES_MAX])
{
	int pu = first_pu();
	char text[512];
	int n = 0;

	for (int i = 0; n < MACHINE_CACHES_MAX; i++) {
		size_t kib;

		if (!cache_file(pu, i, "type", text, sizeof(text)))
			break;
		if (strcmp(text, "Instruction") == 0 ||
		    !cache_file(pu, i, "size", text, sizeof(text)) ||
		    sscanf(text, "%zuK", &kib) != 1)
			continue;
		caches[n].bytes = kib << 10;
		caches[n].level = cache_file(pu, i, "level", text, sizeof(text))
					  ? atoi(text)
					  : n + 1;
		caches[n].sharers =
			cache_file(pu, i, "shared_cpu_list", text, sizeof(text))
				? list_length(text)
				: 1;
		n++;
	}
	return n;
}

static json_t *caches_json(void)
{
	struct machine_cache caches[MACHINE_CACHES_MAX];
	int n = machine_caches(caches);
	json_t *list = json_array();

	for (int i = 0; i < n; i++)
		json_array_append_new(list,
				      json_pack("{s:i, s:I, s:i}", "level",
						caches[i].level, "bytes",
						(json_int_t)caches[i].bytes,
						"sharers", caches[i].sharers));
	return list;
}

/* Features of the CPU that change measurements or results. */
static json_t *flags_json(void)
{
	static const char *const wanted[] = { "constant_tsc", "nonstop_tsc",
					      "rdtscp",       "avx2",
					      "avx512f",      "erms",
					      "hypervisor" };
	char text[4096];
	json_t *list = json_array();

	if (!machine_cpuinfo("flags", text, sizeof(text)))
		return list;
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		if (strstr(text, wanted[i]))
			json_array_append_new(list, json_string(wanted[i]));
	return list;
}

static json_t *host_json(void)
{
	struct utsname name;
	char cgroup[512] = "";
	char path[768];
	json_t *kernel = json_null();
	char *at;

	if (uname(&name) == 0)
		kernel = json_sprintf("%s %s", name.sysname, name.release);
	/* The unified hierarchy's line: 0::/path */
	if (checkup_file("/proc/self/cgroup", cgroup, sizeof(cgroup)) &&
	    (at = strstr(cgroup, "::")))
		snprintf(path, sizeof(path), "/sys/fs/cgroup%s/cpu.max",
			 at + 2);
	else
		snprintf(path, sizeof(path), "/sys/fs/cgroup/cpu.max");
	return json_pack("{s:o, s:o, s:o, s:{s:o, s:o, s:o}}", "kernel", kernel,
			 "virt", file_json("/sys/hypervisor/type"), "container",
			 json_boolean(access("/.dockerenv", F_OK) == 0 ||
				      access("/run/.containerenv", F_OK) == 0),
			 "cgroup", "cpu_max", file_json(path), "cpuset",
			 file_json("/sys/fs/cgroup/cpuset.cpus.effective"),
			 "mem_max", file_json("/sys/fs/cgroup/memory.max"));
}

static json_t *memory_json(void)
{
	struct statvfs shm;
	json_t *bytes = json_null();

	if (statvfs("/dev/shm", &shm) == 0)
		bytes = json_integer((json_int_t)shm.f_bavail *
				     (json_int_t)shm.f_frsize);
	return json_pack(
		"{s:I, s:o, s:o, s:o, s:o, s:o}", "total",
		(json_int_t)sysconf(_SC_PHYS_PAGES) *
			(json_int_t)sysconf(_SC_PAGESIZE),
		"thp", file_json("/sys/kernel/mm/transparent_hugepage/enabled"),
		"shmem_thp",
		file_json("/sys/kernel/mm/transparent_hugepage/shmem_enabled"),
		"hugepages", file_json("/proc/sys/vm/nr_hugepages"),
		"numa_balancing", file_json("/proc/sys/kernel/numa_balancing"),
		"shm_bytes", bytes);
}

static json_t *frequency_json(void)
{
#define CPUFREQ "/sys/devices/system/cpu/cpu0/cpufreq/"
	if (access(CPUFREQ, F_OK) < 0)
		return json_null();
	return json_pack("{s:o, s:o, s:o, s:o, s:o}", "driver",
			 file_json(CPUFREQ "scaling_driver"), "governor",
			 file_json(CPUFREQ "scaling_governor"), "turbo",
			 file_json("/sys/devices/system/cpu/cpufreq/boost"),
			 "min", file_json(CPUFREQ "cpuinfo_min_freq"), "max",
			 file_json(CPUFREQ "cpuinfo_max_freq"));
#undef CPUFREQ
}

static json_t *limit_json(int which)
{
	struct rlimit limit;

	if (getrlimit((__rlimit_resource_t)which, &limit) < 0 ||
	    limit.rlim_cur == RLIM_INFINITY)
		return json_null();
	return json_integer((json_int_t)limit.rlim_cur);
}

static json_t *variables_json(void)
{
	static const char *const prefixes[] = { "OMP_", "RUNRIG_", "GOMP_",
						"KMP_" };
	json_t *list = json_object();

	for (char **v = environ; *v; v++) {
		char name[64];
		const char *value = strchr(*v, '=');

		for (size_t i = 0; i < 4 && value; i++) {
			if (strncmp(*v, prefixes[i], strlen(prefixes[i])) != 0)
				continue;
			snprintf(name, sizeof(name), "%.*s", (int)(value - *v),
				 *v);
			json_object_set_new(list, name, json_string(value + 1));
		}
	}
	return list;
}

json_t *machine_json(const struct stopwatch *watch,
		     const struct machine_noise *noise)
{
	char grade[2] = { noise->grade, '\0' };
	json_t *cpu =
		json_pack("{s:o, s:o, s:i, s:o, s:o, s:o, s:o}", "model",
			  cpuinfo_json("model name"), "flags_subset",
			  flags_json(), "pus", machine_pus(), "smt",
			  file_json("/sys/devices/system/cpu/smt/active"),
			  "microcode", cpuinfo_json("microcode"), "mitigations",
			  cpuinfo_json("bugs"), "caches", caches_json());
	json_t *clock = json_pack(
		"{s:s, s:o, s:I, s:I, s:I, s:I}", "id", watch->name, "source",
		file_json("/sys/devices/system/clocksource/clocksource0/"
			  "current_clocksource"),
		"res_ns", (json_int_t)watch->resolution_ns, "overhead_ns",
		(json_int_t)watch->cost_ns, "overhead_p99_ns",
		(json_int_t)watch->cost_p99_ns, "other_overhead_ns",
		(json_int_t)watch->other_cost_ns);

	return json_pack(
		"{s:o, s:o, s:o, s:o, s:o, s:o, s:{s:o, s:o, s:o},"
		" s:{s:s, s:f, s:i, s:I}, s:o, s:o, s:o}",
		"host", host_json(), "cpu", cpu, "freq", frequency_json(),
		"clock", clock, "mem", memory_json(), "aslr",
		file_json("/proc/sys/kernel/randomize_va_space"), "limits",
		"memlock", limit_json(RLIMIT_MEMLOCK), "nofile",
		limit_json(RLIMIT_NOFILE), "nproc", limit_json(RLIMIT_NPROC),
		"noise", "grade", grade, "p999_over_min", noise->worst, "pus",
		noise->pus, "quantum_ns", (json_int_t)noise->quantum_ns,
		"env_vars", variables_json(), "load",
		file_json("/proc/loadavg"), "pressure",
		file_json("/proc/pressure/cpu"));
}

void machine_line(char *text, size_t bytes)
{
	struct utsname name;
	char model[128] = "unknown CPU";

	(void)machine_cpuinfo("model name", model, sizeof(model));
	if (uname(&name) < 0)
		snprintf(name.release, sizeof(name.release), "?");
	snprintf(text, bytes, "%s, %d PUs, Linux %s", model, machine_pus(),
		 name.release);
}

double machine_pss_bytes(int pid)
{
	char line[128];
	double kib = 0;
	FILE *file;

	snprintf(line, sizeof(line), "/proc/%d/smaps_rollup", pid);
	file = fopen(line, "r");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "Pss: %lf kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib * 1024;
}
