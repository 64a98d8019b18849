/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/status.h"

#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/keeper.h"
#include "daemon/learning.h"
#include "daemon/say.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

static const struct ledger_field {
	enum ledger_slot slot;
	const char *name;
} ledger_fields[] = {
	{LEDGER_RECEIVED, "received"},         {LEDGER_ACCEPTED, "accepted"},
	{LEDGER_DROPPED, "dropped"},           {LEDGER_FAILED_OPEN, "failed_open"},
	{LEDGER_IN_FLIGHT, "in_flight"},       {LEDGER_LEARNED, "learned"},
	{LEDGER_UNJUDGED, "unjudged"},         {LEDGER_BATCHES, "batches"},
	{LEDGER_OVERRUNS, "overruns"},         {LEDGER_LOST_IDS, "lost_ids"},
	{LEDGER_NOT_PARSED, "not_parsed"},     {LEDGER_VERDICT_ERRORS, "verdict_errors"},
	{LEDGER_SEND_RETRIES, "send_retries"}, {LEDGER_ORPHANED, "orphaned"},
};

static json_t *number(uint64_t value)
{
	return json_integer((json_int_t)value);
}

static json_t *moment_json(int64_t s)
{
	char text[MOMENT_TEXT_MAX];
	time_t time = (time_t)s;
	struct tm local;

	moment_format(s, localtime_r(&time, &local) ? (int32_t)local.tm_gmtoff : 0, text);
	return json_string(text);
}

static json_t *ledger_json(const struct ledger_counts *counts)
{
	json_t *ledger = json_object();

	for (size_t i = 0; i < sizeof(ledger_fields) / sizeof(ledger_fields[0]); i++)
		json_object_set_new(ledger, ledger_fields[i].name,
				    number(counts->values[ledger_fields[i].slot]));
	return ledger;
}

static json_t *kernel_json(const struct queue_kernel *kernel)
{
	return json_pack("{s:I, s:I, s:I}", "waiting", (json_int_t)kernel->waiting, "queue_dropped",
			 (json_int_t)kernel->queue_dropped, "user_dropped", (json_int_t)kernel->user_dropped);
}

static json_t *worker_json(const struct gateway *gateway, size_t i, struct queue_kernel *sum)
{
	struct ledger_counts counts = {0};
	struct queue_kernel kernel = {0};
	int error = worker_error(gateway->workers[i]);
	int r = gateway->kernel_fd;

	if (r >= 0)
		r = queue_kernel_get(gateway->kernel_fd, queue_number(gateway->queues[i]), &kernel);
	sum->waiting += kernel.waiting;
	sum->queue_dropped += kernel.queue_dropped;
	sum->user_dropped += kernel.user_dropped;
	ledger_collect(worker_ledger(gateway->workers[i]), &counts);
	return json_pack("{s:I, s:I, s:o, s:o, s:o}", "queue", (json_int_t)queue_number(gateway->queues[i]),
			 "generation", (json_int_t)worker_generation(gateway->workers[i]), "error",
			 error ? json_string(strerror(-error)) : json_null(), "ledger", ledger_json(&counts),
			 "kernel", r == 0 ? kernel_json(&kernel) : json_null());
}

static json_t *policy_json(const struct gateway *gateway)
{
	const struct world *world = gateway->world;
	const struct policy_gateway *policy = &world->policy->gateway;

	return json_pack("{s:o, s:s, s:I, s:o, s:I, s:I, s:I, s:s, s:s, s:I, s:I, s:o, s:o}", "path",
			 control_text(gateway->policy_path), "digest", world->policy->digest, "generation",
			 (json_int_t)world->generation, "loaded", moment_json(world->loaded_s), "warnings",
			 (json_int_t)world->warnings, "build_ms", (json_int_t)world->build_ms, "engine_bytes",
			 (json_int_t)engine_memory(world->engine), "mode", policy_mode_name(policy->mode),
			 "fail", policy_fail_name(policy->fail), "reloads",
			 (json_int_t)gateway->reload.loaded, "refused", (json_int_t)gateway->reload.refused,
			 "last_reload",
			 gateway->reload.last_s ? moment_json(gateway->reload.last_s) : json_null(),
			 "last_reload_ok", json_boolean(gateway->reload.last_result == 0));
}

static json_t *log_json(const struct gateway *gateway)
{
	struct logwriter_stats stats;

	logwriter_stats_get(gateway->log, &stats);
	return json_pack("{s:o, s:I, s:I, s:I, s:I, s:I, s:o}", "file",
			 control_text(logwriter_path(gateway->log)), "records", (json_int_t)stats.lines,
			 "written", (json_int_t)stats.written, "lost", (json_int_t)stats.lost, "failures",
			 (json_int_t)stats.failures, "waiting_bytes", (json_int_t)stats.waiting, "error",
			 stats.error ? json_string(strerror(-stats.error)) : json_null());
}

static uint64_t unattributed(const struct ledger_counts *counts)
{
	uint64_t sum = 0;

	for (unsigned reason = 0; reason < REASONS; reason++)
		sum += counts->values[(unsigned)LEDGER_UNATTRIBUTED + reason];
	return sum;
}

void status_event_stats(const struct gateway *gateway, struct event_stats *ret)
{
	event_stats_get(gateway->collector, ret);
	ret->observed += gateway->observed_before;
	ret->attempts += gateway->attempts_before;
	ret->records += gateway->records_before;
	ret->firsts += gateway->firsts_before;
	ret->overflowed += gateway->overflowed_before;
	event_told_add(&ret->told, &gateway->told_before);
}

/* What the records say that were written: op25b-log verify holds it against what it has stored. */
static json_t *told_json(const struct event_told *told)
{
	return json_pack("{s:I, s:I, s:I}", "blocked", (json_int_t)told->blocked, "monitored",
			 (json_int_t)told->monitored, "attempts", (json_int_t)told->attempts);
}

static json_t *events_json(const struct gateway *gateway, const struct ledger_counts *counts)
{
	struct event_stats stats;

	status_event_stats(gateway, &stats);
	return json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o}", "host", gateway->host,
			 "boot_id", gateway->boot_id, "observed", (json_int_t)stats.observed, "attempts",
			 (json_int_t)stats.attempts, "records", (json_int_t)stats.records, "overflowed",
			 (json_int_t)stats.overflowed, "unattributed", (json_int_t)unattributed(counts),
			 "subscribers", (json_int_t)stats.subscribers, "next_seq", (json_int_t)stats.next_seq,
			 "told", told_json(&stats.told));
}

static void collect(const struct gateway *gateway, struct ledger_counts *counts)
{
	*counts = (struct ledger_counts){0};
	for (size_t i = 0; i < gateway->worker_count; i++)
		if (gateway->workers[i])
			ledger_collect(worker_ledger(gateway->workers[i]), counts);
}

static json_t *workers_json(const struct gateway *gateway, struct queue_kernel *sum)
{
	json_t *workers = json_array();

	for (size_t i = 0; i < gateway->worker_count; i++)
		json_array_append_new(workers, worker_json(gateway, i, sum));
	return workers;
}

static json_t *handover_json(const struct gateway *gateway)
{
	const struct handover *handover = &gateway->handover;

	return json_pack("{s:I, s:I, s:b}", "lives", (json_int_t)handover_state_lives(handover->state),
			 "queues_taken", (json_int_t)handover->queues_taken, "store", handover->store);
}

json_t *status_json(const struct gateway *gateway)
{
	struct queue_kernel sum = {0};
	struct ledger_counts counts;
	json_t *workers = workers_json(gateway, &sum);
	json_t *status;

	collect(gateway, &counts);
	status = json_pack("{s:s, s:s, s:I, s:o, s:I, s:s, s:s}", "name", gateway->host, "version",
			   OP25B_VERSION, "pid", (json_int_t)getpid(), "started",
			   moment_json(gateway->started_s), "uptime_s",
			   (json_int_t)((clock_steady_ns() - gateway->started_steady_ns) / NSEC_PER_SEC),
			   "mode", policy_mode_name(gateway->world->policy->gateway.mode), "fail",
			   policy_fail_name(gateway->world->policy->gateway.fail));
	json_object_set_new(status, "policy", policy_json(gateway));
	json_object_set_new(status, "ledger", ledger_json(&counts));
	json_object_set_new(status, "kernel", gateway->kernel_fd >= 0 ? kernel_json(&sum) : json_null());
	json_object_set_new(status, "workers", workers);
	json_object_set_new(status, "rules", guardian_json(gateway));
	json_object_set_new(status, "missing_interfaces", failwatch_interfaces_json(gateway));
	json_object_set_new(status, "fail_modes", failwatch_json(gateway));
	json_object_set_new(status, "events", events_json(gateway, &counts));
	json_object_set_new(status, "offload", learning_json(gateway, &counts));
	json_object_set_new(status, "overrides", keeper_json(gateway));
	json_object_set_new(status, "log", log_json(gateway));
	json_object_set_new(status, "outputs", outputs_json(&gateway->outputs));
	json_object_set_new(status, "handover", handover_json(gateway));
	return status;
}

static json_t *verdicts_json(const struct ledger_counts *counts)
{
	json_t *verdicts = json_object();

	for (unsigned verdict = 0; verdict < VERDICTS; verdict++) {
		uint64_t sum = 0;

		for (unsigned reason = 0; reason < REASONS; reason++)
			sum += counts->values[ledger_decision((enum verdict)verdict, (enum reason)reason)];
		json_object_set_new(verdicts, verdict_name((enum verdict)verdict), number(sum));
	}
	return verdicts;
}

static json_t *reason_json(const struct ledger_counts *counts, enum reason reason)
{
	json_t *row = json_object();
	uint64_t sum = 0;

	for (unsigned verdict = 0; verdict < VERDICTS; verdict++) {
		uint64_t n = counts->values[ledger_decision((enum verdict)verdict, reason)];

		json_object_set_new(row, verdict_name((enum verdict)verdict), number(n));
		sum += n;
	}
	json_object_set_new(row, "packets", number(sum));
	json_object_set_new(row, "monitored",
			    number(counts->values[(unsigned)LEDGER_MONITORED + (unsigned)reason]));
	json_object_set_new(row, "unattributed",
			    number(counts->values[(unsigned)LEDGER_UNATTRIBUTED + (unsigned)reason]));
	return row;
}

json_t *status_stats_json(const struct gateway *gateway)
{
	struct ledger_counts counts;
	json_t *stats = json_object(), *reasons = json_object();

	collect(gateway, &counts);
	for (unsigned reason = 0; reason < REASONS; reason++)
		json_object_set_new(reasons, reason_name((enum reason)reason),
				    reason_json(&counts, (enum reason)reason));
	json_object_set_new(stats, "ledger", ledger_json(&counts));
	json_object_set_new(stats, "verdicts", verdicts_json(&counts));
	json_object_set_new(stats, "reasons", reasons);
	json_object_set_new(stats, "events", events_json(gateway, &counts));
	return stats;
}

void status_say_ledger(const struct gateway *gateway)
{
	struct queue_kernel kernel = {0}, sum = {0};
	struct ledger_counts counts;
	uint64_t left;
	int error = 0;

	collect(gateway, &counts);
	for (size_t i = 0; i < gateway->worker_count; i++) {
		if (worker_error(gateway->workers[i]) < 0)
			error = worker_error(gateway->workers[i]);
		if (gateway->kernel_fd < 0 || !gateway->queues[i] ||
		    queue_kernel_get(gateway->kernel_fd, queue_number(gateway->queues[i]), &kernel) < 0)
			continue;
		sum.waiting += kernel.waiting;
		sum.queue_dropped += kernel.queue_dropped;
		sum.user_dropped += kernel.user_dropped;
	}
	say(SAY_NOTICE,
	    "ledger: received %" PRIu64 " = accepted %" PRIu64 " + dropped %" PRIu64 " + failed open %" PRIu64
	    " + in flight %" PRIu64 "; kernel: waiting %u, queue dropped %u, user dropped %u",
	    counts.values[LEDGER_RECEIVED], counts.values[LEDGER_ACCEPTED], counts.values[LEDGER_DROPPED],
	    counts.values[LEDGER_FAILED_OPEN], counts.values[LEDGER_IN_FLIGHT], sum.waiting,
	    sum.queue_dropped, sum.user_dropped);
	if (gateway->end != HUB_CLOSE) {
		say(SAY_NOTICE, "the queues stay bound: %u packets wait for the next process", sum.waiting);
		return;
	}
	left = sum.waiting > counts.values[LEDGER_IN_FLIGHT] ? sum.waiting : counts.values[LEDGER_IN_FLIGHT];
	if (left > 0)
		say(SAY_ERROR,
		    "%" PRIu64 " packets are left unanswered, and the kernel drops them: it took no verdicts "
		    "within %d seconds (%s)",
		    left, WORKER_STOP_S, error ? strerror(-error) : "too many waited");
}
