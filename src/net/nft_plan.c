/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_plan.h"

#include "net/nft_elements.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Every set of the table that is known bears the mark: else what is known is of another table. */
static bool bears_marks(const struct nft_known *known, const struct nft_table *table)
{
	for (size_t i = 0; i < known->set_count; i++) {
		const struct nft_object *live = nft_find_object(&table->sets, known->sets[i].name);

		if (live && live->mark != known->mark)
			return false;
	}
	return known->mark != 0;
}

static enum nft_whole why_whole(const struct nft_known *known, const struct nft_table *table)
{
	if (!table->there)
		return NFT_WHOLE_NEW;
	if (!known || known->generation == 0)
		return NFT_WHOLE_UNKNOWN;
	if (known->generation != table->generation)
		return NFT_WHOLE_CHANGED;
	return bears_marks(known, table) ? NFT_WHOLE_NOT : NFT_WHOLE_UNKNOWN;
}

bool nft_plan_holds(const struct nft_known *known, const struct nft_table *table)
{
	return why_whole(known, table) == NFT_WHOLE_NOT;
}

/* A set that changes by more than half is made anew: the kernel is as fast, and its memory is in order again. */
static size_t difference_max(const struct ruleset_set *set)
{
	return set->count / 2;
}

static int plan_set(const struct nft_known *known, const struct nft_table *table,
		    struct nft_planned_set *planned)
{
	const struct ruleset_set *wanted = planned->wanted;
	const struct ruleset_set *held = nft_known_find(known, wanted->name, wanted->family);
	const struct nft_object *live = nft_find_object(&table->sets, wanted->name);
	int r;

	if (!held || !live || (live->exact && !ruleset_set_is_exact(wanted)))
		return 0;
	planned->exact = live->exact;
	r = difference_make(held, wanted, difference_max(wanted), &planned->difference);
	planned->stays = r == 0;
	return r == -E2BIG ? 0 : r;
}

static uint64_t new_mark(void)
{
	uint64_t mark = 0;

	/* Without a number sets bear none, and are made anew the next time. */
	if (getrandom(&mark, sizeof(mark), GRND_NONBLOCK) != (ssize_t)sizeof(mark))
		return 0;
	return mark;
}

int nft_plan_make(const struct nft_known *known, const struct nft_table *table,
		  const struct ruleset_set *sets, size_t count, struct nft_plan *ret)
{
	int r = 0;

	*ret = (struct nft_plan){.whole = why_whole(known, table)};
	ret->sets = calloc(count + 1, sizeof(*ret->sets));
	if (!ret->sets)
		return -ENOMEM;
	ret->count = count;
	ret->mark = ret->whole != NFT_WHOLE_NOT ? new_mark() : known->mark;
	for (size_t i = 0; i < count && r == 0; i++) {
		ret->sets[i].wanted = &sets[i];
		if (ret->whole == NFT_WHOLE_NOT)
			r = plan_set(known, table, &ret->sets[i]);
		if (!ret->sets[i].stays) {
			ret->whole_sets++;
			continue;
		}
		ret->removed += ret->sets[i].difference.removed.count;
		ret->added += ret->sets[i].difference.added.count;
	}
	return r;
}

void nft_plan_free(struct nft_plan *plan)
{
	for (size_t i = 0; i < plan->count; i++)
		difference_clear(&plan->sets[i].difference);
	free(plan->sets);
	*plan = (struct nft_plan){0};
}

bool nft_plan_keeps(const void *plan, const struct nft_object *set)
{
	const struct nft_plan *p = plan;

	for (size_t i = 0; p && i < p->count; i++) {
		if (p->sets[i].stays && strcmp(p->sets[i].wanted->name, set->name) == 0)
			return true;
	}
	return false;
}

void nft_plan_put_difference(struct nft_batch *batch, struct nft_socket *nft,
			     const struct nft_planned_set *planned)
{
	/* What goes, first: what comes may overlap it. */
	nft_put_elements(batch, nft, NFT_MSG_DELSETELEM, planned->wanted->name, &planned->difference.removed,
			 planned->exact);
	nft_put_elements(batch, nft, NFT_MSG_NEWSETELEM, planned->wanted->name, &planned->difference.added,
			 planned->exact);
}
