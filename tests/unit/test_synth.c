/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of words become the packets they say, or findings that say where and what would be right. */
#include "synth/synth.h"

#include "capture/capture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { START_S = 1767225600 };

/* Writes the line's packets into a capture and opens it; the result of synth_line(). */
static int make(const char *text, struct diag_list *diags, struct capture **ret)
{
	int fd = memfd_create("synth", MFD_CLOEXEC);
	FILE *out = fdopen(fd, "w");
	struct line line = line_over("test", 1, text, strlen(text), diags);
	struct capture_error error;
	struct synth *synth = NULL;
	char path[64];
	int r;

	assert_non_null(out);
	assert_int_equal(synth_new(out, START_S, &synth), 0);
	r = synth_line(synth, &line);
	synth_free(synth);
	fflush(out);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(capture_open(path, ret, &error), 0);
	fclose(out);
	return r;
}

static struct packet first_packet(const char *text, struct capture_record *ret_record)
{
	struct diag_list diags = {0};
	struct capture *capture = NULL;
	struct packet packet;

	assert_int_equal(make(text, &diags, &capture), 0);
	assert_int_equal(capture_next(capture, ret_record), 1);
	packet_parse_link(ret_record->link, ret_record->bytes, ret_record->len, ret_record->wire_len,
			  &packet);
	capture_close(capture);
	diag_list_free(&diags);
	return packet;
}

static void test_plain_packet(void **state)
{
	struct capture_record record;
	struct packet packet = first_packet("tcp 203.0.113.7 > 192.0.2.1:25 syn # a comment", &record);
	char text[ADDR_TEXT_MAX];

	assert_true(packet_is_syn(&packet));
	assert_int_equal(packet.fault, PACKET_FAULT_NONE);
	assert_int_equal(packet.dport, 25);
	addr_format(&packet.src, text);
	assert_string_equal(text, "203.0.113.7");
	addr_format(&packet.dst, text);
	assert_string_equal(text, "192.0.2.1");
	assert_int_equal(record.time_ns, START_S * NSEC_PER_SEC);
	assert_int_equal(record.wire_len, 54);
}

/* The faults and forms that a policy's cases need, each with the fact that shows it. */
static void test_forms(void **state)
{
	static const struct {
		const char *line;
		uint8_t fault, fragment, vlans;
		bool has_ports;
	} rows[] = {
		{"tcp 10.0.0.1 > 10.0.0.2 syn vlan 1 vlan 2 vlan 3", 0, PACKET_WHOLE, 3, true},
		{"pppoe 7 vlan 9 tcp 10.0.0.1 > 10.0.0.2 syn", 0, PACKET_WHOLE, 1, true},
		{"tcp 10.0.0.1 > 10.0.0.2 syn ip-options 40 payload 1400", 0, PACKET_WHOLE, 0, true},
		{"tcp 10.0.0.1 > 10.0.0.2 fragment 8", PACKET_FAULT_FRAGMENT_OVERLAP, PACKET_FRAGMENT_LATER,
		 0, false},
		{"tcp 10.0.0.1 > 10.0.0.2 syn fragment 0+", 0, PACKET_FRAGMENT_FIRST, 0, true},
		{"tcp 10.0.0.1 > 10.0.0.2 syn data-offset 4", PACKET_FAULT_TCP_HEADER, PACKET_WHOLE, 0, true},
		{"tcp 10.0.0.1 > 10.0.0.2 syn cut 24", PACKET_FAULT_CUT, PACKET_WHOLE, 0, true},
		{"tcp 10.0.0.1 > 10.0.0.2 syn option mss option sackok option timestamp option nop option wscale",
		 0, PACKET_WHOLE, 0, true},
		{"tcp ::1 > ::2 syn hop-by-hop destination-options routing authentication", 0, PACKET_WHOLE,
		 0, true},
		{"tcp ::1 > ::2 syn fragment 0+ destination-options", 0, PACKET_FRAGMENT_FIRST, 0, true},
		{"tcp ::1 > ::2 fragment 1480 payload 8", 0, PACKET_FRAGMENT_LATER, 0, false},
		{"udp [::1]:53 > [::2]:25", 0, PACKET_WHOLE, 0, false},
		{"protocol 47 10.0.0.1 > 10.0.0.2 payload 100", 0, PACKET_WHOLE, 0, false},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct capture_record record;
		struct packet packet = first_packet(rows[i].line, &record);

		if (packet.fault != rows[i].fault || packet.fragment != rows[i].fragment ||
		    packet.vlan_count != rows[i].vlans || packet.has_ports != rows[i].has_ports)
			fail_msg("%s: fault %u, fragment %u, %u tags", rows[i].line, packet.fault,
				 packet.fragment, packet.vlan_count);
	}
}

static void test_interface_time_and_repetition(void **state)
{
	struct diag_list diags = {0};
	struct capture *capture = NULL;
	struct capture_record record;
	int64_t wanted_ns = INT64_C(1790780400) * NSEC_PER_SEC;

	assert_int_equal(make("at 2026-10-01T00:00:00+09:00 on ppp0 tcp 10.0.0.1 > 10.0.0.2 syn times 3",
			      &diags, &capture),
			 0);
	for (int i = 0; i < 3; i++, wanted_ns += NSEC_PER_SEC) {
		assert_int_equal(capture_next(capture, &record), 1);
		assert_string_equal(record.interface, "ppp0");
		assert_int_equal(record.time_ns, wanted_ns);
	}
	assert_int_equal(capture_next(capture, &record), 0);
	capture_close(capture);
	diag_list_free(&diags);
}

static void test_findings(void **state)
{
	static const struct {
		const char *line, *message, *hint;
		uint32_t column;
	} rows[] = {
		{"tcp 10.0.0.1 > 10.0.0.2:25 sny", "\"sny\" is not a word of a packet",
		 "did you mean \"syn\"?", 28},
		{"tcp 10.0.0.300 > 10.0.0.2", "the source: ", "SOURCE > DESTINATION:25", 5},
		{"tcp 10.0.0.1 10.0.0.2", "no \">\" behind the source", "SOURCE > DESTINATION:25", 14},
		{"tcp 10.0.0.1 > ::1", "not of one address family", "two IPv4 or two IPv6", 16},
		{"tcp 10.0.0.1 > 10.0.0.2:99999", "not a port", "0 to 65535", 16},
		{"tcp [::1]25 > ::2", "not a port", "0 to 65535", 5},
		{"tcp 10.0.0.1 > 10.0.0.2 fragment 7", "not a fragment's offset", "multiple of 8", 34},
		{"tcp 10.0.0.1 > 10.0.0.2 hop-by-hop", "only IPv6 packets", "leave it out", 25},
		{"tcp ::1 > ::2 ip-options 4", "only IPv4 packets", "leave it out", 15},
		{"udp 10.0.0.1 > 10.0.0.2 syn", "only TCP packets", "tcp packet", 25},
		{"syn tcp 10.0.0.1 > 10.0.0.2", "behind the packet's ends", "SOURCE", 1},
		{"tcp 10.0.0.1 > 10.0.0.2 tcp 10.0.0.1 > 10.0.0.2", "a second packet", "one packet a line",
		 25},
		{"on ppp0", "names no packet", "tcp 10.1.0.1 > 192.0.2.1:25 syn", 8},
		{"on ppp* tcp 10.0.0.1 > 10.0.0.2", "not the name of an interface", "ppp0", 4},
		{"at yesterday tcp 10.0.0.1 > 10.0.0.2", "the time: ", "2026-10-01T00:00:00+09:00", 4},
		{"tcp 10.0.0.1 > 10.0.0.2 payload 1401", "out of range", "from 0 to 1400", 33},
		{"tcp 10.0.0.1 > 10.0.0.2 times", "no number", "from 1 to 100000", 30},
		{"tcp 10.0.0.1 > 10.0.0.2 option sock", "the name of a TCP option", "sackok", 32},
		{"at 9999-01-01T00:00:00Z tcp 10.0.0.1 > 10.0.0.2", "captures end", "earlier", 48},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct diag_list diags = {0};
		struct capture *capture = NULL;
		struct capture_record record;

		assert_int_equal(make(rows[i].line, &diags, &capture), -EINVAL);
		assert_int_equal(capture_next(capture, &record), 0);
		assert_int_equal(diags.count, 1);
		if (!strstr(diags.items[0].message, rows[i].message) || !diags.items[0].hint ||
		    !strstr(diags.items[0].hint, rows[i].hint) || diags.items[0].column != rows[i].column)
			fail_msg("%s: column %u: %s (%s)", rows[i].line, diags.items[0].column,
				 diags.items[0].message, diags.items[0].hint);
		capture_close(capture);
		diag_list_free(&diags);
	}
}

static void test_lines_without_words_make_nothing(void **state)
{
	static const char *const lines[] = {"", "   ", "# tcp 10.0.0.1 > 10.0.0.2 syn", "\t\r"};

	for (size_t i = 0; i < COUNT(lines); i++) {
		struct diag_list diags = {0};
		struct capture *capture = NULL;
		struct capture_record record;

		assert_int_equal(make(lines[i], &diags, &capture), 0);
		assert_int_equal(capture_next(capture, &record), 0);
		assert_int_equal(diags.count, 0);
		capture_close(capture);
	}
}

static int count_line(void *context, struct line *line)
{
	size_t *words = context;

	while (line_next(line))
		++*words;
	return line->number == 3 ? -EINVAL : 0;
}

static void test_files_are_read_to_their_end(void **state)
{
	char text[] = "one two # three\n\0zero\nfour\r\n\nfive";
	FILE *file = fmemopen(text, sizeof(text) - 1, "r");
	struct diag_list diags = {0};
	size_t words = 0;

	assert_int_equal(line_read_all(file, "file", &diags, count_line, &words), -EINVAL);
	assert_int_equal(words, 4);
	assert_int_equal(diags.count, 1);
	assert_int_equal(diags.items[0].line, 2);
	fclose(file);
	diag_list_free(&diags);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain_packet),
		cmocka_unit_test(test_forms),
		cmocka_unit_test(test_interface_time_and_repetition),
		cmocka_unit_test(test_findings),
		cmocka_unit_test(test_lines_without_words_make_nothing),
		cmocka_unit_test(test_files_are_read_to_their_end),
	};

	return cmocka_run_group_tests_name("synth", tests, NULL, NULL);
}
