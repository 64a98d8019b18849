/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/explain.h"
#include "daemon/gather.h"
#include "daemon/judge.h"
#include "daemon/logwriter.h"
#include "ruleset/marks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

/* Ring */

static const struct event_fact *peek(struct ring *ring)
{
	size_t count = 0;
	const struct event_fact *facts = ring_peek(ring, &count);

	assert_true((facts != NULL) == (count > 0));
	return facts;
}

static void test_ring_is_bounded_and_in_order(void **state)
{
	struct ring *ring = NULL;

	assert_int_equal(ring_new(3, &ring), -EINVAL);
	assert_int_equal(ring_new(0, &ring), -EINVAL);
	assert_null(ring);
	assert_int_equal(ring_new(4, &ring), 0);
	for (int round = 0; round < 10; round++) {
		assert_null(peek(ring));
		for (int i = 0; i < 4; i++) {
			ring_reserve(ring)->time_ns = i;
			ring_commit(ring);
		}
		assert_null(ring_reserve(ring));
		for (int i = 0; i < 4; i++) {
			assert_int_equal(peek(ring)->time_ns, i);
			ring_release(ring, 1);
		}
	}
	ring_free(ring);
}

enum { RING_ROUNDS = 300000 };

static void *write_ring(void *argument)
{
	struct ring *ring = argument;

	for (int64_t i = 0; i < RING_ROUNDS; i++) {
		struct event_fact *fact;

		while ((fact = ring_reserve(ring)) == NULL)
			sched_yield();
		fact->time_ns = i;
		fact->tcp_seq = (uint32_t)(i * 7);
		ring_commit(ring);
	}
	return NULL;
}

static void test_ring_between_threads(void **state)
{
	struct ring *ring = NULL;
	pthread_t writer;

	assert_int_equal(ring_new(64, &ring), 0);
	pthread_create(&writer, NULL, write_ring, ring);
	for (int64_t i = 0; i < RING_ROUNDS; i++) {
		const struct event_fact *fact;

		while ((fact = peek(ring)) == NULL)
			sched_yield();
		assert_int_equal(fact->time_ns, i);
		assert_int_equal(fact->tcp_seq, (uint32_t)(i * 7));
		ring_release(ring, 1);
	}
	pthread_join(writer, NULL);
	assert_null(peek(ring));
	ring_free(ring);
}

/* Ledger */

enum { LEDGER_ROUNDS = 200000 };

static atomic_bool counting;

static void *count_packets(void *argument)
{
	struct ledger *ledger = argument;

	for (uint64_t i = 0; i < LEDGER_ROUNDS; i++) {
		ledger_add(ledger, LEDGER_RECEIVED, 3);
		ledger_add(ledger, LEDGER_IN_FLIGHT, 3);
		ledger_publish(ledger);
		ledger_add(ledger, LEDGER_ACCEPTED, i % 4);
		ledger_add(ledger, LEDGER_DROPPED, 3 - i % 4);
		for (unsigned reason = 0; reason < REASONS; reason++)
			ledger_add(ledger, ledger_decision(VERDICT_ACCEPT, reason), i % 4);
		ledger_subtract(ledger, LEDGER_IN_FLIGHT, 3);
		ledger_publish(ledger);
	}
	counting = false;
	return NULL;
}

static void check_balance(const struct ledger *ledger, struct ledger_counts *counts)
{
	const uint64_t *v = counts->values;

	*counts = (struct ledger_counts){0};
	ledger_collect(ledger, counts);
	assert_int_equal(v[LEDGER_RECEIVED], v[LEDGER_ACCEPTED] + v[LEDGER_DROPPED] + v[LEDGER_FAILED_OPEN] +
						     v[LEDGER_IN_FLIGHT]);
	for (unsigned reason = 0; reason < REASONS; reason++)
		assert_int_equal(v[LEDGER_ACCEPTED], v[ledger_decision(VERDICT_ACCEPT, reason)]);
}

static void test_ledger_balances_at_every_moment(void **state)
{
	struct ledger *ledger = ledger_new();
	struct ledger_counts counts;
	pthread_t worker;

	counting = true;
	pthread_create(&worker, NULL, count_packets, ledger);
	while (counting)
		check_balance(ledger, &counts);
	pthread_join(worker, NULL);
	check_balance(ledger, &counts);
	assert_int_equal(counts.values[LEDGER_RECEIVED], 3 * LEDGER_ROUNDS);
	assert_int_equal(counts.values[LEDGER_IN_FLIGHT], 0);
	ledger_free(ledger);
}

static void test_ledger_shows_nothing_before_publishing(void **state)
{
	struct ledger *ledger = ledger_new();
	struct ledger_counts counts = {0};

	ledger_add(ledger, LEDGER_RECEIVED, 5);
	ledger_collect(ledger, &counts);
	assert_int_equal(counts.values[LEDGER_RECEIVED], 0);
	ledger_publish(ledger);
	ledger_collect(ledger, &counts);
	ledger_collect(ledger, &counts); /* adds, so that workers sum up */
	assert_int_equal(counts.values[LEDGER_RECEIVED], 10);
	ledger_free(ledger);
}

/* Judge */

static const char policy_text[] = "[gateway]\n"
				  "mode = enforce\n"
				  "fail = %s\n"
				  "upstream_interfaces = up*\n"
				  "subscriber_interfaces = sub*\n"
				  "[pool homes]\n"
				  "prefix = 198.51.100.0/24\n"
				  "prefix = 2001:db8:100::/48\n"
				  "delegated_prefix_length = 56\n"
				  "[pool resets]\n"
				  "prefix = 198.51.101.0/24\n"
				  "action = reset\n"
				  "[pool icmps]\n"
				  "prefix = 198.51.102.0/24\n"
				  "action = icmp\n"
				  "[pool trial]\n"
				  "prefix = 198.51.103.0/24\n"
				  "monitor_from = 2026-01-01T00:00:00Z\n"
				  "[relay mx]\n"
				  "address = 192.0.2.25\n"
				  "interface = srv0\n";

enum { JANUARY = 1767225600, RING_PLACES = 8 }; /* 2026-01-01T00:00:00Z */

struct bench {
	struct world world;
	struct ledger *ledger;
	struct ring *ring;
	struct ifcache *interfaces;
	struct judge *judge;
	size_t names_asked;
};

/* Interface 1 is sub0, 2 is up0, 3 is srv0. */
static bool name_interface(void *context, uint32_t ifindex, char name[IF_NAME_MAX])
{
	static const char *const names[] = {"", "sub0", "up0", "srv0"};
	struct bench *bench = context;

	bench->names_asked++;
	if (ifindex == 0 || ifindex > 3)
		return false;
	memset(name, 0, IF_NAME_MAX);
	memcpy(name, names[ifindex], strlen(names[ifindex]));
	return true;
}

static void bench_open(struct bench *bench, const char *fail)
{
	char text[2048];
	struct diag_list diags = {0};
	FILE *stream;

	*bench = (struct bench){.world.generation = 1};
	snprintf(text, sizeof(text), policy_text, fail);
	stream = fmemopen(text, strlen(text), "r");
	if (policy_read_stream(stream, "test.ini", NULL, JANUARY, &diags, &bench->world.policy) < 0)
		diag_print(&diags, stderr);
	fclose(stream);
	diag_list_free(&diags);
	assert_non_null(bench->world.policy);
	assert_int_equal(engine_build(bench->world.policy, &bench->world.engine), 0);
	assert_int_equal(ring_new(RING_PLACES, &bench->ring), 0);
	bench->ledger = ledger_new();
	bench->interfaces = ifcache_new(name_interface, bench);
	bench->judge = judge_new(bench->ledger, bench->ring, bench->interfaces);
	assert_non_null(bench->judge);
}

static void bench_close(struct bench *bench)
{
	judge_free(bench->judge);
	ifcache_free(bench->interfaces);
	ledger_free(bench->ledger);
	ring_free(bench->ring);
	engine_free(bench->world.engine);
	policy_free(bench->world.policy);
}

static void make_syn(uint8_t bytes[40], uint8_t net3, uint8_t host)
{
	const uint8_t syn[40] = {0x45, 0,    0,   40, 0x12, 0x34, 0x40, 0,    63, 6,  0, 0, 198, 51,
				 net3, host, 203, 0,  113,  25,   0xc0, 1,    0,  25, 0, 0, 0,   9,
				 0,    0,    0,   0,  0x50, 2,    0xff, 0xff, 0,  0,  0, 0};

	memcpy(bytes, syn, sizeof(syn));
}

static struct queue_packet queued(uint32_t id, const uint8_t *bytes, uint32_t len, uint32_t ifindex)
{
	return (struct queue_packet){
		.id = id, .payload = bytes, .len = len, .wire_len = len, .ifindex_in = ifindex};
}

static struct queue_verdict judge_one(struct bench *bench, const struct queue_packet *packet)
{
	struct queue_verdict verdict;

	judge_batch(bench->judge, &bench->world, packet, 1, JANUARY * NSEC_PER_SEC, 0, &verdict);
	ledger_publish(bench->ledger);
	return verdict;
}

static uint64_t counted(const struct bench *bench, unsigned slot)
{
	struct ledger_counts counts = {0};

	ledger_collect(bench->ledger, &counts);
	return counts.values[slot];
}

static void test_verdicts_and_marks(void **state)
{
	static const struct {
		uint8_t net3;
		uint32_t ifindex;
		uint8_t answer;
		uint32_t mark;
		bool fact;
	} cases[] = {
		{100, 1, QUEUE_DROP, 0, true},           {101, 1, QUEUE_ACCEPT, MARK_RESET, true},
		{102, 1, QUEUE_ACCEPT, MARK_ICMP, true}, {103, 1, QUEUE_ACCEPT, 0, true},
		{100, 2, QUEUE_ACCEPT, 0, false},        {104, 1, QUEUE_DROP, 0, true},
	};
	struct bench bench;
	uint8_t bytes[40];

	bench_open(&bench, "closed");
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct queue_packet packet;
		struct queue_verdict verdict;

		make_syn(bytes, cases[i].net3, 7);
		packet = queued(i + 1, bytes, sizeof(bytes), cases[i].ifindex);
		verdict = judge_one(&bench, &packet);
		assert_int_equal(verdict.id, i + 1);
		assert_int_equal(verdict.answer, cases[i].answer);
		assert_int_equal(verdict.mark, cases[i].mark);
		assert_int_equal(peek(bench.ring) != NULL, cases[i].fact);
		if (cases[i].fact)
			ring_release(bench.ring, 1);
	}
	assert_int_equal(counted(&bench, LEDGER_DROPPED), 4); /* a reset is a drop too */
	assert_int_equal(counted(&bench, LEDGER_ACCEPTED), 2);
	assert_int_equal(counted(&bench, ledger_decision(VERDICT_RESET, REASON_POOL_ENFORCE)), 1);
	assert_int_equal(counted(&bench, (unsigned)LEDGER_MONITORED + REASON_POOL_MONITOR), 1);
	bench_close(&bench);
}

static void test_fact_tells_what_the_packet_showed(void **state)
{
	const struct event_fact *fact;
	struct queue_packet packet;
	struct bench bench;
	uint8_t bytes[40];

	bench_open(&bench, "closed");
	make_syn(bytes, 101, 9);
	packet = queued(5, bytes, sizeof(bytes), 1);
	judge_one(&bench, &packet);
	fact = peek(bench.ring);
	assert_non_null(fact);
	assert_int_equal(fact->src.lo, 0xc6336509);
	assert_int_equal(fact->dst.lo, 0xcb007119);
	assert_int_equal(fact->sport, 0xc001);
	assert_int_equal(fact->dport, 25);
	assert_int_equal(fact->subscriber_len, 32);
	assert_int_equal(fact->verdict, EVENT_RESET);
	assert_false(fact->monitored);
	assert_true(fact->attempt);
	assert_int_equal(fact->ttl, 63);
	assert_int_equal(fact->ip_id, 0x1234);
	assert_int_equal(fact->reason, REASON_POOL_ENFORCE);
	assert_int_equal(fact->time_ns, JANUARY * NSEC_PER_SEC);
	assert_string_equal(fact->in_iface, "sub0");
	assert_string_equal(fact->names.rule, "resets");
	assert_string_equal(fact->names.rule_kind, "pool");
	assert_string_equal(fact->names.pool, "resets");
	assert_string_equal(fact->names.digest, bench.world.policy->digest);
	bench_close(&bench);
}

/* Every packet has a verdict, in order, also where the kernel showed nothing of it or half of it. */
static void test_mixed_batch_answers_everything(void **state)
{
	static uint8_t bytes[QUEUE_BATCH_MAX][40];
	static struct queue_packet packets[QUEUE_BATCH_MAX];
	static struct queue_verdict verdicts[QUEUE_BATCH_MAX];
	struct bench bench;

	bench_open(&bench, "closed");
	for (uint32_t i = 0; i < QUEUE_BATCH_MAX; i++) {
		make_syn(bytes[i], 100, (uint8_t)i);
		packets[i] = queued(1000 + i, i % 5 ? bytes[i] : NULL, i % 5 ? i % 41 : 0, i % 4);
	}
	judge_batch(bench.judge, &bench.world, packets, QUEUE_BATCH_MAX, JANUARY * NSEC_PER_SEC, 0, verdicts);
	ledger_publish(bench.ledger);
	for (uint32_t i = 0; i < QUEUE_BATCH_MAX; i++) {
		assert_int_equal(verdicts[i].id, 1000 + i);
		if (i % 5 == 0)
			assert_int_equal(verdicts[i].answer, QUEUE_DROP);
	}
	assert_int_equal(counted(&bench, LEDGER_ACCEPTED) + counted(&bench, LEDGER_DROPPED), QUEUE_BATCH_MAX);
	assert_int_equal(counted(&bench, LEDGER_UNJUDGED), (QUEUE_BATCH_MAX + 4) / 5);
	bench_close(&bench);
}

static void test_unjudged_packet_gets_the_fail_mode(void **state)
{
	struct queue_packet packet = queued(9, NULL, 0, 1);
	struct bench bench;

	bench_open(&bench, "open");
	assert_int_equal(judge_one(&bench, &packet).answer, QUEUE_ACCEPT);
	assert_int_equal(counted(&bench, LEDGER_FAILED_OPEN), 1);
	assert_int_equal(counted(&bench, LEDGER_ACCEPTED), 0);
	bench_close(&bench);
	bench_open(&bench, "closed");
	assert_int_equal(judge_one(&bench, &packet).answer, QUEUE_DROP);
	assert_int_equal(counted(&bench, LEDGER_FAILED_OPEN), 0);
	assert_int_equal(counted(&bench, LEDGER_DROPPED), 1);
	bench_close(&bench);
}

static void test_full_ring_keeps_counts_and_verdicts(void **state)
{
	struct bench bench;
	uint8_t bytes[40];

	bench_open(&bench, "open");
	make_syn(bytes, 100, 1);
	for (uint32_t i = 0; i < 20; i++) {
		struct queue_packet packet = queued(i, bytes, sizeof(bytes), 1);

		assert_int_equal(judge_one(&bench, &packet).answer, QUEUE_DROP);
	}
	assert_int_equal(counted(&bench, LEDGER_DROPPED), 20);
	assert_int_equal(counted(&bench, (unsigned)LEDGER_UNATTRIBUTED + REASON_POOL_ENFORCE),
			 20 - RING_PLACES);
	assert_false(judge_settle(bench.judge)); /* still no room */
	for (int i = 0; i < RING_PLACES; i++) {
		assert_int_equal(peek(bench.ring)->many.packets, 0);
		ring_release(bench.ring, 1);
	}
	assert_true(judge_settle(bench.judge));
	assert_int_equal(peek(bench.ring)->many.packets, 20 - RING_PLACES);
	assert_int_equal(peek(bench.ring)->many.attempts, 20 - RING_PLACES);
	assert_int_equal(peek(bench.ring)->reason, REASON_POOL_ENFORCE);
	assert_int_equal(peek(bench.ring)->verdict, EVENT_DROP);
	assert_false(peek(bench.ring)->monitored);
	assert_string_equal(peek(bench.ring)->names.digest, bench.world.policy->digest);
	ring_release(bench.ring, 1);
	assert_null(peek(bench.ring));
	assert_true(judge_settle(bench.judge));
	bench_close(&bench);
}

static void test_interface_names_are_kept_for_a_second_and_one_engine(void **state)
{
	struct bench bench;
	const struct ifcache_entry *entry;

	bench_open(&bench, "open");
	for (int i = 0; i < 10; i++)
		entry = ifcache_get(bench.interfaces, bench.world.engine, 1, 2, i);
	assert_int_equal(bench.names_asked, 1);
	assert_string_equal(entry->name, "up0");
	assert_int_equal(entry->interface.side, ENGINE_SIDE_UPSTREAM);
	entry = ifcache_get(bench.interfaces, bench.world.engine, 2, 2, 10);
	assert_int_equal(bench.names_asked, 2);
	entry = ifcache_get(bench.interfaces, bench.world.engine, 2, 2, 10 + IFCACHE_KEEP_S * NSEC_PER_SEC);
	assert_int_equal(bench.names_asked, 3);
	/* 4098 shares a place with 2: neither may get the other's answer. */
	entry = ifcache_get(bench.interfaces, bench.world.engine, 2, 4098, 11);
	assert_string_equal(entry->name, "");
	assert_int_equal(entry->interface.side, ENGINE_SIDE_UNKNOWN);
	entry = ifcache_get(bench.interfaces, bench.world.engine, 2, 2, 11);
	assert_string_equal(entry->name, "up0");
	bench_close(&bench);
}

/* Explain */

static json_t *explain(const struct bench *bench, const char *src, const char *dst, const char *at,
		       const char *iface, char text[CONTROL_ERROR_TEXT_MAX])
{
	json_t *request =
		json_pack("{s:s*, s:s*, s:s*, s:s*}", "src", src, "dst", dst, "at", at, "iface", iface);
	json_t *answer = explain_json(&bench->world, JANUARY, request, text);

	json_decref(request);
	return answer;
}

static void expect_text(const json_t *answer, const char *key, const char *wanted)
{
	assert_string_equal(json_string_value(json_object_get(answer, key)), wanted);
}

static void test_explain_names_rule_and_date(void **state)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	struct bench bench;
	json_t *answer;

	bench_open(&bench, "open");
	answer = explain(&bench, "198.51.103.1", "203.0.113.1", "2025-12-31T23:59:59+00:00", NULL, text);
	expect_text(answer, "verdict", "accept");
	expect_text(answer, "reason", "pool-off");
	expect_text(answer, "next_change", "2026-01-01T00:00:00Z");
	json_decref(answer);
	answer = explain(&bench, "198.51.103.1", "203.0.113.1", "2026-01-01T09:00:00+09:00", "sub3", text);
	expect_text(answer, "verdict", "accept");
	expect_text(answer, "would", "drop");
	expect_text(answer, "reason", "pool-monitor");
	expect_text(json_object_get(answer, "rule"), "name", "trial");
	assert_true(json_is_null(json_object_get(answer, "next_change")));
	json_decref(answer);
	answer = explain(&bench, "2001:db8:100::1", "2001:db8:ffff::1", NULL, "up9", text);
	expect_text(answer, "reason", "inbound");
	expect_text(answer, "iface", "up9");
	json_decref(answer);
	bench_close(&bench);
}

static void test_explain_refuses_bad_arguments(void **state)
{
	static const struct {
		const char *src, *dst, *at, *iface, *says;
	} cases[] = {
		{NULL, "192.0.2.1", NULL, NULL, "no \"src\""},
		{"198.51.100.1", NULL, NULL, NULL, "no \"dst\""},
		{"198.51.100.256", "192.0.2.1", NULL, NULL, "src: \"198.51.100.256\""},
		{"198.51.100.1", "2001:db8::1", NULL, NULL, "not of one address family"},
		{"198.51.100.1", "192.0.2.1", "tomorrow", NULL, "at: \"tomorrow\""},
		{"198.51.100.1", "192.0.2.1", "2026-01-01T00:00:00", NULL, "at: "},
		{"198.51.100.1", "192.0.2.1", NULL, "a-name-that-is-too-long", "iface: "},
		{"198.51.100.1", "192.0.2.1", NULL, "", "iface: "},
	};
	char text[CONTROL_ERROR_TEXT_MAX];
	struct bench bench;

	bench_open(&bench, "open");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_null(explain(&bench, cases[i].src, cases[i].dst, cases[i].at, cases[i].iface, text));
		assert_non_null(strstr(text, cases[i].says));
	}
	bench_close(&bench);
}

/* Log writer */

struct file {
	char directory[64];
	char path[96];
	char old_path[96];
};

static int file_setup(void **state)
{
	struct file *file = calloc(1, sizeof(*file));

	assert_non_null(file);
	strcpy(file->directory, "/tmp/op25b-log.XXXXXX");
	assert_non_null(mkdtemp(file->directory));
	snprintf(file->path, sizeof(file->path), "%s/events.json", file->directory);
	snprintf(file->old_path, sizeof(file->old_path), "%s/events.json.1", file->directory);
	signal(SIGXFSZ, SIG_IGN);
	*state = file;
	return 0;
}

static void limit_files(rlim_t bytes)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static int file_teardown(void **state)
{
	struct file *file = *state;

	limit_files(RLIM_INFINITY);
	(void)unlink(file->path);
	(void)unlink(file->old_path);
	assert_int_equal(rmdir(file->directory), 0);
	free(file);
	return 0;
}

static void expect_content(const char *path, const char *wanted)
{
	char text[4096];
	FILE *file = fopen(path, "r");
	size_t n;

	assert_non_null(file);
	n = fread(text, 1, sizeof(text) - 1, file);
	text[n] = '\0';
	fclose(file);
	assert_string_equal(text, wanted);
}

static void add(struct logwriter *writer, const char *line)
{
	logwriter_add(writer, line, strlen(line));
}

static struct logwriter_stats stats_of(const struct logwriter *writer)
{
	struct logwriter_stats stats;

	logwriter_stats_get(writer, &stats);
	return stats;
}

static void test_log_survives_a_full_disk(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 64);

	limit_files(15);
	add(writer, "first line\n");
	add(writer, "second line\n");
	assert_int_equal(logwriter_flush(writer), LOGWRITER_FAILED);
	assert_int_equal(stats_of(writer).error, -EFBIG);
	expect_content(file->path, "first line\nseco");
	assert_int_equal(logwriter_flush(writer), LOGWRITER_SAME); /* said once */
	for (int i = 0; i < 9; i++)
		add(writer, "line nine\n");
	assert_int_equal(stats_of(writer).lost, 4); /* 64 bytes hold what was begun, 12, and five times ten */
	assert_int_equal(stats_of(writer).lines, 11);
	limit_files(RLIM_INFINITY);
	assert_int_equal(logwriter_flush(writer), LOGWRITER_RECOVERED);
	expect_content(file->path,
		       "first line\nsecond line\nline nine\nline nine\nline nine\nline nine\nline nine\n");
	assert_int_equal(stats_of(writer).lost_in_failure, 4);
	assert_int_equal(stats_of(writer).written, 7);
	assert_int_equal(stats_of(writer).waiting, 0);
	add(writer, "after\n");
	assert_int_equal(logwriter_flush(writer), LOGWRITER_SAME);
	logwriter_free(writer);
}

static void test_log_says_what_fits(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 24);

	assert_true(logwriter_fits(writer, 24));
	assert_false(logwriter_fits(writer, 25));
	limit_files(15);
	add(writer, "first line\n");
	add(writer, "second line\n");
	assert_true(logwriter_fits(writer, 1));
	assert_false(logwriter_fits(writer, 2));
	assert_int_equal(logwriter_flush(writer), LOGWRITER_FAILED);
	/* The first line is written and makes room; the second is begun, and stays whole. */
	assert_true(logwriter_fits(writer, 12));
	assert_false(logwriter_fits(writer, 13));
	add(writer, "eleven b..\n");
	limit_files(RLIM_INFINITY);
	assert_int_equal(logwriter_flush(writer), LOGWRITER_RECOVERED);
	assert_true(logwriter_fits(writer, 24));
	expect_content(file->path, "first line\nsecond line\neleven b..\n");
	logwriter_free(writer);
}

/* A rotation while a line is half written: the old file must not keep half a line, the new one gets it whole. */
static void test_log_rotated_while_full(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 256);

	limit_files(15);
	add(writer, "first line\n");
	add(writer, "second line\n");
	assert_int_equal(logwriter_flush(writer), LOGWRITER_FAILED);
	assert_int_equal(rename(file->path, file->old_path), 0);
	assert_int_equal(logwriter_reopen(writer, NULL), 0);
	expect_content(file->old_path, "first line\n");
	assert_int_equal(logwriter_flush(writer), LOGWRITER_RECOVERED);
	expect_content(file->path, "second line\n");
	logwriter_free(writer);
}

static void test_log_rotated_when_room_came_back(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 256);

	limit_files(15);
	add(writer, "first line\n");
	add(writer, "second line\n");
	(void)logwriter_flush(writer);
	limit_files(RLIM_INFINITY);
	assert_int_equal(rename(file->path, file->old_path), 0);
	assert_int_equal(logwriter_reopen(writer, NULL), 0);
	expect_content(file->old_path, "first line\nsecond line\n");
	add(writer, "third line\n");
	(void)logwriter_flush(writer);
	expect_content(file->path, "third line\n");
	logwriter_free(writer);
}

static void test_log_ends_whole_when_the_daemon_ends(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 256);

	limit_files(15);
	add(writer, "first line\n");
	add(writer, "second line\n");
	(void)logwriter_flush(writer);
	logwriter_free(writer);
	expect_content(file->path, "first line\n");
}

static void test_half_line_of_a_killed_daemon_is_ended(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 256);
	FILE *before = fopen(file->path, "w");

	assert_non_null(before);
	fputs("{\"half", before);
	fclose(before);
	add(writer, "{}\n");
	assert_int_equal(logwriter_flush(writer), LOGWRITER_SAME);
	expect_content(file->path, "{\"half\n{}\n");
	logwriter_free(writer);
}

static void test_log_directory_comes_back(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 256);

	assert_int_equal(rmdir(file->directory), 0);
	add(writer, "one\n");
	assert_int_equal(logwriter_flush(writer), LOGWRITER_FAILED);
	assert_int_equal(stats_of(writer).error, -ENOENT);
	assert_int_equal(mkdir(file->directory, 0700), 0);
	assert_int_equal(logwriter_flush(writer), LOGWRITER_RECOVERED);
	expect_content(file->path, "one\n");
	logwriter_free(writer);
}

static void test_log_moves_to_another_path(void **state)
{
	const struct file *file = *state;
	struct logwriter *writer = logwriter_new(file->path, 256);

	add(writer, "one\n");
	(void)logwriter_flush(writer);
	assert_int_equal(logwriter_reopen(writer, file->old_path), 0);
	add(writer, "two\n");
	(void)logwriter_flush(writer);
	expect_content(file->path, "one\n");
	expect_content(file->old_path, "two\n");
	assert_string_equal(logwriter_path(writer), file->old_path);
	logwriter_free(writer);
}

#define FILE_TEST(name) cmocka_unit_test_setup_teardown(name, file_setup, file_teardown)

/* Gathering */

/* Packets that come singly, at a distance; true when the worker was ever told to wait for more. */
static bool is_ever_gathered(int64_t distance_ns, size_t packets)
{
	struct gather gather = {0};
	bool due = false;

	for (int i = 1; i <= 1000; i++)
		due |= gather_is_due(&gather, i * distance_ns, packets);
	return due;
}

static void test_packets_gather_only_under_load(void **state)
{
	struct gather gather = {0};

	(void)state;
	assert_false(is_ever_gathered(1000000, 1));  /* 1,000 a second */
	assert_false(is_ever_gathered(100000, 1));   /* 10,000 */
	assert_true(is_ever_gathered(20000, 1));     /* 50,000 */
	assert_true(is_ever_gathered(250000, 16));   /* 64,000 */
	assert_false(is_ever_gathered(250000, 256)); /* so many at once that waiting gains nothing */
	/* The first packet after a silence is answered as it comes, however great the load was before. */
	for (int i = 1; i <= 100; i++)
		(void)gather_is_due(&gather, i * 10000, 1);
	assert_true(gather_is_due(&gather, 1010000, 1));
	assert_false(gather_is_due(&gather, 10000000, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packets_gather_only_under_load),
		cmocka_unit_test(test_ring_is_bounded_and_in_order),
		cmocka_unit_test(test_ring_between_threads),
		cmocka_unit_test(test_ledger_balances_at_every_moment),
		cmocka_unit_test(test_ledger_shows_nothing_before_publishing),
		cmocka_unit_test(test_verdicts_and_marks),
		cmocka_unit_test(test_fact_tells_what_the_packet_showed),
		cmocka_unit_test(test_mixed_batch_answers_everything),
		cmocka_unit_test(test_unjudged_packet_gets_the_fail_mode),
		cmocka_unit_test(test_full_ring_keeps_counts_and_verdicts),
		cmocka_unit_test(test_interface_names_are_kept_for_a_second_and_one_engine),
		cmocka_unit_test(test_explain_names_rule_and_date),
		cmocka_unit_test(test_explain_refuses_bad_arguments),
		FILE_TEST(test_log_survives_a_full_disk),
		FILE_TEST(test_log_says_what_fits),
		FILE_TEST(test_log_rotated_while_full),
		FILE_TEST(test_log_rotated_when_room_came_back),
		FILE_TEST(test_log_ends_whole_when_the_daemon_ends),
		FILE_TEST(test_half_line_of_a_killed_daemon_is_ended),
		FILE_TEST(test_log_directory_comes_back),
		FILE_TEST(test_log_moves_to_another_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
