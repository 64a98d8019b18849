/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/reading.h"

#include "base/out.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { INTERFACES_A_LINE = 8 }; /* so that a line never comes near POLICY_LINE_MAX */

/* What is being printed: one section's struct. */
struct printing {
	const struct policy *policy;
	const struct policy_order *order;
	FILE *out;
	size_t rule; /* of named sections */
	const char *base;
	bool json;
	int indent;    /* of the keys, in JSON */
	size_t values; /* of the key in hand, so far */
};

static bool is_list(const struct policy_key *key)
{
	return key->repeatable || key->type == POLICY_TYPE_INTERFACES;
}

static void put_ini(const struct printing *p, const struct policy_key *key, const char *text)
{
	bool goes_on = key->type == POLICY_TYPE_INTERFACES && p->values % INTERFACES_A_LINE != 0;

	if (p->values > 0 && !goes_on)
		fputc('\n', p->out);
	if (!goes_on)
		fprintf(p->out, "%s =", key->name);
	fprintf(p->out, " %s", text);
}

static void put_json(const struct printing *p, const struct policy_key *key, const char *text)
{
	if (is_list(key))
		fprintf(p->out, "%s\n%*s", p->values > 0 ? "," : "", p->indent + 2, "");
	if (key->type == POLICY_TYPE_NUMBER)
		fputs(text, p->out);
	else
		out_json_string_to(p->out, text, strlen(text));
}

/* One value of the key; a list has any number of them. */
static void put(struct printing *p, const struct policy_key *key, const char *text)
{
	(p->json ? put_json : put_ini)(p, key, text);
	p->values++;
}

static uint64_t number_at(const char *field, size_t size)
{
	uint8_t u8;
	uint16_t u16;
	uint32_t u32;

	switch (size) {
	case 1:
		memcpy(&u8, field, sizeof(u8));
		return u8;
	case 2:
		memcpy(&u16, field, sizeof(u16));
		return u16;
	default:
		memcpy(&u32, field, sizeof(u32));
		return u32;
	}
}

static void print_text(struct printing *p, const struct policy_key *key)
{
	const char *text;

	memcpy(&text, p->base + key->offset, sizeof(text));
	if (text && text[0] != '\0')
		put(p, key, text);
}

static void print_name(struct printing *p, const struct policy_key *key)
{
	const char *text = p->base + key->offset;

	if (text[0] != '\0')
		put(p, key, text);
}

static void print_number(struct printing *p, const struct policy_key *key)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)number_at(p->base + key->offset, key->size));
	put(p, key, text);
}

static void print_choice(struct printing *p, const struct policy_key *key)
{
	put(p, key, key->words[number_at(p->base + key->offset, key->size)]);
}

static void print_date(struct printing *p, const struct policy_key *key)
{
	struct moment moment;
	bool given;
	char text[MOMENT_TEXT_MAX];

	memcpy(&given, p->base + key->has_offset, sizeof(given));
	if (!given)
		return;
	memcpy(&moment, p->base + key->offset, sizeof(moment));
	moment_format(moment.s, moment.offset_s, text);
	put(p, key, text);
}

static void print_interfaces(struct printing *p, const struct policy_key *key)
{
	struct policy_interfaces list;

	memcpy(&list, p->base + key->offset, sizeof(list));
	for (size_t i = 0; i < list.count; i++)
		put(p, key, list.names[i]);
}

/* All prefixes of the rule with that role, or all others. */
static void print_prefixes(struct printing *p, const struct policy_key *key, bool to)
{
	const struct policy_order *order = p->order;
	char text[PREFIX_TEXT_MAX];

	for (uint32_t i = order->ip4_start[p->rule]; i < order->ip4_start[p->rule + 1]; i++) {
		const struct policy_prefix4 *entry = &p->policy->ip4[order->ip4[i]];

		if ((entry->role == POLICY_ROLE_TO) != to)
			continue;
		prefix_format(&(struct prefix){.addr = addr_ip4(entry->addr), .len = entry->len}, text);
		put(p, key, text);
	}
	for (uint32_t i = order->ip6_start[p->rule]; i < order->ip6_start[p->rule + 1]; i++) {
		const struct policy_prefix6 *entry = &p->policy->ip6[order->ip6[i]];

		if ((entry->role == POLICY_ROLE_TO) != to)
			continue;
		prefix_format(&(struct prefix){.addr = addr_ip6(entry->hi, entry->lo), .len = entry->len},
			      text);
		put(p, key, text);
	}
}

static void print_prefix(struct printing *p, const struct policy_key *key)
{
	print_prefixes(p, key, false);
	if (p->values == 0 && !p->json)
		put(p, key, "none");
}

static void print_address(struct printing *p, const struct policy_key *key)
{
	const struct policy_order *order = p->order;
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	for (uint32_t i = order->ip4_start[p->rule]; i < order->ip4_start[p->rule + 1]; i++) {
		addr = addr_ip4(p->policy->ip4[order->ip4[i]].addr);
		addr_format(&addr, text);
		put(p, key, text);
	}
	for (uint32_t i = order->ip6_start[p->rule]; i < order->ip6_start[p->rule + 1]; i++) {
		addr = addr_ip6(p->policy->ip6[order->ip6[i]].hi, p->policy->ip6[order->ip6[i]].lo);
		addr_format(&addr, text);
		put(p, key, text);
	}
}

/* What list files hold was printed as prefixes. */
static void print_nothing(struct printing *p, const struct policy_key *key)
{
	(void)p;
	(void)key;
}

static void print_to(struct printing *p, const struct policy_key *key)
{
	const struct policy_rule *rule = &p->policy->rules[p->rule];

	if (rule->to_any)
		put(p, key, "any");
	for (size_t i = 0; i < rule->to_group_count; i++)
		put(p, key, p->policy->rules[rule->to_groups[i]].name);
	print_prefixes(p, key, true);
}

typedef void value_printer(struct printing *printing, const struct policy_key *key);

static value_printer *const printers[] = {
	[POLICY_TYPE_TEXT] = print_text,
	[POLICY_TYPE_NAME] = print_name,
	[POLICY_TYPE_PATH] = print_text,
	[POLICY_TYPE_NUMBER] = print_number,
	[POLICY_TYPE_CHOICE] = print_choice,
	[POLICY_TYPE_DATE] = print_date,
	[POLICY_TYPE_ADDRESS] = print_address,
	[POLICY_TYPE_PREFIX] = print_prefix,
	[POLICY_TYPE_LIST_FILE] = print_nothing,
	[POLICY_TYPE_INTERFACES] = print_interfaces,
	[POLICY_TYPE_TO] = print_to,
};

static_assert(sizeof(printers) / sizeof(printers[0]) == POLICY_TYPE_TO + 1, "a printer for each type");

static void print_section(struct printing *p, enum policy_section section)
{
	size_t count;
	const struct policy_key *keys = policy_section_keys(section, &count);

	for (size_t i = 0; i < count; i++) {
		p->values = 0;
		printers[keys[i].type](p, &keys[i]);
		if (p->values > 0)
			fputc('\n', p->out);
	}
}

/* The sections without a name. */
static const void *single_base(const struct policy *policy, enum policy_section section)
{
	switch (section) {
	case POLICY_SECTION_LOG:
		return &policy->log;
	case POLICY_SECTION_TRIAGE:
		return &policy->triage;
	default:
		return &policy->gateway;
	}
}

static void print_policy(struct printing *p)
{
	for (unsigned i = POLICY_SECTION_GATEWAY; i < POLICY_SECTION_POOL; i++) {
		enum policy_section section = (enum policy_section)i;

		fprintf(p->out, "%s[%s]\n", i > 0 ? "\n" : "", policy_section_name(section));
		p->base = single_base(p->policy, section);
		print_section(p, section);
	}
	for (p->rule = 0; p->rule < p->policy->rule_count; p->rule++) {
		const struct policy_rule *rule = &p->policy->rules[p->rule];

		fprintf(p->out, "\n[%s %s]\n", policy_kind_name(rule->kind), rule->name);
		p->base = (const char *)rule;
		print_section(p, (enum policy_section)(POLICY_SECTION_POOL + rule->kind));
	}
}

static void print_json_key(struct printing *p, const struct policy_key *key)
{
	p->values = 0;
	fprintf(p->out, "%*s\"%s\": %s", p->indent, "", key->name, is_list(key) ? "[" : "");
	printers[key->type](p, key);
	if (is_list(key) && p->values > 0)
		fprintf(p->out, "\n%*s", p->indent, "");
	if (is_list(key))
		fputc(']', p->out);
	else if (p->values == 0)
		fputs("null", p->out);
}

/* Every key of the table but `file`, whose prefixes stand in `prefix`. */
static void print_json_section(struct printing *p, enum policy_section section, const void *base)
{
	size_t count, printed = 0;
	const struct policy_key *keys = policy_section_keys(section, &count);

	p->base = base;
	p->indent = policy_section_is_named(section) ? 6 : 4;
	fputc('{', p->out);
	for (size_t i = 0; i < count; i++) {
		if (keys[i].type == POLICY_TYPE_LIST_FILE)
			continue;
		fputs(printed++ > 0 ? ",\n" : "\n", p->out);
		print_json_key(p, &keys[i]);
	}
	fprintf(p->out, "\n%*s}", p->indent - 2, "");
}

/* The sections of a kind, by name, in the order of the file. */
static void print_json_kind(struct printing *p, enum policy_kind kind)
{
	size_t printed = 0;

	fprintf(p->out, ",\n  \"%s\": {", policy_kind_name(kind));
	for (p->rule = 0; p->rule < p->policy->rule_count; p->rule++) {
		const struct policy_rule *rule = &p->policy->rules[p->rule];

		if (rule->kind != kind)
			continue;
		fputs(printed++ > 0 ? ",\n    " : "\n    ", p->out);
		out_json_string_to(p->out, rule->name, strlen(rule->name));
		fputs(": ", p->out);
		print_json_section(p, (enum policy_section)(POLICY_SECTION_POOL + kind), rule);
	}
	fputs(printed > 0 ? "\n  }" : "}", p->out);
}

static void print_json_policy(struct printing *p)
{
	for (unsigned i = POLICY_SECTION_GATEWAY; i < POLICY_SECTION_POOL; i++) {
		enum policy_section section = (enum policy_section)i;

		fprintf(p->out, "%s\n  \"%s\": ", i > 0 ? "," : "{", policy_section_name(section));
		print_json_section(p, section, single_base(p->policy, section));
	}
	for (unsigned kind = 0; kind < POLICY_KINDS; kind++)
		print_json_kind(p, (enum policy_kind)kind);
	fputs("\n}\n", p->out);
}

static int print_as(const struct policy *policy, bool json, FILE *out)
{
	struct policy_order order;
	struct printing printing = {.policy = policy, .order = &order, .out = out, .json = json};
	int error = policy_order_make(policy, &order);

	if (error)
		return error;
	errno = 0;
	(json ? print_json_policy : print_policy)(&printing);
	policy_order_free(&order);
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}

int policy_print(const struct policy *policy, FILE *out)
{
	return print_as(policy, false, out);
}

int policy_print_json(const struct policy *policy, FILE *out)
{
	return print_as(policy, true, out);
}
