/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/channel.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

int channel_init(struct channel *channel)
{
	pthread_condattr_t attributes;

	*channel = (struct channel){0};
	for (size_t i = 0; i < CHANNEL_BLOCKS; i++) {
		channel->blocks[i] = malloc(sizeof(struct block));
		if (!channel->blocks[i]) {
			while (i-- > 0)
				free(channel->blocks[i]);
			return -ENOMEM;
		}
		channel->empty[channel->empty_count++] = channel->blocks[i];
	}
	(void)pthread_mutex_init(&channel->mutex, NULL);
	(void)pthread_condattr_init(&attributes);
	(void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&channel->changed, &attributes);
	(void)pthread_condattr_destroy(&attributes);
	return 0;
}

void channel_free(struct channel *channel)
{
	for (size_t i = 0; i < CHANNEL_BLOCKS; i++)
		free(channel->blocks[i]);
	(void)pthread_cond_destroy(&channel->changed);
	(void)pthread_mutex_destroy(&channel->mutex);
}

static struct block *emptied(struct block *block)
{
	block->what = BLOCK_LINES;
	block->answered = false;
	block->error = 0;
	block->bytes = block->lines = block->foreign = 0;
	block->row_count = block->refusal_count = block->data_len = block->arena_used = 0;
	return block;
}

struct block *channel_empty(struct channel *channel)
{
	struct block *block = NULL;

	(void)pthread_mutex_lock(&channel->mutex);
	while (channel->empty_count == 0 && !channel->stopped)
		(void)pthread_cond_wait(&channel->changed, &channel->mutex);
	if (!channel->stopped)
		block = emptied(channel->empty[--channel->empty_count]);
	(void)pthread_mutex_unlock(&channel->mutex);
	return block;
}

static void put(struct channel *channel, struct block *block)
{
	channel->full[(channel->full_first + channel->full_count++) % CHANNEL_BLOCKS] = block;
	(void)pthread_cond_broadcast(&channel->changed);
}

void channel_send(struct channel *channel, struct block *block)
{
	(void)pthread_mutex_lock(&channel->mutex);
	put(channel, block);
	(void)pthread_mutex_unlock(&channel->mutex);
}

bool channel_ask(struct channel *channel, struct block *block)
{
	bool answered;

	(void)pthread_mutex_lock(&channel->mutex);
	block->what = BLOCK_BEGIN;
	block->answered = false;
	put(channel, block);
	while (!block->answered && !channel->stopped)
		(void)pthread_cond_wait(&channel->changed, &channel->mutex);
	answered = block->answered;
	(void)pthread_mutex_unlock(&channel->mutex);
	block->what = BLOCK_LINES;
	return answered;
}

struct block *channel_receive(struct channel *channel, int wait_ms)
{
	struct block *block = NULL;
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += wait_ms / 1000;
	until.tv_nsec += wait_ms % 1000 * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	(void)pthread_mutex_lock(&channel->mutex);
	while (channel->full_count == 0) {
		if (pthread_cond_timedwait(&channel->changed, &channel->mutex, &until) == ETIMEDOUT)
			break;
	}
	if (channel->full_count > 0) {
		block = channel->full[channel->full_first];
		channel->full_first = (channel->full_first + 1) % CHANNEL_BLOCKS;
		channel->full_count--;
	}
	(void)pthread_mutex_unlock(&channel->mutex);
	return block;
}

void channel_return(struct channel *channel, struct block *block)
{
	(void)pthread_mutex_lock(&channel->mutex);
	if (block->what == BLOCK_BEGIN)
		block->answered = true;
	else
		channel->empty[channel->empty_count++] = block;
	(void)pthread_cond_broadcast(&channel->changed);
	(void)pthread_mutex_unlock(&channel->mutex);
}

void channel_stop(struct channel *channel)
{
	(void)pthread_mutex_lock(&channel->mutex);
	channel->stopped = true;
	(void)pthread_cond_broadcast(&channel->changed);
	(void)pthread_mutex_unlock(&channel->mutex);
}
