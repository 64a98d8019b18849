/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_daemon.h"

#include "ctl.h"

#include "base/cleanup.h"
#include "control/client.h"
#include "policy/policy.h"

#include <errno.h>
#include <string.h>

enum { ANSWER_MS = 5000, QUIET_MS = 1000 };

uint64_t log_daemon_number(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

bool log_daemon_is_count(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) && json_integer_value(value) >= 0;
}

const char *log_daemon_text(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : "";
}

static const char *socket_of(const struct log_context *context)
{
	return context->policy ? context->policy->gateway.control : "/run/op25b/op25bd.sock";
}

json_t *log_daemon_quiet(const struct log_context *context, const char *command)
{
	json_t *request = control_request_new(command), *result = NULL;
	enum control_error error = CONTROL_FAILED;
	char text[CONTROL_ERROR_TEXT_MAX];
	int r = request ? control_client_call(socket_of(context), request, QUIET_MS, &error, &result, text)
			: -ENOMEM;

	json_decref(request);
	if (r == 0 && error == CONTROL_OK)
		return result;
	json_decref(result);
	return NULL;
}

static int ask(const struct log_context *context, const char *command, json_t **ret)
{
	const char *socket = socket_of(context);
	json_t *request = control_request_new(command);
	enum control_error error = CONTROL_FAILED;
	char text[CONTROL_ERROR_TEXT_MAX] = "";
	int r = request ? control_client_call(socket, request, ANSWER_MS, &error, ret, text) : -ENOMEM;

	json_decref(request);
	if (r < 0)
		return log_error("%s: op25bd does not answer: %s%s", socket, text[0] ? text : strerror(-r),
				 ctl_remedy(r));
	if (error != CONTROL_OK) {
		json_decref(*ret);
		return log_error("%s: op25bd answers: %s", socket,
				 text[0] ? text : control_error_name(error));
	}
	return LOG_FOUND;
}

/* Blanks and line feeds between the answers; false at the end of the file. */
static bool more_follows(FILE *file)
{
	int c;

	do
		c = getc(file);
	while (c == ' ' || c == '\n' || c == '\r' || c == '\t');
	if (c != EOF)
		ungetc(c, file);
	return c != EOF;
}

static int read_answers(const char *path, const char *command, json_t *answers)
{
	FILE *file CLEANUP_FCLOSE = fopen(path, "re");
	json_error_t error;

	if (!file)
		return log_error("%s: %s", path, strerror(errno));
	while (more_follows(file)) {
		json_t *answer = json_loadf(file, JSON_DISABLE_EOF_CHECK, &error);

		if (!json_is_object(answer)) {
			json_decref(answer);
			return log_error("%s: no answer of op25bctl: give what 'op25bctl %s --json' prints",
					 path, command);
		}
		json_array_append_new(answers, answer);
	}
	if (ferror(file))
		return log_error("%s: %s", path, strerror(errno));
	return json_array_size(answers) > 0
		       ? LOG_FOUND
		       : log_error("%s: nothing is in it: give what 'op25bctl %s --json' prints", path,
				   command);
}

int log_daemon_answers(const struct log_context *context, const char *command, const char *file, json_t **ret)
{
	json_t *answers = json_array(), *answer = NULL;
	int code;

	if (!answers)
		return log_error("not enough memory");
	code = file ? read_answers(file, command, answers) : ask(context, command, &answer);
	if (answer)
		json_array_append_new(answers, answer);
	if (code == LOG_FOUND)
		*ret = answers;
	else
		json_decref(answers);
	return code;
}
