/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The example policies, day by day: each row is one customer's question, with every date at which the answer changes.
 * It is asked on each of the days around each of those dates, and in the very seconds before and at it.
 * Argument: the directory of the examples.
 */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_MAX = 6, DAYS_AROUND = 4, DAY_S = 86400 };

/* From this date on (NULL: from the beginning) the answer is this. */
struct step {
	const char *from;
	enum verdict verdict;
	const char *reason;
};

struct question {
	const char *policy, *src, *dst, *interface;
	uint16_t port; /* 0: 25 */
	struct step steps[STEPS_MAX];
};

#define ACCEPT VERDICT_ACCEPT
#define DROP   VERDICT_DROP
#define RESET  VERDICT_RESET

static const struct question questions[] = {
	/* small ISP: blocked at once, one exemption with an end */
	{"small-isp.ini", "198.51.100.7", "203.0.113.9", "ppp3", 0, {{NULL, DROP, "pool-enforce"}}},
	{"small-isp.ini", "2001:db8:100::7", "2001:db8:f::9", "ppp3", 0, {{NULL, DROP, "pool-enforce"}}},
	{"small-isp.ini", "198.51.100.7", "203.0.113.9", "ppp3", 587, {{NULL, ACCEPT, "not-tcp25"}}},
	{"small-isp.ini", "198.51.100.7", "203.0.113.9", "ppp3", 465, {{NULL, ACCEPT, "not-tcp25"}}},
	{"small-isp.ini", "198.51.100.7", "192.0.2.25", "ppp3", 0, {{NULL, ACCEPT, "relay-destination"}}},
	{"small-isp.ini", "198.51.100.7", "192.0.2.80", "ppp3", 0, {{NULL, ACCEPT, "inside"}}},
	{"small-isp.ini", "192.0.2.25", "203.0.113.9", "eth1", 0, {{NULL, ACCEPT, "relay"}}},
	{"small-isp.ini", "192.0.2.25", "203.0.113.9", "ppp3", 0, {{NULL, DROP, "spoofed"}}},
	{"small-isp.ini", "203.0.113.9", "192.0.2.25", "eth0", 0, {{NULL, ACCEPT, "inbound"}}},
	{"small-isp.ini", "203.0.113.9", "198.51.100.7", "eth0", 0, {{NULL, ACCEPT, "inbound"}}},
	{"small-isp.ini", "100.64.0.1", "203.0.113.9", "ppp3", 0, {{NULL, DROP, "unlisted-drop"}}},
	{"small-isp.ini",
	 "198.51.100.77",
	 "203.0.113.9",
	 "ppp3",
	 0,
	 {{NULL, ACCEPT, "exempt"}, {"2027-06-30T00:00:00Z", DROP, "pool-enforce"}}},
	{"small-isp.ini",
	 "2001:db8:100:4d01::1",
	 "2001:db8:f::9",
	 "ppp3",
	 0,
	 {{NULL, ACCEPT, "exempt"}, {"2027-06-30T00:00:00Z", DROP, "pool-enforce"}}},

	/* dual stack: two pools with months of their own, one that is only watched, two destination groups */
	{"dual-stack-phased.ini",
	 "198.18.1.1",
	 "192.88.99.1",
	 "vlan101",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2027-03-01T00:00:00+01:00", ACCEPT, "pool-monitor"},
	  {"2027-04-01T00:00:00+02:00", DROP, "pool-enforce"}}},
	{"dual-stack-phased.ini",
	 "2001:db8:1000::1",
	 "2001:db8:e::9",
	 "vlan101",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2027-03-01T00:00:00+01:00", ACCEPT, "pool-monitor"},
	  {"2027-04-01T00:00:00+02:00", DROP, "pool-enforce"}}},
	{"dual-stack-phased.ini",
	 "198.51.100.7",
	 "192.88.99.1",
	 "vlan201",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2027-05-01T00:00:00+02:00", ACCEPT, "pool-monitor"},
	  {"2027-06-01T00:00:00+02:00", RESET, "pool-enforce"}}},
	{"dual-stack-phased.ini",
	 "198.51.100.7",
	 "198.19.10.25",
	 "vlan201",
	 0,
	 {{NULL, ACCEPT, "pool-off"}, {"2027-01-15T00:00:00+01:00", RESET, "destination-enforce"}}},
	{"dual-stack-phased.ini",
	 "2001:db8:2000::1",
	 "2001:db8:f000::25",
	 "vlan201",
	 0,
	 {{NULL, ACCEPT, "pool-off"}, {"2027-01-15T00:00:00+01:00", RESET, "destination-enforce"}}},
	{"dual-stack-phased.ini",
	 "198.18.1.1",
	 "203.0.113.130",
	 "vlan101",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2027-03-01T00:00:00+01:00", ACCEPT, "pool-monitor"},
	  {"2027-10-01T00:00:00+02:00", DROP, "destination-enforce"}}},
	{"dual-stack-phased.ini",
	 "198.51.100.241",
	 "203.0.113.130",
	 "vlan201",
	 0,
	 {{NULL, ACCEPT, "exempt"},
	  {"2027-09-30T00:00:00+02:00", ACCEPT, "pool-monitor"},
	  {"2027-10-01T00:00:00+02:00", RESET, "destination-enforce"}}},
	{"dual-stack-phased.ini",
	 "203.0.113.5",
	 "192.88.99.1",
	 "vlan300",
	 0,
	 {{NULL, ACCEPT, "pool-off"}, {"2027-01-01T00:00:00+01:00", ACCEPT, "pool-monitor"}}},
	{"dual-stack-phased.ini",
	 "203.0.113.5",
	 "198.19.10.25",
	 "vlan300",
	 0,
	 {{NULL, ACCEPT, "pool-off"}, {"2027-01-01T00:00:00+01:00", ACCEPT, "pool-monitor"}}},
	{"dual-stack-phased.ini",
	 "198.18.1.1",
	 "192.88.99.1",
	 "vlan201",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2027-03-01T00:00:00+01:00", ACCEPT, "spoofed"},
	  {"2027-04-01T00:00:00+02:00", DROP, "spoofed"}}},
	{"dual-stack-phased.ini", "198.51.100.17", "192.88.99.1", "vlan201", 0, {{NULL, ACCEPT, "exempt"}}},
	{"dual-stack-phased.ini",
	 "100.64.0.1",
	 "192.88.99.1",
	 "vlan101",
	 0,
	 {{NULL, ACCEPT, "unlisted-monitor"}}},

	/* a trial: everything passes, at every date */
	{"monitor-first.ini", "198.51.100.7", "192.88.99.1", NULL, 0, {{NULL, ACCEPT, "pool-enforce"}}},
	{"monitor-first.ini", "2001:db8:100::7", "2001:db8:e::9", NULL, 0, {{NULL, ACCEPT, "pool-enforce"}}},
	{"monitor-first.ini", "100.64.0.1", "192.88.99.1", NULL, 0, {{NULL, ACCEPT, "unlisted-accept"}}},

	/* Japan, 2008 and 2009 */
	{"japan-2009.ini",
	 "198.51.100.7",
	 "192.88.99.1",
	 "ppp0",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2008-06-01T00:00:00+09:00", ACCEPT, "pool-monitor"},
	  {"2009-10-01T00:00:00+09:00", DROP, "pool-enforce"}}},
	{"japan-2009.ini",
	 "2001:db8:100::7",
	 "2001:db8:e::9",
	 "ppp0",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2008-06-01T00:00:00+09:00", ACCEPT, "pool-monitor"},
	  {"2009-10-01T00:00:00+09:00", DROP, "pool-enforce"}}},
	{"japan-2009.ini",
	 "198.51.100.7",
	 "192.0.2.25",
	 "ppp0",
	 0,
	 {{NULL, ACCEPT, "relay-destination"}, {"2009-10-01T00:00:00+09:00", DROP, "relay-closed"}}},
	{"japan-2009.ini",
	 "198.51.100.200",
	 "192.88.99.1",
	 "ppp0",
	 0,
	 {{NULL, ACCEPT, "pool-off"},
	  {"2008-06-01T00:00:00+09:00", ACCEPT, "pool-monitor"},
	  {"2009-10-01T00:00:00+09:00", ACCEPT, "exempt"},
	  {"2009-12-01T00:00:00+09:00", DROP, "pool-enforce"}}},
	{"japan-2009.ini", "192.0.2.25", "192.88.99.1", "eth1", 0, {{NULL, ACCEPT, "relay"}}},
	{"japan-2009.ini", "192.88.99.1", "192.0.2.25", "eth0", 0, {{NULL, ACCEPT, "inbound"}}},
	{"japan-2009.ini", "198.51.100.7", "192.0.2.26", "ppp0", 587, {{NULL, ACCEPT, "not-tcp25"}}},
	{"japan-2009.ini", "198.51.100.7", "192.0.2.26", "ppp0", 465, {{NULL, ACCEPT, "not-tcp25"}}},
	{"japan-2009.ini", "198.51.100.7", "192.0.2.110", "ppp0", 110, {{NULL, ACCEPT, "not-tcp25"}}},
	{"japan-2009.ini", "198.51.100.7", "192.0.2.110", "ppp0", 995, {{NULL, ACCEPT, "not-tcp25"}}},
};

static const char *directory;

static int64_t date(const char *text)
{
	struct moment moment = {0};

	assert_int_equal(moment_parse(text, strlen(text), &moment, NULL), MOMENT_OK);
	return moment.s;
}

static struct addr address(const char *text)
{
	struct addr addr = {0};

	assert_int_equal(addr_parse(text, strlen(text), &addr), ADDR_OK);
	return addr;
}

static struct policy *read_example(const char *name)
{
	struct diag_list diags = {0};
	struct policy *policy = NULL;
	char path[4096];

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	if (policy_read_file(path, date("2026-11-21T00:00:00Z"), &diags, &policy) < 0)
		diag_print(&diags, stderr);
	diag_list_free(&diags);
	assert_non_null(policy);
	return policy;
}

static const struct step *step_at(const struct question *question, int64_t now_s)
{
	const struct step *step = &question->steps[0];

	for (size_t i = 1; i < STEPS_MAX && question->steps[i].from; i++) {
		if (now_s >= date(question->steps[i].from))
			step = &question->steps[i];
	}
	return step;
}

static void ask(const struct engine *engine, const struct question *question, int64_t now_s)
{
	struct packet packet = {.src = address(question->src),
				.dst = address(question->dst),
				.protocol = IP_PROTOCOL_TCP,
				.has_protocol = true,
				.has_ports = true,
				.has_flags = true,
				.dport = question->port ? question->port : SMTP_PORT,
				.tcp_flags = TCP_SYN};
	struct engine_context context = {.interface = engine_resolve_interface(engine, question->interface),
					 .now_s = now_s};
	const struct step *step = step_at(question, now_s);
	struct decision decision;
	char when[MOMENT_TEXT_MAX];

	packet.family = packet.src.family;
	decision = decide(engine, &packet, &context);
	if (decision.verdict == step->verdict && strcmp(reason_name(decision.reason), step->reason) == 0)
		return;
	moment_format(now_s, 0, when);
	fail_msg("%s: %s > %s port %u at %s: %s %s, expected %s %s", question->policy, question->src,
		 question->dst, packet.dport, when, verdict_name(decision.verdict),
		 reason_name(decision.reason), verdict_name(step->verdict), step->reason);
}

/* Where no date is expected, the years around all the examples' dates are walked, so that none slips in. */
static void ask_all_years(const struct engine *engine, const struct question *question)
{
	for (int64_t s = date("2008-01-01T00:00:00Z"); s < date("2028-01-01T00:00:00Z"); s += 7 * DAY_S)
		ask(engine, question, s);
}

static void ask_around(const struct engine *engine, const struct question *question, int64_t date_s)
{
	for (int day = -DAYS_AROUND; day <= DAYS_AROUND; day++)
		ask(engine, question, date_s + day * DAY_S);
	ask(engine, question, date_s - 1);
	ask(engine, question, date_s);
	ask(engine, question, date_s + 1);
}

static void test_examples_day_by_day(void **state)
{
	const char *name = "";
	struct policy *policy = NULL;
	struct engine *engine = NULL;

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		const struct question *question = &questions[i];

		if (strcmp(name, question->policy) != 0) {
			engine_free(engine);
			policy_free(policy);
			name = question->policy;
			policy = read_example(name);
			assert_int_equal(engine_build(policy, &engine), 0);
		}
		ask_all_years(engine, question);
		for (size_t n = 1; n < STEPS_MAX && question->steps[n].from; n++)
			ask_around(engine, question, date(question->steps[n].from));
	}
	engine_free(engine);
	policy_free(policy);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_examples_day_by_day)};

	if (argc != 2)
		return 2;
	directory = argv[1];
	return cmocka_run_group_tests_name("examples", tests, NULL, NULL);
}
