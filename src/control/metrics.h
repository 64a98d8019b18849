/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What Prometheus is told: one table of metrics, and how their text looks (exposition format 0.0.4). The daemon fills in
 * values, the manual lists the rows, and op25bctl and op25b-exporter say with one of them that no daemon answers.
 *
 * No label ever holds a subscriber's address: a value for each would be a list of customers, and would grow without bound.
 */
#ifndef OP25B_CONTROL_METRICS_H
#define OP25B_CONTROL_METRICS_H

#include "base/out.h"

#include <stddef.h>
#include <stdint.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

enum metric_type { METRIC_TYPE_COUNTER, METRIC_TYPE_GAUGE, METRIC_TYPE_HISTOGRAM };

enum metric {
	METRIC_UP,
	METRIC_BUILD_INFO,
	METRIC_START_TIME,
	METRIC_RESIDENT_MEMORY,

	METRIC_RECEIVED,
	METRIC_ACCEPTED,
	METRIC_DROPPED,
	METRIC_FAILED_OPEN,
	METRIC_IN_FLIGHT,
	METRIC_UNJUDGED,
	METRIC_VERDICTS,
	METRIC_MONITORED,
	METRIC_UNATTRIBUTED,
	METRIC_LATENCY,

	METRIC_QUEUE_WAITING,
	METRIC_QUEUE_LIMIT,
	METRIC_QUEUE_DROPPED,
	METRIC_QUEUE_USER_DROPPED,
	METRIC_QUEUE_READABLE,
	METRIC_QUEUE_BATCHES,
	METRIC_QUEUE_OVERRUNS,
	METRIC_QUEUE_LOST_IDS,
	METRIC_QUEUE_NOT_PARSED,
	METRIC_QUEUE_VERDICT_ERRORS,
	METRIC_QUEUE_SEND_RETRIES,

	METRIC_WORKER_LOOPS,
	METRIC_WORKER_GENERATION,
	METRIC_WORKER_FAILING,
	METRIC_WORKER_STALLED,

	METRIC_OBSERVED,
	METRIC_SUPPRESSED,
	METRIC_ATTEMPTS,
	METRIC_RECORDS,
	METRIC_RECORDS_WRITTEN,
	METRIC_RECORDS_LOST,
	METRIC_OVERFLOWED,
	METRIC_OFFENDERS,
	METRIC_OFFENDERS_LIMIT,
	METRIC_LOG_FAILING,
	METRIC_LOG_FAILURES,
	METRIC_LOG_WAITING,
	METRIC_OUTPUT_SENT,
	METRIC_OUTPUT_LOST,
	METRIC_OUTPUT_FAILING,

	METRIC_OFFLOAD_WANTED,
	METRIC_OFFLOAD_READY,
	METRIC_OFFLOAD_SOURCES,
	METRIC_OFFLOAD_LEARNED,
	METRIC_OFFLOAD_PACKETS,
	METRIC_OFFLOAD_FULL,
	METRIC_OFFLOAD_STALE,
	METRIC_OFFLOAD_ROTATIONS,
	METRIC_OFFLOAD_FAILING,
	METRIC_OFFLOAD_FAILURES,

	METRIC_MODE,
	METRIC_FAIL_MODE,
	METRIC_FAIL_FATE,
	METRIC_FAIL_WARNINGS,
	METRIC_UNSEEN,
	METRIC_UNSEEN_PERIODS,
	METRIC_UNSEEN_NOW,
	METRIC_POLICY_INFO,
	METRIC_POLICY_GENERATION,
	METRIC_POLICY_LOADED,
	METRIC_POLICY_WARNINGS,
	METRIC_OVERRIDES,
	METRIC_OVERRIDES_UNSAVED,
	METRIC_RELOADS,
	METRIC_RELOAD_SUCCESS,
	METRIC_RELOAD_TIME,
	METRIC_RELOAD_DURATION,
	METRICS,
};

struct metric_row {
	const char *name; /* ends with its unit; counters then in "_total" */
	enum metric_type type;
	const char *unit;   /* what one is, for the manual */
	const char *labels; /* "queue", "verdict, reason"; NULL: none */
	const char *help;   /* one sentence or more */
};

extern const struct metric_row metric_rows[METRICS];

const char *metric_type_name(enum metric_type type); /* "counter", "gauge", "histogram" */

struct metric_label {
	const char *name;
	const char *value; /* any text: what the format forbids is escaped, bytes above 0x7f become '?' */
};

/* Begins a metric; its samples follow, and each metric is begun once. */
void metrics_begin(struct out *out, enum metric metric);
/* suffix: "" or what a histogram's parts have. labels may be NULL when count is 0. */
void metrics_put(struct out *out, enum metric metric, const char *suffix, const struct metric_label *labels,
		 size_t count, uint64_t value);
/* The same where the value is a time: nanoseconds, told as seconds. */
void metrics_put_ns(struct out *out, enum metric metric, const char *suffix,
		    const struct metric_label *labels, size_t count, uint64_t ns);
/* A metric that has one sample, without labels. */
void metrics_one(struct out *out, enum metric metric, uint64_t value);
/* Seconds with as many decimals as they need: "0.00025", "10". */
void metrics_seconds(struct out *out, uint64_t ns);

#endif
