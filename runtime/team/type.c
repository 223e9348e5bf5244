/* SPDX-License-Identifier: MIT */
/*
 * type.c - names of types and operations, for messages and reports.
 */
#include "team/type.h"

#include <stdio.h>

#include <runrig/collective.h>

#include "team/fold.h"

static struct type_name named(const char *name, const char *after)
{
	struct type_name result;

	snprintf(result.text, sizeof(result.text), "%s%s", name, after);
	return result;
}

static struct type_name numbered(const char *before, long long number,
				 const char *after)
{
	struct type_name result;

	snprintf(result.text, sizeof(result.text), "%s%lld%s", before, number,
		 after);
	return result;
}

struct type_name type_name(int type)
{
	static const char *const names[] = {
		[RIG_BOOL] = "bool",
		[RIG_INT8] = "int8",
		[RIG_INT16] = "int16",
		[RIG_INT32] = "int32",
		[RIG_INT64] = "int64",
		[RIG_UINT8] = "uint8",
		[RIG_UINT16] = "uint16",
		[RIG_UINT32] = "uint32",
		[RIG_UINT64] = "uint64",
		[RIG_FLOAT16] = "float16",
		[RIG_FLOAT32] = "float32",
		[RIG_FLOAT64] = "float64",
		[RIG_FLOAT128] = "float128",
		[RIG_COMPLEX64] = "complex64",
		[RIG_COMPLEX128] = "complex128",
		[RIG_COMPLEX256] = "complex256",
		[RIG_INT32_AT] = "int32_at",
		[RIG_INT64_AT] = "int64_at",
		[RIG_FLOAT32_AT] = "float32_at",
		[RIG_FLOAT64_AT] = "float64_at",
		[RIG_EXACT] = "exact",
		[RIG_INT16_AT32] = "int16_at32",
		[RIG_INT64_AT32] = "int64_at32",
		[RIG_FLOAT64_AT32] = "float64_at32",
		[RIG_FLOAT128_AT32] = "float128_at32",
		[RIG_BFLOAT16] = "bfloat16",
	};
	const int count = (int)(sizeof(names) / sizeof(*names));

	if (type >= 0 && type < count && names[type])
		return named(names[type], "");
	if (type >= count && rig_type_bytes(type))
		return numbered("opaque of ", (long long)rig_type_bytes(type),
				" bytes");
	return numbered("number ", type, "");
}

struct type_name op_name(int op)
{
	static const char *const names[RIG_OPS] = {
		[RIG_SUM] = "SUM",       [RIG_PROD] = "PROD",
		[RIG_MIN] = "MIN",       [RIG_MAX] = "MAX",
		[RIG_LAND] = "LAND",     [RIG_LOR] = "LOR",
		[RIG_LXOR] = "LXOR",     [RIG_BAND] = "BAND",
		[RIG_BOR] = "BOR",       [RIG_BXOR] = "BXOR",
		[RIG_MINLOC] = "MINLOC", [RIG_MAXLOC] = "MAXLOC",
	};
	const int plain = op < 0 ? op : op & ~RIG_REPRODUCIBLE;

	if (plain >= 0 && plain < RIG_OPS)
		return named(names[plain], plain == op ? "" : " reproducible");
	if (op >= FOLD_USER_OP && op < FOLD_USER_OP + RIG_USER_OPS_MAX)
		return numbered("user's ", op - FOLD_USER_OP, "");
	return numbered("number ", op, "");
}
