/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to engine/: gives equal source and target classes one small number, so that a million prefixes of one
 * list become one class and the look-up tables hold 16-bit values.
 */
#ifndef OP25B_ENGINE_CLASSES_H
#define OP25B_ENGINE_CLASSES_H

#include "engine/tables.h"

#include <stdint.h>

enum { CLASSES_MAX = 65536 };

struct class_index; /* a hash table from content to number */

/* The classes being collected for one engine; both start with class 0, "nothing is said of this address". */
struct classes {
	struct source_class *sources;
	size_t source_count, source_capacity;
	struct target_class *targets;
	size_t target_count, target_capacity;
	struct chain_cell *cells;
	size_t cell_count, cell_capacity;
	struct class_index *source_index, *target_index, *cell_index;
};

/* 0 or -ENOMEM. Free with classes_free() in any case. */
int classes_init(struct classes *classes);
void classes_free(struct classes *classes);

/* The number of the class or cell with this content, made if it is new: >= 0, -E2BIG or -ENOMEM. */
int64_t classes_source(struct classes *classes, const struct source_class *source);
int64_t classes_target(struct classes *classes, const struct target_class *target);
int64_t classes_cell(struct classes *classes, uint16_t rule, uint32_t next);

#endif
