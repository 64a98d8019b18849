/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands of op25b-replay share. */
#include "replay.h"

#include "base/exitcode.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int replay_policy_read(const char *path, struct policy **ret)
{
	struct diag_list diags = {0};
	int r = policy_read_file(path, (int64_t)time(NULL), &diags, ret);

	if (r < 0)
		diag_print(&diags, stderr);
	if (r < 0 && diags.errors == 0)
		fprintf(stderr, "op25b-replay: %s: %s\n", path, strerror(-r));
	diag_list_free(&diags);
	if (r == -ENOMEM)
		return EXIT_CODE_SYSTEM;
	return r < 0 ? EXIT_CODE_POLICY : EXIT_CODE_OK;
}

int replay_engine_build(const char *path, const struct policy *policy, struct engine **ret)
{
	int r = engine_build(policy, ret);

	if (r == 0)
		return EXIT_CODE_OK;
	fprintf(stderr, "op25b-replay: %s: %s\n", path,
		r == -E2BIG ? "the policy combines more rules than the tables can index" : strerror(-r));
	return r == -E2BIG ? EXIT_CODE_POLICY : EXIT_CODE_SYSTEM;
}

int replay_stream_finish(FILE *stream, const char *name, int code)
{
	errno = 0;
	if (fflush(stream) == 0 && !ferror(stream))
		return code;
	fprintf(stderr, "op25b-replay: %s: %s\n", name, errno ? strerror(errno) : "write error");
	return EXIT_CODE_SYSTEM;
}
