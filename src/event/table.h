/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of blocked subscribers: one entry a subscriber. A sender can make the rule that he meets change with every
 * packet (by turns a destination with a date of its own and one without), so rules are counted side by side within the
 * entry: a record for each change would let him write one a packet.
 *
 * Entries stand in hash chains by subscriber, and in one list in the order in which their windows opened. Windows are
 * all of one length, so those that end next are always at the list's head.
 */
#ifndef OP25B_EVENT_TABLE_H
#define OP25B_EVENT_TABLE_H

#include "event/destinations.h"
#include "event/event.h"
#include "event/intern.h"
#include "event/parts.h"
#include "event/record.h"

enum { NO_VLAN = 0xffff }; /* ids have 12 bits */

/* What few entries need. */
struct detail {
	struct destinations *destinations; /* NULL: all packets went to the entry's dst */
	uint32_t *reasons;                 /* NULL: all packets had the entry's reason */
	struct parts *parts;               /* NULL: all had the entry's names, verdict and monitored */
	uint64_t offloaded;                /* of the entry's packets: seen by nobody */
	int64_t shown_ns; /* with parts or packets offloaded, time of the packet shown; else it is the latest */
};

/* There may be a million of these. All facts are those of the packet that a record would show. */
struct entry {
	uint64_t src_hi, src_lo;
	uint64_t dst_hi, dst_lo;
	int64_t opened_ns;
	int64_t first_ns, last_ns;
	struct detail *detail;
	uint32_t packets, attempts; /* since the last record */
	uint32_t chain, previous, next;
	uint32_t tcp_seq, tcp_ack, ip_id;
	uint16_t sport, dport, ip_len, tcp_window;
	uint8_t tcp_flags, ttl, tos, reason;
	uint16_t vlan[3];  /* from the first NO_VLAN on there are none */
	uint16_t names;    /* in the table of names */
	uint16_t in_iface; /* in the table of interfaces; 0 is "" */
	uint8_t subscriber_len;
	unsigned verdict : 2, monitored : 1, ip6 : 1, destinations_lost : 1;
	unsigned unseen : 1;                          /* what it shows was offloaded: it has no destination */
	unsigned blocked_now : 1, blocked_before : 1; /* something was, in this window, in the one before */
};

_Static_assert(sizeof(struct entry) <= 120, "memory a tracked subscriber");

/* What a first record has told at once in the present window, and what is not in its entry's counts. */
struct told_at_once {
	/* 2 at most: when he was new, and when what was monitored is blocked. */
	unsigned char packets : 4, attempts : 4;
};

_Static_assert(sizeof(struct told_at_once) == 1, "memory a tracked subscriber");

struct table {
	struct siphash_key key;
	struct entry *entries;     /* [0] is the list's anchor, so no link needs a special case */
	struct told_at_once *told; /* beside the entries */
	uint64_t *pcap_cnt;        /* beside the entries; NULL for the live gateway, which has none */
	uint32_t *chains;
	uint32_t chain_mask;
	uint32_t max;
	uint32_t used; /* entries from here on were never used */
	uint32_t free; /* list of those used before, by chain */
	uint32_t count;
	struct intern names; /* "rule\0kind\0pool\0digest" */
	struct intern ifaces;
	struct destinations_budget budget;
};

/* 0 or -ENOMEM, after which *table must still be given to table_free(). */
int table_init(struct table *table, const struct siphash_key *key, uint32_t subscribers_max, bool replay);
void table_free(struct table *table);

/* Where the entry of the fact's subscriber hangs, if he has one; asks for it in memory early. */
uint32_t *table_chain(const struct table *table, const struct event_fact *fact);
/* The same for the entry that hangs there, most likely his. */
void table_expect(const struct table *table, const uint32_t *chain);
/* The entry of the fact's subscriber, or NULL; chain is table_chain()'s. Entries stay where they are until removed. */
struct entry *table_find(struct table *table, const uint32_t *chain, const struct event_fact *fact);
/* A new entry with no packets that shows the fact; its window opens at now_ns, which never goes back from call to
 * call. NULL when there is no room for it or its names. */
struct entry *table_add(struct table *table, uint32_t *chain, const struct event_fact *fact, int64_t now_ns);
void table_remove(struct table *table, struct entry *entry);
/* A first record tells this packet of the entry. */
void table_told(struct table *table, const struct entry *entry, bool attempt);
/* The entry whose window opened first, or NULL. */
struct entry *table_oldest(const struct table *table);
/* The entry whose window opened next, or NULL. */
const struct entry *table_next(const struct table *table, const struct entry *entry);
/* Its next window opens at now_ns. */
void table_reopen(struct table *table, struct entry *entry, int64_t now_ns);

/* A hold on the fact's names, to be given back to intern_release(); 0 when there is no room for them. */
uint16_t table_hold_names(struct table *table, const struct entry *entry, const struct event_names *names);
/* Borrowed until the number is released. */
struct event_names table_names(const struct table *table, uint16_t number);

/* When the packet shown was seen. */
int64_t table_shown_ns(const struct entry *entry);
/* Makes the fact the packet that the entry shows, under these names. */
void table_show(struct table *table, struct entry *entry, const struct event_fact *fact, uint16_t names);
/* The packet shown; its names are borrowed until the entry shows another one. */
struct event_fact table_fact(const struct table *table, const struct entry *entry);
void table_drop_detail(struct table *table, struct entry *entry);

#endif
