/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands that are one question and its answer. */
#include "ctl.h"

#include "base/exitcode.h"

#include <stdio.h>
#include <string.h>

int ctl_status(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "ledger", JSON_OBJECT, ctl_print_status,
						 NULL};

	return ctl_call(context, control_request_new("status"), &answer);
}

int ctl_stats(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "reasons", JSON_OBJECT, ctl_print_stats,
						 NULL};

	return ctl_call(context, control_request_new("stats"), &answer);
}

int ctl_reload(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_RELOAD_MS, "digest", JSON_STRING, ctl_print_reload,
						 NULL};

	return ctl_call(context, control_request_new("reload"), &answer);
}

static void print_file(const json_t *result)
{
	printf("records go to %s\n", json_string_value(json_object_get(result, "file")));
}

int ctl_reopen(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "file", JSON_STRING, print_file, NULL};

	return ctl_call(context, control_request_new("reopen"), &answer);
}

static int explain_code(const json_t *result)
{
	const char *verdict = json_string_value(json_object_get(result, "verdict"));

	return verdict && strcmp(verdict, "accept") != 0 ? EXIT_CODE_DIFFERS : EXIT_CODE_OK;
}

static json_t *explain_request(const struct ctl_context *context, char **argv)
{
	static const char *const optional[] = {"at", "iface"};
	json_t *request = control_request_new("explain");
	int r = 0;

	r |= json_object_set_new(request, "src", json_string(argv[1]));
	r |= json_object_set_new(request, "dst", json_string(argv[2]));
	for (size_t i = 0; i < sizeof(optional) / sizeof(optional[0]); i++) {
		const char *value = ctl_option(context, optional[i]);

		if (value)
			r |= json_object_set_new(request, optional[i], json_string(value));
	}
	if (r == 0)
		return request;
	json_decref(request);
	return NULL;
}

int ctl_explain(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "verdict", JSON_STRING, ctl_print_explain,
						 explain_code};

	return ctl_call(context, explain_request(context, argv), &answer);
}
