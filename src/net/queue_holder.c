/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/queue_holder.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <inttypes.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_TEXT_MAX = 300, LINK_TEXT_MAX = 64 };

/* The inode of the netfilter socket with this port, 0 if there is none to be seen. */
static uint64_t find_socket(uint32_t portid)
{
	FILE *file CLEANUP_FCLOSE = fopen("/proc/net/netlink", "re");
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		unsigned protocol;
		uint32_t port;
		uint64_t inode;

		if (sscanf(line, "%*s %u %" SCNu32 " %*x %*d %*d %*s %*d %*d %" SCNu64, &protocol, &port,
			   &inode) == 3 &&
		    protocol == NETLINK_NETFILTER && port == portid)
			return inode;
	}
	return 0;
}

static bool has_descriptor(const char *process, const char *wanted)
{
	char path[PATH_TEXT_MAX], link[LINK_TEXT_MAX];
	const struct dirent *entry;
	bool found = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%s/fd", process);
	dir = opendir(path);
	while (dir && !found && (entry = readdir(dir))) {
		ssize_t len = readlinkat(dirfd(dir), entry->d_name, link, sizeof(link) - 1);

		link[len > 0 ? len : 0] = '\0';
		found = strcmp(link, wanted) == 0;
	}
	if (dir)
		closedir(dir);
	return found;
}

/* 0: none that this process may look into. */
static int32_t find_process(uint64_t inode)
{
	char wanted[LINK_TEXT_MAX];
	const struct dirent *entry;
	DIR *dir = opendir("/proc");
	int32_t found = 0;

	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	while (dir && found == 0 && (entry = readdir(dir)))
		if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' &&
		    has_descriptor(entry->d_name, wanted))
			found = (int32_t)strtol(entry->d_name, NULL, 10);
	if (dir)
		closedir(dir);
	return found;
}

static void read_name(int32_t process, char name[QUEUE_HOLDER_NAME_MAX])
{
	FILE *file CLEANUP_FCLOSE = NULL;
	char path[LINK_TEXT_MAX];

	name[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%" PRId32 "/comm", process);
	file = fopen(path, "re");
	if (!file || !fgets(name, QUEUE_HOLDER_NAME_MAX, file))
		name[0] = '\0';
	name[strcspn(name, "\n")] = '\0';
}

void queue_holder_find(uint32_t portid, struct queue_holder *ret)
{
	uint64_t inode = find_socket(portid);

	*ret = (struct queue_holder){.process = inode ? find_process(inode) : 0};
	if (ret->process == 0 && portid <= INT32_MAX)
		ret->process = (int32_t)portid;
	if (ret->process != 0)
		read_name(ret->process, ret->name);
	if (!ret->name[0])
		ret->process = 0;
}

bool queue_holder_is(uint32_t portid, int32_t process, struct queue_holder *ret)
{
	char name[LINK_TEXT_MAX], wanted[LINK_TEXT_MAX];
	uint64_t inode = find_socket(portid);

	snprintf(name, sizeof(name), "%" PRId32, process);
	snprintf(wanted, sizeof(wanted), "socket:[%" PRIu64 "]", inode);
	if (inode == 0 || !has_descriptor(name, wanted))
		return false;
	ret->process = process;
	read_name(process, ret->name);
	return true;
}
