/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What outlives a process, taken up by the next one: whatever the kill came between. */
#include "daemon/gateway.h"
#include "daemon/handover_state.h"

#include "net/learned.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static struct handover_state *state_new(void **memory)
{
	size_t bytes = (handover_state_bytes() + 4095) / 4096 * 4096;

	*memory = aligned_alloc(4096, bytes);
	assert_non_null(*memory);
	memset(*memory, 0, bytes);
	return handover_state_begin(*memory);
}

static void test_other_layout_is_refused(void **test)
{
	void *memory;
	struct handover_state *state = state_new(&memory);

	assert_ptr_equal(handover_state_take(memory, handover_state_bytes()), state);
	assert_int_equal(handover_state_lives(state), 2);
	assert_null(handover_state_take(memory, handover_state_bytes() - 64));
	((char *)memory)[8]++; /* the version */
	assert_null(handover_state_take(memory, handover_state_bytes()));
	free(memory);
}

/* A worker's account of ten packets in flight, four of which it has judged when it is killed. */
static void leave_batch(struct handover_state *state, enum batch_phase phase)
{
	struct ledger *ledger = handover_state_ledger(state, 0);
	struct batch *batch = handover_state_batch(state, 0);

	ledger_add(ledger, LEDGER_RECEIVED, 10);
	ledger_add(ledger, LEDGER_IN_FLIGHT, 10);
	ledger_publish(ledger);
	batch->done_id = 7;
	batch_enter(batch, BATCH_TAKEN);
	ledger_add(ledger, LEDGER_DROPPED, 4);
	ledger_add(ledger, ledger_due(false, REASON_POOL_ENFORCE), 4);
	if (phase == BATCH_TAKEN)
		return;
	ledger_add(ledger, LEDGER_DROPPED, 6);
	ledger_add(ledger, ledger_due(false, REASON_POOL_ENFORCE), 6);
	batch->count = 10;
	batch->verdicts[9].id = 17;
	batch_enter(batch, BATCH_JUDGED);
}

static struct ledger_counts settle(struct handover_state *state)
{
	struct ledger_counts counts;

	handover_state_settle(state, 1);
	handover_state_collect(state, &counts);
	assert_int_equal(counts.values[LEDGER_IN_FLIGHT], 0);
	return counts;
}

static void test_read_and_not_judged_counts_as_nothing(void **test)
{
	void *memory;
	struct handover_state *state = state_new(&memory);
	struct ledger_counts counts;

	leave_batch(state, BATCH_TAKEN);
	counts = settle(state);
	assert_int_equal(counts.values[LEDGER_RECEIVED], 0);
	assert_int_equal(counts.values[LEDGER_DROPPED], 0);
	assert_int_equal(batch_last_id(handover_state_batch(state, 0)), 7);
	free(memory);
}

static void test_judged_counts_whole(void **test)
{
	void *memory;
	struct handover_state *state = state_new(&memory);
	struct ledger_counts counts;

	leave_batch(state, BATCH_JUDGED);
	counts = settle(state);
	assert_int_equal(counts.values[LEDGER_RECEIVED], 10);
	assert_int_equal(counts.values[LEDGER_DROPPED], 10);
	assert_int_equal(batch_last_id(handover_state_batch(state, 0)), 17);
	free(memory);
}

static void test_fewer_workers_lose_no_count(void **test)
{
	void *memory;
	struct handover_state *state = state_new(&memory);

	ledger_add(handover_state_ledger(state, 3), LEDGER_ACCEPTED, 5);
	assert_int_equal(settle(state).values[LEDGER_ACCEPTED], 5);
	assert_int_equal(ledger_counted(handover_state_ledger(state, 0), LEDGER_RECEIVED), 5);
	free(memory);
}

static void sum(void *context, const struct event_fact *fact)
{
	uint64_t *told = context;

	assert_int_equal(fact->reason, REASON_POOL_ENFORCE);
	told[fact->monitored] += fact->many.packets;
}

/* Of ten packets six were told for certain; then lines about three more went out, or did not. */
static uint64_t rest_after(bool out)
{
	struct handover_told told = {.next_seq = 100};
	const struct handover_intent intent = {.bytes = 50};
	uint64_t rest[2] = {0}, packets;
	void *memory;
	struct handover_state *state = state_new(&memory);

	ledger_add(handover_state_ledger(state, 0), ledger_due(false, REASON_POOL_ENFORCE), 10);
	handover_state_settle(state, 1);
	told.told.blocked = told.told.reasons[REASON_POOL_ENFORCE] = 6;
	handover_state_telling(state, &told, &intent);
	handover_state_was_told(state);
	assert_null(handover_state_intent(state));
	told.told.blocked = told.told.reasons[REASON_POOL_ENFORCE] = 9;
	told.next_seq = 103;
	handover_state_telling(state, &told, &intent);
	assert_non_null(handover_state_intent(state));
	if (out)
		handover_state_was_told(state);
	else
		handover_state_not_told(state);
	/* Somebody may have read the numbers. */
	assert_int_equal(handover_state_told(state)->next_seq, 103);
	packets = handover_state_tell_rest(state, 1, "", sum, rest);
	assert_int_equal(packets, rest[0]);
	assert_int_equal(rest[1], 0);
	free(memory);
	return rest[0];
}

static void test_what_was_not_told_is_told_once(void **test)
{
	assert_int_equal(rest_after(true), 1);
	assert_int_equal(rest_after(false), 4);
}

static void let_go(void *context, const struct event_fact *fact)
{
}

static uint64_t rest_of(struct handover_state *state)
{
	return handover_state_tell_rest(state, 0, "", let_go, NULL);
}

/* Read by a process that was killed before it had emptied the set: due, and not to be read by the next one. */
static void test_what_the_kernel_counted_is_due_from_when_it_was_read(void **test)
{
	void *memory;
	struct handover_state *state = state_new(&memory);
	uint64_t packets[EVENT_REASONS_MAX] = {[REASON_POOL_ENFORCE] = 30, [REASON_TRUNCATED] = 12};

	handover_state_set_read(state, 1, 5, packets);
	assert_non_null(handover_state_take(memory, handover_state_bytes()));
	for (unsigned generation = 0; generation < LEARNED_GENERATIONS; generation++)
		for (unsigned set = 0; set < LEARN_GROUPS_MAX * LEARNED_SETS_PER_GROUP; set++)
			assert_int_equal(handover_state_set_is_read(state, generation, set),
					 generation == 1 && set == 5);
	assert_int_equal(rest_of(state), 42);
	assert_int_equal(handover_state_offloaded_sum(state), 42);
	free(memory);
}

static void test_an_emptied_set_is_read_again(void **test)
{
	void *memory;
	struct handover_state *state = state_new(&memory);
	const uint64_t packets[EVENT_REASONS_MAX] = {0};

	for (unsigned set = 3; set < 8; set++) {
		handover_state_set_read(state, 0, set, packets);
		handover_state_set_read(state, 1, set, packets);
	}
	handover_state_emptied(state, 0, 4, 7);
	for (unsigned set = 0; set < 10; set++) {
		assert_int_equal(handover_state_set_is_read(state, 0, set), set == 3 || set == 7);
		assert_int_equal(handover_state_set_is_read(state, 1, set), set >= 3 && set < 8);
	}
	handover_state_emptied(state, 0, 0, UINT32_MAX);
	assert_false(handover_state_set_is_read(state, 0, 3));
	assert_true(handover_state_set_is_read(state, 1, 3));
	free(memory);
}

/* What the next process finds, were this one killed now. */
static void look_at_copy(const void *memory, void *copy, const struct handover_unplaced *now)
{
	struct handover_unplaced before = {.full = 0};
	struct handover_state *state;
	uint64_t wanted = 0;

	memcpy(copy, memory, handover_state_bytes());
	state = handover_state_take(copy, handover_state_bytes());
	assert_non_null(state);
	wanted += handover_state_set_is_read(state, 1, 5) ? 30 : 0;
	wanted += handover_state_set_is_read(state, 0, 9) ? 12 : 0;
	if (handover_state_unplaced_before(state, &before)) {
		assert_int_equal(before.full, now->full);
		assert_int_equal(before.stale, now->stale);
		wanted += 9;
	}
	assert_int_equal(handover_state_offloaded_sum(state), wanted);
}

static void count_and_end(struct handover_state *state, const struct handover_unplaced *now)
{
	const uint64_t first[EVENT_REASONS_MAX] = {[REASON_POOL_ENFORCE] = 30};
	const uint64_t second[EVENT_REASONS_MAX] = {[REASON_TRUNCATED] = 12};

	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		_exit(77);
	raise(SIGSTOP);
	handover_state_set_read(state, 1, 5, first);
	handover_state_unplaced(state, REASON_POOL_ENFORCE, 9, now);
	handover_state_set_read(state, 0, 9, second);
	_exit(0);
}

/* A process that counts is stopped before each of its instructions: a kill there is one whole step or none. */
static void test_counting_is_one_step_for_a_kill(void **test)
{
	const struct handover_unplaced now = {.full = 7, .stale = 2};
	size_t bytes = (handover_state_bytes() + 4095) / 4096 * 4096;
	void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct handover_state *state = handover_state_begin(memory);
	void *copy = aligned_alloc(4096, bytes);
	unsigned steps = 0;
	int status;
	pid_t child = fork();

	if (child == 0)
		count_and_end(state, &now);
	assert_true(child > 0);
	while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
		look_at_copy(memory, copy, &now);
		steps++;
		assert_int_equal(ptrace(PTRACE_SINGLESTEP, child, NULL, NULL), 0);
	}
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_true(steps > 50);
	assert_int_equal(handover_state_offloaded_sum(state), 51);
	free(copy);
	munmap(memory, bytes);
}

static void test_counters_are_gone_on_from(void **test)
{
	void *memory;
	struct handover_state *state = state_new(&memory);
	const struct handover_unplaced now = {.full = 7, .stale = 2};
	struct handover_unplaced before = {.full = 99};

	assert_false(handover_state_unplaced_before(state, &before));
	assert_int_equal(before.full, 99);
	handover_state_unplaced(state, REASON_POOL_ENFORCE, 9, &now);
	assert_true(handover_state_unplaced_before(state, &before));
	assert_int_equal(before.full, 7);
	assert_int_equal(before.stale, 2);
	assert_int_equal(rest_of(state), 9);
	free(memory);
}

/* Lines of 50 bytes were to go out behind 20 that were there; the file has this many now. Were they told? */
static bool told_with_file_of(off_t bytes, bool same_file, off_t *ret_left)
{
	char path[] = "/tmp/op25b-handover.XXXXXX";
	struct handover_told told = {.next_seq = 100};
	struct handover_intent intent = {.size = 20, .bytes = 50};
	static struct gateway gateway;
	struct stat status;
	void *memory;
	int fd = mkstemp(path);
	bool was_told;

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, bytes), 0);
	assert_int_equal(fstat(fd, &status), 0);
	intent.device = status.st_dev;
	intent.inode = status.st_ino + (same_file ? 0 : 1);
	gateway.handover.state = state_new(&memory);
	told.told.blocked = 7;
	handover_state_telling(gateway.handover.state, &told, &intent);
	handover_look_at_file(&gateway, path);
	assert_null(handover_state_intent(gateway.handover.state));
	was_told = handover_state_told(gateway.handover.state)->told.blocked == 7;
	assert_int_equal(fstat(fd, &status), 0);
	*ret_left = status.st_size;
	close(fd);
	unlink(path);
	free(memory);
	return was_told;
}

/* The file tells how far a killed process came with its lines; half of them are taken back. */
static void test_lines_are_told_when_all_of_them_are_in_the_file(void **test)
{
	off_t left;

	assert_true(told_with_file_of(70, true, &left));
	assert_int_equal(left, 70);
	assert_true(told_with_file_of(90, true, &left));
	assert_int_equal(left, 90);
	assert_false(told_with_file_of(69, true, &left));
	assert_int_equal(left, 20);
	assert_false(told_with_file_of(20, true, &left));
	assert_int_equal(left, 20);
	assert_false(told_with_file_of(5, true, &left));
	assert_int_equal(left, 5);
	assert_false(told_with_file_of(70, false, &left));
	assert_int_equal(left, 70);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_layout_is_refused),
		cmocka_unit_test(test_read_and_not_judged_counts_as_nothing),
		cmocka_unit_test(test_judged_counts_whole),
		cmocka_unit_test(test_fewer_workers_lose_no_count),
		cmocka_unit_test(test_what_was_not_told_is_told_once),
		cmocka_unit_test(test_lines_are_told_when_all_of_them_are_in_the_file),
		cmocka_unit_test(test_what_the_kernel_counted_is_due_from_when_it_was_read),
		cmocka_unit_test(test_an_emptied_set_is_read_again),
		cmocka_unit_test(test_counters_are_gone_on_from),
		cmocka_unit_test(test_counting_is_one_step_for_a_kill),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
