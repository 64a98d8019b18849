/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of op25b-replay: the same engine as the gateway's, fed from captures under the captures' own clock. A file
 * goes through run (packets to decisions); what comes out goes to the report (counts), the listing and the events.
 */
#ifndef OP25B_TOOLS_REPLAY_H
#define OP25B_TOOLS_REPLAY_H

#include "engine/engine.h"
#include "event/event.h"
#include "packet/packet.h"

#include "base/siphash.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum replay_direction {
	REPLAY_AS_CAPTURED, /* the interface that the capture names; none: the subscriber side */
	REPLAY_OUTBOUND,    /* everything came from the subscriber side, on an unknown interface */
	REPLAY_INBOUND,     /* everything came in from outside */
};

struct replay_options {
	const char *policy;
	const char *events;    /* path, "-" for standard output, NULL for none */
	const char *interface; /* every packet arrived here; NULL: not said */
	enum replay_direction direction;
	bool json, list;
	char *const *files;
	int file_count;
};

enum replay_parsed {
	REPLAY_PARSED_RUN,
	REPLAY_PARSED_DONE, /* it was --help or --version, which is printed */
	REPLAY_PARSED_WRONG /* it has been said what is */
};

/* *ret points into argv. */
enum replay_parsed replay_options_parse(int argc, char **argv, struct replay_options *ret);

/* ---- commands: each gets its own words, argv[0] its name, and returns an exit code of base/exitcode.h ---- */

int replay_captures(int argc, char **argv);

/* ---- what commands share ---- */

/* Says on standard error what is wrong. EXIT_CODE_OK with *ret the caller's (policy_free), else another exit code. */
int replay_policy_read(const char *path, struct policy **ret);
/* The same for the engine; path: the policy's, for messages. The policy must outlive it. */
int replay_engine_build(const char *path, const struct policy *policy, struct engine **ret);
/* Flushes; `code` when all that was written has arrived, else EXIT_CODE_SYSTEM, having said so. */
int replay_stream_finish(FILE *stream, const char *name, int code);

/* ---- sources: who sent port 25 ---- */

struct replay_source {
	struct addr addr; /* ADDR_NONE: an empty place */
	uint64_t tcp25, syn25;
};

/* A hash table with open addressing. A zeroed struct with its key set is empty. */
struct replay_sources {
	struct siphash_key key;
	struct replay_source *places;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
};

/* 0 or -ENOMEM. */
int replay_sources_add(struct replay_sources *sources, const struct addr *addr, bool syn);
/* Puts them in the order of their addresses at the table's begin; nothing may be added after that. */
void replay_sources_sort(struct replay_sources *sources);
void replay_sources_free(struct replay_sources *sources);

/* ---- one packet, judged ---- */

struct replay_packet {
	const char *file;
	uint64_t number;
	int64_t time_ns;
	const char *interface; /* NULL: unknown */
	const struct packet *packet;
	const struct decision *decision;
};

/* ---- counts of a file or of a run ---- */

struct replay_report {
	uint64_t packets, ip4, ip6, tcp25, syn25;
	uint64_t monitored; /* let through now, though enforcement would block them */
	uint64_t verdicts[VERDICTS];
	uint64_t reasons[REASONS];
	struct replay_sources sources;
};

/* 0 or -ENOMEM. */
int replay_report_add(struct replay_report *report, const struct replay_packet *judged);
void replay_report_print(struct replay_report *report, FILE *out);
/* The members of the JSON object, without its braces, indented by `indent` tabs. */
void replay_report_print_json(struct replay_report *report, int indent, FILE *out);
void replay_report_free(struct replay_report *report);

/* ---- listing: one line a packet ---- */

/* with_file: the line begins with the file's name. */
void replay_list_print(const struct replay_packet *judged, bool with_file, FILE *out);
void replay_list_print_json(const struct replay_packet *judged, FILE *file);

/* ---- block records ---- */

struct replay_events {
	const struct policy *policy;
	FILE *out; /* borrowed; NULL: no records are wanted */
	char host[65];
	uint64_t next_seq;
	struct event_collector *collector; /* of the file being replayed */
};

/* One collector a file: a record names its capture. 0 or -ENOMEM. */
int replay_events_begin(struct replay_events *events, const char *file);
void replay_events_add(struct replay_events *events, const struct replay_packet *judged);
void replay_events_end(struct replay_events *events);

/* ---- a run over one file ---- */

struct replay_sink {
	struct replay_report *report;
	struct replay_report *total; /* of all files; NULL when there is only one */
	struct replay_events *events;
	FILE *list; /* NULL: no listing */
	bool list_json;
	int opened; /* files that were captures, damaged or not */
};

/*
 * Replays one file into the sink; what stands before a damage is replayed first. Returns an exit code of
 * base/exitcode.h, having said on standard error what was wrong.
 */
int replay_run(const struct engine *engine, const struct replay_options *options, const char *file,
	       struct replay_sink *sink);

#endif
