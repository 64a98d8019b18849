/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_batch.h"

#include "base/vec.h"
#include "net/nft_table.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/common.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

/* A dump walks a set from its start for each chunk: the larger the chunk, the fewer walks. */
enum { RECEIVE_MAX = 1024 * 1024 };

uint8_t nft_family(enum policy_family family)
{
	return family == POLICY_FAMILY_BRIDGE ? NFPROTO_BRIDGE : NFPROTO_INET;
}

int nft_socket_open(struct nft_socket *nft)
{
	struct mnl_socket *mnl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
	int on = 1, room = 4 << 20, r;

	if (!mnl)
		return -errno;
	if (mnl_socket_bind(mnl, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		mnl_socket_close(mnl);
		return r;
	}
	/* Both are comforts: refusals that say where, and without the refused message echoed. */
	(void)mnl_socket_setsockopt(mnl, NETLINK_EXT_ACK, &on, sizeof(on));
	(void)mnl_socket_setsockopt(mnl, NETLINK_CAP_ACK, &on, sizeof(on));
	if (setsockopt(mnl_socket_get_fd(mnl), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(mnl_socket_get_fd(mnl), SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	*nft = (struct nft_socket){.mnl = mnl, .seq = (uint32_t)time(NULL)};
	return 0;
}

void nft_socket_close(struct nft_socket *nft)
{
	if (nft->mnl)
		mnl_socket_close(nft->mnl);
	nft->mnl = NULL;
}

int nft_socket_request(struct nft_socket *nft, struct nlmsghdr *request, mnl_cb_t callback, void *data)
{
	uint8_t *answer = malloc(RECEIVE_MAX);
	int r = MNL_CB_OK;

	if (!answer)
		return -ENOMEM;
	request->nlmsg_seq = ++nft->seq;
	if (mnl_socket_sendto(nft->mnl, request, request->nlmsg_len) < 0)
		r = MNL_CB_ERROR;
	while (r == MNL_CB_OK) {
		ssize_t len = mnl_socket_recvfrom(nft->mnl, answer, RECEIVE_MAX);

		if (len < 0)
			r = MNL_CB_ERROR;
		else
			r = mnl_cb_run(answer, (size_t)len, nft->seq, mnl_socket_get_portid(nft->mnl),
				       callback, data);
	}
	r = r == MNL_CB_ERROR ? -errno : 0;
	free(answer);
	/* A part of the answer found no room. The rest must not be waited for: a dump rests until the next is taken. */
	return r == -ENOBUFS ? -EINTR : r;
}

/* Room for one more message. Without memory the first message's place is written over, and the batch never sent. */
static uint8_t *batch_room(struct nft_batch *batch)
{
	size_t need = batch->len + NFT_MESSAGE_MAX;

	if (!batch->failed && !VEC_RESERVE(batch->data, batch->capacity, need))
		batch->failed = true;
	return batch->failed ? batch->data : batch->data + batch->len;
}

static void batch_note(struct nft_batch *batch, const struct nft_note *note)
{
	if (!VEC_RESERVE(batch->notes, batch->note_capacity, batch->note_count + 1)) {
		batch->failed = true;
		return;
	}
	batch->notes[batch->note_count] = *note;
	batch->notes[batch->note_count++].offset = batch->len;
}

int nft_batch_begin(struct nft_batch *batch, struct nft_socket *nft, uint8_t family, uint32_t generation)
{
	static const struct nft_note note = {.what = "the transaction", .name = ""};
	struct nlmsghdr *message;

	*batch = (struct nft_batch){.family = family, .generation = generation, .first_seq = nft->seq + 1};
	if (!VEC_RESERVE(batch->data, batch->capacity, NFT_MESSAGE_MAX))
		return -ENOMEM;
	batch_note(batch, &note);
	message = nftnl_batch_begin((char *)batch->data, ++nft->seq);
	if (generation != 0)
		mnl_attr_put_u32(message, NFNL_BATCH_GENID, htonl(generation));
	batch->len = message->nlmsg_len;
	return 0;
}

struct nlmsghdr *nft_batch_message(struct nft_batch *batch, struct nft_socket *nft, uint16_t type,
				   uint16_t flags, const struct nft_note *note)
{
	batch_note(batch, note);
	return nftnl_nlmsg_build_hdr((char *)batch_room(batch), type, batch->family, flags, ++nft->seq);
}

void nft_batch_finish(struct nft_batch *batch, const struct nlmsghdr *message)
{
	if (batch->failed)
		return;
	batch->last_at = batch->len;
	batch->len += NLMSG_ALIGN(message->nlmsg_len);
}

int nft_batch_end(struct nft_batch *batch, struct nft_socket *nft, bool commit)
{
	struct nlmsghdr *last;

	if (!batch->failed && commit)
		batch_room(batch);
	if (batch->failed)
		return -ENOMEM;
	last = (struct nlmsghdr *)(void *)(batch->data + batch->last_at);
	last->nlmsg_flags |= NLM_F_ACK;
	batch->last_seq = last->nlmsg_seq;
	batch->commits = commit;
	if (commit) {
		nftnl_batch_end((char *)batch->data + batch->len, ++nft->seq);
		batch->len += ((const struct nlmsghdr *)(const void *)(batch->data + batch->len))->nlmsg_len;
	}
	return 0;
}

void nft_batch_free(struct nft_batch *batch)
{
	free(batch->data);
	free(batch->notes);
	*batch = (struct nft_batch){0};
}

static int send_all(const struct nft_batch *batch, struct nft_socket *nft)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
	int room = batch->len < INT32_MAX / 2 ? (int)batch->len + NFT_MESSAGE_MAX : INT32_MAX;
	int fd = mnl_socket_get_fd(nft->mnl);

	/* A message larger than the send buffer is refused whole, so ask for as much; only CAP_NET_ADMIN gets it. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof(room)) < 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room));
	if (sendto(fd, batch->data, batch->len, 0, (const struct sockaddr *)&kernel, sizeof(kernel)) >= 0)
		return 0;
	/* Nothing has left; -ENOBUFS is to say something else. */
	return errno == ENOBUFS ? -ENOMEM : -errno;
}

/* The address that the kernel's pointer into the message shows, when it shows an element. */
static bool refused_element(const struct nft_batch *batch, size_t at, uint32_t pointer, struct addr *ret)
{
	const struct nlmsghdr *message = (const struct nlmsghdr *)(const void *)(batch->data + at);
	const struct nlattr *element, *key, *value;
	int type = message->nlmsg_type & 0xff;

	if ((type != NFT_MSG_NEWSETELEM && type != NFT_MSG_DELSETELEM) || pointer == 0 ||
	    pointer + 3 * sizeof(struct nlattr) > message->nlmsg_len)
		return false;
	element = (const struct nlattr *)(const void *)(batch->data + at + pointer);
	key = mnl_attr_get_payload(element);
	if (mnl_attr_get_type(element) != NFTA_LIST_ELEM || mnl_attr_get_type(key) != NFTA_SET_ELEM_KEY)
		return false;
	value = mnl_attr_get_payload(key);
	if (mnl_attr_get_payload_len(value) == 4)
		*ret = addr_from_bytes4(mnl_attr_get_payload(value));
	else if (mnl_attr_get_payload_len(value) == 16)
		*ret = addr_from_bytes16(mnl_attr_get_payload(value));
	else
		return false;
	return true;
}

static int see_pointer(const struct nlattr *attr, void *data)
{
	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_OFFS &&
	    mnl_attr_get_payload_len(attr) == sizeof(uint32_t))
		*(uint32_t *)data = mnl_attr_get_u32(attr);
	return MNL_CB_OK;
}

/* The kernel's own pointer to what it did not like (NLMSGERR_ATTR_OFFS), 0 if it gave none. */
static uint32_t error_pointer(const struct nlmsghdr *answer)
{
	uint32_t offset = 0;

	if ((answer->nlmsg_flags & NLM_F_ACK_TLVS) != 0 && (answer->nlmsg_flags & NLM_F_CAPPED) != 0)
		(void)mnl_attr_parse(answer, sizeof(struct nlmsgerr), see_pointer, &offset);
	return offset;
}

static void name_refusal(const struct nft_batch *batch, const struct nlmsghdr *answer,
			 char error[NFT_ERROR_MAX])
{
	size_t index = answer->nlmsg_seq - batch->first_seq;
	const struct nft_note *note;
	char text[ADDR_TEXT_MAX];
	struct addr addr;

	if (index >= batch->note_count) {
		snprintf(error, NFT_ERROR_MAX, "the transaction");
		return;
	}
	note = &batch->notes[index];
	if (note->number > 0)
		snprintf(error, NFT_ERROR_MAX, "rule %zu of chain %s", note->number, note->name);
	else if (refused_element(batch, note->offset, error_pointer(answer), &addr) &&
		 addr_format(&addr, text))
		snprintf(error, NFT_ERROR_MAX, "the element at %s of set %s", text, note->name);
	else
		snprintf(error, NFT_ERROR_MAX, "%s%s%s", note->what, note->name[0] ? " " : "", note->name);
}

struct answers {
	const struct nft_batch *batch;
	char *error;
	int first_error;
	bool acknowledged;
	bool lost; /* some found no room in the receive buffer, or the kernel no memory for them */
};

static void read_answer(struct answers *answers, const struct nlmsghdr *answer)
{
	const struct nlmsgerr *said;

	if (answer->nlmsg_type != NLMSG_ERROR || answer->nlmsg_len < mnl_nlmsg_size(sizeof(struct nlmsgerr)))
		return;
	said = mnl_nlmsg_get_payload(answer);
	if (said->error == 0 && answer->nlmsg_seq == answers->batch->last_seq)
		answers->acknowledged = true;
	if (said->error == 0 || answers->first_error != 0)
		return;
	answers->first_error = said->error;
	name_refusal(answers->batch, answer, answers->error);
}

/* The kernel answers before sendto() returns, so what is not there then never comes. That answers were lost is told
 * before those that were not. */
static int read_answers(struct answers *answers, struct nft_socket *nft, uint8_t *buffer)
{
	for (;;) {
		ssize_t got = recv(mnl_socket_get_fd(nft->mnl), buffer, RECEIVE_MAX, MSG_DONTWAIT);
		const struct nlmsghdr *answer = (const struct nlmsghdr *)(const void *)buffer;
		int left = (int)got;

		if (got < 0 && errno == ENOBUFS)
			answers->lost = true;
		if (got < 0 && (errno == EINTR || errno == ENOBUFS))
			continue;
		if (got < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
		for (; mnl_nlmsg_ok(answer, left); answer = mnl_nlmsg_next(answer, &left))
			read_answer(answers, answer);
	}
}

/* No answer tells whether it was taken; that it was not, the generation may. */
static int find_out(const struct nft_batch *batch)
{
	struct nft_socket nft = {0};
	uint32_t now = 0;
	int r;

	if (!batch->commits)
		return -EAGAIN;
	r = nft_socket_open(&nft);
	if (r == 0)
		r = nft_generation_read(&nft, &now);
	nft_socket_close(&nft);
	return r == 0 && batch->generation != 0 && now == batch->generation ? -EAGAIN : -ENOBUFS;
}

bool nft_try_again(int r)
{
	return r == -EINTR || r == -ERESTART || r == -EAGAIN || r == -ENOBUFS;
}

int nft_batch_send(const struct nft_batch *batch, struct nft_socket *nft, char error[NFT_ERROR_MAX])
{
	struct answers answers = {.batch = batch, .error = error};
	uint8_t *buffer = malloc(RECEIVE_MAX);
	int r;

	snprintf(error, NFT_ERROR_MAX, "the transaction");
	if (!buffer)
		return -ENOMEM;
	r = send_all(batch, nft);
	if (r == -EMSGSIZE)
		snprintf(
			error, NFT_ERROR_MAX,
			"a transaction of %zu bytes, more than twice net.core.wmem_max: only root of the first user namespace may exceed that",
			batch->len);
	if (r == 0)
		r = read_answers(&answers, nft, buffer);
	free(buffer);
	if (answers.first_error != 0)
		return answers.first_error;
	if (r < 0)
		return r;
	if (answers.lost)
		return find_out(batch);
	if (!answers.acknowledged)
		return -EPROTO;
	error[0] = '\0';
	return 0;
}
