/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "log_target.h"

#include "log.h"

#include "base/cleanup.h"
#include "base/files.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* By whatever name: /dev/stdout leads to a file where standard output is one, and that is not to be replaced under the shell's hands. */
static bool is_standard_output(const char *path)
{
	struct stat found, output;

	if (strcmp(path, "-") == 0)
		return true;
	return stat(path, &found) == 0 && fstat(STDOUT_FILENO, &output) == 0 &&
	       found.st_dev == output.st_dev && found.st_ino == output.st_ino;
}

static int say_no_place(const char *path, const char *directory, int error)
{
	if (error == ENOENT || error == ENOTDIR)
		return log_error("%s: there is no directory %s: make it, or name another place", path,
				 directory);
	return log_error("%s: no file can be made in %s: %s; name another place, or write to standard output "
			 "(--html - >FILE)",
			 path, directory, strerror(error));
}

/* A file that is there or not: the new one is made beside it. */
static int check_beside(const char *path)
{
	CLEANUP_FREE char *target = NULL;
	CLEANUP_FREE char *copy = NULL;
	struct stat found;
	const char *directory;
	int r = files_follow(path, &target);

	copy = r == 0 ? strdup(target) : NULL;
	if (r == 0 && !copy)
		r = -ENOMEM;
	if (r < 0)
		return log_error("%s: %s", path, strerror(-r));
	if (target[0] && target[strlen(target) - 1] == '/')
		return log_error("%s: a name of a file is wanted, not of a directory: %sreport.html", path,
				 path);
	directory = dirname(copy);
	if (stat(directory, &found) < 0)
		return say_no_place(path, directory, errno);
	if (!S_ISDIR(found.st_mode))
		return say_no_place(path, directory, ENOTDIR);
	return access(directory, W_OK | X_OK) == 0 ? LOG_FOUND : say_no_place(path, directory, errno);
}

int log_target_check(const char *path)
{
	struct stat found;

	if (!path[0])
		return log_error("--html \"\": name a file, or \"-\" for standard output");
	if (is_standard_output(path))
		return LOG_FOUND;
	if (stat(path, &found) < 0 || S_ISREG(found.st_mode))
		return check_beside(path);
	if (S_ISDIR(found.st_mode))
		return log_error("%s is a directory: name a file in it, as %s%sreport.html", path, path,
				 path[strlen(path) - 1] == '/' ? "" : "/");
	if (S_ISSOCK(found.st_mode) || S_ISBLK(found.st_mode))
		return log_error("%s is a %s: name a file", path,
				 S_ISSOCK(found.st_mode) ? "socket" : "disk");
	return access(path, W_OK) == 0 ? LOG_FOUND
				       : log_error("%s: %s; name another place", path, strerror(errno));
}

/* Who waits for a pipe's reader is told so. */
static int open_direct(const char *path)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

	if (fd < 0 && errno == ENXIO) {
		fprintf(stderr, "op25b-log: nobody reads %s yet: waiting\n", path);
		return open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
	}
	if (fd >= 0 && fcntl(fd, F_SETFL, 0) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int write_direct(const char *path, int (*write)(void *context, FILE *out), void *context)
{
	int fd = open_direct(path), r;
	FILE *out = fd >= 0 ? fdopen(fd, "w") : NULL;

	if (!out) {
		r = -errno;
		if (fd >= 0)
			close(fd);
		return r;
	}
	r = write(context, out);
	if (fclose(out) != 0 && r == 0)
		r = -errno;
	return r;
}

static int write_file(const char *path, int (*write)(void *context, FILE *out), void *context)
{
	CLEANUP_FREE char *target = NULL;
	int r = files_follow(path, &target);

	return r < 0 ? r : files_replace(target, write, context);
}

static int say_failure(const char *path, int error)
{
	if (error == ENOSPC || error == EDQUOT)
		return log_error("%s: %s: nothing was changed there; make room, or name another place", path,
				 strerror(error));
	return log_error("%s: %s; name another place, or write to standard output (--html - >FILE)", path,
			 strerror(error));
}

int log_target_write(const char *path, int (*write)(void *context, FILE *out), void *context)
{
	struct stat found;
	int r;

	if (is_standard_output(path)) {
		(void)write(context, stdout);
		return LOG_FOUND;
	}
	if (stat(path, &found) == 0 && !S_ISREG(found.st_mode))
		r = write_direct(path, write, context);
	else
		r = write_file(path, write, context);
	return r < 0 ? say_failure(path, -r) : LOG_FOUND;
}
