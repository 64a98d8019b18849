/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25b-replay explain: the whole chain of one decision. */
#include "base/exitcode.h"
#include "base/number.h"
#include "explain/explain.h"
#include "replay.h"
#include "replay_walk.h"

#include <getopt.h>
#include <string.h>
#include <time.h>

static const char usage_text[] =
	"usage: op25b-replay explain [-p POLICY] [--json] [--iface NAME] [--at DATE] --src ADDRESS --dst ADDRESS\n"
	"       op25b-replay explain [-p POLICY] [--json] [--iface NAME] [--at DATE] --packet N CAPTURE\n"
	"\n"
	"Says why: each question of the decision order, up to the one that decides, with its rule's file and line,\n"
	"and when the answer changes.\n"
	"\n"
	"  -p, --policy POLICY  the policy (default " OP25B_SYSCONFDIR "/op25b/op25b.ini)\n"
	"      --src ADDRESS    of a SYN from this source\n"
	"      --dst ADDRESS    to port 25 of this destination\n"
	"      --packet N       of the N-th packet of a capture\n"
	"      --iface NAME     which arrived on this interface\n"
	"      --at DATE        at this date, RFC 3339 with an offset (default: now, or the packet's own time)\n"
	"      --json           as one JSON object\n"
	"      --help           print this\n"
	"\n"
	"examples:\n"
	"  op25b-replay explain --src 10.1.0.80 --dst 203.0.113.9 --at 2026-10-01T00:00:00+09:00\n"
	"  op25b-replay explain --packet 17 monday.pcap\n";

enum { OPTION_SRC = 256, OPTION_DST, OPTION_PACKET, OPTION_IFACE, OPTION_AT, OPTION_JSON, OPTION_HELP };

static const struct option long_options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"src", required_argument, NULL, OPTION_SRC},
	{"dst", required_argument, NULL, OPTION_DST},
	{"packet", required_argument, NULL, OPTION_PACKET},
	{"iface", required_argument, NULL, OPTION_IFACE},
	{"at", required_argument, NULL, OPTION_AT},
	{"json", no_argument, NULL, OPTION_JSON},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

struct asked {
	const char *policy, *interface, *capture;
	struct addr src, dst;
	bool has_at, json, help;
	struct moment at;
	uint64_t number; /* 0: no packet is asked for */
	/* filled while a capture is read */
	struct packet packet;
	char interface_seen[IF_NAME_MAX];
	bool found;
};

static int wrong(const char *text, const char *what)
{
	fprintf(stderr, "op25b-replay explain: %s%s (see op25b-replay explain --help)\n", text, what);
	return EXIT_CODE_USAGE;
}

static int take_address(struct addr *ret)
{
	enum addr_error error = addr_parse(optarg, strlen(optarg), ret);

	return error == ADDR_OK ? EXIT_CODE_OK : wrong(addr_error_text(error), "");
}

static int take_option(int code, struct asked *asked)
{
	switch (code) {
	case 'p':
		asked->policy = optarg;
		return EXIT_CODE_OK;
	case OPTION_SRC:
		return take_address(&asked->src);
	case OPTION_DST:
		return take_address(&asked->dst);
	case OPTION_PACKET:
		return number_parse(optarg, strlen(optarg), 1, UINT64_MAX, &asked->number) == NUMBER_OK
			       ? EXIT_CODE_OK
			       : wrong("not the number of a packet: ", optarg);
	case OPTION_IFACE:
		asked->interface = optarg;
		return ifpattern_valid(optarg, strlen(optarg)) && !strchr(optarg, '*')
			       ? EXIT_CODE_OK
			       : wrong("not the name of an interface: ", optarg);
	case OPTION_AT:
		asked->has_at = true;
		return moment_parse(optarg, strlen(optarg), &asked->at, NULL) == MOMENT_OK
			       ? EXIT_CODE_OK
			       : wrong("not a date like 2026-10-01T00:00:00+09:00: ", optarg);
	case OPTION_JSON:
		asked->json = true;
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
	bool ends = asked->src.family != ADDR_NONE || asked->dst.family != ADDR_NONE;

	if ((asked->number > 0) == ends)
		return wrong("give either --src and --dst, or --packet and a capture", "");
	if (argc - optind != (asked->number > 0))
		return wrong(asked->number ? "one capture for --packet" : "no capture without --packet", "");
	if (ends && (asked->src.family == ADDR_NONE || asked->src.family != asked->dst.family))
		return wrong("--src and --dst are two addresses of one family", "");
	asked->capture = argv[optind];
	return EXIT_CODE_OK;
}

static int take_packet(void *context, const struct replay_walked *walked)
{
	struct asked *asked = context;
	const char *interface = walked->record->interface;

	if (walked->record->number != asked->number)
		return 0;
	asked->found = true;
	asked->packet = *walked->packet;
	if (interface && !asked->interface) {
		memcpy(asked->interface_seen, interface, strnlen(interface, IF_NAME_MAX - 1));
		asked->interface = asked->interface_seen;
	}
	if (!asked->has_at)
		asked->at.s = replay_second(walked->record->time_ns);
	return 1;
}

static int find_packet(struct asked *asked)
{
	int code;

	if (asked->number == 0) {
		asked->packet = explain_syn(&asked->src, &asked->dst);
		if (!asked->has_at)
			asked->at.s = (int64_t)time(NULL);
		return EXIT_CODE_OK;
	}
	code = replay_walk(asked->capture, take_packet, asked);
	if (code != EXIT_CODE_OK || asked->found)
		return code;
	fprintf(stderr, "op25b-replay: %s: it has fewer packets\n", asked->capture);
	return EXIT_CODE_INPUT;
}

static int explain(const struct asked *asked, const struct engine *engine)
{
	struct explain_question question = {
		.packet = asked->packet,
		.interface = asked->interface,
		.context = {.interface = engine_resolve_interface(engine, asked->interface),
			    .now_s = asked->at.s},
	};
	struct explanation explanation;

	if (explain_packet(engine, &question, &explanation) < 0) {
		fputs("op25b-replay: out of memory\n", stderr);
		return EXIT_CODE_SYSTEM;
	}
	if (asked->json)
		explain_print_json(&explanation, asked->at.offset_s, stdout);
	else
		explain_print(&explanation, asked->at.offset_s, stdout);
	explain_free(&explanation);
	return replay_stream_finish(stdout, "standard output", EXIT_CODE_OK);
}

int replay_explain(int argc, char **argv)
{
	struct asked asked = {.policy = OP25B_SYSCONFDIR "/op25b/op25b.ini"};
	struct policy *policy = NULL;
	struct engine *engine = NULL;
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
		code = replay_policy_read(asked.policy, &policy);
	if (code == EXIT_CODE_OK)
		code = replay_engine_build(asked.policy, policy, &engine);
	if (code == EXIT_CODE_OK)
		code = find_packet(&asked);
	if (code == EXIT_CODE_OK)
		code = explain(&asked, engine);
	engine_free(engine);
	policy_free(policy);
	return code;
}
