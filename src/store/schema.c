/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tables, version 3. Moments are microseconds since 1970 UTC unless named otherwise. Addresses are in network order, 4
 * or 16 bytes. Texts that repeat are numbers of the table name; number 0 is "".
 */
#include "store/database.h"

/* clang-format off */
const char store_schema[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;\n"
	"INSERT INTO meta VALUES('schema', 3);\n"
	"CREATE TABLE name(id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE);\n"
	"INSERT INTO name VALUES(0, '');\n"

	/* A writer of records. duplicates: records met again that are stored already. */
	"CREATE TABLE source(id INTEGER PRIMARY KEY, host INTEGER NOT NULL, boot TEXT NOT NULL,"
	" duplicates INTEGER NOT NULL DEFAULT 0, UNIQUE(host, boot));\n"
	/* Ranges of numbers stored. They never touch each other: what is between two is a gap. */
	"CREATE TABLE seen(source INTEGER, first INTEGER, last INTEGER, PRIMARY KEY(source, first)) WITHOUT ROWID;\n"

	/* What was read of each file, known again by its content under whatever name. head: hash of its first lines, to the first
	 * one that is a record; place: bytes consumed, after decompression; tail: hash of what stands before the place. device to
	 * mtime_ns: the file under that path when all of it was consumed, so that it need not be opened; unread: what could not be
	 * read of it all the same, NULL: nothing. A file of which nothing could be read has a head made of device and inode. */
	"CREATE TABLE file(id INTEGER PRIMARY KEY, head BLOB NOT NULL UNIQUE, path TEXT, device INTEGER, inode INTEGER, size INTEGER,"
	" mtime_ns INTEGER, place INTEGER, tail BLOB, lines INTEGER, records INTEGER, duplicates INTEGER, refused INTEGER,"
	" foreign_lines INTEGER, unread TEXT);\n"
	/* The first 1000 of each file; how many there are stands in file. */
	"CREATE TABLE refused(file INTEGER, offset INTEGER, why TEXT, PRIMARY KEY(file, offset)) WITHOUT ROWID;\n"

	"CREATE TABLE subscriber(id INTEGER PRIMARY KEY, address BLOB NOT NULL, len INTEGER NOT NULL, first_us INTEGER,"
	" last_us INTEGER, UNIQUE(address, len));\n"
	/* All but monitored and divided (0, 1) are numbers of names. divided: of records with several rules and several reasons, of
	 * which nobody knows how many packets had both; see store/shares.c. */
	"CREATE TABLE way(id INTEGER PRIMARY KEY, host INTEGER, pool INTEGER, rule INTEGER, rule_kind INTEGER, reason INTEGER,"
	" verdict INTEGER, monitored INTEGER, policy INTEGER, divided INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE(host, pool, rule, rule_kind, reason, verdict, monitored, policy, divided));\n"

	/* kind: as enum event_line_kind. subscriber: NULL in overflow records. exact 1: reach is the list of destinations, one address
	 * behind the other. exact 0: with 1024 bytes it is the registers of event/destinations.h, else a list of some of them. reach
	 * NULL: dst alone. detail: {"reasons":..., "rules":...} as written, when the record has several. */
	"CREATE TABLE record(id INTEGER PRIMARY KEY, source INTEGER, seq INTEGER, kind INTEGER, way INTEGER, subscriber INTEGER,"
	" time INTEGER, first INTEGER, last INTEGER, packets INTEGER, blocked INTEGER, offloaded INTEGER, attempts INTEGER,"
	" src BLOB, sport INTEGER, dst BLOB, dport INTEGER, iface INTEGER, window_s INTEGER,"
	" destinations INTEGER, exact INTEGER, reach BLOB, detail TEXT);\n"
	/* What records of several ways add to each of them, in the tables hour and day, too; only those with a detail have rows. records: 1 in the way
	 * that the record shows, 0 in the others, so that sums of records are true. */
	"CREATE TABLE part(record INTEGER, way INTEGER, records INTEGER, packets INTEGER, blocked INTEGER, offloaded INTEGER,"
	" attempts INTEGER, PRIMARY KEY(record, way)) WITHOUT ROWID;\n"
	"CREATE TABLE notice(id INTEGER PRIMARY KEY, source INTEGER, seq INTEGER, time INTEGER, what INTEGER, state INTEGER,"
	" first INTEGER, last INTEGER, packets INTEGER, open INTEGER, json TEXT);\n"
	/* Runs of records and the times that they bear: which ones to look at for a period. */
	"CREATE TABLE segment(first_id INTEGER PRIMARY KEY, last_id INTEGER, min_time INTEGER, max_time INTEGER);\n"

	/* Sums by the hour of the record's time, and by the UTC day; subscriber 0: overflow. A record of several ways adds its
	 * packets to each of them, but counts as record in its own alone, so that sums of records are true. */
	"CREATE TABLE hour(hour INTEGER, subscriber INTEGER, way INTEGER, records INTEGER, packets INTEGER, blocked INTEGER,"
	" offloaded INTEGER, attempts INTEGER, first INTEGER, last INTEGER, PRIMARY KEY(hour, subscriber, way)) WITHOUT ROWID;\n"
	"CREATE TABLE day(day INTEGER, subscriber INTEGER, way INTEGER, records INTEGER, packets INTEGER, blocked INTEGER,"
	" offloaded INTEGER, attempts INTEGER, first INTEGER, last INTEGER, PRIMARY KEY(day, subscriber, way)) WITHOUT ROWID;\n"
	/* The destinations of a subscriber's day together; exact and reach as in record, but reach is never NULL, and exact 2 is: these
	 * are registers, and all of their destinations stand in known. */
	"CREATE TABLE reach(day INTEGER, subscriber INTEGER, count INTEGER, exact INTEGER, reach BLOB,"
	" PRIMARY KEY(day, subscriber)) WITHOUT ROWID;\n"
	/* Of those of them that are estimates, the destinations that records told by name, as known_pack() has them; id: STORE_DAY_ID. In
	 * a table with rowids a page holds several. */
	"CREATE TABLE known(id INTEGER PRIMARY KEY, names BLOB);\n"
	/* What the records of a day list, as store/listed.h has it, once the day is over; bucket -1, without entries: that of the day
	 * all buckets are here; -2: it has too many. */
	"CREATE TABLE listed(bucket INTEGER, day INTEGER, entries BLOB, PRIMARY KEY(bucket, day)) WITHOUT ROWID;\n"
	/* The records whose times lie in a subscriber's day, as store/visits.h has them; of what was stored at once, one row. */
	"CREATE TABLE visit(day INTEGER, subscriber INTEGER, first INTEGER, rest BLOB,"
	" PRIMARY KEY(day, subscriber, first)) WITHOUT ROWID;\n";

/* The work queue: what people did, and nothing that could be read from records again. So it is a file of its own. grace is
 * microseconds; NULL: nothing was said of it. */
const char store_work_schema[] =
	"CREATE TABLE work(id INTEGER PRIMARY KEY, subscriber_text TEXT NOT NULL, time INTEGER NOT NULL, who TEXT NOT NULL,"
	" what TEXT NOT NULL, ticket TEXT, note TEXT, grace INTEGER);\n";
/* clang-format on */
