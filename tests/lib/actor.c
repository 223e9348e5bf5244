/* SPDX-License-Identifier: MIT */
/*
 * actor.c - ROLE PREFIX [NAME...]: a process that test_leftovers.py kills.
 *
 *	create   lists and segments, over and over; two names for other actors
 *	manage   a manager's members, over and over; two names for other actors
 *	pool     runs over a segment to which other actors may attach
 *	attach   the given names, over and over, whether a name exists or not
 *
 * The program prints "pid ROLE PID" for each process that the program starts,
 * "name NAME" for each name to which others may attach, and "ready"; then the
 * program plays until the standard input ends.  The exit status is 0 where
 * every failure is explained by a death.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <runrig/runrig.h>

#define BYTES ((size_t)1 << 16)

static const char *prefix;
static char **names;
static int name_count;

/* Whether the play goes on.  A turn every millisecond leaves the CPU to a
 * hundred actors. */
static bool goes_on(void)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };

	return poll(&in, 1, 1) == 0;
}

static int fail(const char *what, int r)
{
	fprintf(stderr, "actor: %s: %d: %s\n", what, r, rig_why());
	return 3;
}

static void own_name(char text[static 64], const char *what)
{
	snprintf(text, 64, "%s-%s", prefix, what);
}

static void say_name(const char *name)
{
	printf("name %s\n", name);
}

static void say_ready(void)
{
	printf("ready\n");
	fflush(stdout);
}

static struct rig_value values[] = {
	{ .kind = RIG_VALUE_INT, .integer = 7 },
	{ .kind = RIG_VALUE_NONE },
	{ .kind = RIG_VALUE_STR, .text = "text", .bytes = 4 }
};

static int create_turn(unsigned turn)
{
	struct rig_segment *segment = NULL;
	struct rig_list *list = NULL;
	char name[64];
	int r;

	own_name(name, "again");
	r = rig_list_create(&list, turn % 2 ? name : NULL, values, 3, NULL);
	if (r == 0)
		r = rig_segment_create(&segment, NULL, BYTES,
				       &(struct rig_segment_options){
					       .parties = turn % 3 ? 0 : 2 });
	if (r == 0)
		r = rig_list_set(list, 0, &values[1]);
	if (turn % 5 == 0 && r == 0)
		r = rig_list_unlink(list);
	rig_list_destroy(list);
	rig_segment_destroy(segment);
	return r;
}

static int play_create(void)
{
	struct rig_segment *segment = NULL;
	struct rig_list *list = NULL, *own = NULL;
	char name[64];
	int r;

	own_name(name, "list");
	r = rig_list_create(&list, name, values, 3, NULL);
	own_name(name, "segment");
	if (r == 0)
		r = rig_segment_create(&segment, name, BYTES, NULL);
	/* A name that no other process removes. */
	if (r == 0)
		r = rig_list_create(&own, NULL, values, 3, NULL);
	if (r < 0)
		return fail("create", r);
	say_name(rig_list_name(list));
	say_name(rig_segment_name(segment));
	say_ready();
	for (unsigned turn = 0; r == 0 && goes_on(); turn++)
		r = create_turn(turn);
	rig_list_destroy(own);
	rig_list_destroy(list);
	rig_segment_destroy(segment);
	return r < 0 ? fail("create", r) : 0;
}

static int manage_turns(struct rig_manager *manager, void *arg)
{
	bool *first = arg;
	struct rig_list *list = NULL;
	struct rig_segment *segment = NULL;
	int r = rig_manager_list(manager, &list, values, 3);

	if (r == 0)
		r = rig_manager_segment(manager, &segment, BYTES);
	if (r == 0 && *first) {
		say_name(rig_list_name(list));
		say_name(rig_segment_name(segment));
		printf("pid manager %d\n", (int)rig_manager_pid(manager));
		say_ready();
	}
	rig_list_destroy(list);
	for (int turn = 0; r == 0 && (turn < 30 || *first); turn++) {
		struct rig_segment *member = NULL;

		if (!goes_on()) {
			rig_segment_destroy(segment);
			return 1;
		}
		r = rig_manager_segment(manager, &member, BYTES);
		if (r == 0 && turn % 3 == 0)
			r = rig_segment_unlink(member);
		rig_segment_destroy(member);
		*first &= turn < 200;
	}
	rig_segment_destroy(segment);
	return r;
}

static int play_manage(void)
{
	bool first = true;
	int r;

	/* A manager whose process was killed is shut down; there are more. */
	do {
		r = rig_manager_with(manage_turns, &first);
		first = false;
	} while (r == 0 || r == -ECANCELED);
	return r < 0 ? fail("manage", r) : 0;
}

static int flip(struct rig_team *team)
{
	unsigned char *bytes = rig_team_data(team, 0);
	struct rig_span strip = rig_team_strip(team, rig_team_bytes(team, 0));

	for (size_t i = strip.begin; i < strip.end; i++)
		bytes[i] ^= 0xff;
	return rig_team_barrier(team);
}

/* The warden is the parent of its workers, and prints its own pid. */
static void say_pool(const struct rig_pool *pool)
{
	struct rig_worker worker = { 0 };
	char path[64], line[128];
	int parent = 0;
	FILE *status;

	for (int i = 0; i < rig_pool_size(pool); i++)
		if (rig_pool_worker(pool, i, &worker) == 0)
			printf("pid worker %d\n", (int)worker.pid);
	snprintf(path, sizeof(path), "/proc/%d/status", (int)worker.pid);
	status = fopen(path, "re");
	while (status && fgets(line, sizeof(line), status))
		if (sscanf(line, "PPid: %d", &parent) == 1)
			printf("pid warden %d\n", parent);
	if (status)
		fclose(status);
}

/* The turns of a pool, until the pool is no more. */
static int pool_turns(struct rig_pool *pool, const char *name)
{
	struct rig_job job = { .kernel = flip,
			       .segments = { { .name = name } } };
	int r = 0;

	while (r == 0 || r == -EOWNERDEAD) {
		struct rig_segment *segment = NULL;

		if (!goes_on())
			return 1;
		r = rig_pool_run(pool, &job);
		if (r < 0)
			continue;
		r = rig_segment_create(
			&segment, NULL, BYTES,
			&(struct rig_segment_options){ .pool = pool });
		rig_segment_destroy(segment);
	}
	return r;
}

static int play_pool(void)
{
	struct rig_segment *segment = NULL;
	bool first = true;
	char name[64];
	int r;

	own_name(name, "pool");
	r = rig_segment_create(&segment, name, BYTES, NULL);
	if (r < 0)
		return fail("pool", r);
	do {
		struct rig_pool *pool = NULL;

		r = rig_pool_create(&pool,
				    &(struct rig_pool_options){ .workers = 2 });
		if (r == 0 && first) {
			say_name(name);
			say_pool(pool);
			say_ready();
			first = false;
		}
		if (r == 0)
			r = pool_turns(pool, name);
		rig_pool_destroy(pool);
	} while (r == -ECANCELED);
	rig_segment_destroy(segment);
	return r < 0 ? fail("pool", r) : 0;
}

/* The errors that a stranger's death, or a maker's haste, may cause in an
 * attach. */
static bool is_explained(int r)
{
	return r == 0 || r == -ENOENT || r == -ENODATA;
}

static int attach_list(const char *name)
{
	struct rig_value value;
	struct rig_list *list = NULL;
	int r = rig_list_attach(&list, name, NULL);

	if (r == 0)
		r = rig_list_get(list, 0, &value);
	if (r == 0)
		r = rig_list_set(list, 0, &value);
	rig_list_destroy(list);
	return r;
}

static int attach_segment(const char *name)
{
	struct rig_segment *segment = NULL;
	int r = rig_segment_attach(&segment, name, NULL);

	if (r == 0)
		((char *)rig_segment_data(segment))[0]++;
	rig_segment_destroy(segment);
	return r;
}

static int play_attach(void)
{
	say_ready();
	for (int turn = 0; goes_on(); turn++) {
		const char *name = names[turn % name_count];
		bool is_list = strchr(name, '=') != NULL;
		int r;

		r = is_list ? attach_list(strchr(name, '=') + 1)
			    : attach_segment(name);
		if (!is_explained(r))
			return fail(name, r);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*play)(void);
} roles[] = {
	{ "create", play_create },
	{ "manage", play_manage },
	{ "pool", play_pool },
	{ "attach", play_attach },
};

int main(int argc, char **argv)
{
	/* Whoever kills the test itself means us, too. */
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (argc < 3)
		return 1;
	prefix = argv[2];
	names = argv + 3;
	name_count = argc - 3;
	for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++)
		if (strcmp(roles[i].name, argv[1]) == 0)
			return roles[i].play();
	return 1;
}
