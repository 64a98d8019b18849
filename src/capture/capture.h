/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capture files as a stream of records, so that replay judges recorded traffic as the gateway judges live traffic.
 * Reads pcap and pcapng, also packed by gzip or zstd, from a file or a pipe, and tells all that was readable before
 * the first damage.
 */
#ifndef OP25B_CAPTURE_CAPTURE_H
#define OP25B_CAPTURE_CAPTURE_H

#include "packet/packet.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	CAPTURE_ERROR_MAX = 320,
	CAPTURE_LINK_NONE =
		-1, /* of records that no interface captured: custom and journal blocks of pcapng */
};

struct capture;

/* Why a capture cannot be read, or not further. */
struct capture_error {
	char text[CAPTURE_ERROR_MAX];
	uint64_t
		offset; /* where in the file the record or block begins that is damaged; 0 when opening failed */
	bool unpacked; /* the offset counts bytes of what gzip or zstd had packed */
};

/* One packet of a capture. The pointers are borrowed from the capture until its next capture_next() or _close(). */
struct capture_record {
	const uint8_t *bytes;
	size_t len;      /* bytes at hand */
	size_t wire_len; /* the packet's length before it was cut; never below len */
	int64_t time_ns; /* since the epoch; without a time of its own that of the record before (0 at first) */
	bool has_time;   /* pcapng's simple packets and custom blocks carry no time */
	enum packet_link link; /* PACKET_LINK_UNKNOWN when link_type is none that is understood */
	int link_type; /* the file's number, of tcpdump.org's list of link-layer types, or CAPTURE_LINK_NONE */
	const char *interface; /* its name, pcapng only; NULL when the file names none */
	uint64_t number;       /* 1 for the first */
};

/*
 * Opens the file at path, "-" for standard input. On success *ret is the caller's, to be given to capture_close().
 * On failure a negative errno (-EINVAL: it is no capture), *ret is untouched and *error says why.
 */
int capture_open(const char *path, struct capture **ret, struct capture_error *error);

/*
 * 1: *ret is the next record. 0: the end. Negative errno: the file cannot be read any further (-EBADMSG: it is
 * damaged), capture_failure() says why and where; every later call gives the same.
 */
int capture_next(struct capture *capture, struct capture_record *ret);

/*
 * The same for up to max records at once (at least 1): their count, which may be less than max at any time. All are
 * borrowed until the next call.
 */
int capture_next_many(struct capture *capture, struct capture_record *records, size_t max);

enum { CAPTURE_RUN = 64 };

/* Records in a row, for who wants little of many: of one link type, within one second, none of an interface with a name. */
struct capture_run {
	size_t count;
	enum packet_link link;
	int64_t second;  /* since the epoch */
	uint64_t before; /* records of the capture that came before */
	const uint8_t *bytes[CAPTURE_RUN];
	uint32_t len[CAPTURE_RUN];
};

/*
 * As capture_next_many(), where the next records are plain ones of a plain pcap file. Their count; 0: ask
 * capture_next_many(), which takes all records there are.
 */
size_t capture_next_run(struct capture *capture, struct capture_run *ret);
/* The record number `at` of a run, with all that is known of it; borrowed like the run's. */
void capture_run_record(const struct capture *capture, const struct capture_run *run, size_t at,
			struct capture_record *ret);

/*
 * A plain pcap file can be read in parts, side by side. 0: this capture cannot (a pipe, packed, another format), else
 * how many bytes it has.
 */
uint64_t capture_size(const struct capture *capture);

/*
 * The records that begin at `begin` or behind it and before `end`. Where records begin shows only to who comes from the
 * file's first one, so a part guesses: its records are the file's only if the part before it ends exactly at its
 * capture_begin(), and so on to the first part, whose begin is 0. A part that meets damage, or anything else that is
 * for libpcap to judge, ends in -ENOTSUP. `whole` must outlive it, and only its file is used: parts may be read by
 * different threads. 0 with *ret the caller's (capture_close()), -ENOTSUP, -ENOMEM, or what reading gives.
 */
int capture_open_part(const struct capture *whole, uint64_t begin, uint64_t end, struct capture **ret);
uint64_t capture_begin(const struct capture *part);
/* Behind the last record that was given out. */
uint64_t capture_position(const struct capture *part);

/* Borrowed from the capture; an empty text before a failure. */
const struct capture_error *capture_failure(const struct capture *capture);

/* Takes NULL. Standard input stays open. */
void capture_close(struct capture *capture);

/* "LINUX_SLL" and the like, NULL when libpcap has no name for it; a string constant. */
const char *capture_link_name(int link_type);

#endif
