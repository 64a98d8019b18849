/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/text_learned.h"

#include <inttypes.h>

/* "ip saddr", or as much of an IPv6 source as counts. */
static void print_source(uint8_t family, uint32_t len, FILE *out)
{
	struct addr all = addr_ip6(UINT64_MAX, UINT64_MAX);
	struct addr mask = addr_mask(&all, len);
	char text[ADDR_TEXT_MAX];

	addr_format(&mask, text);
	if (family == ADDR_IP4)
		fputs("ip saddr", out);
	else if (len == 128)
		fputs("ip6 saddr", out);
	else
		fprintf(out, "ip6 saddr & %s", text);
}

static void print_shard(uint8_t family, uint32_t len, FILE *out)
{
	fputs("jhash ", out);
	print_source(family, len, out);
	fprintf(out, " mod %d seed 0x%x", RULESET_SHARDS, RULESET_HASH_SEED);
}

static const char *op_text(enum ruleset_op op)
{
	static const char *const texts[] = {
		[RULESET_EQ] = "", [RULESET_NE] = "!= ", [RULESET_LT] = "< ", [RULESET_GT] = "> "};

	return texts[op];
}

void text_learned_match(const struct ruleset *ruleset, const struct ruleset_match *match, FILE *out)
{
	switch (match->kind) {
	case RULESET_MATCH_TCP_DOFF:
		fprintf(out, "tcp doff %s%" PRIu32, op_text(match->op), match->value);
		break;
	case RULESET_MATCH_TCP_URGENT:
		fprintf(out, "tcp urgptr %s%" PRIu32, op_text(match->op), match->value);
		break;
	case RULESET_MATCH_LEARNED:
		print_source(ruleset->live[match->set].family, match->value, out);
		fprintf(out, " @%s", ruleset->live[match->set].name);
		break;
	case RULESET_MATCH_SHARD:
		print_shard(match->family, match->mask, out);
		fprintf(out, " %s%" PRIu32, op_text(match->op), match->value);
		break;
	default:
		break;
	}
}

void text_learned_statement(const struct ruleset *ruleset, const struct ruleset_statement *statement,
			    FILE *out)
{
	const struct ruleset_live *live = &ruleset->live[statement->target];

	switch (statement->kind) {
	case RULESET_DO_DROP:
		fputs("drop", out);
		break;
	case RULESET_DO_TURN_SHARD:
		print_shard(statement->family, statement->value, out);
		fprintf(out, " vmap @%s", live->name);
		break;
	case RULESET_DO_TURN_MARK:
		fprintf(out, "meta mark vmap @%s", live->name);
		break;
	case RULESET_DO_LEARN:
		fprintf(out, "add @%s { ", live->name);
		print_source(live->family, statement->value, out);
		fputs(" }", out);
		break;
	default:
		break;
	}
}

/* nft knows the type "32-bit number" by what yields one only, and 1.0.6 cannot list a map again that is `typeof jhash`. */
void text_live(const struct ruleset_live *live, FILE *out)
{
	switch (live->kind) {
	case RULESET_LIVE_LEARNED:
		fprintf(out, "set %s { type %s; ", live->name,
			live->family == ADDR_IP4 ? "ipv4_addr" : "ipv6_addr");
		if (live->size != RULESET_ROOM_UNSAID)
			fprintf(out, "size %" PRIu32 "; ", live->size);
		fprintf(out, "flags dynamic,timeout; timeout %" PRIu32 "s; counter; }", live->timeout_s);
		break;
	case RULESET_LIVE_SHARDS:
		fprintf(out, "map %s { typeof numgen inc mod %d : verdict; size %" PRIu32 "; }", live->name,
			RULESET_SHARDS, live->size);
		break;
	case RULESET_LIVE_MARKS:
		fprintf(out, "map %s { type mark : verdict; size %" PRIu32 "; }", live->name, live->size);
		break;
	case RULESET_LIVE_KINDS:
		break;
	}
}
