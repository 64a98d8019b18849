/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Messages are tested in tests/golden/policy; here: values, digests, prints, limits, and the sweep against brute force. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/number.h"
#include "policy/keys.h"
#include "policy/policy.h"

#define HEAD "[gateway]\nmode = enforce\nfail = open\nupstream_interfaces = eth0\n"

enum { NOW_S = 1795219200 }; /* 2026-11-21T00:00:00Z */

static int read_text(const char *text, struct diag_list *diags, struct policy **ret)
{
	char *copy = strdup(text);
	FILE *stream = copy ? fmemopen(copy, strlen(copy) + (copy[0] == '\0'), "r") : NULL;
	int error;

	assert_non_null(stream);
	error = policy_read_stream(stream, "test.ini", NULL, NOW_S, diags, ret);
	fclose(stream);
	free(copy);
	return error;
}

/* The policy of a text that must be accepted. */
static struct policy *accepted(const char *text)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	int error = read_text(text, &diags, &policy);

	if (error)
		diag_print(&diags, stderr);
	assert_int_equal(error, 0);
	diag_list_free(&diags);
	return policy;
}

static bool refused(const char *text)
{
	struct policy *policy = NULL;
	int error = read_text(text, NULL, &policy);

	policy_free(policy);
	return error == -EBADMSG && !policy;
}

static char *printed(const struct policy *policy)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	assert_int_equal(policy_print(policy, out), 0);
	fclose(out);
	return text;
}

static void assert_interfaces_equal(const struct policy_interfaces *a, const struct policy_interfaces *b)
{
	assert_int_equal(a->count, b->count);
	for (size_t i = 0; i < a->count; i++)
		assert_string_equal(a->names[i], b->names[i]);
}

static void assert_moments_equal(const struct moment *a, const struct moment *b)
{
	assert_true(a->s == b->s);
	assert_int_equal(a->offset_s, b->offset_s);
}

static void assert_rules_equal(const struct policy_rule *a, const struct policy_rule *b)
{
	assert_int_equal(a->kind, b->kind);
	assert_string_equal(a->name, b->name);
	assert_interfaces_equal(&a->interfaces, &b->interfaces);
	assert_int_equal(a->delegated_prefix_length, b->delegated_prefix_length);
	assert_int_equal(a->action, b->action);
	assert_int_equal(a->has_monitor_from, b->has_monitor_from);
	assert_moments_equal(&a->monitor_from, &b->monitor_from);
	assert_int_equal(a->has_enforce_from, b->has_enforce_from);
	assert_moments_equal(&a->enforce_from, &b->enforce_from);
	assert_string_equal(a->note, b->note);
	assert_int_equal(a->has_subscribers_until, b->has_subscribers_until);
	assert_moments_equal(&a->subscribers_until, &b->subscribers_until);
	assert_int_equal(a->has_from, b->has_from);
	assert_int_equal(a->has_until, b->has_until);
	assert_moments_equal(&a->from, &b->from);
	assert_moments_equal(&a->until, &b->until);
	assert_string_equal(a->ticket, b->ticket);
	assert_string_equal(a->owner, b->owner);
	assert_string_equal(a->reason, b->reason);
	assert_int_equal(a->to_any, b->to_any);
	assert_int_equal(a->to_group_count, b->to_group_count);
	for (size_t i = 0; i < a->to_group_count; i++)
		assert_int_equal(a->to_groups[i], b->to_groups[i]);
}

static void assert_gateways_equal(const struct policy_gateway *a, const struct policy_gateway *b)
{
	assert_string_equal(a->name, b->name);
	assert_int_equal(a->mode, b->mode);
	assert_int_equal(a->fail, b->fail);
	assert_int_equal(a->queue, b->queue);
	assert_int_equal(a->workers, b->workers);
	assert_int_equal(a->unlisted, b->unlisted);
	assert_int_equal(a->established, b->established);
	assert_int_equal(a->conntrack, b->conntrack);
	assert_int_equal(a->offload, b->offload);
	assert_int_equal(a->offload_after, b->offload_after);
	assert_int_equal(a->offload_s, b->offload_s);
	assert_int_equal(a->repair, b->repair);
	assert_interfaces_equal(&a->subscriber_interfaces, &b->subscriber_interfaces);
	assert_interfaces_equal(&a->upstream_interfaces, &b->upstream_interfaces);
	assert_string_equal(a->control, b->control);
}

/* Everything but places. */
static void assert_policies_equal(const struct policy *a, const struct policy *b)
{
	assert_gateways_equal(&a->gateway, &b->gateway);
	assert_string_equal(a->log.file, b->log.file);
	assert_int_equal(a->log.window_s, b->log.window_s);
	assert_int_equal(a->log.subscribers_max, b->log.subscribers_max);
	assert_true(strcmp(a->log.syslog, b->log.syslog) == 0 && a->log.journald == b->log.journald);
	assert_int_equal(a->rule_count, b->rule_count);
	for (size_t i = 0; i < a->rule_count; i++)
		assert_rules_equal(&a->rules[i], &b->rules[i]);
	assert_int_equal(a->ip4_count, b->ip4_count);
	for (size_t i = 0; i < a->ip4_count; i++) {
		assert_int_equal(a->ip4[i].addr, b->ip4[i].addr);
		assert_int_equal(a->ip4[i].len, b->ip4[i].len);
		assert_int_equal(a->ip4[i].rule, b->ip4[i].rule);
		assert_int_equal(a->ip4[i].role, b->ip4[i].role);
	}
	assert_int_equal(a->ip6_count, b->ip6_count);
	for (size_t i = 0; i < a->ip6_count; i++) {
		assert_true(a->ip6[i].hi == b->ip6[i].hi && a->ip6[i].lo == b->ip6[i].lo);
		assert_int_equal(a->ip6[i].len, b->ip6[i].len);
		assert_int_equal(a->ip6[i].rule, b->ip6[i].rule);
		assert_int_equal(a->ip6[i].role, b->ip6[i].role);
	}
	assert_string_equal(a->digest, b->digest);
}

static void assert_round_trip(const char *text)
{
	struct policy *first = accepted(text);
	char *once = printed(first);
	struct policy *second = accepted(once);
	char *twice = printed(second);

	assert_policies_equal(first, second);
	assert_string_equal(once, twice);
	policy_free(first);
	policy_free(second);
	free(once);
	free(twice);
}

static void test_keys_left_out_have_their_defaults(void **state)
{
	struct policy *policy = accepted(HEAD "[pool p]\nprefix = 10.0.0.0/8\n");
	const struct policy_rule *pool = &policy->rules[0];

	(void)state;
	assert_string_equal(policy->gateway.name, "");
	assert_int_equal(policy->gateway.queue, 100);
	assert_int_equal(policy->gateway.workers, 1);
	assert_int_equal(policy->gateway.unlisted, POLICY_UNLISTED_DROP);
	assert_int_equal(policy->gateway.established, POLICY_ESTABLISHED_DRAIN);
	assert_true(policy->gateway.conntrack && !policy->gateway.offload && policy->gateway.repair);
	assert_int_equal(policy->gateway.offload_after, 20);
	assert_int_equal(policy->gateway.offload_s, 30);
	assert_string_equal(policy->gateway.control, "/run/op25b/op25bd.sock");
	assert_string_equal(policy->log.file, "/var/log/op25b/events.json");
	assert_int_equal(policy->log.window_s, 300);
	assert_int_equal(policy->log.subscribers_max, 1000000);
	assert_true(strcmp(policy->log.syslog, "-") == 0 && !policy->log.journald);
	assert_true(policy->triage.bot_destinations == 20 && policy->triage.server_clock_hours == 20);
	assert_int_equal(pool->delegated_prefix_length, POLICY_IP6_SUBSCRIBER_LEN);
	assert_int_equal(pool->action, POLICY_ACTION_DROP);
	assert_false(pool->has_monitor_from || pool->has_enforce_from || pool->has_until || pool->has_from);
	assert_true(pool->enforce_from.s == MOMENT_NEVER && pool->from.s == MOMENT_ALWAYS);
	assert_string_equal(pool->note, "");
	assert_string_equal(pool->ticket, "");
	assert_true(pool->to_any);
	assert_int_equal(pool->line, 5);
	policy_free(policy);
}

static void test_every_key_reaches_its_field(void **state)
{
	struct policy *policy = accepted(
		"[gateway]\nname = gw\nmode = monitor\nfail = closed\nqueue = 7\nworkers = 3\nunlisted = accept\n"
		"established = cut\nconntrack = no\nsubscriber_interfaces = ppp*, v1\nsubscriber_interfaces = v2\n"
		"upstream_interfaces = eth0\noffload = yes\noffload_after = 7\noffload_seconds = 4\nrepair = no\ncontrol = /c\n[log]\nfile = -\nwindow = 9\nsubscribers_max = 1000\nsyslog = /dev/log\njournald = yes\n"
		"[pool p]\nprefix = 10.0.0.0/8\ndelegated_prefix_length = 56\nmonitor_from = 2027-01-01T00:00:00Z\n"
		"enforce_from = 2027-02-01T00:00:00+09:00\naction = icmp\ninterface = ppp*\nnote = a note\n"
		"[relay r]\naddress = 192.0.2.1\ninterface = e3\nsubscribers_until = 2027-03-01T00:00:00-05:30\n"
		"[exempt e]\nprefix = 10.1.2.3\nto = d 203.0.113.0/24\nfrom = 2026-01-01T00:00:00Z\n"
		"until = 2027-01-01T00:00:00Z\nticket = T\nowner = O\nreason = R\n"
		"[destination d]\nprefix = 198.51.100.0/24\nenforce_from = 2026-12-01T00:00:00Z\n");
	const struct policy_rule *rules = policy->rules;

	(void)state;
	assert_string_equal(policy->gateway.name, "gw");
	assert_int_equal(policy->gateway.mode, POLICY_MODE_MONITOR);
	assert_int_equal(policy->gateway.fail, POLICY_FAIL_CLOSED);
	assert_int_equal(policy->gateway.queue, 7);
	assert_int_equal(policy->gateway.workers, 3);
	assert_int_equal(policy->gateway.unlisted, POLICY_UNLISTED_ACCEPT);
	assert_int_equal(policy->gateway.established, POLICY_ESTABLISHED_CUT);
	assert_true(!policy->gateway.conntrack && policy->gateway.offload && !policy->gateway.repair);
	assert_int_equal(policy->gateway.offload_after, 7);
	assert_int_equal(policy->gateway.offload_s, 4);
	assert_int_equal(policy->gateway.subscriber_interfaces.count, 3);
	assert_string_equal(policy->gateway.subscriber_interfaces.names[2], "v2");
	assert_true(policy_interfaces_match(&policy->gateway.subscriber_interfaces, "ppp17"));
	assert_false(policy_interfaces_match(&policy->gateway.subscriber_interfaces, "v17"));
	assert_string_equal(policy->gateway.control, "/c");
	assert_string_equal(policy->log.file, "-");
	assert_int_equal(policy->log.window_s, 9);
	assert_true(strcmp(policy->log.syslog, "/dev/log") == 0 && policy->log.journald);
	assert_int_equal(rules[0].delegated_prefix_length, 56);
	assert_int_equal(rules[0].action, POLICY_ACTION_ICMP);
	assert_true(rules[0].has_monitor_from && rules[0].monitor_from.s == 1798761600);
	assert_true(rules[0].enforce_from.s == 1801407600 && rules[0].enforce_from.offset_s == 32400);
	assert_string_equal(rules[0].interfaces.names[0], "ppp*");
	assert_string_equal(rules[0].note, "a note");
	assert_true(rules[1].has_subscribers_until);
	assert_string_equal(rules[2].ticket, "T");
	assert_string_equal(rules[2].owner, "O");
	assert_string_equal(rules[2].reason, "R");
	assert_false(rules[2].to_any);
	assert_int_equal(rules[2].to_group_count, 1);
	assert_int_equal(rules[2].to_groups[0], 3);
	policy_free(policy);
}

static void test_prefixes_are_sorted_canonical_and_know_their_role(void **state)
{
	struct policy *policy =
		accepted(HEAD "[inside i]\nprefix = 192.0.2.0/24\n[pool p]\nprefix = 198.51.100.9/24\n"
			      "prefix = 10.0.0.0/8\nprefix = 198.51.100.0/24\nprefix = 2001:db8::/32\n"
			      "[relay r]\naddress = 192.0.2.25\n[exempt e]\nprefix = 10.1.1.1\n"
			      "to = 203.0.113.0/24\nuntil = 2027-01-01T00:00:00Z\n");
	static const struct policy_prefix4 wanted[] = {
		{.addr = 0x0a000000, .len = 8, .rule = 1, .role = POLICY_ROLE_SOURCE, .line = 9},
		{.addr = 0x0a010101, .len = 32, .rule = 3, .role = POLICY_ROLE_SOURCE, .line = 15},
		{.addr = 0xc0000200, .len = 24, .rule = 0, .role = POLICY_ROLE_TARGET, .line = 6},
		{.addr = 0xc0000219, .len = 32, .rule = 2, .role = POLICY_ROLE_SOURCE, .line = 13},
		{.addr = 0xc6336400, .len = 24, .rule = 1, .role = POLICY_ROLE_SOURCE, .line = 8},
		{.addr = 0xcb007100, .len = 24, .rule = 3, .role = POLICY_ROLE_TO, .line = 16},
	};

	(void)state;
	assert_int_equal(policy->ip4_count, sizeof(wanted) / sizeof(wanted[0]));
	for (size_t i = 0; i < policy->ip4_count; i++) {
		assert_int_equal(policy->ip4[i].addr, wanted[i].addr);
		assert_int_equal(policy->ip4[i].len, wanted[i].len);
		assert_int_equal(policy->ip4[i].rule, wanted[i].rule);
		assert_int_equal(policy->ip4[i].role, wanted[i].role);
		assert_int_equal(policy->ip4[i].line, wanted[i].line);
	}
	assert_int_equal(policy->ip6_count, 1);
	assert_true(policy->ip6[0].hi == UINT64_C(0x20010db800000000) && policy->ip6[0].len == 32);
	policy_free(policy);
}

/* ---- the table of keys ---- */

static void test_the_table_of_keys_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_key_count; i++) {
		const struct policy_key *key = &policy_keys[i];

		assert_true(i == 0 || key->section >= policy_keys[i - 1].section);
		assert_ptr_equal(policy_key_find(key->section, key->name, strlen(key->name)), key);
		assert_true(strlen(key->help) > 10 && key->help[strlen(key->help) - 1] == '.');
		assert_int_equal(key->type == POLICY_TYPE_CHOICE, key->words != NULL);
		assert_true(key->type != POLICY_TYPE_NUMBER || key->min < key->max);
		assert_true(!key->required || !key->default_text);
		assert_true(key->max < 200 || key->type == POLICY_TYPE_NUMBER);
	}
}

/* A policy in which a key of [gateway], [log], [triage], [exempt e] or [pool p] has a value. */
static bool takes(const struct policy_key *key, const char *value)
{
	char text[1024], line[128];
	enum policy_section section = key->section;
	bool gateway = section == POLICY_SECTION_GATEWAY;

	snprintf(line, sizeof(line), "%s = %s\n", key->name, value);
	snprintf(
		text, sizeof(text),
		"[gateway]\n%s%s%supstream_interfaces = eth0\n[log]\n%s[triage]\n%s[exempt e]\nprefix = 10.1.1.1\n%s[pool p]\n%s"
		"prefix = 10.0.0.0/8\n",
		gateway && strcmp(key->name, "mode") == 0 ? "" : "mode = enforce\n",
		gateway && strcmp(key->name, "fail") == 0 ? "" : "fail = open\n", gateway ? line : "",
		section == POLICY_SECTION_LOG ? line : "", section == POLICY_SECTION_TRIAGE ? line : "",
		section == POLICY_SECTION_EXEMPT ? line : "", section == POLICY_SECTION_POOL ? line : "");
	return !refused(text);
}

static void test_numbers_are_taken_up_to_their_bounds_and_no_further(void **state)
{
	char text[32];

	(void)state;
	for (size_t i = 0; i < policy_key_count; i++) {
		const struct policy_key *key = &policy_keys[i];

		if (key->type != POLICY_TYPE_NUMBER)
			continue;
		snprintf(text, sizeof(text), "%llu", (unsigned long long)key->min);
		assert_true(takes(key, text));
		snprintf(text, sizeof(text), "%llu", (unsigned long long)key->max);
		assert_true(takes(key, text));
		snprintf(text, sizeof(text), "%llu", (unsigned long long)key->max + 1);
		assert_false(takes(key, text));
		snprintf(text, sizeof(text), "%lld", (long long)key->min - 1);
		assert_false(takes(key, text));
	}
}

static void test_choices_take_their_words_and_no_other(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_key_count; i++) {
		const struct policy_key *key = &policy_keys[i];

		if (key->type != POLICY_TYPE_CHOICE)
			continue;
		for (size_t k = 0; key->words[k]; k++)
			assert_true(takes(key, key->words[k]));
		assert_false(takes(key, "other"));
	}
}

/* ---- digest and print ---- */

static void assert_digests(const char *a, const char *b, bool equal)
{
	struct policy *first = accepted(a), *second = accepted(b);

	assert_int_equal(strlen(first->digest), 32);
	assert_int_equal(strcmp(first->digest, second->digest) == 0, equal);
	policy_free(first);
	policy_free(second);
}

static void test_the_digest_knows_values_not_layout(void **state)
{
	(void)state;
	assert_digests(
		HEAD
		"[pool p]\nprefix = 10.0.0.0/8\nprefix = 192.0.2.0/24\n[pool q]\nprefix = 2001:db8::/32\n"
		"enforce_from = 2026-10-01T00:00:00+09:00\n",
		"# other words\n[pool q] ; first\nenforce_from = 2026-09-30T15:00:00Z\nprefix=2001:db8::/32\n"
		"[pool p]\nprefix = 192.0.2.0/24\naction = drop\nprefix = 10.0.0.0/8\n"
		"[log]\nwindow = 300\n" HEAD,
		true);
}

/* Lines that each say something else than HEAD with one section of each kind does. */
static void test_the_digest_sees_every_value(void **state)
{
#define BASE(gateway, log, pool, relay, exempt, destination)                                                 \
	"[gateway]\nmode = enforce\nfail = open\nupstream_interfaces = eth0\n" gateway "[log]\n" log         \
	"[pool p]\nprefix = 10.0.0.0/8\n" pool "[relay r]\naddress = 192.0.2.25\n" relay                     \
	"[exempt e]\nprefix = 10.1.1.1\n" exempt "[destination d]\nprefix = 203.0.113.0/24\n"                \
	"enforce_from = 2026-01-01T00:00:00Z\n" destination
	static const char *const texts[] = {
		BASE("", "", "", "", "", ""),
		BASE("name = x\n", "", "", "", "", ""),
		BASE("queue = 101\n", "", "", "", "", ""),
		BASE("workers = 2\n", "", "", "", "", ""),
		BASE("unlisted = accept\n", "", "", "", "", ""),
		BASE("unlisted = monitor\n", "", "", "", "", ""),
		BASE("established = cut\n", "", "", "", "", ""),
		BASE("conntrack = no\n", "", "", "", "", ""),
		BASE("subscriber_interfaces = a\n", "", "", "", "", ""),
		BASE("subscriber_interfaces = ab\n", "", "", "", "", ""),
		BASE("upstream_interfaces = a\n", "", "", "", "", ""),
		BASE("offload = yes\n", "", "", "", "", ""),
		BASE("offload_after = 21\n", "", "", "", "", ""),
		BASE("offload_seconds = 21\n", "", "", "", "", ""),
		BASE("control = /x\n", "", "", "", "", ""),
		BASE("", "file = -\n", "", "", "", ""),
		BASE("", "window = 1\n", "", "", "", ""),
		BASE("", "subscribers_max = 2000\n", "", "", "", ""),
		BASE("", "", "prefix = 10.0.0.0/9\n", "", "", ""),
		BASE("", "", "prefix = 2001:db8::/32\n", "", "", ""),
		BASE("", "", "prefix = 2001:db8::/33\n", "", "", ""),
		BASE("", "", "delegated_prefix_length = 56\n", "", "", ""),
		BASE("", "", "monitor_from = 2026-01-01T00:00:00Z\n", "", "", ""),
		BASE("", "", "enforce_from = 2026-01-01T00:00:00Z\n", "", "", ""),
		BASE("", "", "action = icmp\n", "", "", ""),
		BASE("", "", "interface = a\n", "", "", ""),
		BASE("", "", "note = a\n", "", "", ""),
		BASE("", "", "", "address = 192.0.2.26\n", "", ""),
		BASE("", "", "", "interface = a\n", "", ""),
		BASE("", "", "", "subscribers_until = 2026-01-01T00:00:00Z\n", "", ""),
		BASE("", "", "", "note = a\n", "", ""),
		BASE("", "", "", "", "to = d\n", ""),
		BASE("", "", "", "", "to = 203.0.113.0/24\n", ""),
		BASE("", "", "", "", "from = 2026-01-01T00:00:00Z\n", ""),
		BASE("", "", "", "", "until = 2027-01-01T00:00:00Z\n", ""),
		BASE("", "", "", "", "ticket = a\n", ""),
		BASE("", "", "", "", "owner = a\n", ""),
		BASE("", "", "", "", "reason = a\n", ""),
		BASE("", "", "", "", "", "note = a\n"),
		BASE("", "", "", "", "", "[inside i]\nprefix = none\n"),
		BASE("", "", "", "", "", "[inside j]\nprefix = none\n"),
	};
#undef BASE
	enum { COUNT = sizeof(texts) / sizeof(texts[0]) };
	char digests[COUNT][33];

	(void)state;
	for (size_t i = 0; i < COUNT; i++) {
		struct policy *policy = accepted(texts[i]);

		memcpy(digests[i], policy->digest, sizeof(digests[i]));
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(digests[k], digests[i]);
		assert_round_trip(texts[i]);
		policy_free(policy);
	}
}

/* Who sends, and where to, are not the same though the prefixes are. */
static void test_the_digest_tells_sources_from_destinations(void **state)
{
	(void)state;
	assert_digests(HEAD "[exempt e]\nprefix = 10.1.1.1\nto = 2001:db8::1 203.0.113.1\n",
		       HEAD "[exempt e]\nprefix = 203.0.113.1\nto = 2001:db8::1 10.1.1.1\n", false);
}

/* Recorded digests stay valid: the same text has the same digest on every machine and in every version. */
static void test_the_digest_does_not_change(void **state)
{
	struct policy *policy = accepted(HEAD "[pool p]\nprefix = 10.0.0.0/8\nprefix = 2001:db8::/32\n");

	(void)state;
	assert_string_equal(policy->digest, "e3a9761cd5f630e0ce96a433191126fa");
	policy_free(policy);
}

/* Keys that came later count only where they say something else than all policies did before. */
static void test_the_digest_knows_late_keys(void **state)
{
	(void)state;
	assert_digests(HEAD, HEAD "family = inet\n", true);
	assert_digests(HEAD, HEAD "family = bridge\n", false);
	assert_digests(HEAD, HEAD "offload = no\noffload_after = 20\noffload_seconds = 30\n", true);
	assert_digests(HEAD, HEAD "offload_after = 30\n", false);
	assert_digests(HEAD "offload_after = 10\n", HEAD "offload_seconds = 10\n", false);
}

static uint64_t random_state = 25;

static unsigned random_below(unsigned n)
{
	random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (unsigned)((random_state >> 33) % n);
}

static void random_date(FILE *out, const char *key, int year)
{
	static const char *const offsets[] = {"Z", "+09:00", "-05:30", "+00:00", "-23:59"};

	fprintf(out, "%s = %d-%02u-%02uT%02u:%02u:%02u%s\n", key, year, 1 + random_below(12),
		1 + random_below(28), random_below(24), random_below(60), random_below(60),
		offsets[random_below(5)]);
}

static void random_prefixes(FILE *out, const char *key, unsigned unique, unsigned most)
{
	for (unsigned i = random_below(most + 1); i > 0; i--) {
		if (random_below(2))
			fprintf(out, "%s = %u.%u.%u.%u/%u\n", key, 1 + unique, random_below(256),
				random_below(256), random_below(256), 8 + random_below(25));
		else
			fprintf(out, "%s = %x:%x::%x/%u\n", key, 0x2001 + unique, random_below(65536),
				random_below(65536), 16 + random_below(113));
	}
}

static void random_text(FILE *out, const char *key)
{
	static const char *const texts[] = {"x", "a; b", "#1", "two  blanks", "\t a\ttab", "= : [x]", "東京"};

	if (random_below(2))
		fprintf(out, "%s = %s\n", key, texts[random_below(7)]);
}

static void random_interfaces(FILE *out, const char *key, char first)
{
	for (unsigned i = random_below(20); i > 0; i--)
		fprintf(out, "%s = %c%u%s%s%c%u\n", key, first, random_below(10), random_below(2) ? "*" : "",
			random_below(2) ? "," : " ", first, random_below(10));
}

static void random_rule(FILE *out, unsigned i)
{
	static const char *const kinds[] = {"pool", "relay", "exempt", "inside", "destination"};
	unsigned kind = random_below(5);

	fprintf(out, "\n[%s n%u]\n", kinds[kind], i);
	if (kind == 1) {
		fprintf(out, "address = %u.1.1.1\naddress = %x::25\n", 1 + i, 0x2001 + i);
		random_interfaces(out, "interface", 'r');
	} else {
		fprintf(out, "prefix = %u.0.0.0/8\n", 1 + i);
		random_prefixes(out, "prefix", i, 12);
	}
	if (kind == 0) {
		fprintf(out, "action = %s\ndelegated_prefix_length = %u\n",
			random_below(2) ? "reset" : "drop", 1 + random_below(128));
		random_interfaces(out, "interface", 'p');
		if (random_below(2))
			random_date(out, "monitor_from", 2025);
		if (random_below(2))
			random_date(out, "enforce_from", 2027);
	}
	if (kind == 2) {
		if (random_below(2))
			random_date(out, "from", 2024);
		random_date(out, "until", 2027);
		random_text(out, "reason");
		random_text(out, "owner");
		random_prefixes(out, "to", 100 + i, 6);
		if (random_below(2))
			fprintf(out, "to = zz last zz\n");
	} else {
		random_text(out, "note");
	}
	if (kind == 4)
		random_date(out, "enforce_from", 2026);
}

static void test_random_policies_print_and_read_back_the_same(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 400; round++) {
		char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		assert_non_null(out);
		fputs("[gateway]\nmode = enforce\nfail = closed\nupstream_interfaces = eth0\n", out);
		random_interfaces(out, "subscriber_interfaces", 's');
		for (unsigned i = random_below(12); i > 0; i--)
			random_rule(out, i);
		fputs("[destination zz]\nprefix = 250.0.0.0/8\nenforce_from = 2026-01-01T00:00:00Z\n"
		      "[destination last]\nprefix = none\nenforce_from = 2026-01-01T00:00:00Z\n",
		      out);
		fclose(out);
		assert_round_trip(text);
		free(text);
	}
}

/* ---- the sweep, against every address of a small network ---- */

struct small {
	unsigned addr, len;
};

enum { POOLS = 6, EXEMPTS = 4 };

static struct small random_small(void)
{
	unsigned len = 24 + random_below(9);

	return (struct small){random_below(256) & (0xff00U >> (len - 24)) & 0xff, len};
}

static bool small_holds(const struct small *s, unsigned addr)
{
	return ((s->addr ^ addr) & (0xff00U >> (s->len - 24)) & 0xff) == 0;
}

static size_t count_in(const struct diag_list *diags, const char *words)
{
	size_t count = 0;

	for (size_t i = 0; i < diags->count; i++)
		count += strstr(diags->items[i].message, words) != NULL;
	return count;
}

/* How many addresses of the exemption some pool holds. */
static unsigned held_by_pools(const struct small *exempt, const struct small *pools)
{
	unsigned held = 0;

	for (unsigned addr = 0; addr < 256; addr++) {
		bool pool = false;

		for (size_t i = 0; i < POOLS; i++)
			pool = pool || small_holds(&pools[i], addr);
		held += pool && small_holds(exempt, addr);
	}
	return held;
}

struct expected {
	size_t same, nested, no_pool, part;
};

static struct expected expect(const struct small *pools, const struct small *exempts)
{
	struct expected expected = {0};

	for (size_t i = 0; i < POOLS; i++) {
		bool same = false, nested = false;

		for (size_t k = 0; k < POOLS; k++) {
			bool equal = pools[k].addr == pools[i].addr && pools[k].len == pools[i].len;

			same = same || (k < i && equal);
			nested = nested || (k != i && pools[k].len < pools[i].len &&
					    small_holds(&pools[k], pools[i].addr));
		}
		expected.same += same;
		expected.nested += nested && !same;
	}
	for (size_t i = 0; i < EXEMPTS; i++) {
		unsigned held = held_by_pools(&exempts[i], pools);

		expected.no_pool += held == 0;
		expected.part += held > 0 && held < 1U << (32 - exempts[i].len);
	}
	return expected;
}

/* ip6: the same network as 2001:db8::/120, or under 192.0.2.0/24. */
static void sweep_round(bool ip6)
{
	struct small pools[POOLS], exempts[EXEMPTS];
	char text[2048] = HEAD;
	size_t at = strlen(text);
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	struct expected expected;

	for (size_t i = 0; i < POOLS; i++) {
		pools[i] = random_small();
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       ip6 ? "[pool p%zu]\nprefix = 2001:db8::%x/%u\n"
					   : "[pool p%zu]\nprefix = 192.0.2.%u/%u\n",
				       i, pools[i].addr, pools[i].len + (ip6 ? 96 : 0));
	}
	for (size_t i = 0; i < EXEMPTS; i++) {
		exempts[i] = random_small();
		at += (size_t)snprintf(
			text + at, sizeof(text) - at,
			ip6 ? "[exempt e%zu]\nprefix = 2001:db8::%x/%u\nuntil = 2027-01-01T00:00:00Z\n"
			    : "[exempt e%zu]\nprefix = 192.0.2.%u/%u\nuntil = 2027-01-01T00:00:00Z\n",
			i, exempts[i].addr, exempts[i].len + (ip6 ? 96 : 0));
	}
	(void)read_text(text, &diags, &policy);
	expected = expect(pools, exempts);
	assert_int_equal(diags.errors, expected.same);
	assert_int_equal(policy == NULL, expected.same > 0);
	assert_int_equal(count_in(&diags, "being more specific"), expected.nested);
	assert_int_equal(count_in(&diags, "no pool contains"), expected.no_pool);
	assert_int_equal(count_in(&diags, "pools contain only a part"), expected.part);
	policy_free(policy);
	diag_list_free(&diags);
}

static void test_overlaps_are_those_that_every_address_shows(void **state)
{
	(void)state;
	for (unsigned round = 0; round < 4000; round++)
		sweep_round(round % 2);
}

/* More than the radix passes are for, in any order, and in order but for a few before or behind: the same policy. */
static void test_long_lists_are_sorted_whatever_their_order(void **state)
{
	enum { COUNT = 30000, ORDERS = 4 };
	char *texts[ORDERS] = {NULL};
	struct policy *policies[ORDERS];

	(void)state;
	for (unsigned pass = 0; pass < ORDERS; pass++) {
		size_t len;
		FILE *out = open_memstream(&texts[pass], &len);

		assert_non_null(out);
		fputs(HEAD "[pool p]\n", out);
		for (unsigned i = 0; i < COUNT; i++) {
			const unsigned at[ORDERS] = {i, i * 7919 % COUNT, (i + 5) % COUNT,
						     (i + COUNT - 5) % COUNT};
			unsigned k = at[pass];

			fprintf(out, "prefix = 10.%u.%u.0/%u\nprefix = 2001:db8:%x:%x::%x/%u\n", k / 1024,
				k / 4 % 256, 24 + k % 4, k % 3000, k / 6000, k % 16, 124 + k % 5);
		}
		fclose(out);
		policies[pass] = accepted(texts[pass]);
		free(texts[pass]);
	}
	for (unsigned pass = 1; pass < ORDERS; pass++)
		assert_policies_equal(policies[0], policies[pass]);
	for (size_t i = 1; i < policies[1]->ip4_count; i++) {
		const struct policy_prefix4 *a = &policies[1]->ip4[i - 1], *b = &policies[1]->ip4[i];

		assert_true(a->addr < b->addr || (a->addr == b->addr && a->len < b->len));
	}
	for (size_t i = 1; i < policies[1]->ip6_count; i++) {
		const struct policy_prefix6 *a = &policies[1]->ip6[i - 1], *b = &policies[1]->ip6[i];

		assert_true(a->hi < b->hi ||
			    (a->hi == b->hi && (a->lo < b->lo || (a->lo == b->lo && a->len < b->len))));
	}
	for (unsigned pass = 0; pass < ORDERS; pass++)
		policy_free(policies[pass]);
}

/* Coverage at the last address of the family, where the address behind does not exist. */
static void test_an_exemption_up_to_the_last_address(void **state)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;

	(void)state;
	assert_int_equal(read_text(HEAD
				   "[pool p]\nprefix = 255.255.255.0/25\nprefix = 255.255.255.128/25\n"
				   "prefix = ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/128\n"
				   "prefix = ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128\n"
				   "[exempt e]\nprefix = 255.255.255.0/24\nuntil = 2027-01-01T00:00:00Z\n"
				   "prefix = ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe/127\n",
				   &diags, &policy),
			 0);
	assert_int_equal(diags.warnings, 0);
	policy_free(policy);
	diag_list_free(&diags);
}

/* ---- files, limits, failure ---- */

static char directory[] = "/tmp/test_policy.XXXXXX";

static int make_directory(void **state)
{
	(void)state;
	return mkdtemp(directory) ? 0 : -1;
}

static const char *in_directory(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	return path;
}

static void write_file(const char *name, const char *text)
{
	FILE *file = fopen(in_directory(name), "w");

	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int remove_directory(void **state)
{
	static const char *const names[] = {"p.ini", "list", "fifo"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		(void)unlink(in_directory(names[i]));
	return rmdir(directory);
}

static void test_list_files_are_relative_to_the_policy_and_named_as_opened(void **state)
{
	struct policy *policy = NULL, *same;

	(void)state;
	write_file("p.ini", HEAD "[pool p]\nfile = list\n");
	write_file("list", "# a list\r\n10.0.0.0/8 # comment\r\n\r\n2001:db8::/32");
	assert_int_equal(policy_read_file(in_directory("p.ini"), NOW_S, NULL, &policy), 0);
	assert_int_equal(policy->source_count, 2);
	assert_string_equal(policy->sources[0], in_directory("p.ini"));
	assert_string_equal(policy->sources[1], in_directory("list"));
	assert_int_equal(policy->ip4[0].source, 1);
	assert_int_equal(policy->ip4[0].line, 2);
	assert_int_equal(policy->ip6[0].line, 4);
	same = accepted(HEAD "[pool p]\nprefix = 10.0.0.0/8\nprefix = 2001:db8::/32\n");
	assert_string_equal(policy->digest, same->digest);
	policy_free(same);
	policy_free(policy);
}

static void test_what_is_no_regular_file_is_refused_without_waiting(void **state)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;

	(void)state;
	assert_int_equal(mkfifo(in_directory("fifo"), 0600), 0);
	assert_int_equal(policy_read_file(in_directory("fifo"), NOW_S, &diags, &policy), -EINVAL);
	assert_int_equal(policy_read_file(directory, NOW_S, &diags, &policy), -EISDIR);
	assert_int_equal(policy_read_file(in_directory("absent"), NOW_S, &diags, &policy), -ENOENT);
	assert_int_equal(diags.errors, 3);
	write_file("p.ini", HEAD "[pool p]\nfile = fifo\n[pool q]\nfile = .\n");
	assert_int_equal(policy_read_file(in_directory("p.ini"), NOW_S, &diags, &policy), -EBADMSG);
	assert_int_equal(diags.errors, 5);
	assert_null(policy);
	diag_list_free(&diags);
}

static void test_a_pipe_of_the_caller_is_read_to_its_end(void **state)
{
	static const char text[] = HEAD "[pool p]\nprefix = 10.0.0.0/8\n";
	struct policy *policy = NULL;
	char path[32];
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], text, sizeof(text) - 1), sizeof(text) - 1);
	close(ends[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", ends[0]);
	assert_int_equal(policy_read_file(path, NOW_S, NULL, &policy), 0);
	assert_int_equal(policy->ip4_count, 1);
	policy_free(policy);
	close(ends[0]);
}

static char *many_sections(unsigned count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	assert_non_null(out);
	fputs(HEAD, out);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "[exempt e%u]\nprefix = 10.%u.%u.1\n", i, i / 256, i % 256);
	fclose(out);
	return text;
}

static bool takes_interfaces(unsigned count)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	bool taken;

	assert_non_null(out);
	fputs(HEAD, out);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "subscriber_interfaces = ppp%u\n", i);
	fclose(out);
	taken = !refused(text);
	free(text);
	return taken;
}

static void test_a_list_of_interfaces_has_its_limit(void **state)
{
	(void)state;
	assert_true(takes_interfaces(POLICY_INTERFACES_MAX));
	assert_false(takes_interfaces(POLICY_INTERFACES_MAX + 1));
}

/* Also that findings by the ten thousands cost no more than a look each. */
static void test_sixty_thousand_sections_and_no_more(void **state)
{
	char *text = many_sections(POLICY_RULES_MAX);
	struct policy *policy = accepted(text);

	(void)state;
	assert_int_equal(policy->rule_count, POLICY_RULES_MAX);
	policy_free(policy);
	free(text);
	text = many_sections(POLICY_RULES_MAX + 2);
	assert_true(refused(text));
	free(text);
}

static void test_errors_are_kept_however_many_warnings_come_first(void **state)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	char *text = many_sections(1000);
	size_t len = strlen(text);
	char *longer = realloc(text, len + 64);

	(void)state;
	assert_non_null(longer);
	memcpy(longer + len, "[pool p]\nprefix = 10.0.0.0/8\naction = no\n", 42);
	assert_int_equal(read_text(longer, &diags, &policy), -EBADMSG);
	assert_int_equal(diags.errors, 1);
	assert_int_equal(count_in(&diags, "\"no\" is not one of the words"), 1);
	diag_list_free(&diags);
	free(longer);
}

static void test_an_earlier_finding_of_the_caller_refuses_nothing(void **state)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;

	(void)state;
	diag_add(&diags, DIAG_ERROR, &(struct diag_place){.file = "elsewhere"}, NULL, "of another file");
	assert_int_equal(read_text(HEAD, &diags, &policy), 0);
	policy_free(policy);
	diag_list_free(&diags);
}

static ssize_t fail_to_read(void *cookie, char *buffer, size_t size)
{
	(void)cookie;
	memset(buffer, 0, size);
	errno = EIO;
	return -1;
}

static void test_a_stream_that_fails_is_told(void **state)
{
	FILE *stream = fopencookie(NULL, "r", (cookie_io_functions_t){.read = fail_to_read});
	struct diag_list diags = {0};
	struct policy *policy = NULL;

	(void)state;
	assert_non_null(stream);
	assert_int_equal(policy_read_stream(stream, "disk.ini", NULL, NOW_S, &diags, &policy), -EIO);
	assert_int_equal(diags.errors, 1);
	assert_null(policy);
	fclose(stream);
	diag_list_free(&diags);
}

static void test_a_print_that_fails_is_told(void **state)
{
	struct policy *policy = accepted(HEAD);
	FILE *full = fopen("/dev/full", "w");

	(void)state;
	assert_non_null(full);
	assert_int_equal(policy_print(policy, full), -ENOSPC);
	fclose(full);
	policy_free(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_keys_left_out_have_their_defaults),
		cmocka_unit_test(test_every_key_reaches_its_field),
		cmocka_unit_test(test_prefixes_are_sorted_canonical_and_know_their_role),
		cmocka_unit_test(test_the_table_of_keys_is_sound),
		cmocka_unit_test(test_numbers_are_taken_up_to_their_bounds_and_no_further),
		cmocka_unit_test(test_choices_take_their_words_and_no_other),
		cmocka_unit_test(test_the_digest_knows_values_not_layout),
		cmocka_unit_test(test_the_digest_sees_every_value),
		cmocka_unit_test(test_the_digest_tells_sources_from_destinations),
		cmocka_unit_test(test_the_digest_does_not_change),
		cmocka_unit_test(test_the_digest_knows_late_keys),
		cmocka_unit_test(test_random_policies_print_and_read_back_the_same),
		cmocka_unit_test(test_overlaps_are_those_that_every_address_shows),
		cmocka_unit_test(test_long_lists_are_sorted_whatever_their_order),
		cmocka_unit_test(test_an_exemption_up_to_the_last_address),
		cmocka_unit_test(test_list_files_are_relative_to_the_policy_and_named_as_opened),
		cmocka_unit_test(test_what_is_no_regular_file_is_refused_without_waiting),
		cmocka_unit_test(test_a_pipe_of_the_caller_is_read_to_its_end),
		cmocka_unit_test(test_a_list_of_interfaces_has_its_limit),
		cmocka_unit_test(test_sixty_thousand_sections_and_no_more),
		cmocka_unit_test(test_errors_are_kept_however_many_warnings_come_first),
		cmocka_unit_test(test_an_earlier_finding_of_the_caller_refuses_nothing),
		cmocka_unit_test(test_a_stream_that_fails_is_told),
		cmocka_unit_test(test_a_print_that_fails_is_told),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
