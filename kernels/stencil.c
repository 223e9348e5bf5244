/* SPDX-License-Identifier: MIT */
/*
 * stencil.c - PRK's stencil: a star or a box of weights moved over a grid.
 *
 * The weights are a discrete divergence, and the grid is in(i, j) = i + j:
 * every sweep adds 2 to each point of the interior, while `in` grows by 1
 * everywhere, which keeps a kernel from skipping sweeps.  Each rank owns a
 * strip of the rows of both grids and reads its neighbours' rows in place.
 * Rows that only the owner reads grow right behind the sweep, the other rows
 * when all ranks have read.
 */
#include <errno.h>
#include <math.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>
#include <kernels/lib/world.h>

#define N_MAX      1048576.0
#define RADIUS_MAX 9
#define SPAN_MAX   (2 * RADIUS_MAX + 1)

/* Columns handled at a time: the rows of a tile stay in the cache. */
#define TILE 2048

/* Rows handled at a time. */
#define AT_ONCE 4

/* The distance of `in` from its array's begin, in points: half a page.  Both
 * arrays begin with a page, and a load waits for an earlier store with the same
 * last twelve bits of the address. */
#define SHIFT 256

#define EPSILON 1e-8

enum { IN, OUT };
enum shape { STAR, BOX };

struct stencil_args {
	struct rig_kernel_args header;
	size_t n;
	size_t iterations;
	int64_t radius;
	uint32_t shape;
};

/* weight[radius + di][radius + dj] */
struct weights {
	double at[SPAN_MAX][SPAN_MAX];
};

static const struct rig_param params[] = {
	{ .name = "n",
	  .help = "points on a side of the grid",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct stencil_args, n),
	  .fallback = "1000",
	  .max = N_MAX },
	{ .name = "radius",
	  .help = "points from the middle of the stencil to its rim",
	  .kind = RIG_PARAM_INT,
	  .offset = offsetof(struct stencil_args, radius),
	  .fallback = "2",
	  .min = 1,
	  .max = RADIUS_MAX },
	{ .name = "shape",
	  .help = "star: along the axes; box: all of the square",
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct stencil_args, shape),
	  .fallback = "star",
	  .choices = "star box" },
	{ .name = "iterations",
	  .help = "sweeps after the first",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct stencil_args, iterations),
	  .fallback = "10",
	  .max = 1e6 },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct stencil_args *args = given;

	return args->n * args->n;
}

static uint64_t count_in(const void *given)
{
	return SHIFT + count(given);
}

static double *grid_in(struct rig_team *team)
{
	return (double *)rig_team_data(team, IN) + SHIFT;
}

static size_t interior(const struct stencil_args *args)
{
	size_t rim = 2 * (size_t)args->radius;

	return args->n > rim ? args->n - rim : 0;
}

static double points(const struct stencil_args *args)
{
	double span = 2.0 * (double)args->radius + 1;

	return args->shape == STAR ? 2 * span - 1 : span * span;
}

/* Each point of a grid is read in `in` and `out`, and written in `out`; then read
 * and written in `in`. */
static double bytes_moved(const void *given)
{
	const struct stencil_args *args = given;
	double n = (double)args->n;

	return (double)(args->iterations + 1) * 5 * sizeof(double) * n * n;
}

static double flops(const void *given)
{
	const struct stencil_args *args = given;
	double inner = (double)interior(args);

	return (double)(args->iterations + 1) * (2 * points(args) + 1) * inner *
	       inner;
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	(void)bytes;
	const struct stencil_args *args = given;
	int spanned = share_rows(args->n, args->n * sizeof(double), rank, size,
				 spans);

	if (spanned && index == IN) {
		spans[0].begin += spans[0].begin ? SHIFT * sizeof(double) : 0;
		spans[0].end += SHIFT * sizeof(double);
	}
	return spanned;
}

static int prepare(struct rig_team *team)
{
	const struct stencil_args *args = rig_team_args(team);
	struct rig_span rows = rig_team_strip(team, args->n);
	double *in = grid_in(team);
	double *out = rig_team_data(team, OUT);

	for (size_t i = rows.begin; i < rows.end; i++) {
		for (size_t j = 0; j < args->n; j++) {
			in[i * args->n + j] = (double)(i + j);
			out[i * args->n + j] = 0;
		}
	}
	return rig_team_barrier(team);
}

static void weigh_star(struct weights *w, int radius)
{
	for (int d = 1; d <= radius; d++) {
		double each = 1.0 / (2.0 * d * radius);

		w->at[radius][radius + d] = w->at[radius + d][radius] = each;
		w->at[radius][radius - d] = w->at[radius - d][radius] = -each;
	}
}

static void weigh_box(struct weights *w, int radius)
{
	for (int d = 1; d <= radius; d++) {
		double each = 1.0 / (4.0 * d * (2.0 * d - 1) * radius);
		double corner = 1.0 / (4.0 * d * radius);

		for (int e = 1 - d; e < d; e++) {
			w->at[radius + e][radius + d] = each;
			w->at[radius + d][radius + e] = each;
			w->at[radius + e][radius - d] = -each;
			w->at[radius - d][radius + e] = -each;
		}
		w->at[radius + d][radius + d] = corner;
		w->at[radius - d][radius - d] = -corner;
	}
}

/* The sum that is added to the point at *in; n points lie between two rows.
 * Points on opposite sides have weights of opposite signs, and both axes the
 * same weights. */
INLINE double star_at(const double *in, size_t n, const double *c, size_t r)
{
	double sum = 0;

	for (size_t d = 1; d <= r; d++)
		sum += c[d] * ((*(in + d) - *(in - d)) +
			       (*(in + d * n) - *(in - d * n)));
	return sum;
}

/* Points begin to end - 1 of some rows. */
INLINE void star_rows(double *restrict out, const double *restrict in, size_t n,
		      size_t rows, size_t begin, size_t end,
		      const struct weights *w, size_t r)
{
	double c[RADIUS_MAX + 1];

	for (size_t d = 1; d <= r; d++)
		c[d] = w->at[r][r + d];
	for (size_t i = 0; i < rows; i++)
		for (size_t j = begin; j < end; j++)
			out[i * n + j] += star_at(in + i * n + j, n, c, r);
}

/* The same for AT_ONCE rows and PRK's radius, 2: rows that several of the rows
 * read are loaded once, and the memory has more lines to fetch at a time. */
CLONES static void star_block(double *restrict out, const double *restrict in,
			      size_t n, size_t begin, size_t end,
			      const struct weights *w)
{
	double *restrict out1 = out + n;
	double *restrict out2 = out + 2 * n;
	double *restrict out3 = out + 3 * n;
	double near = w->at[2][3], far = w->at[2][4];

	for (size_t j = begin; j < end; j++) {
		const double *x = in + j, *x1 = x + n;
		const double *x2 = x + 2 * n, *x3 = x + 3 * n;
		double up2 = *(x - 2 * n), up = *(x - n);
		double down = *(x3 + n), down2 = *(x3 + 2 * n);

		out[j] += near * ((x[1] - x[-1]) + (*x1 - up)) +
			  far * ((x[2] - x[-2]) + (*x2 - up2));
		out1[j] += near * ((x1[1] - x1[-1]) + (*x2 - *x)) +
			   far * ((x1[2] - x1[-2]) + (*x3 - up));
		out2[j] += near * ((x2[1] - x2[-1]) + (*x3 - *x1)) +
			   far * ((x2[2] - x2[-2]) + (down - *x));
		out3[j] += near * ((x3[1] - x3[-1]) + (down - *x2)) +
			   far * ((x3[2] - x3[-2]) + (down2 - *x1));
	}
}

INLINE void box_row(double *restrict out, const double *restrict in, size_t n,
		    size_t begin, size_t end, const struct weights *w, int r)
{
	for (int di = -r; di <= r; di++) {
		const double *from = in + (ptrdiff_t)n * di;

		for (size_t j = begin; j < end; j++) {
			double sum = 0;

			for (int dj = -r; dj <= r; dj++)
				sum += w->at[r + di][r + dj] *
				       from[(ptrdiff_t)j + dj];
			out[j] += sum;
		}
	}
}

INLINE void box_rows(double *out, const double *in, size_t n, size_t rows,
		     size_t begin, size_t end, const struct weights *w, int r)
{
	for (size_t i = 0; i < rows; i++)
		box_row(out + i * n, in + i * n, n, begin, end, w, r);
}

/* With the radius a constant, the loops over weights are unrolled. */
CLONES static void any_star(double *out, const double *in, size_t n,
			    size_t rows, size_t begin, size_t end,
			    const struct weights *w, int radius)
{
	switch (radius) {
	case 1:
		star_rows(out, in, n, rows, begin, end, w, 1);
		break;
	case 2:
		star_rows(out, in, n, rows, begin, end, w, 2);
		break;
	case 3:
		star_rows(out, in, n, rows, begin, end, w, 3);
		break;
	case 4:
		star_rows(out, in, n, rows, begin, end, w, 4);
		break;
	default:
		star_rows(out, in, n, rows, begin, end, w, (size_t)radius);
	}
}

CLONES static void any_box(double *out, const double *in, size_t n, size_t rows,
			   size_t begin, size_t end, const struct weights *w,
			   int radius)
{
	switch (radius) {
	case 1:
		box_rows(out, in, n, rows, begin, end, w, 1);
		break;
	case 2:
		box_rows(out, in, n, rows, begin, end, w, 2);
		break;
	case 3:
		box_rows(out, in, n, rows, begin, end, w, 3);
		break;
	case 4:
		box_rows(out, in, n, rows, begin, end, w, 4);
		break;
	default:
		box_rows(out, in, n, rows, begin, end, w, radius);
	}
}

CLONES static void add_one(double *in, size_t count)
{
	for (size_t i = 0; i < count; i++)
		in[i] += 1;
}

/* The rows of a rank that no other rank reads. */
static struct rig_span inner(struct rig_span rows, size_t radius)
{
	if (rows.end - rows.begin < 2 * radius)
		return (struct rig_span){ rows.end, rows.end };
	return (struct rig_span){ rows.begin + radius, rows.end - radius };
}

/* In this process: columns of a rank's rows. */
struct tile {
	struct rig_span columns; /* columns of the interior that are computed */
	struct rig_span grow;    /* columns that no later tile reads */
};

/* Some rows of a tile. */
static void sweep_rows(const struct stencil_args *args, double *out,
		       const double *in, size_t rows, struct rig_span columns,
		       const struct weights *w)
{
	int radius = (int)args->radius;

	if (args->shape == BOX)
		any_box(out, in, args->n, rows, columns.begin, columns.end, w,
			radius);
	else if (radius == 2 && rows == AT_ONCE)
		star_block(out, in, args->n, columns.begin, columns.end, w);
	else
		any_star(out, in, args->n, rows, columns.begin, columns.end, w,
			 radius);
}

/* A tile of the rank's rows.  `in` grows right after the last read, while the
 * rows are still in the cache; only inner rows grow here. */
static void sweep_tile(const struct stencil_args *args, double *out, double *in,
		       struct rig_span rows, const struct tile *tile,
		       const struct weights *w)
{
	size_t n = args->n, r = (size_t)args->radius;
	struct rig_span own = inner(rows, r);
	size_t grown = own.begin;

	rows.begin = rows.begin < r ? r : rows.begin;
	rows.end = rows.end > n - r ? n - r : rows.end;
	for (size_t i = rows.begin, many; i < rows.end; i += many) {
		many = rows.end - i < AT_ONCE ? rows.end - i : AT_ONCE;
		sweep_rows(args, out + i * n, in + i * n, many, tile->columns,
			   w);
		for (; grown < own.end && grown + r < i + many; grown++)
			add_one(in + grown * n + tile->grow.begin,
				tile->grow.end - tile->grow.begin);
	}
	for (; grown < own.end; grown++)
		add_one(in + grown * n + tile->grow.begin,
			tile->grow.end - tile->grow.begin);
}

static void sweep(const struct stencil_args *args, double *out, double *in,
		  struct rig_span rows, const struct weights *w)
{
	size_t n = args->n, r = (size_t)args->radius;
	struct tile tile = { { r, r }, { 0, 0 } };

	while (tile.columns.end < n - r) {
		tile.columns.begin = tile.columns.end;
		tile.columns.end = n - r - tile.columns.begin < TILE
					   ? n - r
					   : tile.columns.begin + TILE;
		tile.grow.begin = tile.grow.end;
		/* The next tile reads some columns of this tile. */
		tile.grow.end =
			tile.columns.end == n - r ? n : tile.columns.end - r;
		sweep_tile(args, out, in, rows, &tile, w);
	}
}

/* The rows that other ranks had to read first. */
static void grow_edges(double *in, size_t n, struct rig_span rows,
		       size_t radius)
{
	struct rig_span own = inner(rows, radius);

	add_one(in + rows.begin * n, (own.begin - rows.begin) * n);
	add_one(in + own.end * n, (rows.end - own.end) * n);
}

/* The own rows: swept, and grown at the edges when everybody has read. */
static int sweep_all(const struct world *world, double *in, double *out)
{
	struct rig_team *team = world->team;
	const struct stencil_args *args = rig_team_args(team);
	struct rig_span rows = world_strip(team, args->n);
	const size_t row_bytes = args->n * sizeof(*in);
	struct weights w = { 0 };
	int r = 0;

	if (args->shape == STAR)
		weigh_star(&w, (int)args->radius);
	else
		weigh_box(&w, (int)args->radius);
	for (size_t k = 0; k <= args->iterations && r == 0; k++) {
		/* Without an interior nothing is read. */
		if (interior(args))
			sweep(args, out, in, rows, &w);
		/* Everybody has read before the rows at the edges grow. */
		rig_team_barrier(team);
		grow_edges(in, args->n, rows, (size_t)args->radius);
		r = world_fill_edges(world, in, args->n, row_bytes,
				     (size_t)args->radius);
		share_done(team, k + 1, args->iterations + 1);
	}
	return r;
}

static int run(struct rig_team *team)
{
	const struct stencil_args *args = rig_team_args(team);
	double *in = grid_in(team);
	double *out = rig_team_data(team, OUT);
	const size_t row_bytes = args->n * sizeof(*in);
	struct world world;
	int r = world_begin(&world, team);

	if (r == 0)
		r = sweep_all(&world, in, out);
	if (r == 0 && world.hosts > 1)
		r = world_fill_rows(&world, in, args->n, row_bytes);
	if (r == 0 && world.hosts > 1)
		r = world_fill_rows(&world, out, args->n, row_bytes);
	return r < 0 ? r : world_end(&world);
}

static int verify(struct rig_team *team)
{
	const struct stencil_args *args = rig_team_args(team);
	struct rig_span rows = share_next(team, args->n);
	const double *in = grid_in(team);
	const double *out = rig_team_data(team, OUT);
	size_t n = args->n;
	size_t radius = (size_t)args->radius;
	double sweeps = (double)(args->iterations + 1);

	for (size_t at = rows.begin * n; at < rows.end * n; at++) {
		size_t i = at / n;
		size_t j = at % n;
		bool inside = i >= radius && i + radius < n && j >= radius &&
			      j + radius < n;
		double want = inside ? 2 * sweeps : 0;

		if (!(fabs(out[at] - want) <= EPSILON * want))
			return rig_team_fail(team, -EBADMSG,
					     "stencil: out(%zu, %zu) is %.17g, "
					     "expected %.17g",
					     i, j, out[at], want);
		if (in[at] != (double)(i + j) + sweeps)
			return rig_team_fail(team, -EBADMSG,
					     "stencil: in(%zu, %zu) is %.17g, "
					     "expected %.17g",
					     i, j, in[at],
					     (double)(i + j) + sweeps);
	}
	return 0;
}

static const struct rig_array_spec arrays[] = {
	{ .name = "in",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count_in },
	{ .name = "out",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ 0 },
};

const struct rig_kernel kernel_stencil = {
	.version = RIG_KERNEL_VERSION,
	.name = "stencil",
	.summary = "a star or box of weights moved over a grid",
	.verified = "PRK's closed form 2 (iterations + 1) to 1e-8, each point",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct stencil_args),
	.bytes_moved = bytes_moved,
	.flops = flops,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.hosts = 1,
	.verify = verify,
};
