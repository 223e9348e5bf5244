/* SPDX-License-Identifier: MIT */
/*
 * hosts_kernels.c - kernels over hosts give the bits that one pool gives.
 */
#include "hosts_kernels.h"

#include <stdio.h>
#include <string.h>

#include <runrig/kernels.h>
#include <runrig/runrig.h>

#define LIMIT_NS UINT64_C(60000000000)

/* A kernel with two parameters at most, and whether it is in the short list. */
struct asked {
	bool brief;
	const char *kernel;
	struct rig_setting settings[4];
};

#define IS(name_, text_)                                                       \
	{                                                                      \
		.name = (name_), .text = (text_)                               \
	}

static const struct asked list[] = {
	{ true, "sum", { IS("length", "100000") } },
	{ true, "max", { IS("length", "5000") } },
	{ true,
	  "var",
	  { IS("length", "20000"), IS("columns", "50"), IS("axis", "0") } },
	{ true, "norm", { IS("length", "30001") } },
	{ true, "histogram", { IS("length", "20000"), IS("bins", "33") } },
	{ true, "stencil", { IS("n", "40"), IS("iterations", "4") } },
	{ true, "sort", { IS("length", "30000") } },
	{ true, "cg", { IS("class", "S") } },
	{ true, "heat", { IS("n", "17") } },
	{ false, "sum", { IS("length", "1") } },
	{ false, "sum", { IS("length", "0") } },
	{ false, "min", { IS("length", "777777") } },
	{ false, "prod", { IS("length", "30000") } },
	{ false,
	  "mean",
	  { IS("length", "30000"), IS("columns", "3"), IS("axis", "1") } },
	{ false, "std", { IS("length", "100000") } },
	{ false, "count-nonzero", { IS("length", "9999") } },
	{ false, "any", { IS("length", "9999") } },
	{ false, "all", { IS("length", "9999") } },
	{ false, "stencil", { IS("n", "9"), IS("radius", "3") } },
	{ false,
	  "stencil",
	  { IS("n", "64"), IS("radius", "5"), IS("shape", "box") } },
	{ false, "histogram", { IS("length", "3"), IS("bins", "1000") } },
	{ false, "sort", { IS("length", "300") } },
	{ false, "sort", { IS("length", "1M"), IS("stable", "yes") } },
	{ false, "pi", { IS("points", "100k") } },
	{ false, "dot", { IS("length", "30001") } },
	{ false, "reverse", { IS("length", "30001") } },
	{ false, "cg", { IS("class", "W") } },
};

static int run_on_hosts(void *arg, const struct rig_job *job)
{
	return rig_hosts_run(arg, job);
}

static int run_kernel(const struct asked *asked, struct rig_pool *pool,
		      struct rig_hosts *hosts, struct rig_outcome **outcome)
{
	const struct rig_spec spec = { .kernel = asked->kernel,
				       .settings = asked->settings,
				       .verify = RIG_VERIFY_FULL,
				       .limit_ns = LIMIT_NS,
				       .run_job = hosts ? run_on_hosts : NULL,
				       .run_job_arg = hosts };

	return rig_kernel_run(pool, &spec, outcome);
}

/* Are all arrays that the kernel writes for its user the same? */
static bool same_outputs(const struct rig_outcome *here,
			 const struct rig_outcome *there)
{
	bool same = here->array_count == there->array_count &&
		    strcmp(here->result, there->result) == 0;

	for (int i = 0; same && i < here->array_count; i++) {
		const struct rig_outcome_array *a = &here->arrays[i];
		const struct rig_outcome_array *b = &there->arrays[i];

		if (!(a->role & RIG_OUTPUT))
			continue;
		same = a->bytes == b->bytes &&
		       memcmp(rig_segment_data(a->segment),
			      rig_segment_data(b->segment), a->bytes) == 0;
	}
	return same;
}

static int compare(const struct asked *asked, struct rig_hosts *hosts,
		   struct rig_pool *pool, struct rig_pool *one)
{
	struct rig_outcome *here = NULL, *there = NULL;
	int r = run_kernel(asked, pool, hosts, &here);
	bool same;

	if (r == 0)
		r = run_kernel(asked, one, NULL, &there);
	same = r == 0 && same_outputs(here, there);
	if (!same)
		fprintf(stderr, "host %d: %s %s=%s: %s (%d)\n",
			rig_hosts_rank(hosts), asked->kernel,
			asked->settings[0].name, asked->settings[0].text,
			r < 0 ? rig_why() : "other bits than in one pool", r);
	rig_outcome_free(here);
	rig_outcome_free(there);
	return !same;
}

int hosts_kernels(struct rig_hosts *hosts, struct rig_pool *pool, bool all)
{
	const struct rig_pool_options options = {
		.workers = rig_hosts_first(hosts, rig_hosts_size(hosts)),
		.place = "none"
	};
	struct rig_pool *one = NULL;
	int wrong = 0;

	if (rig_pool_create(&one, &options) < 0) {
		fprintf(stderr, "one pool: %s\n", rig_why());
		return 1;
	}
	for (size_t i = 0; i < sizeof(list) / sizeof(*list); i++)
		if (list[i].brief || all)
			wrong += compare(&list[i], hosts, pool, one);
	rig_pool_destroy(one);
	return wrong;
}
