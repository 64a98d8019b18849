/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to ruleset/: a set and the parts that it is divided into (ruleset/divide.h) as one set of addresses, so that a comparison
 * tells of addresses gained and lost, and not of those that another part now holds.
 */
#ifndef OP25B_RULESET_JOINED_H
#define OP25B_RULESET_JOINED_H

#include "ruleset/image.h"

/* The set of one of the images that this one is a part of, or NULL. */
const struct image_set *joined_whole(const struct ruleset_image *a, const struct ruleset_image *b,
				     const struct image_set *part);

/* Two images of one set, with its parts. */
struct joined {
	bool divided; /* in one of the images at least */
	bool unlike;  /* something in it was not read, or is no set of addresses of the same type */
};

struct joined joined_look(const struct ruleset_image *from, const struct ruleset_image *to,
			  const struct image_set *whole);
/* The same parts hold the same. */
bool joined_same(const struct ruleset_image *from, const struct ruleset_image *to, const char *whole);

/* All that the image's set of the name and its parts hold, merged; *ret is an empty set of the family. Overlaps, which only
 * somebody else can have put there, count once. 0 or -ENOMEM; give back with space_clear() in any case. */
int joined_space(const struct ruleset_image *image, const char *whole, struct ruleset_set *ret);

#endif
