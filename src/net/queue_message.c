/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/queue_message.h"

#include <arpa/inet.h>
#include <endian.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stddef.h>
#include <string.h>

enum {
	PACKET_TYPE = NFNL_SUBSYS_QUEUE << 8 | NFQNL_MSG_PACKET,
	HEADERS = sizeof(struct nlmsghdr) + sizeof(struct nfgenmsg),
	ATTRIBUTE_HEADER = sizeof(struct nlattr),
};

_Static_assert(QUEUE_DROP == NF_DROP && QUEUE_ACCEPT == NF_ACCEPT, "answers are the kernel's verdicts");
_Static_assert(QUEUE_VERDICT_BYTES == HEADERS + ATTRIBUTE_HEADER + sizeof(struct nfqnl_msg_verdict_hdr) +
					      ATTRIBUTE_HEADER + 4,
	       "the longest verdict message");

struct attribute {
	unsigned type;
	size_t len;
	const uint8_t *bytes;
};

/* The next attribute before end; one that is cut by end is given as far as it goes. */
static bool attribute_next(const uint8_t **at, const uint8_t *end, struct attribute *ret)
{
	struct nlattr header;
	size_t left = (size_t)(end - *at), step;

	if (left < sizeof(header))
		return false;
	memcpy(&header, *at, sizeof(header));
	if (header.nla_len < sizeof(header))
		return false;
	ret->type = header.nla_type & (unsigned)NLA_TYPE_MASK;
	ret->len = (header.nla_len < left ? header.nla_len : left) - sizeof(header);
	ret->bytes = *at + sizeof(header);
	step = (header.nla_len + (size_t)MNL_ALIGNTO - 1) / MNL_ALIGNTO * MNL_ALIGNTO;
	*at += step < left ? step : left;
	return true;
}

static uint32_t attribute_u32(const struct attribute *attribute)
{
	uint32_t value = 0;

	if (attribute->len >= sizeof(value))
		memcpy(&value, attribute->bytes, sizeof(value));
	return ntohl(value);
}

static int64_t attribute_time_ns(const struct attribute *attribute)
{
	struct nfqnl_msg_packet_timestamp stamp;

	if (attribute->len < sizeof(stamp))
		return 0;
	memcpy(&stamp, attribute->bytes, sizeof(stamp));
	return (int64_t)(be64toh(stamp.sec) * 1000000000U + be64toh(stamp.usec) * 1000U);
}

/* Takes one attribute in; true when it held the packet id. */
static bool take_attribute(const struct attribute *attribute, struct queue_packet *packet, uint32_t *wire_len,
			   uint32_t *port)
{
	switch (attribute->type) {
	case NFQA_PACKET_HDR:
		packet->id = attribute_u32(attribute);
		return attribute->len >= sizeof(uint32_t);
	case NFQA_IFINDEX_INDEV:
		packet->ifindex_in = attribute_u32(attribute);
		break;
	case NFQA_IFINDEX_PHYSINDEV:
		*port = attribute_u32(attribute);
		break;
	case NFQA_MARK:
		packet->mark = attribute_u32(attribute);
		break;
	case NFQA_TIMESTAMP:
		packet->time_ns = attribute_time_ns(attribute);
		break;
	case NFQA_CAP_LEN:
		*wire_len = attribute_u32(attribute);
		break;
	case NFQA_PAYLOAD:
		packet->payload = attribute->bytes;
		packet->len = (uint32_t)attribute->len;
		break;
	default:
		break;
	}
	return false;
}

/*
 * Of a frame from a hook of the bridge family the kernel names the bridge as the interface and the port beside it, or
 * the port alone when it was built without br_netfilter (nfqnl_build_packet_message). The rules speak of the port.
 */
static bool parse_packet(const uint8_t *at, const uint8_t *end, bool bridge, struct queue_packet *ret)
{
	struct attribute attribute;
	uint32_t wire_len = 0, port = 0;
	bool has_id = false;

	*ret = (struct queue_packet){0};
	while (attribute_next(&at, end, &attribute))
		has_id |= take_attribute(&attribute, ret, &wire_len, &port);
	if (bridge && port != 0)
		ret->ifindex_in = port;
	ret->wire_len = wire_len > ret->len ? wire_len : ret->len;
	return has_id;
}

enum queue_message_kind queue_message_parse(const void *bytes, size_t len, struct queue_packet *ret,
					    int *ret_error)
{
	const uint8_t *begin = bytes;
	struct nlmsghdr header;
	int error;
	bool bridge;

	if (len < sizeof(header))
		return QUEUE_MESSAGE_OTHER;
	memcpy(&header, begin, sizeof(header));
	if (header.nlmsg_len < len)
		len = header.nlmsg_len;
	if (header.nlmsg_type == NLMSG_ERROR && len >= sizeof(header) + sizeof(error)) {
		memcpy(&error, begin + sizeof(header), sizeof(error));
		*ret_error = error;
		return error ? QUEUE_MESSAGE_ERROR : QUEUE_MESSAGE_ACK;
	}
	if (header.nlmsg_type != PACKET_TYPE || len < HEADERS)
		return QUEUE_MESSAGE_OTHER;
	bridge = begin[sizeof(header) + offsetof(struct nfgenmsg, nfgen_family)] == NFPROTO_BRIDGE;
	return parse_packet(begin + HEADERS, begin + len, bridge, ret) ? QUEUE_MESSAGE_PACKET
								       : QUEUE_MESSAGE_OTHER;
}

/* Answers and marks that one batch can have: those of the ruleset, and room. */
enum { KINDS_MAX = 8 };

static size_t put_verdict(uint16_t number, const struct queue_verdict *last, bool single, uint8_t *memory)
{
	struct nfqnl_msg_verdict_hdr verdict = {.verdict = htonl(last->answer), .id = htonl(last->id)};
	struct nlmsghdr *header = mnl_nlmsg_put_header(memory);
	struct nfgenmsg *family = mnl_nlmsg_put_extra_header(header, sizeof(*family));

	header->nlmsg_type = NFNL_SUBSYS_QUEUE << 8 | (single ? NFQNL_MSG_VERDICT : NFQNL_MSG_VERDICT_BATCH);
	header->nlmsg_flags = NLM_F_REQUEST;
	family->nfgen_family = AF_UNSPEC;
	family->version = NFNETLINK_V0;
	family->res_id = htons(number);
	mnl_attr_put(header, NFQA_VERDICT_HDR, sizeof(verdict), &verdict);
	if (last->mark)
		mnl_attr_put_u32(header, NFQA_MARK, htonl(last->mark));
	return header->nlmsg_len;
}

static bool alike(const struct queue_verdict *a, const struct queue_verdict *b)
{
	return a->answer == b->answer && a->mark == b->mark;
}

/*
 * What a verdict message costs, in messages that drop. What is accepted goes on its way within the message, many packets
 * of one message together for much less than each by itself: measured on Linux 6.18.
 */
static size_t cost_of(const struct queue_verdict *verdict)
{
	return verdict->answer == QUEUE_ACCEPT ? 2 : 1;
}

/* How the verdicts of a batch are spread: in how many runs, and of which kind it saves most to put all together. */
struct spread {
	size_t runs, runs_cost;
	size_t singles_cost;                  /* of a message for each packet */
	const struct queue_verdict *together; /* one of that kind */
	size_t together_count;
};

struct kind {
	const struct queue_verdict *verdict; /* one of it */
	size_t count;
};

static void count_kind(struct kind *kinds, const struct queue_verdict *verdict)
{
	size_t k = 0;

	while (k < KINDS_MAX && kinds[k].verdict && !alike(kinds[k].verdict, verdict))
		k++;
	if (k == KINDS_MAX)
		return;
	kinds[k].verdict = verdict;
	kinds[k].count++;
}

static bool saves_more(const struct kind *a, const struct kind *b)
{
	size_t saved = (a->count - 1) * cost_of(a->verdict), other = (b->count - 1) * cost_of(b->verdict);

	return saved > other || (saved == other && a->count > b->count);
}

static struct spread spread_of(const struct queue_verdict *verdicts, size_t count)
{
	struct kind kinds[KINDS_MAX] = {0};
	const struct kind *best = kinds;
	struct spread spread = {0};

	for (size_t i = 0; i < count; i++) {
		bool begins = i == 0 || !alike(&verdicts[i], &verdicts[i - 1]);

		spread.runs += begins;
		spread.runs_cost += begins ? cost_of(&verdicts[i]) : 0;
		spread.singles_cost += cost_of(&verdicts[i]);
		count_kind(kinds, &verdicts[i]);
	}
	for (size_t k = 1; k < KINDS_MAX && kinds[k].verdict; k++)
		if (saves_more(&kinds[k], best))
			best = &kinds[k];
	spread.together = best->verdict;
	spread.together_count = best->count;
	return spread;
}

static bool runs_are_cheaper(const struct spread *spread)
{
	size_t each = cost_of(spread->together);

	return spread->runs_cost <= spread->singles_cost - spread->together_count * each + each;
}

static uint8_t *put_runs(uint16_t number, const struct queue_verdict *verdicts, size_t count, uint8_t *at)
{
	size_t begin = 0;

	for (size_t i = 0; i < count; i++) {
		if (i + 1 < count && alike(&verdicts[i], &verdicts[i + 1]))
			continue;
		at += put_verdict(number, &verdicts[i], begin == i, at);
		begin = i + 1;
	}
	return at;
}

/* The others first, each by itself: the batch verdict then meets only what it is meant for. */
static uint8_t *put_together(uint16_t number, const struct queue_verdict *verdicts, size_t count,
			     const struct queue_verdict *kind, uint8_t *at)
{
	const struct queue_verdict *last = NULL;

	for (size_t i = 0; i < count; i++) {
		if (alike(&verdicts[i], kind))
			last = &verdicts[i];
		else
			at += put_verdict(number, &verdicts[i], true, at);
	}
	return last ? at + put_verdict(number, last, false, at) : at;
}

size_t queue_message_verdicts(uint16_t number, const struct queue_verdict *verdicts, size_t count,
			      void *memory, size_t *ret_messages)
{
	struct spread spread = spread_of(verdicts, count);
	bool by_runs = count == 0 || runs_are_cheaper(&spread);
	uint8_t *end = by_runs ? put_runs(number, verdicts, count, memory)
			       : put_together(number, verdicts, count, spread.together, memory);

	if (ret_messages)
		*ret_messages = by_runs ? spread.runs : count - spread.together_count + 1;
	return (size_t)(end - (uint8_t *)memory);
}

void queue_message_mark(void *messages, size_t len, enum queue_sequence sequence)
{
	struct nlmsghdr *header = messages;
	int left = (int)len;

	for (; mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left))
		header->nlmsg_seq = sequence;
}

size_t queue_message_orphan(uint16_t number, uint32_t id, enum queue_answer answer, void *memory)
{
	const struct queue_verdict verdict = {.id = id, .answer = (uint8_t)answer};
	size_t len = put_verdict(number, &verdict, true, memory);
	struct nlmsghdr *header = memory;

	header->nlmsg_flags |= NLM_F_ACK;
	header->nlmsg_seq = QUEUE_SEQUENCE_ORPHAN;
	return len;
}

size_t queue_message_up_to(uint16_t number, uint32_t id, enum queue_answer answer, void *memory)
{
	const struct queue_verdict verdict = {.id = id, .answer = (uint8_t)answer};
	size_t len = put_verdict(number, &verdict, false, memory);

	queue_message_mark(memory, len, QUEUE_SEQUENCE_AGAIN);
	return len;
}

uint32_t queue_message_sequence(const void *bytes, size_t len)
{
	struct nlmsghdr header;

	if (len < sizeof(header))
		return 0;
	memcpy(&header, bytes, sizeof(header));
	return header.nlmsg_seq;
}
