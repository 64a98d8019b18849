/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/state_list.h"

#include "base/cleanup.h"
#include "daemon/state_file.h"

#include <errno.h>
#include <stdio.h>

json_t *state_list_object(const struct state_list *form, json_t *list)
{
	return list ? json_pack("{s:i, s:o}", "op25b", form->version, form->key, list) : NULL;
}

int state_list_save(const struct state_list *form, const char *directory, json_t *object)
{
	CLEANUP_FREE char *text = object ? json_dumps(object, JSON_INDENT(1)) : NULL;

	json_decref(object);
	return text ? state_file_save(directory, form->file, text) : -ENOMEM;
}

static int take_rows(const struct state_list *form, const json_t *list, void *context,
		     char text[STATE_LIST_TEXT_MAX])
{
	size_t wrong = 0;

	for (size_t i = 0; i < json_array_size(list); i++) {
		int r = form->take_row(context, json_array_get(list, i));

		if (r == -ENOMEM)
			return r;
		if (r < 0 && wrong++ == 0)
			snprintf(text, STATE_LIST_TEXT_MAX, "number %zu of its %s is %s", i + 1, form->key,
				 form->wrong_row);
	}
	return wrong > 0 ? -EBADMSG : 0;
}

static int take_text(const struct state_list *form, const char *bytes, size_t len, void *context,
		     char text[STATE_LIST_TEXT_MAX])
{
	json_error_t error;
	json_t *object = json_loadb(bytes, len, JSON_REJECT_DUPLICATES, &error);
	const json_t *list = json_object_get(object, form->key);
	int r = -EBADMSG;

	if (!object)
		snprintf(text, STATE_LIST_TEXT_MAX, "line %d: %.100s", error.line, error.text);
	else if (!json_is_array(list) || (form->take_head && !form->take_head(context, object)) ||
		 json_integer_value(json_object_get(object, "op25b")) != form->version)
		snprintf(text, STATE_LIST_TEXT_MAX, "%s", form->no_list);
	else
		r = take_rows(form, list, context, text);
	json_decref(object);
	return r;
}

int state_list_load(const struct state_list *form, const char *directory, void *context,
		    char text[STATE_LIST_TEXT_MAX])
{
	CLEANUP_FREE char *bytes = NULL;
	size_t len = 0;
	int r = state_file_load(directory, form->file, form->bytes_max, &bytes, &len);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	r = take_text(form, bytes, len, context, text);
	if (r == -EBADMSG)
		state_file_put_aside(directory, form->file);
	return r;
}
