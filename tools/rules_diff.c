/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-rules status and diff: the kernel's table against the policy's. */
#include "rules.h"
#include "rules_compare.h"

#include "base/exitcode.h"
#include "ruleset/compare.h"
#include "ruleset/space.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { PREFIXES_SHOWN = 24 };

struct shown {
	size_t count;
	char sign;
	FILE *out;
};

static int show_prefix(void *context, const struct prefix *prefix)
{
	struct shown *shown = context;
	char text[PREFIX_TEXT_MAX];

	prefix_format(prefix, text);
	if (shown->count++ < PREFIXES_SHOWN)
		fprintf(shown->out, "    %c %s\n", shown->sign, text);
	return 0;
}

static void show_space(char sign, const struct ruleset_set *space, FILE *out)
{
	struct shown shown = {.sign = sign, .out = out};

	(void)space_prefixes(space, show_prefix, &shown);
	if (shown.count > PREFIXES_SHOWN)
		fprintf(out, "    %c and %zu more prefixes\n", sign, shown.count - PREFIXES_SHOWN);
}

/* "relays_ip4": "relays, IPv4". */
static void print_meaning(const char *set, FILE *out)
{
	size_t len = strlen(set);

	if (len > 4 && (strcmp(set + len - 4, "_ip4") == 0 || strcmp(set + len - 4, "_ip6") == 0))
		fprintf(out, "  %.*s, IPv%c", (int)len - 4, set, set[len - 1]);
	else
		fprintf(out, "  set %s", set);
}

static void print_size(const struct ruleset_set *space, const char *verb, FILE *out)
{
	uint64_t size = space_size(space);
	bool one = size == 1;

	fprintf(out, "%llu %s %s", (unsigned long long)size,
		space->family == ADDR_IP4 ? (one ? "address" : "addresses")
					  : (one ? "/64 network" : "/64 networks"),
		verb);
}

static void print_space(const struct change *change, FILE *out)
{
	print_meaning(change->name, out);
	if (change->kind == CHANGE_SET_ADDED)
		fputs(" (a new set)", out);
	if (change->kind == CHANGE_SET_REMOVED)
		fputs(" (the set goes)", out);
	fputs(": ", out);
	print_size(&change->gained, "gained, ", out);
	print_size(&change->lost, "lost\n", out);
	show_space('+', &change->gained, out);
	show_space('-', &change->lost, out);
}

static void print_no_space(const struct change *change, FILE *out)
{
	fprintf(out, "  set %s: %s\n", change->name,
		change->kind == CHANGE_SET_UNREAD ? "too large to be read back, not compared"
						  : "is divided otherwise, and holds the same");
}

static void print_rules(const struct change *change, FILE *out)
{
	fprintf(out, "  chain %s: rules differ from number %zu on (%zu now, %zu then)\n", change->name,
		change->rule, change->rule_from, change->rule_to);
}

static void print_table(const struct change *change, FILE *out)
{
	if (change->kind == CHANGE_TABLE_MADE)
		fprintf(out, "  there is no table %s " RULESET_TABLE " yet\n", change->text_to);
	else if (change->kind == CHANGE_TABLE_OTHER)
		fprintf(out, "  table %s " RULESET_TABLE ": goes, because the policy's family is another\n",
			change->text_from);
	else
		fputs("  the table is dormant: its rules have no effect\n", out);
}

static void print_change(const struct change *change, FILE *out)
{
	switch (change->kind) {
	case CHANGE_TABLE_MADE:
	case CHANGE_TABLE_OTHER:
	case CHANGE_TABLE_WAKES:
		print_table(change, out);
		break;
	case CHANGE_CHAIN_ADDED:
		fprintf(out, "  chain %s: comes, with %zu rules\n", change->name, change->rule_to);
		break;
	case CHANGE_CHAIN_REMOVED:
		fprintf(out, "  chain %s: goes, with %zu rules\n", change->name, change->rule_from);
		break;
	case CHANGE_CHAIN_RULES:
		print_rules(change, out);
		break;
	case CHANGE_CHAIN_HOOK:
	case CHANGE_SET_TYPE:
		fprintf(out, "  %s %s: \"%s\" becomes \"%s\"\n",
			change->kind == CHANGE_SET_TYPE ? "set" : "chain", change->name, change->text_from,
			change->text_to);
		break;
	case CHANGE_SET_ADDED:
	case CHANGE_SET_REMOVED:
	case CHANGE_SET_SPACE:
		print_space(change, out);
		break;
	case CHANGE_SET_DIVIDED:
	case CHANGE_SET_UNREAD:
		print_no_space(change, out);
		break;
	case CHANGE_THING_ADDED:
		fprintf(out, "  %s %s: comes\n", change->text_to, change->name);
		break;
	case CHANGE_THING_REMOVED:
		fprintf(out, "  %s %s: goes\n", change->text_from, change->name);
		break;
	case CHANGE_KINDS:
		break;
	}
}

void rules_print_changes(const struct change_list *changes, FILE *out)
{
	for (size_t i = 0; i < changes->count; i++)
		print_change(&changes->items[i], out);
}

static int keep_prefix(void *context, const struct prefix *prefix)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format(prefix, text);
	return json_array_append_new(context, json_string(text)) < 0 ? -ENOMEM : 0;
}

static json_t *json_space(const struct ruleset_set *space)
{
	json_t *array = json_array();

	(void)space_prefixes(space, keep_prefix, array);
	return array;
}

static bool is_space(enum change_kind kind)
{
	return kind == CHANGE_SET_ADDED || kind == CHANGE_SET_REMOVED || kind == CHANGE_SET_SPACE;
}

static json_t *json_change(const struct change *change)
{
	json_t *object = json_pack("{ss ss}", "change", change_name(change->kind), "name", change->name);

	if (change->text_from)
		json_object_set_new(object, "from", json_string(change->text_from));
	if (change->text_to)
		json_object_set_new(object, "to", json_string(change->text_to));
	if (change->kind == CHANGE_CHAIN_RULES)
		json_object_set_new(object, "rule", json_integer((json_int_t)change->rule));
	if (is_space(change->kind)) {
		json_object_set_new(object, "gained", json_space(&change->gained));
		json_object_set_new(object, "lost", json_space(&change->lost));
	}
	return object;
}

json_t *rules_json_changes(const struct change_list *changes)
{
	json_t *array = json_array();

	for (size_t i = 0; i < changes->count; i++)
		json_array_append_new(array, json_change(&changes->items[i]));
	return array;
}

static int cannot_tell(int r)
{
	if (r == -EPERM)
		fputs("op25b-rules: not allowed: reading rulesets needs CAP_NET_ADMIN\n", stderr);
	else
		fprintf(stderr, "op25b-rules: reading the kernel's rules: %s\n", strerror(-r));
	return EXIT_CODE_SYSTEM;
}

static int verdict_on(const struct change_list *changes)
{
	if (changes->unread)
		return EXIT_CODE_SYSTEM;
	return changes->count == 0 ? EXIT_CODE_OK : EXIT_CODE_DIFFERS;
}

static void print_pending(const struct pending *pending)
{
	char text[PENDING_TEXT_MAX];

	if (pending->state == PENDING_WAITING) {
		rules_pending_text(pending, text, sizeof(text));
		puts(text);
	} else if (pending->state == PENDING_ROLLED_BACK) {
		puts("the last apply was not confirmed: the rules of before came back");
	} else if (pending->state == PENDING_FAILED) {
		puts("the last apply was not confirmed, and the rules of before could not be loaded");
	} else if (pending->state == PENDING_LOST) {
		puts("the last apply was not confirmed, and who was to put the rules of before back has died");
	}
}

/* How the verdict came about. */
static const char *read_word(const struct rules_sides *sides)
{
	return rules_some_kept(sides) ? "all-but-large-sets" : "all";
}

static void print_read(const struct rules_sides *sides)
{
	if (rules_some_kept(sides))
		puts("large sets were not read: no ruleset has changed since the last apply filled them (--full reads them)");
}

static int print_status(const struct rules_options *options, const struct rules_sides *sides)
{
	struct pending pending = {.state = PENDING_NONE};
	int code = verdict_on(&sides->changes);

	(void)pending_read(&pending);
	if (options->json)
		return rules_flushed(
			rules_print_json(json_pack("{sb sb ss so so}", "same", code == EXIT_CODE_OK, "loaded",
						   (int)sides->live.there, "read", read_word(sides),
						   "pending", rules_json_pending(&pending), "changes",
						   rules_json_changes(&sides->changes)),
					 code));
	if (code == EXIT_CODE_OK)
		puts("the kernel's rules are the policy's");
	else if (!sides->live.there)
		puts("no rules are loaded: all port 25 passes");
	else
		printf("the kernel's rules are not the policy's: %zu differences (op25b-rules diff shows them)\n",
		       sides->changes.count);
	print_read(sides);
	print_pending(&pending);
	return rules_flushed(code);
}

static int print_diff(const struct rules_options *options, const struct rules_sides *sides)
{
	int code = verdict_on(&sides->changes);

	if (options->json)
		return rules_flushed(rules_print_json(json_pack("{sb ss so}", "same", code == EXIT_CODE_OK,
								"read", read_word(sides), "changes",
								rules_json_changes(&sides->changes)),
						      code));
	if (code == EXIT_CODE_OK)
		puts("apply would change nothing");
	else
		puts("apply would change:");
	rules_print_changes(&sides->changes, stdout);
	print_read(sides);
	return rules_flushed(code);
}

static int compare_and(int (*print)(const struct rules_options *options, const struct rules_sides *sides),
		       const struct rules_options *options)
{
	struct rules_sides sides = {0};
	struct ruleset *ruleset = NULL;
	int code = rules_load_ruleset(options, &ruleset), r;

	if (code != EXIT_CODE_OK)
		return code;
	r = rules_compare(options, ruleset, &sides);
	code = r < 0 ? cannot_tell(r) : print(options, &sides);
	rules_sides_clear(&sides);
	ruleset_free(ruleset);
	return code;
}

int rules_status(const struct rules_options *options)
{
	return compare_and(print_status, options);
}

int rules_diff(const struct rules_options *options)
{
	return compare_and(print_diff, options);
}
