/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to ruleset/: what the rules ask of an address. Rules that stand one after another, do the same, and differ only in
 * the addresses they want are one question: how many of them hold. So the parts of a divided set make no more classes of
 * addresses than the whole would; and because it is the rules as they are that are asked, a part that is looked up in the wrong
 * place, twice, or not at all makes a class of its own.
 */
#ifndef OP25B_RULESET_VERIFY_QUESTIONS_H
#define OP25B_RULESET_VERIFY_QUESTIONS_H

#include "ruleset/model.h"

/* The rules [first, first + count) of a chain. */
struct verify_question {
	const struct ruleset_rule *rules;
	size_t count;
};

/* What is asked of sources, or of destinations, of one family. Borrows the ruleset. */
struct verify_questions {
	const struct ruleset *ruleset;
	uint8_t family;
	bool source;
	struct verify_question *items;
	size_t count, capacity;
};

/* 0 or -ENOMEM; give back with verify_questions_free() in any case. */
int verify_questions_collect(const struct ruleset *ruleset, uint8_t family, bool source,
			     struct verify_questions *ret);
void verify_questions_free(struct verify_questions *questions);

/* The answers for an address, in that many words: addresses of the same answers are the same to all rules. */
size_t verify_questions_words(const struct verify_questions *questions);
void verify_questions_answer(const struct verify_questions *questions, const struct addr *addr,
			     uint64_t *words);

#endif
