/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a rule becomes depends on what the kernel was built with. */
#ifndef OP25B_NET_NFT_FORMS_H
#define OP25B_NET_NFT_FORMS_H

/* How packets get to the daemon. */
enum nft_queue_form {
	NFT_QUEUE_EXPRESSION, /* nf_tables' own queue expression */
	/* The xtables target NFQUEUE, where the kernel was built without the expression. No kernel takes it in the bridge
	 * family. */
	NFT_QUEUE_XT_TARGET,
};

/* What becomes of packets that the daemon wants answered. */
enum nft_answer_form {
	NFT_ANSWER_REJECT, /* a TCP reset or ICMP */
	NFT_ANSWER_NONE,   /* silence: the kernel was built without reject in the bridge family */
};

struct nft_forms {
	enum nft_queue_form queue;
	enum nft_answer_form answer;
};

#endif
