/* SPDX-License-Identifier: GPL-2.0-or-later */
/* DPDK's tables as contenders. Compiled only where DPDK's development package is installed. */
#include "contender.h"

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib6.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	VALUE_MASK = 0xffffff,
	TBL24_BYTES = 1 << 26,
	TBL8_ENTRIES = 256,
	SPARE_TBL8S = 256,
};

static void die(const char *what)
{
	fprintf(stderr, "bench_lookup: DPDK's %s: %s\n", what, rte_strerror(rte_errno));
	exit(1);
}

/* ---- look-ups ---- */

static uint64_t look_up4(const void *table, const struct addresses *a, size_t first, size_t count)
{
	/* rte_lpm_lookup() reads only, yet does not say so. */
	struct rte_lpm *lpm = (struct rte_lpm *)(uintptr_t)table;
	uint64_t sum = 0;

	for (size_t i = first; i < first + count; i++) {
		uint32_t value;

		if (rte_lpm_lookup(lpm, a->ip4[i], &value) == 0)
			sum += value;
	}
	return sum;
}

static uint64_t look_up4_bulk(const void *table, const struct addresses *a, size_t first, size_t count)
{
	struct rte_lpm *lpm = (struct rte_lpm *)(uintptr_t)table;
	uint32_t values[BATCH];
	uint64_t sum = 0;

	for (size_t i = 0, n; i < count; i += n) {
		n = count - i < BATCH ? count - i : BATCH;
		(void)rte_lpm_lookup_bulk(lpm, a->ip4 + first + i, values, (unsigned)n);
		for (size_t k = 0; k < n; k++)
			sum += values[k] & VALUE_MASK;
	}
	return sum;
}

static uint64_t look_up6(const void *table, const struct addresses *a, size_t first, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = first; i < first + count; i++) {
		uint32_t value;

		if (rte_lpm6_lookup(table, a->bytes[i], &value) == 0)
			sum += value;
	}
	return sum;
}

static uint64_t look_up6_bulk(const void *table, const struct addresses *a, size_t first, size_t count)
{
	int32_t values[BATCH];
	uint64_t sum = 0;

	for (size_t i = 0, n; i < count; i += n) {
		n = count - i < BATCH ? count - i : BATCH;
		rte_lpm6_lookup_bulk_func(table, a->bytes + first + i, values, (unsigned)n);
		for (size_t k = 0; k < n; k++)
			sum += values[k] > 0 ? (uint32_t)values[k] : 0;
	}
	return sum;
}

static uint64_t look_up_fib6(const void *table, const struct addresses *a, size_t first, size_t count)
{
	struct rte_fib6 *fib = (struct rte_fib6 *)(uintptr_t)table;
	uint64_t sum = 0;

	for (size_t i = first; i < first + count; i++) {
		uint64_t value;

		rte_fib6_lookup_bulk(fib, a->bytes + i, &value, 1);
		sum += value;
	}
	return sum;
}

static uint64_t look_up_fib6_bulk(const void *table, const struct addresses *a, size_t first, size_t count)
{
	struct rte_fib6 *fib = (struct rte_fib6 *)(uintptr_t)table;
	uint64_t values[BATCH], sum = 0;

	for (size_t i = 0, n; i < count; i += n) {
		n = count - i < BATCH ? count - i : BATCH;
		rte_fib6_lookup_bulk(fib, a->bytes + first + i, values, (int)n);
		for (size_t k = 0; k < n; k++)
			sum += values[k];
	}
	return sum;
}

/* ---- tables ---- */

/* Tables behind the first 24 bits: one for each value of them that a longer prefix begins with. */
static size_t tbl8s_needed4(const struct route *routes, size_t count)
{
	size_t needed = 0;
	uint64_t last = UINT64_MAX;

	for (size_t i = 0; i < count; i++) {
		uint64_t top = routes[i].prefix.addr.lo >> 8;

		needed += routes[i].prefix.len > 24 && top != last;
		last = routes[i].prefix.len > 24 ? top : last;
	}
	return needed;
}

/* An upper bound: a table for each further byte of each prefix that its left neighbour does not share. */
static size_t tbl8s_needed6(const struct route *routes, size_t count)
{
	size_t needed = 0;

	for (size_t i = 0; i < count; i++) {
		const struct addr *addr = &routes[i].prefix.addr;

		for (unsigned bits = 24; bits < routes[i].prefix.len; bits += 8) {
			struct addr top = addr_mask(addr, bits), other = {0};

			if (i > 0)
				other = addr_mask(&routes[i - 1].prefix.addr, bits);
			needed += i == 0 || !addr_equal(&top, &other) || routes[i - 1].prefix.len <= bits;
		}
	}
	return needed;
}

static struct contender build_lpm4(const struct route *routes, size_t count)
{
	size_t tbl8s = tbl8s_needed4(routes, count);
	struct rte_lpm_config config = {.max_rules = (uint32_t)count,
					.number_tbl8s = (uint32_t)(tbl8s + SPARE_TBL8S)};
	double begin_s = processor_s();
	struct rte_lpm *lpm = rte_lpm_create("bench4", SOCKET_ID_ANY, &config);

	for (size_t i = 0; lpm && i < count; i++) {
		const struct prefix *prefix = &routes[i].prefix;

		if (rte_lpm_add(lpm, (uint32_t)prefix->addr.lo, prefix->len, routes[i].value) < 0)
			die("rte_lpm_add");
	}
	if (!lpm)
		die("rte_lpm_create");
	return (struct contender){.table = lpm,
				  .memory = TBL24_BYTES +
					    tbl8s * TBL8_ENTRIES * sizeof(struct rte_lpm_tbl_entry),
				  .build_s = processor_s() - begin_s};
}

static struct contender build_lpm6(const struct route *routes, size_t count)
{
	size_t tbl8s = tbl8s_needed6(routes, count);
	struct rte_lpm6_config config = {.max_rules = (uint32_t)count,
					 .number_tbl8s = (uint32_t)(tbl8s + SPARE_TBL8S)};
	double begin_s = processor_s();
	struct rte_lpm6 *lpm = rte_lpm6_create("bench6", SOCKET_ID_ANY, &config);

	if (!lpm)
		die("rte_lpm6_create");
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[16];

		addr_to_bytes(&routes[i].prefix.addr, bytes);
		if (rte_lpm6_add(lpm, bytes, routes[i].prefix.len, routes[i].value) < 0)
			die("rte_lpm6_add");
	}
	return (struct contender){.table = lpm,
				  .memory = TBL24_BYTES + tbl8s * TBL8_ENTRIES * sizeof(uint32_t),
				  .build_s = processor_s() - begin_s};
}

/* Two bytes a value: the form that needs the least memory. */
static struct contender build_fib6(const struct route *routes, size_t count)
{
	/* It reserves more than it uses. */
	size_t tbl8s = tbl8s_needed6(routes, count), reserved = 4 * tbl8s + SPARE_TBL8S;
	struct rte_fib6_conf config = {.type = RTE_FIB6_TRIE,
				       .max_routes = (int)(2 * count), /* its tree counts branches too */
				       .trie = {.nh_sz = RTE_FIB6_TRIE_4B, .num_tbl8 = (uint32_t)reserved}};
	double begin_s = processor_s();
	struct rte_fib6 *fib;

	if (reserved < INT16_MAX)
		config.trie.nh_sz = RTE_FIB6_TRIE_2B;
	fib = rte_fib6_create("fib6", SOCKET_ID_ANY, &config);
	if (!fib)
		die("rte_fib6_create");
	for (size_t i = 0; i < count; i++) {
		uint8_t bytes[16];

		addr_to_bytes(&routes[i].prefix.addr, bytes);
		rte_errno = -rte_fib6_add(fib, bytes, routes[i].prefix.len, routes[i].value);
		if (rte_errno)
			die("rte_fib6_add");
	}
	return (struct contender){.table = fib,
				  .memory = ((1U << 24) + tbl8s * TBL8_ENTRIES) *
					    (2U << (config.trie.nh_sz - RTE_FIB6_TRIE_2B)),
				  .build_s = processor_s() - begin_s};
}

static void add_both(struct contenders *contenders, struct contender contender, const char *single_name,
		     const char *batch_name,
		     uint64_t (*single)(const void *, const struct addresses *, size_t, size_t),
		     uint64_t (*batch)(const void *, const struct addresses *, size_t, size_t))
{
	contender.name = single_name;
	contender.look_up = single;
	contenders_add(contenders, contender);
	contender.name = batch_name;
	contender.look_up = batch;
	contender.batch = true;
	contenders_add(contenders, contender);
}

/* Memory is only reserved: what is not used is never asked of the kernel. */
static void start_dpdk(const char *program)
{
	const char *const given[] = {program,       "--no-huge", "--no-pci", "--no-telemetry",
				     "--no-shconf", "-m",        "8192",     "--log-level=error",
				     "-l",          "1"};
	char *arguments[sizeof(given) / sizeof(given[0])];
	int count = (int)(sizeof(given) / sizeof(given[0]));

	for (int i = 0; i < count; i++)
		arguments[i] = strdup(given[i]);
	if (rte_eal_init(count, arguments) < 0)
		die("rte_eal_init");
}

void dpdk_contenders_add(struct contenders *contenders, const char *program, enum addr_family family,
			 const struct route *routes, size_t count)
{
	start_dpdk(program);
	if (family == ADDR_IP4) {
		add_both(contenders, build_lpm4(routes, count), "rte_lpm_lookup", "rte_lpm_lookup_bulk",
			 look_up4, look_up4_bulk);
		return;
	}
	add_both(contenders, build_lpm6(routes, count), "rte_lpm6_lookup", "rte_lpm6_lookup_bulk_func",
		 look_up6, look_up6_bulk);
	add_both(contenders, build_fib6(routes, count), "rte_fib6_lookup_bulk of one", "rte_fib6_lookup_bulk",
		 look_up_fib6, look_up_fib6_bulk);
}
