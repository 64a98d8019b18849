/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/reading.h"

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
};

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

static void print_text(const struct printing *p, const struct policy_key *key)
{
	const char *text;

	memcpy(&text, p->base + key->offset, sizeof(text));
	if (text[0] != '\0')
		fprintf(p->out, "%s = %s\n", key->name, text);
}

static void print_name(const struct printing *p, const struct policy_key *key)
{
	const char *text = p->base + key->offset;

	if (text[0] != '\0')
		fprintf(p->out, "%s = %s\n", key->name, text);
}

static void print_number(const struct printing *p, const struct policy_key *key)
{
	fprintf(p->out, "%s = %llu\n", key->name,
		(unsigned long long)number_at(p->base + key->offset, key->size));
}

static void print_choice(const struct printing *p, const struct policy_key *key)
{
	fprintf(p->out, "%s = %s\n", key->name, key->words[number_at(p->base + key->offset, key->size)]);
}

static void print_date(const struct printing *p, const struct policy_key *key)
{
	struct moment moment;
	bool given;
	char text[MOMENT_TEXT_MAX];

	memcpy(&given, p->base + key->has_offset, sizeof(given));
	if (!given)
		return;
	memcpy(&moment, p->base + key->offset, sizeof(moment));
	moment_format(moment.s, moment.offset_s, text);
	fprintf(p->out, "%s = %s\n", key->name, text);
}

static void print_interfaces(const struct printing *p, const struct policy_key *key)
{
	struct policy_interfaces list;

	memcpy(&list, p->base + key->offset, sizeof(list));
	for (size_t i = 0; i < list.count; i++) {
		bool first = i % INTERFACES_A_LINE == 0;
		bool last = i + 1 == list.count || (i + 1) % INTERFACES_A_LINE == 0;

		fprintf(p->out, "%s%s%s%s%s", first ? key->name : "", first ? " =" : "", " ", list.names[i],
			last ? "\n" : "");
	}
}

/* All prefixes of the rule with that role, or all others; returns how many. */
static size_t print_prefixes(const struct printing *p, const struct policy_key *key, bool to)
{
	const struct policy_order *order = p->order;
	char text[PREFIX_TEXT_MAX];
	size_t printed = 0;

	for (uint32_t i = order->ip4_start[p->rule]; i < order->ip4_start[p->rule + 1]; i++) {
		const struct policy_prefix4 *entry = &p->policy->ip4[order->ip4[i]];

		if ((entry->role == POLICY_ROLE_TO) != to)
			continue;
		prefix_format(&(struct prefix){.addr = addr_ip4(entry->addr), .len = entry->len}, text);
		fprintf(p->out, "%s = %s\n", key->name, text);
		printed++;
	}
	for (uint32_t i = order->ip6_start[p->rule]; i < order->ip6_start[p->rule + 1]; i++) {
		const struct policy_prefix6 *entry = &p->policy->ip6[order->ip6[i]];

		if ((entry->role == POLICY_ROLE_TO) != to)
			continue;
		prefix_format(&(struct prefix){.addr = addr_ip6(entry->hi, entry->lo), .len = entry->len},
			      text);
		fprintf(p->out, "%s = %s\n", key->name, text);
		printed++;
	}
	return printed;
}

static void print_prefix(const struct printing *p, const struct policy_key *key)
{
	if (print_prefixes(p, key, false) == 0)
		fprintf(p->out, "%s = none\n", key->name);
}

static void print_address(const struct printing *p, const struct policy_key *key)
{
	const struct policy_order *order = p->order;
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	for (uint32_t i = order->ip4_start[p->rule]; i < order->ip4_start[p->rule + 1]; i++) {
		addr = addr_ip4(p->policy->ip4[order->ip4[i]].addr);
		addr_format(&addr, text);
		fprintf(p->out, "%s = %s\n", key->name, text);
	}
	for (uint32_t i = order->ip6_start[p->rule]; i < order->ip6_start[p->rule + 1]; i++) {
		addr = addr_ip6(p->policy->ip6[order->ip6[i]].hi, p->policy->ip6[order->ip6[i]].lo);
		addr_format(&addr, text);
		fprintf(p->out, "%s = %s\n", key->name, text);
	}
}

/* What list files hold was printed as prefixes. */
static void print_nothing(const struct printing *p, const struct policy_key *key)
{
	(void)p;
	(void)key;
}

static void print_to(const struct printing *p, const struct policy_key *key)
{
	const struct policy_rule *rule = &p->policy->rules[p->rule];

	if (rule->to_any)
		fprintf(p->out, "%s = any\n", key->name);
	for (size_t i = 0; i < rule->to_group_count; i++)
		fprintf(p->out, "%s = %s\n", key->name, p->policy->rules[rule->to_groups[i]].name);
	print_prefixes(p, key, true);
}

typedef void value_printer(const struct printing *printing, const struct policy_key *key);

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

	for (size_t i = 0; i < count; i++)
		printers[keys[i].type](p, &keys[i]);
}

static void print_policy(struct printing *p)
{
	fputs("[gateway]\n", p->out);
	p->base = (const char *)&p->policy->gateway;
	print_section(p, POLICY_SECTION_GATEWAY);
	fputs("\n[log]\n", p->out);
	p->base = (const char *)&p->policy->log;
	print_section(p, POLICY_SECTION_LOG);
	for (p->rule = 0; p->rule < p->policy->rule_count; p->rule++) {
		const struct policy_rule *rule = &p->policy->rules[p->rule];

		fprintf(p->out, "\n[%s %s]\n", policy_kind_name(rule->kind), rule->name);
		p->base = (const char *)rule;
		print_section(p, (enum policy_section)(POLICY_SECTION_POOL + rule->kind));
	}
}

int policy_print(const struct policy *policy, FILE *out)
{
	struct policy_order order;
	struct printing printing = {.policy = policy, .order = &order, .out = out};
	int error = policy_order_make(policy, &order);

	if (error)
		return error;
	errno = 0;
	print_policy(&printing);
	policy_order_free(&order);
	if (fflush(out) != 0 || ferror(out))
		return errno ? -errno : -EIO;
	return 0;
}
