/* SPDX-License-Identifier: MIT */
/*
 * vector_math.c - sin, pow and the others over arrays, by glibc's libmvec.
 *
 * libmvec has each function for vectors of SSE, AVX2 and AVX-512, of doubles and of
 * floats, and states an error of at most 4 units in the last place.  The names are
 * those of the x86 vector function ABI: _ZGVdN4v_sin takes four doubles in AVX2.
 * Without libmvec of glibc 2.35 or later the C library computes value after value.
 */
#include <kernels/lib/vector.h>

#include <math.h>
#include <string.h>

/* Our operation, the C library's function. */
#define UNARY(X)                                                               \
	X(EXPRESSION_SIN, sin)                                                 \
	X(EXPRESSION_COS, cos)                                                 \
	X(EXPRESSION_TAN, tan)                                                 \
	X(EXPRESSION_ARCSIN, asin)                                             \
	X(EXPRESSION_ARCCOS, acos)                                             \
	X(EXPRESSION_ARCTAN, atan)                                             \
	X(EXPRESSION_SINH, sinh)                                               \
	X(EXPRESSION_COSH, cosh)                                               \
	X(EXPRESSION_TANH, tanh)                                               \
	X(EXPRESSION_ARCSINH, asinh)                                           \
	X(EXPRESSION_ARCCOSH, acosh)                                           \
	X(EXPRESSION_ARCTANH, atanh)                                           \
	X(EXPRESSION_EXP, exp)                                                 \
	X(EXPRESSION_EXP2, exp2)                                               \
	X(EXPRESSION_EXPM1, expm1)                                             \
	X(EXPRESSION_LOG, log)                                                 \
	X(EXPRESSION_LOG2, log2)                                               \
	X(EXPRESSION_LOG10, log10)                                             \
	X(EXPRESSION_LOG1P, log1p)                                             \
	X(EXPRESSION_CBRT, cbrt)
#define BINARY(X)                                                              \
	X(EXPRESSION_HYPOT, hypot)                                             \
	X(EXPRESSION_ARCTAN2, atan2)                                           \
	X(EXPRESSION_POWER, pow)

double vector_scalar(enum expression_op op, double a, double b)
{
	switch (op) {
#define ONE(op, function)                                                      \
	case op:                                                               \
		return function(a);
		UNARY(ONE)
#undef ONE
#define TWO(op, function)                                                      \
	case op:                                                               \
		return function(a, b);
		BINARY(TWO)
#undef TWO
	default:
		return NAN;
	}
}

float vector_single(enum expression_op op, float a, float b)
{
	switch (op) {
#define ONE(op, function)                                                      \
	case op:                                                               \
		return function##f(a);
		UNARY(ONE)
#undef ONE
#define TWO(op, function)                                                      \
	case op:                                                               \
		return function##f(a, b);
		BINARY(TWO)
#undef TWO
	default:
		return NAN;
	}
}

#if defined(HAVE_LIBMVEC)

/* A function of any type; callers use the type that the name says. */
typedef void any_fn(void);

#define DECLARE_ONE(op, name)                                                  \
	any_fn _ZGVbN2v_##name, _ZGVdN4v_##name, _ZGVeN8v_##name,              \
		_ZGVbN4v_##name##f, _ZGVdN8v_##name##f, _ZGVeN16v_##name##f;
#define DECLARE_TWO(op, name)                                                  \
	any_fn _ZGVbN2vv_##name, _ZGVdN4vv_##name, _ZGVeN8vv_##name,           \
		_ZGVbN4vv_##name##f, _ZGVdN8vv_##name##f,                      \
		_ZGVeN16vv_##name##f;
UNARY(DECLARE_ONE)
BINARY(DECLARE_TWO)

/* By width of the vectors: 16, 32 and 64 bytes. */
enum { SSE, AVX2, AVX512, WIDTHS };

struct functions {
	any_fn *doubles[WIDTHS], *floats[WIDTHS];
};

static const struct functions table[EXPRESSION_OPS] = {
#define ROW_ONE(op, name)                                                      \
	[op] = { { _ZGVbN2v_##name, _ZGVdN4v_##name, _ZGVeN8v_##name },        \
		 { _ZGVbN4v_##name##f, _ZGVdN8v_##name##f,                     \
		   _ZGVeN16v_##name##f } },
#define ROW_TWO(op, name)                                                      \
	[op] = { { _ZGVbN2vv_##name, _ZGVdN4vv_##name, _ZGVeN8vv_##name },     \
		 { _ZGVbN4vv_##name##f, _ZGVdN8vv_##name##f,                   \
		   _ZGVeN16vv_##name##f } },
	UNARY(ROW_ONE) BINARY(ROW_TWO)
};

typedef double doubles16 __attribute__((vector_size(16)));
typedef double doubles32 __attribute__((vector_size(32)));
typedef double doubles64 __attribute__((vector_size(64)));
typedef float floats16 __attribute__((vector_size(16)));
typedef float floats32 __attribute__((vector_size(32)));
typedef float floats64 __attribute__((vector_size(64)));

/* A vector from memory, and a vector to memory; `bytes` is the vector's size,
 * or less. */
#define CALL_ONE(vector)                                                       \
	{                                                                      \
		vector x;                                                      \
		memcpy(&x, a, sizeof(x));                                      \
		x = ((vector(*)(vector))(void (*)(void))fn)(x);                \
		memcpy(to, &x, sizeof(x));                                     \
	}
#define CALL_TWO(vector)                                                       \
	{                                                                      \
		vector x, y;                                                   \
		memcpy(&x, a, sizeof(x));                                      \
		memcpy(&y, b, sizeof(y));                                      \
		x = ((vector(*)(vector, vector))(void (*)(void))fn)(x, y);     \
		memcpy(to, &x, sizeof(x));                                     \
	}

/* All of `bytes`, a multiple of the vector's size. */
#define LOOP(vector)                                                           \
	for (; bytes; bytes -= sizeof(vector), to += sizeof(vector),           \
		      a += sizeof(vector)) {                                   \
		if (!b)                                                        \
			CALL_ONE(vector)                                       \
		else                                                           \
			CALL_TWO(vector)                                       \
		b = b ? b + sizeof(vector) : b;                                \
	}

typedef void loop_fn(any_fn *fn, size_t bytes, char *to, const char *a,
		     const char *b);

static void doubles_sse(any_fn *fn, size_t bytes, char *to, const char *a,
			const char *b)
{
	LOOP(doubles16)
}

static void floats_sse(any_fn *fn, size_t bytes, char *to, const char *a,
		       const char *b)
{
	LOOP(floats16)
}

__attribute__((target("avx2"))) static void doubles_avx2(any_fn *fn,
							 size_t bytes, char *to,
							 const char *a,
							 const char *b)
{
	LOOP(doubles32)
}

__attribute__((target("avx2"))) static void floats_avx2(any_fn *fn,
							size_t bytes, char *to,
							const char *a,
							const char *b)
{
	LOOP(floats32)
}

__attribute__((target("avx512f"))) static void doubles_avx512(
	any_fn *fn, size_t bytes, char *to, const char *a, const char *b)
{
	LOOP(doubles64)
}

__attribute__((target("avx512f"))) static void floats_avx512(
	any_fn *fn, size_t bytes, char *to, const char *a, const char *b)
{
	LOOP(floats64)
}

static loop_fn *const loops[2][WIDTHS] = {
	{ doubles_sse, doubles_avx2, doubles_avx512 },
	{ floats_sse, floats_avx2, floats_avx512 },
};

/* libmvec's AVX-512 functions also need AVX512DQ, the AVX2 functions FMA. */
static int widest(void)
{
	if (__builtin_cpu_supports("avx512f") &&
	    __builtin_cpu_supports("avx512dq"))
		return AVX512;
	return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")
		       ? AVX2
		       : SSE;
}

/* The items behind the last full vector: a vector filled up with copies of the
 * last item. */
static void run_rest(loop_fn *loop, any_fn *fn, size_t item, size_t rest,
		     size_t vector, char *const at[3])
{
	char block[3][64];

	for (int k = 1; k < 3; k++)
		for (size_t i = 0; i < vector && at[k]; i += item)
			memcpy(block[k] + i,
			       at[k] + (i < rest ? i : rest - item), item);
	loop(fn, vector, block[0], block[1], at[2] ? block[2] : NULL);
	memcpy(at[0], block[0], rest);
}

static void run(enum expression_op op, bool single, size_t bytes, char *to,
		const char *a, const char *b)
{
	int width = widest();
	size_t vector = (size_t)16 << width, rest = bytes % vector;
	size_t full = bytes - rest;
	any_fn *fn =
		single ? table[op].floats[width] : table[op].doubles[width];
	loop_fn *loop = loops[single][width];

	if (!fn)
		return;
	loop(fn, full, to, a, b);
	if (rest)
		run_rest(loop, fn, single ? sizeof(float) : sizeof(double),
			 rest, vector,
			 (char *const[]){
				 to + full, (char *)(uintptr_t)(a + full),
				 b ? (char *)(uintptr_t)(b + full) : NULL });
}

void vector_doubles(enum expression_op op, size_t count, double *to,
		    const double *a, const double *b)
{
	run(op, false, count * sizeof(double), (char *)to, (const char *)a,
	    expression_arity(op) == 2 ? (const char *)b : NULL);
}

void vector_floats(enum expression_op op, size_t count, float *to,
		   const float *a, const float *b)
{
	run(op, true, count * sizeof(float), (char *)to, (const char *)a,
	    expression_arity(op) == 2 ? (const char *)b : NULL);
}

#else

void vector_doubles(enum expression_op op, size_t count, double *to,
		    const double *a, const double *b)
{
	bool two = expression_arity(op) == 2;

	for (size_t i = 0; i < count; i++)
		to[i] = vector_scalar(op, a[i], two ? b[i] : 0);
}

void vector_floats(enum expression_op op, size_t count, float *to,
		   const float *a, const float *b)
{
	bool two = expression_arity(op) == 2;

	for (size_t i = 0; i < count; i++)
		to[i] = vector_single(op, a[i], two ? b[i] : 0);
}

#endif
