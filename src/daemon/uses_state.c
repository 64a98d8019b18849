/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/uses_state.h"

#include "base/cleanup.h"
#include "base/moment.h"
#include "base/vec.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/say.h"
#include "daemon/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATE_VERSION = 1, SAVE_S = 300 };

/* ---- writing ---- */

static json_t *moment_json(int64_t s)
{
	char text[MOMENT_TEXT_MAX];

	moment_format(s, 0, text);
	return json_string(text);
}

static json_t *use_json(const struct use *use)
{
	return json_pack("{s:s, s:I, s:I, s:o, s:o}", "name", use->name, "packets",
			 (json_int_t)atomic_load(&use->packets), "attempts",
			 (json_int_t)atomic_load(&use->attempts), "first",
			 moment_json(atomic_load(&use->first_ns) / NSEC_PER_SEC), "last",
			 moment_json(atomic_load(&use->last_ns) / NSEC_PER_SEC));
}

int uses_state_save(const struct uses *uses, const char *path)
{
	json_t *rows = json_array(), *json;
	char *text;
	int r = rows ? 0 : -ENOMEM;

	for (size_t i = 0; r == 0 && i < uses->count; i++)
		if (uses->items[i]->holders > 0 && atomic_load(&uses->items[i]->packets) > 0 &&
		    json_array_append_new(rows, use_json(uses->items[i])) < 0)
			r = -ENOMEM;
	json = json_pack("{s:i, s:o, s:o}", "op25b", (int)STATE_VERSION, "since", moment_json(uses->since_s),
			 "uses", rows);
	text = json && r == 0 ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	r = text ? state_file_save(path, USES_STATE_FILE, text) : -ENOMEM;
	free(text);
	return r;
}

/* ---- reading ---- */

static bool read_moment(const json_t *json, const char *key, int64_t *ret_s)
{
	const char *text = json_string_value(json_object_get(json, key));
	struct moment moment;

	if (!text || moment_parse(text, strlen(text), &moment, NULL) != MOMENT_OK)
		return false;
	*ret_s = moment.s;
	return true;
}

static bool read_use(const json_t *row, struct use *use)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	json_int_t packets = json_integer_value(json_object_get(row, "packets"));
	json_int_t attempts = json_integer_value(json_object_get(row, "attempts"));
	int64_t first_s, last_s;

	if (!name || !name[0] || strlen(name) > POLICY_NAME_MAX || packets <= 0 || attempts < 0 ||
	    attempts > packets || !read_moment(row, "first", &first_s) ||
	    !read_moment(row, "last", &last_s) || first_s >= INT64_MAX / NSEC_PER_SEC ||
	    last_s >= INT64_MAX / NSEC_PER_SEC)
		return false;
	memcpy(use->name, name, strlen(name) + 1);
	atomic_store(&use->packets, (uint64_t)packets);
	atomic_store(&use->attempts, (uint64_t)attempts);
	atomic_store(&use->first_ns, first_s * NSEC_PER_SEC);
	atomic_store(&use->last_ns, last_s * NSEC_PER_SEC);
	return true;
}

/* 0, -EBADMSG or -ENOMEM. Names stand in order, so that each is found, and none twice. */
static int take_use(struct uses *uses, const json_t *row)
{
	struct use *use = calloc(1, sizeof(*use));
	void *items = uses->items;

	if (!use || !vec_reserve(&items, &uses->capacity, uses->count + 1, sizeof(struct use *))) {
		free(use);
		return -ENOMEM;
	}
	uses->items = items;
	if (!read_use(row, use) ||
	    (uses->count > 0 && strcmp(uses->items[uses->count - 1]->name, use->name) >= 0)) {
		free(use);
		return -EBADMSG;
	}
	uses->items[uses->count++] = use;
	return 0;
}

static int take_list(struct uses *uses, const json_t *list, char text[USES_STATE_TEXT_MAX])
{
	size_t bad = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		int r = take_use(uses, json_array_get(list, i));

		if (r == -ENOMEM)
			return r;
		if (r < 0 && bad++ == 0)
			snprintf(text, USES_STATE_TEXT_MAX, "number %zu of its uses is none", i + 1);
	}
	return bad > 0 ? -EBADMSG : 0;
}

static int take_text(struct uses *uses, const char *bytes, size_t len, char text[USES_STATE_TEXT_MAX])
{
	json_error_t error;
	json_t *json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(json, "uses");
	int r = -EBADMSG;

	if (!json)
		snprintf(text, USES_STATE_TEXT_MAX, "line %d: %.100s", error.line, error.text);
	else if (!json_is_array(list) || !read_moment(json, "since", &uses->since_s) ||
		 json_integer_value(json_object_get(json, "op25b")) != STATE_VERSION)
		snprintf(text, USES_STATE_TEXT_MAX, "it holds no uses of this version");
	else
		r = take_list(uses, list, text);
	json_decref(json);
	return r;
}

int uses_state_load(struct uses *uses, const char *path, char text[USES_STATE_TEXT_MAX])
{
	CLEANUP_FREE char *bytes = NULL;
	size_t len = 0;
	int r = state_file_load(path, USES_STATE_FILE, USES_STATE_BYTES_MAX, &bytes, &len);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = take_text(uses, bytes, len, text);
	if (r == -EBADMSG)
		state_file_put_aside(path, USES_STATE_FILE);
	return r;
}

/* ---- in the daemon ---- */

static uint64_t packets_of(const struct uses *uses)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < uses->count; i++)
		sum += atomic_load(&uses->items[i]->packets);
	return sum;
}

int uses_state_start(struct gateway *gateway)
{
	const char *directory = gateway->world->policy->gateway.state;
	char text[USES_STATE_TEXT_MAX] = "";
	struct uses *uses = &gateway->uses;
	int r = uses_state_load(uses, directory, text);

	if (r == -EBADMSG)
		say(SAY_WARNING,
		    "%s/%s is damaged (%s): it is now %s.damaged; uses of exemptions that it does not tell "
		    "are counted anew",
		    directory, USES_STATE_FILE, text, USES_STATE_FILE);
	else if (r < 0)
		say(SAY_WARNING, "%s/%s cannot be read: %s; uses of exemptions are counted anew", directory,
		    USES_STATE_FILE, strerror(-r));
	if (uses->since_s == 0)
		uses->since_s = gateway->started_s;
	uses->saved = packets_of(uses);
	uses->save_ns = clock_steady_ns() + SAVE_S * NSEC_PER_SEC;
	return world_count_uses(gateway->world, uses);
}

static void save(struct gateway *gateway)
{
	const char *directory = gateway->world->policy->gateway.state;
	struct uses *uses = &gateway->uses;
	uint64_t packets = packets_of(uses);
	int r = packets != uses->saved ? uses_state_save(uses, directory) : uses->error;

	if (r < 0 && r != uses->error)
		say(SAY_WARNING, "uses of exemptions cannot be saved in %s: %s; a restart forgets them",
		    directory, strerror(-r));
	uses->error = r;
	if (r == 0)
		uses->saved = packets;
}

void uses_state_tick(struct gateway *gateway)
{
	if (clock_steady_ns() < gateway->uses.save_ns)
		return;
	gateway->uses.save_ns = clock_steady_ns() + SAVE_S * NSEC_PER_SEC;
	save(gateway);
}

void uses_state_finish(struct gateway *gateway)
{
	save(gateway);
}
