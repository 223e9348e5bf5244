/* SPDX-License-Identifier: MIT */
/*
 * elements.c - elements of every type, and operations on the elements, singly.
 *
 * A floating-point number is folded as a long double, an integer as a 64-bit
 * number, whatever its type, and then put back.
 */
#include "lib/elements.h"

#include <complex.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/sum.h>

/* The type numbers to look at, for types with a number. */
#define NUMBERS 1024

_Static_assert(
	RIG_OPS == RIG_MAXLOC + 1,
	"a new operation: say in elements_has() which types have it, and "
	"in the functions fold_... what comes of it");

enum kind {
	KIND_UNKNOWN,
	KIND_BOOL,
	KIND_INTEGER,
	KIND_REAL,
	KIND_COMPLEX,
	KIND_PLACED,
	KIND_SUM,
	KIND_OPAQUE
};

/* A new type is a row here, and a case in each get_... and put_... of the
 * type's kind. */
static enum kind kind_of(int type)
{
	static const unsigned char kinds[NUMBERS] = {
		[RIG_BOOL] = KIND_BOOL,
		[RIG_INT8] = KIND_INTEGER,
		[RIG_INT16] = KIND_INTEGER,
		[RIG_INT32] = KIND_INTEGER,
		[RIG_INT64] = KIND_INTEGER,
		[RIG_UINT8] = KIND_INTEGER,
		[RIG_UINT16] = KIND_INTEGER,
		[RIG_UINT32] = KIND_INTEGER,
		[RIG_UINT64] = KIND_INTEGER,
		[RIG_FLOAT16] = KIND_REAL,
		[RIG_BFLOAT16] = KIND_REAL,
		[RIG_FLOAT32] = KIND_REAL,
		[RIG_FLOAT64] = KIND_REAL,
		[RIG_FLOAT128] = KIND_REAL,
		[RIG_COMPLEX64] = KIND_COMPLEX,
		[RIG_COMPLEX128] = KIND_COMPLEX,
		[RIG_COMPLEX256] = KIND_COMPLEX,
		[RIG_INT32_AT] = KIND_PLACED,
		[RIG_INT64_AT] = KIND_PLACED,
		[RIG_FLOAT32_AT] = KIND_PLACED,
		[RIG_FLOAT64_AT] = KIND_PLACED,
		[RIG_INT16_AT32] = KIND_PLACED,
		[RIG_INT64_AT32] = KIND_PLACED,
		[RIG_FLOAT64_AT32] = KIND_PLACED,
		[RIG_FLOAT128_AT32] = KIND_PLACED,
		[RIG_EXACT] = KIND_SUM,
	};

	if (type >= 0 && type < NUMBERS)
		return (enum kind)kinds[type];
	return rig_type_bytes(type) ? KIND_OPAQUE : KIND_UNKNOWN;
}

bool elements_known(int type)
{
	return kind_of(type) != KIND_UNKNOWN;
}

int elements_types(int types[ELEMENT_TYPES_MAX])
{
	static const size_t opaque[] = { 1, 3, 24 };
	int count = 0;

	for (int type = 0; type < NUMBERS; type++)
		if (rig_type_bytes(type))
			types[count++] = type;
	for (size_t i = 0; i < sizeof(opaque) / sizeof(*opaque); i++)
		types[count++] = rig_type_opaque(opaque[i]);
	return count;
}

/* --- operations --- */

static void take_first(const void *in, void *inout, size_t count, int type)
{
	memcpy(inout, in, count * rig_type_bytes(type));
}

static void take_last(const void *in, void *inout, size_t count, int type)
{
	(void)in;
	(void)inout;
	(void)count;
	(void)type;
}

int elements_first_op(void)
{
	return rig_op_create(take_first);
}

int elements_last_op(void)
{
	return rig_op_create(take_last);
}

static bool is_halves(int type)
{
	return type == RIG_FLOAT16 || type == RIG_BFLOAT16;
}

bool elements_has(int op, int type)
{
	const enum kind kind = kind_of(type);
	const int plain = op & ~RIG_REPRODUCIBLE;

	if (op == elements_first_op() || op == elements_last_op())
		return kind != KIND_UNKNOWN;
	if (plain < 0 || plain >= RIG_OPS)
		return false;
	if (op != plain && kind != KIND_BOOL && kind != KIND_INTEGER)
		return plain == RIG_SUM && !is_halves(type) &&
		       type != RIG_FLOAT128 && type != RIG_COMPLEX256 &&
		       (kind == KIND_REAL || kind == KIND_COMPLEX);
	switch (kind) {
	case KIND_BOOL:
		return plain >= RIG_LAND && plain <= RIG_BXOR;
	case KIND_INTEGER:
		return plain <= RIG_BXOR;
	case KIND_REAL:
		return plain <= RIG_MAX;
	case KIND_COMPLEX:
		return plain <= RIG_PROD;
	case KIND_PLACED:
		return plain == RIG_MINLOC || plain == RIG_MAXLOC;
	case KIND_SUM:
		return plain == RIG_SUM;
	case KIND_OPAQUE:
	case KIND_UNKNOWN:
		break;
	}
	return false;
}

/* --- halves --- */

double element_wide(unsigned half, int fraction)
{
	const int field = (int)half >> fraction & ((1 << (15 - fraction)) - 1);
	const int all = (1 << (15 - fraction)) - 1, bias = all / 2;
	const double part = half & ((1U << fraction) - 1);
	double x;

	if (field == all)
		x = part > 0 ? (double)NAN : (double)INFINITY;
	else if (field == 0)
		x = ldexp(part, 1 - bias - fraction);
	else
		x = ldexp(part + (1 << fraction), field - bias - fraction);
	return half & 0x8000 ? -x : x;
}

unsigned element_narrow(double x, int fraction)
{
	const int all = (1 << (15 - fraction)) - 1, bias = all / 2;
	const unsigned sign = signbit(x) ? 0x8000 : 0;
	int e = 0;
	double quanta;

	if (isnan(x))
		return (unsigned)(all << fraction | 1);
	x = fabs(x);
	if (isinf(x))
		return sign | (unsigned)(all << fraction);
	e = x > 0 ? ilogb(x) : -bias;
	if (e < 1 - bias)
		e = 1 - bias;
	/* In units of the last place; 2 << fraction units are the next power of
	 * e. */
	quanta = nearbyint(ldexp(x, fraction - e));
	if (quanta >= (2 << fraction)) {
		quanta /= 2;
		e++;
	}
	if (e > bias)
		return sign | (unsigned)(all << fraction);
	if (quanta >= (1 << fraction))
		quanta += (double)(e + bias - 1) * (1 << fraction);
	return sign | (unsigned)quanta;
}

/* --- elements as numbers --- */

/* An element of any type but an opaque type. */
struct number {
	uint64_t integer;
	long double re; /* or the value, for a type with a place */
	long double im;
	int64_t at;
};

/* Real, complex, with a place. */
#define FLOATS(ROW)                                                            \
	ROW(RIG_FLOAT32, float)                                                \
	ROW(RIG_FLOAT64, double)                                               \
	ROW(RIG_FLOAT128, long double)
#define PAIRS(ROW)                                                             \
	ROW(RIG_COMPLEX64, float)                                              \
	ROW(RIG_COMPLEX128, double)                                            \
	ROW(RIG_COMPLEX256, long double)
#define INTEGERS(ROW)                                                          \
	ROW(RIG_BOOL, uint8_t)                                                 \
	ROW(RIG_INT8, int8_t)                                                  \
	ROW(RIG_INT16, int16_t)                                                \
	ROW(RIG_INT32, int32_t)                                                \
	ROW(RIG_INT64, int64_t)                                                \
	ROW(RIG_UINT8, uint8_t)                                                \
	ROW(RIG_UINT16, uint16_t)                                              \
	ROW(RIG_UINT32, uint32_t)                                              \
	ROW(RIG_UINT64, uint64_t)
#define PLACES(ROW)                                                            \
	ROW(RIG_INT32_AT, struct rig_int32_at)                                 \
	ROW(RIG_INT64_AT, struct rig_int64_at)                                 \
	ROW(RIG_FLOAT32_AT, struct rig_float32_at)                             \
	ROW(RIG_FLOAT64_AT, struct rig_float64_at)                             \
	ROW(RIG_INT16_AT32, struct rig_int16_at32)                             \
	ROW(RIG_INT64_AT32, struct rig_int64_at32)                             \
	ROW(RIG_FLOAT64_AT32, struct rig_float64_at32)                         \
	ROW(RIG_FLOAT128_AT32, struct rig_float128_at32)

static int fraction_of(int type)
{
	return type == RIG_FLOAT16 ? 10 : 7;
}

static struct number get(const void *element, int type)
{
	struct number x = { 0 };

	switch (type) {
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		x.integer = (uint64_t)(*(const C *)element);                   \
		break;
		INTEGERS(ROW)
#undef ROW
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		x.re = *(const C *)element;                                    \
		break;
		FLOATS(ROW)
#undef ROW
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		x.re = ((const C *)element)[0];                                \
		x.im = ((const C *)element)[1];                                \
		break;
		PAIRS(ROW)
#undef ROW
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		x.re = (long double)((const C *)element)->value;               \
		x.at = ((const C *)element)->at;                               \
		break;
		PLACES(ROW)
#undef ROW
	case RIG_FLOAT16:
	case RIG_BFLOAT16:
		x.re = element_wide(*(const uint16_t *)element,
				    fraction_of(type));
		break;
	case RIG_EXACT:
		x.re = rig_sum_float64(element);
		break;
	default:
		abort();
	}
	return x;
}

static void put(void *element, int type, const struct number *x)
{
	const double value = (double)x->re;

	switch (type) {
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		*(C *)element = (C)x->integer;                                 \
		break;
		INTEGERS(ROW)
#undef ROW
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		*(C *)element = (C)x->re;                                      \
		break;
		FLOATS(ROW)
#undef ROW
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		((C *)element)[0] = (C)x->re;                                  \
		((C *)element)[1] = (C)x->im;                                  \
		break;
		PAIRS(ROW)
#undef ROW
#define ROW(TYPE, C)                                                           \
	case TYPE:                                                             \
		((C *)element)->value =                                        \
			(__typeof__(((C *)element)->value))x->re;              \
		((C *)element)->at = (__typeof__(((C *)element)->at))x->at;    \
		break;
		PLACES(ROW)
#undef ROW
	case RIG_FLOAT16:
	case RIG_BFLOAT16:
		*(uint16_t *)element =
			(uint16_t)element_narrow(value, fraction_of(type));
		break;
	case RIG_EXACT:
		memset(element, 0, sizeof(struct rig_sum));
		(void)rig_sum_add(element, &value, 1, RIG_FLOAT64);
		break;
	default:
		abort();
	}
}

/* --- making elements --- */

static uint64_t hash(const struct element_of *which)
{
	uint64_t x = (uint64_t)which->rank * 0x9e3779b97f4a7c15u +
		     which->index * 0xbf58476d1ce4e5b9u +
		     which->turn * 0x94d049bb133111ebu + 1;

	x ^= x >> 31;
	x *= 0xd6e8feb86659fd93u;
	return x ^ x >> 29;
}

/* A power of two, or the odd number of this element in the rank's turn: NaN,
 * zeros, infinities. */
static long double choose(const struct element_of *which)
{
	static const long double usual[] = { 1, -1, 2, 0.5L };
	static const long double odd[] = {
		1,     (long double)NAN,      0.0L,
		-0.0L, (long double)INFINITY, -(long double)INFINITY
	};
	const size_t kinds = sizeof(odd) / sizeof(*odd);
	const size_t number = which->index + which->turn;

	if (number / kinds % (size_t)which->size == (size_t)which->rank)
		return odd[number % kinds];
	return usual[hash(which) % 4];
}

static bool has_nan(int type)
{
	return type != RIG_INT32_AT && type != RIG_INT64_AT &&
	       type != RIG_INT16_AT32 && type != RIG_INT64_AT32;
}

void elements_put(void *out, int type, const struct element_of *which)
{
	static const uint8_t truths[] = { 0, 1, 2, 255 };
	const size_t bytes = rig_type_bytes(type);
	const uint64_t any = hash(which);
	struct number x = { .integer = any, .re = choose(which) };

	memset(out, (int)(any >> 8 & 0xff), bytes);
	switch (kind_of(type)) {
	case KIND_BOOL:
		x.integer = truths[any % 4];
		break;
	case KIND_COMPLEX:
		/* On an axis: products stay exact. */
		if (which->index % 2) {
			x.im = x.re;
			x.re = 0;
		}
		break;
	case KIND_PLACED:
		if (!has_nan(type))
			x.re = (long double)(any % 3) - 1;
		x.at = (int64_t)(any >> 20 & 0xff) % 5 - 1;
		break;
	case KIND_OPAQUE:
		for (size_t i = 0; i < bytes; i++)
			((unsigned char *)out)[i] =
				(unsigned char)(any >> i % 8 * 8);
		return;
	case KIND_INTEGER:
	case KIND_REAL:
	case KIND_SUM:
	case KIND_UNKNOWN:
		break;
	}
	put(out, type, &x);
}

/* --- folding elements --- */

static bool is_signed(int type)
{
	return type >= RIG_INT8 && type <= RIG_INT64;
}

static bool is_less(uint64_t x, uint64_t y, int type)
{
	return is_signed(type) ? (int64_t)x < (int64_t)y : x < y;
}

static uint64_t fold_integers(uint64_t x, uint64_t y, int type, int op)
{
	switch ((enum rig_op)op) {
	case RIG_SUM:
		return x + y;
	case RIG_PROD:
		return x * y;
	case RIG_MIN:
		return is_less(y, x, type) ? y : x;
	case RIG_MAX:
		return is_less(x, y, type) ? y : x;
	case RIG_LAND:
		return x && y;
	case RIG_LOR:
		return x || y;
	case RIG_LXOR:
		return !x != !y;
	case RIG_BAND:
		return x & y;
	case RIG_BOR:
		return x | y;
	case RIG_BXOR:
		return x ^ y;
	case RIG_MINLOC:
	case RIG_MAXLOC:
	case RIG_OPS:
		break;
	}
	abort();
}

/* MIN, MAX, MINLOC or MAXLOC: whether x wins. */
static bool is_first(const struct number *x, const struct number *y, int op)
{
	const bool least = op == RIG_MIN || op == RIG_MINLOC;
	const bool placed = op == RIG_MINLOC || op == RIG_MAXLOC;

	if (isnan(x->re) != isnan(y->re))
		return isnan(x->re);
	if (isnan(x->re) || x->re == y->re)
		return !placed || x->at <= y->at;
	return least ? x->re < y->re : x->re > y->re;
}

/* CMPLXL() of C11, which clang lacks: without arithmetic an infinity stays
 * alone. */
static long double _Complex complex_of(const struct number *x)
{
	const long double parts[2] = { x->re, x->im };
	long double _Complex z;

	memcpy(&z, parts, sizeof(z));
	return z;
}

static struct number fold_floats(const struct number *x, const struct number *y,
				 int op)
{
	const long double _Complex a = complex_of(x), b = complex_of(y);
	const long double _Complex c = op == RIG_SUM ? a + b : a * b;

	if (op != RIG_SUM && op != RIG_PROD)
		return is_first(x, y, op) ? *x : *y;
	return (struct number){ .re = creall(c), .im = cimagl(c) };
}

/* No imaginary part may come into real numbers: infinity times 0 is NaN. */
static struct number fold_reals(const struct number *x, const struct number *y,
				int op)
{
	if (op == RIG_PROD)
		return (struct number){ .re = x->re * y->re };
	return fold_floats(x, y, op);
}

static struct number fold_two(const struct number *x, const struct number *y,
			      int type, int op)
{
	switch (kind_of(type)) {
	case KIND_BOOL:
	case KIND_INTEGER:
		return (struct number){ .integer = fold_integers(x->integer,
								 y->integer,
								 type, op) };
	case KIND_COMPLEX:
		return fold_floats(x, y, op);
	case KIND_REAL:
	case KIND_PLACED:
	case KIND_SUM:
		return fold_reals(x, y, op);
	case KIND_OPAQUE:
	case KIND_UNKNOWN:
		break;
	}
	abort();
}

void elements_fold(void *out, const void *const *from, int count, int type,
		   int op)
{
	const size_t bytes = rig_type_bytes(type);
	struct number all, next;

	if (op == elements_first_op() || op == elements_last_op()) {
		memcpy(out, from[op == elements_last_op() ? count - 1 : 0],
		       bytes);
		return;
	}
	op &= ~RIG_REPRODUCIBLE;
	all = get(from[0], type);
	for (int i = 0; i < count; i++) {
		next = get(from[i], type);
		if (type == RIG_BOOL)
			next.integer = next.integer != 0;
		all = i ? fold_two(&all, &next, type, op) : next;
	}
	memset(out, 0, bytes);
	put(out, type, &all);
}

/* --- comparing elements --- */

static bool same(long double a, long double b)
{
	return a == b || (isnan(a) && isnan(b));
}

bool elements_same(const void *a, const void *b, int type)
{
	struct number x, y;

	if (kind_of(type) == KIND_OPAQUE)
		return memcmp(a, b, rig_type_bytes(type)) == 0;
	x = get(a, type);
	y = get(b, type);
	return x.integer == y.integer && x.at == y.at && same(x.re, y.re) &&
	       same(x.im, y.im);
}
