/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_diff.h"

#include "base/exitcode.h"
#include "base/number.h"
#include "replay.h"
#include "replay_walk.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <sys/random.h>

static const char usage_text[] =
	"usage: op25b-replay diff [OPTIONS] OLD.ini NEW.ini CAPTURE...\n"
	"\n"
	"Says what a change of the policy would do to the subscribers of captures: who would be newly blocked, newly\n"
	"allowed, answered otherwise, or answered the same for another reason.\n"
	"\n"
	"      --output FORM      table (default), json or csv\n"
	"      --at DATE          judge all packets at this date, RFC 3339 with an offset, not at their own\n"
	"      --sweep FROM..TO   how many subscribers are blocked at each date of either policy in this span\n"
	"      --step STEP        also each so often: 6h, 1d, 2w\n"
	"      --interface NAME   every packet arrived on this interface, whatever the capture says\n"
	"      --synth LINE       a packet that is made; may be given again\n"
	"      --synth-file FILE  a file of such lines\n"
	"      --help             print this\n"
	"\n"
	"Exit codes: 0 nobody is newly blocked; 1 somebody is; 2 wrong usage; 3 a capture cannot be read or is damaged;\n"
	"4 a policy has errors; 5 the system refused something.\n"
	"\n"
	"examples:\n"
	"  op25b-replay diff /etc/op25b/op25b.ini trial.ini monday.pcap\n"
	"  op25b-replay diff --output csv old.ini new.ini *.pcap >who.csv\n"
	"  op25b-replay diff --sweep 2026-10-01T00:00:00Z..2026-12-31T00:00:00Z --step 1d p.ini p.ini monday.pcap\n";

enum {
	OPTION_OUTPUT = 256,
	OPTION_AT,
	OPTION_SWEEP,
	OPTION_STEP,
	OPTION_INTERFACE,
	OPTION_SYNTH,
	OPTION_SYNTH_FILE,
	OPTION_HELP
};

static const struct option long_options[] = {
	{"output", required_argument, NULL, OPTION_OUTPUT},
	{"at", required_argument, NULL, OPTION_AT},
	{"sweep", required_argument, NULL, OPTION_SWEEP},
	{"step", required_argument, NULL, OPTION_STEP},
	{"interface", required_argument, NULL, OPTION_INTERFACE},
	{"synth", required_argument, NULL, OPTION_SYNTH},
	{"synth-file", required_argument, NULL, OPTION_SYNTH_FILE},
	{"help", no_argument, NULL, OPTION_HELP},
	{0},
};

enum { DONE = -1 }; /* it was --help */

static int wrong(const char *text, const char *what)
{
	fprintf(stderr, "op25b-replay diff: %s%s (see op25b-replay diff --help)\n", text, what);
	return EXIT_CODE_USAGE;
}

static int set_output(const char *word, struct diff_options *options)
{
	static const char *const names[] = {"table", "json", "csv"};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(word, names[i]) == 0) {
			options->output = (enum diff_output)i;
			return EXIT_CODE_OK;
		}
	}
	return wrong("--output is table, json or csv, not ", word);
}

static int set_date(const char *text, size_t len, struct moment *ret)
{
	enum moment_error error = moment_parse(text, len, ret, NULL);

	if (error == MOMENT_OK)
		return EXIT_CODE_OK;
	return wrong("write dates as 2026-10-01T00:00:00+09:00: ", moment_error_text(error));
}

static int set_sweep(const char *text, struct diff_options *options)
{
	const char *dots = strstr(text, "..");
	int code;

	options->has_sweep = true;
	if (!dots)
		return wrong("write --sweep FROM..TO, not ", text);
	code = set_date(text, (size_t)(dots - text), &options->from);
	if (code == EXIT_CODE_OK)
		code = set_date(dots + 2, strlen(dots + 2), &options->to);
	if (code == EXIT_CODE_OK && options->to.s < options->from.s)
		return wrong("the sweep ends before it begins: ", text);
	return code;
}

static int set_step(const char *text, struct diff_options *options)
{
	static const struct {
		char unit;
		int64_t s;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'w', 604800}};
	size_t len = strlen(text);
	uint64_t number;

	for (size_t i = 0; len > 1 && i < sizeof(units) / sizeof(units[0]); i++) {
		if (text[len - 1] == units[i].unit &&
		    number_parse(text, len - 1, 1, 1000000, &number) == NUMBER_OK) {
			options->step_s = (int64_t)number * units[i].s;
			return EXIT_CODE_OK;
		}
	}
	return wrong("write --step as 30m, 6h, 1d or 2w, not ", text);
}

static int set_interface(const char *name, struct diff_options *options)
{
	if (!ifpattern_valid(name, strlen(name)) || strchr(name, '*'))
		return wrong("not the name of an interface: ", name);
	options->interface = name;
	return EXIT_CODE_OK;
}

static int take_option(int code, struct diff_options *options)
{
	switch (code) {
	case OPTION_OUTPUT:
		return set_output(optarg, options);
	case OPTION_AT:
		options->has_at = true;
		return set_date(optarg, strlen(optarg), &options->at);
	case OPTION_SWEEP:
		return set_sweep(optarg, options);
	case OPTION_STEP:
		return set_step(optarg, options);
	case OPTION_INTERFACE:
		return set_interface(optarg, options);
	case OPTION_SYNTH:
	case OPTION_SYNTH_FILE:
		if (replay_synth_add(&options->synth, optarg, code == OPTION_SYNTH_FILE))
			return EXIT_CODE_OK;
		return wrong("more than 1000 times --synth", ": put the lines into a file");
	case OPTION_HELP:
		fputs(usage_text, stdout);
		return DONE;
	default:
		return wrong("wrong usage", "");
	}
}

static int parse(int argc, char **argv, struct diff_options *ret)
{
	int option, code;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		code = take_option(option, ret);
		if (code != EXIT_CODE_OK)
			return code;
	}
	if (argc - optind < 2)
		return wrong("give two policies, the old one first", "");
	if (argc - optind == 2 && ret->synth.count == 0)
		return wrong("no capture given", "");
	if (ret->has_at && ret->has_sweep)
		return wrong("--at excludes --sweep", "");
	if (ret->step_s > 0 && !ret->has_sweep)
		return wrong("--step belongs to --sweep", "");
	ret->old_path = argv[optind];
	ret->new_path = argv[optind + 1];
	ret->files = argv + optind + 2;
	ret->file_count = argc - optind - 2;
	return EXIT_CODE_OK;
}

/* ---- packets ---- */

struct world {
	struct policy *policy;
	struct engine *engine;
	struct replay_side side;
};

struct diffing {
	const struct diff_options *options;
	struct world before, after;
	struct diff_dates dates;
	struct diff_rows rows;
};

static enum diff_change change_of(const struct decision *before, const struct decision *after)
{
	bool was = before->verdict != VERDICT_ACCEPT, is = after->verdict != VERDICT_ACCEPT;

	if (was != is)
		return is ? DIFF_NEWLY_BLOCKED : DIFF_NEWLY_ALLOWED;
	if (before->verdict != after->verdict)
		return DIFF_OTHER_VERDICT;
	return before->reason != after->reason ? DIFF_OTHER_REASON : DIFF_SAME;
}

/* Where the policies disagree on how large a subscriber is, the smaller one counts. */
static struct prefix subscriber_of(const struct packet *packet, uint8_t one, uint8_t other)
{
	uint8_t len = one > other ? one : other;

	if (packet->family == ADDR_NONE)
		return (struct prefix){0};
	if (len == 0)
		len = (uint8_t)addr_bits(packet->family);
	return (struct prefix){addr_mask(&packet->src, len), len};
}

static int take_packet(void *context, const struct replay_walked *walked)
{
	struct diffing *diffing = context;
	const struct diff_options *options = diffing->options;
	const char *name = options->interface ? options->interface : walked->record->interface;
	struct engine_context asked = {.now_s = options->has_at ? options->at.s
								: replay_second(walked->record->time_ns)};
	struct decision before, after;
	struct prefix subscriber;
	enum diff_change change;
	struct diff_row *row;

	asked.interface = replay_side_of(&diffing->before.side, diffing->before.engine, name);
	before = decide(diffing->before.engine, walked->packet, &asked);
	asked.interface = replay_side_of(&diffing->after.side, diffing->after.engine, name);
	after = decide(diffing->after.engine, walked->packet, &asked);
	change = change_of(&before, &after);
	if (change == DIFF_SAME && !packet_is_port25(walked->packet) && !options->has_sweep)
		return 0;
	subscriber = subscriber_of(walked->packet, before.subscriber_len, after.subscriber_len);
	row = diff_rows_get(&diffing->rows, &subscriber);
	if (!row)
		return -ENOMEM;
	if (row->packets[change]++ == 0 && change >= row->change) {
		row->change = change;
		row->before = before;
		row->after = after;
	}
	if (options->has_sweep) {
		diff_sweep_packet(&diffing->dates, diffing->before.engine, walked->packet,
				  diffing->before.side.known && name ? diffing->before.side.resolved
								     : (struct engine_interface){0},
				  row->blocked);
		diff_sweep_packet(&diffing->dates, diffing->after.engine, walked->packet, asked.interface,
				  row->blocked + diffing->rows.words);
	}
	return 0;
}

/* ---- the run ---- */

static int read_world(const char *path, struct world *world)
{
	int code = replay_policy_read(path, &world->policy);

	return code == EXIT_CODE_OK ? replay_engine_build(path, world->policy, &world->engine) : code;
}

static int prepare(struct diffing *diffing)
{
	const struct diff_options *options = diffing->options;
	int code = read_world(options->old_path, &diffing->before);

	if (code == EXIT_CODE_OK)
		code = read_world(options->new_path, &diffing->after);
	if (code == EXIT_CODE_OK && options->synth.count > 0)
		code = replay_synth_open(&options->synth, NULL);
	if (code != EXIT_CODE_OK || !options->has_sweep)
		return code;
	if (!diff_dates_find(options, diffing->before.engine, diffing->after.engine, &diffing->dates))
		return wrong("more than 4096 dates: take a shorter span or a longer step", "");
	diffing->rows.words = (diffing->dates.count + 63) / 64;
	return EXIT_CODE_OK;
}

static int walk_all(struct diffing *diffing)
{
	const struct diff_options *options = diffing->options;
	int worst = EXIT_CODE_OK, code;

	if (options->synth.count > 0)
		worst = replay_walk(replay_synth_name, take_packet, diffing);
	for (int i = 0; i < options->file_count && worst != EXIT_CODE_SYSTEM; i++) {
		code = replay_walk(options->files[i], take_packet, diffing);
		worst = code > worst ? code : worst;
	}
	return worst;
}

static int print(struct diffing *diffing, int code)
{
	bool blocked;

	diff_rows_sort(&diffing->rows);
	if (diffing->options->has_sweep)
		blocked = diff_sweep_print(diffing->options, &diffing->dates, &diffing->rows,
					   diffing->before.policy, diffing->after.policy, stdout);
	else
		blocked = diff_print(&diffing->rows, diffing->options->output, stdout);
	code = replay_stream_finish(stdout, "standard output", code);
	return blocked && code == EXIT_CODE_OK ? EXIT_CODE_DIFFERS : code;
}

static void free_world(struct world *world)
{
	engine_free(world->engine);
	policy_free(world->policy);
}

int replay_diff(int argc, char **argv)
{
	static struct diff_options options;
	static struct diffing diffing = {.options = &options};
	int code = parse(argc, argv, &options);

	if (code == DONE)
		return replay_stream_finish(stdout, "standard output", EXIT_CODE_OK);
	(void)!getrandom(&diffing.rows.key, sizeof(diffing.rows.key), GRND_NONBLOCK);
	if (code == EXIT_CODE_OK)
		code = prepare(&diffing);
	if (code == EXIT_CODE_OK) {
		code = walk_all(&diffing);
		if (code != EXIT_CODE_SYSTEM)
			code = print(&diffing, code);
	}
	diff_rows_free(&diffing.rows);
	free_world(&diffing.before);
	free_world(&diffing.after);
	return code;
}
