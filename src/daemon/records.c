/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/records.h"

#include "base/cleanup.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/say.h"
#include "daemon/status.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/random.h>

enum { FACTS_AT_ONCE = 256 };

/* Everything that was emitted up to now, by this process and those before. */
static struct handover_told told_so_far(const struct gateway *gateway)
{
	struct handover_told told = {.records = gateway->records_before,
				     .overflowed = gateway->overflowed_before,
				     .told = gateway->told_before};
	struct event_stats stats;

	event_stats_get(gateway->collector, &stats);
	told.next_seq = stats.next_seq;
	told.records += stats.records;
	told.overflowed += stats.overflowed;
	event_told_add(&told.told, &stats.told);
	return told;
}

/* Before lines go out: were this process killed now, the next one would see from the file's size whether they did. */
static void begin_telling(struct gateway *gateway, uint64_t waiting)
{
	struct handover_intent intent = {.bytes = waiting};
	struct handover_told told;

	if (!gateway->handover.state || !gateway->collector || waiting == 0)
		return;
	told = told_so_far(gateway);
	logwriter_place(gateway->log, &intent.device, &intent.inode, &intent.size);
	handover_state_telling(gateway->handover.state, &told, &intent);
}

static void flush_log(struct gateway *gateway)
{
	struct logwriter_stats stats;

	if (clock_steady_ns() < gateway->log_retry_ns)
		return;
	logwriter_stats_get(gateway->log, &stats);
	begin_telling(gateway, stats.waiting);
	switch (logwriter_flush(gateway->log)) {
	case LOGWRITER_FAILED:
		logwriter_stats_get(gateway->log, &stats);
		say(SAY_ERROR,
		    "the record file %s cannot be written: %s; verdicts go on, records wait in memory",
		    logwriter_path(gateway->log), strerror(-stats.error));
		break;
	case LOGWRITER_RECOVERED:
		logwriter_stats_get(gateway->log, &stats);
		say(SAY_NOTICE, "the record file %s is written again; %" PRIu64 " records were lost",
		    logwriter_path(gateway->log), stats.lost_in_failure);
		break;
	default:
		break;
	}
	logwriter_stats_get(gateway->log, &stats);
	if (gateway->handover.state && stats.waiting == 0)
		handover_state_was_told(gateway->handover.state);
	gateway->log_retry_ns = stats.error ? clock_steady_ns() + NSEC_PER_SEC : 0;
}

static void take_line(void *context, const char *line, size_t len)
{
	struct gateway *gateway = context;

	/* A window's end, or the daemon's, may bring more at once than can wait, though nothing is wrong with the disk. */
	if (!logwriter_fits(gateway->log, len))
		flush_log(gateway);
	logwriter_add(gateway->log, line, len);
}

static void take_form(void *context, enum event_form form, const char *message, size_t len)
{
	struct gateway *gateway = context;

	outputs_take(&gateway->outputs, form, message, len);
}

static const char *name_of_reason(unsigned reason)
{
	return reason == RECORDS_REASON_ORPHANED ? "orphaned" : reason_name((enum reason)reason);
}

static int32_t utc_offset_s(void)
{
	time_t now = (time_t)(clock_wall_ns() / NSEC_PER_SEC);
	struct tm local;

	return localtime_r(&now, &local) ? (int32_t)local.tm_gmtoff : 0;
}

static void read_host(const struct policy *policy, char host[HOST_NAME_MAX_BYTES])
{
	memset(host, 0, HOST_NAME_MAX_BYTES);
	if (policy->gateway.name[0])
		memcpy(host, policy->gateway.name, strlen(policy->gateway.name));
	else if (gethostname(host, HOST_NAME_MAX_BYTES - 1) < 0 || !host[0])
		memcpy(host, "localhost", sizeof("localhost"));
}

static void read_boot_id(char boot_id[BOOT_ID_MAX])
{
	CLEANUP_FCLOSE FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (!file || !fgets(boot_id, BOOT_ID_MAX, file))
		boot_id[0] = '\0';
	boot_id[strcspn(boot_id, "\n")] = '\0';
}

static int new_collector(struct gateway *gateway, uint64_t first_seq, struct event_collector **ret)
{
	const struct policy_log *log = &gateway->world->policy->log;
	struct event_config config = {
		.host = gateway->host,
		.boot_id = gateway->boot_id,
		.first_seq = first_seq,
		.window_s = log->window_s,
		.subscribers_max = log->subscribers_max,
		.utc_offset_s = utc_offset_s(),
		.reason_name = name_of_reason,
		.emit = take_line,
		.emit_form = take_form,
		.context = gateway,
	};
	int r;

	if (getrandom(config.hash_key, sizeof(config.hash_key), 0) != (ssize_t)sizeof(config.hash_key))
		return -errno;
	r = event_collector_new(&config, ret);
	if (r == 0)
		event_collector_set_forms(*ret, outputs_forms(&gateway->outputs));
	return r;
}

/* Numbers and counts go on where the process before ended. */
static uint64_t go_on_from(struct gateway *gateway)
{
	const struct handover_told *told;

	/*
	 * (host, boot_id, seq) must stay unique over restarts within one boot without a state file: microseconds since
	 * boot never go back, and no daemon writes a million records a second for its whole life.
	 */
	uint64_t by_clock = (uint64_t)clock_boot_ns() / 1000U;

	if (!gateway->handover.state || handover_state_lives(gateway->handover.state) == 1)
		return by_clock;
	handover_look_at_file(gateway, gateway->world->policy->log.file);
	told = handover_state_told(gateway->handover.state);
	gateway->told_before = told->told;
	gateway->observed_before = told->told.blocked + told->told.monitored;
	gateway->attempts_before = told->told.attempts;
	gateway->records_before = told->records;
	gateway->overflowed_before = told->overflowed;
	/* 0: it has written no record. */
	return told->next_seq ? told->next_seq : by_clock;
}

int records_start(struct gateway *gateway)
{
	int r;

	read_host(gateway->world->policy, gateway->host);
	read_boot_id(gateway->boot_id);
	gateway->log = logwriter_new(gateway->world->policy->log.file, LOG_MEMORY);
	if (!gateway->log || outputs_apply(&gateway->outputs, gateway->world->policy) < 0)
		return -ENOMEM;
	r = new_collector(gateway, go_on_from(gateway), &gateway->collector);
	if (r == 0)
		handover_tell_rest(gateway);
	return r;
}

/* What waits now, and not what comes meanwhile: a worker may fill its ring as fast as it is emptied. */
static void empty_ring(struct gateway *gateway, struct ring *ring)
{
	size_t left = ring_waiting(ring), count;

	while (left > 0) {
		const struct event_fact *facts = ring_peek(ring, &count);

		/* A worker that fills the ring should not wait for the whole of it. */
		count = count < FACTS_AT_ONCE ? count : FACTS_AT_ONCE;
		count = count < left ? count : left;
		event_observe(gateway->collector, facts, count);
		ring_release(ring, count);
		left -= count;
	}
}

static void empty_rings(struct gateway *gateway)
{
	/* An exchange, not a store: what a worker pushed before it saw the flag set must be seen here. */
	(void)atomic_exchange(&gateway->hub.facts_told, false);
	for (size_t i = 0; i < gateway->worker_count; i++)
		if (gateway->workers[i])
			empty_ring(gateway, worker_ring(gateway->workers[i]));
}

void records_gather(struct gateway *gateway)
{
	empty_rings(gateway);
	flush_log(gateway);
	outputs_flush(&gateway->outputs);
}

void records_tick(struct gateway *gateway)
{
	empty_rings(gateway);
	event_tick(gateway->collector, clock_wall_ns());
	flush_log(gateway);
	outputs_flush(&gateway->outputs);
}

static bool collector_differs(const struct policy *before, const struct policy *after)
{
	return strcmp(before->gateway.name, after->gateway.name) != 0 ||
	       before->log.window_s != after->log.window_s ||
	       before->log.subscribers_max != after->log.subscribers_max;
}

static int replace_collector(struct gateway *gateway)
{
	struct event_collector *fresh = NULL;
	struct event_stats stats;
	int r;

	event_flush(gateway->collector, clock_wall_ns());
	event_stats_get(gateway->collector, &stats);
	read_host(gateway->world->policy, gateway->host);
	r = new_collector(gateway, stats.next_seq, &fresh);
	if (r < 0)
		return r;
	event_collector_free(gateway->collector);
	gateway->collector = fresh;
	gateway->observed_before += stats.observed;
	gateway->attempts_before += stats.attempts;
	gateway->records_before += stats.records;
	gateway->firsts_before += stats.firsts;
	gateway->overflowed_before += stats.overflowed;
	event_told_add(&gateway->told_before, &stats.told);
	return 0;
}

int records_apply_policy(struct gateway *gateway, const struct policy *before)
{
	const struct policy *after = gateway->world->policy;
	int r = 0;

	if (outputs_apply(&gateway->outputs, after) < 0)
		say(SAY_ERROR,
		    "reload: no memory for records to syslog or journald; the record file has them");
	event_collector_set_forms(gateway->collector, outputs_forms(&gateway->outputs));
	if (collector_differs(before, after))
		r = replace_collector(gateway);
	if (r == 0 && strcmp(before->log.file, after->log.file) != 0) {
		r = logwriter_reopen(gateway->log, after->log.file);
		gateway->log_retry_ns = 0;
		flush_log(gateway);
	}
	return r == -ENOMEM ? r : 0;
}

void records_reopen(struct gateway *gateway)
{
	(void)logwriter_reopen(gateway->log, NULL);
	gateway->log_retry_ns = 0;
	flush_log(gateway);
}

void records_finish(struct gateway *gateway)
{
	struct logwriter_stats stats;
	uint64_t lost;

	if (!gateway->collector)
		return;
	records_gather(gateway);
	event_flush(gateway->collector, clock_wall_ns());
	gateway->log_retry_ns = 0;
	flush_log(gateway);
	outputs_finish(&gateway->outputs);
	logwriter_stats_get(gateway->log, &stats);
	/* What was lost in a failure that has passed was told when it passed. */
	lost = stats.lines - stats.written - (stats.lost - stats.lost_in_failure);
	if (stats.error && lost > 0)
		say(SAY_ERROR, "%" PRIu64 " records are lost: %s was never written to the end", lost,
		    logwriter_path(gateway->log));
}
