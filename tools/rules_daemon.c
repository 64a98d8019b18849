/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules_daemon.h"

#include "base/cleanup.h"
#include "control/client.h"
#include "ctl.h"
#include "net/nft_stays.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum {
	FOLLOW_MS =
		1000, /* a daemon that hangs must not keep rules from being loaded: then all is sent, as without one */
	DRAIN_MS = 25000, /* a daemon reads all that is learned within less, or says that it cannot */
};

/* 0 with *ret the daemon's answer (the caller's), 1 when it refused (text says why), or -errno when there is none. */
static int ask(const struct rules_options *options, const char *command, int wait_ms, json_t **ret,
	       char text[CONTROL_ERROR_TEXT_MAX])
{
	CLEANUP_FREE char *path = NULL;
	json_t *request = NULL, *result = NULL;
	enum control_error error;
	int r = ctl_socket_path(options->policy, &path);

	if (r < 0)
		return r;
	request = control_request_new(command);
	if (!request)
		return -ENOMEM;
	r = control_client_call(path, request, wait_ms, &error, &result, text);
	json_decref(request);
	if (r == 0 && error == CONTROL_OK)
		*ret = result;
	else
		json_decref(result);
	return r < 0 ? r : error != CONTROL_OK;
}

void rules_daemon_follow(const struct rules_options *options, struct nft_known *known)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	json_t *result = NULL, *first, *last;

	if (known->generation == 0 || ask(options, "nft-generations", FOLLOW_MS, &result, text) != 0)
		return;
	first = json_object_get(result, "first");
	last = json_object_get(result, "last");
	if (json_is_integer(first) && json_is_integer(last)) {
		uint32_t from = (uint32_t)json_integer_value(first), to = (uint32_t)json_integer_value(last);

		/* The count comes round. */
		if (known->generation - from <= to - from)
			known->generation = to;
	}
	json_decref(result);
}

void rules_daemon_drain(const struct rules_options *options, const struct ruleset *ruleset)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	json_t *result = NULL;
	bool stays = true;
	int r = nft_learned_stays(ruleset, &stays);

	if (r < 0 || stays)
		return;
	r = ask(options, "offload-drain", DRAIN_MS, &result, text);
	json_decref(result);
	if (r > 0 || r == -ETIMEDOUT)
		fprintf(stderr,
			"op25b-rules: warning: op25bd did not read out what the kernel has learned: %s; the records "
			"will lack it\n",
			r > 0 ? text : strerror(-r));
}
