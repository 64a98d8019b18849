/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is not known of records that tell several rules and several reasons, but not which packets had both. */
#include "store/facts.h"

struct division {
	const struct question *question;
	uint64_t divided, whole; /* packets in ways that are divided, and in others */
};

static int add_to_division(void *context, const struct fact *fact)
{
	struct division *division = context;

	if (division->question->ways[fact->way].way.divided)
		division->divided += fact->sums.packets;
	else
		division->whole += fact->sums.packets;
	return 0;
}

static int read_division(struct store *store, const struct store_filter *filter, struct division *ret)
{
	const struct fact_range range = {filter->since_us, filter->until_us, FACT_DAY, FACT_ANY_ORDER, false};
	struct question question;
	int r = question_begin(&question, store, filter);

	*ret = (struct division){.question = &question};
	r = r < 0 ? r : facts_require_attempts(&question);
	r = r < 0 ? r : facts_read(&question, &range, add_to_division, ret);
	ret->question = NULL;
	return question_end(&question, r);
}

/* No more of both than of either, whatever subscribers a least number of attempts leaves out. */
static int find_most(struct store *store, const struct store_filter *filter, uint64_t *ret)
{
	struct store_filter by_rule = *filter, by_reason = *filter;
	struct division rule = {0}, reason = {0};
	int r;

	by_rule.reason = by_reason.rule = NULL;
	by_rule.min_attempts = by_reason.min_attempts = 0;
	r = read_division(store, &by_rule, &rule);
	r = r < 0 ? r : read_division(store, &by_reason, &reason);
	*ret = rule.divided < reason.divided ? rule.divided : reason.divided;
	return r;
}

int store_divided(struct store *store, const struct store_filter *filter, struct store_divided *ret)
{
	struct division both;
	uint64_t most = 0;
	int r = read_division(store, filter, &both);

	if (r == 0 && filter->rule && filter->reason)
		r = find_most(store, filter, &most);
	if (r < 0)
		return r;
	*ret = (struct store_divided){both.divided, both.whole, both.whole + most};
	if (!filter->rule || !filter->reason)
		ret->least = ret->most = both.whole + both.divided;
	return 0;
}
