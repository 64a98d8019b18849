/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: the table listed, of days that are over. What is stored of such a day later undoes it: reach_flush(). */
#ifndef OP25B_STORE_LISTED_DAYS_H
#define OP25B_STORE_LISTED_DAYS_H

#include "store/database.h"
#include "store/listed.h"

/* Makes it for each day with records but the latest, where it is missing. Outside of a transaction: each day is one. more() is
 * asked between two days; false ends it. 0 or a negative errno with the reason told to the store. */
int listed_days_make(struct store *store, const struct siphash_key *key, bool (*more)(void *context),
		     void *context);

#endif
