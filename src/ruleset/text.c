/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/text_learned.h"
#include "ruleset/words.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const head =
	"# The op25b ruleset, made by `op25b-rules generate` from a policy. Do not edit: change the policy.\n"
	"#\n"
	"# It names its own table and touches no other. Load it with `nft -f`; `op25b-rules apply` does the same faster,\n"
	"# and also where the kernel has no nft queue expression. Loading it again replaces rules and elements in one\n"
	"# transaction, keeps the counters, and deletes no base chain: deleting one would drop every packet that waits\n"
	"# in any queue.\n";

/* "== " and so on; `plain` leaves out what nft takes for granted. */
static const char *op_text(enum ruleset_op op, bool plain)
{
	static const char *const texts[] = {
		[RULESET_EQ] = "== ", [RULESET_NE] = "!= ", [RULESET_LT] = "< ", [RULESET_GT] = "> "};

	return op == RULESET_EQ && plain ? "" : texts[op];
}

static void print_ct_state(uint32_t bits, FILE *out)
{
	const char *between = "ct state ";

	for (size_t i = 0; i < RULESET_CT_STATES; i++) {
		if ((bits & ruleset_ct_names[i].bit) == 0)
			continue;
		fprintf(out, "%s%s", between, ruleset_ct_names[i].name);
		between = ",";
	}
}

static void print_tcp_flags(const struct ruleset_match *match, FILE *out)
{
	const char *between = "tcp flags & (";

	for (unsigned i = 0; i < RULESET_TCP_FLAGS; i++) {
		if ((match->mask & 1U << i) == 0)
			continue;
		fprintf(out, "%s%s", between, ruleset_tcp_flag_names[i]);
		between = " | ";
	}
	fprintf(out, ") %s", op_text(match->op, false));
	between = "";
	for (unsigned i = 0; i < RULESET_TCP_FLAGS; i++) {
		if ((match->value & 1U << i) == 0)
			continue;
		fprintf(out, "%s%s", between, ruleset_tcp_flag_names[i]);
		between = " | ";
	}
}

static void print_address_match(const struct ruleset *ruleset, const struct ruleset_match *match,
				const char *field, FILE *out)
{
	const struct ruleset_set *set = &ruleset->sets[match->set];

	fprintf(out, "%s %s %s@%s", set->family == ADDR_IP4 ? "ip" : "ip6", field, op_text(match->op, true),
		set->name);
}

static void print_within(const struct ruleset_match *match, FILE *out)
{
	char text[PREFIX_TEXT_MAX];

	prefix_format(&match->prefix, text);
	fprintf(out, "%s %s %s%s", match->prefix.addr.family == ADDR_IP4 ? "ip" : "ip6",
		match->kind == RULESET_MATCH_SADDR_WITHIN ? "saddr" : "daddr", op_text(match->op, true),
		text);
}

static void print_mark(const struct ruleset_match *match, FILE *out)
{
	if (match->mask == UINT32_MAX)
		fprintf(out, "meta mark %s0x%08" PRIx32, op_text(match->op, true), match->value);
	else
		fprintf(out, "meta mark & 0x%08" PRIx32 " %s0x%08" PRIx32, match->mask,
			op_text(match->op, false), match->value);
}

static void print_l4proto(const struct ruleset_match *match, FILE *out)
{
	fprintf(out, "meta l4proto %s", op_text(match->op, true));
	if (match->value == RULESET_PROTOCOL_TCP)
		fputs("tcp", out);
	else
		fprintf(out, "%" PRIu32, match->value);
}

/* Left to itself nft asks for the frame's own type before IPv6 extension headers, which is another under a VLAN tag. */
static const char behind_tag[] = "meta protocol ip6 ";

/* The kinds that are a field and a number or a word. */
static void print_plain_match(enum policy_family family, const struct ruleset_match *match, FILE *out)
{
	bool bridge = family == POLICY_FAMILY_BRIDGE;

	switch (match->kind) {
	case RULESET_MATCH_IIFNAME:
		fprintf(out, "iifname %s\"%s\"", op_text(match->op, true), match->interface);
		break;
	case RULESET_MATCH_NFPROTO:
		if (bridge)
			fprintf(out, "meta protocol %s%s", op_text(match->op, true),
				match->value == ADDR_IP4 ? "ip" : "ip6");
		else
			fprintf(out, "meta nfproto %s%s", op_text(match->op, true),
				match->value == ADDR_IP4 ? "ipv4" : "ipv6");
		break;
	case RULESET_MATCH_L4PROTO:
		print_l4proto(match, out);
		break;
	case RULESET_MATCH_TCP_SPORT:
		fprintf(out, "tcp sport %s%" PRIu32, op_text(match->op, true), match->value);
		break;
	case RULESET_MATCH_TCP_DPORT:
		fprintf(out, "tcp dport %s%" PRIu32, op_text(match->op, true), match->value);
		break;
	case RULESET_MATCH_FRAG4:
		fprintf(out, "ip frag-off & 0x%04" PRIx32 " %s%" PRIu32, match->mask,
			op_text(match->op, false), match->value);
		break;
	case RULESET_MATCH_FRAG6:
		fprintf(out, "%sexthdr frag %s", bridge ? behind_tag : "",
			match->op == RULESET_EQ ? "exists" : "missing");
		break;
	case RULESET_MATCH_FRAG6_OFFSET:
		fprintf(out, "%sfrag frag-off %s%" PRIu32, bridge ? behind_tag : "", op_text(match->op, true),
			match->value);
		break;
	default:
		break;
	}
}

static void print_match(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	switch (match->kind) {
	case RULESET_MATCH_TCP_FLAGS:
		print_tcp_flags(match, out);
		break;
	case RULESET_MATCH_SADDR:
		print_address_match(ruleset, match, "saddr", out);
		break;
	case RULESET_MATCH_DADDR:
		print_address_match(ruleset, match, "daddr", out);
		break;
	case RULESET_MATCH_SADDR_WITHIN:
	case RULESET_MATCH_DADDR_WITHIN:
		print_within(match, out);
		break;
	case RULESET_MATCH_CT_STATE:
		print_ct_state(match->value, out);
		break;
	case RULESET_MATCH_CT_REPLY:
		fprintf(out, "ct direction %s", match->op == RULESET_EQ ? "reply" : "original");
		break;
	case RULESET_MATCH_MARK:
		print_mark(match, out);
		break;
	case RULESET_MATCH_IIFNAME:
	case RULESET_MATCH_NFPROTO:
	case RULESET_MATCH_L4PROTO:
	case RULESET_MATCH_TCP_SPORT:
	case RULESET_MATCH_TCP_DPORT:
	case RULESET_MATCH_FRAG4:
	case RULESET_MATCH_FRAG6:
	case RULESET_MATCH_FRAG6_OFFSET:
		print_plain_match(ruleset->family, match, out);
		break;
	default:
		text_learned_match(ruleset, match, out);
		break;
	}
	fputc(' ', out);
}

static void print_queue(const struct ruleset_queue *queue, uint32_t family, FILE *out)
{
	struct addr all = addr_ip6(UINT64_MAX, UINT64_MAX);
	struct addr mask = addr_mask(&all, queue->ip6_len);
	char text[ADDR_TEXT_MAX];

	fprintf(out, "queue %sto ", queue->bypass ? "flags bypass " : "");
	if (family == ADDR_NONE) {
		fprintf(out, "%u", queue->first);
		return;
	}
	addr_format(&mask, text);
	if (family == ADDR_IP4)
		fputs("jhash ip saddr", out);
	else if (queue->ip6_len == 128)
		fputs("jhash ip6 saddr", out);
	else
		fprintf(out, "jhash ip6 saddr & %s", text);
	fprintf(out, " mod %u seed 0x%x offset %u", queue->count, RULESET_HASH_SEED, queue->first);
}

static void print_statement(const struct ruleset *ruleset, const struct ruleset_statement *statement,
			    FILE *out)
{
	switch (statement->kind) {
	case RULESET_DO_COUNT:
		fprintf(out, "counter name \"%s\"", ruleset->counters[statement->target].name);
		break;
	case RULESET_DO_SET_MARK:
		fprintf(out, "meta mark set 0x%08" PRIx32, statement->value);
		break;
	case RULESET_DO_LIMIT:
		fprintf(out, "limit rate %" PRIu32 "/second burst %" PRIu32 " packets", statement->value,
			statement->target);
		break;
	case RULESET_DO_LOG:
		fprintf(out, "log prefix \"%s\"", statement->text);
		break;
	case RULESET_DO_ACCEPT:
		fputs("accept", out);
		break;
	case RULESET_DO_JUMP:
		fprintf(out, "jump %s", ruleset->chains[statement->target].name);
		break;
	case RULESET_DO_GOTO:
		fprintf(out, "goto %s", ruleset->chains[statement->target].name);
		break;
	case RULESET_DO_RETURN:
		fputs("return", out);
		break;
	case RULESET_DO_QUEUE:
		print_queue(&ruleset->queue, statement->value, out);
		break;
	case RULESET_DO_REJECT_RESET:
		fputs("reject with tcp reset", out);
		break;
	case RULESET_DO_REJECT_ICMP:
		fputs("reject with icmpx admin-prohibited", out);
		break;
	default:
		text_learned_statement(ruleset, statement, out);
		break;
	}
}

static void print_rule(const struct ruleset *ruleset, const struct ruleset_rule *rule, FILE *out)
{
	fputs("\t\t", out);
	for (size_t i = 0; i < rule->match_count; i++)
		print_match(ruleset, &rule->matches[i], out);
	for (size_t i = 0; i < rule->statement_count; i++) {
		print_statement(ruleset, &rule->statements[i], out);
		if (i + 1U < rule->statement_count)
			fputc(' ', out);
	}
	if (rule->comment[0] != '\0')
		fprintf(out, " comment \"%s\"", rule->comment);
	fputc('\n', out);
}

static void print_lines(const char *lines, FILE *out)
{
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");

		fprintf(out, "\t# %.*s\n", (int)len, lines);
		lines += len + (lines[len] == '\n');
	}
}

static void print_hook(enum policy_family family, const struct ruleset_chain *chain, FILE *out)
{
	if (!chain->base)
		return;
	fprintf(out, "\t\ttype filter hook %s priority ", ruleset_hook_name(family, chain->early));
	/* The name `filter` stands for another number among the bridge's hooks. */
	if (family == POLICY_FAMILY_BRIDGE)
		fprintf(out, "%" PRId32, chain->priority);
	else if (chain->priority == 0)
		fputs("filter", out);
	else
		fprintf(out, "filter %c %" PRId32, chain->priority < 0 ? '-' : '+',
			chain->priority < 0 ? -chain->priority : chain->priority);
	fputs("; policy accept;\n", out);
}

static void print_chain(const struct ruleset *ruleset, const struct ruleset_chain *chain, FILE *out)
{
	fputc('\n', out);
	print_lines(chain->purpose, out);
	fprintf(out, "\tchain %s {\n", chain->name);
	print_hook(ruleset->family, chain, out);
	for (size_t i = 0; i < chain->rule_count; i++)
		print_rule(ruleset, &chain->rules[i], out);
	fputs("\t}\n", out);
}

/* A host, a prefix or a range; NUL-terminated. */
static void element_text(const struct addr *first, const struct addr *last, char out[2 * ADDR_TEXT_MAX + 8])
{
	int len = ruleset_prefix_length(first, last);
	struct prefix prefix = {.addr = *first, .len = (uint8_t)len};
	size_t used;

	if (len >= 0 && len < (int)addr_bits(first->family)) {
		prefix_format(&prefix, out);
		return;
	}
	used = addr_format(first, out);
	if (len >= 0)
		return;
	out[used++] = '-';
	addr_format(last, out + used);
}

static void print_elements(const struct ruleset_set *set, FILE *out)
{
	char text[2 * ADDR_TEXT_MAX + 8];

	for (size_t i = 0; i < set->count; i++) {
		struct addr first, last;

		ruleset_element_ends(set, i, &first, &last);
		element_text(&first, &last, text);
		fputs(i ? ",\n\t\t\t" : "\t\telements = {\n\t\t\t", out);
		fputs(text, out);
	}
	if (set->count > 0)
		fputs("\n\t\t}\n", out);
}

static void print_set(const struct ruleset_set *set, FILE *out)
{
	fprintf(out, "\n\t# %s\n\tset %s {\n\t\ttype %s\n\t\tflags interval\n\t\tauto-merge\n", set->comment,
		set->name, ruleset_set_type(set));
	print_elements(set, out);
	fputs("\t}\n", out);
}

/* Everything must exist before it can be emptied, and be emptied before it is filled: in the same transaction. */
static void print_clearing(const struct ruleset *ruleset, FILE *out)
{
	const char *family = policy_family_name(ruleset->family);

	if (ruleset->family == POLICY_FAMILY_BRIDGE)
		fputs("\n# Of the two families only the policy's keeps a table.\n"
		      "table inet " RULESET_TABLE "\ndelete table inet " RULESET_TABLE "\n",
		      out);
	fputs("\n# First everything is declared, so that it can be emptied, whatever was loaded before.\n",
	      out);
	fprintf(out, "table %s " RULESET_TABLE " {\n", family);
	for (size_t i = 0; i < ruleset->set_count; i++)
		fprintf(out, "\tset %s { type %s; flags interval; auto-merge; }\n", ruleset->sets[i].name,
			ruleset_set_type(&ruleset->sets[i]));
	if (ruleset->live_count > 0)
		fputs("\n\t# What follows is filled by op25bd and by rules, and is not emptied here.\n", out);
	for (size_t i = 0; i < ruleset->live_count; i++) {
		fputc('\t', out);
		text_live(&ruleset->live[i], out);
		fputc('\n', out);
	}
	fprintf(out, "}\nflush table %s " RULESET_TABLE "\n", family);
	for (size_t i = 0; i < ruleset->set_count; i++)
		fprintf(out, "flush set %s " RULESET_TABLE " %s\n", family, ruleset->sets[i].name);
}

int ruleset_print(const struct ruleset *ruleset, FILE *out)
{
	fputs(head, out);
	print_clearing(ruleset, out);
	fprintf(out, "\ntable %s " RULESET_TABLE " {", policy_family_name(ruleset->family));
	for (size_t i = 0; i < ruleset->counter_count; i++)
		fprintf(out, "\n\t# %s\n\tcounter %s {\n\t}\n", ruleset->counters[i].comment,
			ruleset->counters[i].name);
	for (size_t i = 0; i < ruleset->set_count; i++)
		print_set(&ruleset->sets[i], out);
	for (size_t i = 0; i < ruleset->chain_count; i++)
		print_chain(ruleset, &ruleset->chains[i], out);
	fputs("}\n", out);
	if (fflush(out) != 0)
		return errno ? -errno : -EIO;
	return ferror(out) ? -EIO : 0;
}
