/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reload and a stop in a flood that is greater than the ring between worker and main thread; on a queue that no kernel has. */
#include "base/moment.h"
#include "control/metrics.h"
#include "control/socket.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"
#include "daemon/override_state.h"
#include "daemon/records.h"
#include "daemon/requests.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

enum { WAIT_MS = 20000, LOOKS = 2000 };

/* A SYN of 10.0.0.1 to port 25 of 203.0.113.25. */
static const uint8_t syn[40] = {0x45, 0,  0,    40,  0, 0,  0, 0, 64, 6, 0, 0, 10, 0, 0,    1, 203,  0,
				113,  25, 0x80, 0x1, 0, 25, 0, 0, 0,  0, 0, 0, 0,  0, 0x50, 2, 0xff, 0xff};

static atomic_bool stopped;

int __wrap_queue_receive(struct queue *queue, struct queue_packet *packets, size_t max);
int __wrap_queue_answer(struct queue *queue, const struct queue_verdict *verdicts, size_t count,
			size_t *ret_sent);
int __wrap_queue_stop_intake(struct queue *queue);
int __wrap_queue_fd(const struct queue *queue);
void __wrap_queue_counters_get(const struct queue *queue, struct queue_counters *ret);
int __wrap_queue_set_fail_open(struct queue *queue, bool fail_open);
void __wrap_queue_fail_get(const struct queue *queue, struct queue_fail *ret);

void __wrap_queue_fail_get(const struct queue *queue, struct queue_fail *ret)
{
	(void)queue;
	*ret = (struct queue_fail){.acknowledged = true};
}

int __wrap_queue_receive(struct queue *queue, struct queue_packet *packets, size_t max)
{
	(void)queue;
	if (atomic_load(&stopped))
		return 0;
	for (size_t i = 0; i < max; i++)
		packets[i] = (struct queue_packet){
			.id = (uint32_t)i, .payload = syn, .len = sizeof(syn), .wire_len = sizeof(syn)};
	return (int)max;
}

int __wrap_queue_answer(struct queue *queue, const struct queue_verdict *verdicts, size_t count,
			size_t *ret_sent)
{
	(void)queue;
	(void)verdicts;
	*ret_sent = count;
	return 0;
}

int __wrap_queue_stop_intake(struct queue *queue)
{
	(void)queue;
	atomic_store(&stopped, true);
	return 0;
}

int __wrap_queue_fd(const struct queue *queue)
{
	(void)queue;
	return -1;
}

void __wrap_queue_counters_get(const struct queue *queue, struct queue_counters *ret)
{
	(void)queue;
	*ret = (struct queue_counters){0};
}

int __wrap_queue_set_fail_open(struct queue *queue, bool fail_open)
{
	(void)queue;
	(void)fail_open;
	return 0;
}

static const char path_template[] = "/tmp/op25b-reload.XXXXXX";
/* No kernel has offload's sets here. */
int __wrap_learned_check(struct learned_kernel *kernel, const struct learn_groups *groups);
int __wrap_learned_layout(struct learned_kernel *kernel, uint64_t *ret);
int __wrap_learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation);
int __wrap_learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end);
int __wrap_learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
			uint8_t family, learned_element_fn element, void *context);
int __wrap_learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale);

int __wrap_learned_check(struct learned_kernel *kernel, const struct learn_groups *groups)
{
	return -ENOENT;
}

int __wrap_learned_layout(struct learned_kernel *kernel, uint64_t *ret)
{
	return -ENOENT;
}

int __wrap_learned_switch(struct learned_kernel *kernel, const struct learn_groups *groups, int generation)
{
	return -ENOENT;
}

int __wrap_learned_flush(struct learned_kernel *kernel, unsigned generation, unsigned first, unsigned end)
{
	return -ENOENT;
}

int __wrap_learned_read(struct learned_kernel *kernel, unsigned generation, unsigned group, unsigned shard,
			uint8_t family, learned_element_fn element, void *context)
{
	return -ENOENT;
}

int __wrap_learned_counters(struct learned_kernel *kernel, uint64_t *full, uint64_t *stale)
{
	return -ENOENT;
}

static char path[sizeof(path_template)];
static struct gateway gateway;

static int setup(void **state)
{
	int fd = mkstemp(memcpy(path, path_template, sizeof(path)));

	(void)state;
	gateway = (struct gateway){.kernel_fd = -1};
	atomic_store(&stopped, false);
	assert_true(fd >= 0);
	assert_true(
		dprintf(fd,
			"[gateway]\nfail = open\nunlisted = accept\nstate = %s.d\n[log]\nfile = /dev/null\n"
			"[pool all]\nprefix = 10.0.0.0/8\n[relay mx]\naddress = 192.0.2.25\n",
			path) > 0);
	close(fd);
	gateway.policy_path = path;
	assert_int_equal(world_build(path, 1, NULL, &gateway.world), 0);
	gateway.bound_control = strdup(gateway.world->policy->gateway.control);
	atomic_store(&gateway.hub.world, gateway.world);
	gateway.hub.facts_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	gateway.worker_count = 1;
	assert_int_equal(reload_init(&gateway), 0);
	assert_int_equal(records_start(&gateway), 0);
	assert_int_equal(worker_new(&gateway.hub, &gateway.workers[0]), 0);
	assert_int_equal(worker_start(gateway.workers[0], NULL), 0);
	gateway.learning.timer_fd = -1;
	assert_int_equal(learning_start(&gateway), 0);
	/* What another daemon may have left behind is looked for first, and names the first world. */
	for (int i = 0; i < LOOKS && !offload_is_empty(gateway.learning.offload); i++)
		learning_step(&gateway);
	assert_true(offload_is_empty(gateway.learning.offload));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	loop_end_workers(&gateway, 1);
	worker_free(gateway.workers[0]);
	reload_end(&gateway);
	learning_free(&gateway);
	keeper_free(&gateway);
	event_collector_free(gateway.collector);
	logwriter_free(gateway.log);
	world_free(gateway.world);
	free(gateway.bound_control);
	close(gateway.hub.facts_fd);
	unlink(path);
	return 0;
}

static uint64_t counted(unsigned slot)
{
	struct ledger_counts counts = {0};

	ledger_collect(worker_ledger(gateway.workers[0]), &counts);
	return counts.values[slot];
}

static void wait_for_full_ring(void)
{
	const unsigned without_room = (unsigned)LEDGER_UNATTRIBUTED + (unsigned)REASON_POOL_ENFORCE;

	for (int i = 0; i < WAIT_MS && counted(without_room) == 0; i++)
		poll(NULL, 0, 1);
	assert_true(counted(without_room) > 0);
}

/* A wait for what never comes would take for ever; ThreadSanitizer, on a busy machine, takes seconds for what is done at once. */
#ifdef __SANITIZE_THREAD__
enum { SOON_S = 20 };
#else
enum { SOON_S = 1 };
#endif

/* What has no room in the ring names the old policy; the worker may take the new one only when it is handed on. */
static void test_a_full_ring_does_not_delay_it(void **state)
{
	struct pollfd done = {.fd = gateway.reload.done_fd, .events = POLLIN};
	int64_t begin_ns;

	(void)state;
	wait_for_full_ring();
	reload_begin(&gateway, NULL);
	assert_int_equal(poll(&done, 1, WAIT_MS), 1);
	begin_ns = clock_steady_ns();
	reload_finish(&gateway);
	assert_true(clock_steady_ns() - begin_ns < SOON_S * NSEC_PER_SEC);
	assert_int_equal(gateway.world->generation, 2);
	assert_int_equal(worker_generation(gateway.workers[0]), 2);
	assert_null(gateway.reload.retired);
}

static void test_a_stop_takes_every_fact(void **state)
{
	struct event_stats stats;

	(void)state;
	wait_for_full_ring();
	loop_end_workers(&gateway, 1);
	event_stats_get(gateway.collector, &stats);
	assert_int_equal(stats.observed, counted(LEDGER_DROPPED));
	assert_int_equal(stats.subscribers, 0);
}

static unsigned count_of(const char *text, const char *line)
{
	unsigned count = 0;

	for (; (text = strstr(text, line)); text++)
		count++;
	return count;
}

/* The value of a line that begins so; the line is there once. */
static double value_of(const char *text, const char *series)
{
	char line[128];

	(void)snprintf(line, sizeof(line), "\n%s ", series);
	assert_int_equal(count_of(text, line), 1);
	return strtod(strstr(text, line) + strlen(line), NULL);
}

/* The metrics of the daemon as it is; the caller's. */
static json_t *ask_metrics(const char **ret_text)
{
	json_t *result = metrics_json(&gateway);

	assert_non_null(result);
	assert_string_equal(json_string_value(json_object_get(result, "content_type")), METRICS_CONTENT_TYPE);
	*ret_text = json_string_value(json_object_get(result, "text"));
	assert_non_null(*ret_text);
	return result;
}

static void test_metrics_tell_every_row(void **state)
{
	char line[128];
	const char *text;
	json_t *result;

	(void)state;
	gateway.kernel_fd = -1;
	wait_for_full_ring();
	result = ask_metrics(&text);
	for (unsigned i = 0; i < METRICS; i++) {
		(void)snprintf(line, sizeof(line), "# TYPE %s %s\n", metric_rows[i].name,
			       metric_type_name(metric_rows[i].type));
		assert_int_equal(count_of(text, line), 1);
	}
	assert_int_equal(count_of(text, "# TYPE "), METRICS);
	assert_true(value_of(text, "op25b_packets_dropped_total") > 0);
	assert_true(value_of(text, "op25b_packets_dropped_total") ==
		    value_of(text, "op25b_verdicts_total{verdict=\"drop\",reason=\"pool-enforce\"}"));
	assert_true(value_of(text, "op25b_verdict_latency_seconds_bucket{le=\"+Inf\"}") ==
		    value_of(text, "op25b_verdict_latency_seconds_count"));
	assert_true(value_of(text, "op25b_verdict_latency_seconds_count") > 0);
	assert_true(value_of(text, "op25b_verdict_latency_seconds_sum") > 0);
	assert_true(value_of(text, "op25b_fail_mode{mode=\"open\"}") == 1);
	assert_true(value_of(text, "op25b_fail_mode{mode=\"closed\"}") == 0);
	assert_true(value_of(text, "op25b_queue_counters_readable{queue=\"0\"}") == 0);
	assert_null(strstr(text, "op25b_queue_waiting_packets{"));
	assert_null(strstr(text, "10.0.0.1"));
	json_decref(result);
}

/* Of one source that is blocked again and again only the first packet has a record. */
static void test_metrics_tell_what_is_suppressed(void **state)
{
	const char *text;
	json_t *result;

	(void)state;
	gateway.kernel_fd = -1;
	wait_for_full_ring();
	records_gather(&gateway);
	result = ask_metrics(&text);
	assert_true(value_of(text, "op25b_events_observed_total") > 2);
	assert_true(value_of(text, "op25b_events_suppressed_total") ==
		    value_of(text, "op25b_events_observed_total") - 1);
	assert_true(value_of(text, "op25b_offenders") == 1);
	json_decref(result);
}

static void test_metrics_tell_of_reloads(void **state)
{
	struct pollfd done = {.fd = gateway.reload.done_fd, .events = POLLIN};
	const char *text;
	json_t *result;

	(void)state;
	gateway.kernel_fd = -1;
	for (int round = 0; round < 2; round++) {
		if (round == 1)
			unlink(path);
		reload_begin(&gateway, NULL);
		assert_int_equal(poll(&done, 1, WAIT_MS), 1);
		poll(NULL, 0, 20);
		reload_finish(&gateway);
		result = ask_metrics(&text);
		assert_true(value_of(text, "op25b_reloads_total{result=\"success\"}") == 1);
		assert_true(value_of(text, "op25b_reloads_total{result=\"refused\"}") == round);
		assert_true(value_of(text, "op25b_reload_last_success") == 1 - round);
		assert_true(value_of(text, "op25b_reload_last_duration_seconds") >= 0.02);
		assert_true(value_of(text, "op25b_reload_last_duration_seconds") < WAIT_MS / 1000);
		assert_true(value_of(text, "op25b_policy_generation") == 2);
		json_decref(result);
	}
}

/* ---- requests ---- */

static struct control_server *server;
static char socket_path[sizeof(path) + 8], state_file[sizeof(path) + 32];

static int setup_server(void **state)
{
	int r = setup(state);

	(void)snprintf(socket_path, sizeof(socket_path), "%s.s", path);
	(void)snprintf(state_file, sizeof(state_file), "%s.d/%s", path, OVERRIDE_STATE_FILE);
	assert_int_equal(control_server_new(socket_path, requests_handle, &gateway, &server), 0);
	return r;
}

static int teardown_server(void **state)
{
	control_server_free(server);
	unlink(state_file);
	*strrchr(state_file, '/') = '\0';
	(void)rmdir(state_file);
	return teardown(state);
}

/* The daemon's answer to a line; it stays until the next one. */
static const char *ask(const char *line)
{
	static char reply[1 << 16];
	int fd = control_socket_connect(socket_path);
	ssize_t n = -1;

	assert_true(fd >= 0);
	assert_int_equal(send(fd, line, strlen(line), MSG_NOSIGNAL), strlen(line));
	assert_int_equal(send(fd, "\n", 1, MSG_NOSIGNAL), 1);
	for (int i = 0; i < 20 && n < 0; i++) {
		control_server_run(server, clock_steady_ns());
		n = recv(fd, reply, sizeof(reply) - 1, MSG_DONTWAIT);
	}
	close(fd);
	assert_true(n > 0);
	reply[n] = '\0';
	return reply;
}

static bool says(const char *line, const char *text)
{
	const char *reply = ask(line);

	if (strstr(reply, text))
		return true;
	print_error("%s\n%s", line, reply);
	return false;
}

static uint64_t decided(enum verdict verdict, enum reason reason)
{
	return counted(ledger_decision(verdict, reason));
}

/* From the answer on every packet is judged by it. */
static bool all_are_judged(enum verdict verdict, enum reason reason)
{
	uint64_t others = counted(LEDGER_RECEIVED) - decided(verdict, reason),
		 before = decided(verdict, reason);

	for (int i = 0; i < WAIT_MS && decided(verdict, reason) < before + 1000; i++) {
		records_gather(&gateway);
		poll(NULL, 0, 1);
	}
	/* One batch may have been under way when the numbers were taken. */
	return counted(LEDGER_RECEIVED) - decided(verdict, reason) <= others + 2 * (uint64_t)QUEUE_BATCH_MAX;
}

#define REQUEST(rest) "{\"op25b\":1,\"command\":" rest "}"
#define ALLOW         REQUEST("\"allow\",\"source\":\"10.0.0.1\",\"seconds\":3600,\"reason\":\"a test\"")
#define FORGET        REQUEST("\"remove\",\"source\":\"10.0.0.1/32\"")
#define SET(more)     REQUEST("\"allow\",\"source\":\"10.0.0.1\"," more)
#define GOOD_REASON   ",\"reason\":\"x\""
#define HUNDRED_A_LINE                                                                                       \
	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"

static void test_an_override_holds_when_it_is_answered(void **state)
{
	struct pollfd done = {.fd = gateway.reload.done_fd, .events = POLLIN};

	(void)state;
	assert_true(all_are_judged(VERDICT_DROP, REASON_POOL_ENFORCE));
	assert_true(says(ALLOW, "\"saved\":true"));
	assert_true(all_are_judged(VERDICT_ACCEPT, REASON_OVERRIDE_ALLOW));
	/* It comes while a policy is being read, and holds behind it as well. */
	assert_true(says(FORGET, "\"ok\":true"));
	assert_true(all_are_judged(VERDICT_DROP, REASON_POOL_ENFORCE));
	reload_begin(&gateway, NULL);
	assert_int_equal(poll(&done, 1, WAIT_MS), 1);
	assert_true(says(ALLOW, "\"ok\":true"));
	reload_finish(&gateway);
	assert_int_equal(gateway.reload.loaded, 1);
	assert_true(all_are_judged(VERDICT_ACCEPT, REASON_OVERRIDE_ALLOW));
	/* All worlds but the one in force are gone. */
	reload_tick(&gateway);
	assert_null(gateway.reload.retired);
	assert_true(says(REQUEST("\"overrides\""), "\"source\":\"10.0.0.1/32\",\"action\":\"allow\""));
}

static void test_one_that_has_ended_goes(void **state)
{
	(void)state;
	assert_true(says(SET("\"seconds\":3600" GOOD_REASON), "\"ok\":true"));
	assert_int_equal(gateway.keeper.list.count, 1);
	keeper_tick(&gateway);
	assert_int_equal(gateway.keeper.list.count, 1);
	gateway.keeper.list.items[0].rule.until_s -= 3600;
	keeper_tick(&gateway);
	assert_int_equal(gateway.keeper.list.count, 0);
	assert_null(engine_find_override(gateway.world->engine, &(struct addr){0, 0x0a000001, ADDR_IP4}, 0));
	assert_true(all_are_judged(VERDICT_DROP, REASON_POOL_ENFORCE));
}

static void test_requests_that_are_none_change_nothing(void **state)
{
	static const struct {
		const char *line, *says;
	} rows[] = {
		{REQUEST("\"allow\""), "no \\\"source\\\""},
		{REQUEST("\"allow\",\"source\":5"), "no \\\"source\\\""},
		{REQUEST("\"allow\",\"source\":\"10.0.0.300\",\"seconds\":60" GOOD_REASON), "bad-argument"},
		{REQUEST("\"block\",\"source\":\"10.0.0.1/8\",\"seconds\":60" GOOD_REASON), "bits behind"},
		{REQUEST("\"block\",\"source\":\"192.0.2.0/24\",\"seconds\":60" GOOD_REASON),
		 "\"error\":\"refused\""},
		{REQUEST("\"block\",\"source\":\"203.0.113.7\",\"seconds\":60" GOOD_REASON),
		 "unlisted = accept"},
		{SET("\"seconds\":0" GOOD_REASON), "30 days"},
		{SET("\"seconds\":-1" GOOD_REASON), "30 days"},
		{SET("\"seconds\":2592001" GOOD_REASON), "30 days"},
		{SET("\"seconds\":\"60\"" GOOD_REASON), "30 days"},
		{SET("\"seconds\":60"), "a reason is"},
		{SET("\"seconds\":60,\"reason\":\"\""), "a reason is"},
		{SET("\"seconds\":60,\"reason\":\"two\\nlines\""), "a reason is"},
		{SET("\"seconds\":60,\"reason\":\"" HUNDRED_A_LINE "x\""), "a reason is"},
		{FORGET, "no override is of 10.0.0.1/32"},
		{REQUEST("\"offenders\",\"top\":0"), "from 1 to 1000"},
		{REQUEST("\"offenders\",\"top\":1001"), "from 1 to 1000"},
		{REQUEST("\"offload-list\",\"top\":\"9\""), "from 1 to 10000"},
		{REQUEST("\"dance\""), "unknown-command"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(says(rows[i].line, "\"ok\":false"));
		assert_true(says(rows[i].line, rows[i].says));
	}
	assert_int_equal(gateway.keeper.list.count, 0);
	assert_int_equal(gateway.world->generation, 1);
	assert_int_equal(access(state_file, F_OK), -1);
	assert_true(says(SET("\"seconds\":2592000,\"reason\":\"" HUNDRED_A_LINE "\""), "\"ok\":true"));
	assert_int_equal(access(state_file, F_OK), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_full_ring_does_not_delay_it, setup, teardown),
		cmocka_unit_test_setup_teardown(test_a_stop_takes_every_fact, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metrics_tell_every_row, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metrics_tell_what_is_suppressed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_metrics_tell_of_reloads, setup, teardown),
		cmocka_unit_test_setup_teardown(test_an_override_holds_when_it_is_answered, setup_server,
						teardown_server),
		cmocka_unit_test_setup_teardown(test_one_that_has_ended_goes, setup_server, teardown_server),
		cmocka_unit_test_setup_teardown(test_requests_that_are_none_change_nothing, setup_server,
						teardown_server),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
