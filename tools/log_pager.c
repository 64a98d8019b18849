/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Long output goes through the user's pager, as journalctl's does; output that fits is left on the screen. */
#include "log.h"
#include "log_wait.h"

#include "base/cleanup.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pager;

static bool is_program(const char *file)
{
	struct stat status;

	return stat(file, &status) == 0 && S_ISREG(status.st_mode) && access(file, X_OK) == 0;
}

/* True when a program of that name can be started. */
static bool is_there(const char *name)
{
	const char *path = getenv("PATH");
	char file[4096];

	if (strchr(name, '/'))
		return is_program(name);

	for (const char *end; path && *path; path = *end ? end + 1 : end) {
		int len;

		end = strchrnul(path, ':');
		len = snprintf(file, sizeof(file), "%.*s/%s", (int)(end - path), path, name);
		if (len > 0 && (size_t)len < sizeof(file) && is_program(file))
			return true;
	}
	return false;
}

/* Whether the shell can run that command, as far as its first word tells it without the shell's own signs. */
static bool can_run(const char *command)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._+-";
	size_t blanks = strspn(command, " \t"), len = strspn(command + blanks, plain);
	char *word CLEANUP_FREE = strndup(command + blanks, len);

	if (!word || len == 0 || !strchr(" \t", command[blanks + len]))
		return true;
	return is_there(word) || strcmp(word, "exec") == 0;
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
	if (wanted && wanted[0] && !can_run(wanted)) {
		log_error("PAGER is \"%s\", which cannot be run: printed without", wanted);
		return NULL;
	}
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
	static bool is_asked;
	const char *command;
	int ends[2];

	log_wait_end();
	if (!context->pager || is_asked)
		return;
	is_asked = true;
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

void log_page_end(void)
{
	int status = 0;

	if (pager == 0)
		return;
	(void)fclose(stdout);
	while (waitpid(pager, &status, 0) < 0 && errno == EINTR)
		;
	/* What the shell says of a command that it cannot run. */
	if (WIFEXITED(status) && (WEXITSTATUS(status) == 126 || WEXITSTATUS(status) == 127))
		log_error("the pager could not be run; --no-pager prints without");
	pager = 0;
}
