/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Internal to store/: the thread that reads record files line by line and sends what stands in them. A file is known by its
 * content, so that one that was renamed, packed or copied meanwhile is read on where it was left.
 */
#ifndef OP25B_STORE_READER_H
#define OP25B_STORE_READER_H

#include "store/channel.h"
#include "store/siblings.h"

struct reader {
	struct channel *channel;
	const struct siblings *files;
	struct siphash_key key;
};

/* A thread's function, of a struct reader: sends all files, each as BLOCK_BEGIN, BLOCK_LINES and BLOCK_END, then BLOCK_STOP. */
void *reader_run(void *context);

#endif
