/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the table op25b of a family back, and brings a policy's ruleset to the same form, so that the two can be compared.
 * A rule's canonical text is that of its expressions, as libnftnl words them; comments do not count.
 */
#ifndef OP25B_NET_NFT_READ_H
#define OP25B_NET_NFT_READ_H

#include "net/nft.h"
#include "ruleset/image.h"

/*
 * Reads the kernel's table of the family. The kernel takes a time for a set that grows with the square of its elements. So, where
 * `known` (NULL: nothing) still holds, the content of a set that is large (nft_known_is_large) is taken from there, and
 * borrowed (image_set.kept); and a set with more than elements_max is left unread.
 * 0 with *ret filled; -EPERM without CAP_NET_ADMIN; -EINTR when the rulesets would not stay the same for long enough;
 * another -errno. Give back with image_clear() in any case.
 */
int nft_read(enum policy_family family, size_t elements_max, const struct nft_known *known,
	     struct ruleset_image *ret);

/* What nft_read() finds after nft_apply() of the ruleset with these forms; its sets are borrowed. 0 or -ENOMEM; likewise. */
int nft_expect(const struct ruleset *ruleset, struct nft_forms forms, struct ruleset_image *ret);

#endif
