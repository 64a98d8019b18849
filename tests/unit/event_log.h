/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of event/ share: a collector that writes into a log, and packets to observe. */
#ifndef OP25B_TESTS_EVENT_LOG_H
#define OP25B_TESTS_EVENT_LOG_H

#include "event/event.h"

#include "base/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define T0 (INT64_C(1767193200) * NSEC_PER_SEC + 123456000) /* 2026-01-01T00:00:00.123456+0900 */

enum { WINDOW_S = 300, LINES_KEPT = 64, REASON_ENFORCE = 9, REASON_TINY = 19 };

/* What the collector under test has written. */
struct log {
	char lines[LINES_KEPT][EVENT_RECORD_MAX + 1];
	size_t count;
	uint64_t packets, attempts, packets_blocked, packets_offloaded;
	uint64_t next_seq;
	bool seq_broken;
	struct event_collector *collector;
};

static inline uint64_t number_in(const char *line, const char *name)
{
	char key[64];
	const char *at;

	snprintf(key, sizeof(key), "\"%s\":", name);
	at = strstr(line, key);
	assert_non_null(at);
	return strtoull(at + strlen(key), NULL, 10);
}

static inline bool has(const char *line, const char *text)
{
	return strstr(line, text) != NULL;
}

/* The sum of a number over the objects of "rules". */
static inline uint64_t sum_in_rules(const char *line, const char *name)
{
	const char *at = strstr(line, "\"rules\":["), *end;
	uint64_t sum = 0;

	assert_non_null(at);
	end = strchr(at, ']');
	for (at = strchr(at, '{'); at && at < end; at = strchr(at + 1, '{'))
		sum += number_in(at, name);
	return sum;
}

/* The sum over the object "reasons". */
static inline uint64_t sum_of_reasons(const char *line)
{
	const char *at = strstr(line, "\"reasons\":{"), *end;
	uint64_t sum = 0;

	assert_non_null(at);
	end = strchr(at, '}');
	for (at = strstr(at + 10, "\":"); at && at < end; at = strstr(at + 1, "\":"))
		sum += strtoull(at + 2, NULL, 10);
	return sum;
}

static inline void keep_offloaded(struct log *log, const char *line)
{
	if (!has(line, "\"packets_offloaded\":"))
		return;
	assert_in_range(number_in(line, "packets_offloaded"), 1, number_in(line, "packets_blocked"));
	log->packets_offloaded += number_in(line, "packets_offloaded");
}

static inline void keep(void *context, const char *line, size_t len)
{
	struct log *log = context;
	char *copy = log->lines[log->count % LINES_KEPT];

	assert_true(len > 0 && len <= EVENT_RECORD_MAX && line[len - 1] == '\n');
	memcpy(copy, line, len);
	copy[len] = '\0';
	log->count++;
	log->packets += number_in(copy, "packets");
	log->attempts += number_in(copy, "attempts");
	log->packets_blocked += number_in(copy, "packets_blocked");
	if (strstr(copy, "\"rules\":[")) {
		assert_int_equal(sum_in_rules(copy, "packets"), number_in(copy, "packets"));
		assert_int_equal(sum_in_rules(copy, "attempts"), number_in(copy, "attempts"));
	}
	if (strstr(copy, "\"reasons\":{"))
		assert_int_equal(sum_of_reasons(copy), number_in(copy, "packets"));
	keep_offloaded(log, copy);
	log->seq_broken |= number_in(copy, "seq") != log->next_seq;
	log->next_seq++;
}

static inline const char *reason_for_test(unsigned reason)
{
	return reason == REASON_ENFORCE ? "pool-enforce" : reason == REASON_TINY ? "fragment-tiny" : "other";
}

static inline struct event_config config_for(struct log *log, uint32_t subscribers_max)
{
	return (struct event_config){
		.host = "gw1",
		.boot_id = "b1",
		.first_seq = log->next_seq,
		.window_s = WINDOW_S,
		.subscribers_max = subscribers_max,
		.utc_offset_s = 9 * 3600,
		.hash_key = {1, 2},
		.reason_name = reason_for_test,
		.emit = keep,
		.context = log,
	};
}

static inline struct log *log_new(uint32_t subscribers_max)
{
	struct log *log = calloc(1, sizeof(*log));
	struct event_config config;

	assert_non_null(log);
	config = config_for(log, subscribers_max);
	assert_int_equal(event_collector_new(&config, &log->collector), 0);
	return log;
}

static inline void log_free(struct log *log)
{
	event_collector_free(log->collector);
	free(log);
}

static inline struct event_stats stats_of(const struct log *log)
{
	struct event_stats stats;

	event_stats_get(log->collector, &stats);
	return stats;
}

/* Everything observed is in exactly one record, and the records are numbered without a gap. */
static inline void assert_accounted(struct log *log)
{
	struct event_stats stats = stats_of(log);

	assert_int_equal(log->packets, stats.observed);
	assert_int_equal(log->attempts, stats.attempts);
	assert_int_equal(log->count, stats.records);
	assert_int_equal(log->next_seq, stats.next_seq);
	assert_false(log->seq_broken);
}

static inline struct event_fact syn(int64_t after_s, uint32_t src, uint32_t dst)
{
	return (struct event_fact){
		.time_ns = T0 + after_s * NSEC_PER_SEC,
		.src = addr_ip4(src),
		.dst = addr_ip4(dst),
		.sport = 40000,
		.dport = 25,
		.subscriber_len = 32,
		.verdict = EVENT_DROP,
		.attempt = true,
		.tcp_flags = 0x02,
		.ttl = 63,
		.tos = 8,
		.ip_len = 60,
		.tcp_window = 64240,
		.ip_id = 4711,
		.tcp_seq = 1000,
		.reason = REASON_ENFORCE,
		.in_iface = "ppp0",
		.names = {"homes", "pool", "homes", "0123abcd"},
	};
}

/* So many packets of a subscriber that the kernel blocked by itself. */
static inline struct event_fact offloaded(int64_t after_s, uint32_t src, uint64_t packets)
{
	return (struct event_fact){
		.time_ns = T0 + after_s * NSEC_PER_SEC,
		.src = addr_ip4(src),
		.subscriber_len = 32,
		.verdict = EVENT_DROP,
		.reason = REASON_ENFORCE,
		.names = {"homes", "pool", "homes", "0123abcd"},
		.offloaded = packets,
	};
}

static const uint32_t ALICE = 0xc0000201, BOB = 0xc0000202,
		      MX = 0xc6336401; /* 192.0.2.1, 192.0.2.2, 198.51.100.1 */

static inline void observe(struct log *log, struct event_fact fact)
{
	event_observe(log->collector, &fact, 1);
}

#endif
