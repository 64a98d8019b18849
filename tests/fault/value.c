/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "value.h"

#include "daemon/status.h"
#include "receivers.h"
#include "stage.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_int_t file_lines(void)
{
	char path[STAGE_PATH_MAX + 32];
	json_int_t count = 0;
	FILE *file;
	int byte;

	snprintf(path, sizeof(path), "%s/log/records.json", stage_directory());
	file = fopen(path, "re");
	while (file && (byte = fgetc(file)) != EOF)
		count += byte == '\n';
	if (file)
		fclose(file);
	return count;
}

/* "records.lines" and the like are of the stage; anything else is a path in the answer of `op25bctl status`. */
static json_t *value_of(const char *name)
{
	struct stage_account account = stage_so_far();
	json_t *status, *value;
	char path[VALUE_TEXT_MAX], *state = NULL;

	if (strcmp(name, "records.lines") == 0)
		return json_integer((json_int_t)account.lines);
	if (strcmp(name, "records.packets") == 0)
		return json_integer((json_int_t)account.packets);
	if (strcmp(name, "records.blocked") == 0)
		return json_integer((json_int_t)account.packets_blocked);
	if (strcmp(name, "file.lines") == 0)
		return json_integer(file_lines());
	if (strcmp(name, "received.syslog") == 0)
		return json_integer((json_int_t)receivers_read(EVENT_FORM_SYSLOG));
	if (strcmp(name, "received.journald") == 0)
		return json_integer((json_int_t)receivers_read(EVENT_FORM_JOURNAL));
	if (strcmp(name, "said.errors") == 0)
		return json_integer((json_int_t)account.errors);
	snprintf(path, sizeof(path), "%s", name);
	if (!stage_is_running())
		return NULL;
	status = value = status_json(stage_gateway());
	for (char *part = strtok_r(path, ".", &state); part && value; part = strtok_r(NULL, ".", &state))
		value = json_is_array(value) ? json_array_get(value, strtoul(part, NULL, 10))
					     : json_object_get(value, part);
	json_incref(value);
	json_decref(status);
	return value;
}

static bool holds(const char *got, const char *relation, const char *wanted)
{
	long long a = strtoll(got, NULL, 10), b = strtoll(wanted, NULL, 10);

	switch (relation[0]) {
	case '<':
		return a < b;
	case '>':
		return a > b;
	default:
		return strcmp(got, wanted) == 0;
	}
}

bool value_holds(const char *name, const char *relation, const char *wanted, char got[VALUE_TEXT_MAX])
{
	json_t *value = value_of(name);
	size_t len = 0;

	if (json_is_string(value))
		len = (size_t)snprintf(got, VALUE_TEXT_MAX, "%s", json_string_value(value));
	else if (value)
		len = json_dumpb(value, got, VALUE_TEXT_MAX - 1, JSON_ENCODE_ANY | JSON_COMPACT);
	got[len < VALUE_TEXT_MAX ? len : 0] = '\0';
	json_decref(value);
	return holds(got, relation, wanted);
}
