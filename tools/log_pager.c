/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long output goes through the user's pager, as journalctl's does; output that fits is left on the screen. */
#include "log.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pager;

/* True when a program of that name can be started. */
static bool is_there(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	for (const char *end; path && *path; path = *end ? end + 1 : end) {
		int len;

		end = strchrnul(path, ':');
		len = snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path, name);
		if (len > 0 && (size_t)len < sizeof(file) && access(file, X_OK) == 0)
			return true;
	}
	return false;
}

/*
 * The shell command of the pager; NULL: none. Who may run this program by sudo, and nothing else, must not get a shell from
 * the pager: then it is less, with all that starts programs shut off.
 */
static const char *find_pager(void)
{
	const char *wanted = getenv("PAGER");
	bool lent = getenv("SUDO_UID") != NULL || getuid() != geteuid();

	if (lent)
		return setenv("LESSSECURE", "1", 1) == 0 && is_there("less") ? "less" : NULL;
	if (wanted && wanted[0])
		return strcmp(wanted, "cat") == 0 ? NULL : wanted;
	return is_there("less") ? "less" : NULL;
}

static void become_pager(const char *command, const int ends[2])
{
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	close(ends[1]);
	/* S: rows of tables are cut, and found by the arrow keys, as a table of wrapped rows can not be read. */
	(void)setenv("LESS", "FRSX", 0);
	(void)setenv("LESSCHARSET", "utf-8", 0);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

void log_page(const struct log_context *context)
{
	const char *command;
	int ends[2];

	if (!context->pager || pager != 0)
		return;
	command = find_pager();
	if (!command || fflush(stdout) != 0 || pipe(ends) < 0)
		return;
	pager = fork();
	if (pager == 0)
		become_pager(command, ends);
	if (pager > 0) {
		dup2(ends[1], STDOUT_FILENO);
		/* An interrupt is for the pager, which would be left alone with the terminal else. */
		(void)signal(SIGINT, SIG_IGN);
	} else
		pager = 0;
	close(ends[0]);
	close(ends[1]);
}

bool log_is_paged(void)
{
	return pager != 0;
}

void log_page_end(void)
{
	int status;

	if (pager == 0)
		return;
	(void)fclose(stdout);
	while (waitpid(pager, &status, 0) < 0 && errno == EINTR)
		;
	pager = 0;
}
