/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How far what is stored reaches, gateway by gateway: where no record tells of a subscriber, this says whether anybody would
 * have written one. op25bd writes nothing while it blocks nobody and has nothing to say of itself, so what is known ends with
 * a gateway's latest record or notice; and where it let packets pass, or dropped them, unjudged, nobody saw whose they were.
 */
#ifndef OP25B_STORE_OBSERVED_H
#define OP25B_STORE_OBSERVED_H

#include <stddef.h>
#include <stdint.h>

struct store;

/* A time in which nobody judged packets: queues that were full, no daemon. last_us INT64_MAX: its end is not told. */
struct observed_pause {
	int64_t first_us, last_us;
};

struct observed_gateway {
	char *host;
	int64_t latest_us;             /* of its latest record's last packet, or of its latest notice */
	struct observed_pause *pauses; /* by their begins; they may overlap */
	size_t pause_count, pause_capacity;
};

/* All zeroes: nothing is known. */
struct observed {
	struct observed_gateway *gateways;
	size_t count, capacity;
};

/* What bears a time behind now_us is left out. 0, or a negative errno as all of store/query.h; observed_free() in any case. */
int store_observed(struct store *store, int64_t now_us, struct observed *ret);
void observed_free(struct observed *observed);

/* NULL: nothing of it is stored. */
const struct observed_gateway *observed_find(const struct observed *observed, const char *host);
/* Of the time from since_us to its latest word, how long nobody judged packets. */
int64_t observed_unjudged(const struct observed_gateway *gateway, int64_t since_us);

#endif
