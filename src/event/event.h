/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Block records: one at once for each newly blocked subscriber, then one summary a subscriber and window, never a line a
 * packet. Each packet observed is counted in exactly one record, so the sum of `packets` over all records is the number
 * of packets blocked (or, in monitor mode, that would have been), and that of `packets_blocked` leaves the latter out.
 *
 * A subscriber is newly blocked when no window of his is open, and again when until now his packets were only monitored;
 * a window without a packet is closed for good. Another rule, verdict or policy digest makes no new record: a summary
 * counts them side by side. Packets for which the table has no room are counted in overflow records: at most one a
 * window, verdict and monitored. So are those of a fact of many.
 *
 * Packets that the kernel blocked by itself come as a number a subscriber. They open his window without a record at
 * once: its summary tells them, and shows a packet that somebody saw, if there is one.
 *
 * The collector takes time and output as arguments: the daemon feeds it from its workers, replay from a capture.
 */
#ifndef OP25B_EVENT_EVENT_H
#define OP25B_EVENT_EVENT_H

#include "base/addr.h"
#include "base/ifpattern.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	EVENT_SCHEMA = 1,         /* version of the op25b object */
	EVENT_RECORD_MAX = 12288, /* bytes of the longest record with its line feed */
	EVENT_REASONS_MAX = 64,   /* reason numbers are below this */
	EVENT_FORM_MAX = 6144,    /* bytes of the longest message to a log of the system */
};

/* What else a record may be told in, beside its line of JSON; see event/form.h. */
enum event_form { EVENT_FORM_SYSLOG, EVENT_FORM_JOURNAL, EVENT_FORMS };

/* What was or would have been done to the packet. The values are those of enum verdict in engine/. */
enum event_verdict { EVENT_DROP = 1, EVENT_RESET = 2, EVENT_ICMP = 3 };

/* The names a fact refers to; they change only with the policy. Borrowed: must outlive every event_observe() that uses them. */
struct event_names {
	const char *rule;      /* matched rule's name, "" for none */
	const char *rule_kind; /* "pool", "destination", ... "" for none */
	const char *pool;      /* the source's pool, "" for none */
	const char *digest;    /* of the policy */
};

/* One blocked packet, header facts only. Host byte order. */
struct event_fact {
	int64_t time_ns; /* wall clock */
	struct addr src, dst;
	uint16_t sport, dport;  /* 0 where the packet shows no ports */
	uint8_t subscriber_len; /* prefix length that makes one subscriber of src */
	uint8_t verdict;        /* enum event_verdict */
	bool monitored;         /* let through: the verdict is what enforcement would have done */
	bool attempt;           /* a SYN; a retransmission of one counts as packet, not as attempt */
	uint8_t tcp_flags;
	uint8_t ttl;
	uint8_t tos;
	uint16_t ip_len;
	uint16_t tcp_window;
	uint32_t ip_id;
	uint32_t tcp_seq, tcp_ack;
	uint8_t vlan_count;
	uint16_t vlan[3];
	uint8_t reason;             /* number below EVENT_REASONS_MAX */
	char in_iface[IF_NAME_MAX]; /* "" when unknown */
	struct event_names names;
	uint64_t pcap_cnt; /* replay: the packet's number in its capture, else 0 */
	/* Not 0: this is not one packet but so many, of unknown subscribers; of what stands above only the time, verdict,
	 * monitored, reason and digest count. */
	struct {
		uint32_t packets, attempts;
	} many;
	/* Not 0: this is so many packets of one subscriber that the kernel blocked by itself, and nobody saw; many is 0 then.
	 * Of what stands above only the time, src, subscriber_len, verdict, reason and names count. */
	uint64_t offloaded;
};

struct event_config {
	const char *host;    /* copied */
	const char *boot_id; /* copied; (host, boot_id, seq) names a record for ever */
	uint64_t first_seq;
	uint32_t window_s;
	uint32_t subscribers_max;
	int32_t utc_offset_s;                        /* the clock that timestamps are written in */
	const char *pcap_filename;                   /* copied; NULL for the live gateway */
	uint64_t hash_key[2];                        /* random in the daemon, fixed in replay */
	const char *(*reason_name)(unsigned reason); /* the name of a reason number */
	/* Takes one record: len bytes that end in a line feed, borrowed for the call. What becomes of it is the taker's
	 * business; the collector has counted and numbered it already. */
	void (*emit)(void *context, const char *line, size_t len);
	/* Takes the same record in each of the forms that event_collector_set_forms() has set, likewise; may be NULL. */
	void (*emit_form)(void *context, enum event_form form, const char *message, size_t len);
	void *context;
};

/* Packets counted in the records that were emitted, those of the kernel included. */
struct event_told {
	uint64_t blocked, monitored, attempts;
	uint64_t reasons[EVENT_REASONS_MAX];
};

struct event_stats {
	uint64_t observed; /* packets */
	uint64_t attempts;
	uint64_t records;     /* emitted */
	uint64_t firsts;      /* of those: told at once, of a subscriber newly blocked */
	uint64_t overflowed;  /* packets in overflow records that were emitted */
	uint64_t subscribers; /* tracked now */
	uint64_t next_seq;
	struct event_told told;
};

struct event_collector;

void event_told_add(struct event_told *sum, const struct event_told *more);

/* 0, -EINVAL (window or table size 0), -ENOMEM. All memory is taken here or grows to a bound set by
 * subscribers_max; event_observe() never fails. */
int event_collector_new(const struct event_config *config, struct event_collector **ret);
/* The forms in which records are told from now on: a bit each, 1 << EVENT_FORM_SYSLOG, ... At first there are none. */
void event_collector_set_forms(struct event_collector *collector, unsigned forms);
/* Frees without writing; call event_flush() first. NULL is fine. */
void event_collector_free(struct event_collector *collector);

/* Counts packets, in their order; emits a record at once when a subscriber is newly blocked. Time may stand still or go back
 * (captures merge badly, clocks step): windows are then closed by the latest time seen. */
void event_observe(struct event_collector *collector, const struct event_fact *facts, size_t count);

/* Closes the windows that have ended by now_ns and emits their summaries. To be called at the deadline below, and at
 * least once a window, so that a clock set back by more than a window is noticed; all windows are then closed. */
void event_tick(struct event_collector *collector, int64_t now_ns);
/* When event_tick() has something to do next, INT64_MAX if nothing is open. */
int64_t event_next_deadline_ns(const struct event_collector *collector);

/* Closes all windows, as at shutdown: afterwards every packet observed is in a record. */
void event_flush(struct event_collector *collector, int64_t now_ns);

/* A subscriber as his window stands: all its packets, also the one that a first record has told already. */
struct event_offender {
	struct prefix subscriber;
	int64_t opened_ns; /* the window */
	int64_t last_ns;   /* packet */
	uint64_t packets, attempts;
	uint64_t offloaded; /* of the packets: blocked by the kernel itself */
	uint64_t destinations;
	bool destinations_exact;
	bool monitored; /* the packet shown: let through */
	uint8_t reason; /* of the packet shown */
};

struct event_top {
	size_t count;  /* in the array */
	size_t looked; /* subscribers that were looked at, from the oldest window on */
};

/*
 * The subscribers with most packets, most first: at most max (1 at least) in out, among the first looks_max. One pass over
 * these, and nothing is kept. 0, or -ENOMEM with *ret untouched.
 */
int event_top(const struct event_collector *collector, struct event_offender *out, size_t max,
	      size_t looks_max, struct event_top *ret);

void event_stats_get(const struct event_collector *collector, struct event_stats *ret);

#endif
