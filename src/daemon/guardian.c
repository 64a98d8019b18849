/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/guardian.h"

#include "base/cleanup.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/say.h"
#include "event/notice.h"
#include "net/nft_queueing.h"
#include "net/rules_lock.h"
#include "net/rules_note.h"
#include "net/rules_pending.h"
#include "ruleset/model.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- when ---- */

enum guardian_leave guardian_pace_ask(struct guardian_pace *pace, int64_t now_ns)
{
	if (!pace->ever)
		return GUARDIAN_MAY;
	if (now_ns - pace->minute_ns >= GUARDIAN_MINUTE_S * NSEC_PER_SEC)
		pace->in_minute = 0;
	if (pace->in_minute >= GUARDIAN_REPAIRS_MAX)
		return GUARDIAN_TOO_OFTEN;
	return now_ns - pace->last_ns >= GUARDIAN_REPAIR_S * NSEC_PER_SEC ? GUARDIAN_MAY : GUARDIAN_WAIT;
}

void guardian_pace_note(struct guardian_pace *pace, int64_t now_ns)
{
	if (pace->in_minute == 0)
		pace->minute_ns = now_ns;
	pace->in_minute++;
	pace->last_ns = now_ns;
	pace->ever = true;
}

/* ---- telling ---- */

static void tell(struct gateway *gateway, enum event_notice_kind kind, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static void tell(struct gateway *gateway, enum event_notice_kind kind, const char *format, ...)
{
	char text[GUARDIAN_TEXT_MAX];
	struct event_notice notice = {.kind = kind,
				      .state = EVENT_NOTICE_ONCE,
				      .time_ns = clock_wall_ns(),
				      .digest = gateway->world->policy->digest,
				      .message = text};
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	say(kind == EVENT_NOTICE_RULES_BACK ? SAY_NOTICE : SAY_ERROR, "rules: %s", text);
	if (gateway->collector)
		event_notice(gateway->collector, &notice);
}

/* ---- repair ---- */

static bool waits_for_confirmation(void)
{
	struct pending pending = {.state = PENDING_NONE};

	return pending_read(&pending) == 0 && pending.state == PENDING_WAITING;
}

/* Under the lock: 0, or -errno of loading. */
static int load_rules(struct guardian *guardian, const struct ruleset *ruleset)
{
	int r = nft_apply(ruleset, NULL, &guardian->report);

	return r < 0 ? r : nft_fingerprint_read(ruleset->family, &guardian->made);
}

/* The same that op25b-rules apply does; what it found while it waited for the lock it leaves as it is. */
static void repair_locked(struct guardian *guardian, const struct ruleset *ruleset)
{
	int lock CLEANUP_CLOSE = rules_lock();
	struct rules_note note;

	rules_note_read(&note);
	guardian->refused =
		lock == -EWOULDBLOCK || waits_for_confirmation() ||
		(note.deed != RULES_NOTHING && (int32_t)(note.generation - guardian->generation) > 0);
	guardian->result = guardian->refused ? -EBUSY : load_rules(guardian, ruleset);
}

static void *repair(void *argument)
{
	struct guardian *guardian = argument;
	struct ruleset *ruleset = NULL;

	guardian->result = ruleset_build(guardian->world->policy, &ruleset);
	if (guardian->result == 0)
		repair_locked(guardian, ruleset);
	ruleset_free(ruleset);
	atomic_store(&guardian->done, true);
	return NULL;
}

static void begin_repair(struct gateway *gateway)
{
	struct guardian *guardian = &gateway->guardian;
	sigset_t all, old;
	int r;

	guardian_pace_note(&guardian->pace, clock_steady_ns());
	guardian->world = gateway->world;
	guardian->report = (struct nft_report){.error = ""};
	guardian->refused = false;
	atomic_store(&guardian->done, false);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	r = pthread_create(&guardian->thread, NULL, repair, guardian);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	guardian->running = r == 0;
	if (r != 0)
		tell(gateway, EVENT_NOTICE_RULES_FAILED, "no thread to load them: %s", strerror(r));
}

static void conclude_repair(struct gateway *gateway)
{
	struct guardian *guardian = &gateway->guardian;
	bool offloads = gateway->world->groups.count > 0;
	bool lost;

	pthread_join(guardian->thread, NULL);
	lost = guardian->gone || guardian->report.learned_anew > 0;
	guardian->running = false;
	guardian->look_ns = 0;
	if (guardian->refused)
		return;
	if (guardian->result < 0) {
		guardian->failures++;
		tell(gateway, EVENT_NOTICE_RULES_FAILED, "they could not be loaded again: %s: %s",
		     guardian->report.error, strerror(-guardian->result));
		return;
	}
	guardian->repairs++;
	guardian->broken = guardian->gone = false;
	guardian->reference = guardian->made;
	guardian->generation = guardian->made.generation;
	tell(gateway, EVENT_NOTICE_RULES_BACK, "loaded again from the policy in force: %zu rules, %zu sets%s",
	     guardian->report.rules, guardian->report.sets,
	     offloads && lost
		     ? "; what the kernel had learned, and had counted since it was last read, is lost"
		     : "");
	if (offloads)
		learning_reload(gateway);
}

/* Whether and when. */
static void think_of_repair(struct gateway *gateway)
{
	struct guardian *guardian = &gateway->guardian;

	if (!gateway->world->policy->gateway.repair || guardian->running || waits_for_confirmation())
		return;
	switch (guardian_pace_ask(&guardian->pace, clock_steady_ns())) {
	case GUARDIAN_MAY:
		guardian->given_up = false;
		begin_repair(gateway);
		break;
	case GUARDIAN_TOO_OFTEN:
		if (!guardian->given_up)
			tell(gateway, EVENT_NOTICE_RULES_FAILED,
			     "changed by somebody else %d times within a minute: not loaded again until it is over",
			     GUARDIAN_REPAIRS_MAX + 1);
		guardian->given_up = true;
		break;
	default:
		break;
	}
}

/* ---- looking ---- */

static void find_broken(struct gateway *gateway, const struct nft_fingerprint *now)
{
	struct guardian *guardian = &gateway->guardian;

	guardian->gone |= now->value == 0;
	if (guardian->broken)
		return;
	guardian->broken = true;
	guardian->changes++;
	tell(gateway, EVENT_NOTICE_RULES_CHANGED,
	     now->there
		     ? "somebody other than op25b-rules has changed the table op25b%s"
		     : "somebody other than op25b-rules has deleted the table op25b, so port 25 is not judged%s",
	     gateway->world->policy->gateway.repair ? "" : "; repair = no: op25b-rules apply brings it back");
}

static void take_reference(struct guardian *guardian, const struct nft_fingerprint *now)
{
	guardian->has_reference = now->there;
	guardian->reference = *now;
	guardian->broken = guardian->gone = false;
}

static void find_in_order(struct gateway *gateway, const char *by)
{
	if (gateway->guardian.broken)
		tell(gateway, EVENT_NOTICE_RULES_BACK, "in order again, by %s", by);
	gateway->guardian.broken = gateway->guardian.gone = false;
}

/* What op25b-rules did since the last look. A note that was there at the start may be of a namespace with the same number before. */
static bool is_news(const struct guardian *guardian, const struct nft_fingerprint *now,
		    const struct rules_note *note)
{
	return note->deed != RULES_NOTHING && note->generation != guardian->old_note &&
	       (int32_t)(note->generation - guardian->generation) > 0 &&
	       (int32_t)(now->generation - note->generation) >= 0;
}

static void judge_deed(struct gateway *gateway, const struct nft_fingerprint *now, enum rules_deed deed)
{
	struct guardian *guardian = &gateway->guardian;

	if (deed == RULES_DELETED || now->there) {
		find_in_order(gateway, "op25b-rules");
		take_reference(guardian, now);
		return;
	}
	/* Loaded, and gone at once: what it was like nobody has seen. */
	guardian->has_reference = true;
	guardian->reference = (struct nft_fingerprint){.there = true, .value = UINT64_MAX};
	find_broken(gateway, now);
}

static void judge(struct gateway *gateway, const struct nft_fingerprint *now, const struct rules_note *note)
{
	struct guardian *guardian = &gateway->guardian;

	if (is_news(guardian, now, note))
		judge_deed(gateway, now, note->deed);
	else if (!guardian->has_reference)
		take_reference(guardian, now);
	else if (now->value != guardian->reference.value)
		find_broken(gateway, now);
	else
		find_in_order(gateway, "somebody else");
	guardian->generation = now->generation;
}

/* Reads the table, unless op25b-rules is at work: then the next tick does. */
static void look(struct gateway *gateway)
{
	struct guardian *guardian = &gateway->guardian;
	int lock CLEANUP_CLOSE = rules_lock_now();
	int64_t begin_ns = clock_steady_ns();
	struct nft_fingerprint now;
	struct rules_note note;
	int r;

	if (lock == -EWOULDBLOCK)
		return;
	rules_note_read(&note);
	r = nft_fingerprint_read(gateway->learning.family, &now);
	guardian->look_ns = clock_steady_ns() + (clock_steady_ns() - begin_ns) * GUARDIAN_LOOK_FACTOR;
	if (r == 0)
		judge(gateway, &now, &note);
	else if (r != -EINTR && r != guardian->look_error)
		say(SAY_WARNING, "rules: the kernel's table cannot be read: %s", strerror(-r));
	guardian->look_error = r == -EINTR ? 0 : r;
}

/* Every change since the last look was this daemon's, of what it has learned. */
static bool changed_by_learning(const struct gateway *gateway, uint32_t generation)
{
	uint32_t first, last;

	return learned_generation_ids(gateway->learning.kernel, &first, &last) && generation == last &&
	       gateway->guardian.generation - first <= last - first;
}

void guardian_start(struct gateway *gateway)
{
	struct rules_note note;

	rules_note_read(&note);
	gateway->guardian.old_note = note.generation;
	look(gateway);
}

void guardian_tick(struct gateway *gateway)
{
	struct guardian *guardian = &gateway->guardian;
	uint32_t generation = 0;

	if (guardian->running) {
		if (atomic_load(&guardian->done))
			conclude_repair(gateway);
		return;
	}
	if (nft_queueing_generation(&generation) < 0)
		return;
	if (changed_by_learning(gateway, generation))
		guardian->generation = generation;
	if (generation != guardian->generation && clock_steady_ns() >= guardian->look_ns)
		look(gateway);
	if (guardian->broken)
		think_of_repair(gateway);
}

void guardian_end(struct gateway *gateway)
{
	if (gateway->guardian.running)
		pthread_join(gateway->guardian.thread, NULL);
	gateway->guardian.running = false;
}

bool guardian_uses(const struct gateway *gateway, const struct world *world)
{
	return gateway->guardian.running && gateway->guardian.world == world;
}

static const char *state_name(const struct guardian *guardian)
{
	if (guardian->running)
		return "being-repaired";
	if (guardian->broken)
		return guardian->given_up ? "broken-given-up" : "broken";
	return guardian->has_reference ? "in-order" : "none";
}

json_t *guardian_json(const struct gateway *gateway)
{
	const struct guardian *guardian = &gateway->guardian;

	return json_pack("{s:b, s:s, s:I, s:I, s:I}", "repair", gateway->world->policy->gateway.repair,
			 "state", state_name(guardian), "changed_by_others", (json_int_t)guardian->changes,
			 "repairs", (json_int_t)guardian->repairs, "failures",
			 (json_int_t)guardian->failures);
}
