/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "store/reader.h"

#include "store/input.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HEAD_MAX = 1 << 16, /* bytes in which a file must show a record, to be known by it */
	RESTARTS_MAX = 3,
};

/* One file on its way. `block` is the one being filled: its data begin at the byte `begin` of the file's content. */
struct walk {
	struct reader *reader;
	const char *path;
	struct input *input;
	struct block *block;
	uint64_t begin, place, lines;
	size_t head_len;
	uint8_t head[HEAD_BYTES];
	bool has_head, at_end, too_long; /* too_long: within a line that is */
	bool unchanged;                  /* all of it was consumed before */
	uint64_t given_up;               /* bytes of it that are not in the block any more */
	char last[TAIL_OF];              /* bytes before the block's data */
	size_t last_len;
	struct event_line line;
};

enum outcome { DONE, AGAIN, STOPPED };

/* ---- bytes ---- */

/* Keeps what stands before the block's data, when so many bytes at `bytes` are given up. */
static void remember(struct walk *walk, const char *bytes, size_t len)
{
	size_t own = len < TAIL_OF ? len : TAIL_OF,
	       old = TAIL_OF - own < walk->last_len ? TAIL_OF - own : walk->last_len;

	memmove(walk->last, walk->last + walk->last_len - old, old);
	memcpy(walk->last + old, bytes + len - own, own);
	walk->last_len = old + own;
	walk->begin += len;
}

/* Gives up the first bytes of the block's data. */
static void forget(struct walk *walk, size_t len)
{
	struct block *block = walk->block;

	remember(walk, block->data, len);
	block->data_len -= len;
	memmove(block->data, block->data + len, block->data_len);
}

/* False when what was read is of no use: the file was emptied meanwhile, and another one has begun under the same name. */
static bool still_same(const struct walk *walk)
{
	uint8_t head[HEAD_BYTES];
	char *bytes;
	bool same;

	if (!walk->has_head || input_is_packed(walk->input))
		return true;
	bytes = malloc(walk->head_len);
	if (!bytes || input_peek(walk->input, 0, bytes, walk->head_len) != walk->head_len) {
		free(bytes);
		return false;
	}
	block_head(bytes, walk->head_len, head);
	same = memcmp(head, walk->head, HEAD_BYTES) == 0;
	free(bytes);
	return same;
}

static bool fill(struct walk *walk)
{
	struct block *block = walk->block;
	size_t room = sizeof(block->data) - block->data_len;
	ssize_t got =
		input_read(walk->input, block->data + block->data_len, room < BLOCK_READ ? room : BLOCK_READ);

	walk->at_end = got <= 0;
	if (got <= 0)
		return true;
	block->data_len += (size_t)got;
	return still_same(walk);
}

/* ---- what a file is known by ---- */

static size_t head_length(struct walk *walk)
{
	const struct block *block = walk->block;
	const char *at = block->data, *end = at + block->data_len, *newline;

	while (at < end && at < block->data + HEAD_MAX && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		enum event_line_type type = event_line_read(at, (size_t)(newline - at), &walk->line);

		at = newline + 1;
		if (type == EVENT_LINE_RECORD || type == EVENT_LINE_NOTICE)
			return (size_t)(at - block->data);
	}
	return block->data_len >= HEAD_MAX ? HEAD_MAX : 0;
}

static void find_head(struct walk *walk)
{
	while (walk->block->data_len < HEAD_MAX && !walk->at_end)
		(void)fill(walk);
	walk->head_len = head_length(walk);
	walk->has_head = walk->head_len > 0;
	block_head(walk->block->data, walk->head_len, walk->head);
}

static void describe(struct walk *walk, bool restarted)
{
	const struct stat *found = input_stat(walk->input);
	struct block_file *file = &walk->block->file;

	*file = (struct block_file){
		.path = walk->path,
		.device = found->st_dev,
		.inode = found->st_ino,
		.size = (uint64_t)found->st_size,
		.mtime_ns = (int64_t)found->st_mtim.tv_sec * 1000000000 + found->st_mtim.tv_nsec,
		.has_head = walk->has_head,
		.restarted = restarted,
		.unsettled = input_failure(walk->input) && !input_is_damaged(walk->input),
	};
	memcpy(file->head, walk->head, HEAD_BYTES);
}

/* ---- lines ---- */

static void refuse(struct walk *walk, const char *why)
{
	struct refusal *refusal = &walk->block->refusals[walk->block->refusal_count++];

	refusal->line = walk->lines + 1;
	refusal->offset = walk->place;
	snprintf(refusal->why, sizeof(refusal->why), "%s", why);
}

/* False when the block has no room for it. */
static bool take_line(struct walk *walk, const char *text, size_t len)
{
	struct block *block = walk->block;
	char why[EVENT_LINE_WHY_MAX];

	if (block->row_count == BLOCK_ROWS || block->refusal_count == BLOCK_REFUSALS)
		return false;
	switch (walk->too_long ? EVENT_LINE_REFUSED : event_line_read(text, len, &walk->line)) {
	case EVENT_LINE_RECORD:
	case EVENT_LINE_NOTICE:
		if (!block_add(block, &walk->reader->key, &walk->line, text, len))
			return false;
		break;
	case EVENT_LINE_FOREIGN:
		block->foreign++;
		break;
	case EVENT_LINE_REFUSED:
		if (!walk->too_long) /* else nothing was read of it */
			event_line_why(&walk->line, why);
		refuse(walk, walk->too_long ? "longer than any record" : why);
		break;
	}
	walk->too_long = false;
	block->lines++;
	walk->lines++;
	return true;
}

/* Whole lines, as many as the block has room for; how many bytes they are. */
static size_t take_lines(struct walk *walk)
{
	struct block *block = walk->block;
	char *at = block->data, *end = at + block->data_len, *newline;

	while (at < end && (newline = memchr(at, '\n', (size_t)(end - at)))) {
		if (!take_line(walk, at, (size_t)(newline - at)))
			break;
		at = newline + 1;
		walk->place = walk->begin + (uint64_t)(at - block->data);
	}
	return (size_t)(at - block->data);
}

/* Sends the block, of whose data so many bytes are used; the rest goes to the next one. */
static bool send_lines(struct walk *walk, size_t used)
{
	struct block *block = walk->block, *next = channel_empty(walk->reader->channel);

	if (!next)
		return false;
	next->data_len = block->data_len - used;
	memcpy(next->data, block->data + used, next->data_len);
	remember(walk, block->data, used);
	block_tail(walk->last + walk->last_len, walk->last_len, block->tail);
	block->place = walk->place;
	block->bytes = used + walk->given_up;
	walk->given_up = 0;
	walk->block = next;
	channel_send(walk->reader->channel, block);
	return true;
}

static bool is_too_long(const struct walk *walk)
{
	return walk->too_long || walk->block->data_len > EVENT_LINE_MAX;
}

static enum outcome read_lines(struct walk *walk)
{
	for (;;) {
		size_t used = take_lines(walk);

		if (used > 0) {
			if (!send_lines(walk, used))
				return STOPPED;
			continue;
		}
		if (walk->at_end)
			return DONE;
		if (is_too_long(walk)) {
			walk->too_long = true;
			walk->given_up += walk->block->data_len;
			forget(walk, walk->block->data_len);
		}
		if (!fill(walk))
			return AGAIN;
	}
}

/* ---- files ---- */

static void begin_again(struct walk *walk)
{
	input_rewind(walk->input);
	walk->begin = walk->place = walk->lines = walk->given_up = 0;
	walk->last_len = walk->block->data_len = 0;
	walk->at_end = false;
}

static bool ask(struct walk *walk, bool restarted)
{
	describe(walk, restarted);
	if (!channel_ask(walk->reader->channel, walk->block))
		return false;
	walk->place = walk->block->file.place;
	walk->lines = walk->block->file.lines;
	return true;
}

/* Steps to the place where it was left. False when the file has no such place: it is shorter now. */
static bool step_to_place(struct walk *walk)
{
	struct block *block = walk->block;

	if (!input_is_packed(walk->input)) {
		walk->begin = walk->place - (walk->place < TAIL_OF ? walk->place : TAIL_OF);
		block->data_len = 0;
		walk->at_end = false;
		input_seek(walk->input, walk->begin);
	}
	while (walk->begin + block->data_len < walk->place && !walk->at_end) {
		forget(walk, block->data_len);
		(void)fill(walk);
	}
	if (walk->begin + block->data_len < walk->place)
		return false;
	forget(walk, (size_t)(walk->place - walk->begin));
	return true;
}

/* What stands before the place must be what stood there, else this is another file that only begins alike. */
static enum outcome read_on(struct walk *walk)
{
	uint8_t tail[TAIL_BYTES];

	walk->unchanged = walk->block->file.unchanged;
	if (walk->unchanged) {
		walk->block->data_len = 0;
		return DONE;
	}
	if (walk->place > 0) {
		if (!step_to_place(walk))
			return DONE;
		block_tail(walk->last + walk->last_len, walk->last_len, tail);
		if (memcmp(tail, walk->block->file.tail, TAIL_BYTES) != 0) {
			begin_again(walk);
			if (!ask(walk, true))
				return STOPPED;
		}
	}
	return read_lines(walk);
}

/* Nobody writes on in a packed file: what is no whole line now never becomes one. NULL: it is whole. */
static const char *what_is_missing(const struct walk *walk)
{
	bool half = walk->block->data_len > 0 || walk->too_long;

	if (walk->unchanged)
		return NULL;
	if (input_failure(walk->input))
		return input_failure(walk->input);
	return half && walk->at_end && input_is_packed(walk->input) ? "the file ends within a line" : NULL;
}

static void send_end(struct walk *walk, bool again, int error)
{
	struct block *block = walk->block;

	if (walk->input) {
		const char *missing = what_is_missing(walk);

		describe(walk, false);
		if (missing && !again) {
			block->refusal_count = 0;
			refuse(walk, missing);
			block->bytes = block->data_len + walk->given_up;
		}
		block->file.missing = block->file.unsettled ? NULL : missing;
		block->file.unsettled |= again;
	} else {
		block->file = (struct block_file){.path = walk->path};
	}
	block->what = BLOCK_END;
	block->error = error;
	block->data_len = 0;
	channel_send(walk->reader->channel, block);
}

static enum outcome read_file(struct reader *reader, struct walk *walk, const char *path)
{
	enum outcome outcome = DONE;
	int r;

	*walk = (struct walk){.reader = reader, .path = path};
	walk->block = channel_empty(reader->channel);
	if (!walk->block)
		return STOPPED;
	r = input_open(path, &walk->input);
	if (r == 0) {
		find_head(walk);
		outcome = ask(walk, false) ? read_on(walk) : STOPPED;
	}
	if (outcome != STOPPED)
		send_end(walk, outcome == AGAIN, r);
	input_close(walk->input);
	return outcome;
}

void *reader_run(void *context)
{
	struct reader *reader = context;
	struct walk *walk = malloc(sizeof(*walk));
	struct block *block;
	enum outcome outcome = walk ? DONE : STOPPED;
	bool memory = walk != NULL;

	for (size_t i = 0; outcome != STOPPED && i < reader->files->count; i++) {
		outcome = AGAIN;
		for (int tries = 0; outcome == AGAIN && tries <= RESTARTS_MAX; tries++)
			outcome = read_file(reader, walk, reader->files->items[i].path);
	}
	free(walk);
	block = channel_empty(reader->channel);
	if (block) {
		block->what = BLOCK_STOP;
		block->error = memory ? 0 : -ENOMEM;
		channel_send(reader->channel, block);
	}
	return NULL;
}
