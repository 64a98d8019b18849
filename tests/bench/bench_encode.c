/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_encode RECORDS ROUNDS: what writing a block record costs, beside jansson's json_dumpf of the same object, which has been
 * built before the clock runs. Both write to the same kind of stream, on /dev/null. Prints nanoseconds of processor time
 * a record and round as JSON.
 */
#include "event/record.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KINDS = 3, BUFFER = 1 << 16 };

/* A first record, a summary with destinations, and one of a monitored IPv6 subscriber. */
struct kinds {
	struct event_config config;
	struct event_record records[KINDS];
	json_t *objects[KINDS];
	struct destinations_budget budget;
	struct destinations *reached;
};

static const char *reason_text(unsigned reason)
{
	(void)reason;
	return "pool-enforce";
}

static struct event_record first_record(const struct event_config *config)
{
	return (struct event_record){
		.config = config,
		.kind = EVENT_KIND_FIRST,
		.seq = 4711,
		.fact = {.time_ns = INT64_C(1774998000123456000),
			 .src = addr_ip4(0xc6336411),
			 .dst = addr_ip4(0xcb007119),
			 .sport = 49152,
			 .dport = 25,
			 .subscriber_len = 32,
			 .verdict = EVENT_DROP,
			 .attempt = true,
			 .tcp_flags = 0x02,
			 .ttl = 63,
			 .ip_len = 60,
			 .tcp_window = 64240,
			 .ip_id = 41717,
			 .tcp_seq = 2742311837,
			 .reason = 9,
			 .in_iface = "ppp17",
			 .names = {"dynamic", "pool", "dynamic", "5f1d0e8c7a3b49d2960b8c4e2f7d1a36"}},
		.first_ns = INT64_C(1774998000123456000),
		.last_ns = INT64_C(1774998000123456000),
		.packets = 1,
		.attempts = 1,
		.packets_blocked = 1,
		.destinations = 1,
		.destinations_exact = true,
	};
}

static void make_records(struct kinds *kinds)
{
	struct event_record *r = kinds->records;

	for (uint32_t i = 0; i < 8; i++) {
		struct addr addr = addr_ip4(0xcb007119 + i);

		if (!destinations_add(&kinds->reached, &addr, &kinds->budget))
			abort();
	}
	r[0] = r[1] = r[2] = first_record(&kinds->config);
	r[1].kind = EVENT_KIND_SUMMARY;
	r[1].packets = r[1].packets_blocked = 96;
	r[1].attempts = 31;
	r[1].destinations = 8;
	r[1].reached = kinds->reached;
	r[2].fact.monitored = true;
	r[2].packets_blocked = 0;
	r[2].fact.src = addr_ip6(UINT64_C(0x20010db810020304), 0x1234);
	r[2].fact.dst = addr_ip6(UINT64_C(0x20010db8ffff0000), 0x25);
	r[2].fact.subscriber_len = 56;
}

static void make_objects(struct kinds *kinds)
{
	char line[EVENT_RECORD_MAX];

	for (size_t i = 0; i < KINDS; i++) {
		size_t len = event_record_encode(&kinds->records[i], line);

		kinds->objects[i] = json_loadb(line, len, 0, NULL);
		if (!kinds->objects[i])
			abort();
	}
}

static double now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

static double encode(const struct kinds *kinds, FILE *out, unsigned long count)
{
	char line[EVENT_RECORD_MAX];
	double began = now_ns();

	for (unsigned long i = 0; i < count; i++)
		fwrite(line, 1, event_record_encode(&kinds->records[i % KINDS], line), out);
	fflush(out);
	return (now_ns() - began) / (double)count;
}

static double dump(const struct kinds *kinds, FILE *out, unsigned long count)
{
	double began = now_ns();

	for (unsigned long i = 0; i < count; i++) {
		if (json_dumpf(kinds->objects[i % KINDS], out, JSON_COMPACT) != 0)
			abort();
		fputc('\n', out);
	}
	fflush(out);
	return (now_ns() - began) / (double)count;
}

/* Round by round and by turns. */
static void measure(const struct kinds *kinds, FILE *out, unsigned long count, unsigned long rounds)
{
	double (*const both[])(const struct kinds *, FILE *, unsigned long) = {encode, dump};
	double *found = calloc(rounds * 2, sizeof(*found));

	if (!found)
		abort();
	for (unsigned long i = 0; i < rounds * 2; i++)
		found[i] = both[i % 2](kinds, out, count);
	for (unsigned long which = 0; which < 2; which++) {
		printf("%s\"%s\": [", which ? ", " : "{", which ? "jansson" : "encode");
		for (unsigned long round = 0; round < rounds; round++)
			printf("%s%.1f", round ? ", " : "", found[round * 2 + which]);
		printf("]");
	}
	puts("}");
	free(found);
}

int main(int argc, char **argv)
{
	static char buffer[BUFFER];
	struct kinds kinds = {.config = {.host = "gw1.isp.example",
					 .boot_id = "6e1f83a0-5b7c-4d0e-9a61-27c4b1f0d3e8",
					 .window_s = 300,
					 .utc_offset_s = 9 * 3600,
					 .reason_name = reason_text},
			      .budget = {.max = 4096}};
	unsigned long count = argc == 3 ? strtoul(argv[1], NULL, 10) : 0;
	unsigned long rounds = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	FILE *out = fopen("/dev/null", "w");

	if (count == 0 || rounds == 0 || !out) {
		fputs("usage: bench_encode RECORDS ROUNDS\n", stderr);
		return 2;
	}
	setvbuf(out, buffer, _IOFBF, sizeof(buffer));
	make_records(&kinds);
	make_objects(&kinds);
	measure(&kinds, out, count, rounds);
	for (size_t i = 0; i < KINDS; i++)
		json_decref(kinds.objects[i]);
	destinations_free(kinds.reached, &kinds.budget);
	fclose(out);
	return 0;
}
