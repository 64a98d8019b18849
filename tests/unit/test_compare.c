/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of two rulesets that differ: each kind of change, and nothing where nothing changed. */
#include "ruleset/compare.h"
#include "ruleset/space.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

static void add_range(struct image_set *set, uint32_t first, uint32_t last)
{
	const struct space_range range = {addr_ip4(first), addr_ip4(last)};

	assert_int_equal(space_append(&set->space, &range), 0);
}

static void set_hook(struct image_chain *chain, const char *hook)
{
	snprintf(chain->hook, sizeof(chain->hook), "%s", hook);
}

/* Two chains, one of them hooked, a set of two ranges and a counter. */
static struct ruleset_image make_image(void)
{
	struct ruleset_image image = {.there = true};
	struct image_chain *chain = image_add_chain(&image, "forward");
	struct image_set *set;

	assert_non_null(chain);
	set_hook(chain, "type filter hook forward");
	assert_true(image_add_rule(chain, strdup("one")) && image_add_rule(chain, strdup("two")));
	chain = image_add_chain(&image, "port25");
	assert_true(chain && image_add_rule(chain, strdup("three")));
	set = image_add_set(&image, "relays_ip4", ADDR_IP4);
	assert_non_null(set);
	add_range(set, 10, 19);
	add_range(set, 30, 39);
	assert_non_null(image_add_thing(&image, "counter", "queued"));
	return image;
}

/* The one change between the two, which the caller looks at; `from` and `to` are the caller's. */
static struct change only_change(const struct ruleset_image *from, const struct ruleset_image *to,
				 struct change_list *list)
{
	assert_int_equal(compare_images(from, to, list), 0);
	assert_int_equal(list->count, 1);
	return list->items[0];
}

static void expect_change(struct ruleset_image *from, struct ruleset_image *to, enum change_kind kind,
			  const char *name)
{
	struct change_list list;
	struct change change = only_change(from, to, &list);

	assert_int_equal(change.kind, kind);
	assert_string_equal(change.name, name);
	change_list_clear(&list);
	image_clear(from);
	image_clear(to);
}

static void test_equal(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();
	struct change_list list;

	assert_int_equal(compare_images(&from, &to, &list), 0);
	assert_int_equal(list.count, 0);
	change_list_clear(&list);
	image_clear(&from);
	image_clear(&to);
}

static void test_chains(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();

	assert_non_null(image_add_chain(&to, "new"));
	expect_change(&from, &to, CHANGE_CHAIN_ADDED, "new");
	from = make_image();
	to = make_image();
	assert_non_null(image_add_chain(&from, "old"));
	expect_change(&from, &to, CHANGE_CHAIN_REMOVED, "old");
	from = make_image();
	to = make_image();
	set_hook(&to.chains[0], "type filter hook input");
	expect_change(&from, &to, CHANGE_CHAIN_HOOK, "forward");
}

static void test_rules(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();
	struct change_list list;
	struct change change;

	to.chains[0].rules[1][0] = 'T';
	change = only_change(&from, &to, &list);
	assert_int_equal(change.kind, CHANGE_CHAIN_RULES);
	assert_int_equal(change.rule, 2);
	assert_string_equal(change.text_from, "two");
	assert_string_equal(change.text_to, "Two");
	change_list_clear(&list);
	to.chains[0].rules[1][0] = 't';
	assert_true(image_add_rule(&to.chains[1], strdup("four")));
	change = only_change(&from, &to, &list);
	assert_int_equal(change.rule, 2);
	assert_null(change.text_from);
	assert_int_equal(change.rule_from, 1);
	assert_int_equal(change.rule_to, 2);
	change_list_clear(&list);
	change = only_change(&to, &from, &list);
	assert_null(change.text_to);
	change_list_clear(&list);
	image_clear(&from);
	image_clear(&to);
}

static void test_space(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();
	struct change_list list;
	struct change change;

	space_clear(&to.sets[0].space);
	add_range(&to.sets[0], 15, 31);
	change = only_change(&from, &to, &list);
	assert_int_equal(change.kind, CHANGE_SET_SPACE);
	assert_int_equal(change.gained.count, 1);
	assert_int_equal(change.gained.ip4[0].first, 20);
	assert_int_equal(change.gained.ip4[0].last, 29);
	assert_int_equal(change.lost.count, 2);
	assert_int_equal(change.lost.ip4[0].first, 10);
	assert_int_equal(change.lost.ip4[1].last, 39);
	change_list_clear(&list);
	from.sets[0].unread = true;
	change = only_change(&from, &to, &list);
	assert_int_equal(change.kind, CHANGE_SET_UNREAD);
	assert_true(list.unread);
	change_list_clear(&list);
	image_clear(&from);
	image_clear(&to);
}

static void test_sets(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();
	struct image_set *set = image_add_set(&to, "pools_ip4", ADDR_IP4);
	struct change_list list;
	struct change change;

	assert_non_null(set);
	add_range(set, 1, 2);
	change = only_change(&from, &to, &list);
	assert_int_equal(change.kind, CHANGE_SET_ADDED);
	assert_int_equal(change.gained.count, 1);
	assert_int_equal(change.lost.count, 0);
	change_list_clear(&list);
	change = only_change(&to, &from, &list);
	assert_int_equal(change.kind, CHANGE_SET_REMOVED);
	assert_int_equal(change.lost.count, 1);
	change_list_clear(&list);
	image_clear(&from);
	image_clear(&to);
	from = make_image();
	to = make_image();
	from.sets[0].type[0] = 'x';
	expect_change(&from, &to, CHANGE_SET_TYPE, "relays_ip4");
}

static void add_live(struct ruleset_image *image, const char *type)
{
	struct image_set *set = image_add_set(image, "learned_0_0_0_ip4", ADDR_NONE);

	assert_non_null(set);
	set->live = true;
	snprintf(set->type, sizeof(set->type), "%s", type);
}

/* Their layout is the policy's, their content is not, and is not read. */
static void test_sets_that_the_daemon_fills(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();
	struct change_list list;

	add_live(&from, "IPv4 addresses, 1024 at most");
	add_live(&to, "IPv4 addresses, 1024 at most");
	assert_int_equal(compare_images(&from, &to, &list), 0);
	assert_int_equal(list.count, 0);
	assert_false(list.unread);
	change_list_clear(&list);
	image_clear(&to);
	to = make_image();
	add_live(&to, "IPv4 addresses, 2048 at most");
	expect_change(&from, &to, CHANGE_SET_TYPE, "learned_0_0_0_ip4");
	from = make_image();
	to = make_image();
	add_live(&from, "IPv4 addresses, 1024 at most");
	expect_change(&from, &to, CHANGE_SET_REMOVED, "learned_0_0_0_ip4");
}

/* What one part has lost and another gained is neither. */
static void test_parts(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();
	struct image_set *part = image_add_set(&to, "relays_ip4_0_28", ADDR_IP4);
	struct change_list list;
	struct change change;

	assert_non_null(part);
	space_clear(&to.sets[0].space);
	add_range(&to.sets[0], 30, 39);
	add_range(part, 10, 19);
	change = only_change(&from, &to, &list);
	assert_int_equal(change.kind, CHANGE_SET_DIVIDED);
	assert_string_equal(change.name, "relays_ip4");
	change_list_clear(&list);
	change = only_change(&to, &from, &list);
	assert_int_equal(change.kind, CHANGE_SET_DIVIDED);
	change_list_clear(&list);
	add_range(part, 25, 26);
	change = only_change(&from, &to, &list);
	assert_int_equal(change.kind, CHANGE_SET_SPACE);
	assert_string_equal(change.name, "relays_ip4");
	assert_int_equal(change.gained.count, 1);
	assert_int_equal(change.gained.ip4[0].first, 25);
	assert_int_equal(change.lost.count, 0);
	change_list_clear(&list);
	/* What somebody has put in twice counts once. */
	space_clear(&part->space);
	add_range(part, 10, 35);
	change = only_change(&to, &from, &list);
	assert_int_equal(change.lost.count, 1);
	assert_int_equal(change.lost.ip4[0].first, 20);
	assert_int_equal(change.lost.ip4[0].last, 29);
	change_list_clear(&list);
	image_clear(&from);
	image_clear(&to);
}

static void test_parts_that_are_not_comparable(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();
	struct image_set *part = image_add_set(&to, "relays_ip4_0_28", ADDR_IP4);
	struct change_list list;

	assert_non_null(part);
	part->unread = true;
	assert_non_null(image_add_set(&from, "relays_ip4_0_28", ADDR_IP4));
	assert_int_equal(compare_images(&from, &to, &list), 0);
	assert_int_equal(list.count, 1);
	assert_int_equal(list.items[0].kind, CHANGE_SET_UNREAD);
	assert_string_equal(list.items[0].name, "relays_ip4_0_28");
	change_list_clear(&list);
	image_clear(&from);
	image_clear(&to);
	/* The set that it would be a part of is not there. */
	from = make_image();
	to = make_image();
	part = image_add_set(&to, "pools_ip4_0_28", ADDR_IP4);
	assert_non_null(part);
	add_range(part, 1, 2);
	expect_change(&from, &to, CHANGE_SET_ADDED, "pools_ip4_0_28");
}

static void test_table_and_things(void **state)
{
	struct ruleset_image from = make_image(), to = make_image();

	from.asleep = true;
	expect_change(&from, &to, CHANGE_TABLE_WAKES, RULESET_TABLE);
	from = make_image();
	to = make_image();
	from.there = false;
	expect_change(&from, &to, CHANGE_TABLE_MADE, RULESET_TABLE);
	from = make_image();
	to = make_image();
	from.other = true;
	expect_change(&from, &to, CHANGE_TABLE_OTHER, RULESET_TABLE);
	from = make_image();
	to = make_image();
	assert_non_null(image_add_thing(&from, "map", "queued"));
	expect_change(&from, &to, CHANGE_THING_REMOVED, "queued");
	from = make_image();
	to = make_image();
	assert_non_null(image_add_thing(&to, "counter", "new"));
	expect_change(&from, &to, CHANGE_THING_ADDED, "new");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal),
		cmocka_unit_test(test_chains),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_space),
		cmocka_unit_test(test_sets),
		cmocka_unit_test(test_table_and_things),
		cmocka_unit_test(test_sets_that_the_daemon_fills),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_parts_that_are_not_comparable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
