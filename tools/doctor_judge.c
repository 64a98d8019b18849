/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "doctor.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timex.h>

enum {
	WRONG_MAX = 300,
	SPACE_LEAST_BYTES = 16 << 20,
	DAYS_LEAST = 3,
	PERCENT_LEAST = 5,
	CONNTRACK_PERCENT_FULL = 80,
	/* Less says nothing of a day. */
	RATE_LEAST_S = 600,
	DAY_S = 86400,
	CAPABILITY_LINE_NAME = 7, /* "CapEff:" */
};

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

void judge_clock(struct doctor_findings *findings, int state, int status)
{
	if (state == TIME_ERROR || (status & STA_UNSYNC) != 0)
		doctor_find(findings, DOCTOR_WARNING,
			    "nothing keeps the clock right, and the policy's dates are told by it",
			    "run chrony, systemd-timesyncd or another time daemon", "system clock");
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "system clock: synchronised");
}

void judge_conntrack_room(struct doctor_findings *findings, uint64_t count, uint64_t max)
{
	static const char remedy[] = "raise net.netfilter.nf_conntrack_max, and find out who fills the table";

	if (max == 0)
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "conntrack: %" PRIu64 " connections, no limit",
			    count);
	else if (count >= max)
		doctor_find(findings, DOCTOR_PROBLEM,
			    "the table is full: new connections of all kinds are dropped", remedy,
			    "conntrack: %" PRIu64 " of %" PRIu64 " connections", count, max);
	else if (count >= max - max / 100 * (100 - CONNTRACK_PERCENT_FULL))
		doctor_find(findings, DOCTOR_WARNING, "the table is nearly full", remedy,
			    "conntrack: %" PRIu64 " of %" PRIu64 " connections", count, max);
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL,
			    "conntrack: %" PRIu64 " of %" PRIu64 " connections", count, max);
}

/* UINT64_MAX: not known, or for ever. */
static uint64_t days_left(const struct doctor_space *space)
{
	uint64_t a_day;

	if (space->uptime_s < RATE_LEAST_S || space->records == 0 || space->record_bytes == 0)
		return UINT64_MAX;
	a_day = (uint64_t)((double)space->records * (double)space->record_bytes * DAY_S /
			   (double)space->uptime_s);
	return a_day == 0 ? UINT64_MAX : space->free_bytes / a_day;
}

static bool is_short(uint64_t left, uint64_t all)
{
	return all > 0 && left < all / 100 * PERCENT_LEAST;
}

void judge_space(struct doctor_findings *findings, const struct doctor_space *space)
{
	static const char remedy[] = "make room, rotate the records more often, or move [log] file elsewhere";
	uint64_t days = days_left(space);
	char looked[WRONG_MAX];
	int len = snprintf(looked, sizeof(looked), "%.160s: %" PRIu64 " MiB of %" PRIu64 " left",
			   space->directory, space->free_bytes >> 20, space->all_bytes >> 20);

	if (days != UINT64_MAX)
		snprintf(looked + len, sizeof(looked) - (size_t)len, ", for %" PRIu64 " days of records",
			 days);
	if (space->free_bytes < SPACE_LEAST_BYTES || (space->all_files > 0 && space->free_files == 0))
		doctor_find(findings, DOCTOR_PROBLEM, "records will soon be lost", remedy, "%s", looked);
	else if (days < DAYS_LEAST)
		doctor_find(findings, DOCTOR_WARNING, "at the rate since the daemon's start it will be full",
			    remedy, "%s", looked);
	else if (is_short(space->free_bytes, space->all_bytes) ||
		 is_short(space->free_files, space->all_files))
		doctor_find(findings, DOCTOR_WARNING, "the file system is nearly full", remedy, "%s", looked);
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "%s", looked);
}

void judge_queue(struct doctor_findings *findings, uint16_t number, const struct queue_kernel *kernel,
		 const struct queue_holder *holder, bool foreign)
{
	if (!kernel)
		doctor_find(
			findings, DOCTOR_PROBLEM, "nobody is bound to it: what the policy's fail says holds",
			"systemctl start op25bd, and see its log (journalctl -u op25bd)", "queue %u", number);
	else if (holder->process == 0)
		doctor_find(findings, DOCTOR_SKIPPED, "which process that is cannot be seen",
			    "run it as root", "queue %u: held by netlink port %" PRIu32, number,
			    kernel->portid);
	else if (foreign)
		doctor_find(findings, DOCTOR_PROBLEM, "another process than the op25bd that answers holds it",
			    "stop that process, or give the policy another queue",
			    "queue %u: held by process %" PRId32 " (%s)", number, holder->process,
			    holder->name);
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL,
			    "queue %u: held by process %" PRId32 " (%s), %" PRIu32 " packets wait", number,
			    holder->process, holder->name, kernel->waiting);
}

static int64_t answered(const json_t *worker)
{
	const json_t *ledger = json_object_get(worker, "ledger");

	return number(ledger, "accepted") + number(ledger, "dropped") + number(ledger, "failed_open");
}

static bool has_waiting(const json_t *worker)
{
	return number(json_object_get(worker, "kernel"), "waiting") > 0;
}

void judge_worker(struct doctor_findings *findings, const json_t *before, const json_t *after)
{
	static const char remedy[] =
		"see the log for why (journalctl -u op25bd), and systemctl restart op25bd";
	const char *error = json_string_value(json_object_get(after, "error"));
	int64_t queue = number(after, "queue"), done = answered(after) - answered(before);

	if (error)
		doctor_find(findings, DOCTOR_PROBLEM, error, remedy, "worker of queue %" PRId64, queue);
	else if (has_waiting(before) && has_waiting(after) && done == 0)
		doctor_find(findings, DOCTOR_PROBLEM, "it answers nothing, while packets wait", remedy,
			    "worker of queue %" PRId64, queue);
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL,
			    "worker of queue %" PRId64 ": %" PRId64 " packets answered meanwhile", queue,
			    done);
}

static int64_t losses(const json_t *kernel)
{
	return number(kernel, "queue_dropped") + number(kernel, "user_dropped");
}

void judge_losses(struct doctor_findings *findings, const json_t *before, const json_t *after)
{
	static const char remedy[] =
		"give the policy more workers, or offload = yes; restarting op25bd begins the count anew";

	if (!json_is_object(after)) {
		doctor_find(findings, DOCTOR_SKIPPED, "the daemon may not read the kernel's counters",
			    "start op25bd by its unit, which hands that file to it",
			    "packets that did not fit");
		return;
	}
	if (losses(after) > losses(before))
		doctor_find(findings, DOCTOR_PROBLEM, "packets do not fit into the queue at this moment",
			    remedy, "packets that did not fit: %" PRId64, losses(after));
	else if (losses(after) > 0)
		doctor_find(findings, DOCTOR_WARNING, "at times packets did not fit into the queue", remedy,
			    "packets that did not fit: %" PRId64, losses(after));
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "packets that did not fit: none");
}

/* What the daemon has found by reading the kernel's rules and queues. */
static void judge_modes(struct doctor_findings *findings, const char *policy, const json_t *modes)
{
	static const char remedy[] = "op25b-rules apply && op25bctl reload; op25bctl status tells each case";
	const json_t *warnings = json_object_get(modes, "warnings"), *warning;
	bool unjudged = json_is_true(json_object_get(json_object_get(modes, "unjudged"), "now"));
	const char *text;
	size_t i;

	if (unjudged)
		doctor_find(findings, DOCTOR_PROBLEM, "packets are unjudged at this moment", remedy,
			    "fail = %s", policy);
	json_array_foreach(warnings, i, warning)
	{
		text = json_string_value(warning);
		doctor_find(findings, DOCTOR_PROBLEM, text ? text : "?", remedy, "fail = %s", policy);
	}
	if (!unjudged && json_array_size(warnings) == 0)
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "fail = %s, in the rules and the queues, too",
			    policy);
}

void judge_fail_mode(struct doctor_findings *findings, const char *policy, const char *daemon,
		     const json_t *modes)
{
	if (strcmp(policy, daemon) != 0)
		doctor_find(findings, DOCTOR_PROBLEM, "the queues are set for another one", "op25bctl reload",
			    "fail = %s, in the daemon %s", policy, daemon);
	else if (json_is_object(modes))
		judge_modes(findings, policy, modes);
	else
		doctor_find(findings, DOCTOR_SKIPPED, "this op25bd does not tell what the kernel would do",
			    "restart op25bd, if it is older than this program", "fail = %s", policy);
}

void judge_guard(struct doctor_findings *findings, const json_t *rules)
{
	static const char remedy[] =
		"find out who (nft monitor); nftables.service, for one, flushes all tables when it is reloaded";
	const char *state = json_string_value(json_object_get(rules, "state"));
	int64_t changes = number(rules, "changed_by_others");

	if (!state)
		doctor_find(findings, DOCTOR_SKIPPED, "this op25bd does not look after its rules",
			    "restart op25bd, if it is older than this program", "changes of the rules");
	else if (strncmp(state, "broken", strlen("broken")) == 0)
		doctor_find(findings, DOCTOR_PROBLEM, "others have changed the rules, and they are still so",
			    "op25b-rules apply, and find out who (nft monitor)",
			    "changes of the rules by others: %" PRId64 ", %s", changes, state);
	else if (changes > 0)
		doctor_find(findings, DOCTOR_WARNING,
			    "somebody else changes op25b's rules; they were loaded again each time", remedy,
			    "changes of the rules by others: %" PRId64 ", %s", changes, state);
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "changes of the rules by others: none");
}

void judge_source(struct doctor_findings *findings, const char *interface, uint64_t all, uint64_t own,
		  bool needed)
{
	uint64_t counts = all > own ? all : own;

	if (needed && counts != 1)
		doctor_find(findings, DOCTOR_WARNING,
			    "a subscriber there may send in the name of one behind another interface",
			    "name each pool's interface in the policy, or set rp_filter = 1 there",
			    "interface %s: rp_filter %" PRIu64, interface, counts);
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "interface %s: rp_filter %" PRIu64 "%s",
			    interface, counts, needed ? "" : ", not needed here");
}

void judge_buffer(struct doctor_findings *findings, bool forced, uint64_t rmem_max)
{
	if (forced)
		doctor_find(findings, DOCTOR_OK, NULL, NULL,
			    "socket buffers: %d MiB, by the daemon's capability", QUEUE_RECEIVE_BUFFER >> 20);
	else if (rmem_max < QUEUE_RECEIVE_BUFFER)
		doctor_find(
			findings, DOCTOR_WARNING,
			"a burst may not fit: without CAP_NET_ADMIN in the first user namespace this is the limit",
			"sysctl net.core.rmem_max=16777216, then restart op25bd",
			"socket buffers: net.core.rmem_max %" PRIu64, rmem_max);
	else
		doctor_find(findings, DOCTOR_OK, NULL, NULL, "socket buffers: net.core.rmem_max %" PRIu64,
			    rmem_max);
}

bool doctor_parse_capabilities(const char *line, uint64_t *ret)
{
	char *end;
	uint64_t value;

	if (strncmp(line, "CapEff:", CAPABILITY_LINE_NAME) != 0)
		return false;
	value = strtoull(line + CAPABILITY_LINE_NAME, &end, 16);
	if (end == line + CAPABILITY_LINE_NAME || (*end != '\0' && *end != '\n'))
		return false;
	*ret = value;
	return true;
}

bool doctor_is_first_user_namespace(const char *uid_map)
{
	uint64_t inside, outside, count;

	/* user_namespaces(7): the first one maps all numbers to themselves, and no other can map the last one. */
	return sscanf(uid_map, "%" SCNu64 " %" SCNu64 " %" SCNu64, &inside, &outside, &count) == 3 &&
	       inside == 0 && outside == 0 && count == UINT32_MAX;
}

uint64_t doctor_record_bytes(const char *text, size_t len)
{
	const char *first = memchr(text, '\n', len), *last = memrchr(text, '\n', len);
	uint64_t lines = 0;

	if (!first)
		return 0;
	/* What stands before the first line feed may be half a record. */
	for (const char *at = first; at < last; at++)
		lines += *at == '\n';
	return lines == 0 ? 0 : (uint64_t)(last - first) / lines;
}
