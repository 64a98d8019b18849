/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "event/intern.h"

#include "base/vec.h"

#include <stdlib.h>
#include <string.h>

static uint16_t *bucket_of(struct intern *intern, const char *bytes, size_t len)
{
	uint64_t words[INTERN_TEXT_MAX / 8] = {0};

	memcpy(words, bytes, len);
	return &intern->buckets[siphash_words(&intern->key, words, (len + 7) / 8) % INTERN_BUCKETS];
}

static struct intern_text *text_at(const struct intern *intern, uint16_t number)
{
	return &intern->texts[number - 1];
}

static uint16_t find(const struct intern *intern, uint16_t number, const char *bytes, size_t len)
{
	while (number) {
		const struct intern_text *text = text_at(intern, number);

		if (text->len == len && memcmp(text->bytes, bytes, len) == 0)
			break;
		number = text->next;
	}
	return number;
}

static uint16_t take_number(struct intern *intern)
{
	uint16_t number = intern->free;

	if (number) {
		intern->free = text_at(intern, number)->next;
		return number;
	}
	if (intern->count == INTERN_MAX || !VEC_RESERVE(intern->texts, intern->capacity, intern->count + 1))
		return 0;
	return (uint16_t)++intern->count;
}

static uint16_t add(struct intern *intern, uint16_t *bucket, const char *bytes, size_t len)
{
	char *copy = malloc(len + 1);
	uint16_t number = copy ? take_number(intern) : 0;

	if (!number) {
		free(copy);
		return 0;
	}
	memcpy(copy, bytes, len);
	copy[len] = '\0';
	*text_at(intern, number) = (struct intern_text){copy, (uint32_t)len, 0, *bucket};
	*bucket = number;
	return number;
}

uint16_t intern_hold(struct intern *intern, const char *bytes, size_t len)
{
	uint16_t *bucket, number;

	if (len > INTERN_TEXT_MAX)
		return 0;
	bucket = bucket_of(intern, bytes, len);
	number = find(intern, *bucket, bytes, len);
	if (!number)
		number = add(intern, bucket, bytes, len);
	if (number)
		text_at(intern, number)->users++;
	return number;
}

void intern_keep(struct intern *intern, uint16_t number)
{
	text_at(intern, number)->users++;
}

void intern_release(struct intern *intern, uint16_t number)
{
	struct intern_text *text;
	uint16_t *link;

	if (!number)
		return;
	text = text_at(intern, number);
	if (--text->users > 0)
		return;
	link = bucket_of(intern, text->bytes, text->len);
	while (*link != number)
		link = &text_at(intern, *link)->next;
	*link = text->next;
	free(text->bytes);
	*text = (struct intern_text){.next = intern->free};
	intern->free = number;
}

const char *intern_text(const struct intern *intern, uint16_t number)
{
	return number ? text_at(intern, number)->bytes : "";
}

void intern_clear(struct intern *intern)
{
	for (size_t i = 0; i < intern->count; i++)
		free(intern->texts[i].bytes);
	free(intern->texts);
	*intern = (struct intern){.key = intern->key};
}
