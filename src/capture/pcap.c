/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/moment.h"
#include "capture/source.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdlib.h>

enum {
	FILE_HEADER = 24,
	RECORD_HEADER = 16,
	LONG_RECORD_HEADER = 24,
};

struct source {
	pcap_t *pcap;
	uint64_t offset; /* of the next record */
	size_t record_header;
};

/* libpcap gives the host's own numbers, which differ from the file's where systems disagreed about them. */
static int file_link_type(int datalink)
{
	return datalink == DLT_RAW ? 101 : datalink;
}

int pcap_source_open(FILE *file, bool long_records, struct source **ret, struct capture_error *error)
{
	char text[PCAP_ERRBUF_SIZE] = "";
	struct source *source = calloc(1, sizeof(*source));

	if (!source) {
		(void)source_damaged(error, 0, "out of memory");
		return -ENOMEM;
	}
	source->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, text);
	if (!source->pcap) {
		free(source);
		return source_damaged(error, 0, "%s", text);
	}
	source->offset = FILE_HEADER;
	source->record_header = long_records ? LONG_RECORD_HEADER : RECORD_HEADER;
	*ret = source;
	return 0;
}

/* The file's seconds are unsigned, which libpcap forgets: without the cast, times from 2038 on would be negative. */
static int next(struct source *source, struct capture_record *ret, struct capture_error *error)
{
	struct pcap_pkthdr *header;
	const u_char *bytes;
	int r = pcap_next_ex(source->pcap, &header, &bytes);

	if (r == PCAP_ERROR_BREAK)
		return 0;
	if (r != 1)
		return source_damaged(error, source->offset, "%s", pcap_geterr(source->pcap));
	source->offset += source->record_header + header->caplen;
	ret->bytes = bytes;
	ret->len = header->caplen;
	ret->wire_len = header->len;
	ret->time_ns = (int64_t)(uint32_t)header->ts.tv_sec * NSEC_PER_SEC + header->ts.tv_usec;
	ret->link_type = file_link_type(pcap_datalink(source->pcap));
	return 1;
}

static void close_source(struct source *source)
{
	pcap_close(source->pcap);
	free(source);
}

const struct source_kind source_pcap = {.next = next, .close = close_source};

const char *capture_link_name(int link_type)
{
	return pcap_datalink_val_to_name(link_type == 101 ? DLT_RAW : link_type);
}
