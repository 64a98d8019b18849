/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_read.h"
#include "net/queue.h"
#include "net/queue_message.h"

#include "make_policy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_queue.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MESSAGE_BYTES = 2048, QUEUE = 4660 };

struct message {
	_Alignas(8) char bytes[MESSAGE_BYTES];
	struct nlmsghdr *header;
};

static void message_begin(struct message *message, uint16_t type)
{
	struct nfgenmsg *family;

	memset(message->bytes, 0, sizeof(message->bytes));
	message->header = mnl_nlmsg_put_header(message->bytes);
	message->header->nlmsg_type = (uint16_t)(NFNL_SUBSYS_QUEUE << 8 | type);
	family = mnl_nlmsg_put_extra_header(message->header, sizeof(*family));
	family->res_id = htons(QUEUE);
}

static void put_id(struct message *message, uint32_t id)
{
	struct nfqnl_msg_packet_hdr header = {
		.packet_id = htonl(id), .hw_protocol = htons(0x0800), .hook = 2};

	mnl_attr_put(message->header, NFQA_PACKET_HDR, sizeof(header), &header);
}

static enum queue_message_kind parse(const struct message *message, size_t len, struct queue_packet *packet)
{
	/* Its own memory of exactly that size: a sanitizer sees any reading beyond. */
	uint8_t *copy = malloc(len ? len : 1);
	enum queue_message_kind kind;
	int error = 0;

	assert_non_null(copy);
	memcpy(copy, message->bytes, len);
	kind = queue_message_parse(copy, len, packet, &error);
	if (packet->payload) {
		assert_true(packet->payload >= copy && packet->payload + packet->len <= copy + len);
		assert_true(packet->wire_len >= packet->len);
	}
	free(copy);
	return kind;
}

static void build_packet(struct message *message)
{
	struct nfqnl_msg_packet_timestamp stamp = {.sec = htobe64(1700000000), .usec = htobe64(250000)};
	const char payload[] = "twenty bytes of data";

	message_begin(message, NFQNL_MSG_PACKET);
	put_id(message, 77);
	mnl_attr_put_u32(message->header, NFQA_IFINDEX_INDEV, htonl(5));
	mnl_attr_put_u32(message->header, NFQA_MARK, htonl(0x25b00001));
	mnl_attr_put(message->header, NFQA_TIMESTAMP, sizeof(stamp), &stamp);
	mnl_attr_put_u32(message->header, NFQA_CAP_LEN, htonl(1500));
	mnl_attr_put(message->header, NFQA_PAYLOAD, 20, payload);
}

static void test_packet_message_is_read(void **state)
{
	struct queue_packet packet;
	struct message message;
	int error = 0;

	build_packet(&message);
	assert_int_equal(queue_message_parse(message.bytes, message.header->nlmsg_len, &packet, &error),
			 QUEUE_MESSAGE_PACKET);
	assert_int_equal(packet.id, 77);
	assert_int_equal(packet.ifindex_in, 5);
	assert_int_equal(packet.mark, 0x25b00001);
	assert_int_equal(packet.len, 20);
	assert_int_equal(packet.wire_len, 1500);
	assert_memory_equal(packet.payload, "twenty", 6);
	assert_int_equal(packet.time_ns, INT64_C(1700000000250000000));
}

/* A frame that a bridge forwards: the rules, and so the policy, speak of the port it arrived on. */
static void test_a_bridge_names_its_port(void **state)
{
	struct queue_packet packet;
	struct message message;
	struct nfgenmsg *family;

	build_packet(&message);
	mnl_attr_put_u32(message.header, NFQA_IFINDEX_PHYSINDEV, htonl(9));
	assert_int_equal(parse(&message, message.header->nlmsg_len, &packet), QUEUE_MESSAGE_PACKET);
	assert_int_equal(packet.ifindex_in, 5); /* br_netfilter: a routed packet that came in by a bridge */
	family = mnl_nlmsg_get_payload(message.header);
	family->nfgen_family = AF_BRIDGE;
	assert_int_equal(parse(&message, message.header->nlmsg_len, &packet), QUEUE_MESSAGE_PACKET);
	assert_int_equal(packet.ifindex_in, 9);
	build_packet(&message);
	family->nfgen_family = AF_BRIDGE;
	assert_int_equal(parse(&message, message.header->nlmsg_len, &packet), QUEUE_MESSAGE_PACKET);
	assert_int_equal(packet.ifindex_in, 5); /* a kernel without br_netfilter */
}

static void test_message_without_payload_keeps_its_id(void **state)
{
	struct queue_packet packet;
	struct message message;

	message_begin(&message, NFQNL_MSG_PACKET);
	put_id(&message, 78);
	assert_int_equal(parse(&message, message.header->nlmsg_len, &packet), QUEUE_MESSAGE_PACKET);
	assert_int_equal(packet.id, 78);
	assert_null(packet.payload);
	assert_int_equal(packet.ifindex_in, 0);
	assert_int_equal(packet.time_ns, 0);
}

/* Cut anywhere behind the id, a message is still a packet that wants its verdict; before that it is none. */
static void test_cut_message_keeps_its_id(void **state)
{
	enum { ID_ENDS = 16 + 4 + 4 + 4 };
	struct queue_packet packet;
	struct message message;

	build_packet(&message);
	for (size_t len = 0; len <= message.header->nlmsg_len; len++) {
		enum queue_message_kind kind = parse(&message, len, &packet);

		assert_int_equal(kind, len >= ID_ENDS ? QUEUE_MESSAGE_PACKET : QUEUE_MESSAGE_OTHER);
		if (kind == QUEUE_MESSAGE_PACKET)
			assert_int_equal(packet.id, 77);
	}
}

static void test_attribute_that_lies_about_its_length(void **state)
{
	struct queue_packet packet;
	struct message message;
	struct nlattr *attribute;

	message_begin(&message, NFQNL_MSG_PACKET);
	put_id(&message, 79);
	attribute = mnl_nlmsg_get_payload_tail(message.header);
	mnl_attr_put(message.header, NFQA_PAYLOAD, 8, "12345678");
	attribute->nla_len = 60000;
	assert_int_equal(parse(&message, message.header->nlmsg_len, &packet), QUEUE_MESSAGE_PACKET);
	assert_int_equal(packet.len, 8);
	attribute->nla_len = 2; /* shorter than its own header */
	assert_int_equal(parse(&message, message.header->nlmsg_len, &packet), QUEUE_MESSAGE_PACKET);
	assert_null(packet.payload);
}

static void test_random_bytes_are_survived(void **state)
{
	struct queue_packet packet = {0};
	struct message message;

	srandom(25);
	for (int round = 0; round < 50000; round++) {
		size_t len;

		build_packet(&message);
		len = message.header->nlmsg_len;
		for (int i = 0; i < 4; i++)
			message.bytes[(size_t)random() % len] = (char)random();
		packet.payload = NULL;
		(void)parse(&message, (size_t)random() % (len + 1), &packet);
	}
}

static void test_errors_and_acknowledgements(void **state)
{
	struct message message;
	struct queue_packet packet;
	struct nlmsgerr *error;
	int number = 0;

	message_begin(&message, 0);
	message.header = mnl_nlmsg_put_header(message.bytes);
	message.header->nlmsg_type = NLMSG_ERROR;
	error = mnl_nlmsg_put_extra_header(message.header, sizeof(*error));
	error->error = -ENOENT;
	assert_int_equal(queue_message_parse(message.bytes, message.header->nlmsg_len, &packet, &number),
			 QUEUE_MESSAGE_ERROR);
	assert_int_equal(number, -ENOENT);
	error->error = 0;
	assert_int_equal(queue_message_parse(message.bytes, message.header->nlmsg_len, &packet, &number),
			 QUEUE_MESSAGE_ACK);
	message_begin(&message, NFQNL_MSG_CONFIG);
	assert_int_equal(queue_message_parse(message.bytes, message.header->nlmsg_len, &packet, &number),
			 QUEUE_MESSAGE_OTHER);
}

/* What the kernel does with verdict messages: a queue of ids in order, each answered once (nfnetlink_queue.c). */
struct kernel {
	uint32_t first_id;
	size_t count;
	size_t answered;
	struct {
		bool done;
		uint32_t verdict, mark;
	} packets[QUEUE_BATCH_MAX];
};

static void kernel_answer(struct kernel *kernel, size_t i, uint32_t verdict, uint32_t mark)
{
	if (kernel->packets[i].done)
		return;
	kernel->packets[i].done = true;
	kernel->packets[i].verdict = verdict;
	kernel->packets[i].mark = mark;
	kernel->answered++;
}

static void kernel_take(struct kernel *kernel, const struct nlmsghdr *message)
{
	const struct nfgenmsg *family = mnl_nlmsg_get_payload(message);
	struct nfqnl_msg_verdict_hdr verdict = {0};
	const char *end = mnl_nlmsg_get_payload_tail(message);
	const struct nlattr *attribute;
	size_t before = kernel->answered, last;
	uint32_t mark = 0;

	assert_int_equal(ntohs(family->res_id), QUEUE);
	assert_int_equal(message->nlmsg_flags, NLM_F_REQUEST);
	for (attribute = mnl_nlmsg_get_payload_offset(message, sizeof(*family));
	     mnl_attr_ok(attribute, (int)(end - (const char *)attribute));
	     attribute = mnl_attr_next(attribute)) {
		if (mnl_attr_get_type(attribute) == NFQA_VERDICT_HDR)
			memcpy(&verdict, mnl_attr_get_payload(attribute), sizeof(verdict));
		else if (mnl_attr_get_type(attribute) == NFQA_MARK)
			mark = ntohl(mnl_attr_get_u32(attribute));
	}
	last = ntohl(verdict.id) - kernel->first_id;
	assert_true(last < kernel->count);
	if ((message->nlmsg_type & 0xff) == NFQNL_MSG_VERDICT)
		kernel_answer(kernel, last, ntohl(verdict.verdict), mark);
	else
		for (size_t i = 0; i <= last; i++)
			kernel_answer(kernel, i, ntohl(verdict.verdict), mark);
	/* The kernel says ENOENT to a verdict that finds no packet. */
	assert_true(kernel->answered > before);
}

static size_t kernel_run(struct kernel *kernel, const void *bytes, size_t len)
{
	const struct nlmsghdr *message = bytes;
	int left = (int)len;
	size_t messages = 0;

	for (; mnl_nlmsg_ok(message, left); message = mnl_nlmsg_next(message, &left), messages++)
		kernel_take(kernel, message);
	assert_int_equal(left, 0);
	return messages;
}

static void check_verdicts(const struct queue_verdict *verdicts, size_t count, size_t expected)
{
	_Alignas(8) static uint8_t memory[QUEUE_BATCH_MAX * QUEUE_VERDICT_BYTES];
	struct kernel kernel = {.first_id = verdicts[0].id, .count = count};
	size_t messages = 0;
	size_t len = queue_message_verdicts(QUEUE, verdicts, count, memory, &messages);

	assert_true(len <= count * QUEUE_VERDICT_BYTES);
	assert_int_equal(kernel_run(&kernel, memory, len), messages);
	assert_int_equal(messages, expected);
	assert_int_equal(kernel.answered, count);
	for (size_t i = 0; i < count; i++) {
		assert_int_equal(kernel.packets[i].verdict, verdicts[i].answer);
		assert_int_equal(kernel.packets[i].mark, verdicts[i].mark);
	}
}

static void test_one_run_is_one_message(void **state)
{
	struct queue_verdict verdicts[QUEUE_BATCH_MAX];

	for (size_t i = 0; i < QUEUE_BATCH_MAX; i++)
		verdicts[i] = (struct queue_verdict){.id = 100 + (uint32_t)i, .answer = QUEUE_DROP};
	check_verdicts(verdicts, QUEUE_BATCH_MAX, 1);
	check_verdicts(verdicts, 1, 1);
}

static void test_marks_divide_runs(void **state)
{
	const struct queue_verdict verdicts[] = {
		{.id = 1, .answer = QUEUE_ACCEPT},
		{.id = 2, .answer = QUEUE_ACCEPT, .mark = 0x25b00001},
		{.id = 3, .answer = QUEUE_ACCEPT, .mark = 0x25b00001},
		{.id = 4, .answer = QUEUE_ACCEPT, .mark = 0x25b00002},
		{.id = 5, .answer = QUEUE_DROP},
		{.id = 6, .answer = QUEUE_ACCEPT},
	};

	check_verdicts(verdicts, 6, 5);
}

static void test_short_runs_are_one_batch_behind_single_verdicts(void **state)
{
	struct queue_verdict verdicts[QUEUE_BATCH_MAX];

	for (size_t i = 0; i < QUEUE_BATCH_MAX; i++)
		verdicts[i] = (struct queue_verdict){.id = 1 + (uint32_t)i, .answer = i % 2};
	check_verdicts(verdicts, QUEUE_BATCH_MAX, QUEUE_BATCH_MAX / 2 + 1);
	verdicts[0].mark = 0x25b00001; /* of a third kind */
	check_verdicts(verdicts, QUEUE_BATCH_MAX, QUEUE_BATCH_MAX / 2 + 1);
}

/* A message that accepts costs as much as two that drop. */
static size_t price(const struct queue_verdict *verdict)
{
	return verdict->answer == QUEUE_ACCEPT ? 2 : 1;
}

static bool same_kind(const struct queue_verdict *a, const struct queue_verdict *b)
{
	return a->answer == b->answer && a->mark == b->mark;
}

struct way {
	size_t messages, price;
};

static struct way way_by_runs(const struct queue_verdict *verdicts, size_t count)
{
	struct way way = {0};

	for (size_t i = 0; i < count; i++)
		if (i == 0 || !same_kind(&verdicts[i], &verdicts[i - 1]))
			way = (struct way){way.messages + 1, way.price + price(&verdicts[i])};
	return way;
}

static struct way way_together(const struct queue_verdict *verdicts, size_t count,
			       const struct queue_verdict *kind)
{
	struct way way = {1, price(kind)};

	for (size_t i = 0; i < count; i++)
		if (!same_kind(&verdicts[i], kind))
			way = (struct way){way.messages + 1, way.price + price(&verdicts[i])};
	return way;
}

static bool is_dearer(const struct way *a, const struct way *b)
{
	return a->price > b->price || (a->price == b->price && a->messages > b->messages);
}

static size_t messages_needed(const struct queue_verdict *verdicts, size_t count)
{
	struct way runs = way_by_runs(verdicts, count), best = way_together(verdicts, count, verdicts);

	for (size_t i = 1; i < count; i++) {
		struct way way = way_together(verdicts, count, &verdicts[i]);

		if (is_dearer(&best, &way))
			best = way;
	}
	return runs.price <= best.price ? runs.messages : best.messages;
}

/* What is accepted goes together, though it is the smaller part. */
static void test_accepted_packets_go_together(void **state)
{
	struct queue_verdict verdicts[QUEUE_BATCH_MAX];

	(void)state;
	for (size_t i = 0; i < 255; i++)
		verdicts[i] = (struct queue_verdict){.id = 1 + (uint32_t)i,
						     .answer = i % 5 == 0 || i % 5 == 2 ? QUEUE_ACCEPT
											: QUEUE_DROP};
	check_verdicts(verdicts, 255, 154);
	for (size_t i = 0; i < 256; i++)
		verdicts[i] = (struct queue_verdict){.id = 1 + (uint32_t)i,
						     .answer = i % 2 ? QUEUE_ACCEPT : QUEUE_DROP};
	check_verdicts(verdicts, 256, 129);
}

static void test_ids_wrap_around(void **state)
{
	struct queue_verdict verdicts[8];

	for (size_t i = 0; i < 8; i++)
		verdicts[i] = (struct queue_verdict){.id = UINT32_MAX - 3 + (uint32_t)i, .answer = i < 4};
	check_verdicts(verdicts, 8, 2);
}

static void test_random_verdicts_reach_each_packet_once(void **state)
{
	static const uint32_t marks[] = {0, 0x25b00001, 0x25b00002};

	srandom(465);
	for (int round = 0; round < 5000; round++) {
		struct queue_verdict verdicts[QUEUE_BATCH_MAX];
		size_t count = 1 + (size_t)random() % QUEUE_BATCH_MAX;
		long stay = 1 + random() % 8;

		for (size_t i = 0; i < count; i++) {
			verdicts[i] = (struct queue_verdict){.id = (uint32_t)i + 7,
							     .answer = (uint8_t)(random() % 2)};
			if (verdicts[i].answer == QUEUE_ACCEPT)
				verdicts[i].mark = marks[random() % 3];
			if (i > 0 && random() % stay) {
				verdicts[i].answer = verdicts[i - 1].answer;
				verdicts[i].mark = verdicts[i - 1].mark;
			}
		}
		check_verdicts(verdicts, count, messages_needed(verdicts, count));
	}
}

static void test_kernel_line_is_read(void **state)
{
	struct queue_kernel kernel = {0};
	const char *line = "  100   8155    12 2   512     3     4       77  1\n";

	assert_true(queue_kernel_parse(line, 100, &kernel));
	assert_int_equal(kernel.portid, 8155);
	assert_int_equal(kernel.waiting, 12);
	assert_int_equal(kernel.copy_mode, 2);
	assert_int_equal(kernel.copy_range, 512);
	assert_int_equal(kernel.queue_dropped, 3);
	assert_int_equal(kernel.user_dropped, 4);
	assert_int_equal(kernel.id_sequence, 77);
	assert_false(queue_kernel_parse(line, 10, &kernel));
	assert_false(queue_kernel_parse("100 8155", 100, &kernel));
	assert_false(queue_kernel_parse("", 100, &kernel));
}

/* The kernel has room for 65536 queues, and its file for as many lines, of every length. */
static void test_every_line_of_the_kernels_file_is_read(void **state)
{
	FILE *file = tmpfile();
	struct queue_kernel kernel = {0};

	(void)state;
	assert_non_null(file);
	for (unsigned i = 0; i < 65535; i++)
		fprintf(file, "%5u %6u %5u 2 %5u %5u %5u %8u  1\n", i, i + 1, i % 7 * 100000, 512, i % 11,
			i % 13, i % 3 * 10000000);
	assert_int_equal(fflush(file), 0);
	for (unsigned i = 0; i < 65535; i += 997) {
		assert_int_equal(queue_kernel_get(fileno(file), (uint16_t)i, &kernel), 0);
		assert_int_equal(kernel.portid, i + 1);
		assert_int_equal(kernel.waiting, i % 7 * 100000);
		assert_int_equal(kernel.queue_dropped, i % 11);
		assert_int_equal(kernel.user_dropped, i % 13);
	}
	assert_int_equal(queue_kernel_get(fileno(file), 65535, &kernel), -ENOENT);
	fclose(file);
	assert_int_equal(queue_kernel_get(-1, 1, &kernel), -EBADF);
}

/* The rules of a bridge as a kernel is to get them. */
static void expect_bridge(struct nft_forms forms, struct ruleset_image *image)
{
	struct made_policy made;
	struct ruleset *ruleset = NULL;
	uint16_t pool;

	made_policy_init(&made);
	made.policy.gateway.family = POLICY_FAMILY_BRIDGE;
	pool = made_rule(&made, POLICY_POOL, "homes");
	made_prefix(&made, pool, POLICY_ROLE_SOURCE, "198.51.100.0/24");
	assert_int_equal(ruleset_build(made_policy_finish(&made), &ruleset), 0);
	assert_int_equal(nft_expect(ruleset, forms, image), 0);
	ruleset_free(ruleset);
	made_policy_free(&made);
}

static bool some_rule_has(const struct image_chain *chain, const char *text)
{
	for (size_t i = 0; i < chain->rule_count; i++) {
		if (strstr(chain->rules[i], text))
			return true;
	}
	return false;
}

/* A kernel without reject for bridges still drops what the daemon wants answered. */
static void test_a_bridge_without_answers(void **state)
{
	const struct nft_forms answering = {NFT_QUEUE_EXPRESSION, NFT_ANSWER_REJECT};
	const struct nft_forms silent = {NFT_QUEUE_EXPRESSION, NFT_ANSWER_NONE};
	struct ruleset_image image;
	const struct image_chain *answer;

	expect_bridge(answering, &image);
	answer = image_find_chain(&image, "answer");
	assert_string_equal(answer->hook, "type filter hook prerouting priority -90 policy accept");
	assert_true(some_rule_has(answer, "reject"));
	assert_true(answer->rule_count > 1);
	assert_true(some_rule_has(image_find_chain(&image, "bridged"), "meta load protocol"));
	assert_false(some_rule_has(image_find_chain(&image, "bridged"), "nfproto"));
	image_clear(&image);
	expect_bridge(silent, &image);
	answer = image_find_chain(&image, "answer");
	assert_false(some_rule_has(answer, "reject"));
	for (size_t i = 0; i < answer->rule_count; i++)
		assert_non_null(strstr(answer->rules[i], "drop"));
	image_clear(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_packet_message_is_read),
		cmocka_unit_test(test_a_bridge_names_its_port),
		cmocka_unit_test(test_message_without_payload_keeps_its_id),
		cmocka_unit_test(test_cut_message_keeps_its_id),
		cmocka_unit_test(test_attribute_that_lies_about_its_length),
		cmocka_unit_test(test_random_bytes_are_survived),
		cmocka_unit_test(test_errors_and_acknowledgements),
		cmocka_unit_test(test_one_run_is_one_message),
		cmocka_unit_test(test_marks_divide_runs),
		cmocka_unit_test(test_short_runs_are_one_batch_behind_single_verdicts),
		cmocka_unit_test(test_accepted_packets_go_together),
		cmocka_unit_test(test_ids_wrap_around),
		cmocka_unit_test(test_random_verdicts_reach_each_packet_once),
		cmocka_unit_test(test_kernel_line_is_read),
		cmocka_unit_test(test_every_line_of_the_kernels_file_is_read),
		cmocka_unit_test(test_a_bridge_without_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
