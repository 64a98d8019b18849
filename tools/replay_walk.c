/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "replay_walk.h"

#include "base/exitcode.h"
#include "base/moment.h"
#include "replay.h"

#include <inttypes.h>
#include <string.h>

struct engine_interface replay_side_of(struct replay_side *side, const struct engine *engine,
				       const char *name)
{
	if (!name)
		return (struct engine_interface){0};
	if (!side->known || strncmp(side->name, name, IF_NAME_MAX - 1) != 0) {
		memset(side->name, 0, sizeof(side->name));
		memcpy(side->name, name, strnlen(name, IF_NAME_MAX - 1));
		side->resolved = engine_resolve_interface(engine, side->name);
		side->known = true;
	}
	return side->resolved;
}

int64_t replay_second(int64_t time_ns)
{
	return time_ns / NSEC_PER_SEC - (time_ns % NSEC_PER_SEC < 0);
}

static int walk_opened(struct capture *capture, const char *file,
		       int (*take)(void *context, const struct replay_walked *walked), void *context)
{
	struct capture_record record;
	struct packet packet;
	uint64_t count = 0;
	int more, r = 0;

	while ((more = capture_next(capture, &record)) > 0 && r == 0) {
		packet_parse_link(record.link, record.bytes, record.len, record.wire_len, &packet);
		r = take(context, &(struct replay_walked){file, &record, &packet});
		count++;
	}
	if (r < 0) {
		fprintf(stderr, "op25b-replay: %s: %s\n", file, strerror(-r));
		return EXIT_CODE_SYSTEM;
	}
	if (more >= 0 || r > 0)
		return EXIT_CODE_OK;
	fprintf(stderr,
		"op25b-replay: %s: damaged at byte %" PRIu64 ": %s; the %" PRIu64
		" packets before it were read\n",
		file, capture_failure(capture)->offset, capture_failure(capture)->text, count);
	return EXIT_CODE_INPUT;
}

int replay_walk(const char *file, int (*take)(void *context, const struct replay_walked *walked),
		void *context)
{
	struct capture *capture = NULL;
	struct capture_error error;
	int code;

	if (capture_open(replay_synth_path(file), &capture, &error) < 0) {
		fprintf(stderr, "op25b-replay: %s: %s\n", file, error.text);
		return EXIT_CODE_INPUT;
	}
	code = walk_opened(capture, file, take, context);
	capture_close(capture);
	return code;
}
