/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values that a scenario checks, by name. */
#ifndef OP25B_TESTS_VALUE_H
#define OP25B_TESTS_VALUE_H

#include <stdbool.h>

enum { VALUE_TEXT_MAX = 256 };

/* Whether a value is "=", "<" or ">" what is wanted; got: its text, "" when there is none. */
bool value_holds(const char *name, const char *relation, const char *wanted, char got[VALUE_TEXT_MAX]);

#endif
