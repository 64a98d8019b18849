/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules_state.h"
#include "net/rules_lock.h"

#include "base/cleanup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BESIDE_MAX = RULES_PATH_MAX + 8 };

/* Only what its owner alone can have written is believed. */
static int read_file(const char *path, struct nft_known *ret)
{
	int fd CLEANUP_CLOSE = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct stat status;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &status) < 0)
		return -errno;
	if (status.st_uid != geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return -EACCES;
	return nft_known_read(fd, ret);
}

void state_read(struct nft_known *ret)
{
	char path[RULES_PATH_MAX];
	int r = rules_run_path("applied", path);

	*ret = (struct nft_known){0};
	if (r == 0)
		r = read_file(path, ret);
	if (r == -EBADMSG)
		fprintf(stderr, "op25b-rules: warning: %s is damaged, and not used\n", path);
	else if (r == -EACCES)
		fprintf(stderr, "op25b-rules: warning: %s is another user's, and not used\n", path);
	else if (r < 0 && r != -ENOENT)
		fprintf(stderr, "op25b-rules: warning: reading %s: %s\n", path, strerror(-r));
}

static int write_file(const char *beside, const char *path, const struct nft_known *known)
{
	int fd CLEANUP_CLOSE = -1;
	int r;

	(void)unlink(beside);
	fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	r = nft_known_write(fd, known);
	if (r == 0 && rename(beside, path) < 0)
		r = -errno;
	if (r < 0)
		(void)unlink(beside);
	return r;
}

void state_write(const struct nft_known *known)
{
	char path[RULES_PATH_MAX], beside[BESIDE_MAX];
	int r = rules_run_path("applied", path);

	if (r == 0) {
		snprintf(beside, sizeof(beside), "%s.new", path);
		r = write_file(beside, path, known);
	}
	if (r == 0)
		return;
	state_forget();
	fprintf(stderr, "op25b-rules: warning: the next apply will send everything: %s\n", strerror(-r));
}

void state_forget(void)
{
	char path[RULES_PATH_MAX];

	if (rules_run_path("applied", path) == 0)
		(void)unlink(path);
}

struct nft_known state_after(const struct ruleset *ruleset, const struct nft_report *report)
{
	return (struct nft_known){.mark = report->mark,
				  .generation = report->generation,
				  .forms = report->forms,
				  .sets = ruleset->sets,
				  .set_count = ruleset->set_count};
}
