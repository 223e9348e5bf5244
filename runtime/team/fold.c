/* SPDX-License-Identifier: MIT */
/*
 * fold.c - the loops of every operation on every type, and users' operations.
 *
 * A table has a function for each pair; where the table has no function there is no
 * such operation.  Integers wrap around.  A NaN is less than every number in MIN and
 * MINLOC, and greater in MAX and MAXLOC: the first NaN by rank, or by place, is the
 * result, and no NaN is lost on the way.
 */
#include "team/fold.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <runrig/collective.h>
#include <runrig/sum.h>

#include "base/error.h"
#include "team/half.h"
#include "team/reproducible.h"

/* Types with a number of their own. */
#define TYPES (RIG_FLOAT128_AT32 + 1)

/* The type of an opaque element is this number plus the bytes of the element. */
#define OPAQUE (1 << 24)

/* Bytes of one call of a user's operation, where the operation must not write to the
 * second operand. */
#define PIECE_BYTES RIG_OPAQUE_MAX

typedef void fold_fn(void *out, const void *a, const void *b, size_t n);

/* One of the two functions; all NULL: the number is free. */
struct user_op {
	rig_op_fn *fn;
	rig_op_arg_fn *with;
	void *arg;
};

static struct user_op user_ops[RIG_USER_OPS_MAX];

/* `out` is an operand or apart from both: no element depends on another, which
 * the compiler would otherwise look for, and find where `out` is `a`. */
#ifdef __clang__
#define INDEPENDENT /* the pragma of clang warns of loops that clang cannot vectorise */
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif

/* clang-format off */
#define LOOP(NAME, TYPE, EXPRESSION)                                        \
	static void NAME(void *out, const void *a, const void *b, size_t n) \
	{                                                                   \
		INDEPENDENT                                                 \
		for (size_t i = 0; i < n; i++) {                            \
			TYPE x = ((const TYPE *)a)[i];                      \
			TYPE y = ((const TYPE *)b)[i];                      \
			((TYPE *)out)[i] = (TYPE)(EXPRESSION);              \
		}                                                           \
	}

#define NEVER(x)  0
#define IS_NAN(x) ((x) != (x))

#define LOGICAL(NAME, T)                           \
	LOOP(land_##NAME, T, x && y)               \
	LOOP(lor_##NAME, T, x || y)                \
	LOOP(lxor_##NAME, T, !x != !y)             \
	LOOP(band_##NAME, T, x & y)                \
	LOOP(bor_##NAME, T, x | y)                 \
	LOOP(bxor_##NAME, T, x ^ y)

/* U is the unsigned type beside T, in which sums and products wrap. */
#define INTEGER(NAME, T, U)                        \
	LOOP(sum_##NAME, T, 0u + (U)x + (U)y)      \
	LOOP(prod_##NAME, T, 1u * (U)x * (U)y)     \
	LOOP(min_##NAME, T, x < y ? x : y)         \
	LOOP(max_##NAME, T, x > y ? x : y)         \
	LOGICAL(NAME, T)

#define COMPLEX(NAME, T)                           \
	LOOP(sum_##NAME, T, x + y)                 \
	LOOP(prod_##NAME, T, x * y)

#define REAL(NAME, T)                              \
	COMPLEX(NAME, T)                                   \
	LOOP(min_##NAME, T, ((x < y) | IS_NAN(x)) ? x : y)   \
	LOOP(max_##NAME, T, ((x > y) | IS_NAN(x)) ? x : y)

/* Is x before y, or the same and at a lower place? */
#define PICK(BEFORE, NONE)                                                  \
	(NONE(x.value) ? !NONE(y.value) || x.at <= y.at                     \
		       : x.value BEFORE y.value ||                          \
			 (x.value == y.value && x.at <= y.at)) ? x : y

#define PLACED(NAME, NONE)                                                  \
	static void minloc_##NAME(void *out, const void *a, const void *b,  \
				  size_t n)                                 \
	{                                                                   \
		for (size_t i = 0; i < n; i++) {                            \
			struct rig_##NAME x, y, *o = out;              \
			x = ((const struct rig_##NAME *)a)[i];         \
			y = ((const struct rig_##NAME *)b)[i];         \
			o[i] = PICK(<, NONE);                               \
		}                                                           \
	}                                                                   \
	static void maxloc_##NAME(void *out, const void *a, const void *b,  \
				  size_t n)                                 \
	{                                                                   \
		for (size_t i = 0; i < n; i++) {                            \
			struct rig_##NAME x, y, *o = out;              \
			x = ((const struct rig_##NAME *)a)[i];         \
			y = ((const struct rig_##NAME *)b)[i];         \
			o[i] = PICK(>, NONE);                               \
		}                                                           \
	}

#define HALF_LOOP(NAME, TYPE, OP)                                           \
	static void NAME(void *out, const void *a, const void *b, size_t n) \
	{                                                                   \
		half_fold(out, (const void *const[]){ a, b }, 2, n, TYPE,   \
			  OP);                                              \
	}

#define HALF(NAME, TYPE)                           \
	HALF_LOOP(sum_##NAME, TYPE, RIG_SUM)       \
	HALF_LOOP(prod_##NAME, TYPE, RIG_PROD)     \
	HALF_LOOP(min_##NAME, TYPE, RIG_MIN)       \
	HALF_LOOP(max_##NAME, TYPE, RIG_MAX)

static void sum_exact(void *out, const void *a, const void *b, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct rig_sum sum = ((const struct rig_sum *)a)[i];

		rig_sum_merge(&sum, (const struct rig_sum *)b + i);
		((struct rig_sum *)out)[i] = sum;
	}
}

INTEGER(int8, int8_t, uint8_t)
INTEGER(int16, int16_t, uint16_t)
INTEGER(int32, int32_t, uint32_t)
INTEGER(int64, int64_t, uint64_t)
INTEGER(uint8, uint8_t, uint8_t)
INTEGER(uint16, uint16_t, uint16_t)
INTEGER(uint32, uint32_t, uint32_t)
INTEGER(uint64, uint64_t, uint64_t)
REAL(float32, float)
REAL(float64, double)
REAL(float128, long double)
COMPLEX(complex64, float _Complex)
COMPLEX(complex128, double _Complex)
COMPLEX(complex256, long double _Complex)
PLACED(int32_at, NEVER)
PLACED(int64_at, NEVER)
PLACED(float32_at, IS_NAN)
PLACED(float64_at, IS_NAN)
PLACED(int16_at32, NEVER)
PLACED(int64_at32, NEVER)
PLACED(float64_at32, IS_NAN)
PLACED(float128_at32, IS_NAN)
HALF(float16, RIG_FLOAT16)
HALF(bfloat16, RIG_BFLOAT16)

/* Every byte but 0 is true, and a result is 0 or 1. */
#define BOOL_ROW                                                          \
	{ [RIG_LAND] = land_uint8, lor_uint8, lxor_uint8, land_uint8,     \
	  lor_uint8, lxor_uint8 }
#define INTEGER_ROW(NAME)                                                 \
	{ sum_##NAME, prod_##NAME, min_##NAME, max_##NAME, land_##NAME,   \
	  lor_##NAME, lxor_##NAME, band_##NAME, bor_##NAME, bxor_##NAME }
#define REAL_ROW(NAME)    { sum_##NAME, prod_##NAME, min_##NAME, max_##NAME }
#define COMPLEX_ROW(NAME) { sum_##NAME, prod_##NAME }
#define PLACED_ROW(NAME)                                                  \
	{ [RIG_MINLOC] = minloc_##NAME, [RIG_MAXLOC] = maxloc_##NAME }

static fold_fn *const loops[TYPES][RIG_OPS] = {
	[RIG_BOOL] = BOOL_ROW,
	[RIG_INT8] = INTEGER_ROW(int8),
	[RIG_INT16] = INTEGER_ROW(int16),
	[RIG_INT32] = INTEGER_ROW(int32),
	[RIG_INT64] = INTEGER_ROW(int64),
	[RIG_UINT8] = INTEGER_ROW(uint8),
	[RIG_UINT16] = INTEGER_ROW(uint16),
	[RIG_UINT32] = INTEGER_ROW(uint32),
	[RIG_UINT64] = INTEGER_ROW(uint64),
	[RIG_FLOAT32] = REAL_ROW(float32),
	[RIG_FLOAT64] = REAL_ROW(float64),
	[RIG_FLOAT128] = REAL_ROW(float128),
	[RIG_COMPLEX64] = COMPLEX_ROW(complex64),
	[RIG_COMPLEX128] = COMPLEX_ROW(complex128),
	[RIG_COMPLEX256] = COMPLEX_ROW(complex256),
	[RIG_INT32_AT] = PLACED_ROW(int32_at),
	[RIG_INT64_AT] = PLACED_ROW(int64_at),
	[RIG_FLOAT32_AT] = PLACED_ROW(float32_at),
	[RIG_FLOAT64_AT] = PLACED_ROW(float64_at),
	[RIG_INT16_AT32] = PLACED_ROW(int16_at32),
	[RIG_INT64_AT32] = PLACED_ROW(int64_at32),
	[RIG_FLOAT64_AT32] = PLACED_ROW(float64_at32),
	[RIG_FLOAT128_AT32] = PLACED_ROW(float128_at32),
	[RIG_FLOAT16] = REAL_ROW(float16),
	[RIG_BFLOAT16] = REAL_ROW(bfloat16),
	[RIG_EXACT] = { sum_exact },
};
/* clang-format on */
#undef INDEPENDENT
#undef LOOP
#undef LOGICAL
#undef INTEGER
#undef COMPLEX
#undef REAL
#undef NEVER
#undef IS_NAN
#undef PICK
#undef PLACED
#undef HALF_LOOP
#undef HALF
#undef BOOL_ROW
#undef INTEGER_ROW
#undef REAL_ROW
#undef COMPLEX_ROW
#undef PLACED_ROW

size_t rig_type_bytes(int type)
{
	static const uint16_t bytes[TYPES] = {
		[RIG_BOOL] = 1,
		[RIG_INT8] = 1,
		[RIG_INT16] = 2,
		[RIG_INT32] = 4,
		[RIG_INT64] = 8,
		[RIG_UINT8] = 1,
		[RIG_UINT16] = 2,
		[RIG_UINT32] = 4,
		[RIG_UINT64] = 8,
		[RIG_FLOAT16] = 2,
		[RIG_FLOAT32] = 4,
		[RIG_FLOAT64] = 8,
		[RIG_FLOAT128] = 16,
		[RIG_COMPLEX64] = 8,
		[RIG_COMPLEX128] = 16,
		[RIG_COMPLEX256] = 32,
		[RIG_INT32_AT] = 8,
		[RIG_INT64_AT] = 16,
		[RIG_FLOAT32_AT] = 8,
		[RIG_FLOAT64_AT] = 16,
		[RIG_INT16_AT32] = sizeof(struct rig_int16_at32),
		[RIG_INT64_AT32] = sizeof(struct rig_int64_at32),
		[RIG_FLOAT64_AT32] = sizeof(struct rig_float64_at32),
		[RIG_FLOAT128_AT32] = sizeof(struct rig_float128_at32),
		[RIG_BFLOAT16] = 2,
		[RIG_EXACT] = sizeof(struct rig_sum),
	};

	if (type >= 0 && type < TYPES)
		return bytes[type];
	if (type > OPAQUE && type <= OPAQUE + (int)RIG_OPAQUE_MAX)
		return (size_t)(type - OPAQUE);
	return 0;
}

int rig_type_opaque(size_t bytes)
{
	if (bytes == 0 || bytes > RIG_OPAQUE_MAX)
		return rig_fail(-EINVAL,
				"type: an element of %zu bytes, not 1 to %zu",
				bytes, RIG_OPAQUE_MAX);
	return OPAQUE + (int)bytes;
}

static int create(const struct user_op *op)
{
	for (int i = 0; i < RIG_USER_OPS_MAX; i++) {
		struct user_op *is = &user_ops[i];

		if (!is->fn && !is->with)
			*is = *op;
		if (is->fn == op->fn && is->with == op->with &&
		    is->arg == op->arg)
			return FOLD_USER_OP + i;
	}
	return rig_fail(-ENOSPC, "operation: there are %d already",
			RIG_USER_OPS_MAX);
}

int rig_op_create(rig_op_fn *fn)
{
	if (!fn)
		return rig_fail(-EINVAL, "operation: no function");
	return create(&(struct user_op){ .fn = fn });
}

int rig_op_create_arg(rig_op_arg_fn *fn, void *arg)
{
	if (!fn)
		return rig_fail(-EINVAL, "operation: no function");
	return create(&(struct user_op){ .with = fn, .arg = arg });
}

/* The number nearest to the sum of all sources, in any order. */
static bool is_exact(int op, int type)
{
	return op == (RIG_SUM | RIG_REPRODUCIBLE) && exact_has(type);
}

/* Elements of which every order of folding makes the same. */
static bool any_order(int type)
{
	return type >= RIG_BOOL && type <= RIG_UINT64;
}

bool fold_has(int op, int type)
{
	if (op >= 0 && op & RIG_REPRODUCIBLE)
		return is_exact(op, type) ||
		       (any_order(type) && op < RIG_REPRODUCIBLE + RIG_OPS &&
			fold_has(op - RIG_REPRODUCIBLE, type));
	if (op >= FOLD_USER_OP && op < FOLD_USER_OP + RIG_USER_OPS_MAX)
		return (user_ops[op - FOLD_USER_OP].fn ||
			user_ops[op - FOLD_USER_OP].with) &&
		       rig_type_bytes(type);
	return op >= 0 && op < RIG_OPS && type >= 0 && type < TYPES &&
	       loops[type][op];
}

bool fold_all_at_once(int op, int type)
{
	return is_exact(op, type) ||
	       (half_has(type) && (op == RIG_SUM || op == RIG_PROD));
}

bool fold_by_twos(int op, int type)
{
	return fold_has(op, type) && !is_exact(op, type);
}

static void apply(const struct user_op *op, const void *in, void *inout,
		  size_t count, int type)
{
	if (op->fn)
		op->fn(in, inout, count, type);
	else
		op->with(in, inout, count, type, op->arg);
}

/* A user's operation writes to the second operand: where the second operand has to
 * stay unchanged, the operation gets a copy, a piece at a time. */
static void fold_user(const struct user_op *op, char *out, const char *a,
		      const char *b, size_t count, int type)
{
	static _Alignas(64) char piece[PIECE_BYTES];
	size_t size = rig_type_bytes(type);

	if (out != a) {
		if (out != b)
			memcpy(out, b, count * size);
		apply(op, a, out, count, type);
		return;
	}
	for (size_t done = 0; done < count;) {
		size_t n = PIECE_BYTES / size;
		size_t at = done * size;

		if (n > count - done)
			n = count - done;
		memcpy(piece, b + at, n * size);
		apply(op, a + at, piece, n, type);
		memcpy(out + at, piece, n * size);
		done += n;
	}
}

void fold(void *out, const void *a, const void *b, size_t count, int type,
	  int op)
{
	if (count == 0)
		return;
	op &= ~RIG_REPRODUCIBLE;
	if (op >= FOLD_USER_OP)
		fold_user(&user_ops[op - FOLD_USER_OP], out, a, b, count, type);
	else
		loops[type][op](out, a, b, count);
}

void fold_one(void *out, const void *in, size_t count, int type, int op)
{
	if (count == 0)
		return;
	/* A user's operation has not been called, and leaves any byte. */
	if (type == RIG_BOOL && (op & ~RIG_REPRODUCIBLE) < FOLD_USER_OP)
		fold(out, in, in, count, type, RIG_LOR);
	else
		memmove(out, in, count * rig_type_bytes(type));
}

void fold_all(void *out, const void *const *from, int count, size_t n, int type,
	      int op)
{
	if (is_exact(op, type)) {
		exact_sum(out, from, count, n, type);
	} else if (fold_all_at_once(op, type)) {
		half_fold(out, from, count, n, type, op);
	} else if (count == 1) {
		fold_one(out, from[0], n, type, op);
	} else {
		fold(out, from[0], from[1], n, type, op);
		for (int i = 2; i < count; i++)
			fold(out, out, from[i], n, type, op);
	}
}
