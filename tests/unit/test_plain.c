/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The short ways of packets that have nothing odd: what they find is what the careful ways find. */
#include "engine/engine.h"
#include "packet/packet.h"

#include "random_policy.h"

#include <stdio.h>
#include <string.h>

enum { SOURCES = 200, TARGETS = 100, SOURCE_BASE = 0x0a000000, TARGET_BASE = 0x0b000000 };
enum { HEADERS = 40, OPTIONS = 4, ETHERNET = 14, FRAME_MAX = 96 };
#ifdef __SANITIZE_ADDRESS__
enum { FRAMES = 100000, POLICIES = 60, LOTS = 40 };
#else
enum { FRAMES = 1000000, POLICIES = 300, LOTS = 100 };
#endif

static void fill(uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)random_below(256);
}

/* IPv4 and TCP headers in `len` bytes; most often sound, else with a byte or two of them changed. */
static void make_ip(uint8_t *ip, size_t len)
{
	fill(ip, len);
	ip[0] = 0x45;
	ip[2] = 0;
	ip[3] = (uint8_t)(chance(80) ? len - random_below(3) : random_below(FRAME_MAX));
	ip[6] = chance(50) ? 0x40 : 0;
	ip[7] = 0;
	ip[9] = IP_PROTOCOL_TCP;
	ip[32] = (uint8_t)((5 + (chance(30) ? random_below(11) : 0)) << 4);
	if (chance(70)) {
		ip[22] = 0;
		ip[23] = SMTP_PORT;
	}
	for (uint32_t changes = chance(40) ? 1 + random_below(2) : 0; changes > 0; changes--)
		ip[random_below(HEADERS)] = (uint8_t)random_below(256);
}

static void assert_same_facts(const struct packet *a, const struct packet *b)
{
	assert_true(addr_equal(&a->src, &b->src) && addr_equal(&a->dst, &b->dst));
	assert_int_equal(a->family, b->family);
	assert_int_equal(a->fault, b->fault);
	assert_int_equal(a->fragment, b->fragment);
	assert_int_equal(a->fragment_offset, b->fragment_offset);
	assert_int_equal(a->protocol, b->protocol);
	assert_int_equal(a->has_protocol, b->has_protocol);
	assert_int_equal(a->has_ports, b->has_ports);
	assert_int_equal(a->has_flags, b->has_flags);
	assert_int_equal(a->tcp_flags, b->tcp_flags);
	assert_int_equal(a->sport, b->sport);
	assert_int_equal(a->dport, b->dport);
}

static void assert_same_details(const struct packet *a, const struct packet *b)
{
	assert_int_equal(a->dont_fragment, b->dont_fragment);
	assert_int_equal(a->ttl, b->ttl);
	assert_int_equal(a->tos, b->tos);
	assert_int_equal(a->ip_id, b->ip_id);
	assert_int_equal(a->tcp_window, b->tcp_window);
	assert_int_equal(a->tcp_seq, b->tcp_seq);
	assert_int_equal(a->tcp_ack, b->tcp_ack);
	assert_int_equal(a->vlan_count, b->vlan_count);
}

/* The same packet with four bytes of IP options, which only the careful way reads. */
static void parse_carefully(const uint8_t *ip, size_t len, struct packet *ret)
{
	uint8_t longer[FRAME_MAX + OPTIONS];
	size_t total = (size_t)ip[2] << 8 | ip[3];

	memcpy(longer, ip, 20);
	memset(longer + 20, 1, OPTIONS);
	memcpy(longer + 20 + OPTIONS, ip + 20, len - 20);
	longer[0]++;
	longer[2] = (uint8_t)((total + OPTIONS) >> 8);
	longer[3] = (uint8_t)(total + OPTIONS);
	packet_parse_ip(longer, len + OPTIONS, len + OPTIONS, ret);
	assert_int_equal(ret->ip_len, total + OPTIONS);
}

/* True when it is taken: then the lot got that packet, else nothing. */
static bool add_one(struct packet_lot4 *lot, enum packet_link link, const uint8_t *bytes, size_t len)
{
	uint32_t short_len = (uint32_t)len;
	size_t before = lot->count;
	uint8_t other = 77;
	size_t others = packet_lot4_add(lot, link, &bytes, &short_len, 1, &other);

	assert_int_equal(others, lot->count == before);
	assert_int_equal(other, others == 1 ? 0 : 77);
	return others == 0;
}

static bool check_frame(const uint8_t *frame, size_t len)
{
	struct packet_lot4 lot = {.count = 3};
	struct packet parsed, careful, short_facts;

	if (!add_one(&lot, PACKET_LINK_ETHERNET, frame, len))
		return false;
	packet_parse_link(PACKET_LINK_ETHERNET, frame, len, len, &parsed);
	parse_carefully(frame + ETHERNET, len - ETHERNET, &careful);
	short_facts = packet_of_lot4(&lot, 3);
	assert_same_facts(&careful, &parsed);
	assert_same_details(&careful, &parsed);
	assert_same_facts(&careful, &short_facts);
	assert_int_equal(parsed.fault, PACKET_FAULT_NONE);
	return true;
}

static void test_plain_packets_parse_like_others(void **state)
{
	unsigned plain = 0;

	(void)state;
	for (unsigned i = 0; i < FRAMES; i++) {
		size_t len = HEADERS + random_below(FRAME_MAX - HEADERS - ETHERNET);
		uint8_t frame[FRAME_MAX];

		fill(frame, ETHERNET);
		frame[12] = 8;
		frame[13] = (uint8_t)(chance(2) ? 6 : 0);
		make_ip(frame + ETHERNET, len);
		plain += check_frame(frame, ETHERNET + len - (chance(5) ? random_below(HEADERS) : 0));
	}
	assert_in_range(plain, FRAMES / 4, FRAMES - FRAMES / 10);
}

static void test_other_links(void **state)
{
	uint8_t ip[HEADERS] = {0x45, 0, 0, 40, 0, 0, 0, 0, 64, IP_PROTOCOL_TCP};
	struct packet_lot4 lot = {0};

	(void)state;
	ip[32] = 0x50;
	assert_true(add_one(&lot, PACKET_LINK_IP, ip, sizeof(ip)));
	for (unsigned link = 0; link < PACKET_LINKS; link++)
		if (link != PACKET_LINK_IP)
			assert_false(add_one(&lot, (enum packet_link)link, ip, sizeof(ip)));
	assert_false(add_one(&lot, PACKET_LINK_IP, ip, sizeof(ip) - 1));
	ip[3] = 41;
	assert_false(add_one(&lot, PACKET_LINK_IP, ip, sizeof(ip)));
}

/* What is not plain is told by its place, and leaves no gap. */
static void test_many_at_once(void **state)
{
	static const uint8_t sound[HEADERS] = {0x45, 0, 0, 40, [9] = IP_PROTOCOL_TCP, [32] = 0x50};
	uint8_t frames[PACKET_LOT][HEADERS], others[PACKET_LOT];
	const uint8_t *bytes[PACKET_LOT];
	uint32_t len[PACKET_LOT];
	struct packet_lot4 lot = {0};
	size_t left;

	(void)state;
	for (size_t i = 0; i < PACKET_LOT; i++) {
		memcpy(frames[i], sound, HEADERS);
		frames[i][15] = (uint8_t)i;
		frames[i][9] = i % 3 == 1 ? 0 : IP_PROTOCOL_TCP;
		frames[i][23] = i % 2 == 0 ? SMTP_PORT : 80;
		bytes[i] = frames[i];
		len[i] = i % 5 == 4 ? HEADERS - 1 : HEADERS;
	}
	left = packet_lot4_add(&lot, PACKET_LINK_IP, bytes, len, PACKET_LOT, others);
	assert_int_equal(lot.count + left, PACKET_LOT);
	for (size_t i = 0, plain = 0, mail = 0, other = 0; i < PACKET_LOT; i++) {
		if (i % 3 == 1 || i % 5 == 4) {
			assert_int_equal(others[other++], i);
			continue;
		}
		assert_int_equal(lot.src[plain], i);
		if (i % 2 == 0)
			assert_int_equal(lot.mail[mail++], plain);
		assert_true(mail <= lot.mails);
		plain++;
	}
}

/* ---- answers ---- */

static void random_plain(struct packet_lot4 *lot)
{
	static const uint8_t flags[] = {TCP_SYN,           TCP_SYN | TCP_ECE, TCP_ACK,
					TCP_SYN | TCP_ACK, TCP_SYN | TCP_FIN, 0};
	size_t at = lot->count++;

	lot->src[at] = (uint32_t)random_address(ADDR_IP4).lo;
	lot->dst[at] = (uint32_t)random_address(ADDR_IP4).lo;
	lot->sport[at] = (uint16_t)(chance(20) ? SMTP_PORT : 40000);
	lot->dport[at] = (uint16_t)(chance(80) ? SMTP_PORT : 443);
	lot->tcp_flags[at] = chance(60) ? TCP_SYN : flags[random_below(sizeof(flags))];
	if (lot->dport[at] == SMTP_PORT)
		lot->mail[lot->mails++] = (uint8_t)at;
}

static void syn(struct packet_lot4 *lot, uint32_t src, uint32_t dst)
{
	size_t at = lot->count++;

	lot->src[at] = src;
	lot->dst[at] = dst;
	lot->sport[at] = 40000;
	lot->dport[at] = SMTP_PORT;
	lot->tcp_flags[at] = TCP_SYN;
	lot->mail[lot->mails++] = (uint8_t)at;
}

/* Nothing but SYNs to port 25, which are looked up where they stand. */
static void random_syn(struct packet_lot4 *lot)
{
	syn(lot, (uint32_t)random_address(ADDR_IP4).lo, (uint32_t)random_address(ADDR_IP4).lo);
}

static void crowded_plain(struct packet_lot4 *lot)
{
	syn(lot, SOURCE_BASE + random_below(SOURCES), TARGET_BASE + SOURCES + random_below(TARGETS));
}

static void assert_same_answer(const struct decision *a, const struct decision *b)
{
	assert_int_equal(a->verdict, b->verdict);
	assert_int_equal(a->would, b->would);
	assert_int_equal(a->reason, b->reason);
	assert_int_equal(a->rule, b->rule);
	assert_string_equal(a->rule_name, b->rule_name);
	assert_int_equal(a->pool, b->pool);
	assert_int_equal(a->attempt, b->attempt);
	assert_int_equal(a->subscriber_len, b->subscriber_len);
	assert_int_equal(a->whole_source, b->whole_source);
	assert_int_equal(a->next_change_s, b->next_change_s);
}

/* Answers so far, and how many packets should have got each. */
struct tally {
	struct engine_answers answers;
	uint64_t got[ENGINE_ANSWERS];
};

static void tally_begin(struct tally *tally)
{
	engine_answers_begin(&tally->answers);
	memset(tally->got, 0, sizeof(tally->got));
}

static void check_lot(const struct engine *engine, const struct engine_context *context,
		      void (*add)(struct packet_lot4 *lot), struct tally *tally)
{
	struct packet_lot4 lot = {0};
	size_t count = random_below(PACKET_LOT + 1);

	while (lot.count < count)
		add(&lot);
	decide_lot4(engine, &lot, context, &tally->answers);
	for (size_t i = 0; i < count; i++) {
		struct packet packet = packet_of_lot4(&lot, i);
		struct decision single = decide(engine, &packet, context);
		uint8_t answer = tally->answers.of[i];

		assert_true(answer < tally->answers.count);
		assert_same_answer(&tally->answers.decisions[answer], &single);
		tally->got[answer]++;
	}
	assert_memory_equal(tally->got, tally->answers.packets, tally->answers.count * sizeof(tally->got[0]));
}

/* How many packets got an answer that others had got before. */
static uint64_t check_lots(const struct engine *engine, const struct engine_context *context,
			   void (*add)(struct packet_lot4 *lot))
{
	struct tally tally;
	uint64_t packets = 0;

	tally_begin(&tally);
	for (uint32_t lots = 1 + random_below(8); lots > 0 && engine_answers_have_room(&tally.answers);
	     lots--)
		check_lot(engine, context, add, &tally);
	for (size_t i = 0; i < tally.answers.count; i++)
		packets += tally.got[i];
	return packets - tally.answers.count;
}

static void test_answers_are_those_of_single_packets(void **state)
{
	static const char *const names[] = {"ppp0", "ppp1", "vlan7", "srv0", "up0", "eth9"};
	uint64_t shared = 0;

	(void)state;
	for (unsigned i = 0; i < POLICIES; i++) {
		struct made_policy made;
		struct engine *engine = NULL;

		random_policy(&made);
		assert_int_equal(engine_build(&made.policy, &engine), 0);
		for (unsigned lot = 0; lot < LOTS; lot++) {
			struct engine_context context = {.now_s = random_below(5000)};

			if (chance(70))
				context.interface = engine_resolve_interface(
					engine, names[random_below(sizeof(names) / sizeof(names[0]))]);
			shared += check_lots(engine, &context, random_plain);
			shared += check_lots(engine, &context, random_syn);
		}
		engine_free(engine);
		made_policy_free(&made);
	}
	assert_true(shared > POLICIES * LOTS);
}

/* More classes than are remembered at a time: each pool is one address, each destination group, too. */
static void make_many_classes(struct made_policy *made)
{
	made_policy_init(made);
	for (uint32_t i = 0; i < SOURCES + TARGETS; i++) {
		bool pool = i < SOURCES;
		struct prefix prefix = {addr_ip4((pool ? SOURCE_BASE : TARGET_BASE) + i), 32};
		char name[16];
		uint16_t rule;

		(void)snprintf(name, sizeof(name), "rule%u", i);
		rule = made_rule(made, pool ? POLICY_POOL : POLICY_DESTINATION, name);
		made->policy.rules[rule].has_enforce_from = true;
		made->policy.rules[rule].enforce_from = (struct moment){random_dates[i % DATES], 0};
		made_prefix_value(made, rule, pool ? POLICY_ROLE_SOURCE : POLICY_ROLE_TARGET, &prefix);
	}
	made_policy_finish(made);
}

static void test_many_classes(void **state)
{
	struct engine_context context = {.now_s = 2500};
	struct engine *engine = NULL;
	struct made_policy made;

	(void)state;
	make_many_classes(&made);
	assert_int_equal(engine_build(&made.policy, &engine), 0);
	for (unsigned lot = 0; lot < LOTS * 10; lot++)
		(void)check_lots(engine, &context, crowded_plain);
	engine_free(engine);
	made_policy_free(&made);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_packets_parse_like_others),
		cmocka_unit_test(test_other_links),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_answers_are_those_of_single_packets),
		cmocka_unit_test(test_many_classes),
	};

	return cmocka_run_group_tests_name("plain", tests, NULL, NULL);
}
