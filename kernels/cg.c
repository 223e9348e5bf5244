/* SPDX-License-Identifier: MIT */
/*
 * cg.c - NPB's CG: the smallest eigenvalue of a sparse matrix, by inverse
 * iteration with 25 steps of conjugate gradients each.
 *
 * The matrix is a sum of outer products of sparse random vectors, made by a
 * single stream of random numbers: rank 0 makes the vectors, and all ranks then
 * build their own rows.  There is a single matrix, and a single copy of each
 * vector, which every rank reads in place.
 *
 * Sums over vectors are made of sums of chunks (share.h): zeta has the same
 * bits for any number of workers.  A step has three barriers: the next product
 * needs all of p, and alpha and beta need all of their sums.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/npb.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>

#define SEED    UINT64_C(314159265)
#define STEPS   25
#define RCOND   0.1
#define EPSILON 1e-10

/* Elements of a chunk: few, for ranks take whole chunks. */
#define CHUNK 128

enum { MATRIX, COLUMNS, ROWS, VECTORS };
enum { X, Z, P, Q, R, VECTOR_COUNT };

static const struct {
	size_t n;
	size_t nonzer;
	int iterations;
	double shift, zeta;
} classes[] = {
	{ 1400, 7, 15, 10, 8.5971775078648 },
	{ 7000, 8, 15, 12, 10.362595087124 },
	{ 14000, 11, 15, 20, 17.130235054029 },
	{ 75000, 13, 75, 60, 22.712745482631 },
	{ 150000, 15, 75, 110, 28.973605592845 },
	{ 1500000, 21, 100, 500, 52.514532105794 },
	{ 9000000, 26, 100, 1500, 77.522164599383 },
	{ 54000000, 31, 100, 5000, 107.3070826433 },
};

struct cg_args {
	struct rig_kernel_args header;
	uint32_t class;
};

static const struct rig_param params[] = {
	{ .name = "class",
	  .help = NPB_CLASS_HELP,
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct cg_args, class),
	  .fallback = "S",
	  .choices = "S W A B C D E F" },
	{ 0 },
};

static size_t size_of(const struct cg_args *args)
{
	return classes[args->class].n;
}

/* Elements of a random vector: nonzer elements, and the element of the
 * diagonal. */
static size_t width_of(const struct cg_args *args)
{
	return classes[args->class].nonzer + 1;
}

static size_t chunks_of(size_t n)
{
	return (n + CHUNK - 1) / CHUNK;
}

/* The bound for all rows together; a single row may have more. */
static uint64_t count_matrix(const void *given)
{
	return size_of(given) * width_of(given) * width_of(given);
}

/* Each row has the place where the row begins (and where the last row ends), and a
 * number of entries; each random vector has a number of elements, and the places of
 * the elements. */
static uint64_t count_rows(const void *given)
{
	size_t n = size_of(given);

	return n + 1 + n + n + n * width_of(given);
}

/* The five vectors, the elements of the random vectors, two sets of chunks'
 * sums (a set is read while the other is written), and zeta. */
static uint64_t count_vectors(const void *given)
{
	size_t n = size_of(given);

	return VECTOR_COUNT * n + n * width_of(given) + 3 * chunks_of(n) + 1;
}

static double flops(const void *given)
{
	const struct cg_args *args = given;
	double nonzer = (double)classes[args->class].nonzer;
	double nz = nonzer * (nonzer + 1);

	return 2.0 * classes[args->class].iterations * (double)size_of(args) *
	       (3 + nz + STEPS * (5 + nz) + 3);
}

/* The own rows of `count` vectors of n words, vector after vector; and for rank
 * 0 the rest of the array, which rank 0 makes or adds up. */
static int own_rows(size_t n, size_t count, size_t bytes, int rank, int size,
		    struct rig_span *spans)
{
	struct rig_span own = rig_strip(chunks_of(n), rank, size);
	size_t begin = own.begin * CHUNK, end = own.end * CHUNK;
	int owned = 0;

	end = end < n ? end : n;
	for (size_t v = 0; v < count && begin < end; v++)
		spans[owned++] =
			(struct rig_span){ (v * n + begin) * sizeof(double),
					   (v * n + end) * sizeof(double) };
	if (rank == 0)
		spans[owned++] =
			(struct rig_span){ count * n * sizeof(double), bytes };
	return owned;
}

/* The matrix has equal blocks: the rows are not known yet, and are much
 * alike. */
static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	size_t n = size_of(given);

	if (index == VECTORS)
		return own_rows(n, VECTOR_COUNT, bytes, rank, size, spans);
	if (index == ROWS)
		return own_rows(n, 2, bytes, rank, size, spans);
	return share_rows(bytes / 4, 4, rank, size, spans);
}

/* In this process: a rank's view. */
struct cg {
	struct rig_team *team;
	const struct world *world; /* of a run */
	int *code;                 /* of a run: 0, or what has failed */
	size_t n, width;
	double *entries;
	uint32_t *columns;
	uint64_t *begins, *used;
	uint64_t *lengths, *places; /* the random vectors' */
	double *elements;
	double *x, *z, *p, *q, *r;
	double *sums[3];
	double *zeta;
	size_t chunks;
	struct rig_span own; /* chunks */
	struct rig_span rows;
	double shift;
};

/* The chunks that the rank has, and their rows. */
static void deal(struct cg *cg, struct rig_span own)
{
	cg->own = own;
	cg->rows.begin = own.begin * CHUNK;
	cg->rows.end = own.end * CHUNK < cg->n ? own.end * CHUNK : cg->n;
	if (cg->rows.begin > cg->rows.end)
		cg->rows.begin = cg->rows.end;
}

/* With the rank's rows among those of its host: each host has the whole matrix. */
static struct cg view(struct rig_team *team)
{
	const struct cg_args *args = rig_team_args(team);
	size_t n = size_of(args);
	uint64_t *rows = rig_team_data(team, ROWS);
	double *v = rig_team_data(team, VECTORS);
	struct cg cg = {
		.team = team,
		.n = n,
		.width = width_of(args),
		.entries = rig_team_data(team, MATRIX),
		.columns = rig_team_data(team, COLUMNS),
		.begins = rows,
		.used = rows + n + 1,
		.lengths = rows + 2 * n + 1,
		.places = rows + 3 * n + 1,
		.x = v + X * n,
		.z = v + Z * n,
		.p = v + P * n,
		.q = v + Q * n,
		.r = v + R * n,
		.elements = v + VECTOR_COUNT * n,
		.chunks = chunks_of(n),
		.shift = classes[args->class].shift,
	};

	deal(&cg, rig_team_strip(team, cg.chunks));
	for (int s = 0; s < 3; s++)
		cg.sums[s] = cg.elements + n * cg.width + (size_t)s * cg.chunks;
	cg.zeta = cg.sums[2] + cg.chunks;
	return cg;
}

/* A random vector: nonzer different places below n, and the row's own place. */
static void make_vector(const struct cg *cg, size_t row, uint64_t *state,
			uint64_t power)
{
	uint64_t *places = cg->places + row * cg->width;
	double *elements = cg->elements + row * cg->width;
	size_t length = 0;
	size_t i;

	while (length + 1 < cg->width) {
		double element = NPB_UNIT * (double)npb_next(state);
		double where = NPB_UNIT * (double)npb_next(state);
		uint64_t place = (uint64_t)((double)power * where);

		for (i = 0; i < length && places[i] != place; i++)
			;
		if (place >= cg->n || i < length)
			continue;
		places[length] = place;
		elements[length++] = element;
	}
	for (i = 0; i < length && places[i] != row; i++)
		;
	places[i] = row;
	elements[i] = 0.5;
	cg->lengths[row] = i < length ? length : length + 1;
}

static void make_vectors(const struct cg *cg)
{
	uint64_t power = 1;
	uint64_t state = SEED;

	while (power < cg->n)
		power *= 2;
	npb_next(&state); /* NPB's main program draws a number first */
	for (size_t row = 0; row < cg->n; row++)
		make_vector(cg, row, &state, power);
}

/* Rows begin after as much as the rows before could take. */
static void lay_rows(const struct cg *cg)
{
	uint64_t begin = 0;

	for (size_t row = 0; row <= cg->n; row++)
		cg->begins[row] = 0;
	for (size_t v = 0; v < cg->n; v++)
		for (size_t e = 0; e < cg->lengths[v]; e++)
			cg->begins[cg->places[v * cg->width + e]] +=
				cg->lengths[v];
	for (size_t row = 0; row <= cg->n; row++) {
		uint64_t most = cg->begins[row];

		cg->begins[row] = begin;
		begin += most;
	}
}

/* Add to the entry of a row at a column; columns stay in order. */
static void add_entry(const struct cg *cg, size_t row, uint64_t column,
		      double value)
{
	double *entries = cg->entries + cg->begins[row];
	uint32_t *columns = cg->columns + cg->begins[row];
	size_t used = cg->used[row];
	size_t at = used;

	while (at > 0 && columns[at - 1] >= column)
		at--;
	if (at < used && columns[at] == column) {
		entries[at] += value;
		return;
	}
	for (size_t e = used; e > at; e--) {
		entries[e] = entries[e - 1];
		columns[e] = columns[e - 1];
	}
	entries[at] = value;
	columns[at] = (uint32_t)column;
	cg->used[row] = used + 1;
}

/* Add the product of vector v with itself, times `size`, to the own rows. */
static void add_product(const struct cg *cg, size_t v, double size)
{
	const uint64_t *places = cg->places + v * cg->width;
	const double *elements = cg->elements + v * cg->width;

	for (size_t a = 0; a < cg->lengths[v]; a++) {
		double scale = size * elements[a];
		size_t row = places[a];

		if (row < cg->rows.begin || row >= cg->rows.end)
			continue;
		for (size_t b = 0; b < cg->lengths[v]; b++) {
			double value = elements[b] * scale;

			if (places[b] == row && row == v)
				value += RCOND - cg->shift;
			add_entry(cg, row, places[b], value);
		}
	}
}

/* The rows took less than they could: move the own rows together. */
static void close_gaps(const struct cg *cg)
{
	uint64_t to = cg->begins[cg->rows.begin];

	for (size_t row = cg->rows.begin; row < cg->rows.end; row++) {
		uint64_t from = cg->begins[row];
		size_t used = cg->used[row];

		memmove(cg->entries + to, cg->entries + from,
			used * sizeof(*cg->entries));
		memmove(cg->columns + to, cg->columns + from,
			used * sizeof(*cg->columns));
		cg->begins[row] = to;
		to += used;
	}
}

static int prepare(struct rig_team *team)
{
	struct cg cg = view(team);
	double ratio = pow(RCOND, 1 / (double)cg.n);
	double size = 1;

	if (rig_team_rank(team) == 0) {
		make_vectors(&cg);
		lay_rows(&cg);
	}
	rig_team_barrier(team);
	for (size_t row = cg.rows.begin; row < cg.rows.end; row++)
		cg.used[row] = 0;
	for (size_t v = 0; v < cg.n; v++, size *= ratio)
		add_product(&cg, v, size);
	close_gaps(&cg);
	return rig_team_barrier(team);
}

/* The rows of a chunk. */
static struct rig_span rows_of(const struct cg *cg, size_t chunk)
{
	size_t begin = chunk * CHUNK, end = begin + CHUNK;

	return (struct rig_span){ begin, end < cg->n ? end : cg->n };
}

/* The sum of a times b over some rows.  Four at a time: a chain of additions
 * waits for itself. */
static double dot(const double *a, const double *b, struct rig_span rows)
{
	double s[4] = { 0 };
	size_t i = rows.begin;

	for (; i + 4 <= rows.end; i += 4)
		for (size_t k = 0; k < 4; k++)
			s[k] += a[i + k] * b[i + k];
	for (; i < rows.end; i++)
		s[0] += a[i] * b[i];
	return (s[0] + s[1]) + (s[2] + s[3]);
}

/* Store the sums of the own chunks of a times b, for total(). */
static void sum(const struct cg *cg, int set, const double *a, const double *b)
{
	for (size_t c = cg->own.begin; c < cg->own.end; c++)
		cg->sums[set][c] = dot(a, b, rows_of(cg, c));
}

/* Meet, and add all chunks up: every host gets the sums of the others. */
static double total(const struct cg *cg, int set)
{
	double all = 0;
	const int r = world_fill_rows(cg->world, cg->sums[set], cg->chunks,
				      sizeof(all));

	if (r < 0)
		*cg->code = r;
	for (size_t c = 0; c < cg->chunks; c++)
		all += cg->sums[set][c];
	return all;
}

/* Some rows of `to` = A times `from`: four sums a row, for a chain of
 * additions waits for itself. */
static void multiply(const struct cg *cg, double *restrict to,
		     const double *restrict from, struct rig_span rows)
{
	for (size_t row = rows.begin; row < rows.end; row++) {
		const double *entries = cg->entries + cg->begins[row];
		const uint32_t *columns = cg->columns + cg->begins[row];
		size_t e = 0, used = cg->used[row];
		double s = 0, t = 0, u = 0, v = 0;

		for (; e + 4 <= used; e += 4) {
			s += entries[e] * from[columns[e]];
			t += entries[e + 1] * from[columns[e + 1]];
			u += entries[e + 2] * from[columns[e + 2]];
			v += entries[e + 3] * from[columns[e + 3]];
		}
		for (; e < used; e++)
			s += entries[e] * from[columns[e]];
		to[row] = (s + t) + (u + v);
	}
}

/* The same of a vector, which is dealt by chunks. */
static void meet_rows(const struct cg *cg, double *vector)
{
	const int r = world_fill_chunks(cg->world, vector, cg->chunks,
					CHUNK * sizeof(*vector),
					cg->n * sizeof(*vector));

	if (r < 0)
		*cg->code = r;
}

/* z = the solution of A z = x, as far as 25 steps get.  What a chunk adds to a
 * sum is taken while it is in the cache. */
static void solve(const struct cg *cg)
{
	double rho, alpha, beta, rho_before;

	for (size_t i = cg->rows.begin; i < cg->rows.end; i++) {
		cg->z[i] = 0;
		cg->r[i] = cg->p[i] = cg->x[i];
	}
	sum(cg, 0, cg->r, cg->r);
	rho = total(cg, 0);
	if (cg->world->hosts > 1)
		meet_rows(cg, cg->p);
	for (int step = 0; step < STEPS; step++) {
		for (size_t c = cg->own.begin; c < cg->own.end; c++) {
			struct rig_span rows = rows_of(cg, c);

			multiply(cg, cg->q, cg->p, rows);
			cg->sums[1][c] = dot(cg->p, cg->q, rows);
		}
		alpha = rho / total(cg, 1);
		for (size_t c = cg->own.begin; c < cg->own.end; c++) {
			struct rig_span rows = rows_of(cg, c);

			for (size_t i = rows.begin; i < rows.end; i++) {
				cg->z[i] += alpha * cg->p[i];
				cg->r[i] -= alpha * cg->q[i];
			}
			cg->sums[0][c] = dot(cg->r, cg->r, rows);
		}
		rho_before = rho;
		rho = total(cg, 0);
		beta = rho / rho_before;
		for (size_t i = cg->rows.begin; i < cg->rows.end; i++)
			cg->p[i] = cg->r[i] + beta * cg->p[i];
		/* The next product reads all of p, chunks of CHUNK rows. */
		meet_rows(cg, cg->p);
	}
}

/* A step of inverse iteration; returns zeta. */
static double iterate(const struct cg *cg)
{
	double along, length;

	solve(cg);
	sum(cg, 1, cg->x, cg->z);
	sum(cg, 2, cg->z, cg->z);
	along = total(cg, 1);
	length = total(cg, 2);
	for (size_t i = cg->rows.begin; i < cg->rows.end; i++)
		cg->x[i] = cg->z[i] / sqrt(length);
	return cg->shift + 1 / along;
}

static void start(const struct cg *cg)
{
	for (size_t i = cg->rows.begin; i < cg->rows.end; i++)
		cg->x[i] = 1;
}

static int run(struct rig_team *team)
{
	const struct cg_args *args = rig_team_args(team);
	struct cg cg = view(team);
	int iterations = classes[args->class].iterations;
	struct world world;
	double zeta = 0;
	int r = world_begin(&world, team);

	cg.world = &world;
	cg.code = &r;
	deal(&cg, world_strip(team, cg.chunks));
	start(&cg);
	for (int i = 0; i < iterations && r == 0; i++) {
		zeta = iterate(&cg);
		share_done(team, (size_t)i + 1, (size_t)iterations);
	}
	/* The vectors are a result. */
	if (r == 0 && world.hosts > 1) {
		meet_rows(&cg, cg.x);
		meet_rows(&cg, cg.z);
		meet_rows(&cg, cg.q);
		meet_rows(&cg, cg.r);
	}
	if (r == 0)
		r = world_end(&world);
	if (rig_team_rank(team) == 0)
		*cg.zeta = zeta;
	return r < 0 ? r : rig_team_barrier(team);
}

static int verify(struct rig_team *team)
{
	const struct cg_args *args = rig_team_args(team);
	struct cg cg = view(team);
	double want = classes[args->class].zeta;

	if (!(fabs(*cg.zeta - want) <= EPSILON * want))
		return rig_team_fail(
			team, -EBADMSG,
			"cg: unsuccessful: zeta is %.13f, expected %.13f",
			*cg.zeta, want);
	return 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const double *vectors = data[VECTORS];

	snprintf(text, bytes, "zeta = %.13f",
		 vectors[count_vectors(given) - 1]);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "matrix",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_matrix },
	{ .name = "columns",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT32,
	  .count = count_matrix },
	{ .name = "rows",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_UINT64,
	  .count = count_rows },
	{ .name = "vectors",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count_vectors },
	{ 0 },
};

const struct rig_kernel kernel_cg = {
	.version = RIG_KERNEL_VERSION,
	.name = "cg",
	.summary = "an eigenvalue of a sparse matrix, by conjugate gradients "
		   "(NPB CG)",
	.verified = "successful: NPB 3.4's zeta to 1e-10 (own implementation)",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct cg_args),
	.flops = flops,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.hosts = 1,
	.verify = verify,
	.result = result,
};
