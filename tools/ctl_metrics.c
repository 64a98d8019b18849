/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl metrics: for a person, a pipe, or node_exporter's textfile collector. */
#include "ctl.h"

#include "base/exitcode.h"
#include "base/files.h"
#include "control/metrics.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void print(const json_t *result)
{
	const json_t *text = json_object_get(result, "text");

	fwrite(json_string_value(text), 1, json_string_length(text), stdout);
}

static const struct ctl_answer answer = {CTL_ANSWER_MS, "text", JSON_STRING, print, NULL};

struct text {
	const char *bytes;
	size_t len;
};

static int write_text(void *context, FILE *out)
{
	const struct text *text = context;

	return fwrite(text->bytes, 1, text->len, out) == text->len ? 0 : -errno;
}

static int replace(const char *file, const char *bytes, size_t len)
{
	struct text text = {bytes, len};
	int r = files_replace(file, write_text, &text);

	if (r == 0)
		return EXIT_CODE_OK;
	fprintf(stderr, "op25bctl: writing %s: %s%s\n", file, strerror(-r),
		r == -ENOENT ? ": make its directory first" : "");
	return EXIT_CODE_SYSTEM;
}

/* An old file would go on telling that all is well. */
static int replace_without_daemon(const char *file)
{
	char memory[256];
	struct out out = out_over(memory, sizeof(memory));

	metrics_one(&out, METRIC_UP, 0);
	return replace(file, memory, out_len(&out));
}

int ctl_metrics(const struct ctl_context *context, int argc, char **argv)
{
	const char *file = ctl_option(context, "output");
	json_t *request = control_request_new("metrics"), *result = NULL;
	const json_t *text;
	int code, written;

	if (!file)
		return ctl_call(context, request, &answer);
	code = ctl_ask(context, request, &answer, &result);
	text = json_object_get(result, "text");
	written = code == EXIT_CODE_OK ? replace(file, json_string_value(text), json_string_length(text))
				       : replace_without_daemon(file);
	json_decref(result);
	return written != EXIT_CODE_OK ? written : code;
}
