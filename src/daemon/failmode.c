/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/failmode.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

const char *failmode_case_name(enum failmode_case failmode_case)
{
	static const char *const names[] = {
		[FAILMODE_NO_DAEMON] = "no-daemon",     [FAILMODE_QUEUE_FULL] = "queue-full",
		[FAILMODE_BUFFER_FULL] = "buffer-full", [FAILMODE_KILLED] = "killed",
		[FAILMODE_STALLED] = "stalled",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == FAILMODE_CASES, "one name for each case");
	return names[failmode_case];
}

const char *failmode_fate_name(enum failmode_fate fate)
{
	static const char *const names[] = {
		[FAILMODE_PASSES] = "passes", [FAILMODE_DROPPED] = "dropped", [FAILMODE_WAITS] = "waits",
		[FAILMODE_MIXED] = "mixed",   [FAILMODE_UNKNOWN] = "unknown",
	};

	return names[fate];
}

static bool nothing_is_queued(const struct failmode_facts *facts)
{
	const struct nft_queueing *rules = &facts->rules;

	return facts->rules_error == 0 && (!rules->there || rules->asleep || rules->rules == 0);
}

static struct failmode_answer answer(enum failmode_fate fate, const char *because)
{
	return (struct failmode_answer){.fate = fate, .then = fate, .because = because};
}

static struct failmode_answer unqueued(void)
{
	return answer(FAILMODE_PASSES, "no rule of ours queues anything");
}

/* The rule alone decides. */
static struct failmode_answer without_daemon(const struct failmode_facts *facts)
{
	const struct nft_queueing *rules = &facts->rules;

	if (facts->rules_error < 0)
		return answer(FAILMODE_UNKNOWN, "the kernel's rules could not be read");
	if (nothing_is_queued(facts))
		return unqueued();
	if (rules->bypassing == 0)
		return answer(FAILMODE_DROPPED, "read back: the kernel's queue rules have no bypass");
	if (rules->bypassing == rules->rules)
		return answer(FAILMODE_PASSES, "read back: the kernel's queue rules have bypass");
	return answer(FAILMODE_MIXED,
		      "read back: some of the kernel's queue rules have bypass, others have not");
}

/* The queue's flag decides, whatever the rule says. */
static struct failmode_answer beyond_queue(const struct failmode_facts *facts)
{
	if (nothing_is_queued(facts))
		return unqueued();
	if (facts->acknowledged_count < facts->queue_count || facts->queue_count == 0)
		return answer(FAILMODE_UNKNOWN, "the kernel has not acknowledged the queue's flag");
	if (facts->open_count == facts->queue_count)
		return answer(FAILMODE_PASSES, "the kernel has acknowledged the queue's flag fail-open");
	if (facts->open_count == 0)
		return answer(FAILMODE_DROPPED,
			      "the kernel has acknowledged that the queue's flag fail-open is not set");
	return answer(FAILMODE_MIXED, "the queues differ in their flag fail-open");
}

static struct failmode_answer killed(const struct failmode_facts *facts)
{
	if (nothing_is_queued(facts))
		return unqueued();
	if (facts->sockets_kept) {
		struct failmode_answer kept = beyond_queue(facts);

		return (struct failmode_answer){FAILMODE_WAITS, kept.fate,
						"the queues' sockets are kept for the next daemon"};
	}
	return answer(FAILMODE_DROPPED,
		      "the kernel's source: a queue whose holder ends drops what waits, whatever is set");
}

static struct failmode_answer stalled(const struct failmode_facts *facts)
{
	struct failmode_answer full = beyond_queue(facts);

	if (nothing_is_queued(facts))
		return unqueued();
	return (struct failmode_answer){FAILMODE_WAITS, full.fate, full.because};
}

static void warn(struct failmode_warnings *warnings, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static void warn(struct failmode_warnings *warnings, const char *format, ...)
{
	va_list args;

	if (warnings->count == FAILMODE_WARNINGS_MAX)
		return;
	va_start(args, format);
	vsnprintf(warnings->texts[warnings->count++], FAILMODE_WARNING_TEXT_MAX, format, args);
	va_end(args);
}

static const char *word(bool open)
{
	return open ? "open" : "closed";
}

/* True when there are queue rules to look at. */
static bool warn_of_no_rules(const struct failmode_facts *facts, struct failmode_warnings *warnings)
{
	static const char *const all_passes =
		"port 25 is not queued, so all of it passes, whatever fail says: op25b-rules apply";

	if (facts->rules_error < 0)
		warn(warnings, "the kernel's rules cannot be read: %s", strerror(-facts->rules_error));
	else if (!facts->rules.there)
		warn(warnings, "there is no table op25b in the kernel: %s", all_passes);
	else if (facts->rules.asleep)
		warn(warnings, "the table op25b is dormant: %s", all_passes);
	else if (facts->rules.rules == 0)
		warn(warnings, "the table op25b has no rule that queues: %s", all_passes);
	else
		return true;
	return false;
}

static void warn_of_rules(const struct failmode_facts *facts, struct failmode_warnings *warnings)
{
	const struct nft_queueing *rules = &facts->rules;
	unsigned last = facts->first_queue + (unsigned)facts->queue_count - 1;

	if (!warn_of_no_rules(facts, warnings))
		return;
	if (rules->bypassing != 0 && rules->bypassing != rules->rules)
		warn(warnings, "%zu of %zu queue rules have bypass, the others have not: op25b-rules apply",
		     rules->bypassing, rules->rules);
	else if ((rules->bypassing > 0) != facts->policy_open)
		warn(warnings, "the policy says fail = %s, the kernel's rules %s: op25b-rules apply",
		     word(facts->policy_open), word(rules->bypassing > 0));
	if (facts->queue_count > 0 && (rules->first < facts->first_queue || rules->last > last))
		warn(warnings,
		     "the rules send packets to queues %u to %u, and op25bd holds %u to %u: those that it "
		     "does not hold are as if there were no daemon",
		     rules->first, rules->last, facts->first_queue, last);
}

static void warn_of_queues(const struct failmode_facts *facts, struct failmode_warnings *warnings)
{
	size_t wanted = facts->policy_open ? facts->queue_count : 0;

	if (facts->acknowledged_count < facts->queue_count)
		warn(warnings, "the kernel has not acknowledged the fail mode of %zu of %zu queues",
		     facts->queue_count - facts->acknowledged_count, facts->queue_count);
	else if (facts->open_count != wanted)
		warn(warnings, "the policy says fail = %s, %zu of %zu queues are open",
		     word(facts->policy_open), facts->open_count, facts->queue_count);
}

void failmode_assess(const struct failmode_facts *facts, struct failmode_answer answers[FAILMODE_CASES],
		     struct failmode_warnings *warnings)
{
	answers[FAILMODE_NO_DAEMON] = without_daemon(facts);
	answers[FAILMODE_QUEUE_FULL] = beyond_queue(facts);
	answers[FAILMODE_BUFFER_FULL] = beyond_queue(facts);
	answers[FAILMODE_KILLED] = killed(facts);
	answers[FAILMODE_STALLED] = stalled(facts);
	*warnings = (struct failmode_warnings){.count = 0};
	warn_of_rules(facts, warnings);
	warn_of_queues(facts, warnings);
}
