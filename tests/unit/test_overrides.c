/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/override_check.h"
#include "daemon/override_state.h"
#include "daemon/overrides.h"
#include "make_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#define OUTSIDE "203.0.113.25"
#define RELAY   "192.0.2.25"

enum { NOW_S = 1800000000, DAY_S = 86400 };

struct bed {
	struct made_policy made;
	struct engine *base, *engine;
	struct overrides list;
	char directory[64];
};

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct made_policy *made = &bed->made;
	uint16_t rule;

	made_policy_init(made);
	rule = made_rule(made, POLICY_POOL, "homes");
	made->policy.rules[rule].monitor_from.s = made->policy.rules[rule].enforce_from.s = MOMENT_ALWAYS;
	made_prefix(made, rule, POLICY_ROLE_SOURCE, "198.51.100.0/24");
	made_prefix(made, rule, POLICY_ROLE_SOURCE, "2001:db8:100::/40");
	made->policy.rules[rule].delegated_prefix_length = 56;
	rule = made_rule(made, POLICY_RELAY, "mx");
	made_prefix(made, rule, POLICY_ROLE_SOURCE, RELAY "/32");
	rule = made_rule(made, POLICY_EXEMPT, "dated");
	made->policy.rules[rule].has_until = true;
	made->policy.rules[rule].until.s = NOW_S + 10 * (int64_t)DAY_S;
	made_prefix(made, rule, POLICY_ROLE_SOURCE, "198.51.100.128/28");
	rule = made_rule(made, POLICY_EXEMPT, "for-ever");
	made_prefix(made, rule, POLICY_ROLE_SOURCE, "198.51.100.200/32");
	made->policy.gateway.triangular_guard = true;
	made_interface(&made->policy.gateway.upstream_interfaces, "up0");
	assert_int_equal(engine_build(made_policy_finish(made), &bed->base), 0);
	snprintf(bed->directory, sizeof(bed->directory), "/tmp/op25b-overrides.XXXXXX");
	assert_non_null(mkdtemp(bed->directory));
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	static const char *const names[] = {OVERRIDE_STATE_FILE, OVERRIDE_STATE_DAMAGED};
	struct bed *bed = *state;
	char path[128];

	for (size_t i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "%s/%s", bed->directory, names[i]);
		(void)unlink(path);
	}
	/* Nothing else is left behind there. */
	assert_int_equal(rmdir(bed->directory), 0);
	overrides_clear(&bed->list);
	engine_free(bed->engine);
	engine_free(bed->base);
	made_policy_free(&bed->made);
	free(bed);
	return 0;
}

static struct prefix prefix(const char *text)
{
	struct prefix prefix = {0};

	assert_int_equal(prefix_parse(text, strlen(text), &prefix), ADDR_OK);
	return prefix;
}

static void set(struct bed *bed, const char *source, bool block, int64_t until_s)
{
	const struct override override = {
		.rule = {.prefix = prefix(source), .block = block, .until_s = until_s},
		.made_s = NOW_S,
		.uid = 1000,
		.reason = "test"};
	struct engine_override *rules;

	assert_int_equal(overrides_set(&bed->list, &override), 0);
	engine_free(bed->engine);
	bed->engine = NULL;
	rules = overrides_rules(&bed->list);
	assert_int_equal(engine_with_overrides(bed->base, rules, bed->list.count, &bed->engine), 0);
	free(rules);
}

static struct decision ask(const struct bed *bed, const char *src, const char *dst, int64_t now_s)
{
	struct packet packet = {.protocol = IP_PROTOCOL_TCP,
				.has_protocol = true,
				.has_ports = true,
				.has_flags = true,
				.sport = 40000,
				.dport = 25,
				.tcp_flags = TCP_SYN};
	const struct engine_context context = {.now_s = now_s};
	struct decision one, batch;

	packet.src = prefix(src).addr;
	packet.dst = prefix(dst).addr;
	packet.family = packet.src.family;
	one = decide(bed->engine, &packet, &context);
	decide_batch(bed->engine, &packet, &context, &batch, 1);
	assert_int_equal(batch.reason, one.reason);
	assert_int_equal(batch.next_change_s, one.next_change_s);
	return one;
}

static void test_allow_lets_pass_until_its_second(void **state)
{
	struct bed *bed = *state;
	struct decision decision;

	set(bed, "198.51.100.7", false, NOW_S + 60);
	decision = ask(bed, "198.51.100.7", OUTSIDE, NOW_S);
	assert_int_equal(decision.reason, REASON_OVERRIDE_ALLOW);
	assert_int_equal(decision.verdict, VERDICT_ACCEPT);
	assert_int_equal(decision.next_change_s, NOW_S + 60);
	assert_int_equal(ask(bed, "198.51.100.7", OUTSIDE, NOW_S + 59).verdict, VERDICT_ACCEPT);
	assert_int_equal(ask(bed, "198.51.100.7", OUTSIDE, NOW_S + 60).reason, REASON_POOL_ENFORCE);
	assert_int_equal(ask(bed, "198.51.100.8", OUTSIDE, NOW_S).reason, REASON_POOL_ENFORCE);
}

static void test_block_beats_exemptions_and_no_relay(void **state)
{
	struct bed *bed = *state;
	struct decision decision;

	set(bed, "198.51.100.130", true, NOW_S + 60);
	set(bed, "192.0.2.0/24", true, NOW_S + 60);
	decision = ask(bed, "198.51.100.130", OUTSIDE, NOW_S);
	assert_int_equal(decision.reason, REASON_OVERRIDE_BLOCK);
	assert_int_equal(decision.verdict, VERDICT_DROP);
	assert_true(engine_reasons[decision.reason].charged);
	assert_int_equal(decision.next_change_s, NOW_S + 60);
	assert_int_equal(ask(bed, "198.51.100.130", OUTSIDE, NOW_S + 60).reason, REASON_EXEMPT);
	assert_int_equal(ask(bed, RELAY, OUTSIDE, NOW_S).reason, REASON_RELAY);
	assert_int_equal(ask(bed, "198.51.100.130", RELAY, NOW_S).reason, REASON_RELAY_DESTINATION);
	assert_int_equal(ask(bed, "192.0.2.26", OUTSIDE, NOW_S).reason, REASON_OVERRIDE_BLOCK);
}

static void test_the_longest_prefix_that_holds_counts(void **state)
{
	struct bed *bed = *state;

	set(bed, "198.51.100.0/25", false, NOW_S + 100);
	set(bed, "198.51.100.7", true, NOW_S + 50);
	set(bed, "0.0.0.0/0", true, NOW_S + 200);
	set(bed, "2001:db8:100::/56", false, NOW_S + 100);
	assert_int_equal(ask(bed, "198.51.100.7", OUTSIDE, NOW_S).reason, REASON_OVERRIDE_BLOCK);
	assert_int_equal(ask(bed, "198.51.100.7", OUTSIDE, NOW_S + 50).reason, REASON_OVERRIDE_ALLOW);
	assert_int_equal(ask(bed, "198.51.100.127", OUTSIDE, NOW_S).reason, REASON_OVERRIDE_ALLOW);
	assert_int_equal(ask(bed, "198.51.100.128", OUTSIDE, NOW_S).reason, REASON_OVERRIDE_BLOCK);
	assert_int_equal(ask(bed, "198.51.100.7", OUTSIDE, NOW_S + 100).reason, REASON_OVERRIDE_BLOCK);
	assert_int_equal(ask(bed, "198.51.100.7", OUTSIDE, NOW_S + 200).reason, REASON_POOL_ENFORCE);
	assert_int_equal(ask(bed, "2001:db8:100:ff::1", "2001:db8:f::1", NOW_S).reason,
			 REASON_OVERRIDE_ALLOW);
	assert_int_equal(ask(bed, "2001:db8:100:100::1", "2001:db8:f::1", NOW_S).reason, REASON_POOL_ENFORCE);
}

/* The kernel must not go on blocking whom an override lets go, not in part either. */
static void test_nobody_with_an_override_is_learned(void **state)
{
	struct bed *bed = *state;
	struct addr customer = prefix("198.51.100.7").addr, delegated = prefix("2001:db8:100:500::").addr;
	struct addr blocked = prefix("198.51.100.8").addr;
	struct decision decision;

	set(bed, "198.51.100.7", false, NOW_S + 60);
	set(bed, "198.51.100.8", true, NOW_S + 90);
	assert_false(engine_whole_source(bed->engine, &customer, NOW_S, &decision));
	assert_true(engine_whole_source(bed->engine, &customer, NOW_S + 60, &decision));
	assert_true(engine_whole_source(bed->base, &customer, NOW_S, &decision));
	assert_false(engine_whole_source(bed->engine, &blocked, NOW_S, &decision));
	assert_true(engine_whole_source(bed->engine, &delegated, NOW_S, &decision));
	set(bed, "2001:db8:100:5ff::1", false, NOW_S + 60);
	assert_false(engine_whole_source(bed->engine, &delegated, NOW_S, &decision));
	assert_false(ask(bed, "2001:db8:100:500::1", "2001:db8:f::1", NOW_S).whole_source);
	delegated = prefix("2001:db8:100:600::").addr;
	assert_true(engine_whole_source(bed->engine, &delegated, NOW_S, &decision));
	/* A generation of what is learned ends at each of these. */
	assert_int_equal(engine_next_date(bed->engine, NOW_S), NOW_S + 60);
	assert_int_equal(engine_next_date(bed->engine, NOW_S + 60), NOW_S + 90);
}

/* The guard judges answers as the SYNs that would have asked for them. */
static void test_answers_to_whom_an_override_lets_go(void **state)
{
	struct bed *bed = *state;
	struct packet answer = {.family = ADDR_IP4,
				.src = prefix(OUTSIDE).addr,
				.dst = prefix("198.51.100.7").addr,
				.protocol = IP_PROTOCOL_TCP,
				.has_protocol = true,
				.has_ports = true,
				.has_flags = true,
				.sport = 25,
				.dport = 40000,
				.tcp_flags = TCP_SYN | TCP_ACK};
	struct engine_context context = {.interface = engine_resolve_interface(bed->base, "up0"),
					 .now_s = NOW_S};

	assert_int_equal(decide(bed->base, &answer, &context).reason, REASON_TRIANGULAR);
	set(bed, "198.51.100.7", false, NOW_S + 60);
	set(bed, "198.51.100.130", true, NOW_S + 60);
	assert_int_equal(decide(bed->engine, &answer, &context).reason, REASON_INBOUND);
	context.now_s = NOW_S + 60;
	assert_int_equal(decide(bed->engine, &answer, &context).reason, REASON_TRIANGULAR);
	answer.dst = prefix("198.51.100.130").addr;
	assert_int_equal(decide(bed->engine, &answer, &context).reason, REASON_INBOUND);
	context.now_s = NOW_S;
	assert_int_equal(decide(bed->engine, &answer, &context).reason, REASON_TRIANGULAR);
}

static void test_a_full_list_takes_no_more(void **state)
{
	struct bed *bed = *state;
	struct override override = {.rule = {.until_s = NOW_S + 60}, .reason = "test"}, ended;
	struct engine_override *rules;

	for (uint32_t i = 0; i < ENGINE_OVERRIDES_MAX; i++) {
		override.rule.prefix = (struct prefix){.addr = addr_ip4(0x0a000000 + i * 2), .len = 32};
		assert_int_equal(overrides_set(&bed->list, &override), 0);
	}
	override.rule.prefix = prefix("198.51.100.7");
	assert_int_equal(overrides_set(&bed->list, &override), -ENOSPC);
	override.rule.prefix = prefix("10.0.0.2");
	override.rule.block = true;
	assert_int_equal(overrides_set(&bed->list, &override), 0);
	assert_int_equal(bed->list.count, ENGINE_OVERRIDES_MAX);
	rules = overrides_rules(&bed->list);
	assert_int_equal(engine_with_overrides(bed->base, rules, bed->list.count, &bed->engine), 0);
	assert_int_equal(engine_with_overrides(bed->base, rules, ENGINE_OVERRIDES_MAX + 1, &bed->engine),
			 -E2BIG);
	free(rules);
	assert_int_equal(ask(bed, "10.0.0.2", OUTSIDE, NOW_S).reason, REASON_OVERRIDE_BLOCK);
	assert_int_equal(ask(bed, "10.0.78.30", OUTSIDE, NOW_S).reason, REASON_OVERRIDE_ALLOW);
	assert_int_equal(ask(bed, "10.0.0.3", OUTSIDE, NOW_S).reason, REASON_UNLISTED_DROP);
	assert_false(overrides_take_ended(&bed->list, NOW_S + 59, &ended));
	assert_true(overrides_take_ended(&bed->list, NOW_S + 60, &ended));
	assert_true(overrides_remove(&bed->list, &override.rule.prefix));
	assert_false(overrides_remove(&bed->list, &override.rule.prefix));
	assert_int_equal(bed->list.count, ENGINE_OVERRIDES_MAX - 2);
}

/* The file */

static void write_state(const struct bed *bed, const char *text)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", bed->directory, OVERRIDE_STATE_FILE);
	file = fopen(path, "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static int load(struct bed *bed, char text[STATE_LIST_TEXT_MAX])
{
	overrides_clear(&bed->list);
	return override_state_load(&bed->list, bed->directory, text);
}

static void test_what_is_saved_is_there_again(void **state)
{
	struct bed *bed = *state;
	char text[STATE_LIST_TEXT_MAX];
	const struct override *found;
	struct prefix wanted = prefix("2001:db8:100::/56");

	assert_int_equal(load(bed, text), 0); /* no file */
	assert_int_equal(bed->list.count, 0);
	set(bed, "198.51.100.7", false, NOW_S + 60);
	set(bed, "2001:db8:100::/56", true, NOW_S + 90);
	snprintf(bed->list.items[1].reason, OVERRIDE_REASON_MAX, "\"quoted\" \\ \xe3\x81\x82");
	assert_int_equal(override_state_save(&bed->list, bed->directory), 0);
	assert_int_equal(load(bed, text), 0);
	assert_int_equal(bed->list.count, 2);
	found = overrides_find(&bed->list, &wanted);
	assert_non_null(found);
	assert_true(found->rule.block);
	assert_int_equal(found->rule.until_s, NOW_S + 90);
	assert_int_equal(found->made_s, NOW_S);
	assert_int_equal(found->uid, 1000);
	assert_string_equal(found->reason, "\"quoted\" \\ \xe3\x81\x82");
}

#define ENTRY(source, action, until)                                                                         \
	"{\"source\":\"" source "\",\"action\":\"" action                                                    \
	"\",\"made\":\"2027-01-15T08:00:00Z\",\"until\":\"" until "\",\"uid\":0,\"reason\":\"x\"}"
#define GOOD        ENTRY("198.51.100.7/32", "allow", "2027-01-15T09:00:00Z")
#define LIST(items) "{\"op25b\":1,\"overrides\":[" items "]}"

static void test_a_damaged_file_gives_what_is_good_in_it(void **state)
{
	static const struct {
		const char *text;
		size_t good;
	} rows[] = {
		{"", 0},
		{"garbage", 0},
		{"[]", 0},
		{"{\"op25b\":2,\"overrides\":[]}", 0},
		{"{\"op25b\":1,\"overrides\":{}}", 0},
		{"{\"op25b\":1,\"overrides\":[" GOOD, 0},
		{LIST(GOOD ",7"), 1},
		{LIST("{}," GOOD), 1},
		{LIST(GOOD "," ENTRY("198.51.100.7/24", "allow", "2027-01-15T09:00:00Z")), 1},
		{LIST(GOOD "," ENTRY("198.51.100.8/32", "deny", "2027-01-15T09:00:00Z")), 1},
		{LIST(GOOD "," ENTRY("198.51.100.8/32", "block", "tomorrow")), 1},
	};
	struct bed *bed = *state;
	char text[STATE_LIST_TEXT_MAX], path[128];
	struct stat status;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text[0] = '\0';
		write_state(bed, rows[i].text);
		assert_int_equal(load(bed, text), -EBADMSG);
		assert_int_equal(bed->list.count, rows[i].good);
		assert_string_not_equal(text, "");
		/* It is out of the way of the next one, and not lost. */
		snprintf(path, sizeof(path), "%s/%s", bed->directory, OVERRIDE_STATE_DAMAGED);
		assert_int_equal(stat(path, &status), 0);
		assert_int_equal(status.st_size, strlen(rows[i].text));
		assert_int_equal(load(bed, text), 0);
	}
	write_state(bed, LIST(GOOD));
	assert_int_equal(load(bed, text), 0);
	assert_int_equal(bed->list.count, 1);
}

static void test_what_cannot_be_saved_changes_nothing(void **state)
{
	struct bed *bed = *state;
	char text[STATE_LIST_TEXT_MAX], path[128];

	write_state(bed, LIST(GOOD));
	assert_int_equal(override_state_save(&bed->list, "/proc/self/nowhere/below"), -ENOENT);
	snprintf(path, sizeof(path), "%s/%s", bed->directory, OVERRIDE_STATE_FILE);
	assert_int_equal(override_state_save(&bed->list, path), -ENOTDIR);
	assert_int_equal(load(bed, text), 0);
	assert_int_equal(bed->list.count, 1);
}

static void test_reasons_are_plain_text(void **state)
{
	char reason[OVERRIDE_REASON_MAX + 2];

	memset(reason, 'x', sizeof(reason));
	reason[OVERRIDE_REASON_MAX + 1] = '\0';
	assert_false(override_reason_is_good(reason));
	reason[OVERRIDE_REASON_MAX] = '\0';
	assert_true(override_reason_is_good(reason));
	assert_true(override_reason_is_good("\xe3\x81\x82"));
	assert_false(override_reason_is_good(""));
	assert_false(override_reason_is_good("two\nlines"));
	assert_false(override_reason_is_good("\x1b[2J"));
	assert_false(override_reason_is_good("\xc2\x9b"
					     "2J"));
	assert_false(override_reason_is_good("\xff"));
}

static void test_blocks_that_would_not_hold_are_told(void **state)
{
	static const struct {
		const char *source, *why; /* NULL: it holds */
	} rows[] = {
		{"198.51.100.7/32", NULL},
		{"198.51.100.130/32", NULL},
		{"203.0.113.0/24", NULL},
		{RELAY "/32", "[relay mx]"},
		{"192.0.0.0/8", "[relay mx]"},
		{"198.51.100.200/32", "[exempt for-ever]"},
		{"198.51.100.192/26", "[exempt for-ever]"},
	};
	struct bed *bed = *state;
	struct policy *policy = &bed->made.policy;
	char text[CONTROL_ERROR_TEXT_MAX];
	struct prefix home = prefix("198.51.100.7"), stranger = prefix("203.0.113.7"), wide;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct prefix source = prefix(rows[i].source);

		assert_int_equal(override_can_block(policy, &source, text), rows[i].why == NULL);
		if (rows[i].why)
			assert_non_null(strstr(text, rows[i].why));
	}
	policy->gateway.unlisted = POLICY_UNLISTED_ACCEPT;
	wide = prefix("198.51.100.0/23");
	assert_true(override_can_block(policy, &home, text));
	assert_false(override_can_block(policy, &stranger, text));
	assert_false(override_can_block(policy, &wide, text));
	policy->gateway.mode = POLICY_MODE_MONITOR;
	assert_false(override_can_block(policy, &home, text));
	assert_non_null(strstr(text, "monitor"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_allow_lets_pass_until_its_second),
		TEST(test_block_beats_exemptions_and_no_relay),
		TEST(test_the_longest_prefix_that_holds_counts),
		TEST(test_nobody_with_an_override_is_learned),
		TEST(test_answers_to_whom_an_override_lets_go),
		TEST(test_a_full_list_takes_no_more),
		TEST(test_what_is_saved_is_there_again),
		TEST(test_a_damaged_file_gives_what_is_good_in_it),
		TEST(test_what_cannot_be_saved_changes_nothing),
		cmocka_unit_test(test_reasons_are_plain_text),
		TEST(test_blocks_that_would_not_hold_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
