/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/protocol.h"

#include <assert.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const error_names[] = {
	[CONTROL_OK] = "ok",
	[CONTROL_BAD_REQUEST] = "bad-request",
	[CONTROL_UNKNOWN_COMMAND] = "unknown-command",
	[CONTROL_BAD_ARGUMENT] = "bad-argument",
	[CONTROL_REFUSED] = "refused",
	[CONTROL_BUSY] = "busy",
	[CONTROL_FAILED] = "failed",
	[CONTROL_FORBIDDEN] = "forbidden",
};
static_assert(sizeof(error_names) / sizeof(error_names[0]) == CONTROL_ERRORS, "one name an error");

const char *control_error_name(enum control_error error)
{
	return (unsigned)error < CONTROL_ERRORS ? error_names[error] : "failed";
}

enum control_error control_error_from_name(const char *name)
{
	for (unsigned i = 0; i < CONTROL_ERRORS; i++)
		if (strcmp(name, error_names[i]) == 0)
			return (enum control_error)i;
	return CONTROL_FAILED;
}

/* An object of our version, or NULL with text saying why not. */
static json_t *load_object(const char *line, size_t len, char text[CONTROL_ERROR_TEXT_MAX])
{
	json_error_t error;
	json_t *object = json_loadb(line, len, JSON_REJECT_DUPLICATES, &error);
	const json_t *version;

	if (!object) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "not a JSON object on one line: %s", error.text);
		return NULL;
	}
	version = json_object_get(object, "op25b");
	if (json_is_integer(version) && json_integer_value(version) == CONTROL_VERSION)
		return object;
	snprintf(text, CONTROL_ERROR_TEXT_MAX, "no object with \"op25b\": %d", CONTROL_VERSION);
	json_decref(object);
	return NULL;
}

enum control_error control_request_decode(const char *line, size_t len, json_t **ret,
					  char text[CONTROL_ERROR_TEXT_MAX])
{
	json_t *object = load_object(line, len, text);

	if (!object)
		return CONTROL_BAD_REQUEST;
	if (!json_is_string(json_object_get(object, "command"))) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "no \"command\"");
		json_decref(object);
		return CONTROL_BAD_REQUEST;
	}
	*ret = object;
	return CONTROL_OK;
}

json_t *control_request_new(const char *command)
{
	return json_pack("{s:i, s:s}", "op25b", (int)CONTROL_VERSION, "command", command);
}

json_t *control_reply_new(enum control_error error, const char *message, json_t *result)
{
	json_t *reply = json_pack("{s:i, s:b}", "op25b", (int)CONTROL_VERSION, "ok", error == CONTROL_OK);

	if (reply && error != CONTROL_OK)
		json_object_set_new(reply, "error", json_string(control_error_name(error)));
	if (reply && message)
		json_object_set_new(reply, "message", json_string(message));
	if (reply && result)
		json_object_set(reply, "result", result);
	json_decref(result);
	return reply;
}

/* "ok" with a result, or not ok with an error: anything else is not what a daemon of this version says. */
static bool is_reply(const json_t *reply)
{
	const char *error = json_string_value(json_object_get(reply, "error"));

	if (json_is_true(json_object_get(reply, "ok")))
		return json_object_get(reply, "result") != NULL;
	return json_is_false(json_object_get(reply, "ok")) && error &&
	       strcmp(error, error_names[CONTROL_OK]) != 0;
}

int control_reply_decode(const char *line, size_t len, enum control_error *ret_error, json_t **ret_result,
			 char text[CONTROL_ERROR_TEXT_MAX])
{
	json_t *reply = load_object(line, len, text);
	const char *message;

	if (!reply)
		return -EPROTO;
	if (!is_reply(reply)) {
		snprintf(text, CONTROL_ERROR_TEXT_MAX, "neither a result nor an error");
		json_decref(reply);
		return -EPROTO;
	}
	message = json_string_value(json_object_get(reply, "message"));
	if (json_is_true(json_object_get(reply, "ok")))
		*ret_error = CONTROL_OK;
	else
		*ret_error = control_error_from_name(json_string_value(json_object_get(reply, "error")));
	snprintf(text, CONTROL_ERROR_TEXT_MAX, "%s", message ? message : "");
	*ret_result = json_incref(json_object_get(reply, "result"));
	json_decref(reply);
	return 0;
}

json_t *control_text(const char *text)
{
	json_t *value = json_string(text);
	char *plain = value || !text ? NULL : strdup(text);

	if (!plain)
		return value;
	for (char *at = plain; *at; at++)
		if ((unsigned char)*at > 0x7f)
			*at = '?';
	value = json_string(plain);
	free(plain);
	return value;
}

char *control_line(const json_t *object, size_t *ret_len)
{
	size_t len = json_dumpb(object, NULL, 0, JSON_COMPACT);
	char *line = len ? malloc(len + 1) : NULL;

	if (!line)
		return NULL;
	json_dumpb(object, line, len, JSON_COMPACT);
	line[len] = '\n';
	*ret_len = len + 1;
	return line;
}
