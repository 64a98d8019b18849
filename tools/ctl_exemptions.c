/* SPDX-License-Identifier: GPL-2.0-or-later */
/* exemptions: how often each was used since counting began. */
#include "ctl.h"

#include <inttypes.h>
#include <stdio.h>

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static void print(const json_t *result)
{
	const json_t *rows = json_object_get(result, "exemptions");

	if (json_array_size(rows) > 0)
		printf("%-32s %12s %12s  %-19s  %-19s\n", "exemption", "attempts", "packets", "first",
		       "last");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		printf("%-32s %12" PRId64 " %12" PRId64 "  %-19.19s  %-19.19s\n", text(row, "name"),
		       number(row, "attempts"), number(row, "packets"), text(row, "first"),
		       text(row, "last"));
	}
	printf("%" PRId64 " exemptions used since %.19s, of those that op25bd is asked about\n",
	       number(result, "used"), text(result, "since"));
}

int ctl_exemptions(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "exemptions", JSON_ARRAY, print, NULL};

	return ctl_call(context, control_request_new("exemptions"), &answer);
}
