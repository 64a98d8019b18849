/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a kernel that holds one set of ranges must be told to hold another: whole ranges that go and whole ranges that
 * come, because it stores a range by its two ends. (space_subtract() tells of addresses, for people.)
 */
#ifndef OP25B_RULESET_DIFFERENCE_H
#define OP25B_RULESET_DIFFERENCE_H

#include "ruleset/model.h"

struct difference {
	struct ruleset_set removed, added; /* of the sets' family; ascending; the names are not used */
};

/*
 * The ranges of `from` that are not in `to`, and the other way round. All that goes must go before anything comes:
 * what comes may overlap it. 0; -E2BIG when there would be more than `max` ranges in all; -ENOMEM. Give back with
 * difference_clear() in any case.
 */
int difference_make(const struct ruleset_set *from, const struct ruleset_set *to, size_t max,
		    struct difference *ret);
void difference_clear(struct difference *difference);

#endif
