/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A run's sources with what became of their packets, and that as expectations. */
#include "expect/expect.h"

#include "base/siphash.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

enum { FIRST_CAPACITY = 64 };

struct seen {
	struct prefix subscriber; /* family ADDR_NONE: the packets show no source */
	bool used;
	enum expect_outcome outcome;
	enum reason reason;
	uint64_t attempts, packets;
};

struct expect_record {
	struct siphash_key key;
	struct seen *places;
	size_t capacity, count;
};

static int compare(const void *a, const void *b)
{
	const struct seen *one = a, *other = b;
	int order = prefix_compare(&one->subscriber, &other->subscriber);

	if (order)
		return order;
	if (one->outcome != other->outcome)
		return one->outcome < other->outcome ? 1 : -1;
	return (one->reason > other->reason) - (one->reason < other->reason);
}

static struct seen *find_place(const struct expect_record *record, const struct seen *seen)
{
	const uint64_t words[] = {seen->subscriber.addr.hi, seen->subscriber.addr.lo,
				  (uint64_t)seen->subscriber.len << 32 |
					  (uint64_t)seen->subscriber.addr.family << 16 |
					  (uint64_t)seen->outcome << 8 | (uint64_t)seen->reason};
	size_t mask = record->capacity - 1, at = siphash_words(&record->key, words, 3) & mask;

	while (record->places[at].used && compare(&record->places[at], seen) != 0)
		at = (at + 1) & mask;
	return &record->places[at];
}

static int reserve(struct expect_record *record)
{
	struct expect_record grown = *record;

	if ((record->count + 1) * 4 <= record->capacity * 3)
		return 0;
	grown.capacity = record->capacity ? record->capacity * 2 : FIRST_CAPACITY;
	grown.places = calloc(grown.capacity, sizeof(*grown.places));
	if (!grown.places)
		return -ENOMEM;
	for (size_t i = 0; i < record->capacity; i++)
		if (record->places[i].used)
			*find_place(&grown, &record->places[i]) = record->places[i];
	free(record->places);
	*record = grown;
	return 0;
}

int expect_record_new(struct expect_record **ret)
{
	struct expect_record *record = calloc(1, sizeof(*record));

	if (!record)
		return -ENOMEM;
	(void)!getrandom(&record->key, sizeof(record->key), GRND_NONBLOCK);
	*ret = record;
	return 0;
}

void expect_record_free(struct expect_record *record)
{
	if (record)
		free(record->places);
	free(record);
}

/* Who is charged for the packet; without a rule's word the address alone. */
static struct prefix subscriber_of(const struct expect_fact *fact)
{
	const struct addr *source = &fact->packet->src;
	uint8_t len = fact->decision->subscriber_len ? fact->decision->subscriber_len
						     : (uint8_t)addr_bits(source->family);

	if (fact->packet->family == ADDR_NONE)
		return (struct prefix){0};
	return (struct prefix){addr_mask(source, len), len};
}

int expect_record_add(struct expect_record *record, const struct expect_fact *fact)
{
	struct seen seen = {.subscriber = subscriber_of(fact),
			    .used = true,
			    .outcome = expect_outcome_of(fact->decision),
			    .reason = fact->decision->reason};
	struct seen *place;
	int r;

	if (seen.outcome == EXPECT_ALLOWED && !packet_is_port25(fact->packet))
		return 0;
	r = reserve(record);
	if (r < 0)
		return r;
	place = find_place(record, &seen);
	if (!place->used) {
		*place = seen;
		record->count++;
	}
	place->packets++;
	place->attempts += fact->decision->attempt;
	return 0;
}

static void write_line(const struct seen *seen, FILE *out)
{
	char who[PREFIX_TEXT_MAX] = "unknown";

	if (seen->subscriber.addr.family != ADDR_NONE)
		subscriber_format(&seen->subscriber, who);
	fprintf(out, "%-20s %s %s exactly %" PRIu64 " %s\n", who, expect_outcome_name(seen->outcome),
		reason_name(seen->reason), seen->attempts ? seen->attempts : seen->packets,
		seen->attempts ? "attempts" : "packets");
}

int expect_record_write(struct expect_record *record, FILE *out)
{
	struct seen *sorted = calloc(record->count + 1, sizeof(*sorted));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < record->capacity; i++)
		if (record->places[i].used)
			sorted[n++] = record->places[i];
	if (n > 1)
		qsort(sorted, n, sizeof(*sorted), compare);
	fputs("# What became of each source that sent to TCP port 25. Review it before it is expected.\n",
	      out);
	for (size_t i = 0; i < n; i++)
		write_line(&sorted[i], out);
	fputs("others               never blocked\nothers               never monitored\n", out);
	free(sorted);
	return 0;
}
