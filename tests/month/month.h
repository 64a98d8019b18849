/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Months of an ISP's block records whose truth is known: what reads records is compared with what was sent, never with what
 * it said the time before. The packets go through the collector that the daemon uses; the truth is counted from the
 * packets alone, before the collector gets them.
 *
 * Everything follows from the seed. No record spans two hours, because the last minutes of each are quiet: so the truth
 * by hour is also that of the records' own times.
 */
#ifndef OP25B_TESTS_MONTH_H
#define OP25B_TESTS_MONTH_H

#include "base/addr.h"
#include "engine/engine.h"
#include "event/event.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum {
	HOUR_S = 3600,
	DAY_HOURS = 24,
	DAYS_MAX = 62, /* one bit each */
	ROUTERS_MAX = 32,
	GAPS_MAX = 4096,
	POOLS = 3,
	RULES = POOLS + 1, /* and the destination group */
	DESTINATION_RULE = POOLS,
	UNKNOWN_PACKETS = 997, /* of each flood: faster than they could be told apart */
	EXEMPT_COUNT = 5,
};

struct options {
	const char *directory;
	uint64_t seed;
	int64_t start_s;
	uint32_t days, routers, bots, clients, servers, rare, floods, flood_sources;
	uint32_t offloaded, mixed,
		roaming; /* percent of the bots; of them; of all subscribers but forged ones */
	uint32_t restarts, notices, gaps, duplicates, rotations; /* of each router */
	uint32_t window_s, table;
	int32_t utc_offset_s;
};

/* What a subscriber is. */
enum behaviour { BOT, CLIENT, SERVER, RARE, FLOOD, BEHAVIOURS };

struct sums {
	uint64_t packets, blocked, offloaded, attempts;
	int64_t first_us, last_us; /* meaningless without packets */
};

struct subscriber {
	struct prefix who;
	enum behaviour behaviour;
	uint8_t pool;
	uint8_t router;      /* where his packets pass, or at first, when he roams */
	bool roams;          /* by turns through all routers */
	bool offloaded;      /* the kernel blocks a part by itself */
	bool mixed;          /* meets several rules and reasons */
	uint32_t rate;       /* attempts in an active hour, about */
	uint32_t hours_mask; /* a bot's local hours of activity */
	uint32_t from_hour, to_hour;
	uint32_t span; /* how many destinations he knows */
	uint64_t destination_base;
	/* The truth about him. */
	struct sums sums;
	uint64_t *reached; /* a bit a destination */
	uint32_t destinations;
	uint32_t hours_active;
	uint64_t days_active;                   /* bits */
	uint32_t clock_hours;                   /* bits: UTC hours of the day */
	uint32_t hosts, rules_met, reasons_met; /* bits */
	uint32_t marked_hour;                   /* the last one that was counted, and one more */
};

struct hour {
	struct sums sums;
	uint32_t subscribers;
};

/* One boot of one router, as its records show it. */
struct source {
	char host[32], boot_id[40];
	bool any; /* a record was written */
	uint64_t first_seq, last_seq;
	uint64_t records, notices, duplicates, missing;
};

struct gap {
	size_t source;
	uint64_t first, last;
};

struct told_notice {
	size_t source;
	int64_t first_us, last_us;
	uint64_t packets;
};

struct part_file {
	char name[96]; /* within the directory */
	uint64_t lines;
};

/* Everything that is made and known. */
struct month {
	struct options options;
	uint32_t hours;        /* in all */
	uint32_t enforce_hour; /* the pool that is phased in */
	uint32_t reload_hour;  /* from here on records bear another digest */
	struct subscriber *subscribers;
	size_t subscriber_count;
	struct hour *by_hour;
	struct sums total, overflow, by_pool[POOLS], by_rule[RULES], by_reason[REASONS], by_host[ROUTERS_MAX];
	struct source *sources;
	size_t source_count;
	struct gap gaps[GAPS_MAX];
	size_t gap_count;
	struct told_notice *notices;
	size_t notice_count;
	struct part_file *files;
	size_t file_count;
	uint64_t lines;
};

/* ---- chance: of the seed, and of what it is for ---- */

struct chance {
	uint64_t state;
};

struct chance chance_for(uint64_t seed, uint64_t a, uint64_t b);
uint64_t chance_next(struct chance *chance);
/* Below `below`; 0 for 0. */
uint32_t chance_below(struct chance *chance, uint32_t below);
bool chance_percent(struct chance *chance, uint32_t percent);

/* ---- world.c: who there is ---- */

extern const char *const behaviour_names[BEHAVIOURS];
extern const char *const pool_names[POOLS], *const rule_names[RULES];
/* False without memory. */
bool world_make(struct month *month);
void world_free(struct month *month);
struct addr world_destination(const struct subscriber *subscriber, uint32_t number);
void world_host(uint32_t router, char out[32]);
/* The policy of these months, for tools that want one. */
bool world_write_policy(const struct month *month);
struct addr world_exempt(uint32_t number);

/* ---- traffic.c: what they send in an hour through a router ---- */

enum shot_kind {
	SHOT_SYN,
	SHOT_FRAGMENT,
	SHOT_OFFLOADED,
	SHOT_UNKNOWN,
	SHOT_NOTICE,
	SHOT_GAP,
	SHOT_DUPLICATE
};

struct shot {
	int64_t us;
	uint32_t who; /* number of the subscriber */
	uint32_t
		destination; /* his number for it; of offloaded and unknown ones, how many; of a gap, how long */
	uint32_t sequence;
	uint16_t port;
	uint8_t kind;   /* enum shot_kind */
	uint8_t repeat; /* 0: the first SYN of an attempt */
};

struct shots {
	struct shot *all;
	size_t count, capacity;
	bool failed; /* no memory */
};

void traffic_of_hour(const struct month *month, uint32_t router, uint32_t hour, struct shots *out);

/* What is done to a shot. */
struct judged {
	enum reason reason;
	uint8_t verdict;
	bool monitored;
	uint8_t pool, rule;
};

struct judged traffic_judge(const struct month *month, const struct shot *shot, uint32_t hour);

/* ---- truth.c ---- */

void truth_count(struct month *month, uint32_t router, uint32_t hour, const struct shot *shot);
bool truth_write(const struct month *month);

/* ---- write.c: one router's records ---- */

/* 0, or -errno: what failed was said. */
int write_router(struct month *month, uint32_t router);

#endif
