/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

#include "base/cleanup.h"
#include "base/exitcode.h"
#include "base/number.h"
#include "control/client.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

const char *ctl_option(const struct ctl_context *context, const char *name)
{
	for (size_t i = 0; context->command->options[i].name; i++)
		if (strcmp(context->command->options[i].name, name) == 0)
			return context->values[i];
	return NULL;
}

bool ctl_number(const struct ctl_context *context, const char *option, uint64_t max, uint64_t *ret)
{
	const char *text = ctl_option(context, option);

	if (!text || number_parse(text, strlen(text), 1, max, ret) == NUMBER_OK)
		return true;
	fprintf(stderr, "op25bctl: --%s %s: a number from 1 to %" PRIu64 "\n", option, text, max);
	return false;
}

int ctl_find_socket(const struct ctl_context *context, char **ret)
{
	int r = 0;

	if (context->socket)
		*ret = strdup(context->socket);
	else
		r = ctl_socket_path(context->policy, ret);
	if (r < 0 && r != -ENOMEM && !context->policy_named)
		*ret = ctl_default_socket();
	if (*ret)
		return EXIT_CODE_OK;
	if (r == 0 || r == -ENOMEM)
		return fputs("op25bctl: out of memory\n", stderr), EXIT_CODE_SYSTEM;
	fprintf(stderr, "op25bctl: %s: %s (--socket names the socket itself)\n", context->policy,
		r == -EINVAL ? "not a regular file" : strerror(-r));
	return EXIT_CODE_POLICY;
}

static int error_code(enum control_error error)
{
	switch (error) {
	case CONTROL_OK:
		return EXIT_CODE_OK;
	case CONTROL_BAD_REQUEST:
	case CONTROL_BAD_ARGUMENT:
	case CONTROL_UNKNOWN_COMMAND:
		return EXIT_CODE_USAGE;
	case CONTROL_REFUSED:
		return EXIT_CODE_POLICY;
	default:
		return EXIT_CODE_SYSTEM;
	}
}

static int no_answer(const char *path, int r, const char *message)
{
	if (r == -EPROTO)
		fprintf(stderr, "op25bctl: what answers at %s is not an op25bd of this version: %s\n", path,
			message);
	else
		fprintf(stderr, "op25bctl: op25bd does not answer at %s: %s%s\n", path, strerror(-r),
			ctl_remedy(r));
	return EXIT_CODE_DAEMON;
}

static bool is_whole(const json_t *result, const struct ctl_answer *answer)
{
	const json_t *value = json_object_get(result, answer->always);

	return value && json_typeof(value) == answer->type;
}

/* An exit code; *ret is what came with the answer, also where it is a refusal, or NULL. */
static int ask_at(const char *path, const json_t *request, const struct ctl_answer *answer,
		  char message[CONTROL_ERROR_TEXT_MAX], json_t **ret)
{
	enum control_error error = CONTROL_OK;
	json_t *result = NULL;
	int r = control_client_call(path, request, answer->timeout_ms, &error, &result, message);

	if (r == 0 && error == CONTROL_OK && !is_whole(result, answer)) {
		snprintf(message, CONTROL_ERROR_TEXT_MAX, "a value is missing");
		json_decref(result);
		r = -EPROTO;
	}
	if (r < 0) {
		r = no_answer(path, r, message);
		message[0] = '\0';
		return r;
	}
	*ret = result;
	return error_code(error);
}

static int ask(const struct ctl_context *context, json_t *request, const struct ctl_answer *answer,
	       char message[CONTROL_ERROR_TEXT_MAX], json_t **ret)
{
	CLEANUP_FREE char *path = NULL;
	int code;

	message[0] = '\0';
	if (!request) {
		/* What is left out would be answered as if it had not been asked. */
		fputs("op25bctl: an argument is not UTF-8 text\n", stderr);
		return EXIT_CODE_USAGE;
	}
	code = ctl_find_socket(context, &path);
	if (code == EXIT_CODE_OK)
		code = ask_at(path, request, answer, message, ret);
	json_decref(request);
	return code;
}

int ctl_ask(const struct ctl_context *context, json_t *request, const struct ctl_answer *answer, json_t **ret)
{
	char message[CONTROL_ERROR_TEXT_MAX];
	json_t *result = NULL;
	int code = ask(context, request, answer, message, &result);

	if (code == EXIT_CODE_OK) {
		*ret = result;
		return code;
	}
	if (message[0])
		fprintf(stderr, "op25bctl: %s\n", message);
	json_decref(result);
	return code;
}

int ctl_call(const struct ctl_context *context, json_t *request, const struct ctl_answer *answer)
{
	char message[CONTROL_ERROR_TEXT_MAX];
	json_t *result = NULL;
	int code = ask(context, request, answer, message, &result);

	/* A refusal may carry findings. */
	if (context->json && result) {
		json_dumpf(result, stdout, JSON_INDENT(2));
		puts("");
	} else if (result) {
		answer->print(result);
	}
	if (code != EXIT_CODE_OK && message[0])
		fprintf(stderr, "op25bctl: %s\n", message);
	if (code == EXIT_CODE_OK && answer->code)
		code = answer->code(result);
	json_decref(result);
	return code;
}
