/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_fingerprint.h"

#include "net/nft_queueing.h"
#include "net/nft_read.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

static void add_text(XXH3_state_t *hash, const char *text)
{
	/* With its end, so that two texts are not taken for another two. */
	(void)XXH3_64bits_update(hash, text, strlen(text) + 1);
}

static void add_chain(XXH3_state_t *hash, const struct image_chain *chain)
{
	add_text(hash, chain->name);
	add_text(hash, chain->hook);
	for (size_t i = 0; i < chain->rule_count; i++)
		add_text(hash, chain->rules[i]);
}

static void add_set(XXH3_state_t *hash, const struct image_set *set)
{
	add_text(hash, set->name);
	add_text(hash, set->type);
	(void)XXH3_64bits_update(hash, &set->mark, sizeof(set->mark));
	if (set->space.ip4)
		(void)XXH3_64bits_update(hash, set->space.ip4, set->space.count * sizeof(set->space.ip4[0]));
	if (set->space.ip6)
		(void)XXH3_64bits_update(hash, set->space.ip6, set->space.count * sizeof(set->space.ip6[0]));
}

static uint64_t fingerprint_of(const struct ruleset_image *image)
{
	XXH3_state_t *hash = XXH3_createState();
	uint64_t value;

	if (!hash)
		return 0;
	(void)XXH3_64bits_reset(hash);
	for (size_t i = 0; i < image->chain_count; i++)
		add_chain(hash, &image->chains[i]);
	for (size_t i = 0; i < image->set_count; i++)
		add_set(hash, &image->sets[i]);
	for (size_t i = 0; i < image->thing_count; i++)
		add_text(hash, image->things[i].name);
	value = XXH3_64bits_digest(hash);
	XXH3_freeState(hash);
	return value ? value : 1;
}

int nft_fingerprint_read(enum policy_family family, struct nft_fingerprint *ret)
{
	struct nft_fingerprint now = {.there = false};
	struct ruleset_image image;
	uint32_t after = 0;
	int r = nft_queueing_generation(&now.generation);

	if (r < 0)
		return r;
	r = nft_read(family, NFT_FINGERPRINT_ELEMENTS, NULL, &image);
	if (r == 0)
		r = nft_queueing_generation(&after);
	if (r == 0 && after != now.generation)
		r = -EINTR;
	if (r == 0 && image.there) {
		now.there = !image.asleep;
		now.value = fingerprint_of(&image);
		if (now.value == 0)
			r = -ENOMEM;
	}
	image_clear(&image);
	if (r == 0)
		*ret = now;
	return r;
}
