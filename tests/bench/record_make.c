/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Record lines to fill a store with: record_make RECORDS [SUBSCRIBERS] writes so many to standard output, five minutes of each
 * subscriber after five minutes of the last. One subscriber in 16 is a bot with many destinations, the others have one or two.
 */
#include "event/event.h"
#include "event/record.h"

#include "base/moment.h"

#include <stdio.h>
#include <stdlib.h>

#define BEGIN_NS (INT64_C(1767193200) * NSEC_PER_SEC)

enum { WINDOW_S = 300, SUBSCRIBERS = 20000 };

static uint64_t state = 1;

static uint64_t draw(uint64_t below)
{
	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (state >> 24) % below;
}

static const char *reason_name(unsigned reason)
{
	return reason == 9 ? "pool-enforce" : "unlisted";
}

static uint64_t destinations_of(uint64_t subscriber)
{
	if (subscriber % 16 == 0)
		return 2 + draw(90);
	return 1 + (subscriber % 5 == 0);
}

static void reach(struct destinations **set, struct destinations_budget *budget, uint64_t subscriber,
		  uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		struct addr addr = addr_ip4((
			uint32_t)(0xc6330000 + (subscriber % 16 == 0 ? draw(30000) : subscriber % 1000 + i)));

		if (!destinations_add(set, &addr, budget))
			exit(1);
	}
}

static struct event_fact fact_of(uint64_t subscriber, int64_t time_ns)
{
	const char *pool = subscriber % 3 ? "homes" : "mobiles";

	return (struct event_fact){
		.time_ns = time_ns,
		.src = addr_ip4((uint32_t)(0x0a000000 + subscriber)),
		.dst = addr_ip4((uint32_t)(0xc6330000 + subscriber % 1000)),
		.sport = (uint16_t)(32768 + draw(28000)),
		.dport = 25,
		.subscriber_len = 32,
		.verdict = EVENT_DROP,
		.tcp_flags = 2,
		.ttl = 63,
		.ip_len = 60,
		.tcp_window = 64240,
		.ip_id = (uint32_t)draw(65536),
		.tcp_seq = (uint32_t)draw(UINT32_MAX),
		.reason = 9,
		.in_iface = "ppp0",
		.names = {pool, "pool", pool, "6f1c2a90b3d4e5f7"},
	};
}

static size_t make(const struct event_config *config, uint64_t seq, uint64_t subscribers,
		   char line[EVENT_RECORD_MAX])
{
	struct destinations_budget budget = {.max = 1 << 20};
	struct destinations *set = NULL;
	uint64_t subscriber = seq % subscribers;
	struct event_record record = {
		.config = config,
		.kind = seq < subscribers ? EVENT_KIND_FIRST : EVENT_KIND_SUMMARY,
		.seq = seq,
		.first_ns = BEGIN_NS + (int64_t)(seq * (WINDOW_S * UINT64_C(1000000000) / subscribers)),
		.packets = 1 + draw(40),
	};
	size_t len;

	record.last_ns = record.first_ns + (int64_t)draw(WINDOW_S) * NSEC_PER_SEC;
	record.attempts = record.packets / 3 + 1;
	record.packets_blocked = record.packets;
	record.fact = fact_of(subscriber, record.last_ns);
	reach(&set, &budget, subscriber, destinations_of(subscriber));
	record.destinations = destinations_count(set, &record.destinations_exact);
	record.reached = set;
	len = event_record_encode(&record, line);
	destinations_free(set, &budget);
	return len;
}

int main(int argc, char **argv)
{
	const struct event_config config = {
		.host = "gw1.example.net",
		.boot_id = "7d0c8ab8-4b0e-4a55-8f6c-0d4b2a1f9e33",
		.window_s = WINDOW_S,
		.utc_offset_s = 9 * 3600,
		.reason_name = reason_name,
	};
	uint64_t records = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
	uint64_t subscribers = argc > 2 ? strtoull(argv[2], NULL, 10) : SUBSCRIBERS;
	static char line[EVENT_RECORD_MAX];

	if (records == 0 || subscribers == 0)
		return 2;
	for (uint64_t seq = 0; seq < records; seq++) {
		size_t len = make(&config, seq, subscribers, line);

		if (fwrite(line, 1, len, stdout) != len)
			return 1;
	}
	return fflush(stdout) == 0 ? 0 : 1;
}
