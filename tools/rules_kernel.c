/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rules.h"

#include "base/exitcode.h"
#include "net/nft_probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

static const char *queue_words(const struct nft_abilities *abilities)
{
	if (!abilities->can_queue)
		return "packets cannot be handed to op25bd: neither way of queueing is there";
	if (abilities->queue == NFT_QUEUE_EXPRESSION)
		return "packets go to op25bd by the nft queue expression";
	return "packets go to op25bd by the xt NFQUEUE target; all works the same";
}

static const char *state_word(const struct nft_ability *ability)
{
	if (ability->unknown)
		return "unknown";
	if (ability->error == 0)
		return "yes";
	return ability->needed ? "MISSING" : "no";
}

static json_t *json_kernel(const struct nft_abilities *abilities, const char *release)
{
	json_t *array = json_array();

	for (size_t i = 0; i < NFT_ABILITIES; i++) {
		const struct nft_ability *ability = &abilities->items[i];

		json_array_append_new(
			array,
			json_pack("{ss ss? so sb so}", "name", ability->name, "used_for", ability->used,
				  "there", ability->unknown ? json_null() : json_boolean(ability->error == 0),
				  "needed", (int)ability->needed, "error",
				  ability->error ? json_string(strerror(-ability->error)) : json_null()));
	}
	return json_pack(
		"{ss sb sb so so}", "kernel", release, "complete", (int)abilities->complete, "bridge",
		(int)abilities->bridge, "queue_form",
		!abilities->can_queue
			? json_null()
			: json_string(abilities->queue == NFT_QUEUE_XT_TARGET ? "xt-nfqueue" : "nft-queue"),
		"abilities", array);
}

static void print_error(const struct nft_ability *ability)
{
	const char *error = strerror(-ability->error);

	if (ability->unknown)
		printf(" (not tried, because no network namespace can be made for it: %s; tried in this one it would drop the packets that wait)",
		       error);
	else if (ability->error != 0 && ability->error != -ENOENT)
		printf(" (%s)", error);
}

static void print_kernel(const struct nft_abilities *abilities, const char *release)
{
	printf("kernel %s\n", release);
	for (size_t i = 0; i < NFT_ABILITIES; i++) {
		const struct nft_ability *ability = &abilities->items[i];

		printf("  %-7s  %s, %s%s", state_word(ability), ability->meaning,
		       ability->used ? "for " : "which the rules do not use",
		       ability->used ? ability->used : "");
		print_error(ability);
		putchar('\n');
	}
	puts(queue_words(abilities));
	puts(abilities->bridge ? "family = bridge can be used"
			       : "family = bridge cannot be used: it takes the nft queue expression");
	if (!abilities->complete)
		puts("this kernel cannot load op25b's rules");
}

int rules_check_kernel(const struct rules_options *options)
{
	struct nft_abilities abilities;
	struct utsname system = {0};
	int r = nft_probe(&abilities), code;

	if (r == -EPERM) {
		fputs("op25b-rules: not allowed: asking the kernel needs CAP_NET_ADMIN\n", stderr);
		return EXIT_CODE_SYSTEM;
	}
	if (r < 0) {
		fprintf(stderr, "op25b-rules: asking the kernel: %s\n", strerror(-r));
		return EXIT_CODE_SYSTEM;
	}
	(void)uname(&system);
	code = abilities.complete ? EXIT_CODE_OK : EXIT_CODE_DIFFERS;
	if (options->json)
		return rules_flushed(rules_print_json(json_kernel(&abilities, system.release), code));
	print_kernel(&abilities, system.release);
	return rules_flushed(code);
}
