/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is said of other people's rules. */
#include "rules.h"
#include "rules_foreign.h"

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

void rules_foreign_text(const struct nft_foreign *foreign, char out[RULES_FOREIGN_TEXT_MAX])
{
	const char *between = "";
	size_t len = (size_t)snprintf(out, RULES_FOREIGN_TEXT_MAX,
				      "chain %s of table %s %s (%s, priority %d) ", foreign->chain,
				      foreign->table, foreign->family, foreign->hook, foreign->priority);

	for (size_t i = 0; i < ACTS; i++) {
		if ((foreign->acts & acts[i].act) == 0)
			continue;
		len += (size_t)snprintf(out + len, RULES_FOREIGN_TEXT_MAX - len, "%s%s", between,
					acts[i].words);
		between = ", ";
	}
	if (foreign->acts != NFT_FOREIGN_OFFLOADS)
		snprintf(out + len, RULES_FOREIGN_TEXT_MAX - len, "; it %s before op25b's rules",
			 foreign->same_priority ? "may come" : "comes");
}

static void warn_of(const struct nft_foreign *foreign)
{
	char text[RULES_FOREIGN_TEXT_MAX];

	rules_foreign_text(foreign, text);
	fprintf(stderr, "op25b-rules: warning: %s\n", text);
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
