/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The overrides that operators have asked for: who, why, until when. The list itself, without clock and files; what the
 * engine needs of it stands in engine/override.h, its file in daemon/override_state.h.
 */
#ifndef OP25B_DAEMON_OVERRIDES_H
#define OP25B_DAEMON_OVERRIDES_H

#include "engine/override.h"

#include <jansson.h>
#include <sys/types.h>

enum {
	OVERRIDE_REASON_MAX = 100,         /* bytes: a full list fits into one reply (CONTROL_REPLY_MAX) */
	OVERRIDE_SECONDS_MAX = 30 * 86400, /* what is for longer belongs into the policy */
};

struct override {
	struct engine_override rule;
	int64_t made_s;
	uid_t uid; /* who asked */
	char reason[OVERRIDE_REASON_MAX + 1];
};

/* Zeroed: none. */
struct overrides {
	struct override *items;
	size_t count, capacity;
};

void overrides_clear(struct overrides *overrides);
/* In place of one of the same prefix. 0, -ENOSPC when there are ENGINE_OVERRIDES_MAX, -ENOMEM; then nothing is changed. */
int overrides_set(struct overrides *overrides, const struct override *override);
/* NULL if there is none. */
const struct override *overrides_find(const struct overrides *overrides, const struct prefix *prefix);
/* False if there is none. */
bool overrides_remove(struct overrides *overrides, const struct prefix *prefix);
/* Takes one that has ended by now_s out; false if there is none. */
bool overrides_take_ended(struct overrides *overrides, int64_t now_s, struct override *ret);
/* An array for engine_with_overrides(); the caller's, of overrides->count. NULL without memory, or for none. */
struct engine_override *overrides_rules(const struct overrides *overrides);

const char *override_action(const struct override *override); /* "allow" or "block" */
/* Valid UTF-8 of at most OVERRIDE_REASON_MAX bytes, not empty, without control characters: it goes into logs and terminals. */
bool override_reason_is_good(const char *reason);

/* As it stands in replies and in the state file; NULL without memory. offset_s: the clock that dates are written in. */
json_t *override_json(const struct override *override, int32_t offset_s);
/* The reverse. False when it is none. */
bool override_from_json(const json_t *json, struct override *ret);

#endif
