/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Uses of exemptions are counted by name, for as long as some policy has the name. */
#include "daemon/uses_state.h"

#include "base/moment.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { MANY = 3000 };

/* A policy of such rules; only what uses_join() looks at. */
static struct policy policy_of(struct policy_rule *rules, size_t count, const char *const *names)
{
	for (size_t i = 0; i < count; i++) {
		rules[i] = (struct policy_rule){.kind = names[i][0] == '-' ? POLICY_POOL : POLICY_EXEMPT};
		snprintf(rules[i].name, sizeof(rules[i].name), "%s", names[i]);
	}
	return (struct policy){.rules = rules, .rule_count = count};
}

static void test_a_name_goes_on_in_the_next_policy(void **state)
{
	static const char *const before[] = {"b", "-pool", "a"}, *const after[] = {"c", "a"};
	struct policy_rule rules[3], other_rules[2];
	struct policy policy = policy_of(rules, 3, before), other = policy_of(other_rules, 2, after);
	struct uses uses = {0};
	struct uses_of of = {0}, other_of = {0};

	(void)state;
	assert_int_equal(uses_join(&uses, &policy, &of), 0);
	assert_non_null(of.of_rule[0]);
	assert_null(of.of_rule[1]);
	use_count(of.of_rule[2], true, 10);
	use_count(of.of_rule[2], false, 20);
	assert_int_equal(uses_join(&uses, &other, &other_of), 0);
	assert_ptr_equal(other_of.of_rule[1], of.of_rule[2]);
	/* A worker that is late still counts by the old policy. */
	use_count(of.of_rule[2], true, 30);
	use_count(of.of_rule[0], true, 40);
	assert_int_equal(uses.count, 3);
	uses_leave(&of);
	assert_int_equal(uses.count, 2);
	assert_int_equal(other_of.of_rule[1]->packets, 3);
	assert_int_equal(other_of.of_rule[1]->attempts, 2);
	assert_int_equal(other_of.of_rule[1]->first_ns, 10);
	assert_int_equal(other_of.of_rule[1]->last_ns, 30);
	uses_leave(&other_of);
	assert_int_equal(uses.count, 0);
	uses_free(&uses);
}

static void test_nobody_is_exempt(void **state)
{
	static const char *const names[] = {"-pool"};
	struct policy_rule rules[1];
	struct policy policy = policy_of(rules, 1, names);
	struct uses uses = {0};
	struct uses_of of = {0};

	(void)state;
	assert_int_equal(uses_join(&uses, &policy, &of), 0);
	assert_null(of.of_rule);
	uses_leave(&of);
	uses_free(&uses);
}

static void test_many_are_told_apart(void **state)
{
	struct policy_rule *rules = calloc(MANY, sizeof(*rules));
	struct policy policy = {.rules = rules, .rule_count = MANY};
	struct uses uses = {0};
	struct uses_of first = {0}, second = {0};

	(void)state;
	assert_non_null(rules);
	for (unsigned i = 0; i < MANY; i++) {
		rules[i].kind = POLICY_EXEMPT;
		snprintf(rules[i].name, sizeof(rules[i].name), "customer-%u", i * 7919 % MANY);
	}
	assert_int_equal(uses_join(&uses, &policy, &first), 0);
	assert_int_equal(uses_join(&uses, &policy, &second), 0);
	assert_int_equal(uses.count, MANY);
	for (unsigned i = 0; i < MANY; i++) {
		assert_ptr_equal(first.of_rule[i], second.of_rule[i]);
		assert_string_equal(first.of_rule[i]->name, rules[i].name);
		assert_int_equal(first.of_rule[i]->holders, 2);
	}
	uses_leave(&first);
	uses_leave(&second);
	assert_int_equal(uses.count, 0);
	uses_free(&uses);
	free(rules);
}

/* A directory of its own; the caller removes it. */
static void make_directory(char path[64])
{
	snprintf(path, 64, "/tmp/test_uses.XXXXXX");
	assert_non_null(mkdtemp(path));
}

static void remove_directory(const char *path)
{
	static const char *const names[] = {USES_STATE_FILE, USES_STATE_FILE ".damaged"};
	char file[128];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		snprintf(file, sizeof(file), "%s/%s", path, names[i]);
		unlink(file);
	}
	assert_int_equal(rmdir(path), 0);
}

static void test_a_restart_goes_on(void **state)
{
	static const char *const names[] = {"b", "never", "a"}, *const after[] = {"a", "new"};
	struct policy_rule rules[3], other_rules[2];
	struct policy policy = policy_of(rules, 3, names), other = policy_of(other_rules, 2, after);
	struct uses uses = {.since_s = 1000}, next = {0};
	struct uses_of of = {0};
	char path[64], text[STATE_LIST_TEXT_MAX];

	(void)state;
	make_directory(path);
	assert_int_equal(uses_state_load(&next, path, text), 0); /* no file yet */
	assert_int_equal(next.count, 0);
	assert_int_equal(uses_join(&uses, &policy, &of), 0);
	use_count(of.of_rule[0], true, 7 * NSEC_PER_SEC);
	use_count(of.of_rule[2], true, 8 * NSEC_PER_SEC);
	use_count(of.of_rule[2], false, 9 * NSEC_PER_SEC);
	assert_int_equal(uses_state_save(&uses, path), 0);
	uses_leave(&of);
	uses_free(&uses);
	assert_int_equal(uses_state_load(&next, path, text), 0);
	assert_int_equal(next.since_s, 1000);
	assert_int_equal(next.count, 2);
	assert_int_equal(uses_join(&next, &other, &of), 0);
	assert_int_equal(of.of_rule[0]->packets, 2);
	assert_int_equal(of.of_rule[0]->attempts, 1);
	assert_int_equal(of.of_rule[0]->first_ns, 8 * NSEC_PER_SEC);
	assert_int_equal(of.of_rule[0]->last_ns, 9 * NSEC_PER_SEC);
	assert_int_equal(of.of_rule[1]->packets, 0);
	/* What no policy has is not kept for ever. */
	assert_int_equal(uses_state_save(&next, path), 0);
	uses_leave(&of);
	uses_free(&next);
	assert_int_equal(uses_state_load(&next, path, text), 0);
	assert_int_equal(next.count, 1);
	uses_free(&next);
	remove_directory(path);
}

static void test_a_file_is_anybodys_input(void **state)
{
	static const struct {
		const char *text;
		size_t good;
	} files[] = {
		{"", 0},
		{"[1]", 0},
		{"{\"op25b\": 2, \"since\": \"2026-01-01T00:00:00Z\", \"uses\": []}", 0},
		{"{\"op25b\": 1, \"since\": 5, \"uses\": []}", 0},
		{"{\"op25b\": 1, \"since\": \"2026-01-01T00:00:00Z\", \"uses\": [3, {\"name\": \"a\", \"packets\": 2, "
		 "\"attempts\": 1, \"first\": \"2026-01-01T00:00:00Z\", \"last\": \"2026-01-01T00:00:00Z\"}, {\"name\": \"a\", "
		 "\"packets\": 2, \"attempts\": 1, \"first\": \"2026-01-01T00:00:00Z\", \"last\": \"2026-01-01T00:00:00Z\"}, "
		 "{\"name\": \"b\", \"packets\": -1}]}",
		 1},
	};
	char path[64], text[STATE_LIST_TEXT_MAX], file[128];

	(void)state;
	make_directory(path);
	snprintf(file, sizeof(file), "%s/%s", path, USES_STATE_FILE);
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct uses uses = {0};
		FILE *out = fopen(file, "w");

		assert_non_null(out);
		fputs(files[i].text, out);
		fclose(out);
		assert_int_equal(uses_state_load(&uses, path, text), -EBADMSG);
		assert_int_equal(uses.count, files[i].good);
		assert_int_equal(access(file, F_OK), -1);
		uses_free(&uses);
	}
	remove_directory(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_name_goes_on_in_the_next_policy),
		cmocka_unit_test(test_nobody_is_exempt),
		cmocka_unit_test(test_many_are_told_apart),
		cmocka_unit_test(test_a_restart_goes_on),
		cmocka_unit_test(test_a_file_is_anybodys_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
