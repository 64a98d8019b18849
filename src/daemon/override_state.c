/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/override_state.h"

#include <errno.h>

static int take_override(void *context, const json_t *row)
{
	struct override override;

	return override_from_json(row, &override) ? overrides_set(context, &override) : -EBADMSG;
}

static const struct state_list form = {
	.file = OVERRIDE_STATE_FILE,
	.bytes_max = OVERRIDE_STATE_BYTES_MAX,
	.key = "overrides",
	.version = 1,
	.no_list = "it holds no list of overrides of this version",
	.wrong_row = "none, or one too many",
	.take_row = take_override,
};

int override_state_save(const struct overrides *overrides, const char *path)
{
	json_t *list = json_array();

	for (size_t i = 0; list && i < overrides->count; i++)
		if (json_array_append_new(list, override_json(&overrides->items[i], 0)) < 0) {
			json_decref(list);
			list = NULL;
		}
	return state_list_save(&form, path, state_list_object(&form, list));
}

int override_state_load(struct overrides *overrides, const char *path, char text[STATE_LIST_TEXT_MAX])
{
	return state_list_load(&form, path, overrides, text);
}
