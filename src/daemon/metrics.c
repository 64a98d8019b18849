/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/metrics.h"

#include "base/cleanup.h"
#include "control/metrics.h"
#include "daemon/clock.h"
#include "daemon/gateway.h"
#include "daemon/latency.h"
#include "daemon/status.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	TEXT_BYTES = 64 << 10,
	TEXT_BYTES_MAX = 1 << 20,
	NUMBER_TEXT_MAX = 24,
	NS_PER_MS = 1000000,
};

/* Everything is read once, so that the numbers of one text fit each other. */
struct view {
	const struct gateway *gateway;
	struct ledger_counts all;
	struct worker_view {
		char queue[NUMBER_TEXT_MAX];
		struct ledger_counts counts;
		struct queue_kernel kernel;
		bool readable; /* kernel holds what the kernel counts */
	} workers[POLICY_WORKERS_MAX];
	struct event_stats events;
	struct logwriter_stats log;
	struct offload_stats offload;
};

static void number_text(uint64_t number, char text[NUMBER_TEXT_MAX])
{
	struct out out = out_over(text, NUMBER_TEXT_MAX - 1);

	out_u64(&out, number);
	*out.at = '\0';
}

static void look_at_worker(struct view *view, size_t i)
{
	const struct gateway *gateway = view->gateway;
	struct worker_view *worker = &view->workers[i];

	number_text(gateway->bound_queue + i, worker->queue);
	ledger_collect(worker_ledger(gateway->workers[i]), &worker->counts);
	for (unsigned slot = 0; slot < LEDGER_SLOTS; slot++)
		view->all.values[slot] += worker->counts.values[slot];
	worker->readable = gateway->kernel_fd >= 0 &&
			   queue_kernel_get(gateway->kernel_fd, (uint16_t)(gateway->bound_queue + i),
					    &worker->kernel) == 0;
}

static void look(struct view *view, const struct gateway *gateway)
{
	view->gateway = gateway;
	for (size_t i = 0; i < gateway->worker_count; i++)
		look_at_worker(view, i);
	status_event_stats(gateway, &view->events);
	logwriter_stats_get(gateway->log, &view->log);
	offload_stats_get(gateway->learning.offload, &view->offload);
}

/* The process */

/* Resident pages (proc_pid_statm(5), the second number); -1 when it cannot be read. */
static long resident_pages(void)
{
	CLEANUP_CLOSE int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128], *second;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : -1;

	if (n <= 0)
		return -1;
	text[n] = '\0';
	second = strchr(text, ' ');
	return second ? strtol(second, NULL, 10) : -1;
}

static void put_process(struct out *out, const struct view *view)
{
	const struct metric_label version = {"version", OP25B_VERSION};
	long pages = resident_pages();

	metrics_one(out, METRIC_UP, 1);
	metrics_begin(out, METRIC_BUILD_INFO);
	metrics_put(out, METRIC_BUILD_INFO, "", &version, 1, 1);
	metrics_one(out, METRIC_START_TIME, (uint64_t)view->gateway->started_s);
	if (pages >= 0)
		metrics_one(out, METRIC_RESIDENT_MEMORY, (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE));
}

/* Packets */

static void put_ledger(struct out *out, const struct view *view)
{
	static const struct {
		enum metric metric;
		enum ledger_slot slot;
	} rows[] = {
		{METRIC_RECEIVED, LEDGER_RECEIVED},       {METRIC_ACCEPTED, LEDGER_ACCEPTED},
		{METRIC_DROPPED, LEDGER_DROPPED},         {METRIC_FAILED_OPEN, LEDGER_FAILED_OPEN},
		{METRIC_IN_FLIGHT, LEDGER_IN_FLIGHT},     {METRIC_UNJUDGED, LEDGER_UNJUDGED},
		{METRIC_OFFLOAD_LEARNED, LEDGER_LEARNED},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		metrics_one(out, rows[i].metric, view->all.values[rows[i].slot]);
}

static void put_verdicts(struct out *out, const struct view *view)
{
	metrics_begin(out, METRIC_VERDICTS);
	for (unsigned verdict = 0; verdict < VERDICTS; verdict++) {
		for (unsigned reason = 0; reason < REASONS; reason++) {
			const struct metric_label labels[] = {
				{"verdict", verdict_name((enum verdict)verdict)},
				{"reason", reason_name((enum reason)reason)},
			};

			metrics_put(out, METRIC_VERDICTS, "", labels, 2,
				    view->all.values[ledger_decision((enum verdict)verdict,
								     (enum reason)reason)]);
		}
	}
}

static void put_by_reason(struct out *out, enum metric metric, const struct view *view, unsigned first)
{
	metrics_begin(out, metric);
	for (unsigned reason = 0; reason < REASONS; reason++) {
		const struct metric_label label = {"reason", reason_name((enum reason)reason)};

		metrics_put(out, metric, "", &label, 1, view->all.values[first + reason]);
	}
}

static void put_latency(struct out *out, const struct view *view)
{
	char text[NUMBER_TEXT_MAX];
	struct metric_label bound = {"le", text};
	uint64_t sum = 0;

	metrics_begin(out, METRIC_LATENCY);
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		struct out name = out_over(text, sizeof(text) - 1);

		sum += view->all.values[(unsigned)LEDGER_LATENCY + i];
		if (i < LATENCY_BOUNDS)
			metrics_seconds(&name, (uint64_t)latency_bounds_ns[i]);
		else
			out_text(&name, "+Inf");
		*name.at = '\0';
		metrics_put(out, METRIC_LATENCY, "_bucket", &bound, 1, sum);
	}
	metrics_put_ns(out, METRIC_LATENCY, "_sum", NULL, 0, view->all.values[LEDGER_LATENCY_NS]);
	metrics_put(out, METRIC_LATENCY, "_count", NULL, 0, sum);
}

/* Queues and workers */

static void put_by_queue(struct out *out, const struct view *view, enum metric metric,
			 bool (*value)(const struct view *view, size_t i, uint64_t *ret))
{
	metrics_begin(out, metric);
	for (size_t i = 0; i < view->gateway->worker_count; i++) {
		const struct metric_label label = {"queue", view->workers[i].queue};
		uint64_t n = 0;

		if (value(view, i, &n))
			metrics_put(out, metric, "", &label, 1, n);
	}
}

static bool waiting(const struct view *view, size_t i, uint64_t *ret)
{
	*ret = view->workers[i].kernel.waiting;
	return view->workers[i].readable;
}

static bool queue_dropped(const struct view *view, size_t i, uint64_t *ret)
{
	*ret = view->workers[i].kernel.queue_dropped;
	return view->workers[i].readable;
}

static bool user_dropped(const struct view *view, size_t i, uint64_t *ret)
{
	*ret = view->workers[i].kernel.user_dropped;
	return view->workers[i].readable;
}

static bool readable(const struct view *view, size_t i, uint64_t *ret)
{
	*ret = view->workers[i].readable;
	return true;
}

static bool loops(const struct view *view, size_t i, uint64_t *ret)
{
	*ret = worker_beats(view->gateway->workers[i]);
	return true;
}

static bool generation(const struct view *view, size_t i, uint64_t *ret)
{
	*ret = worker_generation(view->gateway->workers[i]);
	return true;
}

static bool failing(const struct view *view, size_t i, uint64_t *ret)
{
	*ret = worker_error(view->gateway->workers[i]) != 0;
	return true;
}

static void put_socket_counts(struct out *out, const struct view *view)
{
	static const struct {
		enum metric metric;
		enum ledger_slot slot;
	} rows[] = {
		{METRIC_QUEUE_BATCHES, LEDGER_BATCHES},
		{METRIC_QUEUE_OVERRUNS, LEDGER_OVERRUNS},
		{METRIC_QUEUE_LOST_IDS, LEDGER_LOST_IDS},
		{METRIC_QUEUE_NOT_PARSED, LEDGER_NOT_PARSED},
		{METRIC_QUEUE_VERDICT_ERRORS, LEDGER_VERDICT_ERRORS},
		{METRIC_QUEUE_SEND_RETRIES, LEDGER_SEND_RETRIES},
	};

	for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
		metrics_begin(out, rows[row].metric);
		for (size_t i = 0; i < view->gateway->worker_count; i++) {
			const struct metric_label label = {"queue", view->workers[i].queue};

			metrics_put(out, rows[row].metric, "", &label, 1,
				    view->workers[i].counts.values[rows[row].slot]);
		}
	}
}

static void put_queues(struct out *out, const struct view *view)
{
	put_by_queue(out, view, METRIC_QUEUE_WAITING, waiting);
	metrics_one(out, METRIC_QUEUE_LIMIT, QUEUE_MAXLEN);
	put_by_queue(out, view, METRIC_QUEUE_DROPPED, queue_dropped);
	put_by_queue(out, view, METRIC_QUEUE_USER_DROPPED, user_dropped);
	put_by_queue(out, view, METRIC_QUEUE_READABLE, readable);
	put_socket_counts(out, view);
	put_by_queue(out, view, METRIC_WORKER_LOOPS, loops);
	put_by_queue(out, view, METRIC_WORKER_GENERATION, generation);
	put_by_queue(out, view, METRIC_WORKER_FAILING, failing);
	metrics_one(out, METRIC_WORKER_STALLED, (uint64_t)view->gateway->slow_ticks);
}

/* Records and offload */

static void put_events(struct out *out, const struct view *view)
{
	const struct event_stats *events = &view->events;

	metrics_one(out, METRIC_OBSERVED, events->observed);
	metrics_one(out, METRIC_SUPPRESSED, events->observed - events->firsts);
	metrics_one(out, METRIC_ATTEMPTS, events->attempts);
	metrics_one(out, METRIC_RECORDS, events->records);
	metrics_one(out, METRIC_RECORDS_WRITTEN, view->log.written);
	metrics_one(out, METRIC_RECORDS_LOST, view->log.lost);
	metrics_one(out, METRIC_OVERFLOWED, events->overflowed);
	metrics_one(out, METRIC_OFFENDERS, events->subscribers);
	metrics_one(out, METRIC_OFFENDERS_LIMIT, view->gateway->world->policy->log.subscribers_max);
	metrics_one(out, METRIC_LOG_FAILING, view->log.error != 0);
	metrics_one(out, METRIC_LOG_FAILURES, view->log.failures);
	metrics_one(out, METRIC_LOG_WAITING, view->log.waiting);
	outputs_put_metrics(&view->gateway->outputs, out);
}

static void put_offload(struct out *out, const struct view *view)
{
	const struct offload_stats *offload = &view->offload;

	metrics_one(out, METRIC_OFFLOAD_WANTED, view->gateway->world->groups.count > 0);
	metrics_one(out, METRIC_OFFLOAD_READY, offload->found);
	metrics_one(out, METRIC_OFFLOAD_SOURCES, offload->sources);
	metrics_one(out, METRIC_OFFLOAD_PACKETS, offload->packets);
	metrics_one(out, METRIC_OFFLOAD_FULL, offload->full);
	metrics_one(out, METRIC_OFFLOAD_STALE, offload->stale);
	metrics_one(out, METRIC_OFFLOAD_ROTATIONS, offload->rotations);
	metrics_one(out, METRIC_OFFLOAD_FAILING, offload->error != 0);
	metrics_one(out, METRIC_OFFLOAD_FAILURES, offload->failures);
}

/* What the daemon does not get to see */

static void put_unseen_side(struct out *out, const struct unjudged *unjudged, bool open)
{
	const char *fate = failmode_fate_name(open ? FAILMODE_PASSES : FAILMODE_DROPPED);
	const struct metric_label full[] = {{"fate", fate}, {"cause", "queue-full"}};
	const struct metric_label buffer[] = {{"fate", fate}, {"cause", "buffer-full"}};
	struct unjudged_counts counts = unjudged->sums[open];

	if (unjudged->running && unjudged->period.open == open) {
		counts.queue_full += unjudged->period.counts.queue_full;
		counts.buffer_full += unjudged->period.counts.buffer_full;
	}
	metrics_put(out, METRIC_UNSEEN, "", full, 2, counts.queue_full);
	metrics_put(out, METRIC_UNSEEN, "", buffer, 2, counts.buffer_full);
}

static void put_unseen(struct out *out, const struct unjudged *unjudged)
{
	metrics_begin(out, METRIC_UNSEEN);
	put_unseen_side(out, unjudged, true);
	put_unseen_side(out, unjudged, false);
	metrics_begin(out, METRIC_UNSEEN_PERIODS);
	for (int open = 0; open < 2; open++) {
		const struct metric_label fate = {
			"fate", failmode_fate_name(open ? FAILMODE_PASSES : FAILMODE_DROPPED)};

		metrics_put(out, METRIC_UNSEEN_PERIODS, "", &fate, 1, unjudged->begun[open]);
	}
	metrics_one(out, METRIC_UNSEEN_NOW, unjudged->running);
}

/* As of the last tick: nothing is asked of the kernel for it. */
static void put_fates(struct out *out, const struct failmode_facts *facts)
{
	struct failmode_answer answers[FAILMODE_CASES];
	struct failmode_warnings warnings;

	failmode_assess(facts, answers, &warnings);
	metrics_begin(out, METRIC_FAIL_FATE);
	for (unsigned i = 0; i < FAILMODE_CASES; i++) {
		const struct metric_label labels[] = {
			{"case", failmode_case_name((enum failmode_case)i)},
			{"fate", failmode_fate_name(answers[i].fate)},
		};

		metrics_put(out, METRIC_FAIL_FATE, "", labels, 2, 1);
	}
	metrics_one(out, METRIC_FAIL_WARNINGS, warnings.count);
}

/* Policy and reloads */

/* One sample for each name, 1 for that which holds. */
static void put_choice(struct out *out, enum metric metric, const char *const names[2], const char *holds)
{
	metrics_begin(out, metric);
	for (size_t i = 0; i < 2; i++) {
		const struct metric_label label = {"mode", names[i]};

		metrics_put(out, metric, "", &label, 1, strcmp(names[i], holds) == 0);
	}
}

static void put_policy(struct out *out, const struct view *view)
{
	const struct world *world = view->gateway->world;
	const struct metric_label digest = {"digest", world->policy->digest};
	const char *const modes[] = {policy_mode_name(POLICY_MODE_MONITOR),
				     policy_mode_name(POLICY_MODE_ENFORCE)};
	const char *const fails[] = {policy_fail_name(POLICY_FAIL_OPEN),
				     policy_fail_name(POLICY_FAIL_CLOSED)};

	put_choice(out, METRIC_MODE, modes, policy_mode_name(world->policy->gateway.mode));
	put_choice(out, METRIC_FAIL_MODE, fails, policy_fail_name(world->policy->gateway.fail));
	metrics_begin(out, METRIC_POLICY_INFO);
	metrics_put(out, METRIC_POLICY_INFO, "", &digest, 1, 1);
	metrics_one(out, METRIC_POLICY_GENERATION, world->generation);
	metrics_one(out, METRIC_POLICY_LOADED, (uint64_t)world->loaded_s);
	metrics_one(out, METRIC_POLICY_WARNINGS, world->warnings);
}

static void put_overrides(struct out *out, const struct keeper *keeper)
{
	static const char *const actions[] = {"allow", "block"};

	metrics_begin(out, METRIC_OVERRIDES);
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		const struct metric_label label = {"action", actions[i]};
		uint64_t count = 0;

		for (size_t j = 0; j < keeper->list.count; j++)
			count += strcmp(override_action(&keeper->list.items[j]), actions[i]) == 0;
		metrics_put(out, METRIC_OVERRIDES, "", &label, 1, count);
	}
	metrics_one(out, METRIC_OVERRIDES_UNSAVED, keeper->unsaved);
}

static void put_reloads(struct out *out, const struct view *view)
{
	const struct reload *reload = &view->gateway->reload;
	const struct metric_label success = {"result", "success"}, refused = {"result", "refused"};
	bool any = reload->last_s != 0;

	metrics_begin(out, METRIC_RELOADS);
	metrics_put(out, METRIC_RELOADS, "", &success, 1, reload->loaded);
	metrics_put(out, METRIC_RELOADS, "", &refused, 1, reload->refused);
	metrics_one(out, METRIC_RELOAD_SUCCESS, reload->last_result == 0);
	metrics_one(out, METRIC_RELOAD_TIME, (uint64_t)(any ? reload->last_s : view->gateway->started_s));
	metrics_begin(out, METRIC_RELOAD_DURATION);
	metrics_put_ns(out, METRIC_RELOAD_DURATION, "", NULL, 0,
		       any ? (uint64_t)reload->last_duration_ns : view->gateway->world->build_ms * NS_PER_MS);
}

static void put_all(struct out *out, const struct view *view)
{
	put_process(out, view);
	put_ledger(out, view);
	put_verdicts(out, view);
	put_by_reason(out, METRIC_MONITORED, view, LEDGER_MONITORED);
	put_by_reason(out, METRIC_UNATTRIBUTED, view, LEDGER_UNATTRIBUTED);
	put_latency(out, view);
	put_queues(out, view);
	put_events(out, view);
	put_offload(out, view);
	put_fates(out, &view->gateway->failwatch.facts);
	put_unseen(out, &view->gateway->failwatch.unjudged);
	put_policy(out, view);
	put_overrides(out, &view->gateway->keeper);
	put_reloads(out, view);
}

json_t *metrics_json(const struct gateway *gateway)
{
	CLEANUP_FREE struct view *view = calloc(1, sizeof(*view));

	if (!view)
		return NULL;
	look(view, gateway);
	for (size_t size = TEXT_BYTES; size <= TEXT_BYTES_MAX; size *= 2) {
		CLEANUP_FREE char *text = malloc(size);
		struct out out;

		if (!text)
			return NULL;
		out = out_over(text, size);
		put_all(&out, view);
		if (!out.overflow)
			return json_pack("{s:s, s:s%}", "content_type", METRICS_CONTENT_TYPE, "text", text,
					 out_len(&out));
	}
	return NULL;
}
