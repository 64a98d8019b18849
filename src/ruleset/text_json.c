/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The model as commands in nft's JSON, libnftables-json(5). The comments of tables, sets and chains have no place
 * there; those of rules have. nft 1.0.6 ignores "auto-merge" in JSON, later ones know it. A map of numbers, as offload
 * needs, cannot be declared in it at all.
 */
#include "base/out.h"
#include "ruleset/words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *op_name(enum ruleset_op op)
{
	static const char *const names[] = {
		[RULESET_EQ] = "==", [RULESET_NE] = "!=", [RULESET_LT] = "<", [RULESET_GT] = ">"};

	return names[op];
}

/* One command of the array, up to what stands in its object behind the names of family and table. */
static void begin(enum policy_family family, FILE *out, const char *command, const char *object)
{
	fprintf(out, ",\n{\"%s\":{\"%s\":{\"family\":\"%s\",\"table\":\"" RULESET_TABLE "\"", command, object,
		policy_family_name(family));
}

static void begin_named(enum policy_family family, FILE *out, const char *command, const char *object,
			const char *name)
{
	begin(family, out, command, object);
	fprintf(out, ",\"name\":\"%s\"", name);
}

static void end(FILE *out)
{
	fputs("}}}", out);
}

static void print_table(enum policy_family family, FILE *out, const char *command)
{
	fprintf(out, ",\n{\"%s\":{\"table\":{\"family\":\"%s\",\"name\":\"" RULESET_TABLE "\"}}}", command,
		policy_family_name(family));
}

/* "|" takes two operands, so three flags are ((a | b) | c). No flag is the number 0. */
static void print_flags(uint32_t bits, FILE *out)
{
	const char *first = NULL;
	unsigned more = 0;

	for (unsigned i = 1; i < RULESET_TCP_FLAGS; i++)
		more += (bits & 1U << i) != 0 && (bits & ((1U << i) - 1)) != 0;
	if (bits == 0)
		fputc('0', out);
	for (unsigned i = 0; i < more; i++)
		fputs("{\"|\":[", out);
	for (unsigned i = 0; i < RULESET_TCP_FLAGS; i++) {
		if ((bits & 1U << i) == 0)
			continue;
		fprintf(out, first ? ",\"%s\"]}" : "\"%s\"", ruleset_tcp_flag_names[i]);
		first = ruleset_tcp_flag_names[i];
	}
}

static void print_ct_states(uint32_t bits, FILE *out)
{
	const char *between = "[";

	for (size_t i = 0; i < RULESET_CT_STATES; i++) {
		if ((bits & ruleset_ct_names[i].bit) == 0)
			continue;
		fprintf(out, "%s\"%s\"", between, ruleset_ct_names[i].name);
		between = ",";
	}
	fputc(']', out);
}

static void print_payload(const char *protocol, const char *field, FILE *out)
{
	fprintf(out, "{\"payload\":{\"protocol\":\"%s\",\"field\":\"%s\"}}", protocol, field);
}

static void print_meta(const char *key, FILE *out)
{
	fprintf(out, "{\"meta\":{\"key\":\"%s\"}}", key);
}

static void print_left_flags(const struct ruleset_match *match, FILE *out)
{
	fputs("{\"&\":[", out);
	print_payload("tcp", "flags", out);
	fputc(',', out);
	print_flags(match->mask, out);
	fputs("]}", out);
}

static void print_left_frag4(const struct ruleset_match *match, FILE *out)
{
	fputs("{\"&\":[", out);
	print_payload("ip", "frag-off", out);
	fprintf(out, ",%" PRIu32 "]}", match->mask);
}

static void print_left_frag6(enum ruleset_match_kind kind, FILE *out)
{
	fprintf(out, "{\"exthdr\":{\"name\":\"frag\"%s}}",
		kind == RULESET_MATCH_FRAG6_OFFSET ? ",\"field\":\"frag-off\"" : "");
}

static void print_left_ct(enum ruleset_match_kind kind, FILE *out)
{
	fprintf(out, "{\"ct\":{\"key\":\"%s\"}}", kind == RULESET_MATCH_CT_STATE ? "state" : "direction");
}

static bool is_within(const struct ruleset_match *match)
{
	return match->kind == RULESET_MATCH_SADDR_WITHIN || match->kind == RULESET_MATCH_DADDR_WITHIN;
}

static void print_left_address(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	bool source = match->kind == RULESET_MATCH_SADDR || match->kind == RULESET_MATCH_SADDR_WITHIN;
	uint8_t family = is_within(match) ? match->prefix.addr.family : ruleset->sets[match->set].family;

	print_payload(family == ADDR_IP4 ? "ip" : "ip6", source ? "saddr" : "daddr", out);
}

static void print_left_mark(const struct ruleset_match *match, FILE *out)
{
	if (match->mask != UINT32_MAX)
		fputs("{\"&\":[", out);
	print_meta("mark", out);
	if (match->mask != UINT32_MAX)
		fprintf(out, ",%" PRIu32 "]}", match->mask);
}

/* What is looked at. */
static void print_left(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	switch (match->kind) {
	case RULESET_MATCH_IIFNAME:
		print_meta("iifname", out);
		break;
	case RULESET_MATCH_NFPROTO:
		print_meta(ruleset->family == POLICY_FAMILY_BRIDGE ? "protocol" : "nfproto", out);
		break;
	case RULESET_MATCH_L4PROTO:
		print_meta("l4proto", out);
		break;
	case RULESET_MATCH_TCP_SPORT:
	case RULESET_MATCH_TCP_DPORT:
		print_payload("tcp", match->kind == RULESET_MATCH_TCP_SPORT ? "sport" : "dport", out);
		break;
	case RULESET_MATCH_TCP_FLAGS:
		print_left_flags(match, out);
		break;
	case RULESET_MATCH_SADDR:
	case RULESET_MATCH_DADDR:
	case RULESET_MATCH_SADDR_WITHIN:
	case RULESET_MATCH_DADDR_WITHIN:
		print_left_address(ruleset, match, out);
		break;
	case RULESET_MATCH_FRAG4:
		print_left_frag4(match, out);
		break;
	case RULESET_MATCH_FRAG6:
	case RULESET_MATCH_FRAG6_OFFSET:
		print_left_frag6(match->kind, out);
		break;
	case RULESET_MATCH_CT_STATE:
	case RULESET_MATCH_CT_REPLY:
		print_left_ct(match->kind, out);
		break;
	case RULESET_MATCH_MARK:
		print_left_mark(match, out);
		break;
	default: /* of offload: never printed here */
		break;
	}
}

static void print_right_family(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	bool bridge = ruleset->family == POLICY_FAMILY_BRIDGE;

	if (match->value == ADDR_IP4)
		fputs(bridge ? "\"ip\"" : "\"ipv4\"", out);
	else
		fputs(bridge ? "\"ip6\"" : "\"ipv6\"", out);
}

static void print_right_address(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	char text[ADDR_TEXT_MAX];

	if (!is_within(match)) {
		fprintf(out, "\"@%s\"", ruleset->sets[match->set].name);
		return;
	}
	addr_format(&match->prefix.addr, text);
	fprintf(out, "{\"prefix\":{\"addr\":\"%s\",\"len\":%u}}", text, (unsigned)match->prefix.len);
}

static void print_right_protocol(uint32_t protocol, FILE *out)
{
	if (protocol == RULESET_PROTOCOL_TCP)
		fputs("\"tcp\"", out);
	else
		fprintf(out, "%" PRIu32, protocol);
}

/* What it is compared with. */
static void print_right(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	switch (match->kind) {
	case RULESET_MATCH_IIFNAME:
		out_json_string_to(out, match->interface, strlen(match->interface));
		break;
	case RULESET_MATCH_NFPROTO:
		print_right_family(ruleset, match, out);
		break;
	case RULESET_MATCH_TCP_FLAGS:
		print_flags(match->value, out);
		break;
	case RULESET_MATCH_SADDR:
	case RULESET_MATCH_DADDR:
	case RULESET_MATCH_SADDR_WITHIN:
	case RULESET_MATCH_DADDR_WITHIN:
		print_right_address(ruleset, match, out);
		break;
	case RULESET_MATCH_FRAG6:
		fputs(match->op == RULESET_EQ ? "true" : "false", out);
		break;
	case RULESET_MATCH_CT_STATE:
		print_ct_states(match->value, out);
		break;
	case RULESET_MATCH_CT_REPLY:
		fputs(match->op == RULESET_EQ ? "\"reply\"" : "\"original\"", out);
		break;
	case RULESET_MATCH_L4PROTO:
		print_right_protocol(match->value, out);
		break;
	case RULESET_MATCH_TCP_SPORT:
	case RULESET_MATCH_TCP_DPORT:
	case RULESET_MATCH_FRAG4:
	case RULESET_MATCH_FRAG6_OFFSET:
	case RULESET_MATCH_MARK:
		fprintf(out, "%" PRIu32, match->value);
		break;
	default: /* of offload: never printed here */
		break;
	}
}

static const char *match_op(const struct ruleset_match *match)
{
	switch (match->kind) {
	case RULESET_MATCH_FRAG6:
	case RULESET_MATCH_CT_REPLY: /* the opposite word stands on the right */
		return "==";
	case RULESET_MATCH_CT_STATE: /* one of several bits */
		return "in";
	default:
		return op_name(match->op);
	}
}

/* In a bridge extension headers are asked for behind a VLAN tag, as in the text. */
static void print_behind_tag(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	if (ruleset->family == POLICY_FAMILY_BRIDGE &&
	    (match->kind == RULESET_MATCH_FRAG6 || match->kind == RULESET_MATCH_FRAG6_OFFSET))
		fputs("{\"match\":{\"op\":\"==\",\"left\":{\"meta\":{\"key\":\"protocol\"}},\"right\":\"ip6\"}},",
		      out);
}

static void print_match(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	print_behind_tag(ruleset, match, out);
	fprintf(out, "{\"match\":{\"op\":\"%s\",\"left\":", match_op(match));
	print_left(ruleset, match, out);
	fputs(",\"right\":", out);
	print_right(ruleset, match, out);
	fputs("}}", out);
}

static void print_hash(const struct ruleset_queue *queue, uint32_t family, FILE *out)
{
	struct addr all = addr_ip6(UINT64_MAX, UINT64_MAX);
	struct addr mask = addr_mask(&all, queue->ip6_len);
	bool masked = family == ADDR_IP6 && queue->ip6_len < 128;
	char text[ADDR_TEXT_MAX];

	fprintf(out, "{\"jhash\":{\"mod\":%u,\"seed\":%u,\"offset\":%u,\"expr\":", queue->count,
		(unsigned)RULESET_HASH_SEED, queue->first);
	if (masked)
		fputs("{\"&\":[", out);
	print_payload(family == ADDR_IP4 ? "ip" : "ip6", "saddr", out);
	addr_format(&mask, text);
	if (masked)
		fprintf(out, ",\"%s\"]}", text);
	fputs("}}", out);
}

static void print_queue(const struct ruleset_queue *queue, uint32_t family, FILE *out)
{
	fputs("{\"queue\":{\"num\":", out);
	if (family == ADDR_NONE)
		fprintf(out, "%u", queue->first);
	else
		print_hash(queue, family, out);
	fprintf(out, "%s}}", queue->bypass ? ",\"flags\":[\"bypass\"]" : "");
}

static void print_verdict(enum ruleset_statement_kind kind, FILE *out)
{
	const char *word =
		kind == RULESET_DO_ACCEPT ? "accept" : (kind == RULESET_DO_DROP ? "drop" : "return");

	fprintf(out, "{\"%s\":null}", word);
}

static void print_statement(const struct ruleset *ruleset, const struct ruleset_statement *statement,
			    FILE *out)
{
	switch (statement->kind) {
	case RULESET_DO_COUNT:
		fprintf(out, "{\"counter\":\"%s\"}", ruleset->counters[statement->target].name);
		break;
	case RULESET_DO_SET_MARK:
		fputs("{\"mangle\":{\"key\":", out);
		print_meta("mark", out);
		fprintf(out, ",\"value\":%" PRIu32 "}}", statement->value);
		break;
	case RULESET_DO_LIMIT:
		fprintf(out, "{\"limit\":{\"rate\":%" PRIu32 ",\"per\":\"second\",\"burst\":%" PRIu32 "}}",
			statement->value, statement->target);
		break;
	case RULESET_DO_LOG:
		fprintf(out, "{\"log\":{\"prefix\":\"%s\"}}", statement->text);
		break;
	case RULESET_DO_ACCEPT:
	case RULESET_DO_DROP:
	case RULESET_DO_RETURN:
		print_verdict(statement->kind, out);
		break;
	case RULESET_DO_JUMP:
		fprintf(out, "{\"jump\":{\"target\":\"%s\"}}", ruleset->chains[statement->target].name);
		break;
	case RULESET_DO_GOTO:
		fprintf(out, "{\"goto\":{\"target\":\"%s\"}}", ruleset->chains[statement->target].name);
		break;
	case RULESET_DO_QUEUE:
		print_queue(&ruleset->queue, statement->value, out);
		break;
	case RULESET_DO_REJECT_RESET:
		fputs("{\"reject\":{\"type\":\"tcp reset\"}}", out);
		break;
	case RULESET_DO_REJECT_ICMP:
		fputs("{\"reject\":{\"type\":\"icmpx\",\"expr\":\"admin-prohibited\"}}", out);
		break;
	default: /* likewise */
		break;
	}
}

static void print_rule(const struct ruleset *ruleset, const struct ruleset_chain *chain,
		       const struct ruleset_rule *rule, FILE *out)
{
	size_t printed = 0;

	begin(ruleset->family, out, "add", "rule");
	fprintf(out, ",\"chain\":\"%s\"", chain->name);
	if (rule->comment[0] != '\0') {
		fputs(",\"comment\":", out);
		out_json_string_to(out, rule->comment, strlen(rule->comment));
	}
	fputs(",\"expr\":[", out);
	for (size_t i = 0; i < rule->match_count; i++) {
		fputs(printed++ > 0 ? "," : "", out);
		print_match(ruleset, &rule->matches[i], out);
	}
	for (size_t i = 0; i < rule->statement_count; i++) {
		fputs(printed++ > 0 ? "," : "", out);
		print_statement(ruleset, &rule->statements[i], out);
	}
	fputc(']', out);
	end(out);
}

static void print_chain(enum policy_family family, const struct ruleset_chain *chain, FILE *out)
{
	begin_named(family, out, "add", "chain", chain->name);
	if (chain->base)
		fprintf(out,
			",\"type\":\"filter\",\"hook\":\"%s\",\"prio\":%" PRId32 ",\"policy\":\"accept\"",
			ruleset_hook_name(family, chain->early), chain->priority);
	end(out);
}

static void print_element(const struct ruleset_set *set, size_t at, FILE *out)
{
	char text[ADDR_TEXT_MAX];
	struct addr first, last;
	int len;

	ruleset_element_ends(set, at, &first, &last);
	len = ruleset_prefix_length(&first, &last);
	addr_format(&first, text);
	if (len == (int)addr_bits(first.family)) {
		fprintf(out, "\"%s\"", text);
		return;
	}
	if (len >= 0) {
		fprintf(out, "{\"prefix\":{\"addr\":\"%s\",\"len\":%d}}", text, len);
		return;
	}
	fprintf(out, "{\"range\":[\"%s\",", text);
	addr_format(&last, text);
	fprintf(out, "\"%s\"]}", text);
}

static void print_elements(enum policy_family family, const struct ruleset_set *set, FILE *out)
{
	if (set->count == 0)
		return;
	begin_named(family, out, "add", "element", set->name);
	for (size_t i = 0; i < set->count; i++) {
		fputs(i ? ",\n" : ",\"elem\":[\n", out);
		print_element(set, i, out);
	}
	fputc(']', out);
	end(out);
}

/* As in the text: what is to be emptied must exist, and what is filled must be empty, in the same transaction. */
static void print_clearing(const struct ruleset *ruleset, FILE *out)
{
	if (ruleset->family == POLICY_FAMILY_BRIDGE) {
		print_table(POLICY_FAMILY_INET, out, "add");
		print_table(POLICY_FAMILY_INET, out, "delete");
	}
	print_table(ruleset->family, out, "add");
	for (size_t i = 0; i < ruleset->set_count; i++) {
		begin_named(ruleset->family, out, "add", "set", ruleset->sets[i].name);
		fprintf(out, ",\"type\":\"%s\",\"flags\":[\"interval\"],\"auto-merge\":true",
			ruleset_set_type(&ruleset->sets[i]));
		end(out);
	}
	print_table(ruleset->family, out, "flush");
	for (size_t i = 0; i < ruleset->set_count; i++) {
		begin_named(ruleset->family, out, "flush", "set", ruleset->sets[i].name);
		end(out);
	}
}

int ruleset_print_json(const struct ruleset *ruleset, FILE *out)
{
	if (ruleset->live_count > 0)
		return -EOPNOTSUPP;
	fputs("{\"nftables\":[\n{\"metainfo\":{\"json_schema_version\":1}}", out);
	print_clearing(ruleset, out);
	for (size_t i = 0; i < ruleset->counter_count; i++) {
		begin_named(ruleset->family, out, "add", "counter", ruleset->counters[i].name);
		end(out);
	}
	for (size_t i = 0; i < ruleset->set_count; i++)
		print_elements(ruleset->family, &ruleset->sets[i], out);
	/* All chains before the first rule, which may jump to any of them. */
	for (size_t i = 0; i < ruleset->chain_count; i++)
		print_chain(ruleset->family, &ruleset->chains[i], out);
	for (size_t i = 0; i < ruleset->chain_count; i++) {
		for (size_t k = 0; k < ruleset->chains[i].rule_count; k++)
			print_rule(ruleset, &ruleset->chains[i], &ruleset->chains[i].rules[k], out);
	}
	fputs("\n]}\n", out);
	if (fflush(out) != 0)
		return errno ? -errno : -EIO;
	return ferror(out) ? -EIO : 0;
}
