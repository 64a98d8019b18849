/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How values are written as JSON in records of all kinds, so that the same thing looks the same in each. */
#ifndef OP25B_EVENT_PUT_H
#define OP25B_EVENT_PUT_H

#include "base/addr.h"
#include "base/out.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct destinations;

/* At most max bytes of the text. */
void put_text(struct out *out, const char *text, size_t max);
void put_bool(struct out *out, bool value);
void put_time(struct out *out, int64_t ns, int32_t utc_offset_s);
void put_addr(struct out *out, const struct addr *addr);
/* An address, or a prefix with its length. */
void put_prefix(struct out *out, const struct prefix *prefix);
/* A list of the addresses of an exact set; the registers of an estimate as text. */
void put_destinations(struct out *out, const struct destinations *set, uint8_t family);
void put_sketch(struct out *out, const struct destinations *set);

#endif
