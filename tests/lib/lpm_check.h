/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tests of longest-prefix match share: addresses of either family as two words, and a check of a table at
 * each range's start, behind it and at its last address.
 */
#ifndef OP25B_TESTS_LPM_CHECK_H
#define OP25B_TESTS_LPM_CHECK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <inttypes.h>
#include <stdlib.h>

#include "lpm/lpm.h"

/* Both families' tests run on addresses of two words; IPv4 uses lo alone. */
struct point {
	uint64_t hi;
	uint64_t lo;
};

static inline void *allocate(size_t count, size_t size)
{
	void *items = calloc(count, size);

	assert_non_null(items);
	return items;
}

static inline struct point step(struct point point, int by)
{
	if (by < 0)
		return (struct point){point.hi - (point.lo == 0), point.lo - 1};
	return by > 0 ? (struct point){point.hi + (point.lo == UINT64_MAX), point.lo + 1} : point;
}

static inline void expect_found(uint64_t seed, const char *how, struct point point, uint16_t expected,
				uint16_t found)
{
	if (expected == found)
		return;
	fail_msg("seed %" PRIu64 ", %s look-up of %016" PRIx64 ":%016" PRIx64 ": %u expected, %u found", seed,
		 how, point.hi, point.lo, expected, found);
}

/* A large set is checked at each start and at both sides of it, in order. */
static inline void check_starts4(const struct lpm4 *lpm, const struct lpm4_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		uint32_t start = ranges[i].start, last = i + 1 < count ? ranges[i + 1].start - 1 : UINT32_MAX;

		expect_found(i, "start", (struct point){0, start}, ranges[i].value, lpm4_lookup(lpm, start));
		expect_found(i, "last", (struct point){0, last}, ranges[i].value, lpm4_lookup(lpm, last));
		if (start < last)
			expect_found(i, "second", (struct point){0, start + 1}, ranges[i].value,
				     lpm4_lookup(lpm, start + 1));
	}
}

static inline void expect6(const struct lpm6 *lpm, size_t number, struct point point, uint16_t expected)
{
	uint16_t batch[1];

	expect_found(number, "single", point, expected, lpm6_lookup(lpm, point.hi, point.lo));
	lpm6_lookup_batch(lpm, &point.hi, &point.lo, batch, 1);
	expect_found(number, "batch", point, expected, batch[0]);
}

static inline void check_starts6(const struct lpm6 *lpm, const struct lpm6_range *ranges, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct point start = {ranges[i].hi, ranges[i].lo}, last = {UINT64_MAX, UINT64_MAX};

		if (i + 1 < count)
			last = step((struct point){ranges[i + 1].hi, ranges[i + 1].lo}, -1);
		expect6(lpm, i, start, ranges[i].value);
		expect6(lpm, i, last, ranges[i].value);
		if (start.hi != last.hi || start.lo != last.lo)
			expect6(lpm, i, step(start, 1), ranges[i].value);
	}
}

static inline struct lpm4 *build_checked4(const struct lpm4_range *ranges, size_t count)
{
	struct lpm4 *lpm;

	assert_int_equal(lpm4_build(ranges, count, &lpm), 0);
	check_starts4(lpm, ranges, count);
	return lpm;
}

static inline struct lpm6 *build_checked6(const struct lpm6_range *ranges, size_t count)
{
	struct lpm6 *lpm;

	assert_int_equal(lpm6_build(ranges, count, &lpm), 0);
	check_starts6(lpm, ranges, count);
	return lpm;
}

#endif
