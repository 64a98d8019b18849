/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules_compare.h"
#include "rules_daemon.h"
#include "rules_state.h"

#include "net/nft_read.h"

#include <errno.h>
#include <stdint.h>

void rules_sides_clear(struct rules_sides *sides)
{
	change_list_clear(&sides->changes);
	image_clear(&sides->live);
	image_clear(&sides->wanted);
	nft_known_clear(&sides->known);
}

bool rules_some_kept(const struct rules_sides *sides)
{
	for (size_t i = 0; i < sides->live.set_count; i++) {
		if (sides->live.sets[i].kept)
			return true;
	}
	return false;
}

int rules_compare(const struct rules_options *options, const struct ruleset *ruleset,
		  struct rules_sides *sides)
{
	struct nft_forms forms = {0};
	char error[NFT_ERROR_MAX];
	int r = nft_choose_forms(ruleset->family, &forms, error);

	if (r < 0 && r != -EOPNOTSUPP)
		return r;
	if (!options->full)
		state_read(&sides->known);
	rules_daemon_follow(options, &sides->known);
	/* A kernel that cannot queue has other rules, if any; that shows. */
	r = nft_expect(ruleset, forms, &sides->wanted);
	if (r == 0)
		r = nft_read(ruleset->family, SIZE_MAX, &sides->known, &sides->live);
	return r < 0 ? r : compare_images(&sides->live, &sides->wanted, &sides->changes);
}
