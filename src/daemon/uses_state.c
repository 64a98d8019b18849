/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/uses_state.h"

#include "base/moment.h"
#include "base/vec.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/say.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAVE_S = 300 };

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
static int take_use(void *context, const json_t *row)
{
	struct uses *uses = context;
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

static bool take_since(void *context, const json_t *object)
{
	struct uses *uses = context;

	return read_moment(object, "since", &uses->since_s);
}

static const struct state_list form = {
	.file = USES_STATE_FILE,
	.bytes_max = USES_STATE_BYTES_MAX,
	.key = "uses",
	.version = 1,
	.no_list = "it holds no uses of this version",
	.wrong_row = "none",
	.take_head = take_since,
	.take_row = take_use,
};

int uses_state_load(struct uses *uses, const char *path, char text[STATE_LIST_TEXT_MAX])
{
	return state_list_load(&form, path, uses, text);
}

int uses_state_save(const struct uses *uses, const char *path)
{
	json_t *rows = json_array(), *object;

	for (size_t i = 0; rows && i < uses->count; i++)
		if (uses->items[i]->holders > 0 && atomic_load(&uses->items[i]->packets) > 0 &&
		    json_array_append_new(rows, uses_row_json(uses->items[i], true)) < 0) {
			json_decref(rows);
			rows = NULL;
		}
	object = state_list_object(&form, rows);
	if (object && json_object_set_new(object, "since", uses_moment_json(uses->since_s, true)) < 0) {
		json_decref(object);
		object = NULL;
	}
	return state_list_save(&form, path, object);
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
	char text[STATE_LIST_TEXT_MAX] = "";
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
