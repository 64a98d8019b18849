/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/rules_note.h"

#include "base/cleanup.h"
#include "net/nft_queueing.h"
#include "net/rules_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEXT_MAX = 64 };

static const char *const words[] = {
	[RULES_NOTHING] = "nothing", [RULES_APPLIED] = "applied", [RULES_DELETED] = "deleted"};

int rules_note_write(enum rules_deed deed)
{
	char path[RULES_PATH_MAX], text[TEXT_MAX];
	int fd CLEANUP_CLOSE = -1;
	uint32_t generation = 0;
	int r = rules_run_path("note", path), len;

	if (r < 0)
		return r;
	/* A file of its own each time: another user's cannot be written over, and is never half written. */
	(void)unlink(path);
	r = nft_queueing_generation(&generation);
	if (r < 0)
		return r;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	/* A daemon of another user must see it, whatever the umask. */
	(void)fchmod(fd, 0644);
	len = snprintf(text, sizeof(text), "%s %" PRIu32 "\n", words[deed], generation);
	if (write(fd, text, (size_t)len) == len)
		return 0;
	(void)unlink(path);
	return -EIO;
}

/* Only what root, or who this process is, can have written is believed. */
static bool is_trusted(int fd)
{
	struct stat status;

	return fstat(fd, &status) == 0 && (status.st_uid == 0 || status.st_uid == geteuid()) &&
	       S_ISREG(status.st_mode) && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static enum rules_deed deed_of(const char *word)
{
	for (int i = 0; i <= RULES_DELETED; i++)
		if (strcmp(words[i], word) == 0)
			return (enum rules_deed)i;
	return RULES_NOTHING;
}

void rules_note_read(struct rules_note *ret)
{
	char path[RULES_PATH_MAX], text[TEXT_MAX] = "", word[16] = "";
	int fd CLEANUP_CLOSE = -1;
	ssize_t len;

	*ret = (struct rules_note){.deed = RULES_NOTHING};
	if (rules_run_path("note", path) < 0)
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || !is_trusted(fd))
		return;
	len = read(fd, text, sizeof(text) - 1);
	if (len > 0 && sscanf(text, "%15s %" SCNu32, word, &ret->generation) == 2)
		ret->deed = deed_of(word);
}
