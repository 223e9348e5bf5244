/* SPDX-License-Identifier: MIT */
/*
 * test_topology.c - tables of cores from hwloc's descriptions and from XML, and
 * descriptions that are refused.
 */
#include "place/topology.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <runrig/error.h>

#include "lib/harness.h"
#include "lib/tally.h"

#define LENGTH(array) ((int)(sizeof(array) / sizeof((array)[0])))

/* "package.node.l3{PUs}{usable}" of each core, to be freed. */
static char *as_text(const struct topology *topology)
{
	char *text;
	size_t bytes;
	FILE *to = open_memstream(&text, &bytes);

	for (int i = 0; i < topology->core_count; i++) {
		const struct core *core = &topology->cores[i];

		ck_assert_int_eq(core->number, i);
		fprintf(to, "%s%d.%d.%d{", i ? " " : "", core->package,
			core->node, core->l3);
		for (int pu = 0; pu < RIG_PUS_MAX; pu++) {
			if (cpu_bits_has(&core->pus, pu))
				fprintf(to, "%s%d",
					pu == cpu_bits_first(&core->pus) ? ""
									 : ",",
					pu);
			if (cpu_bits_has(&core->usable, pu))
				fputc('+', to);
		}
		fputc('}', to);
	}
	fclose(to);
	return text;
}

/* ---- described machines ---- */

static const struct described {
	const char *topology;
	int packages;
	int nodes;
	const char *cores;
} described[] = {
	{ "core:2 pu:1", 1, 1, "0.0.-1{0+} 0.0.-1{1+}" },
	{ "pu:3", 1, 1, "0.0.-1{0+} 0.0.-1{1+} 0.0.-1{2+}" },
	{ "package:2 numa:1 l3:1 core:1 pu:2", 2, 2,
	  "0.0.0{0+,1+} 1.1.1{2+,3+}" },
	{ "package:1 numa:2 l3:2 core:1 pu:1", 1, 2,
	  "0.0.0{0+} 0.0.1{1+} 0.1.2{2+} 0.1.3{3+}" },
	{ "package:2 numa:1 core:2 pu:2(indexes=0,4,2,6,1,5,3,7)", 2, 2,
	  "0.0.-1{0+,4+} 0.0.-1{2+,6+} 1.1.-1{1+,5+} 1.1.-1{3+,7+}" },
	{ "package:1 l2:2 l1:2 core:1 pu:1", 1, 1,
	  "0.0.-1{0+} 0.0.-1{1+} 0.0.-1{2+} 0.0.-1{3+}" },
	/* A second node beside the first, with memory alone. */
	{ "package:2 [numa][numa] core:1 pu:1", 2, 4, "0.0.-1{0+} 1.2.-1{1+}" },
	/* A node for all cores, and nearer nodes. */
	{ "[numa] package:2 [numa] core:1 pu:1", 2, 3,
	  "0.0.-1{0+} 1.1.-1{1+}" },
	/* Several nodes within an L3. */
	{ "package:1 l3:1 numa:2 core:1 pu:1", 1, 2, "0.0.0{0+} 0.1.0{1+}" },
};

START_TEST(description_becomes_its_table)
{
	struct topology *topology = NULL;
	char *text;

	ck_assert_msg(topology_load(&topology, described[_i].topology) == 0,
		      "%s", rig_why());
	text = as_text(topology);
	ck_assert_str_eq(text, described[_i].cores);
	ck_assert_int_eq(topology->package_count, described[_i].packages);
	ck_assert_int_eq(topology->node_count, described[_i].nodes);
	ck_assert_int_eq(topology->quota_cpus, 0);
	ck_assert(topology->described);
	free(text);
	topology_free(topology);
}
END_TEST

/* A file of `text`; the caller frees the name and removes the file. */
static char *write_file(const char *text)
{
	char *path = strdup("/tmp/rig-topology-XXXXXX.xml");
	int fd = mkstemps(path, 4);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	return path;
}

/* Three cores on two uneven nodes; PU 1 is not to be used. */
static const char uneven[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
	"<topology version=\"2.0\">\n"
	"<object type=\"Machine\" os_index=\"0\" cpuset=\"0xf\" "
	"complete_cpuset=\"0xf\" allowed_cpuset=\"0xd\" nodeset=\"0x3\" "
	"complete_nodeset=\"0x3\" allowed_nodeset=\"0x3\" gp_index=\"1\">\n"
	"<object type=\"Package\" os_index=\"0\" cpuset=\"0x3\" "
	"complete_cpuset=\"0x3\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
	"gp_index=\"2\">\n"
	"<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0x3\" "
	"complete_cpuset=\"0x3\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
	"gp_index=\"3\" local_memory=\"1073741824\"/>\n"
	"<object type=\"Core\" os_index=\"0\" cpuset=\"0x3\" "
	"complete_cpuset=\"0x3\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
	"gp_index=\"4\">\n"
	"<object type=\"PU\" os_index=\"0\" cpuset=\"0x1\" "
	"complete_cpuset=\"0x1\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
	"gp_index=\"5\"/>\n"
	"<object type=\"PU\" os_index=\"1\" cpuset=\"0x2\" "
	"complete_cpuset=\"0x2\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
	"gp_index=\"6\"/>\n"
	"</object>\n</object>\n"
	"<object type=\"Package\" os_index=\"1\" cpuset=\"0xc\" "
	"complete_cpuset=\"0xc\" nodeset=\"0x2\" complete_nodeset=\"0x2\" "
	"gp_index=\"7\">\n"
	"<object type=\"NUMANode\" os_index=\"1\" cpuset=\"0xc\" "
	"complete_cpuset=\"0xc\" nodeset=\"0x2\" complete_nodeset=\"0x2\" "
	"gp_index=\"8\" local_memory=\"1073741824\"/>\n"
	"<object type=\"Core\" os_index=\"0\" cpuset=\"0x4\" "
	"complete_cpuset=\"0x4\" nodeset=\"0x2\" complete_nodeset=\"0x2\" "
	"gp_index=\"9\">\n"
	"<object type=\"PU\" os_index=\"2\" cpuset=\"0x4\" "
	"complete_cpuset=\"0x4\" nodeset=\"0x2\" complete_nodeset=\"0x2\" "
	"gp_index=\"10\"/>\n"
	"</object>\n"
	"<object type=\"Core\" os_index=\"1\" cpuset=\"0x8\" "
	"complete_cpuset=\"0x8\" nodeset=\"0x2\" complete_nodeset=\"0x2\" "
	"gp_index=\"11\">\n"
	"<object type=\"PU\" os_index=\"3\" cpuset=\"0x8\" "
	"complete_cpuset=\"0x8\" nodeset=\"0x2\" complete_nodeset=\"0x2\" "
	"gp_index=\"12\"/>\n"
	"</object>\n</object>\n</object>\n</topology>\n";

START_TEST(xml_becomes_its_table)
{
	struct topology *topology = NULL;
	char *path = write_file(uneven);
	char *text;
	int r = topology_load(&topology, path);

	unlink(path);
	ck_assert_msg(r == 0, "%s", rig_why());
	text = as_text(topology);
	ck_assert_str_eq(text, "0.0.-1{0+,1} 1.1.-1{2+} 1.1.-1{3+}");
	free(text);
	free(path);
	topology_free(topology);
}
END_TEST

/* The same description with a line or two left out or changed: every occurrence
 * of `from` becomes `to`.  The caller frees the text. */
static char *changed(const char *text, const char *from, const char *to)
{
	char *result;
	size_t bytes;
	FILE *out = open_memstream(&result, &bytes);
	const char *at;

	while ((at = strstr(text, from))) {
		fprintf(out, "%.*s%s", (int)(at - text), text, to);
		text = at + strlen(from);
	}
	fputs(text, out);
	fclose(out);
	return result;
}

/* The first package has its memory with the second package's cores, or has no
 * memory. */
START_TEST(a_package_without_a_node_lies_in_none)
{
	static const char node[] =
		"<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0x3\" "
		"complete_cpuset=\"0x3\" nodeset=\"0x1\" "
		"complete_nodeset=\"0x1\" "
		"gp_index=\"3\" local_memory=\"1073741824\"/>\n";
	struct topology *topology = NULL;
	char *xml = changed(uneven, node, "");
	char *path = write_file(xml);
	char *text;
	int r = topology_load(&topology, path);

	ck_assert_uint_lt(strlen(xml), strlen(uneven));
	unlink(path);
	ck_assert_msg(r == 0, "%s", rig_why());
	text = as_text(topology);
	ck_assert_str_eq(text, "0.-1.-1{0+,1} 1.0.-1{2+} 1.0.-1{3+}");
	free(text);
	free(path);
	free(xml);
	topology_free(topology);
}
END_TEST

/* Four cores: the last core is the fast core, and the middle two are faster
 * than the first. */
static const char hybrid[] =
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
	"<!DOCTYPE topology SYSTEM \"hwloc2.dtd\">\n"
	"<topology version=\"2.0\">\n"
	"<object type=\"Machine\" os_index=\"0\" cpuset=\"0xf\" "
	"complete_cpuset=\"0xf\" allowed_cpuset=\"0xf\" nodeset=\"0x1\" "
	"complete_nodeset=\"0x1\" allowed_nodeset=\"0x1\" gp_index=\"1\">\n"
	"<object type=\"NUMANode\" os_index=\"0\" cpuset=\"0xf\" "
	"complete_cpuset=\"0xf\" nodeset=\"0x1\" complete_nodeset=\"0x1\" "
	"gp_index=\"2\" local_memory=\"1048576\"/>\n"
#define CORE(number, set, first, second)                                       \
	"<object type=\"Core\" os_index=\"" number "\" cpuset=\"" set          \
	"\" complete_cpuset=\"" set                                            \
	"\" nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"" first        \
	"\"><object type=\"PU\" os_index=\"" number "\" cpuset=\"" set         \
	"\" complete_cpuset=\"" set                                            \
	"\" nodeset=\"0x1\" complete_nodeset=\"0x1\" gp_index=\"" second       \
	"\"/></object>\n"
	CORE("0", "0x1", "3", "4") CORE("1", "0x2", "5", "6")
		CORE("2", "0x4", "7", "8") CORE("3", "0x8", "9", "10")
#undef CORE
			"</object>\n"
			"<cpukind cpuset=\"0x8\" forced_efficiency=\"9\"/>\n"
			"<cpukind cpuset=\"0x1\" forced_efficiency=\"2\"/>\n"
			"<cpukind cpuset=\"0x6\" forced_efficiency=\"5\"/>\n"
			"</topology>\n";

START_TEST(kinds_of_cores_are_known)
{
	static const int kinds[] = { 0, 1, 1, 2 };
	struct topology *topology = NULL;
	char *path = write_file(hybrid);
	int r = topology_load(&topology, path);

	unlink(path);
	free(path);
	ck_assert_msg(r == 0, "%s", rig_why());
	ck_assert_int_eq(topology->kind_count, 3);
	ck_assert_int_eq(topology->core_count, 4);
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(topology->cores[i].kind, kinds[i]);
	ck_assert_uint_eq(topology->nodes[0].bytes, 1048576);
	topology_free(topology);
}
END_TEST

/* One to four changes at random places: a byte changes, goes, or is doubled; a
 * number becomes a number that no machine has. */
static void mutate(char *text, size_t room, unsigned *seed)
{
	static const char *const numbers[] = {
		"0",   "-1", "4294967296", "0xf...f", "18446744073709551615",
		"1000"
	};
	const int changes = 1 + rand_r(seed) % 4;

	for (int i = 0; i < changes; i++) {
		const size_t length = strlen(text);
		const size_t at = (size_t)rand_r(seed) % (length + 1);
		const size_t digits = strspn(text + at, "0123456789");
		const char *number = numbers[rand_r(seed) % 6];
		const size_t bytes = strlen(number);

		if (length + bytes + 2 > room)
			return;
		switch (rand_r(seed) % 4) {
		case 0:
			if (at < length)
				text[at] = (char)(1 + rand_r(seed) % 255);
			break;
		case 1:
			if (at < length)
				memmove(text + at, text + at + 1, length - at);
			break;
		case 2:
			memmove(text + at + 1, text + at, length - at + 1);
			break;
		default:
			memmove(text + at + bytes, text + at + digits,
				length - at - digits + 1);
			memcpy(text + at, number, bytes);
			break;
		}
	}
}

/* A table, or a line of words. */
static void read_mutant(const char *description)
{
	struct topology *topology = NULL;
	int r = topology_load(&topology, description);

	if (r == 0) {
		free(as_text(topology));
		ck_assert_int_gt(topology->core_count, 0);
	} else {
		ck_assert_ptr_null(topology);
		ck_assert_ptr_null(strchr(rig_why(), '\n'));
		ck_assert_uint_gt(strlen(rig_why()), 0);
	}
	topology_free(topology);
}

START_TEST(mutated_descriptions_are_read_or_refused)
{
	const char *seeds[] = { "package:2 core:3 pu:2",
				"numa:2 [numa(memory=4096 indexes=2,0)] core:2 "
				"pu:1" };
	const char *times = getenv("RUNRIG_MUTANTS");
	const int count = times ? atoi(times) : 300;
	struct tally tally = { 0 };
	unsigned seed = 23;
	char text[1024];

	/* Each load would look for graphics cards. */
	ck_assert_int_eq(setenv("HWLOC_PLUGINS_PATH", "/nowhere", 1), 0);
	for (int i = 0; i < count; i++) {
		snprintf(text, sizeof(text), "%s", seeds[i % 2]);
		mutate(text, sizeof(text), &seed);
		read_mutant(text);
		tally_add(&tally, 0);
	}
	tally_write(&tally, "a mutated description of a machine is read");
}
END_TEST

START_TEST(nodes_have_numbers_and_memory)
{
	struct topology *topology = NULL;

	ck_assert_int_eq(
		topology_load(&topology,
			      "package:2 [numa(memory=4096 indexes=2,0)]"
			      "[numa(memory=0 indexes=3,1)] l2:1 core:1 pu:1"),
		0);
	ck_assert_int_eq(topology->node_count, 4);
	ck_assert_int_eq(topology->nodes[topology->cores[1].node].package, 1);
	ck_assert_uint_eq(topology->nodes[topology->cores[0].node].bytes, 4096);
	ck_assert_int_eq(topology->cores[1].l2, 1);
	ck_assert_int_eq(topology->kind_count, 1);
	ck_assert_int_eq(topology->allowed_cores, 2);
	topology_free(topology);
}
END_TEST

static void refuses(const char *description, const char *why)
{
	struct topology *topology = NULL;

	ck_assert_int_eq(topology_load(&topology, description), -EINVAL);
	ck_assert_ptr_null(topology);
	if (why)
		ck_assert_str_eq(rig_why(), why);
	ck_assert_ptr_null(strchr(rig_why(), '\n'));
}

START_TEST(bad_descriptions_are_refused)
{
	static const char neither[] =
		"neither a file nor a description such as "
		"\"package:2 numa:1 core:4 pu:2\"";
	static const char *const bad[] = {
		"",       "core",     "core:0 pu:1", "core:-1",
		"core:x", "bridge:2", "core:2 pu",   "pu:2 core:2"
	};
	char why[200];

	for (int i = 0; i < LENGTH(bad); i++) {
		snprintf(why, sizeof(why), "topology \"%s\": %s", bad[i],
			 neither);
		refuses(bad[i], why);
	}
	refuses("package:16 core:16 pu:17",
		"topology: a CPU numbered beyond 4095, the most this library "
		"handles");
}
END_TEST

/* Before hwloc builds sixteen million CPUs. */
START_TEST(huge_descriptions_are_refused)
{
	static const char *const huge[] = {
		"package:1000 core:1000 pu:16",
		"4097",
		"1000 1000 1000",
		"package:99999999999999999999999 core:2",
		"pu:18446744073709551615",
		"numa:64 [numa(memory=1GB)] l3:64 (size=1048576) pu:2",
	};
	static const char *const large[] = {
		"package:16 core:16 pu:16",
		"16 8 2",
		("package:4 [numa(memory=1099511627776 indexes=7,5,3,1)] "
		 "core:4 pu:1"),
	};
	struct topology *topology = NULL;

	for (int i = 0; i < LENGTH(huge); i++)
		refuses(huge[i], "topology: a CPU numbered beyond 4095, the "
				 "most this library handles");
	for (int i = 0; i < LENGTH(large); i++) {
		ck_assert_msg(topology_load(&topology, large[i]) == 0, "%s: %s",
			      large[i], rig_why());
		topology_free(topology);
	}
}
END_TEST

static void refuses_xml(const char *from, const char *to, const char *why)
{
	char *xml = changed(uneven, from, to);
	char *path = write_file(xml);

	ck_assert_str_ne(xml, uneven);
	refuses(path, why);
	unlink(path);
	free(path);
	free(xml);
}

/* hwloc loads a set of CPUs without end, and returns -1 for the last CPU. */
START_TEST(endless_sets_are_refused)
{
	refuses_xml("cpuset=\"0xf\"", "cpuset=\"0xf...f\"",
		    "topology: a CPU numbered beyond 4095, the most this "
		    "library handles");
}
END_TEST

START_TEST(bad_files_are_refused)
{
	char *path;

	refuses("/no/such/file.xml",
		"topology /no/such/file.xml: No such file or directory");
	refuses("/tmp", NULL);

	path = write_file("");
	refuses(path, NULL);
	unlink(path);
	free(path);
	path = write_file("<topology version=\"2.0\"><object type=");
	refuses(path, NULL);
	unlink(path);
	free(path);
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("topology");
	TCase *words =
		make_tcase("described", getenv("RUNRIG_MUTANTS") ? 0 : 30);

	tcase_add_loop_test(words, description_becomes_its_table, 0,
			    LENGTH(described));
	tcase_add_test(words, xml_becomes_its_table);
	tcase_add_test(words, a_package_without_a_node_lies_in_none);
	tcase_add_test(words, kinds_of_cores_are_known);
	tcase_add_test(words, nodes_have_numbers_and_memory);
	tcase_add_test(words, bad_descriptions_are_refused);
	tcase_add_test(words, huge_descriptions_are_refused);
	tcase_add_test(words, endless_sets_are_refused);
	tcase_add_test(words, bad_files_are_refused);
	tcase_add_test(words, mutated_descriptions_are_read_or_refused);
	suite_add_tcase(suite, words);
	return suite;
}
