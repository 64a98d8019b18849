/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The table of blocked subscribers: one entry a subscriber and state, where the state is what a record says once for
 * all its packets: rule, pool, verdict, monitored. A sender can make the state change with every packet (by turns a
 * destination with a date of its own and one without, or whole SYNs and fragments), so states have entries side by
 * side: closing one for the other would let him write a record a packet.
 *
 * Entries stand in hash chains by subscriber, and in one list in the order in which their windows opened. Windows are
 * all of one length, so those that end next are always at the list's head.
 */
#ifndef OP25B_EVENT_TABLE_H
#define OP25B_EVENT_TABLE_H

#include "event/destinations.h"
#include "event/event.h"
#include "event/intern.h"
#include "event/record.h"

enum {
	TABLE_STATES_MAX = 16, /* entries that one subscriber may have */
};

/* What few entries need. */
struct detail {
	struct destinations *destinations; /* NULL: all packets went to the entry's dst */
	uint32_t *reasons;                 /* NULL: all packets had the entry's reason */
};

/* There may be a million of these. All facts are those of the latest packet counted. */
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
	uint16_t vlan[3];
	uint16_t names;    /* in the table of names */
	uint16_t in_iface; /* in the table of interfaces; 0 is "" */
	uint8_t subscriber_len;
	unsigned verdict : 2, monitored : 1, ip6 : 1, vlan_count : 2, destinations_lost : 1;
};

_Static_assert(sizeof(struct entry) <= 120, "memory a tracked subscriber");

struct table {
	struct siphash_key key;
	struct entry *entries; /* [0] is the list's anchor, so no link needs a special case */
	uint64_t *pcap_cnt;    /* beside the entries; NULL for the live gateway, which has none */
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

/* The entry of the fact's subscriber and state, whatever its digest, or NULL; then *ret_states is how many others the
 * subscriber has. Entries stay where they are until they are removed. */
struct entry *table_find(struct table *table, const struct event_fact *fact, unsigned *ret_states);
/* A new entry with no packets that shows the fact; its window opens at now_ns, which never goes back from call to
 * call. NULL when there is no room for it or its names. */
struct entry *table_add(struct table *table, const struct event_fact *fact, int64_t now_ns);
void table_remove(struct table *table, struct entry *entry);
/* The entry whose window opened first, or NULL. */
struct entry *table_oldest(const struct table *table);
/* Its next window opens at now_ns. */
void table_reopen(struct table *table, struct entry *entry, int64_t now_ns);

bool table_has_digest(const struct table *table, const struct entry *entry, const char *digest);
/* A hold on the names, 0 when there is no room for them; */
uint16_t table_hold_names(struct table *table, const struct event_names *names);
/* which the entry takes over in place of its own. */
void table_rename(struct table *table, struct entry *entry, uint16_t names);

/* Makes the fact the packet that the entry shows. */
void table_show(struct table *table, struct entry *entry, const struct event_fact *fact);
/* The packet shown, and the state; the names are borrowed until the entry is renamed or removed. */
struct event_fact table_fact(const struct table *table, const struct entry *entry);
void table_drop_detail(struct table *table, struct entry *entry);

#endif
