/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The way of facts from rings to records, while a worker is as fast as the main thread: for each fact taken another comes. */
#include "daemon/gateway.h"
#include "daemon/records.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

enum { AT_FIRST = 1000, ENOUGH = 100000 };

static struct gateway gateway;
static size_t observed;

void __wrap_event_observe(struct event_collector *collector, const struct event_fact *facts, size_t count);

static void add_fact(void)
{
	struct event_fact *fact = ring_reserve(worker_ring(gateway.workers[0]));

	if (!fact)
		return;
	*fact = (struct event_fact){0};
	ring_commit(worker_ring(gateway.workers[0]));
}

void __wrap_event_observe(struct event_collector *collector, const struct event_fact *facts, size_t count)
{
	(void)collector;
	(void)facts;
	for (size_t i = 0; i < count && observed < ENOUGH; i++, observed++)
		add_fact();
}

static int setup(void **state)
{
	(void)state;
	gateway = (struct gateway){.worker_count = 1};
	observed = 0;
	gateway.log = logwriter_new("/dev/null", 64);
	assert_non_null(gateway.log);
	assert_int_equal(worker_new(&gateway.hub, &gateway.workers[0]), 0);
	for (int i = 0; i < AT_FIRST; i++)
		add_fact();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	worker_free(gateway.workers[0]);
	logwriter_free(gateway.log);
	return 0;
}

/* Else the control socket, the reload and the watchdog would wait for the flood's end. */
static void test_a_flood_does_not_hold_the_main_thread(void **state)
{
	(void)state;
	for (size_t round = 1; round <= 20; round++) {
		records_gather(&gateway);
		assert_int_equal(observed, round * AT_FIRST);
		assert_int_equal(ring_waiting(worker_ring(gateway.workers[0])), AT_FIRST);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_a_flood_does_not_hold_the_main_thread, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
