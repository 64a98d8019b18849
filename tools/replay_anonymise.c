/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-replay anonymise: a capture and its policy, fit to be given away, that say the same as before. */
#include "anonymise/anonymise.h"
#include "base/exitcode.h"
#include "base/files.h"
#include "capture/write.h"
#include "replay.h"
#include "replay_walk.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage_text[] =
	"usage: op25b-replay anonymise [-p POLICY] --key-file FILE [--policy-out NEW.ini] IN OUT\n"
	"\n"
	"Writes a capture without payload, link layer and options, in which each address is replaced under a key: two\n"
	"addresses with a common prefix have one of the same length afterwards. The policy is rewritten with the same\n"
	"key, and each packet is judged before and after: a verdict that differs is an error.\n"
	"\n"
	"  -p, --policy POLICY    the policy (default " OP25B_SYSCONFDIR "/op25b/op25b.ini)\n"
	"      --key-file FILE    32 hexadecimal digits; the same key replaces the same addresses in each file\n"
	"      --policy-out FILE  write the policy, list files included, with replaced addresses and names\n"
	"      --keep-names       keep the names of sections and of the gateway\n"
	"      --help             print this\n"
	"\n"
	"examples:\n"
	"  openssl rand -hex 16 >secret.key\n"
	"  op25b-replay anonymise --key-file secret.key --policy-out case.ini customer.pcap case.pcapng\n"
	"  op25b-replay -p case.ini case.pcapng\n";

enum { OPTION_KEY = 256, OPTION_POLICY_OUT, OPTION_KEEP, OPTION_HELP };

static const struct option long_options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"key-file", required_argument, NULL, OPTION_KEY},
	{"policy-out", required_argument, NULL, OPTION_POLICY_OUT},
	{"keep-names", no_argument, NULL, OPTION_KEEP},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

enum {
	LINK_ETHERNET = 1,
	LINK_RAW = 101,
	LINK_IP6 = 229,
	CUT_BYTES = 64, /* a length on the wire that nothing is there of */
	FRAME_BYTES = 14,
};

struct asked {
	const char *policy, *key_file, *policy_out, *in, *out;
	bool keep_names, help;
};

struct world {
	struct policy *policy;
	struct engine *engine;
	struct replay_side side;
};

struct run {
	struct siphash_key key;
	struct world before, after;
	struct capture_writer *writer;
	uint8_t *bytes; /* of the packet in hand */
	size_t capacity;
	uint64_t different;
};

static int wrong(const char *text, const char *what)
{
	fprintf(stderr, "op25b-replay anonymise: %s%s (see op25b-replay anonymise --help)\n", text, what);
	return EXIT_CODE_USAGE;
}

static int tell_errno(const char *path, int error)
{
	fprintf(stderr, "op25b-replay: %s: %s\n", path, strerror(error));
	return EXIT_CODE_SYSTEM;
}

/* ---- the key ---- */

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static int read_key(const char *path, struct siphash_key *ret)
{
	char text[64];
	uint64_t halves[2] = {0};
	FILE *file = fopen(path, "re");
	size_t len;

	if (!file) {
		tell_errno(path, errno);
		return EXIT_CODE_USAGE;
	}
	len = fread(text, 1, sizeof(text), file);
	fclose(file);
	while (len > 0 && (text[len - 1] == '\n' || text[len - 1] == '\r'))
		len--;
	for (size_t i = 0; i < len && len == 32; i++) {
		int value = hex_value(text[i]);

		if (value < 0)
			len = 0;
		else
			halves[i / 16] = halves[i / 16] << 4 | (unsigned)value;
	}
	if (len != 32)
		return wrong("a key file holds 32 hexadecimal digits (openssl rand -hex 16 makes them): ",
			     path);
	*ret = (struct siphash_key){halves[0], halves[1]};
	return EXIT_CODE_OK;
}

/* ---- the policy ---- */

/* What is printed is what must say the same, so that is read back. */
static int read_back(const char *text, size_t len, struct policy **ret)
{
	struct diag_list diags = {0};
	FILE *in = fmemopen((void *)(uintptr_t)text, len, "r");
	int r = in ? policy_read_stream(in, "anonymised policy", NULL, (int64_t)time(NULL), &diags, ret)
		   : -errno;

	if (in)
		fclose(in);
	if (r < 0)
		diag_print(&diags, stderr);
	diag_list_free(&diags);
	return r < 0 ? EXIT_CODE_POLICY : EXIT_CODE_OK;
}

static int write_policy(const char *path, const char *text, size_t len)
{
	FILE *out = fopen(path, "we");
	int code;

	if (!out)
		return tell_errno(path, errno);
	fwrite(text, 1, len, out);
	code = replay_stream_finish(out, path, EXIT_CODE_OK);
	fclose(out);
	return code;
}

static int rewrite_policy(const struct asked *asked, struct run *run)
{
	struct policy *rewritten = NULL;
	char *text = NULL;
	size_t len = 0;
	FILE *out = NULL;
	int code = replay_policy_read(asked->policy, &rewritten);

	if (code != EXIT_CODE_OK)
		return code;
	out = open_memstream(&text, &len);
	if (!out || anonymise_policy(&run->key, asked->keep_names, rewritten) < 0 ||
	    policy_print(rewritten, out) < 0)
		code = tell_errno(asked->policy, ENOMEM);
	if (out && fclose(out) != 0)
		code = tell_errno(asked->policy, errno);
	if (code == EXIT_CODE_OK)
		code = read_back(text, len, &run->after.policy);
	if (code == EXIT_CODE_OK && asked->policy_out)
		code = write_policy(asked->policy_out, text, len);
	free(text);
	policy_free(rewritten);
	return code;
}

static int prepare(const struct asked *asked, struct run *run)
{
	int code = read_key(asked->key_file, &run->key);

	if (code == EXIT_CODE_OK)
		code = replay_policy_read(asked->policy, &run->before.policy);
	if (code == EXIT_CODE_OK)
		code = rewrite_policy(asked, run);
	if (code == EXIT_CODE_OK)
		code = replay_engine_build(asked->policy, run->before.policy, &run->before.engine);
	if (code == EXIT_CODE_OK)
		code = replay_engine_build(asked->policy, run->after.policy, &run->after.engine);
	return code;
}

/* ---- packets ---- */

static bool make_room(struct run *run, size_t len)
{
	uint8_t *bytes;

	if (len <= run->capacity)
		return true;
	bytes = realloc(run->bytes, len);
	if (!bytes)
		return false;
	run->bytes = bytes;
	run->capacity = len;
	return true;
}

/* Every link layer goes: its addresses and numbers name a subscriber as well as an IP address does. */
static void rewrite_record(struct run *run, const struct capture_record *record, struct capture_record *ret)
{
	struct packet_ip ip = {0};
	enum packet_found found =
		packet_find_ip(record->link, record->bytes, record->len, record->wire_len, &ip);

	*ret = *record;
	ret->bytes = run->bytes;
	switch (found) {
	case PACKET_FOUND_OTHER:
		memset(run->bytes, 0, FRAME_BYTES);
		run->bytes[12] = 0x88; /* an Ethernet type for experiments, IEEE 802 */
		run->bytes[13] = 0xb5;
		ret->len = ret->wire_len = FRAME_BYTES;
		ret->link_type = LINK_ETHERNET;
		ret->link = PACKET_LINK_ETHERNET;
		return;
	case PACKET_FOUND_CUT:
		ret->len = 0;
		ret->wire_len = CUT_BYTES;
		ret->link_type = LINK_ETHERNET;
		ret->link = PACKET_LINK_ETHERNET;
		return;
	case PACKET_FOUND_IP:
	case PACKET_FOUND_IP6:
		break;
	}
	ret->len = anonymise_ip(&run->key, ip.bytes, ip.len, run->bytes);
	ret->wire_len = ip.wire_len;
	ret->link_type = found == PACKET_FOUND_IP ? LINK_RAW : LINK_IP6;
	ret->link = found == PACKET_FOUND_IP ? PACKET_LINK_IP : PACKET_LINK_IP6;
}

static struct decision judge(struct world *world, const struct packet *packet,
			     const struct capture_record *record)
{
	const struct engine_context context = {
		.interface = replay_side_of(&world->side, world->engine, record->interface),
		.now_s = replay_second(record->time_ns)};

	return decide(world->engine, packet, &context);
}

static bool same_answer(const struct decision *a, const struct decision *b)
{
	return a->verdict == b->verdict && a->would == b->would && a->reason == b->reason &&
	       a->attempt == b->attempt && (a->rule < 0) == (b->rule < 0) &&
	       a->subscriber_len == b->subscriber_len && a->next_change_s == b->next_change_s;
}

static void tell_difference(const struct run *run, const struct replay_walked *walked,
			    const struct decision *before, const struct decision *after)
{
	if (run->different > 10)
		return;
	fprintf(stderr, "op25b-replay: %s: packet %" PRIu64 ": %s %s before, %s %s after\n", walked->file,
		walked->record->number, verdict_name(before->verdict), reason_name(before->reason),
		verdict_name(after->verdict), reason_name(after->reason));
}

static int take_packet(void *context, const struct replay_walked *walked)
{
	struct run *run = context;
	struct capture_record record;
	struct decision before, after;
	struct packet packet;

	if (!make_room(run, walked->record->len + CUT_BYTES))
		return -ENOMEM;
	rewrite_record(run, walked->record, &record);
	packet_parse_link(record.link, record.bytes, record.len, record.wire_len, &packet);
	before = judge(&run->before, walked->packet, walked->record);
	after = judge(&run->after, &packet, &record);
	if (!same_answer(&before, &after)) {
		run->different++;
		tell_difference(run, walked, &before, &after);
	}
	return capture_writer_add(run->writer, &record, reason_name(after.reason));
}

static int rewrite_capture(const struct asked *asked, struct run *run)
{
	FILE *out = fopen(asked->out, "we");
	int code;

	if (!out)
		return tell_errno(asked->out, errno);
	if (capture_writer_new(out, &run->writer) < 0) {
		fclose(out);
		return tell_errno(asked->out, ENOMEM);
	}
	code = replay_walk(asked->in, take_packet, run);
	code = replay_stream_finish(out, asked->out, code);
	fclose(out);
	if (run->different == 0)
		return code;
	fprintf(stderr, "op25b-replay: %" PRIu64 " verdicts are not the same: %s is not to be used\n",
		run->different, asked->out);
	return code > EXIT_CODE_DIFFERS ? code : EXIT_CODE_DIFFERS;
}

/* ---- the command line ---- */

static int take_option(int code, struct asked *asked)
{
	switch (code) {
	case 'p':
		asked->policy = optarg;
		return EXIT_CODE_OK;
	case OPTION_KEY:
		asked->key_file = optarg;
		return EXIT_CODE_OK;
	case OPTION_POLICY_OUT:
		asked->policy_out = optarg;
		return EXIT_CODE_OK;
	case OPTION_KEEP:
		asked->keep_names = true;
		return EXIT_CODE_OK;
	case OPTION_HELP:
		asked->help = true;
		return EXIT_CODE_OK;
	default:
		return wrong("wrong usage", "");
	}
}

static int check(struct asked *asked, int argc, char **argv)
{
	const char *read[] = {asked->policy, asked->key_file, NULL};

	if (!asked->key_file)
		return wrong("no --key-file", "");
	if (argc - optind != 2)
		return wrong("give two captures: the one to read, and the one to write", "");
	asked->in = read[2] = argv[optind];
	asked->out = argv[optind + 1];
	for (size_t i = 0; i < sizeof(read) / sizeof(read[0]); i++)
		if (files_are_same(asked->out, read[i]) ||
		    (asked->policy_out && files_are_same(asked->policy_out, read[i])))
			return wrong("this file would be overwritten: ", read[i]);
	if (asked->policy_out && strcmp(asked->policy_out, asked->out) == 0)
		return wrong("one name for the capture and the policy: ", asked->out);
	return EXIT_CODE_OK;
}

static void free_world(struct world *world)
{
	engine_free(world->engine);
	policy_free(world->policy);
}

int replay_anonymise(int argc, char **argv)
{
	struct asked asked = {.policy = OP25B_SYSCONFDIR "/op25b/op25b.ini"};
	struct run run = {0};
	int option, code = EXIT_CODE_OK;

	while (code == EXIT_CODE_OK && (option = getopt_long(argc, argv, "p:", long_options, NULL)) != -1)
		code = take_option(option, &asked);
	if (code == EXIT_CODE_OK && asked.help) {
		fputs(usage_text, stdout);
		return replay_stream_finish(stdout, "standard output", EXIT_CODE_OK);
	}
	if (code == EXIT_CODE_OK)
		code = check(&asked, argc, argv);
	if (code == EXIT_CODE_OK)
		code = prepare(&asked, &run);
	if (code == EXIT_CODE_OK)
		code = rewrite_capture(&asked, &run);
	capture_writer_free(run.writer);
	free_world(&run.before);
	free_world(&run.after);
	free(run.bytes);
	return code;
}
