/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The example policies in etc/, day by day around their dates. Argument: the source directory. */
#include "engine/engine.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DAY_S = 86400 };

#define REASON_END REASONS

static const char *source_directory;

/* From a date on (the first: from the row's beginning) the reason holds until the next phase, or the row's end. */
struct phase {
	const char *from;
	enum reason reason;
	enum verdict verdict;
};

struct row {
	const char *interface, *src, *dst;
	uint16_t port;
	struct phase phases[5];
};

struct example {
	const char *policy, *begin, *end;
	const struct row *rows;
	size_t count;
};

#define ALWAYS(reason, verdict)                                                                              \
	{                                                                                                    \
		{NULL, reason, verdict},                                                                     \
		{                                                                                            \
			NULL, REASON_END, 0                                                                  \
		}                                                                                            \
	}
#define ACCEPTED VERDICT_ACCEPT

static const struct row small_isp[] = {
	{"ppp3", "198.51.100.5", "203.0.113.9", 25, ALWAYS(REASON_POOL_ENFORCE, VERDICT_DROP)},
	{"ppp3", "2001:db8:100:17::9", "2001:db8:f::1", 25, ALWAYS(REASON_POOL_ENFORCE, VERDICT_DROP)},
	{"ppp3", "198.51.100.5", "203.0.113.9", 587, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp3", "198.51.100.5", "203.0.113.9", 465, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp3", "198.51.100.5", "192.0.2.25", 25, ALWAYS(REASON_RELAY_DESTINATION, ACCEPTED)},
	{"ppp3", "198.51.100.5", "192.0.2.80", 25, ALWAYS(REASON_INSIDE, ACCEPTED)},
	{"ppp3", "203.0.113.77", "203.0.113.9", 25, ALWAYS(REASON_UNLISTED_DROP, VERDICT_DROP)},
	{"ppp3", "192.0.2.25", "203.0.113.9", 25, ALWAYS(REASON_SPOOFED, VERDICT_DROP)},
	{"eth1", "192.0.2.25", "203.0.113.9", 25, ALWAYS(REASON_RELAY, ACCEPTED)},
	{"eth0", "203.0.113.9", "198.51.100.5", 25, ALWAYS(REASON_INBOUND, ACCEPTED)},
	{"ppp3",
	 "198.51.100.77",
	 "203.0.113.9",
	 25,
	 {{NULL, REASON_EXEMPT, ACCEPTED},
	  {"2027-06-30T00:00:00Z", REASON_POOL_ENFORCE, VERDICT_DROP},
	  {NULL, REASON_END, ACCEPTED}}},
	{"ppp3",
	 "2001:db8:100:4d42::1",
	 "2001:db8:f::1",
	 25,
	 {{NULL, REASON_EXEMPT, ACCEPTED},
	  {"2027-06-30T00:00:00Z", REASON_POOL_ENFORCE, VERDICT_DROP},
	  {NULL, REASON_END, ACCEPTED}}},
};

#define FIBRE                                                                                                \
	{                                                                                                    \
		{NULL, REASON_POOL_OFF, ACCEPTED},                                                           \
			{"2027-03-01T00:00:00+01:00", REASON_POOL_MONITOR, ACCEPTED},                        \
			{"2027-04-01T00:00:00+02:00", REASON_POOL_ENFORCE, VERDICT_DROP},                    \
		{                                                                                            \
			NULL, REASON_END, 0                                                                  \
		}                                                                                            \
	}
#define CABLE                                                                                                \
	{                                                                                                    \
		{NULL, REASON_POOL_OFF, ACCEPTED},                                                           \
			{"2027-05-01T00:00:00+02:00", REASON_POOL_MONITOR, ACCEPTED},                        \
			{"2027-06-01T00:00:00+02:00", REASON_POOL_ENFORCE, VERDICT_RESET},                   \
		{                                                                                            \
			NULL, REASON_END, 0                                                                  \
		}                                                                                            \
	}
#define BUSINESS                                                                                             \
	{                                                                                                    \
		{NULL, REASON_POOL_OFF, ACCEPTED},                                                           \
			{"2027-01-01T00:00:00+01:00", REASON_POOL_MONITOR, ACCEPTED},                        \
		{                                                                                            \
			NULL, REASON_END, 0                                                                  \
		}                                                                                            \
	}
#define TO_CARRIER(verdict)                                                                                  \
	{                                                                                                    \
		{NULL, REASON_POOL_OFF, ACCEPTED},                                                           \
			{"2027-01-15T00:00:00+01:00", REASON_DESTINATION_ENFORCE, verdict},                  \
		{                                                                                            \
			NULL, REASON_END, 0                                                                  \
		}                                                                                            \
	}

static const struct row dual_stack_phased[] = {
	{"vlan10", "198.18.1.1", "198.19.50.1", 25, FIBRE},
	{"vlan10", "2001:db8:1000:7::1", "2001:db8:e::1", 25, FIBRE},
	{"vlan20", "198.51.100.100", "198.19.50.1", 25, CABLE},
	{"vlan20", "2001:db8:2000:7::1", "2001:db8:e::1", 25, CABLE},
	{"vlan30", "203.0.113.5", "198.19.50.1", 25, BUSINESS},
	{"vlan30", "2001:db8:3000:7::1", "2001:db8:e::1", 25, BUSINESS},
	{"vlan10", "198.18.1.1", "198.19.10.9", 25, TO_CARRIER(VERDICT_DROP)},
	{"vlan10", "2001:db8:1000:7::1", "2001:db8:f000::1", 25, TO_CARRIER(VERDICT_DROP)},
	{"vlan20", "198.51.100.100", "198.19.21.9", 25, TO_CARRIER(VERDICT_RESET)},
	{"vlan30", "203.0.113.5", "198.19.10.9", 25, BUSINESS},
	{"vlan10", "198.18.1.1", "198.19.10.9", 587, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"vlan10",
	 "198.18.1.1",
	 "203.0.113.130",
	 25,
	 {{NULL, REASON_POOL_OFF, ACCEPTED},
	  {"2027-03-01T00:00:00+01:00", REASON_POOL_MONITOR, ACCEPTED},
	  {"2027-10-01T00:00:00+02:00", REASON_DESTINATION_ENFORCE, VERDICT_DROP},
	  {NULL, REASON_END, ACCEPTED}}},
	{"vlan20",
	 "198.51.100.241",
	 "203.0.113.130",
	 25,
	 {{NULL, REASON_EXEMPT, ACCEPTED},
	  {"2027-09-30T00:00:00+02:00", REASON_POOL_MONITOR, ACCEPTED},
	  {"2027-10-01T00:00:00+02:00", REASON_DESTINATION_ENFORCE, VERDICT_RESET},
	  {NULL, REASON_END, ACCEPTED}}},
	{"vlan20", "198.51.100.241", "198.19.50.1", 25, CABLE},
	{"vlan20", "198.51.100.17", "198.19.50.1", 25, ALWAYS(REASON_EXEMPT, ACCEPTED)},
	{"vlan20", "2001:db8:2000:f123::1", "2001:db8:e::1", 25, ALWAYS(REASON_EXEMPT, ACCEPTED)},
	{"vlan20", "198.51.100.100", "203.0.113.200", 25, ALWAYS(REASON_INSIDE, ACCEPTED)},
	{"vlan20", "198.51.100.100", "192.0.2.26", 25, ALWAYS(REASON_RELAY_DESTINATION, ACCEPTED)},
	{"eth2", "192.0.2.26", "198.19.50.1", 25, ALWAYS(REASON_RELAY, ACCEPTED)},
	{"vlan30", "192.0.2.26", "198.19.50.1", 25, ALWAYS(REASON_SPOOFED, VERDICT_DROP)},
	{"vlan10", "198.19.200.1", "198.19.50.1", 25, ALWAYS(REASON_UNLISTED_MONITOR, ACCEPTED)},
	{"eth1", "198.19.50.1", "198.51.100.100", 25, ALWAYS(REASON_INBOUND, ACCEPTED)},
	/* Spoofing is dropped from the day the pool is enforced, and recorded from the day it is monitored. */
	{"vlan20",
	 "198.18.1.1",
	 "198.19.50.1",
	 25,
	 {{NULL, REASON_POOL_OFF, ACCEPTED},
	  {"2027-03-01T00:00:00+01:00", REASON_SPOOFED, ACCEPTED},
	  {"2027-04-01T00:00:00+02:00", REASON_SPOOFED, VERDICT_DROP},
	  {NULL, REASON_END, ACCEPTED}}},
};

static const struct row monitor_first[] = {
	{"eth5", "198.51.100.5", "198.19.50.1", 25, ALWAYS(REASON_POOL_ENFORCE, ACCEPTED)},
	{"eth5", "2001:db8:100::5", "2001:db8:e::1", 25, ALWAYS(REASON_POOL_ENFORCE, ACCEPTED)},
	{"eth5", "198.51.100.5", "198.19.50.1", 587, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"eth5", "198.51.100.5", "192.0.2.25", 25, ALWAYS(REASON_RELAY_DESTINATION, ACCEPTED)},
	{"eth5", "198.51.100.5", "192.0.2.80", 25, ALWAYS(REASON_INSIDE, ACCEPTED)},
	{"eth5", "192.0.2.25", "198.19.50.1", 25, ALWAYS(REASON_RELAY, ACCEPTED)},
	{"eth0", "198.19.50.1", "198.51.100.5", 25, ALWAYS(REASON_UNLISTED_ACCEPT, ACCEPTED)},
};

#define OUTSIDE                                                                                              \
	{                                                                                                    \
		{NULL, REASON_POOL_OFF, ACCEPTED},                                                           \
			{"2008-06-01T00:00:00+09:00", REASON_POOL_MONITOR, ACCEPTED},                        \
			{"2009-10-01T00:00:00+09:00", REASON_POOL_ENFORCE, VERDICT_DROP},                    \
		{                                                                                            \
			NULL, REASON_END, 0                                                                  \
		}                                                                                            \
	}
#define OWN_SERVER                                                                                           \
	{                                                                                                    \
		{NULL, REASON_RELAY_DESTINATION, ACCEPTED},                                                  \
			{"2009-10-01T00:00:00+09:00", REASON_RELAY_CLOSED, VERDICT_DROP},                    \
		{                                                                                            \
			NULL, REASON_END, 0                                                                  \
		}                                                                                            \
	}

static const struct row japan_2009[] = {
	{"ppp0", "198.51.100.7", "198.19.50.1", 25, OUTSIDE},
	{"ppp0", "203.0.113.7", "198.19.50.1", 25, OUTSIDE},
	{"ppp0", "198.18.130.7", "198.19.50.1", 25, OUTSIDE},
	{"ppp0", "2001:db8:100::7", "2001:db8:e::1", 25, OUTSIDE},
	{"ppp0", "198.51.100.7", "192.0.2.25", 25, OWN_SERVER},
	{"ppp0", "198.51.100.7", "192.0.2.26", 25, OWN_SERVER},
	{"ppp0", "2001:db8:100::7", "2001:db8:25::26", 25, OWN_SERVER},
	{"ppp0", "198.51.100.7", "192.0.2.80", 25, ALWAYS(REASON_INSIDE, ACCEPTED)},
	{"ppp0", "198.51.100.7", "192.0.2.25", 110, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.51.100.7", "192.0.2.25", 995, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.51.100.7", "192.0.2.26", 465, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.51.100.7", "192.0.2.26", 587, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.51.100.7", "198.19.50.1", 587, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.51.100.7", "198.19.50.1", 465, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.51.100.7", "198.19.50.1", 110, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.51.100.7", "198.19.50.1", 995, ALWAYS(REASON_NOT_TCP25, ACCEPTED)},
	{"ppp0", "198.18.192.1", "198.19.50.1", 25, ALWAYS(REASON_UNLISTED_ACCEPT, ACCEPTED)},
	{"ppp0", "192.0.2.25", "198.19.50.1", 25, ALWAYS(REASON_SPOOFED, VERDICT_DROP)},
	{"eth1", "192.0.2.25", "198.19.50.1", 25, ALWAYS(REASON_RELAY, ACCEPTED)},
	{"eth0", "198.19.50.1", "192.0.2.26", 25, ALWAYS(REASON_INBOUND, ACCEPTED)},
	{"ppp0",
	 "198.51.100.200",
	 "198.19.50.1",
	 25,
	 {{NULL, REASON_POOL_OFF, ACCEPTED},
	  {"2008-06-01T00:00:00+09:00", REASON_POOL_MONITOR, ACCEPTED},
	  {"2009-10-01T00:00:00+09:00", REASON_EXEMPT, ACCEPTED},
	  {"2009-12-01T00:00:00+09:00", REASON_POOL_ENFORCE, VERDICT_DROP},
	  {NULL, REASON_END, ACCEPTED}}},
	{"ppp0",
	 "198.51.100.200",
	 "192.0.2.25",
	 25,
	 {{NULL, REASON_RELAY_DESTINATION, ACCEPTED},
	  {"2009-10-01T00:00:00+09:00", REASON_EXEMPT, ACCEPTED},
	  {"2009-12-01T00:00:00+09:00", REASON_RELAY_CLOSED, VERDICT_DROP},
	  {NULL, REASON_END, ACCEPTED}}},
};

static const struct example examples[] = {
	{"small-isp", "2026-12-01T00:00:00Z", "2027-12-31T00:00:00Z", small_isp, COUNT(small_isp)},
	{"dual-stack-phased", "2026-11-01T00:00:00+01:00", "2028-02-01T00:00:00+01:00", dual_stack_phased,
	 COUNT(dual_stack_phased)},
	{"monitor-first", "2026-12-01T00:00:00Z", "2027-02-01T00:00:00Z", monitor_first,
	 COUNT(monitor_first)},
	{"japan-2009", "2008-04-01T00:00:00+09:00", "2010-04-01T00:00:00+09:00", japan_2009,
	 COUNT(japan_2009)},
};

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

static struct packet syn(const struct row *row)
{
	return (struct packet){
		.src = address(row->src),
		.dst = address(row->dst),
		.family = address(row->src).family,
		.protocol = IP_PROTOCOL_TCP,
		.has_protocol = true,
		.has_ports = true,
		.has_flags = true,
		.tcp_flags = TCP_SYN,
		.sport = 40000,
		.dport = row->port,
	};
}

static void check_at(const struct engine *engine, const struct example *example, const struct row *row,
		     const struct phase *phase, int64_t now_s)
{
	struct packet packet = syn(row);
	struct engine_context context = {.interface = engine_resolve_interface(engine, row->interface),
					 .now_s = now_s};
	struct decision decision = decide(engine, &packet, &context);
	char when[MOMENT_TEXT_MAX];

	if (decision.reason == phase->reason && decision.verdict == phase->verdict)
		return;
	moment_format(now_s, 0, when);
	fail_msg("%s: %s on %s to %s port %u at %s: %s %s, not %s %s", example->policy, row->src,
		 row->interface, row->dst, row->port, when, reason_name(decision.reason),
		 verdict_name(decision.verdict), reason_name(phase->reason), verdict_name(phase->verdict));
}

/* Every midnight of the phase, its first second and its last. */
static void check_phase(const struct engine *engine, const struct example *example, const struct row *row,
			const struct phase *phase)
{
	int64_t begin_s = date(phase->from ? phase->from : example->begin);
	int64_t end_s = date(phase[1].from ? phase[1].from : example->end);

	assert_true(begin_s < end_s);
	for (int64_t now_s = begin_s; now_s < end_s; now_s += DAY_S)
		check_at(engine, example, row, phase, now_s);
	check_at(engine, example, row, phase, end_s - 1);
}

static void check_example(const struct example *example)
{
	struct policy *policy = NULL;
	struct engine *engine = NULL;
	struct diag_list diags = {0};
	char path[4096];

	snprintf(path, sizeof(path), "%s/etc/%s.ini", source_directory, example->policy);
	if (policy_read_file(path, date(example->begin), &diags, &policy) != 0)
		diag_print(&diags, stderr);
	assert_non_null(policy);
	diag_list_free(&diags);
	assert_int_equal(engine_build(policy, &engine), 0);
	for (size_t i = 0; i < example->count; i++) {
		for (const struct phase *phase = example->rows[i].phases; phase->reason != REASON_END;
		     phase++)
			check_phase(engine, example, &example->rows[i], phase);
	}
	engine_free(engine);
	policy_free(policy);
}

static void test_small_isp(void **state)
{
	(void)state;
	check_example(&examples[0]);
}

static void test_dual_stack_phased(void **state)
{
	(void)state;
	check_example(&examples[1]);
}

static void test_monitor_first(void **state)
{
	(void)state;
	check_example(&examples[2]);
}

static void test_japan_2009(void **state)
{
	(void)state;
	check_example(&examples[3]);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_small_isp),
		cmocka_unit_test(test_dual_stack_phased),
		cmocka_unit_test(test_monitor_first),
		cmocka_unit_test(test_japan_2009),
	};

	if (argc != 2)
		return 2;
	source_directory = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
