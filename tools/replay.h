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
#include "replay_checks.h"
#include "replay_synth.h"

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
	const char *write_accepted, *write_dropped; /* paths; NULL: none */
	bool json, list;
	bool merge;                /* the files' packets in the order of their times */
	unsigned jobs;             /* threads at most */
	struct replay_synth synth; /* makes the first of the files, if there is any */
	struct replay_check_options checks;
	char *const *files;
	int file_count;
};

enum replay_parsed {
	REPLAY_PARSED_RUN,
	REPLAY_PARSED_DONE, /* it was --help or --version, which is printed */
	REPLAY_PARSED_WRONG /* it has been said what is */
};

enum { REPLAY_JOBS_MAX = 256 };

/* As many threads as this process may use cores. */
unsigned replay_jobs_default(void);

/* *ret points into argv. */
enum replay_parsed replay_options_parse(int argc, char **argv, struct replay_options *ret);

/* ---- commands: each gets its own words, argv[0] its name, and returns an exit code of base/exitcode.h ---- */

int replay_captures(int argc, char **argv);
int replay_anonymise(int argc, char **argv);
int replay_diff(int argc, char **argv);
int replay_explain(int argc, char **argv);
int replay_synth_command(int argc, char **argv);

/* ---- what commands share ---- */

/* What --help adds about them. */
extern const char replay_commands_help[];

/* Says on standard error what is wrong. EXIT_CODE_OK with *ret the caller's (policy_free), else another exit code. */
int replay_policy_read(const char *path, struct policy **ret);
/* The same for the engine; path: the policy's, for messages. The policy must outlive it. */
int replay_engine_build(const char *path, const struct policy *policy, struct engine **ret);
/* Flushes; `code` when all that was written has arrived, else EXIT_CODE_SYSTEM, having said so. */
int replay_stream_finish(FILE *stream, const char *name, int code);

/* EXIT_CODE_SYSTEM, having said so. */
int replay_say_no_memory(void);

/* ---- sources: who sent port 25 ---- */

/* What the summary calls a SYN, whatever else the packet's flags say. */
static inline bool replay_is_syn(uint8_t tcp_flags)
{
	return (tcp_flags & (TCP_SYN | TCP_ACK)) == TCP_SYN;
}

struct replay_source {
	struct addr addr;
	uint64_t tcp25, syn25;
};

/* The same in half a cache line. */
struct replay_place {
	uint64_t hi, lo;
	uint64_t tcp25; /* the address's family in the topmost bits; 0: an empty place */
	uint64_t syn25;
};

/* An IPv4 address's packets since its counts were last moved to its replay_place. */
struct replay_short_place {
	uint32_t addr;
	uint32_t counts; /* packets in the lower half, SYNs in the upper one; 0: an empty place */
};

/*
 * Hash tables with open addressing. A zeroed struct with its key set is empty. Looking up many sources is mostly waiting for
 * memory; so packets of IPv4 addresses, which nearly all are, are counted in a table a quarter as large, from which they
 * are moved to the other one when a number gets too big for it, and at the end.
 */
struct replay_sources {
	struct siphash_key key;
	struct replay_place *places;
	size_t capacity; /* a power of two, or 0 */
	size_t count;
	struct replay_short_place *short_places;
	size_t short_capacity; /* likewise */
	size_t short_count;
};

/* Room for one packet each of so many more addresses: 0 or -ENOMEM. */
int replay_sources_reserve(struct replay_sources *sources, size_t more);
/* Counts a packet, in tables that have room for it. */
void replay_sources_add_reserved(struct replay_sources *sources, const struct addr *addr, bool syn);

/* Where in the tables to look for the sources of a lot's mail. */
struct replay_mail {
	size_t syns;
	uint32_t at[PACKET_LOT];
};

/* Makes room for a lot's mail, and has its places fetched, for which it pays to do something else now. 0 or -ENOMEM. */
int replay_sources_expect(struct replay_sources *sources, const struct packet_lot4 *lot,
			  struct replay_mail *ret);
/* Counts it; nothing was added in between. */
void replay_sources_add_mail(struct replay_sources *sources, const struct packet_lot4 *lot,
			     const struct replay_mail *mail);
/* Adds what another has counted. 0 or -ENOMEM. */
int replay_sources_merge(struct replay_sources *sources, const struct replay_sources *other);
/* Moves all sources to the begin of `places`, in the order of their addresses; nothing may be added after that. */
void replay_sources_sort(struct replay_sources *sources);
/* Of a sorted table, those below count. */
struct replay_source replay_sources_get(const struct replay_sources *sources, size_t at);
void replay_sources_free(struct replay_sources *sources);

/* ---- one packet, judged ---- */

struct replay_packet {
	const char *file;
	uint64_t number;        /* in its file */
	uint64_t merged_number; /* among the packets of all files, where they are merged; else 0 */
	int64_t time_ns;
	const char *interface; /* NULL: unknown */
	const struct packet *packet;
	const struct decision *decision;
};

/* ---- counts of a file or of a run ---- */

enum { REPLAY_REPORT_MANY = 64 };

struct replay_report {
	uint64_t packets, ip4, ip6, tcp25, syn25;
	uint64_t unknown_links; /* of the packets that are neither ip4 nor ip6: what they are is not known */
	uint64_t monitored;     /* let through now, though enforcement would block them */
	uint64_t verdicts[VERDICTS];
	uint64_t reasons[REASONS];
	struct replay_sources sources;
};

/* Counts up to REPLAY_REPORT_MANY packets. 0 or -ENOMEM. */
int replay_report_add_many(struct replay_report *report, const struct packet *packets,
			   const struct decision *decisions, size_t n);
/* Counts a lot whose mail was expected, all but the answers, and answers to lots. */
void replay_report_add_lot4(struct replay_report *report, const struct packet_lot4 *lot,
			    const struct replay_mail *mail);
void replay_report_add_answers(struct replay_report *report, const struct engine_answers *answers);
/* Adds what part has counted, whose sources must not have been sorted. 0 or -ENOMEM. */
int replay_report_merge(struct replay_report *report, const struct replay_report *part);
/* Counts nothing yet. */
struct replay_report replay_report_empty(void);
void replay_report_print(struct replay_report *report, FILE *out);
/* The members of the JSON object, without its braces, indented by `indent` tabs. */
void replay_report_print_json(struct replay_report *report, int indent, FILE *out);
void replay_report_free(struct replay_report *report);

/* ---- listing: one line a packet ---- */

/* with_file: the line begins with the file's name. */
void replay_list_print(const struct replay_packet *judged, bool with_file, FILE *out);
void replay_list_print_json(const struct replay_packet *judged, FILE *file);

/* ---- block records ---- */

enum { REPLAY_BOOT_ID_MAX = 24 };

struct replay_events {
	const struct policy *policy;
	FILE *out; /* borrowed; NULL: no records are wanted */
	char host[65];
	char boot_id[REPLAY_BOOT_ID_MAX]; /* "" until there is something to record */
	uint64_t input; /* digest of what is replayed, as far as that can be known before it is read */
	uint64_t next_seq;
	const char *file;                  /* the one being replayed */
	struct event_collector *collector; /* of that file; NULL until there is something to record */
	bool failed;                       /* there was no memory for one */
};

/*
 * Each run numbers its records from 0. What tells runs apart is the boot_id: of the policy's digest, the files' names, what stands in
 * them, and the first packet recorded, so that the same input gives the same records again, and no other input does.
 */
void replay_events_set_input(struct replay_events *events, const struct replay_options *options);
/* One collector a file: a record names its capture. The name is borrowed until the end. */
void replay_events_begin(struct replay_events *events, const char *file);
void replay_events_add(struct replay_events *events, const struct replay_packet *judged);
/* 0 or -ENOMEM: records are missing. */
int replay_events_end(struct replay_events *events);

/* ---- files written ---- */

struct replay_sink;
struct capture_record;
struct capture_writer;

struct replay_output {
	const char *option; /* that asked for it, for messages */
	const char *path;   /* NULL: nothing is written; "-": standard output */
	FILE *file;         /* once it is open */
};

/*
 * Opens it, which empties the file, unless it is one of those that are read. An exit code, having said what is wrong;
 * to be closed in any case.
 */
int replay_output_open(struct replay_output *output, const struct replay_options *options,
		       const struct policy *policy);
/* `code`, or EXIT_CODE_SYSTEM when not all has arrived, having said so. */
int replay_output_close(struct replay_output *output, int code);
/* The same for a capture; *ret, the caller's, is untouched where none is wanted. */
int replay_writer_open(struct replay_output *output, const struct replay_options *options,
		       const struct policy *policy, struct capture_writer **ret);

/* Expectations while a run counts for them; see replay_checks.h. */
struct replay_checks {
	struct expect *expect;
	struct expect_record *record; /* NULL: nothing is recorded */
	struct replay_output output;  /* of the record */
};
/* Into the sink's capture for packets of this verdict, if there is one. 0, -ENOMEM or -E2BIG (capture_writer_add()). */
int replay_output_add(struct replay_sink *sink, const struct replay_packet *judged,
		      const struct capture_record *record);
void replay_tell_unwritten(const struct replay_sink *sink);

/* ---- a run over one file ---- */

struct replay_sink {
	struct replay_report *report;
	struct replay_events *events;
	struct replay_checks *checks;
	FILE *list; /* NULL: no listing */
	bool list_json;
	bool with_file;                            /* the listing names each packet's file */
	struct capture_writer *accepted, *dropped; /* NULL: not written */
	uint64_t unwritten;                        /* records that fit into no capture */
	int opened;                                /* files that were captures, damaged or not */
};

/*
 * Replays one file into the sink; what stands before a damage is replayed first. Returns an exit code of
 * base/exitcode.h, having said on standard error what was wrong.
 */
int replay_run(const struct engine *engine, const struct replay_options *options, const char *file,
	       struct replay_sink *sink);

/* The same with all files of the options, whose packets come in the order of their times. */
int replay_merged(const struct engine *engine, const struct replay_options *options,
		  struct replay_sink *sink);

#endif
