/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/failwatch.h"

#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/say.h"
#include "event/notice.h"
#include "net/absence.h"

#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool policy_is_open(const struct gateway *gateway)
{
	return gateway->world->policy->gateway.fail == POLICY_FAIL_OPEN;
}

/* What the kernel counts in 32 bits, and starts at nothing with the queue. */
static void add_grown(uint64_t *sum, uint32_t *last, uint32_t now)
{
	*sum += now - *last;
	*last = now;
}

static uint64_t received_by(const struct gateway *gateway, size_t i)
{
	struct ledger_counts counts = {0};

	ledger_collect(worker_ledger(gateway->workers[i]), &counts);
	return counts.values[LEDGER_RECEIVED] + counts.values[LEDGER_NOT_PARSED];
}

static uint64_t lost_by(const struct gateway *gateway, size_t i)
{
	struct ledger_counts counts = {0};

	ledger_collect(worker_ledger(gateway->workers[i]), &counts);
	return counts.values[LEDGER_LOST_IDS];
}

/*
 * A gap in the ids shows when the next packet comes. When nothing waits it shows at once: what was given an id and never
 * came is lost. The ids are read first, so that what comes meanwhile does not look lost.
 */
static void look_for_lost(const struct gateway *gateway, struct failwatch_queue *queue, size_t i,
			  uint32_t waiting)
{
	uint64_t lost = lost_by(gateway, i), received = received_by(gateway, i);

	if (waiting == 0 && queue->ids > received && queue->ids - received > lost)
		lost = queue->ids - received;
	if (queue->buffer > lost)
		lost = queue->buffer;
	if (lost > queue->lost)
		queue->lost = lost;
}

static void look_at_queue(struct gateway *gateway, size_t i)
{
	struct failwatch_queue *queue = &gateway->failwatch.queues[i];
	struct queue_kernel kernel = {0};

	if (gateway->kernel_fd < 0 ||
	    queue_kernel_get(gateway->kernel_fd, queue_number(gateway->queues[i]), &kernel) < 0) {
		queue->lost = lost_by(gateway, i);
		return;
	}
	add_grown(&queue->ids, &queue->last_id, kernel.id_sequence);
	add_grown(&queue->full, &queue->last_full, kernel.queue_dropped);
	add_grown(&queue->buffer, &queue->last_buffer, kernel.user_dropped);
	queue->is_full = kernel.waiting >= QUEUE_MAXLEN;
	look_for_lost(gateway, queue, i, kernel.waiting);
}

static uint64_t sum_ids(const struct gateway *gateway)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < gateway->worker_count; i++)
		sum += gateway->failwatch.queues[i].ids;
	return sum;
}

static int read_counter(const struct gateway *gateway, uint64_t *ret)
{
	return nft_queueing_count(gateway->learning.family, ret);
}

/* The counter is another one now, or there was none: from here on it is compared. */
static void base_counter(struct failwatch *watch, uint64_t counter, uint64_t ids)
{
	watch->counter_based = true;
	watch->counter_offset = counter - ids - watch->unnumbered;
}

/*
 * A packet for which a queue had no room gets no id. With fail = open the kernel counts it nowhere; but our rules have. The
 * counter is read before the ids, and when it is based after them, so that packets on their way never look unnumbered.
 */
static void look_at_queues(struct gateway *gateway)
{
	struct failwatch *watch = &gateway->failwatch;
	uint64_t counter = 0, ids;
	bool counted = gateway->kernel_fd >= 0 && read_counter(gateway, &counter) == 0;
	bool is_new = counted && (!watch->counter_based || counter < watch->counter_last);

	for (size_t i = 0; i < gateway->worker_count; i++)
		look_at_queue(gateway, i);
	ids = sum_ids(gateway);
	if (is_new && read_counter(gateway, &counter) == 0) {
		base_counter(watch, counter, ids);
	} else if (counted && !is_new) {
		uint64_t grown = counter - watch->counter_offset;

		if (grown > ids && grown - ids > watch->unnumbered && grown - ids < UINT64_MAX / 2)
			watch->unnumbered = grown - ids;
	}
	watch->counter_based = counted;
	watch->counter_last = counter;
}

static struct unjudged_sample take_sample(struct gateway *gateway)
{
	struct failwatch *watch = &gateway->failwatch;
	struct unjudged_sample sample = {.steady_ns = clock_steady_ns(), .wall_ns = clock_wall_ns()};
	uint64_t full = 0, lost = 0;
	struct queue_fail fail;

	look_at_queues(gateway);
	for (size_t i = 0; i < gateway->worker_count; i++) {
		full += watch->queues[i].full;
		lost += watch->queues[i].lost;
		sample.full |= watch->queues[i].is_full;
		queue_fail_get(gateway->queues[i], &fail);
		sample.open |= fail.open;
	}
	if (watch->unnumbered > full)
		full = watch->unnumbered;
	if (full > watch->counts.queue_full)
		watch->counts.queue_full = full;
	if (lost > watch->counts.buffer_full)
		watch->counts.buffer_full = lost;
	sample.counts = watch->counts;
	return sample;
}

static void describe(const struct unjudged_period *period, char text[FAILMODE_WARNING_TEXT_MAX])
{
	const char *what =
		period->open ? "passed unjudged (fail = open)" : "were dropped unjudged (fail = closed)";
	uint64_t packets = period->counts.queue_full + period->counts.buffer_full;

	snprintf(text, FAILMODE_WARNING_TEXT_MAX,
		 "%s: %" PRIu64 " packets %s%s: %" PRIu64 " found a full queue, %" PRIu64 " a full socket",
		 period->over ? "op25bd keeps up again" : "op25bd does not keep up", packets, what,
		 period->over ? "" : " so far", period->counts.queue_full, period->counts.buffer_full);
}

static void tell(struct gateway *gateway, const struct unjudged_period *period)
{
	char text[FAILMODE_WARNING_TEXT_MAX];
	const struct event_notice notice = {
		.kind = period->open ? EVENT_NOTICE_FAILED_OPEN : EVENT_NOTICE_FAILED_CLOSED,
		.state = period->over ? EVENT_NOTICE_END : EVENT_NOTICE_BEGIN,
		.time_ns = clock_wall_ns(),
		.first_ns = period->first_ns,
		.last_ns = period->last_ns,
		.open = period->open,
		.has_packets = true,
		.packets = period->counts.queue_full + period->counts.buffer_full,
		.queue_full = period->counts.queue_full,
		.buffer_full = period->counts.buffer_full,
		.digest = gateway->world->policy->digest,
		.message = text,
	};

	describe(period, text);
	say(period->over ? SAY_NOTICE : SAY_WARNING, "%s", text);
	event_notice(gateway->collector, &notice);
}

/* ---- while no daemon was there ---- */

static void note_presence(const struct gateway *gateway, bool ended)
{
	const struct failwatch *watch = &gateway->failwatch;
	const struct absence absence = {.wall_ns = clock_wall_ns(),
					.counted = watch->counter_based,
					.queued = watch->counter_last,
					.ended = ended};

	if (watch->absence_fd > 0)
		(void)absence_write(watch->absence_fd, &absence);
}

static uint64_t ids_given(const struct gateway *gateway)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < gateway->worker_count; i++)
		sum += gateway->failwatch.queues[i].last_id;
	return sum;
}

static void tell_absence(struct gateway *gateway, const struct absence *before)
{
	const struct failwatch *watch = &gateway->failwatch;
	uint64_t queued = watch->counter_last - sum_ids(gateway);
	struct event_notice notice = {
		.kind = EVENT_NOTICE_ABSENT,
		.state = EVENT_NOTICE_ONCE,
		.time_ns = clock_wall_ns(),
		.first_ns = before->wall_ns,
		.last_ns = clock_wall_ns(),
		.open = watch->facts.rules.rules == 0 || watch->facts.rules.bypassing > 0,
		.has_packets = before->counted && watch->counter_based && queued >= before->queued,
		.packets_at_most = !before->ended,
		.digest = gateway->world->policy->digest,
		.message = "no op25bd judged packets in this time"};

	if (notice.has_packets)
		notice.packets = queued - before->queued;
	say(SAY_NOTICE,
	    "no op25bd was there for %" PRId64 " seconds; packets to port 25 in this time: %s%" PRIu64,
	    (notice.last_ns - notice.first_ns) / NSEC_PER_SEC,
	    !notice.has_packets      ? "not known, at least "
	    : notice.packets_at_most ? "at most "
				     : "",
	    notice.packets);
	event_notice(gateway->collector, &notice);
}

/* A queue that had packets before was handed over by a daemon: nobody was absent. */
static void look_for_absence(struct gateway *gateway)
{
	struct failwatch *watch = &gateway->failwatch;
	struct absence before;

	watch->absence_fd = absence_open(gateway->bound_queue);
	if (watch->absence_fd < 0)
		return;
	if (ids_given(gateway) == sum_ids(gateway) && absence_read(watch->absence_fd, &before) == 0)
		tell_absence(gateway, &before);
	note_presence(gateway, false);
}

/* ---- policy, rules and queues ---- */

/* The rules are read anew only when somebody has changed rulesets since they were. */
static void read_rules(const struct gateway *gateway, struct failmode_facts *facts)
{
	const struct failmode_facts *before = &gateway->failwatch.facts;
	uint32_t generation = 0;

	if (before->rules_error == 0 && before->rules.generation != 0 &&
	    nft_queueing_generation(&generation) == 0 && generation == before->rules.generation)
		facts->rules = before->rules;
	else
		facts->rules_error = nft_queueing_read(gateway->learning.family, &facts->rules);
}

static struct failmode_facts facts_of(const struct gateway *gateway)
{
	struct failmode_facts facts = {.policy_open = policy_is_open(gateway),
				       .queue_count = gateway->worker_count,
				       .first_queue = gateway->bound_queue,
				       .sockets_kept = gateway->handover.store};
	struct queue_fail fail;

	read_rules(gateway, &facts);
	for (size_t i = 0; i < gateway->worker_count; i++) {
		queue_fail_get(gateway->queues[i], &fail);
		facts.open_count += fail.open;
		facts.acknowledged_count += fail.acknowledged;
	}
	return facts;
}

/* Whether there may be something else to say than before; keeps them. */
static bool facts_differ(struct failwatch *watch, const struct failmode_facts *facts)
{
	const struct failmode_facts *before = &watch->facts;
	bool differ = facts->rules.generation != before->rules.generation ||
		      facts->rules_error != before->rules_error ||
		      facts->policy_open != before->policy_open || facts->open_count != before->open_count ||
		      facts->acknowledged_count != before->acknowledged_count;

	watch->facts = *facts;
	return differ;
}

/* Once each time that something else is to be said. */
static void say_warnings(struct gateway *gateway)
{
	const struct failmode_facts facts = facts_of(gateway);
	struct failmode_answer answers[FAILMODE_CASES];
	struct failmode_warnings warnings;
	struct failwatch *watch = &gateway->failwatch;
	char all[sizeof(watch->warnings)] = "";
	size_t len = 0;

	if (!facts_differ(watch, &facts))
		return;
	failmode_assess(&facts, answers, &warnings);
	for (size_t i = 0; i < warnings.count; i++)
		len += (size_t)snprintf(all + len, sizeof(all) - len, "%s\n", warnings.texts[i]);
	if (strcmp(all, watch->warnings) == 0)
		return;
	for (size_t i = 0; i < warnings.count; i++)
		if (!strstr(watch->warnings, warnings.texts[i]))
			say(SAY_WARNING, "fail mode: %s", warnings.texts[i]);
	if (warnings.count == 0)
		say(SAY_NOTICE, "fail mode: policy, rules and queues agree: %s",
		    facts.policy_open ? "open" : "closed");
	memcpy(watch->warnings, all, sizeof(all));
}

/* An acknowledgement can get lost where the socket is full. */
static void ask_again(struct gateway *gateway)
{
	struct queue_fail fail;

	for (size_t i = 0; i < gateway->worker_count; i++) {
		queue_fail_get(gateway->queues[i], &fail);
		if (!fail.acknowledged || fail.open != policy_is_open(gateway))
			(void)queue_set_fail_open(gateway->queues[i], policy_is_open(gateway));
	}
}

/* ---- interfaces ---- */

static bool interface_is_there(void *context, const char *name)
{
	return if_nametoindex(name) != 0;
}

static void say_interface(void *context, const char *name, bool missing)
{
	say(missing ? SAY_WARNING : SAY_NOTICE,
	    missing ? "interface %s, which the policy names, is not there" : "interface %s is there", name);
}

static void look_at_interfaces(struct gateway *gateway)
{
	if (gateway->interfaces.generation != gateway->world->generation)
		ifwatch_take(&gateway->interfaces, gateway->world->policy, gateway->world->generation);
	ifwatch_look(&gateway->interfaces, interface_is_there, say_interface, NULL);
}

static bool all_acknowledged(const struct gateway *gateway)
{
	struct queue_fail fail;

	for (size_t i = 0; i < gateway->worker_count; i++) {
		queue_fail_get(gateway->queues[i], &fail);
		if (!fail.acknowledged)
			return false;
	}
	return true;
}

void failwatch_start(struct gateway *gateway)
{
	look_at_queues(gateway);
	/* What waits is ours to judge, and what was given an id before is not. */
	for (size_t i = 0; i < gateway->worker_count; i++) {
		struct failwatch_queue *queue = &gateway->failwatch.queues[i];
		struct queue_kernel kernel = {0};

		if (gateway->kernel_fd < 0 ||
		    queue_kernel_get(gateway->kernel_fd, queue_number(gateway->queues[i]), &kernel) < 0)
			continue;
		queue->ids = kernel.waiting;
		queue->last_id = kernel.id_sequence;
		queue->full = queue->buffer = queue->lost = 0;
	}
	gateway->failwatch.unnumbered = 0;
	gateway->failwatch.counter_based = false;
	look_at_queues(gateway);
	/* Who has taken the queues over has only just asked for it: the answer is looked for at the next turn. */
	if (all_acknowledged(gateway))
		say_warnings(gateway);
	look_for_absence(gateway);
	look_at_interfaces(gateway);
}

void failwatch_tick(struct gateway *gateway)
{
	const struct unjudged_sample sample = take_sample(gateway);
	struct unjudged_period period;

	while (unjudged_take(&gateway->failwatch.unjudged, &sample, &period))
		tell(gateway, &period);
	note_presence(gateway, false);
	ask_again(gateway);
	say_warnings(gateway);
	look_at_interfaces(gateway);
}

void failwatch_end(struct gateway *gateway)
{
	struct unjudged_sample sample;
	struct unjudged_period period;

	if (!gateway->collector || gateway->worker_count == 0)
		return;
	sample = take_sample(gateway);
	sample.full = false;
	while (unjudged_take(&gateway->failwatch.unjudged, &sample, &period))
		tell(gateway, &period);
	if (unjudged_end(&gateway->failwatch.unjudged, &period))
		tell(gateway, &period);
	note_presence(gateway, true);
}

void failwatch_free(struct gateway *gateway)
{
	if (gateway->failwatch.absence_fd > 0)
		close(gateway->failwatch.absence_fd);
}

/* ---- status ---- */

static json_t *cases_json(const struct failmode_answer answers[FAILMODE_CASES])
{
	json_t *cases = json_object();

	for (unsigned i = 0; i < FAILMODE_CASES; i++)
		json_object_set_new(cases, failmode_case_name((enum failmode_case)i),
				    json_pack("{s:s, s:s, s:s}", "fate", failmode_fate_name(answers[i].fate),
					      "then", failmode_fate_name(answers[i].then), "because",
					      answers[i].because));
	return cases;
}

static json_t *rules_json(const struct failmode_facts *facts)
{
	const struct nft_queueing *rules = &facts->rules;

	if (facts->rules_error < 0)
		return json_null();
	return json_pack("{s:b, s:b, s:s, s:I, s:I, s:i, s:i}", "table", rules->there, "dormant",
			 rules->asleep, "form",
			 rules->form == NFT_QUEUE_XT_TARGET ? "xt-nfqueue" : "nft-queue", "queue_rules",
			 (json_int_t)rules->rules, "with_bypass", (json_int_t)rules->bypassing, "first_queue",
			 (int)rules->first, "last_queue", (int)rules->last);
}

static json_t *side_json(const struct unjudged *unjudged, bool open)
{
	struct unjudged_counts counts = unjudged->sums[open];

	if (unjudged->running && unjudged->period.open == open) {
		counts.queue_full += unjudged->period.counts.queue_full;
		counts.buffer_full += unjudged->period.counts.buffer_full;
	}
	return json_pack("{s:I, s:I, s:I, s:I}", "periods", (json_int_t)unjudged->begun[open], "packets",
			 (json_int_t)(counts.queue_full + counts.buffer_full), "queue_full",
			 (json_int_t)counts.queue_full, "buffer_full", (json_int_t)counts.buffer_full);
}

json_t *failwatch_json(const struct gateway *gateway)
{
	const struct failmode_facts facts = facts_of(gateway);
	const struct failwatch *watch = &gateway->failwatch;
	struct failmode_answer answers[FAILMODE_CASES];
	struct failmode_warnings warnings;
	json_t *texts = json_array();

	failmode_assess(&facts, answers, &warnings);
	for (size_t i = 0; i < warnings.count; i++)
		json_array_append_new(texts, json_string(warnings.texts[i]));
	return json_pack("{s:s, s:{s:I, s:I, s:I}, s:o, s:o, s:o, s:{s:b, s:b, s:o, s:o}}", "policy",
			 policy_fail_name(gateway->world->policy->gateway.fail), "queues", "count",
			 (json_int_t)facts.queue_count, "open", (json_int_t)facts.open_count, "acknowledged",
			 (json_int_t)facts.acknowledged_count, "rules", rules_json(&facts), "cases",
			 cases_json(answers), "warnings", texts, "unjudged", "now", watch->unjudged.running,
			 "counted", watch->counter_based, "passed", side_json(&watch->unjudged, true),
			 "dropped", side_json(&watch->unjudged, false));
}

json_t *failwatch_interfaces_json(const struct gateway *gateway)
{
	json_t *names = json_array();

	for (size_t i = 0; i < gateway->interfaces.count; i++)
		if (gateway->interfaces.names[i].missing)
			json_array_append_new(names, json_string(gateway->interfaces.names[i].name));
	return names;
}
