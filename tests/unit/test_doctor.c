/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl doctor: what is judged from values alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../../tools/doctor.h"

#include "base/exitcode.h"
#include "net/route.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/timex.h>

static struct doctor_findings findings;

/* A test that failed leaves its findings. */
static int begin(void **state)
{
	doctor_findings_clear(&findings);
	findings.check = "check";
	return 0;
}

/* The one finding since the last look. */
static void assert_found(enum doctor_severity severity, const char *looked, const char *wrong)
{
	const struct doctor_finding *finding;

	assert_int_equal(findings.count, 1);
	finding = &findings.items[0];
	assert_string_equal(doctor_severity_name(finding->severity), doctor_severity_name(severity));
	assert_non_null(strstr(finding->looked, looked));
	if (wrong)
		assert_non_null(strstr(finding->wrong, wrong));
	else
		assert_null(finding->wrong);
	/* What is wrong has a remedy; what is well needs none. */
	assert_int_equal(finding->remedy != NULL, severity != DOCTOR_OK);
	doctor_findings_clear(&findings);
}

static json_t *json(const char *text)
{
	json_t *value = json_loads(text, 0, NULL);

	assert_non_null(value);
	return value;
}

static void test_exit_codes(void **state)
{
	assert_int_equal(doctor_exit_code(&findings), EXIT_CODE_OK);
	doctor_find(&findings, DOCTOR_OK, NULL, NULL, "a");
	assert_int_equal(doctor_exit_code(&findings), EXIT_CODE_OK);
	doctor_find(&findings, DOCTOR_SKIPPED, "b", NULL, "a");
	assert_int_equal(doctor_exit_code(&findings), EXIT_CODE_SAMPLED);
	doctor_find(&findings, DOCTOR_WARNING, "b", NULL, "a");
	assert_int_equal(doctor_exit_code(&findings), EXIT_CODE_DIFFERS);
	doctor_findings_clear(&findings);
	doctor_find(&findings, DOCTOR_PROBLEM, "b", NULL, "a %d", 7);
	assert_string_equal(findings.items[0].looked, "a 7");
	assert_int_equal(doctor_exit_code(&findings), EXIT_CODE_DIFFERS);
	doctor_findings_clear(&findings);
}

static void test_clock(void **state)
{
	judge_clock(&findings, TIME_OK, STA_PLL);
	assert_found(DOCTOR_OK, "synchronised", NULL);
	judge_clock(&findings, TIME_ERROR, STA_PLL);
	assert_found(DOCTOR_WARNING, "clock", "dates");
	judge_clock(&findings, TIME_OK, STA_UNSYNC);
	assert_found(DOCTOR_WARNING, "clock", "dates");
	judge_clock(&findings, TIME_INS, STA_INS);
	assert_found(DOCTOR_OK, "synchronised", NULL);
}

static void test_conntrack_room(void **state)
{
	judge_conntrack_room(&findings, 79, 100);
	assert_found(DOCTOR_OK, "79 of 100", NULL);
	judge_conntrack_room(&findings, 80, 100);
	assert_found(DOCTOR_WARNING, "80 of 100", "nearly");
	judge_conntrack_room(&findings, 100, 100);
	assert_found(DOCTOR_PROBLEM, "100 of 100", "full");
	judge_conntrack_room(&findings, 100000, 0);
	assert_found(DOCTOR_OK, "no limit", NULL);
	judge_conntrack_room(&findings, 1, 2);
	assert_found(DOCTOR_OK, "1 of 2", NULL);
}

static void test_space(void **state)
{
	/* 100 GiB left of 1000; 1 MiB of records a second is 84 GiB a day. */
	struct doctor_space space = {
		.directory = "/logs", .free_bytes = UINT64_C(100) << 30, .all_bytes = UINT64_C(1000) << 30};

	judge_space(&findings, &space);
	assert_found(DOCTOR_OK, "/logs: 102400 MiB of 1024000 left", NULL);
	space.records = 1000 * 1024;
	space.record_bytes = 1024;
	space.uptime_s = 1000;
	judge_space(&findings, &space);
	assert_found(DOCTOR_WARNING, "for 1 days of records", "at the rate");
	space.records /= 100;
	judge_space(&findings, &space);
	assert_found(DOCTOR_OK, "for 118 days of records", NULL);
	/* Of the first minutes no day is told. */
	space.uptime_s = 10;
	judge_space(&findings, &space);
	assert_found(DOCTOR_OK, "102400 MiB of 1024000 left", NULL);
	space.free_bytes = UINT64_C(49) << 30;
	judge_space(&findings, &space);
	assert_found(DOCTOR_WARNING, "left", "nearly full");
	space.free_bytes = 1 << 20;
	judge_space(&findings, &space);
	assert_found(DOCTOR_PROBLEM, "1 MiB", "lost");
	space.free_bytes = UINT64_C(500) << 30;
	space.all_files = 1000;
	space.free_files = 40;
	judge_space(&findings, &space);
	assert_found(DOCTOR_WARNING, "left", "nearly full");
	space.free_files = 0;
	judge_space(&findings, &space);
	assert_found(DOCTOR_PROBLEM, "left", "lost");
}

static void test_record_bytes(void **state)
{
	assert_int_equal(doctor_record_bytes("", 0), 0);
	assert_int_equal(doctor_record_bytes("half", 4), 0);
	assert_int_equal(doctor_record_bytes("half\n", 5), 0);
	/* Two whole lines of 4 and 6 bytes, and halves around them. */
	assert_int_equal(doctor_record_bytes("lf\n123\n12345\nhal", 16), 5);
}

static void test_queue(void **state)
{
	const struct queue_kernel kernel = {.portid = 77, .waiting = 3};
	const struct queue_holder nobody = {0}, somebody = {42, "suricata"};

	judge_queue(&findings, 100, NULL, &nobody, false);
	assert_found(DOCTOR_PROBLEM, "queue 100", "nobody");
	judge_queue(&findings, 100, &kernel, &somebody, false);
	assert_found(DOCTOR_OK, "process 42 (suricata), 3 packets wait", NULL);
	judge_queue(&findings, 100, &kernel, &somebody, true);
	assert_found(DOCTOR_PROBLEM, "process 42 (suricata)", "another process");
	judge_queue(&findings, 100, &kernel, &nobody, true);
	assert_found(DOCTOR_SKIPPED, "netlink port 77", "cannot be seen");
}

#define WORKER(ERROR, ACCEPTED, WAITING)                                                                     \
	"{\"queue\": 100, \"error\": " ERROR ", \"ledger\": {\"accepted\": " ACCEPTED                        \
	", \"dropped\": 5, \"failed_open\": 0}, \"kernel\": {\"waiting\": " WAITING "}}"

static void judge_two(const char *one, const char *other)
{
	json_t *before = json(one), *after = json(other);

	judge_worker(&findings, before, after);
	json_decref(before);
	json_decref(after);
}

static void test_worker(void **state)
{
	judge_two(WORKER("null", "1", "0"), WORKER("null", "1", "0"));
	assert_found(DOCTOR_OK, "queue 100: 0 packets", NULL);
	judge_two(WORKER("null", "1", "9"), WORKER("null", "8", "9"));
	assert_found(DOCTOR_OK, "queue 100: 7 packets", NULL);
	judge_two(WORKER("null", "1", "9"), WORKER("null", "1", "9"));
	assert_found(DOCTOR_PROBLEM, "queue 100", "answers nothing");
	/* They came at the last moment. */
	judge_two(WORKER("null", "1", "0"), WORKER("null", "1", "9"));
	assert_found(DOCTOR_OK, "queue 100", NULL);
	judge_two(WORKER("null", "1", "0"), WORKER("\"Bad file descriptor\"", "1", "0"));
	assert_found(DOCTOR_PROBLEM, "queue 100", "Bad file descriptor");
}

static void judge_kernels(const char *one, const char *other)
{
	json_t *before = json(one), *after = json(other);

	judge_losses(&findings, json_object_get(before, "kernel"), json_object_get(after, "kernel"));
	json_decref(before);
	json_decref(after);
}

#define KERNEL(FULL, BUFFER) "{\"kernel\": {\"queue_dropped\": " FULL ", \"user_dropped\": " BUFFER "}}"

static void test_losses(void **state)
{
	judge_kernels(KERNEL("0", "0"), KERNEL("0", "0"));
	assert_found(DOCTOR_OK, "none", NULL);
	judge_kernels(KERNEL("4", "3"), KERNEL("4", "3"));
	assert_found(DOCTOR_WARNING, "7", "at times");
	judge_kernels(KERNEL("4", "3"), KERNEL("4", "4"));
	assert_found(DOCTOR_PROBLEM, "8", "at this moment");
	judge_kernels("{\"kernel\": null}", "{\"kernel\": null}");
	assert_found(DOCTOR_SKIPPED, "did not fit", "may not read");
}

static void judge_modes_text(const char *modes)
{
	json_t *value = json(modes);

	judge_fail_mode(&findings, "open", "open", value);
	json_decref(value);
}

static void test_fail_mode(void **state)
{
	judge_fail_mode(&findings, "open", "closed", NULL);
	assert_found(DOCTOR_PROBLEM, "in the daemon closed", "queues");
	judge_fail_mode(&findings, "open", "open", NULL);
	assert_found(DOCTOR_SKIPPED, "fail = open", "does not tell");
	judge_modes_text("{\"warnings\": [], \"unjudged\": {\"now\": false}}");
	assert_found(DOCTOR_OK, "fail = open", NULL);
	judge_modes_text("{\"warnings\": [\"queue 100 drops\"], \"unjudged\": {\"now\": false}}");
	assert_found(DOCTOR_PROBLEM, "fail = open", "queue 100 drops");
	judge_modes_text("{\"warnings\": [], \"unjudged\": {\"now\": true}}");
	assert_found(DOCTOR_PROBLEM, "fail = open", "unjudged");
}

static void judge_guard_text(const char *rules)
{
	json_t *value = json(rules);

	judge_guard(&findings, value);
	json_decref(value);
}

static void test_guard(void **state)
{
	judge_guard(&findings, NULL);
	assert_found(DOCTOR_SKIPPED, "rules", "does not look after");
	judge_guard_text("{\"state\": \"in-order\", \"changed_by_others\": 0}");
	assert_found(DOCTOR_OK, "none", NULL);
	judge_guard_text("{\"state\": \"in-order\", \"changed_by_others\": 2}");
	assert_found(DOCTOR_WARNING, "others: 2, in-order", "loaded again");
	judge_guard_text("{\"state\": \"broken-given-up\", \"changed_by_others\": 9}");
	assert_found(DOCTOR_PROBLEM, "broken-given-up", "still so");
}

static void test_source(void **state)
{
	judge_source(&findings, "sub0", 0, 1, true);
	assert_found(DOCTOR_OK, "sub0: rp_filter 1", NULL);
	judge_source(&findings, "sub0", 1, 0, true);
	assert_found(DOCTOR_OK, "sub0: rp_filter 1", NULL);
	/* The greater counts: loose is no check of who sends. */
	judge_source(&findings, "sub0", 2, 1, true);
	assert_found(DOCTOR_WARNING, "sub0: rp_filter 2", "in the name");
	judge_source(&findings, "sub0", 0, 0, false);
	assert_found(DOCTOR_OK, "not needed", NULL);
}

static void test_buffer(void **state)
{
	judge_buffer(&findings, true, 0);
	assert_found(DOCTOR_OK, "capability", NULL);
	judge_buffer(&findings, false, 212992);
	assert_found(DOCTOR_WARNING, "rmem_max 212992", "burst");
	judge_buffer(&findings, false, QUEUE_RECEIVE_BUFFER);
	assert_found(DOCTOR_OK, "rmem_max", NULL);
}

static void test_process_files(void **state)
{
	uint64_t capabilities = 1;

	assert_true(doctor_parse_capabilities("CapEff:\t0000000000001000\n", &capabilities));
	assert_int_equal(capabilities, 0x1000);
	assert_false(doctor_parse_capabilities("CapPrm:\t0000000000001000\n", &capabilities));
	assert_false(doctor_parse_capabilities("CapEff:\t\n", &capabilities));
	assert_false(doctor_parse_capabilities("CapEff:\t12 34\n", &capabilities));
	assert_true(doctor_is_first_user_namespace("         0          0 4294967295\n"));
	assert_false(doctor_is_first_user_namespace("         0       1000          1\n"));
	assert_false(doctor_is_first_user_namespace("         0          0          1\n"));
	assert_false(doctor_is_first_user_namespace(""));
}

/* Needs no rights. */
static void test_route(void **state)
{
	const struct addr loopback = addr_ip4(0x7f000001);
	struct route route = {0};
	int r = route_get(&loopback, &route);

	if (r == -EPERM || r == -EACCES || r == -EPROTONOSUPPORT)
		skip();
	assert_int_equal(r, 0);
	assert_true(route.local);
	assert_string_equal(route.interface, "lo");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_exit_codes, begin),
		cmocka_unit_test_setup(test_clock, begin),
		cmocka_unit_test_setup(test_conntrack_room, begin),
		cmocka_unit_test_setup(test_space, begin),
		cmocka_unit_test_setup(test_record_bytes, begin),
		cmocka_unit_test_setup(test_queue, begin),
		cmocka_unit_test_setup(test_worker, begin),
		cmocka_unit_test_setup(test_losses, begin),
		cmocka_unit_test_setup(test_fail_mode, begin),
		cmocka_unit_test_setup(test_guard, begin),
		cmocka_unit_test_setup(test_source, begin),
		cmocka_unit_test_setup(test_buffer, begin),
		cmocka_unit_test_setup(test_process_files, begin),
		cmocka_unit_test_setup(test_route, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
