/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: the few blocks that go round between the reader's thread and the writer's. */
#ifndef OP25B_STORE_CHANNEL_H
#define OP25B_STORE_CHANNEL_H

#include "store/block.h"

#include <pthread.h>

enum { CHANNEL_BLOCKS = 4 };

struct channel {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	struct block *blocks[CHANNEL_BLOCKS];
	struct block *empty[CHANNEL_BLOCKS], *full[CHANNEL_BLOCKS];
	size_t empty_count, full_first, full_count;
	bool stopped;
};

/* 0 or -ENOMEM; then nothing is to be freed. */
int channel_init(struct channel *channel);
void channel_free(struct channel *channel);

/* The reader's side. NULL or false: the writer wants no more. */
struct block *channel_empty(struct channel *channel);
void channel_send(struct channel *channel, struct block *block);
/* Sends it, and waits until it has been answered; it is the reader's then. */
bool channel_ask(struct channel *channel, struct block *block);

/* The writer's side. NULL: none came for so long. */
struct block *channel_receive(struct channel *channel, int wait_ms);
/* Gives it back, to its asker if it is a question. */
void channel_return(struct channel *channel, struct block *block);
void channel_stop(struct channel *channel);

#endif
