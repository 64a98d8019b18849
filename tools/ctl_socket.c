/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

#include "base/cleanup.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char default_path[] = "/run/op25b/op25bd.sock";

/* Cuts blanks at both ends and a comment (';' behind a blank) off; returns the beginning. */
static char *trim(char *text)
{
	char *comment;
	size_t len;

	text += strspn(text, " \t\r\n");
	for (comment = strchr(text, ';'); comment; comment = strchr(comment + 1, ';')) {
		if (comment == text || comment[-1] == ' ' || comment[-1] == '\t') {
			*comment = '\0';
			break;
		}
	}
	for (len = strlen(text); len > 0 && strchr(" \t\r\n", text[len - 1]); len--)
		text[len - 1] = '\0';
	return text;
}

/* The value when the line says "control = VALUE", else NULL. */
static char *control_value(char *line)
{
	size_t key = strcspn(line, "=:");
	char *value = line[key] ? line + key + 1 : NULL;

	if (!value)
		return NULL;
	line[key] = '\0';
	return strcmp(trim(line), "control") == 0 ? trim(value) : NULL;
}

char *ctl_socket_path(const char *policy)
{
	CLEANUP_FCLOSE FILE *file = fopen(policy, "re");
	CLEANUP_FREE char *memory = NULL;
	bool in_gateway = false;
	size_t size = 0;

	while (file && getline(&memory, &size, file) > 0) {
		char *line = trim(memory);
		char *value;

		if (line[0] == '[')
			in_gateway = strncmp(line, "[gateway]", 9) == 0;
		else if (in_gateway && line[0] != '#' && (value = control_value(line)) != NULL && value[0])
			return strdup(value);
	}
	return strdup(default_path);
}
