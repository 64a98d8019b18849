/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-rules apply: what it says of other people's rules. */
#include "rules.h"

#include "net/nft_foreign.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	enum nft_foreign_act act;
	const char *name;
	const char *words;
} acts[] = {
	{NFT_FOREIGN_DROPS, "drops", "drops or rejects packets"},
	{NFT_FOREIGN_QUEUES, "queues", "queues packets to another program"},
	{NFT_FOREIGN_OFFLOADS, "offloads", "puts connections into a flowtable, and past op25b's rules"},
	{NFT_FOREIGN_MAPS, "maps", "asks a verdict map"},
};

enum { ACTS = sizeof(acts) / sizeof(acts[0]) };

static void warn_of(const struct nft_foreign *foreign)
{
	const char *between = "";

	fprintf(stderr, "op25b-rules: warning: chain %s of table %s %s (%s, priority %d) ", foreign->chain,
		foreign->table, foreign->family, foreign->hook, foreign->priority);
	for (size_t i = 0; i < ACTS; i++) {
		if ((foreign->acts & acts[i].act) == 0)
			continue;
		fprintf(stderr, "%s%s", between, acts[i].words);
		between = ", ";
	}
	if (foreign->acts == NFT_FOREIGN_OFFLOADS)
		fputc('\n', stderr);
	else
		fputs(foreign->same_priority ? "; it may come before op25b's rules\n"
					     : "; it comes before op25b's rules\n",
		      stderr);
}

static json_t *json_foreign(const struct nft_foreign *foreign)
{
	json_t *does = json_array();

	for (size_t i = 0; i < ACTS; i++) {
		if (foreign->acts & acts[i].act)
			json_array_append_new(does, json_string(acts[i].name));
	}
	return json_pack("{ss ss ss ss si sb so}", "family", foreign->family, "table", foreign->table,
			 "chain", foreign->chain, "hook", foreign->hook, "priority", (int)foreign->priority,
			 "same_priority", (int)foreign->same_priority, "does", does);
}

json_t *rules_tell_foreign(const struct rules_options *options, const struct ruleset *ruleset)
{
	struct nft_foreign *foreign = NULL;
	json_t *array = json_array();
	size_t count = 0;
	int r = nft_find_foreign(ruleset->family, ruleset->chains[0].priority, &foreign, &count);

	if (r < 0)
		fprintf(stderr, "op25b-rules: warning: looking for rules that come before: %s\n",
			strerror(-r));
	for (size_t i = 0; i < count; i++) {
		if (!options->json)
			warn_of(&foreign[i]);
		json_array_append_new(array, json_foreign(&foreign[i]));
	}
	free(foreign);
	return array;
}
