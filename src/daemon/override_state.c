/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/override_state.h"

#include "base/cleanup.h"
#include "daemon/state_file.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { STATE_VERSION = 1 };

static json_t *list_json(const struct overrides *overrides)
{
	json_t *list = json_array();

	for (size_t i = 0; i < overrides->count; i++)
		if (json_array_append_new(list, override_json(&overrides->items[i], 0)) < 0) {
			json_decref(list);
			return NULL;
		}
	return json_pack("{s:i, s:o}", "op25b", (int)STATE_VERSION, "overrides", list);
}

int override_state_save(const struct overrides *overrides, const char *path)
{
	CLEANUP_FREE char *text = NULL;
	json_t *json = list_json(overrides);

	text = json ? json_dumps(json, JSON_INDENT(1)) : NULL;
	json_decref(json);
	if (!text)
		return -ENOMEM;
	return state_file_save(path, OVERRIDE_STATE_FILE, text);
}

/* 0 or -EBADMSG, -ENOMEM. */
static int take_list(struct overrides *overrides, const json_t *list, char text[OVERRIDE_STATE_TEXT_MAX])
{
	size_t i, bad = 0;

	for (i = 0; i < json_array_size(list); i++) {
		struct override override;
		int r = -EBADMSG;

		if (override_from_json(json_array_get(list, i), &override))
			r = overrides_set(overrides, &override);
		if (r == -ENOMEM)
			return r;
		if (r < 0 && bad++ == 0)
			snprintf(text, OVERRIDE_STATE_TEXT_MAX,
				 "number %zu of its overrides is none, or one too many", i + 1);
	}
	return bad > 0 ? -EBADMSG : 0;
}

static int take_text(struct overrides *overrides, const char *bytes, size_t len,
		     char text[OVERRIDE_STATE_TEXT_MAX])
{
	json_error_t error;
	json_t *json = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(json, "overrides");
	int r = -EBADMSG;

	if (!json)
		snprintf(text, OVERRIDE_STATE_TEXT_MAX, "line %d: %.100s", error.line, error.text);
	else if (!json_is_array(list) || json_integer_value(json_object_get(json, "op25b")) != STATE_VERSION)
		snprintf(text, OVERRIDE_STATE_TEXT_MAX, "it holds no list of overrides of this version");
	else
		r = take_list(overrides, list, text);
	json_decref(json);
	return r;
}

int override_state_load(struct overrides *overrides, const char *path, char text[OVERRIDE_STATE_TEXT_MAX])
{
	CLEANUP_FREE char *bytes = NULL;
	size_t len = 0;
	int r = state_file_load(path, OVERRIDE_STATE_FILE, OVERRIDE_STATE_BYTES_MAX, &bytes, &len);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = take_text(overrides, bytes, len, text);
	if (r == -EBADMSG)
		state_file_put_aside(path, OVERRIDE_STATE_FILE);
	return r;
}
