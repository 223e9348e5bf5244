/* SPDX-License-Identifier: MIT */
/*
 * test_copy.c - copies past the caches: all bytes, and no others, from any
 * address to any.
 */
#include "objects/copy.h"

#include "lib/harness.h"

#define ROOM 20480
#define EDGE 64

static unsigned char from[ROOM], to[ROOM + 2 * EDGE];

static void fill(void)
{
	for (size_t i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i * 7 + i / 256 + 1);
	memset(to, 0, sizeof(to));
}

/* `bytes` bytes lie at to + EDGE + shift, and zeros around them. */
static void must_be_there(size_t shift, size_t skip, size_t bytes)
{
	const unsigned char *at = to + EDGE + shift;

	ck_assert_mem_eq(at, from + skip, bytes);
	for (size_t i = 0; i < EDGE; i++) {
		ck_assert_uint_eq(*(at - 1 - i % (EDGE + shift)), 0);
		ck_assert_uint_eq(at[bytes + i % (EDGE - shift)], 0);
	}
}

START_TEST(from_any_address_to_any)
{
	static const size_t sizes[] = { 0,   1,   63,  64,  127,  128,
					129, 191, 192, 257, 1000, 8192 };

	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (size_t shift = 0; shift < EDGE; shift++) {
			size_t skip = shift * 5 % 17;

			fill();
			copy_bypass_copy(to + EDGE + shift, from + skip,
					 sizes[s], _i);
			must_be_there(shift, skip, sizes[s]);
		}
	}
}
END_TEST

Suite *make_suite(void)
{
	Suite *suite = suite_create("bypass");
	TCase *tcase = make_tcase("copies", 10);

	tcase_add_loop_test(tcase, from_any_address_to_any, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}
