/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Beyond the exact set: HyperLogLog (Flajolet, Fusy, Gandouet, Meunier, "HyperLogLog: the analysis of a near-optimal
 * cardinality estimation algorithm", 2007), with linear counting while registers are empty.
 */
#include "event/destinations.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_CAPACITY = 4, GROWTH = 4, REGISTER_BITS = 10 };

struct pair {
	uint64_t hi, lo;
};

struct destinations {
	uint16_t count;    /* of the exact set */
	uint16_t capacity; /* of the exact set */
	bool estimated;    /* the memory of the pairs holds registers */
	struct pair exact[];
};

_Static_assert(DESTINATIONS_REGISTERS == DESTINATIONS_EXACT_MAX * sizeof(struct pair),
	       "they share their memory");
_Static_assert(DESTINATIONS_REGISTERS == 1 << REGISTER_BITS,
	       "a register's number is REGISTER_BITS of the hash");

static size_t size_for(size_t capacity)
{
	return sizeof(struct destinations) + capacity * sizeof(struct pair);
}

static uint8_t *registers(struct destinations *set)
{
	return (uint8_t *)set->exact;
}

static bool grow(struct destinations **set, struct destinations_budget *budget)
{
	size_t old = *set ? (*set)->capacity : 0;
	size_t capacity = old ? old * GROWTH : FIRST_CAPACITY;
	size_t more = size_for(capacity) - (*set ? size_for(old) : 0);
	struct destinations *grown;

	if (budget->max - budget->used < more)
		return false;
	grown = realloc(*set, size_for(capacity));
	if (!grown)
		return false;
	if (!*set)
		*grown = (struct destinations){0};
	grown->capacity = (uint16_t)capacity;
	budget->used += more;
	*set = grown;
	return true;
}

static void estimate_add(struct destinations *set, const struct pair *pair)
{
	static const struct siphash_key key = {DESTINATIONS_KEY_0, DESTINATIONS_KEY_1};
	uint64_t hash = siphash_words(&key, (const uint64_t[]){pair->hi, pair->lo}, 2);
	uint64_t rest = hash >> REGISTER_BITS | UINT64_C(1) << (64 - REGISTER_BITS);
	uint8_t rank = (uint8_t)(__builtin_ctzll(rest) + 1);
	uint8_t *slot = &registers(set)[hash & (DESTINATIONS_REGISTERS - 1)];

	if (rank > *slot)
		*slot = rank;
}

/* The memory of the pairs has its greatest size. */
static void become_estimate(struct destinations *set)
{
	struct pair known[DESTINATIONS_EXACT_MAX];

	memcpy(known, set->exact, sizeof(known));
	memset(registers(set), 0, DESTINATIONS_REGISTERS);
	set->estimated = true;
	for (size_t i = 0; i < set->count; i++)
		estimate_add(set, &known[i]);
}

static bool exact_has(struct destinations *set, const struct pair *pair)
{
	const struct pair *known = set->exact;

	for (size_t i = 0; i < set->count; i++) {
		if (known[i].lo == pair->lo && known[i].hi == pair->hi)
			return true;
	}
	return false;
}

static bool pair_add(struct destinations **set, const struct pair *pair, struct destinations_budget *budget)
{
	if (*set && !(*set)->estimated && exact_has(*set, pair))
		return true;
	if (*set && !(*set)->estimated && (*set)->count == DESTINATIONS_EXACT_MAX)
		become_estimate(*set);
	if (*set && (*set)->estimated) {
		estimate_add(*set, pair);
		return true;
	}
	if ((!*set || (*set)->count == (*set)->capacity) && !grow(set, budget))
		return false;
	(*set)->exact[(*set)->count++] = *pair;
	return true;
}

bool destinations_add(struct destinations **set, const struct addr *addr, struct destinations_budget *budget)
{
	return pair_add(set, &(struct pair){addr->hi, addr->lo}, budget);
}

bool destinations_add_registers(struct destinations **set, const uint8_t more[DESTINATIONS_REGISTERS],
				struct destinations_budget *budget)
{
	uint8_t *own;

	while (!*set || (*set)->capacity < DESTINATIONS_EXACT_MAX) {
		if (!grow(set, budget))
			return false;
	}
	if (!(*set)->estimated)
		become_estimate(*set);
	own = registers(*set);
	for (size_t i = 0; i < DESTINATIONS_REGISTERS; i++)
		own[i] = own[i] > more[i] ? own[i] : more[i];
	return true;
}

bool destinations_unite(struct destinations **set, const struct destinations *other,
			struct destinations_budget *budget)
{
	bool added = true;

	if (other && other->estimated)
		return destinations_add_registers(set, destinations_registers(other), budget);
	for (size_t i = 0; added && other && i < other->count; i++)
		added = pair_add(set, &other->exact[i], budget);
	return added;
}

size_t destinations_list(const struct destinations *set, uint8_t family,
			 struct addr out[DESTINATIONS_EXACT_MAX])
{
	size_t count = set && !set->estimated ? set->count : 0;

	for (size_t i = 0; i < count; i++)
		out[i] = (struct addr){set->exact[i].hi, set->exact[i].lo, family};
	return count;
}

const uint8_t *destinations_registers(const struct destinations *set)
{
	return set && set->estimated ? (const uint8_t *)set->exact : NULL;
}

/* ---- as text ---- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { DIGIT_MAX = sizeof(digits) - 2 };

void destinations_sketch_write(const uint8_t values[DESTINATIONS_REGISTERS], char out[DESTINATIONS_REGISTERS])
{
	for (size_t i = 0; i < DESTINATIONS_REGISTERS; i++)
		out[i] = digits[values[i] < DIGIT_MAX ? values[i] : DIGIT_MAX];
}

bool destinations_sketch_read(const char *text, size_t len, uint8_t ret[DESTINATIONS_REGISTERS])
{
	uint8_t values[DESTINATIONS_REGISTERS];

	if (len != DESTINATIONS_REGISTERS)
		return false;
	for (size_t i = 0; i < len; i++) {
		const char *digit = memchr(digits, text[i], sizeof(digits) - 1);

		if (!digit)
			return false;
		values[i] = (uint8_t)(digit - digits);
	}
	memcpy(ret, values, sizeof(values));
	return true;
}

/* ---- counting ---- */

/* m * (1/(empty+1) + ... + 1/m): how many random draws leave `empty` of m registers empty, on average. */
static double linear_count(size_t empty)
{
	double sum = 0;

	for (size_t i = empty + 1; i <= DESTINATIONS_REGISTERS; i++)
		sum += 1.0 / (double)i;
	return sum * DESTINATIONS_REGISTERS;
}

static uint64_t estimate(const struct destinations *set)
{
	const double m = DESTINATIONS_REGISTERS, alpha = 0.7213 / (1 + 1.079 / m);
	const uint8_t *slots = destinations_registers(set);
	double sum = 0, result;
	size_t empty = 0;

	for (size_t i = 0; i < DESTINATIONS_REGISTERS; i++) {
		sum += 1.0 / (double)(UINT64_C(1) << slots[i]);
		empty += slots[i] == 0;
	}
	result = alpha * m * m / sum;
	if (result <= 2.5 * m && empty > 0)
		result = linear_count(empty);
	return result <= DESTINATIONS_EXACT_MAX ? DESTINATIONS_EXACT_MAX + 1 : (uint64_t)(result + 0.5);
}

uint64_t destinations_count(const struct destinations *set, bool *ret_exact)
{
	*ret_exact = !set || !set->estimated;
	if (!set)
		return 0;
	return set->estimated ? estimate(set) : set->count;
}

void destinations_free(struct destinations *set, struct destinations_budget *budget)
{
	if (!set)
		return;
	budget->used -= size_for(set->capacity);
	free(set);
}
