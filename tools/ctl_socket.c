/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* Without O_NONBLOCK a FIFO in the policy's place would hold us for ever. */
static int open_policy(const char *path, FILE **ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	int r = 0;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		r = -errno;
	else if (!S_ISREG(status.st_mode))
		r = S_ISDIR(status.st_mode) ? -EISDIR : -EINVAL;
	*ret = r == 0 ? fdopen(fd, "r") : NULL;
	if (*ret)
		return 0;
	close(fd);
	return r < 0 ? r : -ENOMEM;
}

char *ctl_default_socket(void)
{
	return strdup(default_path);
}

const char *ctl_remedy(int error)
{
	if (error == -EACCES)
		return "; root and the members of the group op25b may ask it: 'usermod -aG op25b NAME', by root, "
		       "makes one of you, from your next login on";
	if (error == -ENOENT || error == -ECONNREFUSED)
		return "; 'systemctl status op25bd' tells whether it runs";
	return "";
}

int ctl_socket_path(const char *policy, char **ret)
{
	CLEANUP_FCLOSE FILE *file = NULL;
	CLEANUP_FREE char *memory = NULL;
	const char *found = NULL;
	bool in_gateway = false;
	size_t size = 0;
	int r = open_policy(policy, &file);

	if (r < 0)
		return r;
	while (!found && getline(&memory, &size, file) > 0) {
		char *line = trim(memory);

		if (line[0] == '[')
			in_gateway = strncmp(line, "[gateway]", 9) == 0;
		else if (in_gateway && line[0] != '#')
			found = control_value(line);
		if (found && !found[0])
			found = NULL;
	}
	if (!found && ferror(file))
		return -EIO;
	*ret = found ? strdup(found) : ctl_default_socket();
	return *ret ? 0 : -ENOMEM;
}
