/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Explanations of random packets under random policies: one question decides, and it is the one decide() means. */
#include "explain/explain.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "make_policy.h"
#include "random_policy.h"

enum { POLICIES = 200, PACKETS = 60 };

static char source_name[] = "made.ini", nothing[] = "";
static char *source_names[] = {source_name};

/* What reading a file guarantees, and made policies lack. */
static void lend_texts(struct policy *policy, bool lent)
{
	policy->sources = lent ? source_names : NULL;
	policy->source_count = lent;
	for (size_t i = 0; i < policy->rule_count; i++) {
		policy->rules[i].ticket = lent ? nothing : NULL;
		policy->rules[i].owner = lent ? nothing : NULL;
		policy->rules[i].reason = lent ? nothing : NULL;
		policy->rules[i].note = lent ? nothing : NULL;
	}
}

static struct explain_question random_question(const struct engine *engine)
{
	static const char *const names[] = {NULL, "ppp0", "ppp9", "srv0", "up0", "vlan7"};
	uint8_t family = chance(50) ? ADDR_IP4 : ADDR_IP6;
	struct addr src = random_address(family), dst = random_address(family);
	struct explain_question question = {.packet = explain_syn(&src, &dst),
					    .interface = names[random_below(6)]};

	question.context.interface = engine_resolve_interface(engine, question.interface);
	question.context.now_s = random_dates[random_below(DATES)] + (chance(50) ? 0 : -1);
	question.context.flow = (enum engine_flow)random_below(3);
	if (chance(20))
		question.packet.tcp_flags = (uint8_t)random_below(256);
	if (chance(10))
		question.packet.fault = (uint8_t)random_below(PACKET_FAULT_CUT + 1);
	if (chance(10))
		question.packet.dport = 587;
	if (chance(10)) {
		question.packet.sport = 25;
		question.packet.tcp_flags = TCP_SYN | TCP_ACK;
		question.packet.dport = 40000;
	}
	return question;
}

static void check(const struct engine *engine, const struct explain_question *question)
{
	struct decision wanted = decide(engine, &question->packet, &question->context);
	struct explanation explanation;
	size_t decides = 0;
	int64_t last_s = question->context.now_s;

	assert_int_equal(explain_packet(engine, question, &explanation), 0);
	assert_int_equal(explanation.decision.reason, wanted.reason);
	for (size_t i = 0; i < explanation.step_count; i++) {
		if (!explanation.steps[i].decides)
			continue;
		decides++;
		if (explanation.steps[i].rule != wanted.rule)
			fail_msg("\"%s\" names rule %d, %s is by rule %d", explanation.steps[i].name,
				 explanation.steps[i].rule, reason_name(wanted.reason), wanted.rule);
	}
	if (decides != 1)
		fail_msg("%zu of %zu questions decide %s", decides, explanation.step_count,
			 reason_name(wanted.reason));
	for (size_t i = 0; i < explanation.change_count; i++) {
		assert_true(explanation.changes[i].at_s > last_s);
		last_s = explanation.changes[i].at_s;
	}
	assert_true(explanation.change_count > 0 || wanted.next_change_s == MOMENT_NEVER);
	explain_free(&explanation);
}

static void test_one_question_decides(void **state)
{
	for (int i = 0; i < POLICIES; i++) {
		struct made_policy made;
		struct engine *engine = NULL;

		random_policy(&made);
		lend_texts(&made.policy, true);
		assert_int_equal(engine_build(&made.policy, &engine), 0);
		for (int j = 0; j < PACKETS; j++) {
			struct explain_question question = random_question(engine);

			check(engine, &question);
		}
		engine_free(engine);
		lend_texts(&made.policy, false);
		made_policy_free(&made);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_one_question_decides)};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
