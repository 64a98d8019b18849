/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ruleset against engine, on random policies and packets: what the kernel lets pass without asking, the engine must
 * let pass at every date; what is none of our business must never reach the queue.
 */
#include "engine/engine.h"
#include "ruleset/evaluate.h"

#include "random_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

enum { POLICIES = 3000, PACKETS = 120 };

static const int64_t times[] = {0, 999, 1000, 1500, 2000, 2999, 3000, 3500, 4000, 9000};
static const char *const interfaces[] = {"ppp0", "ppp1", "vlan7", "srv0", "srv1", "up0"};

/* One packet in both forms. The bytes are parsed by the very parser the daemon uses. */
struct both {
	struct ruleset_packet kernel;
	struct packet ours;
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* What the first tcp_len bytes of a TCP header show the kernel. */
static size_t random_tcp(uint8_t *at, struct ruleset_packet *kernel, size_t tcp_len)
{
	static const uint8_t flags[] = {0x02, 0x02, 0x02, 0x10, 0x12, 0x03,
					0x06, 0x00, 0x18, 0xc2, 0x11, 0x04};
	static const uint16_t ports[] = {25, 25, 25, 25, 25, 25, 465, 587, 24};

	kernel->dport = ports[random_below(sizeof(ports) / sizeof(ports[0]))];
	kernel->tcp_flags = flags[random_below(sizeof(flags))];
	kernel->sport = chance(20) ? 25 : 40000;
	if (kernel->sport == 25 && chance(70))
		kernel->tcp_flags = 0x12;
	if (kernel->sport == 25 && chance(70))
		kernel->dport = 1025;
	put16(at, kernel->sport);
	put16(at + 2, kernel->dport);
	at[12] = 5 << 4;
	at[13] = kernel->tcp_flags;
	kernel->has_sport = tcp_len >= 2;
	kernel->has_dport = tcp_len >= 4;
	kernel->has_flags = tcp_len >= 14;
	return tcp_len;
}

static size_t random_payload(uint8_t *at, struct ruleset_packet *kernel, uint32_t offset, bool more)
{
	if (offset > 0) {
		/* Kernels take what stands where a port would be for a port. */
		memset(at, 0, 24);
		kernel->has_dport = kernel->has_flags = chance(80);
		kernel->dport = chance(50) ? 25 : 0;
		put16(at + 2, kernel->dport);
		return 24;
	}
	/* Fragments but the last hold a multiple of 8 bytes. */
	return random_tcp(at, kernel, more && chance(60) ? 8 + 8 * random_below(2) : 24);
}

static struct both random_ip4(void)
{
	static const uint16_t fields[] = {0, 0, 0, 0, 0x4000, 0x4000, 0x2000, 0x2001, 0x0001, 0x2002, 0x0010};
	struct both both = {.kernel = {.src = random_address(ADDR_IP4), .dst = random_address(ADDR_IP4)}};
	uint8_t bytes[64] = {0x45};
	size_t len;

	both.kernel.frag4 = fields[random_below(sizeof(fields) / sizeof(fields[0]))];
	both.kernel.has_l4proto = true;
	both.kernel.l4proto = chance(95) ? 6 : 17;
	len = 20 + random_payload(bytes + 20, &both.kernel, both.kernel.frag4 & 0x1fffU,
				  (both.kernel.frag4 & 0x2000) != 0);
	put16(bytes + 2, (uint32_t)len);
	put16(bytes + 6, both.kernel.frag4);
	bytes[8] = 64;
	bytes[9] = both.kernel.l4proto;
	addr_to_bytes(&both.kernel.src, bytes + 12);
	addr_to_bytes(&both.kernel.dst, bytes + 16);
	packet_parse_ip(bytes, len, len, &both.ours);
	return both;
}

/* A fragment header, perhaps, and a first fragment that ends inside the destination options behind it. */
static struct both random_ip6(void)
{
	static const uint16_t offsets[] = {0, 0, 0, 1, 2, 7};
	struct both both = {.kernel = {.src = random_address(ADDR_IP6), .dst = random_address(ADDR_IP6)}};
	uint8_t bytes[128] = {0x60}, *next = bytes + 6;
	bool more = chance(50), cut = false;
	size_t at = 40;

	both.kernel.has_l4proto = true;
	both.kernel.l4proto = chance(95) ? 6 : 17;
	both.kernel.frag6 = chance(40);
	if (both.kernel.frag6) {
		both.kernel.frag6_offset = offsets[random_below(6)];
		put16(bytes + at + 2, (uint32_t)both.kernel.frag6_offset << 3 | more);
		*next = 44;
		next = bytes + at;
		at += 8;
		cut = both.kernel.frag6_offset == 0 && more && chance(30);
	}
	if (cut) {
		*next = 60;
		bytes[at] = 6;
		bytes[at + 1] = 3; /* 32 bytes long, of which 8 are here */
		at += 8;
		both.kernel.has_l4proto = false;
	} else {
		*next = both.kernel.l4proto;
		at += random_payload(bytes + at, &both.kernel, both.kernel.frag6_offset,
				     both.kernel.frag6 && more);
	}
	put16(bytes + 4, (uint32_t)at - 40);
	bytes[7] = 64;
	addr_to_bytes(&both.kernel.src, bytes + 8);
	addr_to_bytes(&both.kernel.dst, bytes + 24);
	packet_parse_ip(bytes, at, at, &both.ours);
	return both;
}

static struct both random_packet(void)
{
	static const uint32_t states[] = {RULESET_CT_NEW, RULESET_CT_ESTABLISHED, RULESET_CT_RELATED,
					  RULESET_CT_INVALID};
	struct both both = chance(50) ? random_ip4() : random_ip6();

	both.kernel.interface = interfaces[random_below(sizeof(interfaces) / sizeof(interfaces[0]))];
	/* Conntrack puts fragments together; of a piece that it could not it knows nothing. */
	both.kernel.ct_state =
		both.ours.fragment == PACKET_WHOLE ? states[random_below(4)] : RULESET_CT_INVALID;
	both.kernel.ct_known = both.kernel.ct_state != RULESET_CT_INVALID;
	both.kernel.ct_reply = both.kernel.ct_state == RULESET_CT_ESTABLISHED && chance(50);
	return both;
}

static enum engine_flow flow_of(uint32_t ct_state)
{
	if (ct_state == RULESET_CT_NEW)
		return ENGINE_FLOW_NEW;
	return ct_state == RULESET_CT_INVALID ? ENGINE_FLOW_UNKNOWN : ENGINE_FLOW_ESTABLISHED;
}

static void explain(const struct both *both, const struct ruleset *ruleset,
		    const struct ruleset_result *result, const struct decision *decision, int64_t now_s)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];

	addr_format(&both->kernel.src, src);
	addr_format(&both->kernel.dst, dst);
	print_message(
		"%s -> %s on %s dport %u flags %02x frag4 %04x frag6 %d/%u ct %u: kernel %d (%s), engine "
		"%s, would %s, at %lld\n",
		src, dst, both->kernel.interface, both->kernel.dport, both->kernel.tcp_flags,
		both->kernel.frag4, both->kernel.frag6, both->kernel.frag6_offset, both->kernel.ct_state,
		(int)result->outcome, result->counter < 0 ? "-" : ruleset->counters[result->counter].name,
		reason_name(decision->reason), verdict_name(decision->would), (long long)now_s);
	ruleset_print(ruleset, stderr);
}

/* With `cut` the engine cannot tell replies to a server that called from port 25; only the kernel's conntrack can. */
static bool kernel_knows_better(const struct policy *policy, const struct both *both)
{
	return policy->gateway.established == POLICY_ESTABLISHED_CUT && policy->gateway.conntrack &&
	       both->kernel.ct_reply;
}

static bool agree(const struct policy *policy, const struct both *both, bool guarded,
		  const struct ruleset_result *result, const struct decision *decision)
{
	if (result->outcome == RULESET_ACCEPTED)
		return decision->would == VERDICT_ACCEPT || kernel_knows_better(policy, both);
	if (result->outcome != RULESET_QUEUED)
		return false;
	if (guarded)
		return decision->reason == REASON_TRIANGULAR || decision->reason == REASON_INBOUND;
	return decision->reason != REASON_NOT_TCP25 && decision->reason != REASON_INBOUND &&
	       decision->reason != REASON_FRAGMENT_LATER && decision->reason != REASON_RELAY;
}

static void check_packet(const struct engine *engine, const struct ruleset *ruleset, const struct both *both)
{
	struct engine_context context = {
		.interface = engine_resolve_interface(engine, both->kernel.interface),
		.flow = flow_of(both->kernel.ct_state),
	};
	struct ruleset_result result = ruleset_evaluate(ruleset, 0, &both->kernel);

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		struct decision decision;

		context.now_s = times[i];
		decision = decide(engine, &both->ours, &context);
		if (!agree(engine_policy(engine), both,
			   engine_guards(engine, &both->ours, &context.interface), &result, &decision)) {
			explain(both, ruleset, &result, &decision, times[i]);
			fail_msg("kernel and engine disagree");
		}
	}
}

static void test_kernel_and_engine_agree(void **state)
{
	size_t queued = 0, accepted = 0;

	for (int i = 0; i < POLICIES; i++) {
		struct made_policy made;
		struct ruleset *ruleset = NULL;
		struct engine *engine = NULL;

		random_policy(&made);
		assert_int_equal(engine_build(&made.policy, &engine), 0);
		assert_int_equal(ruleset_build(&made.policy, &ruleset), 0);
		for (int j = 0; j < PACKETS; j++) {
			struct both both = random_packet();
			const uint32_t forward = 0; /* the first chain, whatever its name */

			check_packet(engine, ruleset, &both);
			if (ruleset_evaluate(ruleset, forward, &both.kernel).outcome == RULESET_QUEUED)
				queued++;
			else
				accepted++;
		}
		ruleset_free(ruleset);
		engine_free(engine);
		made_policy_free(&made);
	}
	/* Neither may be a rare case, or the test shows little. */
	assert_in_range(queued, POLICIES * PACKETS / 20, POLICIES * PACKETS);
	assert_in_range(accepted, POLICIES * PACKETS / 20, POLICIES * PACKETS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kernel_and_engine_agree),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
