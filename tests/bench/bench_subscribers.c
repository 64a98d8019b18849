/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_subscribers COUNT: what one tracked subscriber takes, from the growth of the process's resident size while an event
 * collector with room for COUNT comes to hold COUNT, each blocked by one rule for one destination, twice. Prints JSON.
 */
#include "event/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { GROUP = 256, SOURCES_FIRST = 0x0a000000 };

static uint64_t records;

static void count_record(void *context, const char *line, size_t len)
{
	(void)context;
	(void)line;
	(void)len;
	records++;
}

static const char *reason_name(unsigned reason)
{
	(void)reason;
	return "pool-enforce";
}

static long resident_bytes(void)
{
	FILE *file = fopen("/proc/self/statm", "r");
	long pages = -1;

	if (!file || fscanf(file, "%*d %ld", &pages) != 1)
		pages = -1;
	if (file)
		fclose(file);
	return pages < 0 ? -1 : pages * sysconf(_SC_PAGESIZE);
}

static struct event_fact fact_of(uint32_t subscriber, uint32_t attempt)
{
	return (struct event_fact){
		.time_ns = INT64_C(1800000000000000000) + (int64_t)attempt * 1000000000,
		.src = addr_ip4(SOURCES_FIRST + subscriber),
		.dst = addr_ip4(0xcb007119),
		.sport = (uint16_t)(1024 + attempt),
		.dport = 25,
		.subscriber_len = 32,
		.verdict = EVENT_DROP,
		.attempt = true,
		.tcp_seq = subscriber * 2654435761U + attempt,
		.names = {.rule = "homes",
			  .rule_kind = "pool",
			  .pool = "homes",
			  .digest = "0123456789abcdef"},
		.in_iface = "sub0",
	};
}

static void observe_all(struct event_collector *collector, uint32_t count, uint32_t attempt)
{
	static struct event_fact facts[GROUP];

	for (uint32_t i = 0, n; i < count; i += n) {
		for (n = 0; n < GROUP && i + n < count; n++)
			facts[n] = fact_of(i + n, attempt);
		event_observe(collector, facts, n);
	}
}

static int run(uint32_t count)
{
	struct event_config config = {.host = "bench",
				      .boot_id = "bench",
				      .window_s = 300,
				      .subscribers_max = count,
				      .reason_name = reason_name,
				      .emit = count_record};
	struct event_collector *collector = NULL;
	struct event_stats stats;
	long before = resident_bytes(), after;

	if (event_collector_new(&config, &collector) < 0)
		return 1;
	observe_all(collector, count, 0);
	observe_all(collector, count, 1);
	after = resident_bytes();
	event_stats_get(collector, &stats);
	printf("{\"subscribers\": %llu, \"overflowed\": %llu, \"records\": %llu, \"bytes\": %ld}\n",
	       (unsigned long long)stats.subscribers, (unsigned long long)stats.overflowed,
	       (unsigned long long)records, after - before);
	event_collector_free(collector);
	return stats.subscribers == count && before > 0 && after > 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	uint32_t count = argc == 2 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;

	if (count == 0) {
		fputs("usage: bench_subscribers COUNT\n", stderr);
		return 2;
	}
	return run(count);
}
