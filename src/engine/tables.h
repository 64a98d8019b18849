/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to engine/: what build.c makes and decide.c reads. */
#ifndef OP25B_ENGINE_TABLES_H
#define OP25B_ENGINE_TABLES_H

#include "base/ifpattern.h"
#include "base/position.h"
#include "engine/engine.h"
#include "engine/override.h"
#include "lpm/lpm.h"

enum { ENGINE_PATTERNS_MAX = 64, RULE_NONE = -1 };

/* A policy rule as decide() needs it. */
struct rule_facts {
	const char *name; /* the policy's */
	enum policy_kind kind;
	uint8_t subscriber_len6;
	enum verdict action;
	bool enforced_ever;      /* pool: not monitor-only */
	uint64_t patterns;       /* interfaces it is bound to, as bits of engine_interface.patterns; 0: any */
	int64_t monitor_from_s;  /* pool */
	int64_t enforce_from_s;  /* pool; destination group; a relay's subscribers_until */
	int64_t from_s, until_s; /* exempt */
	bool to_any;             /* exempt */
	const uint16_t *to_groups; /* exempt: the policy's */
	size_t to_group_count;
};

/* Exemptions that cover a source, or groups and `to` prefixes that cover a target: a shared list, innermost first.
 * next 0 ends it; cell 0 is never used. */
struct chain_cell {
	uint16_t rule;
	uint32_t next;
};

/* Everything the policy says of a range of sources. */
struct source_class {
	int32_t relay;
	int32_t pool;
	uint32_t exempts; /* chain */
};

/* Everything the policy says of a range of destinations. */
struct target_class {
	int32_t relay;
	int32_t inside;
	int32_t group;    /* the innermost destination group */
	uint32_t members; /* chain: all groups, and exemptions whose `to` prefixes cover it */
};

/* By prefix_compare(), and which lengths occur, longest first. */
struct override_list {
	size_t length4_count, length6_count;
	uint8_t lengths4[33], lengths6[129];
	size_t count;
	struct engine_override items[];
};

struct engine {
	const struct policy *policy;
	struct lpm4 *source4, *target4;
	struct lpm6 *source6, *target6;
	struct source_class *sources;
	struct target_class *targets;
	size_t source_count, target_count;
	struct chain_cell *cells;
	size_t cell_count;
	/* Where in IPv6 a source class ends inside of one subscriber's prefix: the first address of the next class,
	 * ascending. Delegated prefixes seldom are divided, so these are few. */
	struct position *cuts;
	size_t cut_count;
	struct rule_facts *rules;
	char (*patterns)[IF_NAME_MAX];
	size_t pattern_count;
	uint64_t pool_patterns; /* interfaces that some pool is bound to: subscriber side */
	bool monitor;
	bool cut;
	bool conntrack;
	bool sides_listed; /* subscriber_interfaces is given */
	bool guard;
	enum policy_unlisted unlisted;
	struct override_list *overrides; /* NULL: none */
	bool shares;                     /* all but the overrides is another engine's */
};

/* The earlier of the two dates, if date_s lies behind now. */
static inline int64_t sooner_date(int64_t best_s, int64_t date_s, int64_t now_s)
{
	return date_s > now_s && date_s < best_s ? date_s : best_s;
}

/* override.c: the soonest of best_s and the dates behind now_s at which overrides of the address end. */
int64_t engine_override_date(const struct engine *engine, const struct addr *addr, int64_t best_s,
			     int64_t now_s);
/* override.c: no override is of a part of the subscriber's prefix only. */
bool engine_subscriber_is_one(const struct engine *engine, const struct addr *source, uint8_t len);

/* whole.c: all addresses of the subscriber's prefix of that length are of one source class. */
bool engine_subscriber_is_uncut(const struct engine *engine, const struct addr *source, uint8_t len);

#endif
