/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What would become of packets nobody judges, from what is known of rules and queues; periods; and their records. */
#include "base/moment.h"
#include "daemon/failmode.h"
#include "daemon/guardian.h"
#include "daemon/ifwatch.h"
#include "daemon/unjudged.h"
#include "event/notice.h"
#include "net/nft_rule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- from rules ---- */

static void add_target(struct nft_queueing *queueing, uint16_t number, bool bypass)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	assert_non_null(rule);
	assert_true(nft_rule_add_queue_target(rule, number, bypass));
	nft_queueing_add(queueing, rule);
	nftnl_rule_free(rule);
}

static struct nftnl_expr *add_expression(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *expr = nftnl_expr_alloc(name);

	assert_non_null(expr);
	nftnl_rule_add_expr(rule, expr);
	return expr;
}

static void test_reads_targets(void **state)
{
	struct nft_queueing queueing = {0};

	(void)state;
	add_target(&queueing, 101, true);
	add_target(&queueing, 100, false);
	assert_int_equal(queueing.rules, 2);
	assert_int_equal(queueing.bypassing, 1);
	assert_int_equal(queueing.form, NFT_QUEUE_XT_TARGET);
	assert_int_equal(queueing.first, 100);
	assert_int_equal(queueing.last, 101);
}

/* queue flags bypass to 7-8, and a hash over 4 queues from 100 on. */
static void test_reads_expressions(void **state)
{
	struct nft_queueing queueing = {0};
	struct nftnl_rule *plain = nftnl_rule_alloc(), *hashed = nftnl_rule_alloc(),
			  *other = nftnl_rule_alloc();
	struct nftnl_expr *expr = add_expression(plain, "queue");

	(void)state;
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_NUM, 7);
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_TOTAL, 2);
	nftnl_expr_set_u16(expr, NFTNL_EXPR_QUEUE_FLAGS, NFT_QUEUE_FLAG_BYPASS);
	expr = add_expression(hashed, "hash");
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_MODULUS, 4);
	nftnl_expr_set_u32(expr, NFTNL_EXPR_HASH_OFFSET, 100);
	expr = add_expression(hashed, "queue");
	nftnl_expr_set_u32(expr, NFTNL_EXPR_QUEUE_SREG_QNUM, NFT_REG_1);
	(void)add_expression(other, "counter");
	nft_queueing_add(&queueing, hashed);
	assert_int_equal(queueing.first, 100);
	assert_int_equal(queueing.last, 103);
	assert_int_equal(queueing.bypassing, 0);
	nft_queueing_add(&queueing, plain);
	nft_queueing_add(&queueing, other);
	assert_int_equal(queueing.first, 7);
	assert_int_equal(queueing.rules, 2);
	assert_int_equal(queueing.bypassing, 1);
	assert_int_equal(queueing.form, NFT_QUEUE_EXPRESSION);
	nftnl_rule_free(plain);
	nftnl_rule_free(hashed);
	nftnl_rule_free(other);
}

/* ---- answers ---- */

static struct failmode_facts in_order(bool open)
{
	return (struct failmode_facts){
		.policy_open = open,
		.rules = {.there = true, .rules = 2, .bypassing = open ? 2 : 0, .first = 100, .last = 101},
		.queue_count = 2,
		.first_queue = 100,
		.open_count = open ? 2 : 0,
		.acknowledged_count = 2,
	};
}

/* Fates in the order of the cases, "waits/" with what follows. */
static const char *fates(const struct failmode_facts *facts, struct failmode_warnings *warnings)
{
	static char text[128];
	struct failmode_answer answers[FAILMODE_CASES];

	text[0] = '\0';
	failmode_assess(facts, answers, warnings);
	for (unsigned i = 0; i < FAILMODE_CASES; i++) {
		size_t len = strlen(text);

		assert_non_null(answers[i].because);
		snprintf(text + len, sizeof(text) - len, "%s%s", i ? " " : "",
			 failmode_fate_name(answers[i].fate));
		len = strlen(text);
		if (answers[i].then != answers[i].fate)
			snprintf(text + len, sizeof(text) - len, "/%s", failmode_fate_name(answers[i].then));
	}
	return text;
}

static void test_in_order(void **state)
{
	struct failmode_facts open = in_order(true), closed = in_order(false);
	struct failmode_warnings warnings;

	(void)state;
	assert_string_equal(fates(&open, &warnings), "passes passes passes dropped waits/passes");
	assert_int_equal(warnings.count, 0);
	assert_string_equal(fates(&closed, &warnings), "dropped dropped dropped dropped waits/dropped");
	assert_int_equal(warnings.count, 0);
	closed.sockets_kept = true;
	assert_string_equal(fates(&closed, &warnings), "dropped dropped dropped waits/dropped waits/dropped");
}

static void test_at_odds(void **state)
{
	struct failmode_warnings warnings;
	struct failmode_facts facts = in_order(true);

	(void)state;
	facts.policy_open = false;
	facts.open_count = 0;
	assert_string_equal(fates(&facts, &warnings), "passes dropped dropped dropped waits/dropped");
	assert_int_equal(warnings.count, 1);
	assert_non_null(strstr(warnings.texts[0], "policy says fail = closed, the kernel's rules open"));
	facts = in_order(true);
	facts.acknowledged_count = 1;
	assert_string_equal(fates(&facts, &warnings), "passes unknown unknown dropped waits/unknown");
	assert_int_equal(warnings.count, 1);
	facts = in_order(true);
	facts.open_count = 1;
	assert_string_equal(fates(&facts, &warnings), "passes mixed mixed dropped waits/mixed");
	assert_int_equal(warnings.count, 1);
	facts = in_order(true);
	facts.rules.bypassing = 1;
	assert_string_equal(fates(&facts, &warnings), "mixed passes passes dropped waits/passes");
	assert_int_equal(warnings.count, 1);
	facts = in_order(false);
	facts.rules.last = 103;
	(void)fates(&facts, &warnings);
	assert_int_equal(warnings.count, 1);
	assert_non_null(strstr(warnings.texts[0], "100 to 103"));
}

static void test_nothing_queued(void **state)
{
	static const char *const all_pass = "passes passes passes passes passes";
	struct failmode_warnings warnings;
	struct failmode_facts facts = in_order(false);

	(void)state;
	facts.rules = (struct nft_queueing){.there = false};
	assert_string_equal(fates(&facts, &warnings), all_pass);
	assert_non_null(strstr(warnings.texts[0], "no table op25b"));
	facts = in_order(false);
	facts.rules.asleep = true;
	assert_string_equal(fates(&facts, &warnings), all_pass);
	assert_int_equal(warnings.count, 1);
	facts = in_order(false);
	facts.rules.rules = 0;
	assert_string_equal(fates(&facts, &warnings), all_pass);
	assert_int_equal(warnings.count, 1);
	facts = in_order(false);
	facts.rules_error = -1;
	assert_string_equal(fates(&facts, &warnings), "unknown dropped dropped dropped waits/dropped");
	assert_int_equal(warnings.count, 1);
}

/* ---- periods ---- */

static struct unjudged_sample at(int64_t s, bool open, uint64_t full, uint64_t buffer)
{
	return (struct unjudged_sample){.steady_ns = s * NSEC_PER_SEC,
					.wall_ns = (1000 + s) * NSEC_PER_SEC,
					.open = open,
					.counts = {full, buffer}};
}

static void test_a_period(void **state)
{
	struct unjudged unjudged = {0};
	struct unjudged_period period;
	struct unjudged_sample sample = at(1, true, 0, 0);

	(void)state;
	assert_false(unjudged_take(&unjudged, &sample, &period));
	sample = at(2, true, 10, 0);
	assert_true(unjudged_take(&unjudged, &sample, &period));
	assert_false(period.over);
	assert_true(period.open);
	assert_int_equal(period.counts.queue_full, 10);
	assert_false(unjudged_take(&unjudged, &sample, &period));
	sample = at(3, true, 15, 4);
	assert_false(unjudged_take(&unjudged, &sample, &period));
	sample = at(5, true, 15, 4);
	assert_false(unjudged_take(&unjudged, &sample, &period));
	sample = at(6, true, 15, 4);
	assert_true(unjudged_take(&unjudged, &sample, &period));
	assert_true(period.over);
	assert_int_equal(period.first_ns, 1002 * NSEC_PER_SEC);
	assert_int_equal(period.last_ns, 1003 * NSEC_PER_SEC);
	assert_int_equal(period.counts.queue_full, 15);
	assert_int_equal(period.counts.buffer_full, 4);
	assert_false(unjudged_take(&unjudged, &sample, &period));
	assert_int_equal(unjudged.sums[1].queue_full, 15);
}

/* A full queue is news though nothing can be counted; another mode is another period; the end ends it. */
static void test_periods_change(void **state)
{
	struct unjudged unjudged = {0};
	struct unjudged_period period;
	struct unjudged_sample sample = at(1, true, 0, 0);

	(void)state;
	sample.full = true;
	assert_true(unjudged_take(&unjudged, &sample, &period));
	sample = at(2, false, 7, 0);
	assert_true(unjudged_take(&unjudged, &sample, &period));
	assert_true(period.over && period.open);
	assert_int_equal(period.counts.queue_full, 0);
	assert_true(unjudged_take(&unjudged, &sample, &period));
	assert_true(!period.over && !period.open);
	assert_int_equal(period.counts.queue_full, 7);
	assert_true(unjudged_end(&unjudged, &period));
	assert_true(period.over);
	assert_false(unjudged_end(&unjudged, &period));
	assert_int_equal(unjudged.sums[0].queue_full, 7);
	assert_int_equal(unjudged.begun[0], 1);
	assert_int_equal(unjudged.begun[1], 1);
}

/* ---- interfaces ---- */

struct seen {
	const char *there; /* the only interface */
	char text[128];
};

static bool is_there(void *context, const char *name)
{
	const struct seen *seen = context;

	return strcmp(seen->there, name) == 0;
}

static void see_change(void *context, const char *name, bool missing)
{
	struct seen *seen = context;
	size_t len = strlen(seen->text);

	snprintf(seen->text + len, sizeof(seen->text) - len, "%c%s ", missing ? '-' : '+', name);
}

static void test_interfaces(void **state)
{
	char names[3][IF_NAME_MAX] = {"sub0", "ppp*", "up0"};
	struct policy policy = {.gateway.subscriber_interfaces = {names, 3}};
	struct seen seen = {.there = "sub0"};
	struct ifwatch watch = {.count = 0};

	(void)state;
	ifwatch_take(&watch, &policy, 1);
	ifwatch_look(&watch, is_there, see_change, &seen);
	assert_string_equal(seen.text, "-up0 ");
	ifwatch_look(&watch, is_there, see_change, &seen);
	ifwatch_take(&watch, &policy, 2);
	ifwatch_look(&watch, is_there, see_change, &seen);
	assert_string_equal(seen.text, "-up0 ");
	assert_int_equal(watch.missing, 1);
	seen.there = "up0";
	ifwatch_look(&watch, is_there, see_change, &seen);
	assert_string_equal(seen.text, "-up0 -sub0 +up0 ");
}

/* ---- repairs ---- */

static void test_pace(void **state)
{
	struct guardian_pace pace = {0};
	int64_t now = 1000 * NSEC_PER_SEC;

	(void)state;
	for (unsigned i = 0; i < GUARDIAN_REPAIRS_MAX; i++) {
		assert_int_equal(guardian_pace_ask(&pace, now), GUARDIAN_MAY);
		guardian_pace_note(&pace, now);
		now += NSEC_PER_SEC;
		if (i + 1 < GUARDIAN_REPAIRS_MAX)
			assert_int_equal(guardian_pace_ask(&pace, now), GUARDIAN_WAIT);
		now += GUARDIAN_REPAIR_S * NSEC_PER_SEC;
	}
	assert_int_equal(guardian_pace_ask(&pace, now), GUARDIAN_TOO_OFTEN);
	now += GUARDIAN_MINUTE_S * NSEC_PER_SEC;
	assert_int_equal(guardian_pace_ask(&pace, now), GUARDIAN_MAY);
	guardian_pace_note(&pace, now);
	assert_int_equal(guardian_pace_ask(&pace, now + NSEC_PER_SEC), GUARDIAN_WAIT);
}

/* ---- records ---- */

static char written[4][EVENT_RECORD_MAX];
static size_t written_count;

static void keep_line(void *context, const char *line, size_t len)
{
	(void)context;
	assert_true(written_count < 4);
	memcpy(written[written_count], line, len);
	written[written_count++][len] = '\0';
}

static const char *no_reason(unsigned reason)
{
	(void)reason;
	return "none";
}

static void test_a_record(void **state)
{
	const struct event_config config = {.host = "gw1",
					    .boot_id = "boot",
					    .first_seq = 5,
					    .window_s = 10,
					    .subscribers_max = 8,
					    .reason_name = no_reason,
					    .emit = keep_line};
	struct event_notice notice = {.kind = EVENT_NOTICE_FAILED_OPEN,
				      .state = EVENT_NOTICE_END,
				      .time_ns = 3 * NSEC_PER_SEC,
				      .first_ns = NSEC_PER_SEC,
				      .last_ns = 2 * NSEC_PER_SEC,
				      .open = true,
				      .has_packets = true,
				      .packets = 9,
				      .queue_full = 7,
				      .buffer_full = 2,
				      .digest = "d1",
				      .message = "a \"text\""};
	struct event_collector *collector = NULL;

	(void)state;
	written_count = 0;
	assert_int_equal(event_collector_new(&config, &collector), 0);
	event_notice(collector, &notice);
	notice = (struct event_notice){
		.kind = EVENT_NOTICE_RULES_BACK, .state = EVENT_NOTICE_ONCE, .message = "back"};
	event_notice(collector, &notice);
	event_collector_free(collector);
	assert_string_equal(
		written[0],
		"{\"timestamp\":\"1970-01-01T00:00:03.000000+0000\",\"log_level\":\"Warning\",\"event_type\":"
		"\"engine\",\"host\":\"gw1\",\"engine\":{\"message\":\"a \\\"text\\\"\"},\"op25b\":{\"schema\":1,"
		"\"boot_id\":\"boot\",\"seq\":5,\"kind\":\"failed-open\",\"state\":\"end\",\"fail\":\"open\",\"begin\":"
		"\"1970-01-01T00:00:01.000000+0000\",\"end\":\"1970-01-01T00:00:02.000000+0000\",\"unjudged\":9,"
		"\"unjudged_exact\":true,\"queue_full\":7,\"buffer_full\":2,\"policy\":\"d1\"}}\n");
	assert_non_null(
		strstr(written[1], "\"seq\":6,\"kind\":\"rules-back\",\"state\":\"once\",\"policy\":\"\"}}"));
	assert_non_null(strstr(written[1], "\"log_level\":\"Notice\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_targets),  cmocka_unit_test(test_reads_expressions),
		cmocka_unit_test(test_in_order),       cmocka_unit_test(test_at_odds),
		cmocka_unit_test(test_nothing_queued), cmocka_unit_test(test_a_period),
		cmocka_unit_test(test_pace),           cmocka_unit_test(test_interfaces),
		cmocka_unit_test(test_periods_change), cmocka_unit_test(test_a_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
