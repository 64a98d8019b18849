/* SPDX-License-Identifier: GPL-2.0-or-later */
/* offload: whom the kernel blocks by itself. */
#include "ctl.h"

#include "base/exitcode.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void print_list(const json_t *result)
{
	const json_t *sources = json_object_get(result, "sources"), *error = json_object_get(result, "error");
	size_t i;

	if (json_is_false(json_object_get(result, "wanted"))) {
		puts("the policy in force offloads nothing");
		return;
	}
	printf("%-46s %12s\n", "subscriber", "packets");
	for (i = 0; i < json_array_size(sources); i++) {
		const json_t *row = json_array_get(sources, i);
		const char *subscriber = json_string_value(json_object_get(row, "subscriber"));

		printf("%-46s %12" PRId64 "\n", subscriber ? subscriber : "-", number(row, "packets"));
	}
	if (json_is_string(error))
		fprintf(stderr, "op25bctl: warning: some sets could not be read: %s\n",
			json_string_value(error));
	else if (json_is_false(json_object_get(result, "complete")))
		fprintf(stderr, "op25bctl: warning: only the first %" PRId64 " sources were looked at\n",
			number(result, "read"));
}

static void print_flushed(const json_t *result)
{
	puts("the kernel asks about everybody again");
}

static int list(const struct ctl_context *context)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "sources", JSON_ARRAY, print_list, NULL};
	json_t *request = control_request_new("offload-list");
	uint64_t top = 0;

	if (!ctl_number(context, "top", 10000, &top)) {
		json_decref(request);
		return EXIT_CODE_USAGE;
	}
	if (top > 0)
		json_object_set_new(request, "top", json_integer((json_int_t)top));
	return ctl_call(context, request, &answer);
}

int ctl_offload(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "flushed", JSON_TRUE, print_flushed, NULL};

	if (strcmp(argv[1], "list") == 0)
		return list(context);
	if (strcmp(argv[1], "flush") == 0)
		return ctl_call(context, control_request_new("offload-flush"), &answer);
	fprintf(stderr, "op25bctl: offload takes list or flush, not \"%s\"\n", argv[1]);
	return EXIT_CODE_USAGE;
}
