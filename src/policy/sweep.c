/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prefixes against each other, in one pass over each sorted family: equal prefixes stand together, and a stack holds
 * those that contain the one in hand, so that every question ("does a pool contain it?") is one look at the top.
 * Work and memory are linear in the number of prefixes, whatever they are.
 */
#include "policy/reading.h"

#include <string.h>

enum {
	HINT_MAX = 240,
	DEPTH_MAX = 130,
	NOBODY = -1,
	PROVIDER_LENGTH_MIN = 12, /* of any family: shorter prefixes may be too large for one provider */
};

/* What an entry is to the others. */
enum role_class {
	CLASS_POOL,
	CLASS_RELAY,
	CLASS_EXEMPT,
	CLASS_INSIDE,
	CLASS_DESTINATION,
	CLASS_TO,
	CLASSES,
};

/* One prefix that contains the one in hand, with all entries that have it. */
struct frame {
	struct prefix prefix;
	int64_t nearest
		[CLASSES]; /* the entry of that class here, or else in the frames below; NOBODY: none */
	int64_t exempt, exempt_end; /* entries here that are exemptions no pool contains; equal: none */
	struct addr covered_to;     /* pools inside hold everything before this address */
	bool covered_all, any_pool, gap;
};

struct sweep {
	struct reading *reading;
	uint8_t family;
	int64_t count;
	struct frame stack[DEPTH_MAX];
	size_t depth;
};

struct entry {
	struct prefix prefix;
	uint16_t rule, source;
	uint32_t line;
	uint8_t role;
};

static struct entry entry_at(const struct sweep *sweep, int64_t i)
{
	const struct policy *policy = sweep->reading->policy;

	if (sweep->family == ADDR_IP4) {
		const struct policy_prefix4 *e = &policy->ip4[i];

		return (struct entry){{addr_ip4(e->addr), e->len}, e->rule, e->source, e->line, e->role};
	}
	const struct policy_prefix6 *e = &policy->ip6[i];

	return (struct entry){{addr_ip6(e->hi, e->lo), e->len}, e->rule, e->source, e->line, e->role};
}

static enum role_class class_by(const struct policy *policy, uint16_t rule, uint8_t role)
{
	static const enum role_class classes[] = {
		[POLICY_POOL] = CLASS_POOL,
		[POLICY_RELAY] = CLASS_RELAY,
		[POLICY_EXEMPT] = CLASS_EXEMPT,
		[POLICY_INSIDE] = CLASS_INSIDE,
		[POLICY_DESTINATION] = CLASS_DESTINATION,
	};

	return role == POLICY_ROLE_TO ? CLASS_TO : classes[policy->rules[rule].kind];
}

static enum role_class class_of(const struct sweep *sweep, const struct entry *entry)
{
	return class_by(sweep->reading->policy, entry->rule, entry->role);
}

/* Asked of every prefix of a long list, so without making entries of them. */
static enum role_class class_at(const struct sweep *sweep, int64_t i)
{
	const struct policy *policy = sweep->reading->policy;

	if (sweep->family == ADDR_IP4)
		return class_by(policy, policy->ip4[i].rule, policy->ip4[i].role);
	return class_by(policy, policy->ip6[i].rule, policy->ip6[i].role);
}

static const char *kind_of(const struct sweep *sweep, const struct entry *entry)
{
	return policy_kind_name(sweep->reading->policy->rules[entry->rule].kind);
}

static const char *name_of(const struct sweep *sweep, const struct entry *entry)
{
	return sweep->reading->policy->rules[entry->rule].name;
}

/* Where the other one of two entries stands: "line 7", or "lists/b.txt line 7". */
static const char *place_of(const struct sweep *sweep, const struct entry *entry, char out[160])
{
	if (entry->source == 0)
		snprintf(out, 160, "line %u", entry->line);
	else
		snprintf(out, 160, "%.120s line %u", sweep->reading->policy->sources[entry->source],
			 entry->line);
	return out;
}

struct words {
	char prefix[PREFIX_TEXT_MAX], other[PREFIX_TEXT_MAX], place[160];
	struct spot spot;
};

static bool wanted(struct sweep *sweep, const struct entry *entry, const struct entry *other,
		   enum tally tally, struct words *words)
{
	if (!reading_tally(sweep->reading, entry->rule, tally))
		return false;
	prefix_format(&entry->prefix, words->prefix);
	if (other) {
		prefix_format(&other->prefix, words->other);
		place_of(sweep, other, words->place);
	}
	words->spot = spot_of_prefix(sweep->reading, entry->source, entry->line, &entry->prefix);
	return true;
}

static void tell_duplicate(struct sweep *sweep, const struct entry *entry, const struct entry *first)
{
	struct words w;

	if (wanted(sweep, entry, first, TALLY_DUPLICATE, &w))
		reading_warning(sweep->reading, w.spot, "remove one of them",
				"%s is listed twice in [%s %s], first in %s", w.prefix, kind_of(sweep, entry),
				name_of(sweep, entry), w.place);
}

/* Two sections of one kind with the same prefix: which of them would decide? */
static void tell_same(struct sweep *sweep, const struct entry *entry, const struct entry *first,
		      enum role_class class)
{
	struct words w;
	bool harmless = class == CLASS_EXEMPT || class == CLASS_INSIDE;

	if (class == CLASS_TO ||
	    !wanted(sweep, entry, first, harmless ? TALLY_SAME_HARMLESS : TALLY_SAME, &w))
		return;
	if (harmless)
		reading_warning(sweep->reading, w.spot, "remove one of them, unless both are meant",
				"%s is in [%s %s] too, %s", w.prefix, kind_of(sweep, first),
				name_of(sweep, first), w.place);
	else
		reading_error(sweep->reading, w.spot,
			      "remove it from one of the two: they could say different things",
			      "%s is in [%s %s] too, %s", w.prefix, kind_of(sweep, first),
			      name_of(sweep, first), w.place);
}

static void tell_nested(struct sweep *sweep, const struct entry *entry, const struct entry *outer)
{
	struct words w;

	if (wanted(sweep, entry, outer, TALLY_NESTED, &w))
		reading_warning(sweep->reading, w.spot, "if that is meant, nothing needs to be done",
				"%s lies in %s of [%s %s], %s; for it, [%s %s] decides, being more specific",
				w.prefix, w.other, kind_of(sweep, outer), name_of(sweep, outer), w.place,
				kind_of(sweep, entry), name_of(sweep, entry));
}

static void tell_relay_in_pool(struct sweep *sweep, const struct entry *entry, const struct entry *pool)
{
	struct words w;
	bool has_interface = sweep->reading->policy->rules[entry->rule].interfaces.count > 0;

	if (wanted(sweep, entry, pool, TALLY_RELAY_IN_POOL, &w))
		reading_warning(
			sweep->reading, w.spot,
			has_interface
				? "if that is meant, nothing needs to be done"
				: "give the relay an `interface`, so that no subscriber can use its address",
			"the relay lies in %s of [pool %s], %s; it may send all the same", w.other,
			name_of(sweep, pool), w.place);
}

static void tell_inside_in_pool(struct sweep *sweep, const struct entry *entry, const struct entry *pool)
{
	struct words w;

	if (wanted(sweep, entry, pool, TALLY_INSIDE_IN_POOL, &w))
		reading_warning(
			sweep->reading, w.spot, "a server that sends mail needs a [relay NAME] section",
			"%s lies in %s of [pool %s], %s: mail to it passes, but what it sends is the pool's",
			w.prefix, w.other, name_of(sweep, pool), w.place);
}

static void tell_target_inside(struct sweep *sweep, const struct entry *entry, const struct entry *other)
{
	struct words w;

	if (!wanted(sweep, entry, other, TALLY_TARGET_INSIDE, &w))
		return;
	reading_warning(sweep->reading, w.spot, "remove it, or make the other section smaller",
			"%s lies in %s of [%s %s], %s, where mail always may go: this never decides",
			w.prefix, w.other, kind_of(sweep, other), name_of(sweep, other), w.place);
}

static void tell_exempt(struct sweep *sweep, const struct entry *entry, bool part)
{
	struct words w;

	if (!wanted(sweep, entry, NULL, part ? TALLY_PART_OF_POOL : TALLY_NO_POOL, &w))
		return;
	if (part)
		reading_warning(sweep->reading, w.spot, "name only addresses that pools contain",
				"pools contain only a part of %s", w.prefix);
	else
		reading_warning(sweep->reading, w.spot,
				"a mistyped address? An exemption only matters where mail is blocked",
				"no pool contains %s", w.prefix);
}

/* The address behind the prefix; false when there is none. */
static bool address_behind(const struct prefix *prefix, struct addr *ret)
{
	struct addr next = prefix_last(prefix);

	if (prefix->addr.family == ADDR_IP4 && next.lo == UINT32_MAX)
		return false;
	next.lo++;
	if (next.lo == 0)
		next.hi++;
	*ret = next;
	return next.hi != 0 || next.lo != 0;
}

/* An outermost pool prefix inside the frame's: they come in order, so holes show as they come. */
static void cover_part(struct frame *frame, const struct prefix *pool)
{
	frame->any_pool = true;
	if (frame->covered_all || !addr_equal(&frame->covered_to, &pool->addr))
		frame->gap = true;
	if (!address_behind(pool, &frame->covered_to))
		frame->covered_all = true;
}

static void close_frame(struct sweep *sweep)
{
	const struct frame *frame = &sweep->stack[--sweep->depth];
	struct addr behind;
	bool whole = !frame->gap && frame->any_pool &&
		     (address_behind(&frame->prefix, &behind) ? addr_equal(&behind, &frame->covered_to)
							      : frame->covered_all);

	for (int64_t i = frame->exempt; i < frame->exempt_end && !whole; i++) {
		struct entry entry = entry_at(sweep, i);

		if (class_of(sweep, &entry) == CLASS_EXEMPT)
			tell_exempt(sweep, &entry, frame->any_pool);
	}
}

/* The frame for an entry's prefix, on top of those that contain it. */
static struct frame *open_frame(struct sweep *sweep, const struct prefix *prefix)
{
	struct frame *frame;

	while (sweep->depth > 0 && !prefix_covers(&sweep->stack[sweep->depth - 1].prefix, prefix))
		close_frame(sweep);
	frame = &sweep->stack[sweep->depth++];
	*frame = (struct frame){.prefix = *prefix, .covered_to = prefix->addr};
	for (unsigned class = 0; class < CLASSES; class ++)
		frame->nearest[class] = sweep->depth > 1 ? frame[-1].nearest[class] : NOBODY;
	return frame;
}

/* A pool prefix that no other pool prefix contains fills a part of every exemption below it. */
static void cover_below(struct sweep *sweep, const struct prefix *pool)
{
	for (size_t i = 0; i + 1 < sweep->depth; i++) {
		if (sweep->stack[i].exempt < sweep->stack[i].exempt_end)
			cover_part(&sweep->stack[i], pool);
	}
}

/* Against the first of its class that has the same prefix, or else against the nearest around it. */
static void judge_kin(struct sweep *sweep, const struct entry *entry, enum role_class class, int64_t here,
		      int64_t around)
{
	struct entry other;

	if (here != NOBODY) {
		other = entry_at(sweep, here);
		tell_same(sweep, entry, &other, class);
		return;
	}
	if (around == NOBODY || (class != CLASS_POOL && class != CLASS_DESTINATION))
		return;
	other = entry_at(sweep, around);
	if (other.rule != entry->rule)
		tell_nested(sweep, entry, &other);
}

/* Against what contains it of other classes, its own prefix included. */
static void judge_strangers(struct sweep *sweep, const struct entry *entry, enum role_class class,
			    const struct frame *frame)
{
	int64_t pool = frame->nearest[CLASS_POOL], inside = frame->nearest[CLASS_INSIDE],
		relay = frame->nearest[CLASS_RELAY];
	struct entry other;

	if (class == CLASS_RELAY && pool != NOBODY) {
		other = entry_at(sweep, pool);
		tell_relay_in_pool(sweep, entry, &other);
	} else if (class == CLASS_INSIDE && pool != NOBODY && relay == NOBODY) {
		other = entry_at(sweep, pool);
		if (prefix_compare(&other.prefix, &entry->prefix) != 0)
			tell_inside_in_pool(sweep, entry, &other);
	} else if ((class == CLASS_DESTINATION || class == CLASS_TO) &&
		   (inside != NOBODY || relay != NOBODY)) {
		other = entry_at(sweep, inside != NOBODY ? inside : relay);
		tell_target_inside(sweep, entry, &other);
	}
}

/* All entries with one prefix: first .. end - 1. */
static void judge_group(struct sweep *sweep, int64_t first, int64_t end)
{
	struct entry entry = entry_at(sweep, first);
	struct frame *frame = open_frame(sweep, &entry.prefix);
	int64_t around[CLASSES], here[CLASSES];

	for (unsigned class = 0; class < CLASSES; class ++) {
		around[class] = frame->nearest[class];
		here[class] = NOBODY;
	}
	for (int64_t i = first; i < end; i++) {
		entry = entry_at(sweep, i);
		enum role_class class = class_of(sweep, &entry);

		judge_kin(sweep, &entry, class, here[class], around[class]);
		if (here[class] == NOBODY)
			frame->nearest[class] = here[class] = i;
	}
	for (int64_t i = first; i < end; i++) {
		entry = entry_at(sweep, i);
		judge_strangers(sweep, &entry, class_of(sweep, &entry), frame);
	}
	if (here[CLASS_POOL] != NOBODY && around[CLASS_POOL] == NOBODY)
		cover_below(sweep, &frame->prefix);
	if (here[CLASS_EXEMPT] != NOBODY && frame->nearest[CLASS_POOL] == NOBODY) {
		frame->exempt = first;
		frame->exempt_end = end;
	}
}

/* Likewise. */
static bool same_prefix(const struct sweep *sweep, int64_t a, int64_t b)
{
	const struct policy *policy = sweep->reading->policy;

	if (sweep->family == ADDR_IP4)
		return policy->ip4[a].addr == policy->ip4[b].addr && policy->ip4[a].len == policy->ip4[b].len;
	return policy->ip6[a].hi == policy->ip6[b].hi && policy->ip6[a].lo == policy->ip6[b].lo &&
	       policy->ip6[a].len == policy->ip6[b].len;
}

static uint8_t length_at(const struct sweep *sweep, int64_t i)
{
	const struct policy *policy = sweep->reading->policy;

	return sweep->family == ADDR_IP4 ? policy->ip4[i].len : policy->ip6[i].len;
}

static void move_entry(struct sweep *sweep, int64_t to, int64_t from)
{
	struct policy *policy = sweep->reading->policy;

	if (sweep->family == ADDR_IP4)
		policy->ip4[to] = policy->ip4[from];
	else
		policy->ip6[to] = policy->ip6[from];
}

/* Drops what a section lists twice. */
static void drop_duplicates(struct sweep *sweep)
{
	int64_t kept = 0;

	for (int64_t i = 0; i < sweep->count; i++) {
		if (kept > 0 && same_prefix(sweep, kept - 1, i)) {
			struct entry first = entry_at(sweep, kept - 1), entry = entry_at(sweep, i);

			if (first.rule == entry.rule && first.role == entry.role) {
				tell_duplicate(sweep, &entry, &first);
				continue;
			}
		}
		if (kept < i)
			move_entry(sweep, kept, i);
		kept++;
	}
	sweep->count = kept;
}

/* Larger than any provider's own: without interfaces, mail from the Internet would be taken for a subscriber's. */
static void judge_size(struct sweep *sweep, int64_t i)
{
	struct entry entry = entry_at(sweep, i);
	bool local =
		sweep->family == ADDR_IP6 && entry.prefix.addr.hi >> 57 == 0xfc >> 1 && entry.prefix.len >= 7;
	struct words w;

	if (entry.prefix.len >= (sweep->family == ADDR_IP4 ? 8 : 12) || local ||
	    class_of(sweep, &entry) != CLASS_POOL || policy_has_direction(sweep->reading->policy))
		return;
	if (wanted(sweep, &entry, NULL, TALLY_TOO_LARGE, &w))
		reading_error(
			sweep->reading, w.spot,
			"name upstream_interfaces (or subscriber_interfaces), or only the provider's own prefixes",
			"this policy would block inbound mail: %s is more than one provider's, and no interfaces say which side mail comes from",
			w.prefix);
}

static bool covers_next(const struct sweep *sweep, int64_t i)
{
	struct entry entry, next;

	if (i + 1 == sweep->count)
		return false;
	if (sweep->family == ADDR_IP4) {
		const struct policy_prefix4 *e = &sweep->reading->policy->ip4[i];

		return e->len == 0 || (e[0].addr ^ e[1].addr) >> (32 - e->len) == 0;
	}
	entry = entry_at(sweep, i);
	next = entry_at(sweep, i + 1);
	return prefix_covers(&entry.prefix, &next.prefix);
}

/* A prefix with nothing around it and nothing in it says nothing of any other: most of a long list are such. */
static bool stands_alone(struct sweep *sweep, int64_t i)
{
	if (covers_next(sweep, i))
		return false;
	if (sweep->depth > 0) {
		struct entry entry = entry_at(sweep, i);

		while (sweep->depth > 0 &&
		       !prefix_covers(&sweep->stack[sweep->depth - 1].prefix, &entry.prefix))
			close_frame(sweep);
	}
	return sweep->depth == 0 && class_at(sweep, i) != CLASS_EXEMPT;
}

static size_t sweep_family(struct reading *reading, uint8_t family, size_t count)
{
	struct sweep sweep = {.reading = reading, .family = family, .count = (int64_t)count};

	drop_duplicates(&sweep);
	for (int64_t i = 0, end; i < sweep.count; i = end) {
		end = i + 1;
		if (stands_alone(&sweep, i))
			continue;
		for (; end < sweep.count && same_prefix(&sweep, i, end);)
			end++;
		judge_group(&sweep, i, end);
	}
	while (sweep.depth > 0)
		close_frame(&sweep);
	for (int64_t i = 0; i < sweep.count; i++) {
		if (length_at(&sweep, i) < PROVIDER_LENGTH_MIN)
			judge_size(&sweep, i);
	}
	return (size_t)sweep.count;
}

void policy_sweep(struct reading *reading)
{
	struct policy *policy = reading->policy;

	policy->ip4_count = sweep_family(reading, ADDR_IP4, policy->ip4_count);
	policy->ip6_count = sweep_family(reading, ADDR_IP6, policy->ip6_count);
}
