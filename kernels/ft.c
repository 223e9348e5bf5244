/* SPDX-License-Identifier: MIT */
/*
 * ft.c - NPB's FT: the heat equation in a periodic box, by Fourier transforms.
 *
 * The transform of random numbers is made once; iteration t multiplies mode k
 * by exp(-4 pi^2 alpha t |k|^2), transforms back, and adds up 1024 of the
 * points.  The multiplier is a product of three numbers, one a direction.
 *
 * Planes of equal z are transformed in x and y by the ranks that own the
 * planes, and columns along z by strips of columns.  Each rank reads in place
 * the values that other ranks wrote: an exchange of everything between all
 * machines is only a barrier here.  Eight lines at a time are transformed
 * together, side by side, in the rank's own memory that stays in its cache.  A
 * line's transform does not depend on the neighbouring lines, nor any bit of
 * the answer on the team.
 *
 * Transforms are Stockham's, which need no reordering: radix 4, and a step of
 * radix 2 where the length is no power of 4.
 */
#include <complex.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/ft_sums.h>
#include <kernels/lib/npb.h>
#include <kernels/lib/strips.h>

#define SEED    UINT64_C(314159265)
#define ALPHA   1e-6
#define EPSILON 1e-12
#define TERMS   1024 /* points of a checksum */

/* Lines transformed together: 128 bytes of a row. */
#define LANES 8

enum { MODES, FIELD, SUMS };

static const struct {
	size_t nx, ny, nz;
	int iterations;
} classes[] = {
	{ 64, 64, 64, 6 },        { 128, 128, 32, 6 },
	{ 256, 256, 128, 6 },     { 512, 256, 256, 20 },
	{ 512, 512, 512, 20 },    { 2048, 1024, 1024, 25 },
	{ 4096, 2048, 2048, 25 }, { 8192, 4096, 4096, 25 },
};

struct ft_args {
	struct rig_kernel_args header;
	uint32_t class;
};

static const struct rig_param params[] = {
	{ .name = "class",
	  .help = NPB_CLASS_HELP,
	  .kind = RIG_PARAM_CHOICE,
	  .offset = offsetof(struct ft_args, class),
	  .fallback = "S",
	  .choices = "S W A B C D E F" },
	{ 0 },
};

static uint64_t count_points(const void *given)
{
	const struct ft_args *args = given;

	return classes[args->class].nx * classes[args->class].ny *
	       classes[args->class].nz;
}

/* The terms of the last checksum, then all checksums. */
static uint64_t count_sums(const void *given)
{
	const struct ft_args *args = given;

	return TERMS + (uint64_t)classes[args->class].iterations;
}

/* NPB's own count. */
static double flops(const void *given)
{
	const struct ft_args *args = given;
	double n = (double)count_points(args);

	return n *
	       (14.8157 + 7.19641 * log(n) +
		(5.23518 + 7.21113 * log(n)) * classes[args->class].iterations);
}

static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct ft_args *args = given;
	size_t nz = classes[args->class].nz;

	if (index == SUMS)
		return share_rows(1, bytes, rank, size, spans);
	return share_rows(nz, bytes / nz, rank, size, spans);
}

static size_t longest(const struct ft_args *args)
{
	size_t n = classes[args->class].nx;

	return n > classes[args->class].nz ? n : classes[args->class].nz;
}

/* Lines of LANES numbers; real parts and imaginary parts lie apart. */
struct lines {
	double *re, *im;
};

/* In this process: a rank's view. */
struct ft {
	struct rig_team *team;
	size_t nx, ny, nz, n_max;
	double complex *modes, *field, *terms, *sums;
	/* Private: two sets of lines, cosines and sines of 2 pi k / n_max, and
	 * an iteration's multipliers. */
	double *memory;
	struct lines lines, other;
	double *roots;
	double *decay[3];
	struct rig_span planes, columns; /* own; columns by LANES */
};

#define MEMORY(n) (4 * LANES * (n) + 2 * (n) + 3 * (n))

static size_t private_bytes(const void *given, int size)
{
	(void)size;
	return MEMORY(longest(given)) * sizeof(double);
}

static int view(struct ft *ft, struct rig_team *team)
{
	const struct ft_args *args = rig_team_args(team);
	size_t n = longest(args);
	double *at;

	*ft = (struct ft){
		.team = team,
		.nx = classes[args->class].nx,
		.ny = classes[args->class].ny,
		.nz = classes[args->class].nz,
		.n_max = n,
		.modes = rig_team_data(team, MODES),
		.field = rig_team_data(team, FIELD),
		.terms = rig_team_data(team, SUMS),
		.planes = rig_team_strip(team, classes[args->class].nz),
	};
	ft->sums = ft->terms + TERMS;
	ft->columns = rig_team_strip(team, ft->nx * ft->ny / LANES);
	at = ft->memory = aligned_alloc(64, MEMORY(n) * sizeof(double));
	if (!at)
		return rig_team_fail(team, -ENOMEM, "ft: no memory for lines");
	ft->lines = (struct lines){ at, at + LANES * n };
	ft->other = (struct lines){ at + 2 * LANES * n, at + 3 * LANES * n };
	ft->roots = at + 4 * LANES * n;
	for (int d = 0; d < 3; d++)
		ft->decay[d] = ft->roots + 2 * n + (size_t)d * n;
	for (size_t k = 0; k < n; k++) {
		ft->roots[2 * k] = cos(2 * M_PI * (double)k / (double)n);
		ft->roots[2 * k + 1] = -sin(2 * M_PI * (double)k / (double)n);
	}
	return 0;
}

/* A step of radix 4 of transforms of `n` numbers, `stride` of them side by side
 * (lanes included); `root` is 2 pi / n in entries of the table. */
CLONES static void step4(struct lines to, struct lines from, size_t n,
			 size_t stride, const double *roots, size_t root)
{
	size_t m = n / 4;

	for (size_t p = 0; p < m; p++) {
		const double *w1 = roots + 2 * p * root;
		const double *w2 = roots + 4 * p * root;
		const double *w3 = roots + 6 * p * root;
		const double *ar = from.re + stride * p;
		const double *ai = from.im + stride * p;
		double *restrict yr = to.re + 4 * stride * p;
		double *restrict yi = to.im + 4 * stride * p;
		size_t far = stride * m;

		for (size_t q = 0; q < stride; q++) {
			double sr = ar[q] + ar[q + 2 * far];
			double si = ai[q] + ai[q + 2 * far];
			double dr = ar[q] - ar[q + 2 * far];
			double di = ai[q] - ai[q + 2 * far];
			double tr = ar[q + far] + ar[q + 3 * far];
			double ti = ai[q + far] + ai[q + 3 * far];
			/* i times the difference */
			double er = ai[q + 3 * far] - ai[q + far];
			double ei = ar[q + far] - ar[q + 3 * far];
			double r1 = dr - er, i1 = di - ei;
			double r2 = sr - tr, i2 = si - ti;
			double r3 = dr + er, i3 = di + ei;

			yr[q] = sr + tr;
			yi[q] = si + ti;
			yr[q + stride] = r1 * w1[0] - i1 * w1[1];
			yi[q + stride] = r1 * w1[1] + i1 * w1[0];
			yr[q + 2 * stride] = r2 * w2[0] - i2 * w2[1];
			yi[q + 2 * stride] = r2 * w2[1] + i2 * w2[0];
			yr[q + 3 * stride] = r3 * w3[0] - i3 * w3[1];
			yi[q + 3 * stride] = r3 * w3[1] + i3 * w3[0];
		}
	}
}

/* The last step, of transforms of two numbers. */
CLONES static void step2(struct lines to, struct lines from, size_t stride)
{
	double *restrict yr = to.re, *restrict yi = to.im;

	for (size_t q = 0; q < stride; q++) {
		double r = from.re[q + stride], i = from.im[q + stride];

		yr[q] = from.re[q] + r;
		yi[q] = from.im[q] + i;
		yr[q + stride] = from.re[q] - r;
		yi[q + stride] = from.im[q] - i;
	}
}

/* Transform ft->lines, of `n` numbers each, back where `back` is set.  The
 * function exchanges ft->lines and ft->other. */
static void transform(struct ft *ft, size_t n, bool back)
{
	struct lines from = ft->lines, to = ft->other;
	size_t stride = LANES;
	size_t left = n;

	/* Back is forth, with real and imaginary parts exchanged. */
	if (back) {
		from = (struct lines){ from.im, from.re };
		to = (struct lines){ to.im, to.re };
	}
	while (left > 1) {
		struct lines was = from;

		if (left >= 4)
			step4(to, from, left, stride, ft->roots,
			      ft->n_max / left);
		else
			step2(to, from, stride);
		stride *= left >= 4 ? 4 : 2;
		left /= left >= 4 ? 4 : 2;
		from = to;
		to = was;
	}
	if (back) {
		from = (struct lines){ from.im, from.re };
		to = (struct lines){ to.im, to.re };
	}
	ft->lines = from;
	ft->other = to;
}

/* LANES neighbours from each of `n` rows, `step` apart, and back. */
CLONES static void load_columns(struct lines to, const double complex *from,
				size_t n, size_t step)
{
	for (size_t i = 0; i < n; i++) {
		const double *at = (const double *)(from + i * step);

		for (size_t l = 0; l < LANES; l++) {
			to.re[i * LANES + l] = at[2 * l];
			to.im[i * LANES + l] = at[2 * l + 1];
		}
	}
}

CLONES static void store_columns(double complex *to, struct lines from,
				 size_t n, size_t step)
{
	for (size_t i = 0; i < n; i++) {
		double *at = (double *)(to + i * step);

		for (size_t l = 0; l < LANES; l++) {
			at[2 * l] = from.re[i * LANES + l];
			at[2 * l + 1] = from.im[i * LANES + l];
		}
	}
}

/* LANES rows of `n` numbers, and back. */
static void load_rows(struct lines to, const double complex *from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t l = 0; l < LANES; l++) {
			to.re[i * LANES + l] = creal(from[l * n + i]);
			to.im[i * LANES + l] = cimag(from[l * n + i]);
		}
	}
}

static void store_rows(double complex *to, struct lines from, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t l = 0; l < LANES; l++) {
			double *at = (double *)(to + l * n + i);

			at[0] = from.re[i * LANES + l];
			at[1] = from.im[i * LANES + l];
		}
	}
}

/* A plane of the field, in x and y. */
static void transform_plane(struct ft *ft, size_t z, bool back)
{
	double complex *plane = ft->field + z * ft->ny * ft->nx;

	for (size_t y = 0; y < ft->ny; y += LANES) {
		load_rows(ft->lines, plane + y * ft->nx, ft->nx);
		transform(ft, ft->nx, back);
		store_rows(plane + y * ft->nx, ft->lines, ft->nx);
	}
	for (size_t x = 0; x < ft->nx; x += LANES) {
		load_columns(ft->lines, plane + x, ft->ny, ft->nx);
		transform(ft, ft->ny, back);
		store_columns(plane + x, ft->lines, ft->ny, ft->nx);
	}
}

/* Random numbers for the own planes, and the modes of these planes. */
static void start(struct ft *ft)
{
	size_t points = ft->nx * ft->ny;
	uint64_t state = npb_at(SEED, 2 * points * ft->planes.begin);

	for (size_t z = ft->planes.begin; z < ft->planes.end; z++) {
		double *at = (double *)(ft->field + z * points);

		for (size_t i = 0; i < 2 * points; i++)
			at[i] = NPB_UNIT * (double)(int64_t)npb_next(&state);
		transform_plane(ft, z, false);
	}
	rig_team_barrier(ft->team);
	for (size_t c = ft->columns.begin; c < ft->columns.end; c++) {
		load_columns(ft->lines, ft->field + c * LANES, ft->nz, points);
		transform(ft, ft->nz, false);
		store_columns(ft->modes + c * LANES, ft->lines, ft->nz, points);
	}
}

/* The multiplier of each mode of a direction at time t. */
static void decay(double *left, size_t n, int t)
{
	for (size_t k = 0; k < n; k++) {
		double wave = k < n / 2 ? (double)k : (double)k - (double)n;

		left[k] = exp(-4 * M_PI * M_PI * ALPHA * t * wave * wave);
	}
}

CLONES static void scale(struct lines lines, size_t n, const double *along,
			 const double *across, double by)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t l = 0; l < LANES; l++) {
			double left = along[i] * (across[l] * by);

			lines.re[i * LANES + l] *= left;
			lines.im[i * LANES + l] *= left;
		}
	}
}

/* The field at time t. */
static void iterate(struct ft *ft, int t)
{
	size_t points = ft->nx * ft->ny;

	decay(ft->decay[0], ft->nx, t);
	decay(ft->decay[1], ft->ny, t);
	decay(ft->decay[2], ft->nz, t);
	for (size_t c = ft->columns.begin; c < ft->columns.end; c++) {
		size_t x = c * LANES % ft->nx, y = c * LANES / ft->nx;

		load_columns(ft->lines, ft->modes + c * LANES, ft->nz, points);
		scale(ft->lines, ft->nz, ft->decay[2], ft->decay[0] + x,
		      ft->decay[1][y]);
		transform(ft, ft->nz, true);
		store_columns(ft->field + c * LANES, ft->lines, ft->nz, points);
	}
	rig_team_barrier(ft->team);
	for (size_t z = ft->planes.begin; z < ft->planes.end; z++)
		transform_plane(ft, z, true);
	rig_team_barrier(ft->team);
}

/* The own terms of the checksum, for rank 0 to add up. */
static void sum(struct ft *ft, int t)
{
	struct rig_span own = rig_team_strip(ft->team, TERMS);
	double complex all = 0;

	for (size_t i = own.begin; i < own.end; i++) {
		size_t j = i + 1;
		size_t z = 5 * j % ft->nz, y = 3 * j % ft->ny;

		ft->terms[i] =
			ft->field[(z * ft->ny + y) * ft->nx + j % ft->nx];
	}
	/* Terms are written again two barriers from here. */
	rig_team_barrier(ft->team);
	if (rig_team_rank(ft->team) > 0)
		return;
	for (size_t i = 0; i < TERMS; i++)
		all += ft->terms[i];
	ft->sums[t - 1] = all / (double)(ft->nx * ft->ny * ft->nz);
}

static int run(struct rig_team *team)
{
	const struct ft_args *args = rig_team_args(team);
	size_t iterations = (size_t)classes[args->class].iterations;
	struct ft ft;
	int r = view(&ft, team);

	if (r < 0)
		return r;
	start(&ft);
	for (size_t t = 1; t <= iterations; t++) {
		iterate(&ft, (int)t);
		sum(&ft, (int)t);
		share_done(team, t, iterations);
	}
	free(ft.memory);
	return rig_team_barrier(team);
}

static int verify(struct rig_team *team)
{
	const struct ft_args *args = rig_team_args(team);
	const double complex *sums = rig_team_data(team, SUMS);

	for (int t = 0; t < classes[args->class].iterations; t++) {
		const double *want = ft_sums[args->class][t];
		double complex found = sums[TERMS + t] / 100;
		double off = cabs(found - (want[0] + want[1] * I));

		if (!(off <= EPSILON * hypot(want[0], want[1])))
			return rig_team_fail(
				team, -EBADMSG,
				"ft: unsuccessful: checksum %d is %.10f, %.10f, "
				"expected %.10f, %.10f",
				t + 1, 100 * creal(found), 100 * cimag(found),
				100 * want[0], 100 * want[1]);
	}
	return 0;
}

static void result(const void *given, void *const data[], char *text,
		   size_t bytes)
{
	const double complex *sums = data[SUMS];
	double complex last = sums[count_sums(given) - 1];

	snprintf(text, bytes, "real = %.10f, imaginary = %.10f", creal(last),
		 cimag(last));
}

static const struct rig_array_spec arrays[] = {
	{ .name = "modes",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_COMPLEX128,
	  .count = count_points },
	{ .name = "field",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_COMPLEX128,
	  .count = count_points },
	{ .name = "sums",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_COMPLEX128,
	  .count = count_sums },
	{ 0 },
};

const struct rig_kernel kernel_ft = {
	.version = RIG_KERNEL_VERSION,
	.name = "ft",
	.summary = "heat in a periodic box, by Fourier transforms (NPB FT)",
	.verified =
		"successful: NPB 3.4's checksums to 1e-12 (own implementation)",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct ft_args),
	.flops = flops,
	.owns = owns,
	.private_bytes = private_bytes,
	.run = run,
	.verify = verify,
	.result = result,
};
