/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file of the state directory (daemon/state_file.h) that is a JSON object with a version and a list: {"op25b": 1, "overrides":
 * [...]}. What is good in it is taken, and the file put aside when something was not.
 */
#ifndef OP25B_DAEMON_STATE_LIST_H
#define OP25B_DAEMON_STATE_LIST_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { STATE_LIST_TEXT_MAX = 160 };

struct state_list {
	const char *file;
	size_t bytes_max;
	const char *key;     /* of the list */
	int version;         /* under "op25b" */
	const char *no_list; /* what is said of an object that is something else */
	const char
		*wrong_row; /* what is said of the first row that is none, behind "number 7 of its KEY is " */
	bool (*take_head)(void *context,
			  const json_t *object); /* the object's other members; NULL: there are none */
	int (*take_row)(void *context,
			const json_t *row); /* 0; -ENOMEM ends it; another negative errno: wrong */
};

/* "op25b" and the list, which becomes the object's. NULL without memory, or when the list is NULL. */
json_t *state_list_object(const struct state_list *form, json_t *list);
/* The object is given up. 0 or -errno; -ENOMEM also of NULL. */
int state_list_save(const struct state_list *form, const char *directory, json_t *object);
/*
 * 0 also where there is no file; -EBADMSG when something in it is not what it should be: what was good is taken, text says what is
 * wrong, and the file is renamed; -errno when it cannot be read.
 */
int state_list_load(const struct state_list *form, const char *directory, void *context,
		    char text[STATE_LIST_TEXT_MAX]);

#endif
