/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ruleset/verify_questions.h"

#include "base/vec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* An answer is that no rule holds, that one does, or that several do: two bits. */
enum { SEVERAL = 2, ANSWER_BITS = 2, ANSWERS_A_WORD = 64 / ANSWER_BITS };

static bool is_asked(const struct verify_questions *questions, const struct ruleset_match *match)
{
	switch (match->kind) {
	case RULESET_MATCH_SADDR:
	case RULESET_MATCH_SADDR_WITHIN:
		return questions->source;
	case RULESET_MATCH_DADDR:
	case RULESET_MATCH_DADDR_WITHIN:
		return !questions->source;
	default:
		return false;
	}
}

static bool is_within(const struct ruleset_match *match)
{
	return match->kind == RULESET_MATCH_SADDR_WITHIN || match->kind == RULESET_MATCH_DADDR_WITHIN;
}

static uint8_t family_of(const struct ruleset *ruleset, const struct ruleset_match *match)
{
	return is_within(match) ? match->prefix.addr.family : ruleset->sets[match->set].family;
}

/* The rule's first match that is asked of the address and is of the family, or NULL. */
static const struct ruleset_match *asked_of(const struct verify_questions *questions,
					    const struct ruleset_rule *rule)
{
	for (size_t i = 0; i < rule->match_count; i++) {
		if (is_asked(questions, &rule->matches[i]) &&
		    family_of(questions->ruleset, &rule->matches[i]) == questions->family)
			return &rule->matches[i];
	}
	return NULL;
}

static bool same_match(const struct ruleset_match *a, const struct ruleset_match *b)
{
	return a->kind == b->kind && a->op == b->op && a->mask == b->mask && a->value == b->value &&
	       a->set == b->set && strcmp(a->interface, b->interface) == 0 &&
	       a->prefix.len == b->prefix.len && addr_equal(&a->prefix.addr, &b->prefix.addr);
}

/* The next match that is not asked of the address, from *at on; NULL at the end. */
static const struct ruleset_match *next_other(const struct verify_questions *questions,
					      const struct ruleset_rule *rule, size_t *at)
{
	while (*at < rule->match_count) {
		const struct ruleset_match *match = &rule->matches[(*at)++];

		if (!is_asked(questions, match))
			return match;
	}
	return NULL;
}

static bool same_statement(const struct ruleset_statement *a, const struct ruleset_statement *b)
{
	return a->kind == b->kind && a->target == b->target && a->value == b->value && a->text == b->text;
}

static bool same_statements(const struct ruleset_rule *a, const struct ruleset_rule *b)
{
	if (a->statement_count != b->statement_count)
		return false;
	for (size_t i = 0; i < a->statement_count; i++) {
		if (!same_statement(&a->statements[i], &b->statements[i]))
			return false;
	}
	return true;
}

/* They differ at most in what they ask of the address. */
static bool same_but_address(const struct verify_questions *questions, const struct ruleset_rule *a,
			     const struct ruleset_rule *b)
{
	size_t at_a = 0, at_b = 0;

	if (!asked_of(questions, b) || !same_statements(a, b))
		return false;
	for (;;) {
		const struct ruleset_match *of_a = next_other(questions, a, &at_a);
		const struct ruleset_match *of_b = next_other(questions, b, &at_b);

		if (!of_a || !of_b)
			return of_a == of_b;
		if (!same_match(of_a, of_b))
			return false;
	}
}

/* Most sets are looked up in several places. */
static bool is_known(const struct verify_questions *questions, const struct ruleset_rule *rule)
{
	for (size_t i = 0; i < questions->count; i++) {
		const struct verify_question *known = &questions->items[i];

		if (known->count == 1 && rule->match_count == 1 && known->rules->match_count == 1 &&
		    same_match(&rule->matches[0], &known->rules->matches[0]))
			return true;
	}
	return false;
}

static int collect_chain(struct verify_questions *questions, const struct ruleset_chain *chain)
{
	size_t end;

	for (size_t i = 0; i < chain->rule_count; i = end) {
		const struct ruleset_rule *rule = &chain->rules[i];

		end = i + 1;
		if (!asked_of(questions, rule))
			continue;
		while (end < chain->rule_count && same_but_address(questions, rule, &chain->rules[end]))
			end++;
		if (end - i == 1 && is_known(questions, rule))
			continue;
		if (!VEC_RESERVE(questions->items, questions->capacity, questions->count + 1))
			return -ENOMEM;
		questions->items[questions->count++] = (struct verify_question){rule, end - i};
	}
	return 0;
}

int verify_questions_collect(const struct ruleset *ruleset, uint8_t family, bool source,
			     struct verify_questions *ret)
{
	int r = 0;

	*ret = (struct verify_questions){.ruleset = ruleset, .family = family, .source = source};
	for (size_t i = 0; i < ruleset->chain_count && r == 0; i++)
		r = collect_chain(ret, &ruleset->chains[i]);
	return r;
}

void verify_questions_free(struct verify_questions *questions)
{
	free(questions->items);
	*questions = (struct verify_questions){0};
}

size_t verify_questions_words(const struct verify_questions *questions)
{
	return (questions->count + ANSWERS_A_WORD - 1) / ANSWERS_A_WORD;
}

static bool match_holds(const struct ruleset *ruleset, const struct ruleset_match *match,
			const struct addr *addr)
{
	bool there;

	if (family_of(ruleset, match) != addr->family)
		return false;
	there = is_within(match) ? prefix_contains(&match->prefix, addr)
				 : ruleset_set_contains(&ruleset->sets[match->set], addr);
	return there == (match->op == RULESET_EQ);
}

static bool rule_holds(const struct verify_questions *questions, const struct ruleset_rule *rule,
		       const struct addr *addr)
{
	for (size_t i = 0; i < rule->match_count; i++) {
		if (is_asked(questions, &rule->matches[i]) &&
		    !match_holds(questions->ruleset, &rule->matches[i], addr))
			return false;
	}
	return true;
}

static unsigned answer(const struct verify_questions *questions, const struct verify_question *question,
		       const struct addr *addr)
{
	unsigned holding = 0;

	for (size_t i = 0; i < question->count && holding < SEVERAL; i++)
		holding += rule_holds(questions, &question->rules[i], addr);
	return holding;
}

void verify_questions_answer(const struct verify_questions *questions, const struct addr *addr,
			     uint64_t *words)
{
	memset(words, 0, verify_questions_words(questions) * sizeof(*words));
	for (size_t i = 0; i < questions->count; i++)
		words[i / ANSWERS_A_WORD] |= (uint64_t)answer(questions, &questions->items[i], addr)
					     << i % ANSWERS_A_WORD * ANSWER_BITS;
}
