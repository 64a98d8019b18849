/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_lookup 4|6 PREFIXES ROUNDS: longest-prefix look-up beside DPDK's rte_lpm, rte_lpm6 and rte_fib6 on the
 * same prefixes and the same addresses, one by one and in batches of 256. Prints JSON: nanoseconds of processor time a
 * look-up of every round, each after a pass that is not measured. The order of the tables turns round with each round. That all find the same is checked first.
 *
 * Addresses are of two kinds: anywhere in the family's space, and inside the prefixes.
 */
#include "contender.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ADDRESSES = 1 << 18, CHECKED = 1 << 16, ROUNDS_MAX = 1000 };

/* Keeps the compiler from leaving look-ups out. */
static volatile uint64_t sink;

double processor_s(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void contenders_add(struct contenders *contenders, struct contender contender)
{
	contenders->list[contenders->count++] = contender;
}

/* ---- ours ---- */

static uint64_t look_up4(const void *table, const struct addresses *a, size_t first, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = first; i < first + count; i++)
		sum += lpm4_lookup(table, a->ip4[i]);
	return sum;
}

static uint64_t sum_of(const uint16_t *values, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += values[i];
	return sum;
}

static uint64_t look_up4_batch(const void *table, const struct addresses *a, size_t first, size_t count)
{
	uint16_t values[BATCH];
	uint64_t sum = 0;

	for (size_t i = 0, n; i < count; i += n) {
		n = count - i < BATCH ? count - i : BATCH;
		lpm4_lookup_batch(table, a->ip4 + first + i, values, n);
		sum += sum_of(values, n);
	}
	return sum;
}

static uint64_t look_up6(const void *table, const struct addresses *a, size_t first, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = first; i < first + count; i++)
		sum += lpm6_lookup(table, a->hi[i], a->lo[i]);
	return sum;
}

static uint64_t look_up6_batch(const void *table, const struct addresses *a, size_t first, size_t count)
{
	uint16_t values[BATCH];
	uint64_t sum = 0;

	for (size_t i = 0, n; i < count; i += n) {
		n = count - i < BATCH ? count - i : BATCH;
		lpm6_lookup_batch(table, a->hi + first + i, a->lo + first + i, values, n);
		sum += sum_of(values, n);
	}
	return sum;
}

static int build4(const struct route *routes, size_t count, struct contender *contender)
{
	size_t ranges;
	struct lpm4_range *list = routes_ranges4(routes, count, &ranges);
	double begin_s = processor_s();
	struct lpm4 *lpm = NULL;
	int error = lpm4_build(list, ranges, &lpm);

	free(list);
	*contender = (struct contender){.table = lpm, .build_s = processor_s() - begin_s};
	contender->memory = lpm ? lpm4_memory(lpm) : 0;
	return error;
}

static int build6(const struct route *routes, size_t count, struct contender *contender)
{
	size_t ranges;
	struct lpm6_range *list = routes_ranges6(routes, count, &ranges);
	double begin_s = processor_s();
	struct lpm6 *lpm = NULL;
	int error = lpm6_build(list, ranges, &lpm);

	free(list);
	*contender = (struct contender){.table = lpm, .build_s = processor_s() - begin_s};
	contender->memory = lpm ? lpm6_memory(lpm) : 0;
	return error;
}

static bool add_ours(struct contenders *contenders, enum addr_family family, const struct route *routes,
		     size_t count)
{
	bool ip4 = family == ADDR_IP4;
	struct contender ours;

	if ((ip4 ? build4 : build6)(routes, count, &ours) < 0)
		return false;
	ours.name = ip4 ? "lpm4_lookup" : "lpm6_lookup";
	ours.look_up = ip4 ? look_up4 : look_up6;
	contenders_add(contenders, ours);
	ours.name = ip4 ? "lpm4_lookup_batch" : "lpm6_lookup_batch";
	ours.look_up = ip4 ? look_up4_batch : look_up6_batch;
	ours.batch = true;
	contenders_add(contenders, ours);
	return true;
}

/* ---- addresses ---- */

static struct addr draw_inside(const struct route *route, uint64_t hi, uint64_t lo)
{
	struct addr last = prefix_last(&route->prefix), addr = route->prefix.addr;

	addr.hi |= hi & (last.hi ^ addr.hi);
	addr.lo |= lo & (last.lo ^ addr.lo);
	return addr;
}

static struct addresses draw(enum addr_family family, const struct route *routes, size_t count, bool inside)
{
	struct addresses a = {.count = ADDRESSES,
			      .ip4 = routes_allocate(ADDRESSES, sizeof(*a.ip4)),
			      .hi = routes_allocate(ADDRESSES, sizeof(*a.hi)),
			      .lo = routes_allocate(ADDRESSES, sizeof(*a.lo)),
			      .bytes = routes_allocate(ADDRESSES, sizeof(*a.bytes))};
	uint64_t state = 587;

	for (size_t i = 0; i < ADDRESSES; i++) {
		const struct route *route = &routes[routes_random(&state) % count];
		uint64_t hi = routes_random(&state), lo = routes_random(&state);
		struct addr addr = family == ADDR_IP4 ? addr_ip4((uint32_t)lo) : addr_ip6(hi, lo);

		if (inside)
			addr = draw_inside(route, hi, lo);
		a.ip4[i] = (uint32_t)addr.lo;
		a.hi[i] = addr.hi;
		a.lo[i] = addr.lo;
		addr_to_bytes(&addr, a.bytes[i]);
	}
	return a;
}

static void free_addresses(struct addresses *a)
{
	free(a->ip4);
	free(a->hi);
	free(a->lo);
	free(a->bytes);
}

/* ---- measuring ---- */

static bool same_answers(const struct contenders *contenders, const struct addresses *a)
{
	const struct contender *first = &contenders->list[0];

	for (size_t c = 1; c < contenders->count; c++) {
		const struct contender *other = &contenders->list[c];

		for (size_t i = 0; i < CHECKED; i++) {
			uint64_t ours = first->look_up(first->table, a, i, 1),
				 theirs = other->look_up(other->table, a, i, 1);

			if (ours == theirs)
				continue;
			fprintf(stderr, "%s finds %" PRIu64 ", %s %" PRIu64 "\n", first->name, ours,
				other->name, theirs);
			return false;
		}
		if (first->look_up(first->table, a, 0, a->count) !=
		    other->look_up(other->table, a, 0, a->count)) {
			fprintf(stderr, "%s and %s find different things\n", first->name, other->name);
			return false;
		}
	}
	return true;
}

static double measure(const struct contender *contender, const struct addresses *a)
{
	double begin_s;

	/* Another table had the caches last: each begins with what it can keep there. */
	sink = contender->look_up(contender->table, a, 0, a->count);
	begin_s = processor_s();
	sink = contender->look_up(contender->table, a, 0, a->count);
	return (processor_s() - begin_s) * 1e9 / (double)a->count;
}

static void print_contender(const struct contender *contender, const double *ns, size_t rounds)
{
	printf("{\"name\": \"%s\", \"batch\": %s, \"memory\": %zu, \"build_s\": %.6f, \"ns\": [",
	       contender->name, contender->batch ? "true" : "false", contender->memory, contender->build_s);
	for (size_t r = 0; r < rounds; r++)
		printf("%s%.4f", r > 0 ? ", " : "", ns[r]);
	printf("]}");
}

static bool compare(const struct contenders *contenders, const struct addresses *a, size_t rounds)
{
	static double ns[CONTENDERS_MAX][ROUNDS_MAX];

	if (!same_answers(contenders, a))
		return false;
	for (size_t r = 0; r < rounds; r++) {
		for (size_t i = 0; i < contenders->count; i++) {
			size_t c = r % 2 ? contenders->count - 1 - i : i;

			ns[c][r] = measure(&contenders->list[c], a);
		}
	}
	for (size_t c = 0; c < contenders->count; c++) {
		fputs(c > 0 ? ",\n  " : "[\n  ", stdout);
		print_contender(&contenders->list[c], ns[c], rounds);
	}
	fputs("]", stdout);
	return true;
}

static bool run(const char *program, enum addr_family family, size_t prefixes, size_t rounds)
{
	struct route *routes = routes_new(family, prefixes);
	struct contenders contenders = {.count = 0};
	bool ok = add_ours(&contenders, family, routes, prefixes);

#ifdef HAVE_DPDK
	dpdk_contenders_add(&contenders, program, family, routes, prefixes);
#endif
	for (int inside = 0; ok && inside < 2; inside++) {
		struct addresses a = draw(family, routes, prefixes, inside);

		fputs(inside ? ",\n\"inside\": " : "{\"anywhere\": ", stdout);
		ok = compare(&contenders, &a, rounds);
		free_addresses(&a);
	}
	puts("}");
	free(routes);
	return ok;
}

int main(int argc, char **argv)
{
	size_t prefixes = argc == 4 ? strtoul(argv[2], NULL, 10) : 0,
	       rounds = argc == 4 ? strtoul(argv[3], NULL, 10) : 0;

	if (prefixes == 0 || rounds == 0 || rounds > ROUNDS_MAX ||
	    (strcmp(argv[1], "4") != 0 && strcmp(argv[1], "6") != 0)) {
		fputs("usage: bench_lookup 4|6 PREFIXES ROUNDS\n", stderr);
		return 2;
	}
	return run(argv[0], argv[1][0] == '4' ? ADDR_IP4 : ADDR_IP6, prefixes, rounds) ? 0 : 1;
}
