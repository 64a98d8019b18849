/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page's style and script as bytes (not ended by a NUL), and their hashes ("sha256-..."): what embed.py makes. */
#ifndef OP25B_REPORT_ASSETS_H
#define OP25B_REPORT_ASSETS_H

#include <stddef.h>

extern const char report_style[];
extern const size_t report_style_size;
extern const char report_style_hash[];
extern const char report_script[];
extern const size_t report_script_size;
extern const char report_script_hash[];

#endif
