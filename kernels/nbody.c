/* SPDX-License-Identifier: MIT */
/*
 * nbody.c - bodies, each of which attracts all other bodies.
 *
 * Five bodies are the Sun and the giant planets of the Benchmarks Game, whose
 * energy after so many steps of 0.01 years is published; more bodies are a
 * cloud at rest.  Each rank owns a strip of the bodies and reads the places of
 * all bodies; a step changes speeds, then places, with a barrier after each.  A
 * body's sum goes over the other bodies in a fixed order: the same bits for any
 * number of workers.
 *
 * Verify makes all steps again, by a separate loop, and compares bits.  The
 * proof takes as long as the run, but nothing less would be a proof: bodies in
 * a cloud soon forget their origin, and the conserved quantities tell neither
 * the number of steps nor, for a cloud at rest, whether there was any step.
 */
#include <errno.h>
#include <math.h>
#include <string.h>

#include <runrig/kernel.h>

#include <kernels/builtin.h>
#include <kernels/lib/clones.h>
#include <kernels/lib/strips.h>

#define BODIES_MAX 16777216.0
#define PLANETS    5
#define DAYS       365.24
#define SUN        (4 * M_PI * M_PI)
#define DT         0.01
#define EPSILON    2e-9

/* Keeps bodies of the cloud from being thrown out; planets never meet. */
#define SOFT 1e-4

/* Bodies that verify handles together. */
#define LANES 4

/* Arrays: the bodies, and the bodies that verify moves. */
enum { STATE, AGAIN };

/* Each is seven arrays of as many elements as there are bodies. */
enum { PX, PY, PZ, MASS, VX, VY, VZ, FIELDS };

static const char *const fields[FIELDS] = { "x",  "y",  "z", "mass",
					    "vx", "vy", "vz" };

static const double planets[PLANETS][FIELDS] = {
	{ 0, 0, 0, 1, 0, 0, 0 },
	{ 4.84143144246472090e+00, -1.16032004402742839e+00,
	  -1.03622044471123109e-01, 9.54791938424326609e-04,
	  1.66007664274403694e-03, 7.69901118419740425e-03,
	  -6.90460016972063023e-05 },
	{ 8.34336671824457987e+00, 4.12479856412430479e+00,
	  -4.03523417114321381e-01, 2.85885980666130812e-04,
	  -2.76742510726411899e-03, 4.99852801234917238e-03,
	  2.30417297573763929e-05 },
	{ 1.28943695621391310e+01, -1.51111514016986312e+01,
	  -2.23307578892655734e-01, 4.36624404335156298e-05,
	  2.96460137564761618e-03, 2.37847173959480950e-03,
	  -2.96589568540237556e-05 },
	{ 1.53796971148509165e+01, -2.59193146099879641e+01,
	  1.79258772950371181e-01, 5.15138902046611451e-05,
	  2.68067772490389322e-03, 1.62824170038242295e-03,
	  -9.51592254519715870e-05 },
};

static const struct {
	size_t steps;
	double energy;
} published[] = {
	{ 0, -0.169075164 },
	{ 1000, -0.169087605 },
	{ 5000000, -0.169083134 },
	{ 50000000, -0.169059907 },
};

struct nbody_args {
	struct rig_kernel_args header;
	size_t bodies;
	size_t steps;
};

static const struct rig_param params[] = {
	{ .name = "bodies",
	  .help = "how many; 5 are the Sun and the giant planets",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct nbody_args, bodies),
	  .fallback = "4096",
	  .max = BODIES_MAX },
	{ .name = "steps",
	  .help = "of 0.01",
	  .kind = RIG_PARAM_SIZE,
	  .offset = offsetof(struct nbody_args, steps),
	  .fallback = "10",
	  .max = 1e12 },
	{ 0 },
};

static uint64_t count(const void *given)
{
	const struct nbody_args *args = given;

	return args->bodies * FIELDS;
}

static double flops(const void *given)
{
	const struct nbody_args *args = given;
	double bodies = (double)args->bodies;

	return (double)args->steps * 20 * bodies * bodies;
}

/* A strip of the bodies, for each field; for `again` the next rank's strip. */
static int owns(const void *given, int index, size_t bytes, int rank, int size,
		struct rig_span *spans)
{
	const struct nbody_args *args = given;
	size_t field = args->bodies * sizeof(double);
	int count = 0;

	(void)bytes;
	if (index == AGAIN)
		rank = (rank + 1) % size;
	for (size_t f = 0; f < FIELDS; f++) {
		struct rig_span *span = &spans[count];

		count += share_rows(args->bodies, sizeof(double), rank, size,
				    span);
		span->begin += f * field;
		span->end += f * field;
	}
	return count;
}

/* Uniform in -1 to 1. */
static double place_at(uint64_t at)
{
	return (double)(int64_t)share_scatter(at) * 0x1p-63;
}

/* The first value of field `f` of body `i`; the Sun's speed makes up for the
 * planets'. */
static double initial(size_t bodies, size_t i, int f)
{
	double offset = 0;

	if (bodies != PLANETS)
		return f == MASS  ? 1 / (double)bodies
		       : f < MASS ? place_at(i * MASS + (uint64_t)f)
				  : 0;
	if (f < MASS)
		return planets[i][f];
	if (f == MASS)
		return planets[i][f] * SUN;
	if (i > 0)
		return planets[i][f] * DAYS;
	for (size_t p = 1; p < PLANETS; p++)
		offset -= planets[p][f] * DAYS * planets[p][MASS];
	return offset;
}

static void begin(double *state, size_t n, struct rig_span own)
{
	for (int f = 0; f < FIELDS; f++)
		for (size_t i = own.begin; i < own.end; i++)
			state[(size_t)f * n + i] = initial(n, i, f);
}

static int prepare(struct rig_team *team)
{
	const struct nbody_args *args = rig_team_args(team);

	begin(rig_team_data(team, STATE), args->bodies,
	      rig_team_strip(team, args->bodies));
	return rig_team_barrier(team);
}

/* The speed of body i after a step: four lanes of the others. */
CLONES static void attract(double *state, size_t n, size_t i, double soft)
{
	const double *px = state, *py = state + n, *pz = state + 2 * n;
	const double *mass = state + 3 * n;
	double sum[3][4] = { { 0 } };

	for (size_t j = 0; j < n; j += 4) {
		for (size_t l = 0; l < 4 && j + l < n; l++) {
			double dx = px[j + l] - px[i];
			double dy = py[j + l] - py[i];
			double dz = pz[j + l] - pz[i];
			double square = dx * dx + dy * dy + dz * dz + soft;
			double pull =
				j + l == i
					? 0
					: mass[j + l] / (square * sqrt(square));

			sum[0][l] += dx * pull;
			sum[1][l] += dy * pull;
			sum[2][l] += dz * pull;
		}
	}
	for (size_t a = 0; a < 3; a++)
		state[(VX + a) * n + i] += DT * ((sum[a][0] + sum[a][1]) +
						 (sum[a][2] + sum[a][3]));
}

/* Bodies after which a rank reports its progress. */
#define ROUND 64

static int run(struct rig_team *team)
{
	const struct nbody_args *args = rig_team_args(team);
	struct rig_span own = rig_team_strip(team, args->bodies);
	double *state = rig_team_data(team, STATE);
	size_t n = args->bodies;
	double soft = n == PLANETS ? 0 : SOFT;

	for (size_t step = 0; step < args->steps; step++) {
		for (size_t i = own.begin; i < own.end; i++) {
			attract(state, n, i, soft);
			if ((i - own.begin) % ROUND == 0)
				share_done(team,
					   step * (own.end - own.begin) + i -
						   own.begin,
					   args->steps * (own.end - own.begin));
		}
		/* Everybody has read the places before anybody moves. */
		rig_team_barrier(team);
		for (size_t a = 0; a < 3; a++)
			for (size_t i = own.begin; i < own.end; i++)
				state[a * n + i] +=
					DT * state[(VX + a) * n + i];
		rig_team_barrier(team);
	}
	return 0;
}

/*
 * Verify's own step: the speeds of `count` bodies from the first on, a lane
 * each.  The sums have the order of attract(): their bits must be the same.
 */
CLONES static void attract_again(double *state, size_t n, size_t first,
				 size_t count, double soft)
{
	double sums[4][3][LANES] = { { { 0 } } }, at[3][LANES];

	for (size_t a = 0; a < 3; a++)
		for (size_t l = 0; l < LANES; l++)
			at[a][l] = state[a * n + first + (l < count ? l : 0)];
	for (size_t j = 0; j < n; j++) {
		for (size_t l = 0; l < LANES; l++) {
			double x = state[PX * n + j] - at[PX][l];
			double y = state[PY * n + j] - at[PY][l];
			double z = state[PZ * n + j] - at[PZ][l];
			double rr = x * x + y * y + z * z + soft;
			double pull = state[MASS * n + j] / (rr * sqrt(rr));

			pull = j == first + l ? 0 : pull;
			sums[j % 4][PX][l] += x * pull;
			sums[j % 4][PY][l] += y * pull;
			sums[j % 4][PZ][l] += z * pull;
		}
	}
	for (size_t a = 0; a < 3; a++)
		for (size_t l = 0; l < count; l++)
			state[(VX + a) * n + first + l] +=
				DT * ((sums[0][a][l] + sums[1][a][l]) +
				      (sums[2][a][l] + sums[3][a][l]));
}

/* All steps again, from the beginning, into `state`; each rank repeats the next
 * rank's work. */
static void run_again(struct rig_team *team, double *state)
{
	const struct nbody_args *args = rig_team_args(team);
	size_t n = args->bodies;
	struct rig_span own = share_next(team, n);

	begin(state, n, own);
	rig_team_barrier(team);
	for (size_t left = args->steps; left > 0; left--) {
		for (size_t i = own.begin; i < own.end; i += LANES)
			attract_again(state, n, i,
				      own.end - i < LANES ? own.end - i : LANES,
				      n == PLANETS ? 0 : SOFT);
		rig_team_barrier(team);
		for (size_t a = 0; a < 3; a++)
			for (size_t i = own.begin; i < own.end; i++)
				state[a * n + i] +=
					state[(VX + a) * n + i] * DT;
		rig_team_barrier(team);
	}
}

static double energy(const double *state)
{
	double total = 0;

	for (size_t i = 0; i < PLANETS; i++) {
		double vv = 0;

		for (size_t a = VX; a <= VZ; a++)
			vv += state[a * PLANETS + i] * state[a * PLANETS + i];
		total += 0.5 * state[MASS * PLANETS + i] * vv;
		for (size_t j = i + 1; j < PLANETS; j++) {
			double square = 0;

			for (size_t a = PX; a <= PZ; a++) {
				double d = state[a * PLANETS + i] -
					   state[a * PLANETS + j];

				square += d * d;
			}
			total -= state[MASS * PLANETS + i] *
				 state[MASS * PLANETS + j] / sqrt(square);
		}
	}
	return total;
}

/* Momentum was zero, and pulls cancel in pairs. */
static int verify_momentum(struct rig_team *team, size_t n, const double *state)
{
	for (size_t a = VX; a <= VZ; a++) {
		double sum = 0, size = 0;

		for (size_t i = 0; i < n; i++) {
			double p = state[MASS * n + i] * state[a * n + i];

			sum += p;
			size += fabs(p);
		}
		if (!(fabs(sum) <= 1e-9 * size + 1e-12))
			return rig_team_fail(team, -EBADMSG,
					     "nbody: momentum %g of %g, "
					     "expected none",
					     sum, size);
	}
	return 0;
}

static int verify_energy(struct rig_team *team, size_t steps,
			 const double *state)
{
	double found = energy(state);

	for (size_t k = 0; k < sizeof(published) / sizeof(*published); k++)
		if (steps == published[k].steps &&
		    !(fabs(found - published[k].energy) <= EPSILON))
			return rig_team_fail(team, -EBADMSG,
					     "nbody: the energy is %.9f, "
					     "expected %.9f",
					     found, published[k].energy);
	return 0;
}

static int verify(struct rig_team *team)
{
	const struct nbody_args *args = rig_team_args(team);
	struct rig_span own = share_next(team, args->bodies);
	const double *state = rig_team_data(team, STATE);
	double *again = rig_team_data(team, AGAIN);
	size_t n = args->bodies;

	run_again(team, again);
	for (size_t f = 0; f < FIELDS; f++)
		for (size_t at = f * n + own.begin; at < f * n + own.end; at++)
			if (memcmp(&state[at], &again[at], sizeof(*state)) != 0)
				return rig_team_fail(
					team, -EBADMSG,
					"nbody: body %zu has %s %.17g, "
					"expected %.17g",
					at - f * n, fields[f], state[at],
					again[at]);
	if (n == PLANETS && verify_energy(team, args->steps, state) < 0)
		return -EBADMSG;
	return verify_momentum(team, n, state);
}

static const struct rig_array_spec arrays[] = {
	{ .name = "state",
	  .role = RIG_OUTPUT,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ .name = "again",
	  .role = RIG_SCRATCH,
	  .dtype = RIG_FLOAT64,
	  .count = count },
	{ 0 },
};

const struct rig_kernel kernel_nbody = {
	.version = RIG_KERNEL_VERSION,
	.name = "nbody",
	.summary = "bodies of which each attracts all the others",
	.verified =
		"all steps made again, each body's by another rank; momentum; "
		"with 5 bodies the Benchmarks Game's energy after 0, 1000, "
		"5M and 50M steps",
	.params = params,
	.arrays = arrays,
	.args_bytes = sizeof(struct nbody_args),
	.flops = flops,
	.owns = owns,
	.prepare = prepare,
	.run = run,
	.verify = verify,
};
