/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store's answers, each beside what looking at every record gives. */
#include "query_world.h"

enum { ROUNDS = 80, SEEDS = 3, ROWS_MAX = 2000, ENDED = 77 };

static struct world world;

struct answer {
	size_t count;
	union {
		struct store_talker talkers[WORLD_SUBSCRIBERS + 1];
		struct store_group_row groups[WORLD_DESTINATIONS * 8];
		struct store_bucket buckets[ROWS_MAX];
		struct store_record records[WORLD_RECORDS + 1];
		struct addr addresses[WORLD_DESTINATIONS * 8];
	};
	char names[WORLD_DESTINATIONS * 8][ADDR_TEXT_MAX];
	size_t stop_after; /* 0: never */
};

static struct answer answer;

static int next(void)
{
	return answer.stop_after && answer.count >= answer.stop_after ? ENDED : 0;
}

/* ---- totals ---- */

static void check_totals(const struct store_filter *filter)
{
	struct store_sums wanted = {0}, found;
	uint64_t people = 0, found_people;
	bool seen[WORLD_SUBSCRIBERS] = {true};

	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (!sum_up_made(&world, filter, made, &wanted))
			continue;
		people += !seen[made->subscriber];
		seen[made->subscriber] = true;
	}
	assert_int_equal(store_totals(world.store, filter, &found, &found_people), 0);
	assert_sums(&found, &wanted);
	assert_int_equal(found_people, people);
}

/* ---- talkers ---- */

static int take_talker(void *context, const struct store_talker *row)
{
	assert_ptr_equal(context, &answer);
	assert_in_range(answer.count, 0, WORLD_SUBSCRIBERS - 1);
	answer.talkers[answer.count++] = *row;
	/* The texts are borrowed: a test by content, now. */
	for (unsigned i = 0; i < WORLD_WAYS; i++)
		if (strcmp(row->way.pool, way_texts[i][1]) == 0 &&
		    strcmp(row->way.host, way_texts[i][0]) == 0 &&
		    strcmp(row->way.rule, way_texts[i][2]) == 0 &&
		    strcmp(row->way.policy, way_texts[i][6]) == 0 &&
		    strcmp(row->way.reason, way_texts[i][4]) == 0 && row->way.monitored == (i == 5))
			answer.talkers[answer.count - 1].way.host = way_texts[i][0];
	return next();
}

static unsigned subscriber_of(const struct prefix *prefix)
{
	for (unsigned i = 1; i < WORLD_SUBSCRIBERS; i++)
		if (prefix_compare(prefix, &world.subscribers[i]) == 0)
			return i;
	assert_int_equal(prefix->addr.family, ADDR_NONE);
	return 0;
}

struct reference {
	struct store_talker row;
	uint64_t packets[WORLD_WAYS];
	bool unknown;
	bool estimated; /* by a record that does not list them */
	uint64_t least;
	struct destinations *set;
	struct addr names[WORLD_DESTINATIONS * 8];
	uint64_t name_count;
	uint64_t hours[WORLD_DAYS * 24 + 24];
	bool hour_seen[WORLD_DAYS * 24 + 24];
};

static void reference_name(struct reference *reference, const struct addr *address)
{
	for (uint64_t i = 0; i < reference->name_count; i++)
		if (addr_equal(&reference->names[i], address))
			return;
	assert_in_range(reference->name_count, 0, WORLD_DESTINATIONS * 8 - 1);
	reference->names[reference->name_count++] = *address;
}

static void reference_reach(struct reference *reference, const struct store_filter *filter,
			    const struct made *made)
{
	struct destinations_budget budget = {.max = SIZE_MAX};
	bool anywhere = filter->dst.addr.family == ADDR_NONE;
	bool known = made->listed && (made->exact || anywhere);
	struct addr address;

	if (made->listed && !made->exact && anywhere) {
		add_met(&reference->set, made);
		reference->estimated = true;
	}
	/* Registers alone are an estimate, however few they hold. */
	for (unsigned i = 0; made_told(made, i, &address); i++) {
		if (!inside(&filter->dst, &address))
			continue;
		assert_true(destinations_add(&reference->set, &address, &budget));
		reference_name(reference, &address);
	}
	reference->unknown = reference->unknown || !known;
	if (!known && anywhere && made->met_count > reference->least)
		reference->least = made->met_count;
}

static void reference_hours(struct reference *reference, const struct store_filter *filter,
			    const struct made *made)
{
	int64_t hour = (made->time_us - EPOCH_US) / HOUR_US;

	assert_in_range(hour, 0, WORLD_DAYS * 24 + 23);
	for (unsigned i = 0; i < made->part_count; i++) {
		if (!part_counts(&world, filter, made, i))
			continue;
		reference->hours[hour] += made->parts[i].sums.attempts;
		reference->packets[made->parts[i].way] += made->parts[i].sums.packets;
	}
	reference->hour_seen[hour] = true;
}

static void finish_hours(struct reference *reference)
{
	struct store_talker *row = &reference->row;
	int64_t last_day = -1;

	for (unsigned hour = 0; hour < WORLD_DAYS * 24 + 24; hour++) {
		if (!reference->hour_seen[hour])
			continue;
		row->hours_active++;
		row->days_active += hour / 24 != last_day;
		last_day = hour / 24;
		row->clock_hours |= UINT32_C(1) << hour % 24;
		if (reference->hours[hour] > row->busiest_hour)
			row->busiest_hour = reference->hours[hour];
	}
}

/* Each silence with the hours on either side of it; the packets of a record may lie hours before its time. */
static void finish_rest(struct reference *reference, unsigned subscriber, const struct store_filter *filter)
{
	int64_t first[WORLD_DAYS * 24 + 24], last[WORLD_DAYS * 24 + 24], until;
	unsigned count = 0;

	for (int64_t hour = 0; hour < WORLD_DAYS * 24 + 24; hour++) {
		if (!reference->hour_seen[hour])
			continue;
		first[count] = INT64_MAX;
		last[count] = INT64_MIN;
		for (unsigned i = 0; i < WORLD_RECORDS; i++) {
			const struct made *made = &world.records[i];

			if (made->subscriber != subscriber || (made->time_us - EPOCH_US) / HOUR_US != hour ||
			    !made_counts(&world, filter, made))
				continue;
			if (made->sums.first_us < first[count])
				first[count] = made->sums.first_us;
			if (made->sums.last_us > last[count])
				last[count] = made->sums.last_us;
		}
		count++;
	}
	until = count > 0 ? last[0] : 0;
	for (unsigned i = 1; i < count; i++) {
		int64_t silent = first[i] / HOUR_US - until / HOUR_US - 1;

		if (i >= STORE_REST_SIDE_H && count - i >= STORE_REST_SIDE_H &&
		    silent > (int64_t)reference->row.rest_h)
			reference->row.rest_h = (uint32_t)silent;
		until = last[i] > until ? last[i] : until;
	}
}

static void finish_way(struct reference *reference)
{
	unsigned most = 0, ways = 0;

	for (unsigned i = 0; i < WORLD_WAYS; i++) {
		/* 0, 1 and 3 differ in the policy and the gateway alone. */
		bool alike = (i == 1 || i == 3) &&
			     (reference->packets[0] > 0 || (i == 3 && reference->packets[1] > 0));

		ways += reference->packets[i] > 0 && !alike;
		if (reference->packets[i] > reference->packets[most])
			most = i;
	}
	reference->row.several_ways = ways > 1;
	reference->row.way.host = way_texts[most][0];
}

static bool is_left_out(const struct store_filter *filter, const struct made *made)
{
	bool all = filter->dst.addr.family == ADDR_NONE ||
		   (made->exact && (made->listed || made->met_count == 1));
	struct addr address;

	if (made->time_us < filter->since_us || made->time_us >= filter->until_us)
		return false;
	for (unsigned i = 0; i < made->part_count; i++)
		all = all && way_fits(filter, made->parts[i].way);
	for (unsigned i = 0; made_told(made, i, &address); i++)
		all = all && inside(&filter->dst, &address);
	return !all;
}

/* False: the subscriber has no record that counts. */
static bool reference_of(const struct store_filter *filter, unsigned subscriber, struct store_talker *ret)
{
	struct destinations_budget budget = {.max = SIZE_MAX};
	struct reference reference = {.row.ever_first_us = INT64_MAX};

	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (made->subscriber != subscriber)
			continue;
		if (made->sums.first_us < reference.row.ever_first_us)
			reference.row.ever_first_us = made->sums.first_us;
		reference.row.in_part = reference.row.in_part || is_left_out(filter, made);
		if (!sum_up_made(&world, filter, made, &reference.row.sums))
			continue;
		reference_reach(&reference, filter, made);
		reference_hours(&reference, filter, made);
	}
	finish_hours(&reference);
	finish_rest(&reference, subscriber, filter);
	finish_way(&reference);
	reference.row.destinations = destinations_count(reference.set, &reference.row.destinations_exact);
	if (reference.row.destinations < reference.least)
		reference.row.destinations = reference.least;
	/* Not fewer than are known by name. */
	if (reference.row.destinations < reference.name_count)
		reference.row.destinations = reference.name_count;
	/* All are known by name. */
	if (!reference.estimated && !reference.unknown) {
		reference.row.destinations = reference.name_count;
		reference.row.destinations_exact = true;
	}
	reference.row.destinations_exact = reference.row.destinations_exact && !reference.unknown;
	destinations_free(reference.set, &budget);
	*ret = reference.row;
	return reference.row.sums.packets > 0;
}

static uint64_t rank_of(const struct store_talker *row, enum store_order order)
{
	switch (order) {
	case STORE_BY_PACKETS:
		return row->sums.packets;
	case STORE_BY_DESTINATIONS:
		return row->destinations;
	case STORE_BY_FIRST:
		return (uint64_t)row->ever_first_us;
	case STORE_BY_LAST:
		return (uint64_t)row->sums.last_us;
	default:
		return row->sums.attempts;
	}
}

static void assert_talker(const struct store_talker *found, const struct store_talker *wanted)
{
	assert_sums(&found->sums, &wanted->sums);
	assert_int_equal(found->destinations, wanted->destinations);
	assert_int_equal(found->destinations_exact, wanted->destinations_exact);
	assert_int_equal(found->hours_active, wanted->hours_active);
	assert_int_equal(found->days_active, wanted->days_active);
	assert_int_equal(found->clock_hours, wanted->clock_hours);
	assert_int_equal(found->busiest_hour, wanted->busiest_hour);
	assert_int_equal(found->rest_h, wanted->rest_h);
	assert_int_equal(found->in_part, wanted->in_part);
	assert_int_equal(found->ever_first_us, wanted->ever_first_us);
	assert_int_equal(found->several_ways, wanted->several_ways);
	assert_ptr_equal(found->way.host, wanted->way.host);
}

/* The ranks of all that count, greatest first. */
static size_t ranks_of_all(const struct store_filter *filter, enum store_order order, uint64_t *ranks)
{
	size_t count = 0;

	for (unsigned i = 0; i < WORLD_SUBSCRIBERS; i++) {
		struct store_talker wanted;
		size_t at;

		if (!reference_of(filter, i, &wanted))
			continue;
		for (at = count++; at > 0 && ranks[at - 1] < rank_of(&wanted, order); at--)
			ranks[at] = ranks[at - 1];
		ranks[at] = rank_of(&wanted, order);
	}
	return count;
}

static void check_talkers(const struct store_filter *filter)
{
	enum store_order order = (enum store_order)world_random(&world, 5);
	uint64_t limit = world_random(&world, 2) ? 0 : 1 + world_random(&world, 6);
	uint64_t ranks[WORLD_SUBSCRIBERS], total;
	size_t count = ranks_of_all(filter, order, ranks);

	answer = (struct answer){0};
	assert_int_equal(store_talkers(world.store, filter, order, limit, take_talker, &answer, &total), 0);
	assert_int_equal(total, count);
	assert_int_equal(answer.count, limit && limit < count ? limit : count);
	for (size_t i = 0; i < answer.count; i++) {
		struct store_talker wanted;

		assert_true(reference_of(filter, subscriber_of(&answer.talkers[i].subscriber), &wanted));
		assert_talker(&answer.talkers[i], &wanted);
		assert_int_equal(rank_of(&answer.talkers[i], order), ranks[i]);
	}
}

/* ---- groups ---- */

static int take_group(void *context, const struct store_group_row *row)
{
	(void)context;
	assert_in_range(answer.count, 0, WORLD_DESTINATIONS * 8 - 1);
	answer.groups[answer.count] = *row;
	snprintf(answer.names[answer.count++], ADDR_TEXT_MAX, "%s", row->name);
	return next();
}

static bool lists(const struct made *made, const char *name, const struct store_filter *filter)
{
	char text[ADDR_TEXT_MAX];
	struct addr address;

	for (unsigned i = 0; made_told(made, i, &address); i++) {
		(void)addr_format(&address, text);
		if (inside(&filter->dst, &address) && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

/* Adds what counts of it in the group; false: nothing does. */
static bool sum_up_group(const struct made *made, enum store_group by, const char *name,
			 const struct store_filter *filter, struct store_sums *sums)
{
	static const unsigned columns[] = {[STORE_GROUP_POOL] = 1,
					   [STORE_GROUP_RULE] = 2,
					   [STORE_GROUP_REASON] = 4,
					   [STORE_GROUP_HOST] = 0,
					   [STORE_GROUP_RULE_KIND] = 3};
	bool any = false;

	if (by == STORE_GROUP_DESTINATION) {
		any = made_counts(&world, filter, made) && lists(made, name, filter);
		if (any)
			sum_up(sums, &made->sums);
		return any;
	}
	for (unsigned i = 0; i < made->part_count; i++) {
		if (!part_counts(&world, filter, made, i) ||
		    strcmp(way_texts[made->parts[i].way][columns[by]], name) != 0)
			continue;
		sum_up(sums, &made->parts[i].sums);
		any = true;
	}
	return any;
}

static void check_group(const struct store_filter *filter, enum store_group by, size_t place)
{
	struct store_group_row wanted = {0};
	bool seen[WORLD_SUBSCRIBERS] = {true};

	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (!sum_up_group(made, by, answer.names[place], filter, &wanted.sums))
			continue;
		wanted.subscribers += !seen[made->subscriber];
		seen[made->subscriber] = true;
	}
	assert_true(wanted.sums.packets > 0);
	if (by == STORE_GROUP_DESTINATION)
		wanted.sums.packets = wanted.sums.blocked = wanted.sums.offloaded = wanted.sums.attempts = 0;
	assert_sums(&answer.groups[place].sums, &wanted.sums);
	assert_int_equal(answer.groups[place].subscribers, wanted.subscribers);
	for (size_t i = 0; i < place; i++)
		assert_string_not_equal(answer.names[i], answer.names[place]);
}

/* Every record that counts is in some group. */
static void check_none_left(const struct store_filter *filter, enum store_group by)
{
	struct addr address;

	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];
		bool found = false;

		if (!made_counts(&world, filter, made) ||
		    (by == STORE_GROUP_DESTINATION && !made_told(made, 0, &address)))
			continue;
		for (size_t j = 0; j < answer.count; j++)
			found = found ||
				sum_up_group(made, by, answer.names[j], filter, &(struct store_sums){0});
		assert_true(found);
	}
}

static void check_groups(const struct store_filter *filter, enum store_group by)
{
	uint64_t limit = world_random(&world, 3) ? 0 : 1 + world_random(&world, 6);

	answer = (struct answer){0};
	assert_int_equal(store_groups(world.store, filter, by, limit, take_group, &answer), 0);
	for (size_t i = 0; i < answer.count; i++) {
		const struct store_sums *sums = &answer.groups[i].sums,
					*before = &answer.groups[i - (i > 0)].sums;

		check_group(filter, by, i);
		assert_true(before->attempts >= sums->attempts);
		assert_true(before->attempts > sums->attempts || by != STORE_GROUP_DESTINATION ||
			    before->records >= sums->records);
	}
	if (limit == 0)
		check_none_left(filter, by);
	else
		assert_in_range(answer.count, 0, limit);
}

/* ---- timeline ---- */

static int take_bucket(void *context, const struct store_bucket *row)
{
	(void)context;
	assert_in_range(answer.count, 0, ROWS_MAX - 1);
	answer.buckets[answer.count++] = *row;
	return next();
}

static void check_bucket(const struct store_filter *filter, const struct store_bucket *found, int64_t step_us)
{
	struct store_bucket wanted = {0};
	bool seen[WORLD_SUBSCRIBERS] = {true};

	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (made->time_us < found->start_us || made->time_us >= found->start_us + step_us ||
		    !sum_up_made(&world, filter, made, &wanted.sums))
			continue;
		wanted.subscribers += !seen[made->subscriber];
		seen[made->subscriber] = true;
	}
	assert_sums(&found->sums, &wanted.sums);
	assert_int_equal(found->subscribers, wanted.subscribers);
}

static void check_timeline(const struct store_filter *filter)
{
	static const uint32_t steps[] = {86400, 3600, 7200, 900, 420, 5400, 43200, 604800};
	static const int32_t offsets[] = {0, 32400, -18000, 19800, 1};
	uint32_t step = steps[world_random(&world, 8)];
	int32_t offset = offsets[world_random(&world, 5)];
	int64_t step_us = step * SECOND_US;

	answer = (struct answer){0};
	assert_int_equal(store_timeline(world.store, filter, step, offset, take_bucket, &answer), 0);
	if (filter->since_us != INT64_MIN && filter->until_us != INT64_MAX)
		assert_int_equal(answer.count > 0, filter->since_us < filter->until_us);
	for (size_t i = 0; i < answer.count; i++) {
		assert_int_equal((answer.buckets[i].start_us - offset * SECOND_US) % step_us, 0);
		if (i > 0)
			assert_int_equal(answer.buckets[i].start_us - answer.buckets[i - 1].start_us,
					 step_us);
		check_bucket(filter, &answer.buckets[i], step_us);
	}
	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		if (!made_counts(&world, filter, &world.records[i]))
			continue;
		assert_true(answer.count > 0 && world.records[i].time_us >= answer.buckets[0].start_us);
		assert_true(world.records[i].time_us < answer.buckets[answer.count - 1].start_us + step_us);
	}
	if (answer.count > 0 && filter->since_us != INT64_MIN)
		assert_true(answer.buckets[0].start_us <= filter->since_us &&
			    answer.buckets[0].start_us + step_us > filter->since_us);
	if (answer.count > 0 && filter->until_us != INT64_MAX)
		assert_true(answer.buckets[answer.count - 1].start_us < filter->until_us &&
			    answer.buckets[answer.count - 1].start_us + step_us >= filter->until_us);
}

/* ---- records ---- */

static void check_record(const struct store_record *row, const struct made *made)
{
	static const char *const kinds[] = {"first", "summary", "overflow"};

	assert_string_equal(row->kind, kinds[made->subscriber == 0 ? 2 : made->seq % 2]);
	assert_string_equal(row->host, made->source % 2 ? "gw2" : "gw1");
	assert_string_equal(row->boot_id, boots[made->source]);
	assert_string_equal(row->way.pool, way_texts[made->way][1]);
	assert_string_equal(row->way.rule_kind, way_texts[made->way][3]);
	assert_string_equal(row->way.verdict, way_texts[made->way][5]);
	assert_string_equal(row->iface, "eth0");
	assert_int_equal(subscriber_of(&row->subscriber), made->subscriber);
	assert_int_equal(row->time_us, made->time_us);
	assert_sums(&row->sums, &made->sums);
	assert_true(addr_equal(&row->dst, &made->dst));
	assert_int_equal(row->src.family, ADDR_NONE);
	assert_int_equal(row->sport, 1024 + made->seq);
	assert_int_equal(row->dport, 25);
	assert_int_equal(row->window_s, 300);
	assert_int_equal(row->destinations, made->met_count);
	assert_int_equal(row->destinations_exact, made->exact);
	assert_true((row->detail != NULL) == (made->part_count > 1));
	if (row->detail)
		assert_string_equal(row->detail, "{\"rules\":[]}");
}

static int take_record(void *context, const struct store_record *row)
{
	(void)context;
	assert_in_range(answer.count, 0, WORLD_RECORDS - 1);
	assert_in_range(row->seq, 0, WORLD_RECORDS - 1);
	check_record(row, &world.records[row->seq]);
	answer.records[answer.count++] = *row;
	return next();
}

static void check_records(const struct store_filter *filter)
{
	uint64_t limit = world_random(&world, 2) ? 0 : 1 + world_random(&world, 30);
	bool latest_first = world_random(&world, 2);
	bool told[WORLD_RECORDS] = {false};
	size_t count = 0;

	answer = (struct answer){0};
	assert_int_equal(store_records(world.store, filter, latest_first, limit, take_record, &answer), 0);
	for (size_t i = 0; i < answer.count; i++) {
		const struct store_record *row = &answer.records[i], *before = &answer.records[i - (i > 0)];

		assert_false(told[row->seq]);
		told[row->seq] = true;
		assert_true(made_counts(&world, filter, &world.records[row->seq]));
		assert_true(latest_first ? before->time_us >= row->time_us : before->time_us <= row->time_us);
	}
	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (!made_counts(&world, filter, made))
			continue;
		count++;
		/* One that the limit left out stands behind all that were told. */
		if (!told[i])
			assert_true(latest_first ? made->time_us <= answer.records[answer.count - 1].time_us
						 : made->time_us >= answer.records[answer.count - 1].time_us);
	}
	assert_int_equal(answer.count, limit && limit < count ? limit : count);
}

/* ---- destinations of a subscriber ---- */

static int take_destination(void *context, const struct addr *destination)
{
	(void)context;
	assert_in_range(answer.count, 0, WORLD_DESTINATIONS * 8 - 1);
	answer.addresses[answer.count++] = *destination;
	return next();
}

static bool is_told(const struct addr *address)
{
	for (size_t i = 0; i < answer.count; i++)
		if (addr_equal(&answer.addresses[i], address))
			return true;
	return false;
}

static void check_destinations(const struct store_filter *filter)
{
	unsigned subscriber = 1 + (unsigned)world_random(&world, WORLD_SUBSCRIBERS - 1);
	struct addr address, known[WORLD_DESTINATIONS * 8];
	bool more = false, found_more;
	size_t count = 0;

	answer = (struct answer){0};
	assert_int_equal(store_subscriber_destinations(world.store, &world.subscribers[subscriber], filter,
						       take_destination, &answer, &found_more),
			 0);
	for (unsigned i = 0; i < WORLD_RECORDS; i++) {
		const struct made *made = &world.records[i];

		if (made->subscriber != subscriber || !made_counts(&world, filter, made))
			continue;
		more = more || !made->exact || !made->listed;
		for (unsigned j = 0; made_told(made, j, &address); j++) {
			bool seen = !inside(&filter->dst, &address);

			assert_true(seen || is_told(&address));
			for (size_t k = 0; !seen && k < count; k++)
				seen = addr_equal(&known[k], &address);
			if (!seen)
				known[count++] = address;
		}
	}
	assert_int_equal(answer.count, count);
	assert_int_equal(found_more, more);
}

/* ---- tests ---- */

static void test_answers_equal_what_the_records_say(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		world_open(&world, seed * 25);
		for (unsigned round = 0; round < ROUNDS; round++) {
			const struct store_filter filter = random_filter(&world);

			world_count(&world, &filter);
			check_totals(&filter);
			check_talkers(&filter);
			check_groups(&filter, (enum store_group)world_random(&world, 6));
			check_timeline(&filter);
			check_records(&filter);
			check_destinations(&filter);
		}
		world_close(&world);
	}
}

static void test_a_row_ends_the_question(void **state)
{
	const struct store_filter all = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	bool more;

	(void)state;
	world_open(&world, 587);
	for (size_t after = 1; after < 3; after++) {
		answer = (struct answer){.stop_after = after};
		assert_int_equal(
			store_talkers(world.store, &all, STORE_BY_ATTEMPTS, 0, take_talker, &answer, NULL),
			ENDED);
		assert_int_equal(answer.count, after);
		answer = (struct answer){.stop_after = after};
		assert_int_equal(store_groups(world.store, &all, STORE_GROUP_RULE, 0, take_group, NULL),
				 ENDED);
		assert_int_equal(answer.count, after);
		answer = (struct answer){.stop_after = after};
		assert_int_equal(
			store_groups(world.store, &all, STORE_GROUP_DESTINATION, 0, take_group, NULL), ENDED);
		assert_int_equal(answer.count, after);
		answer = (struct answer){.stop_after = after};
		assert_int_equal(store_timeline(world.store, &all, 3600, 0, take_bucket, NULL), ENDED);
		assert_int_equal(answer.count, after);
		answer = (struct answer){.stop_after = after};
		assert_int_equal(store_timeline(world.store, &all, 600, 0, take_bucket, NULL), ENDED);
		assert_int_equal(answer.count, after);
		/* The row's answer counts, though the limit is reached with it. */
		answer = (struct answer){.stop_after = after};
		assert_int_equal(store_records(world.store, &all, true, after, take_record, NULL), ENDED);
		assert_int_equal(answer.count, after);
		answer = (struct answer){.stop_after = after};
		assert_int_equal(store_subscriber_destinations(world.store, &world.subscribers[1], &all,
							       take_destination, NULL, &more),
				 ENDED);
		assert_int_equal(answer.count, after);
	}
	assert_string_equal(store_error(world.store), "");
	world_close(&world);
}

static int ask_within(void *context, const struct store_talker *row)
{
	struct store_filter filter = *(const struct store_filter *)context;
	struct store_sums sums;
	uint64_t subscribers;

	filter.src = row->subscriber;
	if (filter.src.addr.family == ADDR_NONE)
		return 0;
	assert_int_equal(store_totals(world.store, &filter, &sums, &subscribers), 0);
	assert_sums(&sums, &row->sums);
	assert_int_equal(subscribers, 1);
	answer.count++;
	return 0;
}

static void test_a_question_within_a_question(void **state)
{
	struct store_filter all = {.since_us = INT64_MIN, .until_us = INT64_MAX};

	(void)state;
	world_open(&world, 465);
	answer = (struct answer){0};
	assert_int_equal(store_talkers(world.store, &all, STORE_BY_ATTEMPTS, 5, ask_within, &all, NULL), 0);
	assert_in_range(answer.count, 4, 5);
	world_close(&world);
}

static void test_what_cannot_be_asked(void **state)
{
	const struct store_filter all = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	const struct store_filter turned = {.since_us = EPOCH_US + DAY_US, .until_us = EPOCH_US};
	const struct store_filter long_period = {.since_us = 0, .until_us = EPOCH_US};
	const struct prefix stranger = {addr_ip4(1), 32};
	bool more = true;

	(void)state;
	world_open(&world, 25);
	answer = (struct answer){0};
	assert_int_equal(store_timeline(world.store, &all, 0, 0, take_bucket, NULL), -EINVAL);
	assert_string_not_equal(store_error(world.store), "");
	assert_int_equal(store_timeline(world.store, &long_period, 1, 0, take_bucket, NULL), -E2BIG);
	assert_non_null(strstr(store_error(world.store), "steps"));
	assert_int_equal(store_timeline(world.store, &turned, 60, 0, take_bucket, NULL), 0);
	assert_string_equal(store_error(world.store), "");
	assert_int_equal(store_talkers(world.store, &turned, STORE_BY_LAST, 0, take_talker, &answer, NULL),
			 0);
	assert_int_equal(
		store_subscriber_destinations(world.store, &stranger, &all, take_destination, NULL, &more),
		0);
	assert_false(more);
	assert_int_equal(answer.count, 0);
	world_sql(&world, "DELETE FROM subscriber");
	assert_int_equal(store_talkers(world.store, &all, STORE_BY_ATTEMPTS, 0, take_talker, &answer, NULL),
			 -EBADMSG);
	assert_non_null(strstr(store_error(world.store), "damaged"));
	world_sql(&world, "DROP TABLE day");
	assert_true(store_talkers(world.store, &all, STORE_BY_ATTEMPTS, 0, take_talker, &answer, NULL) < 0);
	assert_non_null(strstr(store_error(world.store), "day"));
	world_close(&world);
}

/* Of few subscribers nobody else's records are looked at: without his visits, a subscriber has none. */
static void test_few_subscribers_are_found_by_their_visits(void **state)
{
	struct store_filter one = {.since_us = INT64_MIN, .until_us = INT64_MAX};

	(void)state;
	world_open(&world, 31);
	for (unsigned left = 0; left < 2; left++) {
		one.src = world.subscribers[3 + left];
		world_sql(&world, "DELETE FROM visit WHERE subscriber = 3");
		answer = (struct answer){0};
		assert_int_equal(store_records(world.store, &one, true, 0, take_record, &answer), 0);
		assert_int_equal(answer.count > 0, left);
	}
	world_close(&world);
}

static int take_inexact(void *context, const struct store_talker *row)
{
	(void)context;
	answer.count += !row->destinations_exact;
	return 0;
}

static void test_registers_that_cannot_be(void **state)
{
	const struct store_filter all = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	const struct store_filter cut = {.since_us = EPOCH_US + 1, .until_us = EPOCH_US + DAY_US - 1};

	(void)state;
	world_open(&world, 4);
	world_sql(
		&world,
		"UPDATE record SET exact = 0, reach = CAST(replace(hex(zeroblob(512)), '0', x'ff') AS BLOB) WHERE subscriber = 2");
	world_sql(
		&world,
		"UPDATE reach SET exact = 0, reach = CAST(replace(hex(zeroblob(512)), '0', x'ff') AS BLOB) WHERE subscriber = 3");
	answer = (struct answer){0};
	assert_int_equal(store_talkers(world.store, &cut, STORE_BY_ATTEMPTS, 0, take_inexact, NULL, NULL), 0);
	assert_int_equal(store_talkers(world.store, &all, STORE_BY_DESTINATIONS, 0, take_inexact, NULL, NULL),
			 0);
	assert_in_range(answer.count, 2, 2 * WORLD_SUBSCRIBERS);
	world_close(&world);
}

static int take_count(void *context, const struct store_talker *row)
{
	(void)context;
	answer.talkers[answer.count++] = *row;
	return 0;
}

/* An estimate errs, but nobody is told to have fewer destinations than are listed of him: of days, hours and records. */
static void test_no_fewer_destinations_than_names(void **state)
{
	const struct store_filter periods[] = {
		{.since_us = INT64_MIN, .until_us = INT64_MAX},
		{.since_us = EPOCH_US, .until_us = EPOCH_US + 3 * DAY_US},
		{.since_us = EPOCH_US + 1, .until_us = EPOCH_US + 2 * DAY_US - 1},
	};
	unsigned estimates = 0;

	(void)state;
	world_open(&world, 11);
	for (unsigned i = 0; i < sizeof(periods) / sizeof(periods[0]); i++) {
		struct answer talkers;

		answer = (struct answer){0};
		assert_int_equal(store_talkers(world.store, &periods[i], STORE_BY_DESTINATIONS, 0, take_count,
					       NULL, NULL),
				 0);
		talkers = answer;
		for (size_t j = 0; j < talkers.count; j++) {
			const struct store_talker *row = &talkers.talkers[j];
			bool more;

			answer = (struct answer){0};
			assert_int_equal(store_subscriber_destinations(world.store, &row->subscriber,
								       &periods[i], take_destination, NULL,
								       &more),
					 0);
			assert_true(row->destinations >= answer.count);
			estimates += !row->destinations_exact && answer.count > DESTINATIONS_EXACT_MAX;
		}
	}
	assert_true(estimates > 0);
	world_close(&world);
}

/* Days that are summed up, days that are not, and parts of days. */
static void test_destinations_of_days(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		world_open(&world, seed * 37);
		for (unsigned round = 0; round < ROUNDS / 8; round++) {
			struct store_filter filter = random_filter(&world);

			filter = (struct store_filter){
				.since_us = filter.since_us, .until_us = filter.until_us, .dst = filter.dst};
			world_count(&world, &filter);
			check_groups(&filter, STORE_GROUP_DESTINATION);
		}
		world_close(&world);
	}
}

/* What a day's sum says is not looked for in its records. */
static void test_days_are_not_read_again(void **state)
{
	const struct store_filter all = {.since_us = INT64_MIN, .until_us = EPOCH_US + DAY_US};

	(void)state;
	for (unsigned made = 0; made < 2; made++) {
		world_open(&world, 7);
		world_sql(&world, made ? "DELETE FROM record" : "DELETE FROM record; DELETE FROM listed");
		answer = (struct answer){0};
		assert_int_equal(
			store_groups(world.store, &all, STORE_GROUP_DESTINATION, 0, take_group, NULL), 0);
		assert_int_equal(answer.count > 0, made);
		world_close(&world);
	}
}

/* ---- many destinations ---- */

enum { CROWD = 5000 };

static void make_crowd(void)
{
	world_sql(
		&world,
		"DELETE FROM record; DELETE FROM segment; DELETE FROM hour; DELETE FROM day; DELETE FROM reach; DELETE FROM listed");
	world_sql(
		&world,
		"INSERT INTO record(source, seq, kind, way, subscriber, time, first, last, packets, blocked, offloaded, attempts, dst,"
		" destinations, exact, reach) WITH RECURSIVE n(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM n WHERE i < 4999)"
		" SELECT 1, i, 1, 1, 2 + i % 4 * 2, 1728000000000000 + i, 1, 2, 1, 1, 0, 1, NULL, 60, 1, randomblob(240) FROM n");
	/* One is met by the first records, and loses some of its count when room is made; another one by the last. */
	world_sql(
		&world,
		"UPDATE record SET reach = CAST(substr(reach, 1, 236) || x'c0000201' AS BLOB) WHERE seq < 500");
	world_sql(
		&world,
		"UPDATE record SET reach = CAST(substr(reach, 1, 236) || x'c0000202' AS BLOB) WHERE seq >= 4500");
	world_sql(
		&world,
		"UPDATE record SET reach = CAST(substr(reach, 1, 232) || x'c0000203' || substr(reach, 237) AS BLOB) WHERE seq % 20 = 1");
	world_sql(&world, "INSERT INTO segment SELECT min(id), max(id), min(time), max(time) FROM record");
	world_sql(
		&world,
		"INSERT INTO hour SELECT 480000, subscriber, 1, 1, 1, 1, 0, 1, 1, 2 FROM record GROUP BY subscriber");
}

static void test_frequent_destinations_among_more_than_are_kept(void **state)
{
	/* All of them are counted where nobody is left out; else by what is met often. */
	const struct store_filter filters[] = {
		{.since_us = INT64_MIN, .until_us = INT64_MAX},
		{.since_us = INT64_MIN, .until_us = INT64_MAX, .pool = "homes"}};
	static const char *const names[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3"};

	(void)state;
	world_open(&world, 2525);
	make_crowd();
	for (uint64_t limit = 1; limit <= 6; limit++) {
		const struct store_filter *filter = &filters[limit > 3];

		answer = (struct answer){0};
		assert_int_equal(store_groups(world.store, filter, STORE_GROUP_DESTINATION,
					      (limit - 1) % 3 + 1, take_group, NULL),
				 0);
		assert_int_equal(answer.count, (limit - 1) % 3 + 1);
		for (size_t i = 0; i < 3 && i < answer.count; i++) {
			assert_string_equal(answer.names[i], names[i]);
			assert_int_equal(answer.groups[i].sums.records, i < 2 ? 500 : CROWD / 20);
			assert_int_equal(answer.groups[i].subscribers, i < 2 ? 4 : 1);
		}
	}
	world_close(&world);
}

/* ---- notices ---- */

static int take_notice(void *context, const struct store_notice *row)
{
	const uint64_t *wanted = context;

	assert_int_equal(row->seq, wanted[answer.count++]);
	assert_string_equal(row->what, "failed-open");
	assert_string_equal(row->state, row->seq % 2 ? "begin" : "end");
	assert_string_equal(row->host, row->seq < 30 ? "gw1" : "gw2");
	assert_string_equal(row->boot_id, row->seq < 30 ? "b-1" : "b-2");
	assert_int_equal(row->time_us, (int64_t)row->seq * SECOND_US);
	assert_int_equal(row->packets, 7);
	assert_int_equal(row->first_us, 5);
	assert_int_equal(row->last_us, 6);
	assert_true(row->open == (row->seq % 2));
	assert_string_equal(row->json, "{}");
	return next();
}

static void test_notices(void **state)
{
	struct store_filter filter = {.since_us = INT64_MIN, .until_us = INT64_MAX};
	char sql[400];

	(void)state;
	world_open(&world, 1);
	insert_name(&world, "failed-open");
	insert_name(&world, "begin");
	insert_name(&world, "end");
	for (unsigned i = 40; i > 0; i -= 10) {
		snprintf(
			sql, sizeof(sql),
			"INSERT INTO notice(source, seq, time, what, state, first, last, packets, open, json) SELECT %u, %u, %u000000,"
			" w.id, s.id, 5, 6, 7, %u, '{}' FROM name AS w, name AS s WHERE w.text = 'failed-open' AND s.text = '%s'",
			i < 30 ? 1 : 2, i + i / 20 % 2, i + i / 20 % 2, i / 20 % 2,
			i / 20 % 2 ? "begin" : "end");
		world_sql(&world, sql);
	}
	answer = (struct answer){0};
	assert_int_equal(store_notices(world.store, &filter, take_notice, (uint64_t[]){10, 21, 31, 40}), 0);
	assert_int_equal(answer.count, 4);
	filter.since_us = 21 * SECOND_US;
	filter.until_us = 40 * SECOND_US;
	answer = (struct answer){0};
	assert_int_equal(store_notices(world.store, &filter, take_notice, (uint64_t[]){21, 31}), 0);
	assert_int_equal(answer.count, 2);
	filter.host = "gw2";
	answer = (struct answer){.stop_after = 1};
	assert_int_equal(store_notices(world.store, &filter, take_notice, (uint64_t[]){31}), ENDED);
	world_close(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers_equal_what_the_records_say),
		cmocka_unit_test(test_a_row_ends_the_question),
		cmocka_unit_test(test_a_question_within_a_question),
		cmocka_unit_test(test_what_cannot_be_asked),
		cmocka_unit_test(test_few_subscribers_are_found_by_their_visits),
		cmocka_unit_test(test_registers_that_cannot_be),
		cmocka_unit_test(test_no_fewer_destinations_than_names),
		cmocka_unit_test(test_destinations_of_days),
		cmocka_unit_test(test_days_are_not_read_again),
		cmocka_unit_test(test_frequent_destinations_among_more_than_are_kept),
		cmocka_unit_test(test_notices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
