/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_known.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xxhash.h>

/* The second number tells a file of another byte order. */
static const char magic[8] = "op25bset";
enum { FORMAT = 1 << 24 | 2, SETS_MAX = 4096 };

/* Ranges: so many are read in a few milliseconds. */
enum { SMALL_SET = 2048 };

struct file_head {
	char magic[8];
	uint32_t format, generation;
	uint64_t mark, set_count;
	uint64_t bytes; /* of the file */
	uint32_t queue_form, answer_form;
	uint64_t sum[2]; /* of the head with a sum of 0, and all behind it */
};

/* Behind the heads of all sets their ranges follow, as they are in memory. */
struct file_set {
	char name[RULESET_NAME_MAX];
	uint64_t family, count;
};

_Static_assert(sizeof(struct file_head) % 8 == 0 && sizeof(struct file_set) % 8 == 0,
	       "the ranges stand where they can be used");

static size_t range_size(uint64_t family)
{
	return family == ADDR_IP4 ? sizeof(struct ruleset_range4) : sizeof(struct ruleset_range6);
}

const struct ruleset_set *nft_known_find(const struct nft_known *known, const char *name, uint8_t family)
{
	for (size_t i = 0; i < known->set_count; i++) {
		if (known->sets[i].family == family && strcmp(known->sets[i].name, name) == 0)
			return &known->sets[i];
	}
	return NULL;
}

/* The parts of a large set are no small sets: there are many of them. */
bool nft_known_is_large(const struct nft_known *known, const struct ruleset_set *set)
{
	size_t all = 0;

	if (set->count <= SMALL_SET)
		return false;
	for (size_t i = 0; i < known->set_count; i++)
		all += known->sets[i].count;
	return all > NFT_LARGE_SET / 2;
}

static int read_all(int fd, uint8_t *out, size_t len)
{
	while (len > 0) {
		ssize_t got = read(fd, out, len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got < 0 ? -errno : -EBADMSG;
		out += got;
		len -= (size_t)got;
	}
	return 0;
}

static bool head_is_sound(const uint8_t *file, size_t len)
{
	struct file_head head;
	XXH3_state_t *state;
	XXH128_hash_t sum;
	bool same;

	memcpy(&head, file, sizeof(head));
	if (memcmp(head.magic, magic, sizeof(magic)) != 0 || head.format != FORMAT || head.bytes != len ||
	    head.generation == 0 || head.set_count > SETS_MAX || head.queue_form > NFT_QUEUE_XT_TARGET ||
	    head.answer_form > NFT_ANSWER_NONE ||
	    head.set_count * sizeof(struct file_set) > len - sizeof(head))
		return false;
	state = XXH3_createState();
	if (!state)
		return false;
	sum = (XXH128_hash_t){head.sum[0], head.sum[1]};
	head.sum[0] = head.sum[1] = 0;
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, &head, sizeof(head));
	XXH3_128bits_update(state, file + sizeof(head), len - sizeof(head));
	same = XXH128_isEqual(sum, XXH3_128bits_digest(state)) != 0;
	XXH3_freeState(state);
	return same;
}

/* The sets' heads become sets whose ranges are those in the file. False when they do not fill it. */
static bool find_ranges(uint8_t *file, size_t len, size_t count, struct ruleset_set *sets)
{
	size_t at = sizeof(struct file_head) + count * sizeof(struct file_set);

	for (size_t i = 0; i < count; i++) {
		struct file_set head;

		memcpy(&head, file + sizeof(struct file_head) + i * sizeof(head), sizeof(head));
		if ((head.family != ADDR_IP4 && head.family != ADDR_IP6) ||
		    head.count > (len - at) / range_size(head.family))
			return false;
		sets[i] = (struct ruleset_set){.family = (uint8_t)head.family, .count = head.count};
		memcpy(sets[i].name, head.name, sizeof(head.name) - 1);
		if (head.family == ADDR_IP4)
			sets[i].ip4 = (struct ruleset_range4 *)(void *)(file + at);
		else
			sets[i].ip6 = (struct ruleset_range6 *)(void *)(file + at);
		at += head.count * range_size(head.family);
	}
	return at == len;
}

static int take_file(uint8_t *file, size_t len, struct nft_known *ret)
{
	struct file_head head;
	struct ruleset_set *sets;

	if (len < sizeof(head) || !head_is_sound(file, len))
		return -EBADMSG;
	memcpy(&head, file, sizeof(head));
	sets = calloc(head.set_count + 1, sizeof(*sets));
	if (!sets)
		return -ENOMEM;
	if (!find_ranges(file, len, head.set_count, sets)) {
		free(sets);
		return -EBADMSG;
	}
	*ret = (struct nft_known){
		.mark = head.mark,
		.generation = head.generation,
		.forms = {(enum nft_queue_form)head.queue_form, (enum nft_answer_form)head.answer_form},
		.sets = sets,
		.set_count = head.set_count,
		.file = file,
		.own = sets};
	return 0;
}

int nft_known_read(int fd, struct nft_known *ret)
{
	struct stat status;
	uint8_t *file;
	int r;

	if (fstat(fd, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode) || status.st_size < (off_t)sizeof(struct file_head))
		return -EBADMSG;
	file = malloc((size_t)status.st_size);
	if (!file)
		return -ENOMEM;
	r = read_all(fd, file, (size_t)status.st_size);
	if (r == 0)
		r = take_file(file, (size_t)status.st_size, ret);
	if (r < 0)
		free(file);
	return r;
}

/* One walk over all that stands in the file behind its head: each piece is handed on. */
static int each_piece(const struct nft_known *known,
		      int (*take)(void *context, const void *bytes, size_t len), void *context)
{
	int r = 0;

	for (size_t i = 0; i < known->set_count && r == 0; i++) {
		struct file_set head = {.family = known->sets[i].family, .count = known->sets[i].count};

		memcpy(head.name, known->sets[i].name, sizeof(head.name));
		r = take(context, &head, sizeof(head));
	}
	for (size_t i = 0; i < known->set_count && r == 0; i++) {
		const struct ruleset_set *set = &known->sets[i];

		if (set->count > 0)
			r = take(context, set->family == ADDR_IP4 ? (const void *)set->ip4 : set->ip6,
				 set->count * range_size(set->family));
	}
	return r;
}

static int add_len(void *context, const void *bytes, size_t len)
{
	*(uint64_t *)context += len;
	return 0;
}

static int add_to_sum(void *context, const void *bytes, size_t len)
{
	XXH3_128bits_update(context, bytes, len);
	return 0;
}

static int write_piece(void *context, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	while (len > 0) {
		ssize_t done = write(*(int *)context, at, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -errno;
		at += done;
		len -= (size_t)done;
	}
	return 0;
}

int nft_known_write(int fd, const struct nft_known *known)
{
	struct file_head head = {.format = FORMAT,
				 .generation = known->generation,
				 .mark = known->mark,
				 .set_count = known->set_count,
				 .bytes = sizeof(head),
				 .queue_form = (uint32_t)known->forms.queue,
				 .answer_form = (uint32_t)known->forms.answer};
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t sum;
	int r;

	if (!state)
		return -ENOMEM;
	memcpy(head.magic, magic, sizeof(magic));
	(void)each_piece(known, add_len, &head.bytes);
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, &head, sizeof(head));
	(void)each_piece(known, add_to_sum, state);
	sum = XXH3_128bits_digest(state);
	XXH3_freeState(state);
	head.sum[0] = sum.low64;
	head.sum[1] = sum.high64;
	r = write_piece(&fd, &head, sizeof(head));
	return r < 0 ? r : each_piece(known, write_piece, &fd);
}

void nft_known_clear(struct nft_known *known)
{
	free(known->file);
	free(known->own);
	*known = (struct nft_known){0};
}
