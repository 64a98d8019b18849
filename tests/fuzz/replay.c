/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A fuzz target over the files of one directory, in memory of their own size: what fuzzing found stays tested. */
#include "entry.h"

#include "base/cleanup.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INPUT_MAX = 1 << 20 };

static int replay_file(const char *path)
{
	FILE *file CLEANUP_FCLOSE = fopen(path, "rbe");
	uint8_t *bytes CLEANUP_FREE = malloc(INPUT_MAX);
	uint8_t *exact;
	size_t len;

	if (!file || !bytes) {
		perror(path);
		return -1;
	}
	len = fread(bytes, 1, INPUT_MAX, file);
	exact = malloc(len ? len : 1);
	if (!exact)
		return -1;
	memcpy(exact, bytes, len);
	(void)LLVMFuzzerTestOneInput(exact, len);
	free(exact);
	return 0;
}

static int replay_directory(const char *directory)
{
	DIR *entries = opendir(directory);
	const struct dirent *entry;
	int count = 0;

	if (!entries) {
		perror(directory);
		return -1;
	}
	while ((entry = readdir(entries))) {
		char path[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		if (replay_file(path) < 0) {
			closedir(entries);
			return -1;
		}
		count++;
	}
	closedir(entries);
	return count;
}

int main(int argc, char **argv)
{
	int count = argc == 2 ? replay_directory(argv[1]) : -1;

	if (count <= 0) {
		fprintf(stderr, "usage: %s DIRECTORY (of at least one input)\n", argv[0]);
		return 1;
	}
	printf("%d inputs\n", count);
	return 0;
}
