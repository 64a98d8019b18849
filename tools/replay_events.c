/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay.h"

#include "base/cleanup.h"
#include "base/siphash.h"
#include "record/record.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *reason_by_number(unsigned reason)
{
	return reason_name((enum reason)reason);
}

static void write_line(void *context, const char *line, size_t len)
{
	struct replay_events *events = context;

	fwrite(line, 1, len,
	       events->out); /* the stream remembers an error; it is looked at when the stream is closed */
}

/* ---- whose numbers they are ---- */

enum { SAMPLE = 1 << 16 };

/* Only to tell inputs apart: nobody is kept from making two alike. */
static void mix(uint64_t *sum, const void *bytes, size_t len)
{
	static const struct siphash_key key = {UINT64_C(0x6f70323562207270), UINT64_C(0x6c61792072756e73)};

	for (size_t at = 0; at <= len; at += sizeof(uint64_t)) {
		uint64_t words[3] = {*sum, 0, len};

		memcpy(&words[1], (const char *)bytes + at, len - at < 8 ? len - at : 8);
		*sum = siphash_words(&key, words, 3);
	}
}

/* Its size, and what stands at its begin and end. Of a pipe nothing can be read twice. */
static void mix_content(uint64_t *sum, const char *path)
{
	struct stat found;
	/* Whoever writes into a pipe would take this for its reader, and its end for his. */
	bool regular = stat(path, &found) == 0 && S_ISREG(found.st_mode);
	int file CLEANUP_CLOSE = regular ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	char sample[SAMPLE];
	uint64_t size;

	if (file < 0)
		return;
	size = (uint64_t)found.st_size;
	mix(sum, &size, sizeof(size));
	for (int end = 0; end < 2; end++) {
		off_t place = end && found.st_size > SAMPLE ? found.st_size - SAMPLE : 0;
		ssize_t len = pread(file, sample, sizeof(sample), place);

		mix(sum, sample, len > 0 ? (size_t)len : 0);
	}
}

void replay_events_set_input(struct replay_events *events, const struct replay_options *options)
{
	mix(&events->input, events->policy->digest, strlen(events->policy->digest));
	for (int i = 0; i < options->file_count; i++) {
		mix(&events->input, options->files[i], strlen(options->files[i]));
		if (strcmp(options->files[i], "-") != 0)
			mix_content(&events->input, options->files[i]);
	}
}

static void name_run(struct replay_events *events, const struct event_fact *first)
{
	const uint64_t facts[] = {(uint64_t)first->time_ns,
				  first->src.hi,
				  first->src.lo,
				  first->dst.hi,
				  first->dst.lo,
				  first->sport,
				  first->tcp_seq,
				  first->ip_id,
				  first->pcap_cnt};
	uint64_t sum = events->input;

	mix(&sum, facts, sizeof(facts));
	snprintf(events->boot_id, sizeof(events->boot_id), "replay-%016" PRIx64, sum);
}

/* ---- records ---- */

void replay_events_begin(struct replay_events *events, const char *file)
{
	events->file = file;
}

static int make_collector(struct replay_events *events, const struct event_fact *first)
{
	struct event_config config = {
		.host = events->host,
		.boot_id = events->boot_id,
		.first_seq = events->next_seq,
		.window_s = events->policy->log.window_s,
		.subscribers_max = events->policy->log.subscribers_max,
		.pcap_filename = events->file,
		.hash_key = {1, 2}, /* fixed: the same capture gives the same records */
		.reason_name = reason_by_number,
		.emit = write_line,
		.context = events,
	};

	if (events->boot_id[0] == '\0')
		name_run(events, first);
	return event_collector_new(&config, &events->collector);
}

void replay_events_add(struct replay_events *events, const struct replay_packet *judged)
{
	struct event_fact fact;

	if (!events->out || events->failed || !record_is_due(judged->decision))
		return;
	record_fill(events->policy, judged->packet, judged->decision, &fact);
	fact.time_ns = judged->time_ns;
	fact.pcap_cnt = judged->merged_number ? judged->merged_number : judged->number;
	if (judged->interface)
		memcpy(fact.in_iface, judged->interface, strnlen(judged->interface, IF_NAME_MAX - 1));
	if (!events->collector)
		events->failed = make_collector(events, &fact) < 0;
	if (events->collector)
		event_observe(events->collector, &fact, 1);
}

int replay_events_end(struct replay_events *events)
{
	struct event_stats stats;

	if (!events->collector)
		return events->failed ? -ENOMEM : 0;
	event_flush(events->collector, INT64_MIN); /* the capture's clock ends with its last packet */
	event_stats_get(events->collector, &stats);
	events->next_seq = stats.next_seq;
	event_collector_free(events->collector);
	events->collector = NULL;
	return 0;
}
