/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What capture.c asks of a file format. Private to this module: two formats, one stream of records. */
#ifndef OP25B_CAPTURE_SOURCE_H
#define OP25B_CAPTURE_SOURCE_H

#include "capture/capture.h"

#include <stdio.h>

struct source;

/* The functions of one format, which get the source that its own open function made. */
struct source_kind {
	/* As capture_next_many(); link, number, and the time of records without one are filled in by the caller. */
	int (*next)(struct source *source, struct capture_record *records, size_t max,
		    struct capture_error *error);
	void (*close)(struct source *source);
};

extern const struct source_kind source_pcap;
extern const struct source_kind source_pcapng;

/*
 * Both take `file`, whose first byte is the format's first, and own it from success on; on failure it stays the
 * caller's, *ret is untouched, and *error has a text. long_records: the variant of pcap with 24 bytes in front of each packet.
 */
int pcap_source_open(FILE *file, bool long_records, struct source **ret, struct capture_error *error);
int pcapng_source_open(FILE *file, struct source **ret, struct capture_error *error);

/* capture_next_run() of a pcap file, and the record whose bytes begin there, but for what capture.c adds. */
size_t pcap_source_run(struct source *source, struct capture_run *ret);
void pcap_source_run_record(const struct source *source, const uint8_t *bytes, struct capture_record *ret);
/* The link type of all records. */
int pcap_source_link_type(const struct source *source);

/* What capture_open_part() and its companions say of one pcap file; size and part refuse what has no plain file behind it. */
int pcap_source_part(const struct source *whole, uint64_t begin, uint64_t end, struct source **ret);
uint64_t pcap_source_size(const struct source *source);
uint64_t pcap_source_begin(const struct source *source);
uint64_t pcap_source_position(const struct source *source);

/* Writes the text and where the damage begins; returns -EBADMSG for the caller to forward. */
int source_damaged(struct capture_error *error, uint64_t offset, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
