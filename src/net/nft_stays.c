/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_stays.h"

#include "net/nft_table.h"

#include <errno.h>
#include <string.h>

enum { READS_MAX = 8 }; /* of a table that somebody changes meanwhile */

static bool is_kept(const struct ruleset *ruleset, const struct nft_object *set)
{
	char layout[NFT_LAYOUT_MAX];

	for (size_t i = 0; ruleset && i < ruleset->live_count; i++) {
		if (strcmp(ruleset->live[i].name, set->name) != 0)
			continue;
		nft_live_layout(layout, &ruleset->live[i]);
		return strcmp(layout, set->layout) == 0;
	}
	return false;
}

static int read_table(struct nft_socket *nft, enum policy_family family, struct nft_table *table)
{
	int r = -EINTR;

	for (int i = 0; i < READS_MAX && r == -EINTR; i++) {
		nft_table_free(table);
		*table = (struct nft_table){0};
		r = nft_table_read(nft, nft_family(family), table);
	}
	return r;
}

/* A table of the other family is deleted by an apply. */
static int look(struct nft_socket *nft, const struct ruleset *ruleset, enum policy_family family, bool *stays)
{
	const struct ruleset *same = ruleset && ruleset->family == family ? ruleset : NULL;
	struct nft_table table = {0};
	int r = read_table(nft, family, &table);

	for (size_t i = 0; r == 0 && i < table.sets.count; i++)
		*stays = *stays && (!table.sets.items[i].live || is_kept(same, &table.sets.items[i]));
	nft_table_free(&table);
	return r;
}

int nft_learned_stays(const struct ruleset *ruleset, bool *ret)
{
	struct nft_socket nft = {0};
	bool stays = true;
	int r = nft_socket_open(&nft);

	if (r < 0)
		return r;
	r = look(&nft, ruleset, POLICY_FAMILY_INET, &stays);
	if (r == 0)
		r = look(&nft, ruleset, POLICY_FAMILY_BRIDGE, &stays);
	nft_socket_close(&nft);
	if (r == 0)
		*ret = stays;
	return r;
}
