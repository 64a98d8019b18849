/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is there, with which addresses, and the policy he meets. */
#include "month.h"

#include "base/moment.h"

#include <stdlib.h>
#include <string.h>

const char *const behaviour_names[BEHAVIOURS] = {"bot", "client", "server", "rare", "flood"};
const char *const pool_names[POOLS] = {"dynamic", "static", "homes6"};
const char *const rule_names[RULES] = {"dynamic", "static", "homes6", "bigmail"};

enum { BIT_WORD = 64, BOT_SPAN_LEAST = 150, BOT_SPAN_MORE = 3000, FIERCE_OF = 8, IP4_DESTINATIONS = 1 << 17 };

/* SplitMix64 (Steele, Lea, Flood 2014). */
uint64_t chance_next(struct chance *chance)
{
	uint64_t z = chance->state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

struct chance chance_for(uint64_t seed, uint64_t a, uint64_t b)
{
	struct chance chance = {seed ^ a * UINT64_C(0xd1342543de82ef95) ^ b * UINT64_C(0x2545f4914f6cdd1d)};

	chance.state = chance_next(&chance);
	return chance;
}

uint32_t chance_below(struct chance *chance, uint32_t below)
{
	return (uint32_t)((chance_next(chance) >> 32) * below >> 32);
}

bool chance_percent(struct chance *chance, uint32_t percent)
{
	return chance_below(chance, 100) < percent;
}

/* Odd strides visit every address of a pool once. */
static struct prefix address_of(uint8_t pool, bool forged, uint32_t number)
{
	/* Forged ones and exempt ones have quarters of their own. */
	uint32_t quarter = forged ? 0x200000 : 0, mask = forged ? 0xfffff : 0x1fffff;

	switch (pool) {
	case 0:
		return (struct prefix){addr_ip4(0x64400000U + quarter + (number * 1299709U & mask)), 32};
	case 1:
		return (struct prefix){addr_ip4(0xac100000U + (number * 104729U & 0xfffffU)), 32};
	default:
		return (struct prefix){
			addr_ip6(UINT64_C(0x20010db810000000) | (uint64_t)(number * 7919U & 0xfffffU) << 8,
				 0),
			56};
	}
}

struct addr world_exempt(uint32_t number)
{
	return addr_ip4(0x647ffff0U + number);
}

struct addr world_destination(const struct subscriber *subscriber, uint32_t number)
{
	uint64_t place = subscriber->destination_base + (uint64_t)number * 7919;

	if (subscriber->who.addr.family == ADDR_IP6)
		return addr_ip6(UINT64_C(0x20010db8ffff0000), (place & 0xffffff) << 8 | 0x25);
	if (subscriber->behaviour == BOT)
		return addr_ip4(0xc6120000U + (uint32_t)(place % IP4_DESTINATIONS));
	/* The mail servers that everybody knew; odd steps, so that a subscriber's are different ones. */
	return addr_ip4(0xcb007100U + (uint32_t)(place & 0xff));
}

static void make_behaviour(struct chance *chance, struct subscriber *s)
{
	switch (s->behaviour) {
	case BOT:
		s->rate = 20 + chance_below(chance, 120);
		if (chance_below(chance, FIERCE_OF) == 0)
			s->rate *= 10; /* more than 64 destinations in a window */
		s->span = BOT_SPAN_LEAST + chance_below(chance, BOT_SPAN_MORE);
		s->hours_mask = (uint32_t)chance_next(chance) | (uint32_t)chance_next(chance);
		break;
	case CLIENT:
		s->rate = 1 + chance_below(chance, 4);
		s->span = 1 + (uint32_t)chance_percent(chance, 25);
		break;
	case SERVER:
		s->rate = 20 + chance_below(chance, 40);
		s->span = 1 + chance_below(chance, 8);
		break;
	default:
		s->rate = 1;
		s->span = 1 + chance_below(chance, 4);
		break;
	}
}

/* Some were there from the beginning, some come later, and some of these stop. */
static void make_period(const struct month *month, struct chance *chance, struct subscriber *s)
{
	s->to_hour = month->hours;
	if (chance_percent(chance, 40))
		s->from_hour = chance_below(chance, month->hours);
	if (chance_percent(chance, 30))
		s->to_hour = s->from_hour + 1 + chance_below(chance, month->hours - s->from_hour);
}

static bool make_one(struct month *month, enum behaviour behaviour, uint32_t in_pool[POOLS])
{
	const struct options *options = &month->options;
	struct subscriber *s = &month->subscribers[month->subscriber_count];
	struct chance chance = chance_for(options->seed, 1, month->subscriber_count);
	static const uint8_t pools[] = {0, 0, 0, 0, 1, 1, 2, 2, 2, 0};

	*s = (struct subscriber){.behaviour = behaviour};
	s->pool = behaviour == FLOOD ? 0 : pools[chance_below(&chance, sizeof(pools))];
	s->who = address_of(s->pool, behaviour == FLOOD,
			    behaviour == FLOOD ? (uint32_t)month->subscriber_count : in_pool[s->pool]++);
	s->router = (uint8_t)chance_below(&chance, options->routers);
	s->roams = behaviour != FLOOD && chance_percent(&chance, options->roaming);
	s->destination_base = chance_next(&chance) % IP4_DESTINATIONS;
	make_behaviour(&chance, s);
	make_period(month, &chance, s);
	if (behaviour == BOT) {
		s->offloaded = chance_percent(&chance, options->offloaded);
		s->mixed = chance_percent(&chance, options->mixed);
	}
	s->reached = calloc((s->span + BIT_WORD - 1) / BIT_WORD, sizeof(*s->reached));
	month->subscriber_count++;
	return s->reached;
}

static bool make_floods(struct month *month, uint32_t in_pool[POOLS])
{
	const struct options *options = &month->options;

	for (uint32_t flood = 0; flood < options->floods; flood++) {
		struct chance chance = chance_for(options->seed, 2, flood);
		uint32_t hour = chance_below(&chance, month->hours);

		for (uint32_t i = 0; i < options->flood_sources; i++) {
			struct subscriber *s = &month->subscribers[month->subscriber_count];

			if (!make_one(month, FLOOD, in_pool))
				return false;
			s->router = (uint8_t)(flood % options->routers);
			s->from_hour = hour;
			s->to_hour = hour + 1;
		}
	}
	return true;
}

bool world_make(struct month *month)
{
	const struct options *o = &month->options;
	const uint32_t counts[] = {
		[BOT] = o->bots, [CLIENT] = o->clients, [SERVER] = o->servers, [RARE] = o->rare};
	uint32_t in_pool[POOLS] = {0};
	size_t most =
		(size_t)o->bots + o->clients + o->servers + o->rare + (size_t)o->floods * o->flood_sources;

	month->hours = o->days * DAY_HOURS;
	month->enforce_hour = month->hours / 2;
	month->reload_hour = month->hours / 3;
	month->subscribers = calloc(most + 1, sizeof(*month->subscribers));
	month->by_hour = calloc(month->hours, sizeof(*month->by_hour));
	month->sources = calloc((size_t)o->routers * (o->restarts + 1), sizeof(*month->sources));
	month->notices = calloc((size_t)o->routers * o->notices + 1, sizeof(*month->notices));
	month->files = calloc((size_t)o->routers * (o->rotations + 1), sizeof(*month->files));
	if (!month->subscribers || !month->by_hour || !month->sources || !month->notices || !month->files)
		return false;
	for (unsigned behaviour = BOT; behaviour <= RARE; behaviour++)
		for (uint32_t i = 0; i < counts[behaviour]; i++)
			if (!make_one(month, (enum behaviour)behaviour, in_pool))
				return false;
	return make_floods(month, in_pool);
}

void world_free(struct month *month)
{
	for (size_t i = 0; i < month->subscriber_count; i++)
		free(month->subscribers[i].reached);
	free(month->subscribers);
	free(month->by_hour);
	free(month->sources);
	free(month->notices);
	free(month->files);
}

void world_host(uint32_t router, char out[32])
{
	snprintf(out, 32, "gw%u.isp.example", router + 1);
}

static void date(const struct month *month, uint32_t hour, char out[MOMENT_TEXT_MAX])
{
	moment_format(month->options.start_s + (int64_t)hour * HOUR_S, month->options.utc_offset_s, out);
}

static void put_pools(FILE *out, const struct month *month)
{
	char begin[MOMENT_TEXT_MAX], enforce[MOMENT_TEXT_MAX];

	date(month, 0, begin);
	date(month, month->enforce_hour, enforce);
	fprintf(out, "[pool dynamic]\nprefix = 100.64.0.0/10\nenforce_from = %s\n\n", begin);
	fprintf(out, "[pool static]\nprefix = 172.16.0.0/12\nmonitor_from = %s\nenforce_from = %s\n\n", begin,
		enforce);
	fprintf(out,
		"[pool homes6]\nprefix = 2001:db8:1000::/36\ndelegated_prefix_length = 56\nenforce_from = %s\n\n",
		begin);
	fprintf(out, "[destination bigmail]\nprefix = 198.51.100.0/24\nenforce_from = %s\n\n", begin);
}

bool world_write_policy(const struct month *month)
{
	char path[4096], text[ADDR_TEXT_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/op25b.ini", month->options.directory);
	out = fopen(path, "w");
	if (!out)
		return false;
	fprintf(out,
		"# The policy of these months. The exempt ones send much, and no record tells of them.\n"
		"[gateway]\nmode = enforce\nfail = open\nunlisted = accept\n\n[log]\nwindow = %u\n\n",
		month->options.window_s);
	put_pools(out, month);
	for (uint32_t i = 0; i < EXEMPT_COUNT; i++) {
		struct addr addr = world_exempt(i);

		addr_format(&addr, text);
		fprintf(out, "[exempt customer%u]\nprefix = %s\nticket = NOC-%u\nowner = desk%u\n\n", i + 1,
			text, 1000 + i, i % 2 + 1);
	}
	return fclose(out) == 0;
}
