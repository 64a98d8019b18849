/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the command line of a replay says. */
#include "replay.h"

#include "base/ifpattern.h"
#include "base/number.h"

#include <getopt.h>
#include <string.h>

static const char usage_text[] =
	"usage: op25b-replay [OPTIONS] FILE...\n"
	"\n"
	"Judges the packets of capture files (pcap, pcapng, also packed by gzip or zstd; \"-\" is standard\n"
	"input) as the gateway would, under the captures' own clock, and prints what was found.\n"
	"\n"
	"  -p, --policy POLICY    the policy (default " OP25B_SYSCONFDIR "/op25b/op25b.ini)\n"
	"      --json             the summary as one JSON object; with --list one JSON object a packet\n"
	"      --list             one line a packet instead of the summary: number, time, source > destination,\n"
	"                         TCP flags, verdict (what enforcement would do), reason, rule\n"
	"      --events FILE      write the block records, EVE JSON lines, to FILE (\"-\": to standard output, and\n"
	"                         nothing else)\n"
	"      --write-accepted FILE, --write-dropped FILE\n"
	"                         write the packets let through, or not, to FILE (pcapng), each with the reason as comment\n"
	"      --merge            the packets of all files in the order of their times, as one capture\n"
	"      --jobs N           threads for the summary of plain pcap files (default: one a core)\n"
	"      --interface NAME   every packet arrived on this interface, whatever the capture says\n"
	"      --inbound          every packet came in from outside\n"
	"      --outbound         every packet came from the subscriber side, whatever the capture says\n"
	"      --synth LINE       a packet that is made: \"tcp 10.1.0.1 > 192.0.2.1:25 syn\"; may be given again\n"
	"      --synth-file FILE  a file of such lines\n"
	"      --expect FILE      print how far the expectations in FILE hold (exit code 1: one does not); may be given\n"
	"                         again\n"
	"      --output FORM      of that: text (default), json, tap or junit\n"
	"      --record FILE      write what became of each source as expectations, for review\n"
	"      --help             print this\n"
	"      --version          print the version\n"
	"\n"
	"Captures that name no interfaces count as coming from the subscriber side.\n"
	"\n"
	"Exit codes: 0 all replayed, and as expected; 1 not as expected; 2 wrong usage, or errors in\n"
	"expectations; 3 a capture cannot be read or is damaged (what stands before the damage is replayed and\n"
	"printed); 4 the policy has errors; 5 the system refused something.\n";

static const char examples_text[] =
	"\n"
	"examples:\n"
	"  op25b-replay -p trial.ini monday.pcap\n"
	"  op25b-replay --json monday.pcap tuesday.pcap | jq '.sources[] | select(.syn25 > 100)'\n"
	"  op25b-replay --list monday.pcap | grep ' reset '\n"
	"  op25b-replay --merge --write-dropped dropped.pcapng east.pcap.gz west.pcap.gz\n"
	"  op25b-replay --list --synth \"tcp 203.0.113.7 > 192.0.2.1:25 syn\"\n"
	"  op25b-replay --expect monday.expect --output junit monday.pcap >report.xml\n"
	"  tcpdump -i ppp0 -w - port 25 | op25b-replay --events - -\n";

enum option_code {
	OPTION_JSON = 256,
	OPTION_LIST,
	OPTION_EVENTS,
	OPTION_WRITE_ACCEPTED,
	OPTION_WRITE_DROPPED,
	OPTION_MERGE,
	OPTION_JOBS,
	OPTION_INTERFACE,
	OPTION_INBOUND,
	OPTION_OUTBOUND,
	OPTION_EXPECT,
	OPTION_OUTPUT,
	OPTION_RECORD,
	OPTION_SYNTH,
	OPTION_SYNTH_FILE,
	OPTION_HELP,
	OPTION_VERSION
};

static const struct option long_options[] = {
	{"policy", required_argument, NULL, 'p'},
	{"json", no_argument, NULL, OPTION_JSON},
	{"list", no_argument, NULL, OPTION_LIST},
	{"events", required_argument, NULL, OPTION_EVENTS},
	{"write-accepted", required_argument, NULL, OPTION_WRITE_ACCEPTED},
	{"write-dropped", required_argument, NULL, OPTION_WRITE_DROPPED},
	{"merge", no_argument, NULL, OPTION_MERGE},
	{"jobs", required_argument, NULL, OPTION_JOBS},
	{"interface", required_argument, NULL, OPTION_INTERFACE},
	{"inbound", no_argument, NULL, OPTION_INBOUND},
	{"outbound", no_argument, NULL, OPTION_OUTBOUND},
	{"expect", required_argument, NULL, OPTION_EXPECT},
	{"output", required_argument, NULL, OPTION_OUTPUT},
	{"record", required_argument, NULL, OPTION_RECORD},
	{"synth", required_argument, NULL, OPTION_SYNTH},
	{"synth-file", required_argument, NULL, OPTION_SYNTH_FILE},
	{"help", no_argument, NULL, OPTION_HELP},
	{"version", no_argument, NULL, OPTION_VERSION},
	{0},
};

static enum replay_parsed wrong(const char *text, const char *what)
{
	fprintf(stderr, "op25b-replay: %s%s (see op25b-replay --help)\n", text, what);
	return REPLAY_PARSED_WRONG;
}

static enum replay_parsed set_direction(struct replay_options *options, enum replay_direction direction)
{
	if (options->direction != REPLAY_AS_CAPTURED && options->direction != direction)
		return wrong("--inbound and --outbound exclude each other", "");
	options->direction = direction;
	return REPLAY_PARSED_RUN;
}

static enum replay_parsed set_interface(struct replay_options *options, const char *name)
{
	if (!ifpattern_valid(name, strlen(name)) || strchr(name, '*'))
		return wrong("not the name of an interface: ", name);
	options->interface = name;
	return REPLAY_PARSED_RUN;
}

static enum replay_parsed set_jobs(struct replay_options *options, const char *text)
{
	uint64_t jobs;

	if (number_parse(text, strlen(text), 1, REPLAY_JOBS_MAX, &jobs) != NUMBER_OK)
		return wrong("--jobs: not a number from 1 to 256: ", text);
	options->jobs = (unsigned)jobs;
	return REPLAY_PARSED_RUN;
}

static enum replay_parsed print_and_end(const char *text)
{
	fputs(text, stdout);
	return REPLAY_PARSED_DONE;
}

static enum replay_parsed add_expectations(struct replay_check_options *checks)
{
	if (checks->file_count == REPLAY_EXPECT_MAX)
		return wrong("more than 100 times --expect", "");
	checks->files[checks->file_count++] = optarg;
	return REPLAY_PARSED_RUN;
}

/* Options about made packets and expectations. */
static enum replay_parsed take_check_option(int code, struct replay_options *options)
{
	switch (code) {
	case OPTION_EXPECT:
		return add_expectations(&options->checks);
	case OPTION_OUTPUT:
		if (replay_checks_set_output(optarg, &options->checks))
			return REPLAY_PARSED_RUN;
		return wrong("--output is text, json, tap or junit, not ", optarg);
	case OPTION_RECORD:
		options->checks.record = optarg;
		return REPLAY_PARSED_RUN;
	case OPTION_SYNTH:
	case OPTION_SYNTH_FILE:
		if (replay_synth_add(&options->synth, optarg, code == OPTION_SYNTH_FILE))
			return REPLAY_PARSED_RUN;
		return wrong("more than 1000 times --synth", ": put the lines into a file");
	default: /* getopt has said what is wrong */
		return wrong("wrong usage", "");
	}
}

static enum replay_parsed take_option(int code, struct replay_options *options)
{
	switch (code) {
	case 'p':
		options->policy = optarg;
		return REPLAY_PARSED_RUN;
	case OPTION_JSON:
		options->json = true;
		return REPLAY_PARSED_RUN;
	case OPTION_LIST:
		options->list = true;
		return REPLAY_PARSED_RUN;
	case OPTION_EVENTS:
		options->events = optarg;
		return REPLAY_PARSED_RUN;
	case OPTION_WRITE_ACCEPTED:
		options->write_accepted = optarg;
		return REPLAY_PARSED_RUN;
	case OPTION_WRITE_DROPPED:
		options->write_dropped = optarg;
		return REPLAY_PARSED_RUN;
	case OPTION_MERGE:
		options->merge = true;
		return REPLAY_PARSED_RUN;
	case OPTION_JOBS:
		return set_jobs(options, optarg);
	case OPTION_INTERFACE:
		return set_interface(options, optarg);
	case OPTION_INBOUND:
		return set_direction(options, REPLAY_INBOUND);
	case OPTION_OUTBOUND:
		return set_direction(options, REPLAY_OUTBOUND);
	case OPTION_HELP:
		fputs(usage_text, stdout);
		fputs(replay_commands_help, stdout);
		return print_and_end(examples_text);
	case OPTION_VERSION:
		return print_and_end("op25b-replay " OP25B_VERSION "\n");
	default:
		return take_check_option(code, options);
	}
}

static bool is_stdout(const char *path)
{
	return path && strcmp(path, "-") == 0;
}

/* Files written at once must differ; that they are not what is read is seen when they are opened. */
static enum replay_parsed check_outputs(const struct replay_options *options)
{
	const char *paths[] = {options->events, options->write_accepted, options->write_dropped};

	if (is_stdout(options->write_accepted) || is_stdout(options->write_dropped))
		return wrong("--write-accepted and --write-dropped need a file", "");
	for (int i = 0; i < 3; i++)
		for (int k = 0; k < i; k++)
			if (paths[i] && paths[k] && strcmp(paths[i], paths[k]) == 0)
				return wrong("written twice: ", paths[i]);
	return REPLAY_PARSED_RUN;
}

static enum replay_parsed check_options(const struct replay_options *options)
{
	if (options->file_count == 0)
		return wrong("no capture given", "");
	if (options->interface && options->direction != REPLAY_AS_CAPTURED)
		return wrong("--interface excludes --inbound and --outbound", "");
	if (options->events && strcmp(options->events, "-") == 0 && (options->json || options->list))
		return wrong("--events - leaves standard output to the records: no --json, no --list", "");
	return check_outputs(options);
}

/* The options that were read before the first file are no longer needed: the last one's place is taken for one more. */
static void put_synth_first(char **argv, struct replay_options *options)
{
	argv[optind - 1] = replay_synth_name;
	options->files--;
	options->file_count++;
}

enum replay_parsed replay_options_parse(int argc, char **argv, struct replay_options *ret)
{
	int code;

	*ret = (struct replay_options){.policy = OP25B_SYSCONFDIR "/op25b/op25b.ini",
				       .jobs = replay_jobs_default()};
	while ((code = getopt_long(argc, argv, "p:", long_options, NULL)) != -1) {
		enum replay_parsed parsed = take_option(code, ret);

		if (parsed != REPLAY_PARSED_RUN)
			return parsed;
	}
	ret->files = argv + optind;
	ret->file_count = argc - optind;
	if (ret->synth.count > 0)
		put_synth_first(argv, ret);
	return check_options(ret);
}
