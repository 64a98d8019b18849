/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Captures written: pcapng, because only it has a place for a packet's interface and for a word about the packet. The
 * same records give the same bytes on every machine.
 */
#ifndef OP25B_CAPTURE_WRITE_H
#define OP25B_CAPTURE_WRITE_H

#include "capture/capture.h"

#include <stdio.h>

struct capture_writer;

/* file: borrowed; what fails in it its owner finds out by ferror(). 0 with *ret the caller's, or -ENOMEM. */
int capture_writer_new(FILE *file, struct capture_writer **ret);

/*
 * Writes a packet with its link type, interface, lengths and time (1970 where it lies before that), and the comment
 * behind it (UTF-8). 0, -ENOMEM, -E2BIG when there are more interfaces than readers take, or -EINVAL for a record that
 * no interface captured (CAPTURE_LINK_NONE), of which nothing is written.
 */
int capture_writer_add(struct capture_writer *writer, const struct capture_record *record,
		       const char *comment);

/* Takes NULL. */
void capture_writer_free(struct capture_writer *writer);

#endif
