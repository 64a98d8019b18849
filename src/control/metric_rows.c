/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of metrics: what the daemon tells, what the manual lists. Names follow Prometheus' conventions. */
#include "control/metrics.h"

#define COUNTER METRIC_TYPE_COUNTER
#define GAUGE   METRIC_TYPE_GAUGE

const struct metric_row metric_rows[] = {
	[METRIC_UP] = {"op25b_up", GAUGE, "0 or 1", NULL, "Whether op25bd answers."},
	[METRIC_BUILD_INFO] = {"op25b_build_info", GAUGE, "1", "version", "The daemon's version."},
	[METRIC_START_TIME] = {"op25b_process_start_time_seconds", GAUGE, "seconds since 1970", NULL,
			       "When the daemon started."},
	[METRIC_RESIDENT_MEMORY] = {"op25b_process_resident_memory_bytes", GAUGE, "bytes", NULL,
				    "Memory of the daemon that is in use now."},

	[METRIC_RECEIVED] =
		{"op25b_packets_received_total", COUNTER, "packets", NULL,
		 "Packets read from the queues: each is accepted, dropped, failed open or in flight."},
	[METRIC_ACCEPTED] = {"op25b_packets_accepted_total", COUNTER, "packets", NULL,
			     "Packets let through by decision."},
	[METRIC_DROPPED] = {"op25b_packets_dropped_total", COUNTER, "packets", NULL,
			    "Packets dropped, also those answered with a TCP reset or ICMP."},
	[METRIC_FAILED_OPEN] =
		{"op25b_packets_failed_open_total", COUNTER, "packets", NULL,
		 "Packets let through without a decision, because the policy says fail = open."},
	[METRIC_IN_FLIGHT] = {"op25b_packets_in_flight", GAUGE, "packets", NULL,
			      "Packets received and not answered yet."},
	[METRIC_UNJUDGED] = {"op25b_packets_unjudged_total", COUNTER, "packets", NULL,
			     "Packets that came without any of their bytes: dropped, or failed open."},
	[METRIC_VERDICTS] = {"op25b_verdicts_total", COUNTER, "packets", "verdict, reason",
			     "Packets decided, by verdict (accept, drop, reset, icmp) and reason."},
	[METRIC_MONITORED] = {"op25b_packets_monitored_total", COUNTER, "packets", "reason",
			      "Packets accepted that would have been blocked: something is only monitored."},
	[METRIC_UNATTRIBUTED] =
		{"op25b_packets_unattributed_total", COUNTER, "packets", "reason",
		 "Packets that came faster than they could be told apart: recorded in overflow "
		 "records, not by subscriber."},
	[METRIC_LATENCY] =
		{"op25b_verdict_latency_seconds", METRIC_TYPE_HISTOGRAM, "seconds", "le",
		 "Time from reading a packet off its queue until the kernel has taken its verdict, "
		 "measured by batch: all packets of a batch count with the batch's time. Time that a "
		 "packet waited in the kernel's queue before is not in it: op25b_queue_waiting_packets "
		 "tells how many do."},

	[METRIC_QUEUE_WAITING] = {"op25b_queue_waiting_packets", GAUGE, "packets", "queue",
				  "Packets in the kernel's queue that have no verdict yet."},
	[METRIC_QUEUE_LIMIT] = {"op25b_queue_limit_packets", GAUGE, "packets", NULL,
				"How many packets may wait in each queue."},
	[METRIC_QUEUE_DROPPED] = {"op25b_queue_dropped_total", COUNTER, "packets", "queue",
				  "Packets that found the kernel's queue full; with fail = open they passed "
				  "instead, and are not counted here."},
	[METRIC_QUEUE_USER_DROPPED] = {"op25b_queue_user_dropped_total", COUNTER, "packets", "queue",
				       "Packets that found the daemon's socket buffer full."},
	[METRIC_QUEUE_READABLE] =
		{"op25b_queue_counters_readable", GAUGE, "0 or 1", "queue",
		 "Whether the kernel's counters of this queue can be read; where not, the "
		 "queue is not ours any more, or the file was not handed to the daemon, and "
		 "the three metrics before are missing."},
	[METRIC_QUEUE_BATCHES] = {"op25b_queue_batches_total", COUNTER, "batches", "queue",
				  "Reads of the queue that gave packets."},
	[METRIC_QUEUE_OVERRUNS] = {"op25b_queue_overruns_total", COUNTER, "times", "queue",
				   "How often the daemon was told that its socket buffer had been full."},
	[METRIC_QUEUE_LOST_IDS] = {"op25b_queue_lost_packets_total", COUNTER, "packets", "queue",
				   "Packets that the kernel numbered and could not deliver."},
	[METRIC_QUEUE_NOT_PARSED] = {"op25b_queue_unreadable_messages_total", COUNTER, "messages", "queue",
				     "Messages of the kernel without a packet's number."},
	[METRIC_QUEUE_VERDICT_ERRORS] = {"op25b_queue_verdict_errors_total", COUNTER, "verdicts", "queue",
					 "Verdicts for which the kernel had no packet any more."},
	[METRIC_QUEUE_SEND_RETRIES] = {"op25b_queue_send_retries_total", COUNTER, "times", "queue",
				       "How often sending verdicts had to be tried again."},

	[METRIC_WORKER_LOOPS] = {"op25b_worker_loops_total", COUNTER, "loops", "queue",
				 "Loops of the queue's worker: it grows once a second at least."},
	[METRIC_WORKER_GENERATION] = {"op25b_worker_policy_generation", GAUGE, "number", "queue",
				      "The policy by which the worker judges, as op25b_policy_generation "
				      "counts them."},
	[METRIC_WORKER_FAILING] = {"op25b_worker_failing", GAUGE, "0 or 1", "queue",
				   "Whether the last call on the worker's queue failed."},
	[METRIC_WORKER_STALLED] =
		{"op25b_worker_stalled_seconds", GAUGE, "seconds", NULL,
		 "How long some worker has made no progress, in looks of one second each; the "
		 "watchdog is not fed meanwhile."},

	[METRIC_OBSERVED] = {"op25b_events_observed_total", COUNTER, "packets", NULL,
			     "Packets for the records: blocked, or monitored."},
	[METRIC_SUPPRESSED] =
		{"op25b_events_suppressed_total", COUNTER, "packets", NULL,
		 "Of those observed, the packets that made no record of their own at once: they "
		 "are counted in a summary or an overflow record."},
	[METRIC_ATTEMPTS] = {"op25b_events_attempts_total", COUNTER, "connections", NULL,
			     "Connections tried: SYNs without their retransmissions."},
	[METRIC_RECORDS] = {"op25b_records_total", COUNTER, "records", NULL, "Block records made."},
	[METRIC_RECORDS_WRITTEN] = {"op25b_records_written_total", COUNTER, "records", NULL,
				    "Block records that are in the record file."},
	[METRIC_RECORDS_LOST] = {"op25b_records_lost_total", COUNTER, "records", NULL,
				 "Block records that had no room to wait in while the file could not be "
				 "written."},
	[METRIC_OVERFLOWED] =
		{"op25b_events_overflowed_total", COUNTER, "packets", NULL,
		 "Packets in overflow records: the table of subscribers had no room, or they came "
		 "faster than they could be told apart."},
	[METRIC_OFFENDERS] = {"op25b_offenders", GAUGE, "subscribers", NULL,
			      "Subscribers with an open window: blocked or monitored lately."},
	[METRIC_OFFENDERS_LIMIT] = {"op25b_offenders_limit", GAUGE, "subscribers", NULL,
				    "How many subscribers are tracked at most (subscribers_max)."},
	[METRIC_LOG_FAILING] = {"op25b_log_failing", GAUGE, "0 or 1", NULL,
				"Whether the record file cannot be written now."},
	[METRIC_LOG_FAILURES] = {"op25b_log_failures_total", COUNTER, "times", NULL,
				 "Failed writes to the record file, and failed openings of it."},
	[METRIC_LOG_WAITING] = {"op25b_log_waiting_bytes", GAUGE, "bytes", NULL,
				"Records that wait for the record file."},
	[METRIC_OUTPUT_SENT] = {"op25b_output_sent_total", COUNTER, "records", "output",
				"Records that syslog or journald have taken, where the policy names them."},
	[METRIC_OUTPUT_LOST] = {"op25b_output_lost_total", COUNTER, "records", "output",
				"Records that they did not take in time; the record file has them."},
	[METRIC_OUTPUT_FAILING] = {"op25b_output_failing", GAUGE, "0 or 1", "output",
				   "Whether nothing can be sent there now."},

	[METRIC_OFFLOAD_WANTED] = {"op25b_offload_wanted", GAUGE, "0 or 1", NULL,
				   "Whether the policy says offload = yes, and something may be offloaded."},
	[METRIC_OFFLOAD_READY] = {"op25b_offload_ready", GAUGE, "0 or 1", NULL,
				  "Whether the ruleset in the kernel has the sets for this policy."},
	[METRIC_OFFLOAD_SOURCES] =
		{"op25b_offload_sources", GAUGE, "sources", NULL,
		 "Sources that the kernel blocked by itself, read when the last generation of "
		 "sets was emptied."},
	[METRIC_OFFLOAD_LEARNED] =
		{"op25b_offload_learned_packets_total", COUNTER, "packets", NULL,
		 "Of the packets dropped, those that were marked so that the kernel learns "
		 "their source; the kernel counts them, too."},
	[METRIC_OFFLOAD_PACKETS] =
		{"op25b_offload_packets_total", COUNTER, "packets", NULL,
		 "Packets that the kernel dropped by itself, as far as its sets were read: all "
		 "packets blocked are those dropped, less those learned, and these."},
	[METRIC_OFFLOAD_FULL] = {"op25b_offload_full_packets_total", COUNTER, "packets", NULL,
				 "Of those, packets whose source found no room in its set."},
	[METRIC_OFFLOAD_STALE] = {"op25b_offload_stale_packets_total", COUNTER, "packets", NULL,
				  "Of those, packets that were marked for a generation no longer in force."},
	[METRIC_OFFLOAD_ROTATIONS] = {"op25b_offload_rotations_total", COUNTER, "times", NULL,
				      "Generations of sets that were read out and emptied."},
	[METRIC_OFFLOAD_FAILING] = {"op25b_offload_failing", GAUGE, "0 or 1", NULL,
				    "Whether the kernel refuses a change or reading of the sets; it is tried "
				    "again."},
	[METRIC_OFFLOAD_FAILURES] = {"op25b_offload_failures_total", COUNTER, "times", NULL,
				     "Changes and readings of the sets that failed."},

	[METRIC_MODE] = {"op25b_mode", GAUGE, "0 or 1", "mode",
			 "The policy's mode, monitor or enforce: 1 for the one in force."},
	[METRIC_FAIL_MODE] =
		{"op25b_fail_mode", GAUGE, "0 or 1", "mode",
		 "What becomes of packets that nobody can judge, open or closed: 1 for the one in "
		 "force."},
	[METRIC_FAIL_FATE] =
		{"op25b_fail_fate", GAUGE, "1", "case, fate",
		 "What would really become of packets in each case, by the rules and flags in the "
		 "kernel: passes, dropped, waits, mixed or unknown. op25bctl status says how it is known."},
	[METRIC_FAIL_WARNINGS] = {"op25b_fail_warnings", GAUGE, "warnings", NULL,
				  "What policy, rules and queues disagree about: op25bctl status tells."},
	[METRIC_UNSEEN] =
		{"op25b_unseen_packets_total", COUNTER, "packets", "fate, cause",
		 "Packets that the daemon never got, which passed or were dropped as the fail mode says: the "
		 "queue was full, or the daemon's socket buffer. Those that passed the kernel does not "
		 "count; they are found by the rules' counter."},
	[METRIC_UNSEEN_PERIODS] =
		{"op25b_unseen_periods_total", COUNTER, "periods", "fate",
		 "Periods of such packets; each has records when it begins and when it is over."},
	[METRIC_UNSEEN_NOW] = {"op25b_unseen_now", GAUGE, "0 or 1", NULL,
			       "Whether such a period is running."},
	[METRIC_POLICY_INFO] =
		{"op25b_policy_info", GAUGE, "1", "digest",
		 "The digest of the policy in force: routers with the same policy show the same."},
	[METRIC_POLICY_GENERATION] =
		{"op25b_policy_generation", GAUGE, "number", NULL,
		 "How often what is judged by has changed since the start, by reloads and overrides; the "
		 "first policy is 1."},
	[METRIC_POLICY_LOADED] = {"op25b_policy_loaded_timestamp_seconds", GAUGE, "seconds since 1970", NULL,
				  "When the policy in force was read."},
	[METRIC_POLICY_WARNINGS] = {"op25b_policy_warnings", GAUGE, "warnings", NULL,
				    "Warnings about the policy in force: op25b-rules check prints them."},
	[METRIC_OVERRIDES] =
		{"op25b_overrides", GAUGE, "overrides", "action",
		 "Overrides in force, by action: allow or block. op25bctl overrides lists them."},
	[METRIC_OVERRIDES_UNSAVED] =
		{"op25b_overrides_unsaved", GAUGE, "0 or 1", NULL,
		 "Whether the overrides in force could not be saved: a restart would lose the "
		 "change."},
	[METRIC_RELOADS] = {"op25b_reloads_total", COUNTER, "reloads", "result",
			    "Reloads since the start, by result: success, or refused."},
	[METRIC_RELOAD_SUCCESS] = {"op25b_reload_last_success", GAUGE, "0 or 1", NULL,
				   "Whether the last reload was taken; 1 before the first."},
	[METRIC_RELOAD_TIME] = {"op25b_reload_last_timestamp_seconds", GAUGE, "seconds since 1970", NULL,
				"When the last reload ended; before the first, when the daemon started."},
	[METRIC_RELOAD_DURATION] =
		{"op25b_reload_last_duration_seconds", GAUGE, "seconds", NULL,
		 "How long the last reload took, from its beginning until every worker judges "
		 "by the new policy; before the first, how long reading the policy took at "
		 "the start."},
};

_Static_assert(sizeof(metric_rows) / sizeof(metric_rows[0]) == METRICS, "a row for each metric");
