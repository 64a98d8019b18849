/* SPDX-License-Identifier: GPL-2.0-or-later */
/* allow, block, remove, overrides: what an operator says of a source for a time. */
#include "ctl.h"

#include "base/exitcode.h"
#include "base/number.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static int64_t user(const json_t *override)
{
	return json_integer_value(json_object_get(override, "uid"));
}

/* "30m", "2h", "90", "10d": in seconds. False when it is none; how many are too many says the daemon. */
static bool read_duration(const char *duration, uint64_t *ret_s)
{
	static const struct {
		char letter;
		uint64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
	size_t len = strlen(duration);
	uint64_t unit_s = 1, number;

	for (size_t i = 0; len > 0 && i < sizeof(units) / sizeof(units[0]); i++)
		if (duration[len - 1] == units[i].letter) {
			unit_s = units[i].s;
			len--;
			break;
		}
	if (number_parse(duration, len, 1, UINT32_MAX, &number) != NUMBER_OK)
		return false;
	*ret_s = number * unit_s;
	return true;
}

static void warn_of_kernel(const json_t *result)
{
	if (json_is_true(json_object_get(result, "kernel_late")))
		fputs("op25bctl: warning: the kernel still blocks by itself whom it has learned; it is tried again\n",
		      stderr);
}

static void print_override(const json_t *result)
{
	const json_t *override = json_object_get(result, "override");

	printf("%s %s until %s\n", text(override, "action"), text(override, "source"),
	       text(override, "until"));
	warn_of_kernel(result);
}

static void print_removed(const json_t *result)
{
	const json_t *override = json_object_get(result, "override");

	printf("removed: %s %s until %s, by user %" PRId64 ": %s\n", text(override, "action"),
	       text(override, "source"), text(override, "until"), user(override), text(override, "reason"));
	warn_of_kernel(result);
}

static void print_list(const json_t *result)
{
	const json_t *list = json_object_get(result, "overrides");
	size_t i;

	printf("%-6s %-26s %-26s %6s  %s\n", "action", "source", "until", "user", "reason");
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *override = json_array_get(list, i);

		printf("%-6s %-26s %-26s %6" PRId64 "  %s\n", text(override, "action"),
		       text(override, "source"), text(override, "until"), user(override),
		       text(override, "reason"));
	}
	if (json_is_false(json_object_get(result, "saved")))
		fputs("op25bctl: warning: these cannot be saved, and a restart would forget them\n", stderr);
}

static json_t *source_request(const char *command, const char *source)
{
	json_t *request = control_request_new(command);

	if (json_object_set_new(request, "source", json_string(source)) == 0)
		return request;
	json_decref(request);
	return NULL;
}

static int set(const struct ctl_context *context, const char *command, const char *source)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "override", JSON_OBJECT, print_override,
						 NULL};
	const char *duration = ctl_option(context, "for"), *reason = ctl_option(context, "reason");
	uint64_t seconds;
	json_t *request;

	if (!duration || !reason) {
		fprintf(stderr, "op25bctl: %s needs --for and --reason\n", command);
		return EXIT_CODE_USAGE;
	}
	if (!read_duration(duration, &seconds)) {
		fprintf(stderr, "op25bctl: --for %s: a number and one of s, m, h, d: 90s, 30m, 2h, 10d\n",
			duration);
		return EXIT_CODE_USAGE;
	}
	request = source_request(command, source);
	if (request && (json_object_set_new(request, "seconds", json_integer((json_int_t)seconds)) < 0 ||
			json_object_set_new(request, "reason", json_string(reason)) < 0)) {
		json_decref(request);
		request = NULL;
	}
	return ctl_call(context, request, &answer);
}

int ctl_allow(const struct ctl_context *context, int argc, char **argv)
{
	return set(context, "allow", argv[1]);
}

int ctl_block(const struct ctl_context *context, int argc, char **argv)
{
	return set(context, "block", argv[1]);
}

int ctl_remove(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "override", JSON_OBJECT, print_removed, NULL};

	return ctl_call(context, source_request("remove", argv[1]), &answer);
}

int ctl_overrides(const struct ctl_context *context, int argc, char **argv)
{
	static const struct ctl_answer answer = {CTL_ANSWER_MS, "overrides", JSON_ARRAY, print_list, NULL};

	return ctl_call(context, control_request_new("overrides"), &answer);
}
