/* SPDX-License-Identifier: MIT */
/*
 * block_sample.c - a proof by sample: some blocks of the result, each proved in full.
 */
#include <runner/block_sample.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include <runrig/error.h>

/* A sample has at most an eighth of the blocks; for a large result, a block in
 * SPARSE. */
#define PART   8
#define FEW    64
#define SPARSE 128

/* In shared memory, in the segment behind the arrays.  The caller writes the
 * struct before the jobs, and the jobs only read. */
struct sample_shm {
	uint64_t kernel; /* the kernel's address: workers have the code, too */
	uint64_t blocks, covered, seed;
	uint64_t kept_bytes; /* bytes of a block's copy; 0: nothing is kept */
};

/* Where the copies begin. */
#define KEPT_AT 4096

_Static_assert(sizeof(struct sample_shm) <= KEPT_AT, "before the copies");

/* 64 bits that tell nothing of the bits of neighbouring numbers. */
static uint64_t mix(uint64_t at)
{
	at = (at + 1) * UINT64_C(0x9e3779b97f4a7c15);
	at = (at ^ at >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	at = (at ^ at >> 27) * UINT64_C(0x94d049bb133111eb);
	return at ^ at >> 31;
}

/* Where run `index` of blocks begins. */
static uint64_t begin_of(const struct sample_shm *shm, uint64_t index)
{
	return shm->blocks / shm->covered * index +
	       shm->blocks % shm->covered * index / shm->covered;
}

/* The block that is drawn from run `index`. */
static uint64_t drawn(const struct sample_shm *shm, uint64_t index)
{
	uint64_t begin = begin_of(shm, index);
	uint64_t count = begin_of(shm, index + 1) - begin;

	/* The last block is in every sample (kernel.h). */
	if (index + 1 == shm->covered)
		return shm->blocks - 1;
	return begin + mix(shm->seed ^ mix(index)) % count;
}

/* The rank in whose strip of the blocks the block is. */
static int owner_of(const struct sample_shm *shm, uint64_t block, int size)
{
	uint64_t each = shm->blocks / (uint64_t)size;
	uint64_t more = shm->blocks % (uint64_t)size;

	if (block < more * (each + 1))
		return (int)(block / (each + 1));
	return (int)(more + (block - more * (each + 1)) / each);
}

static const struct sample_shm *shm_of(struct rig_team *team)
{
	return rig_team_data(team, rig_team_segments(team) - 1);
}

static const struct rig_kernel *kernel_of(const struct sample_shm *shm)
{
	return (const struct rig_kernel *)(uintptr_t)shm->kernel;
}

static char *copy_of(const struct sample_shm *shm, uint64_t index)
{
	return (char *)(uintptr_t)shm + KEPT_AT + index * shm->kept_bytes;
}

/* Each rank keeps a strip of the sample. */
static int keep(struct rig_team *team)
{
	const struct sample_shm *shm = shm_of(team);
	const struct rig_kernel *kernel = kernel_of(shm);
	const struct rig_kernel_args *args = rig_team_args(team);
	const char *data = rig_team_data(team, kernel->kept);
	size_t item = args->arrays[kernel->kept].item_bytes;
	struct rig_span own = rig_team_strip(team, shm->covered);

	for (size_t i = own.begin; i < own.end; i++) {
		struct rig_span span = kernel->keeps(args, drawn(shm, i));

		memcpy(copy_of(shm, i), data + span.begin * item,
		       (span.end - span.begin) * item);
	}
	return 0;
}

static int prove(struct rig_team *team)
{
	const struct sample_shm *shm = shm_of(team);
	const struct rig_kernel *kernel = kernel_of(shm);
	int size = rig_team_size(team);
	int r = 0;

	for (uint64_t i = 0; i < shm->covered && r == 0; i++) {
		uint64_t block = drawn(shm, i);

		if ((owner_of(shm, block, size) + 1) % size ==
		    rig_team_rank(team))
			r = kernel->prove(team, block,
					  shm->kept_bytes ? copy_of(shm, i)
							  : NULL);
	}
	return r;
}

bool sample_possible(const struct kernel_run *run)
{
	return run->kernel->blocks && kernel_run_has_inputs(run) &&
	       run->kernel->blocks(run->args) > 0;
}

/* The bytes of the largest copy. */
static size_t largest(const struct kernel_run *run,
		      const struct sample_shm *shm)
{
	size_t item = kernel_run_array(run, run->kernel->kept)->item_bytes;
	size_t most = 0;

	for (uint64_t i = 0; i < shm->covered; i++) {
		struct rig_span span =
			run->kernel->keeps(run->args, drawn(shm, i));

		if (span.end - span.begin > most)
			most = span.end - span.begin;
	}
	return most * item;
}

static void draw(struct block_sample *sample, const struct kernel_run *run,
		 uint64_t seed)
{
	uint64_t blocks = run->kernel->blocks(run->args);
	uint64_t covered = blocks / PART < FEW ? blocks / PART : FEW;

	covered = blocks / SPARSE > covered ? blocks / SPARSE : covered;
	*sample = (struct block_sample){ .blocks = blocks,
					 .covered = covered ? covered : 1,
					 .seed = seed };
	/* Five digits, for people to type again. */
	if (!seed && getrandom(&sample->seed, sizeof(sample->seed), 0) ==
			     sizeof(sample->seed))
		sample->seed = sample->seed % 99999 + 1;
}

int sample_begin(struct block_sample *sample, struct kernel_run *run,
		 uint64_t seed)
{
	struct sample_shm shm = {
		.kernel = (uint64_t)(uintptr_t)run->registered
	};
	int r;

	draw(sample, run, seed);
	shm.blocks = sample->blocks;
	shm.covered = sample->covered;
	shm.seed = sample->seed;
	if (run->kernel->keeps)
		shm.kept_bytes = (largest(run, &shm) + 63) & ~(size_t)63;
	r = rig_segment_create(&sample->segment, NULL,
			       KEPT_AT + shm.covered * shm.kept_bytes, NULL);
	if (r < 0) {
		snprintf(run->why, WHY_BYTES, "%s", rig_why());
		return r;
	}
	memcpy(rig_segment_data(sample->segment), &shm, sizeof(shm));
	return shm.kept_bytes ? kernel_run_job(run, keep, sample->segment) : 0;
}

int sample_prove(struct block_sample *sample, struct kernel_run *run)
{
	return kernel_run_job(run, prove, sample->segment);
}

void sample_end(struct block_sample *sample)
{
	rig_segment_destroy(sample->segment);
	sample->segment = NULL;
}
