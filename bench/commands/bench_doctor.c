/* SPDX-License-Identifier: MIT */
/*
 * bench_doctor.c - rigbench doctor: the things on this machine that make
 * numbers untrustworthy, the effect of each, and the cure.
 *
 * The grade comes from the noise probe, as in every other command.  `runrig
 * doctor' looks at the other side: will runrig work here?
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <common/checkup.h>
#include <runrig/runrig.h>

#include "commands/commands.h"
#include "driver/machine.h"

/* A reading of a clock without a system call takes less. */
#define READING_NS 200

/* The parts of the run that a check sees. */
struct patient {
	const struct plan *plan;
	const struct run_info *info;
	const struct rig_plan *place; /* NULL: the topology cannot be had */
};

static enum checkup_state look_noise(const void *context, char *found)
{
	const struct patient *p = context;
	const struct machine_noise *noise = &p->info->noise;

	checkup_say(found,
		    "grade %c: p99.9 of a fixed quantum is %.2f times its "
		    "minimum on the worst of %d PUs",
		    noise->grade, noise->worst, noise->pus);
	return noise->grade == 'A' ? FINE : noise->grade == 'B' ? NOTE : BAD;
}

static enum checkup_state look_load(const void *context, char *found)
{
	char text[80];
	double load;

	(void)context;
	if (!checkup_file("/proc/loadavg", text, sizeof(text)) ||
	    sscanf(text, "%lf", &load) != 1) {
		checkup_say(found, "/proc/loadavg cannot be read");
		return UNKNOWN;
	}
	checkup_say(found, "load average %.2f on %d PUs", load, machine_pus());
	if (load < 0.2 * machine_pus())
		return FINE;
	return load < 0.7 * machine_pus() ? NOTE : BAD;
}

static enum checkup_state look_pressure(const void *context, char *found)
{
	char text[160];
	double waiting;

	(void)context;
	if (!checkup_file("/proc/pressure/cpu", text, sizeof(text)) ||
	    sscanf(text, "some avg10=%lf", &waiting) != 1) {
		checkup_say(found,
			    "/proc/pressure/cpu: this kernel does not tell");
		return UNKNOWN;
	}
	checkup_say(found, "somebody waited for a CPU %.1f %% of the last 10 s",
		    waiting);
	return waiting < 1 ? FINE : waiting < 10 ? NOTE : BAD;
}

static enum checkup_state look_steal(const void *context, char *found)
{
	const struct patient *p = context;

	checkup_say(found, "%.1f %% of the CPU time while this ran",
		    p->info->steal);
	return p->info->steal > 1 ? BAD : p->info->steal > 0 ? NOTE : FINE;
}

static enum checkup_state look_virtual(const void *context, char *found)
{
	char flags[4096];
	char type[80];

	(void)context;
	if (!checkup_file("/sys/hypervisor/type", type, sizeof(type)) &&
	    !checkup_file("/sys/class/dmi/id/sys_vendor", type, sizeof(type)))
		checkup_say(type, "of an unnamed kind");
	if (!machine_cpuinfo("flags", flags, sizeof(flags))) {
		checkup_say(found, "/proc/cpuinfo has no flags to tell by");
		return UNKNOWN;
	}
	if (!strstr(flags, " hypervisor")) {
		checkup_say(found, "no hypervisor");
		return FINE;
	}
	checkup_say(found, "a hypervisor, %s", type);
	return NOTE;
}

static enum checkup_state look_quota(const void *context, char *found)
{
	const struct patient *p = context;

	if (!p->place) {
		checkup_say(found, "%.120s", rig_why());
		return UNKNOWN;
	}
	if (!p->place->quota) {
		checkup_say(found, "none");
		return FINE;
	}
	checkup_say(found, "the cgroup has %d CPUs' worth of time on %d PUs",
		    p->place->quota, p->place->pus);
	return p->place->quota < p->place->pus ? BAD : NOTE;
}

static enum checkup_state look_smt(const void *context, char *found)
{
	const struct patient *p = context;
	int siblings = 0;

	if (!p->place) {
		checkup_say(found, "%.120s", rig_why());
		return UNKNOWN;
	}
	for (int i = 0; i < p->place->machine_cores; i++)
		siblings += p->place->machine[i].pus > 1 &&
			    p->place->machine[i].usable > 0;
	if (siblings)
		checkup_say(found, "%d of %d usable cores have siblings",
			    siblings, p->place->cores);
	else
		checkup_say(found, "no usable core has more than one PU");
	return siblings ? NOTE : FINE;
}

static enum checkup_state look_governor(const void *context, char *found)
{
	char text[40];

	(void)context;
	if (!checkup_file("/sys/devices/system/cpu/cpu0/cpufreq/"
			  "scaling_governor",
			  text, sizeof(text))) {
		checkup_say(found,
			    "no cpufreq here: firmware or hypervisor chooses");
		return UNKNOWN;
	}
	checkup_say(found, "%s", text);
	return strcmp(text, "performance") == 0 ? FINE : BAD;
}

static enum checkup_state look_turbo(const void *context, char *found)
{
	char text[16];
	bool on;

	(void)context;
	if (checkup_file("/sys/devices/system/cpu/intel_pstate/no_turbo", text,
			 sizeof(text))) {
		on = *text == '0';
	} else if (checkup_file("/sys/devices/system/cpu/cpufreq/boost", text,
				sizeof(text))) {
		on = *text == '1';
	} else {
		checkup_say(found, "no file tells");
		return UNKNOWN;
	}
	checkup_say(found, "%s", on ? "on" : "off");
	return on ? NOTE : FINE;
}

static enum checkup_state look_throttle(const void *context, char *found)
{
	char text[32];

	(void)context;
	if (!checkup_file("/sys/devices/system/cpu/cpu0/thermal_throttle/"
			  "core_throttle_count",
			  text, sizeof(text))) {
		checkup_say(found, "no counter here");
		return UNKNOWN;
	}
	checkup_say(found, "%s times since boot", text);
	return strcmp(text, "0") == 0 ? FINE : NOTE;
}

static enum checkup_state look_isolated(const void *context, char *found)
{
	char text[120];

	(void)context;
	if (!checkup_file("/sys/devices/system/cpu/isolated", text,
			  sizeof(text))) {
		checkup_say(found, "no file tells");
		return UNKNOWN;
	}
	checkup_say(found, "%s%s", *text ? "PUs " : "none", text);
	return *text ? FINE : NOTE;
}

static enum checkup_state look_thp(const void *context, char *found)
{
	static const char folder[] = "/sys/kernel/mm/transparent_hugepage/";
	char text[2][80] = { "", "" };
	char path[80];

	(void)context;
	for (int i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s%s", folder,
			 i ? "shmem_enabled" : "enabled");
		(void)checkup_file(path, text[i], sizeof(text[i]));
	}
	if (!*text[0]) {
		checkup_say(found, "this kernel has none");
		return FINE;
	}
	checkup_say(found, "private memory: %s; /dev/shm: %s", text[0],
		    *text[1] ? text[1] : "never");
	return strstr(text[0], "[always]") || strstr(text[1], "[always]")
		       ? NOTE
		       : FINE;
}

static enum checkup_state look_balancing(const void *context, char *found)
{
	const struct patient *p = context;
	char text[16];

	if (!checkup_file("/proc/sys/kernel/numa_balancing", text,
			  sizeof(text))) {
		checkup_say(found, "this kernel has none");
		return FINE;
	}
	if (*text == '0') {
		checkup_say(found, "off");
		return FINE;
	}
	if (p->place && p->place->machine_nodes < 2) {
		checkup_say(found, "on, but there is one node");
		return FINE;
	}
	checkup_say(found, "on");
	return BAD;
}

static enum checkup_state look_aslr(const void *context, char *found)
{
	char text[16];

	(void)context;
	if (!checkup_file("/proc/sys/kernel/randomize_va_space", text,
			  sizeof(text))) {
		checkup_say(found,
			    "/proc/sys/kernel/randomize_va_space cannot be "
			    "read");
		return UNKNOWN;
	}
	checkup_say(found, "%s", *text == '0' ? "off" : "on");
	return *text == '0' ? NOTE : FINE;
}

static enum checkup_state look_clock(const void *context, char *found)
{
	const struct patient *p = context;
	const struct stopwatch *watch = &p->plan->watch;
	char source[40] = "unknown";

	(void)checkup_file("/sys/devices/system/clocksource/clocksource0/"
			   "current_clocksource",
			   source, sizeof(source));
	checkup_say(found, "%s from %s: %llu ns a reading, steps of %llu ns",
		    watch->name, source, (unsigned long long)watch->cost_ns,
		    (unsigned long long)watch->resolution_ns);
	return watch->cost_ns < READING_NS ? FINE : BAD;
}

static enum checkup_state look_counters(const void *context, char *found)
{
	char text[16];

	(void)context;
	if (!checkup_file("/proc/sys/kernel/perf_event_paranoid", text,
			  sizeof(text))) {
		checkup_say(found, "this kernel has no perf events");
		return UNKNOWN;
	}
	checkup_say(found, "perf_event_paranoid is %s", text);
	return atoi(text) > 2 ? NOTE : FINE;
}

static enum checkup_state look_build(const void *context, char *found)
{
	(void)context;
#ifdef __OPTIMIZE__
	checkup_say(found, "%s, %s", RIGBENCH_FLAGS, RIGBENCH_BUILDTYPE);
	return FINE;
#else
	checkup_say(found, "rigbench was built without optimisation");
	return BAD;
#endif
}

static const struct checkup checks[] = {
	{ "noise", look_noise,
	  "Intervals are wide and tails are somebody else's: only large "
	  "differences can be shown.",
	  "End what else runs; move it to other cores; see the lines below." },
	{ "load", look_load,
	  "Ranks share their cores with strangers: spinning collapses, "
	  "maxima explode.",
	  "Wait until it is over, or end it: `top` shows who it is." },
	{ "CPU pressure", look_pressure,
	  "Somebody queues for the CPUs that are measured.", "As for load." },
	{ "steal", look_steal,
	  "The hypervisor runs others on these CPUs: samples stop in the "
	  "middle.",
	  "Dedicated CPUs from the provider, or another hour." },
	{ "virtual machine", look_virtual,
	  "Virtual CPUs are taken away without a trace, topology may be a "
	  "fiction, wake-ups cost an exit.",
	  "Measure on bare metal what is to be published as the hardware's." },
	{ "cgroup quota", look_quota,
	  "Ranks are stopped for the rest of each period once the quota is "
	  "used up: means say nothing.",
	  "Raise cpu.max, or run with as many workers as the quota has CPUs." },
	{ "SMT", look_smt,
	  "A busy sibling takes up to half of a core from who is measured.",
	  "Nothing: workers go one to a core; keep the siblings idle, or echo "
	  "off > /sys/devices/system/cpu/smt/control." },
	{ "governor", look_governor,
	  "The clock rate rises while one measures: what comes first looks "
	  "slow.",
	  "cpupower frequency-set -g performance, where there is a governor; "
	  "elsewhere trust ratios of one run only." },
	{ "turbo", look_turbo,
	  "The clock rate depends on how many cores are busy: scaling looks "
	  "worse than it is.",
	  "echo 1 > .../intel_pstate/no_turbo, or echo 0 > .../cpufreq/boost; "
	  "or say that it was on." },
	{ "throttling", look_throttle,
	  "A hot core slows down in the middle of a run.",
	  "Cooling; compare the counter before and after." },
	{ "isolated cores", look_isolated,
	  "The kernel puts other work and its timer tick on every core that "
	  "is measured: visible in p99.9.",
	  "isolcpus= and nohz_full= for tails; medians do without." },
	{ "page sizes", look_thp,
	  "Memory may change its page size in the middle of a run.",
	  "echo madvise > "
	  "/sys/kernel/mm/transparent_hugepage/enabled." },
	{ "NUMA balancing", look_balancing,
	  "Pages move between nodes, and faults with them, while one "
	  "measures.",
	  "echo 0 > /proc/sys/kernel/numa_balancing." },
	{ "address randomising", look_aslr,
	  "Every launch has the same addresses: luck with them is not "
	  "averaged out.",
	  "echo 2 > /proc/sys/kernel/randomize_va_space." },
	{ "clock", look_clock,
	  "A reading is a system call: samples must be long, single "
	  "operations cannot be timed.",
	  "A machine, or a clocksource= on the kernel's command line, whose "
	  "clock is the TSC." },
	{ "hardware counters", look_counters,
	  "None on rigbench; but cache misses cannot be counted to explain a "
	  "number.",
	  "echo 2 > /proc/sys/kernel/perf_event_paranoid, where there is a "
	  "PMU." },
	{ "build", look_build, "Every figure is that of the wrong program.",
	  "meson configure -Dbuildtype=release." },
};

#define CHECKS (sizeof(checks) / sizeof(*checks))

static void examine(const struct plan *plan, const struct run_info *info,
		    struct checkup_finding *findings)
{
	struct rig_plan *place = NULL;
	struct patient patient = { .plan = plan, .info = info };

	if (rig_place_plan(&place, &(struct rig_place_options){ 0 }) == 0)
		patient.place = place;
	checkup_do(checks, CHECKS, &patient, findings);
	rig_place_free(place);
}

static void print_checks(const struct plan *plan, const struct run_info *info,
			 FILE *out)
{
	static const char *const trust[] = {
		"numbers of this machine can be trusted",
		"differences of more than a few percent can be trusted",
		"only large differences can be trusted"
	};
	struct checkup_finding findings[CHECKS];
	char grade = info->noise.grade;

	examine(plan, info, findings);
	fprintf(out, "Grade %c: %s; %d bad, %d to note, %d unknown.\n\n", grade,
		trust[grade - 'A'], checkup_count(findings, CHECKS, BAD),
		checkup_count(findings, CHECKS, NOTE),
		checkup_count(findings, CHECKS, UNKNOWN));
	checkup_print(out, checks, findings, CHECKS);
	fprintf(out, "\n");
}

static int checks_json(const struct plan *plan, const struct run_info *info,
		       json_t *result)
{
	struct checkup_finding findings[CHECKS];
	json_t *list = json_array();

	examine(plan, info, findings);
	for (size_t i = 0; i < CHECKS; i++)
		json_array_append_new(list,
				      json_pack("{s:s, s:s, s:s, s:s, s:s}",
						"name", checks[i].name, "state",
						checkup_word(findings[i].state),
						"found", findings[i].found,
						"effect", checks[i].effect,
						"cure", checks[i].cure));
	return json_object_set_new(result, "checks", list);
}

static void put_quoted(FILE *file, const char *text, char end)
{
	fputc('"', file);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', file);
		fputc(*text, file);
	}
	fprintf(file, "\"%c", end);
}

static int checks_csv(const struct plan *plan, const struct run_info *info,
		      const char *path)
{
	struct checkup_finding findings[CHECKS];
	FILE *file = fopen(path, "w");
	bool bad;

	if (!file)
		return -errno;
	examine(plan, info, findings);
	fprintf(file, "check,state,found,effect,cure\n");
	for (size_t i = 0; i < CHECKS; i++) {
		put_quoted(file, checks[i].name, ',');
		put_quoted(file, checkup_word(findings[i].state), ',');
		put_quoted(file, findings[i].found, ',');
		put_quoted(file, checks[i].effect, ',');
		put_quoted(file, checks[i].cure, '\n');
	}
	bad = ferror(file);
	return fclose(file) != 0 || bad ? -EIO : 0;
}

static int command_doctor(struct command *c)
{
	c->tables = print_checks;
	c->more = checks_json;
	c->csv = checks_csv;
	return command_measure(c);
}

const struct bench_command bench_doctor = {
	.name = "doctor",
	.words = "",
	.summary = "Say whether numbers of this machine can be believed.",
	.run = command_doctor,
};
