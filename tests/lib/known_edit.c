/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * known_edit FILE AHEAD: makes what op25b-rules keeps of its last apply say that it is of AHEAD generations later. So a
 * test has it believed although it no longer holds, which the kernel's count of changes does not let happen.
 */
#include "net/nft_known.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	struct nft_known known;
	int fd = argc == 3 ? open(argv[1], O_RDWR | O_CLOEXEC) : -1;
	int r = fd < 0 ? -1 : nft_known_read(fd, &known);

	if (r == 0) {
		known.generation += (uint32_t)strtoul(argv[2], NULL, 10);
		r = lseek(fd, 0, SEEK_SET) < 0 ? -1 : nft_known_write(fd, &known);
		nft_known_clear(&known);
	}
	if (r < 0)
		fputs("known_edit: no such file, or it is damaged\n", stderr);
	if (fd >= 0)
		close(fd);
	return r < 0;
}
