/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl doctor: what is asked of nf_tables and of the kernel's queues. */
#include "doctor.h"
#include "rules_compare.h"
#include "rules_foreign.h"

#include "base/cleanup.h"
#include "net/nft_probe.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

enum { WRONG_MAX = 300 };

static bool is_wanted(const struct doctor *doctor, const struct nft_abilities *abilities)
{
	bool bridge = doctor->policy && doctor->policy->gateway.family == POLICY_FAMILY_BRIDGE;

	return abilities->complete && (!bridge || abilities->bridge);
}

/* The names of what is missing. */
static void tell_missing(const struct nft_abilities *abilities, char wrong[WRONG_MAX])
{
	size_t len = (size_t)snprintf(wrong, WRONG_MAX, "it cannot load the policy's rules");
	const char *between = ": no ";

	for (size_t i = 0; i < NFT_ABILITIES && len < WRONG_MAX; i++) {
		const struct nft_ability *ability = &abilities->items[i];

		if (ability->unknown || ability->error == 0 || !ability->needed)
			continue;
		len += (size_t)snprintf(wrong + len, WRONG_MAX - len, "%s%s", between, ability->name);
		between = ", ";
	}
}

static size_t count_unknown(const struct nft_abilities *abilities)
{
	size_t count = 0;

	for (size_t i = 0; i < NFT_ABILITIES; i++)
		count += abilities->items[i].unknown;
	return count;
}

void doctor_check_kernel(struct doctor *doctor)
{
	struct nft_abilities abilities;
	struct utsname system = {0};
	char wrong[WRONG_MAX];
	int r = nft_probe(&abilities);

	if (r < 0) {
		doctor_skip(doctor, "the kernel's nf_tables", r);
		return;
	}
	(void)uname(&system);
	if (!is_wanted(doctor, &abilities)) {
		tell_missing(&abilities, wrong);
		doctor_find(&doctor->findings, DOCTOR_PROBLEM, wrong,
			    "op25b-rules check --kernel tells each; use a kernel that has them", "kernel %s",
			    system.release);
	} else if (count_unknown(&abilities) > 0) {
		doctor_find(&doctor->findings, DOCTOR_SKIPPED, "some abilities could not be tried",
			    "op25b-rules check --kernel tells which", "kernel %s", system.release);
	} else {
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "kernel %s: packets go by %s",
			    system.release,
			    abilities.queue == NFT_QUEUE_EXPRESSION ? "the nft queue expression"
								    : "the xt NFQUEUE target");
	}
}

/* A confirmation that is waited for, or was: that of the rules now loaded. NULL: nothing is wrong with it. */
static const char *judge_pending(const char **remedy)
{
	struct pending pending = {.state = PENDING_NONE};

	(void)pending_read(&pending);
	*remedy = pending.state == PENDING_WAITING ? "op25b-rules confirm" : "op25b-rules apply";
	switch (pending.state) {
	case PENDING_WAITING:
		return "unless they are confirmed, the rules of before will come back";
	case PENDING_FAILED:
		return "they were not confirmed, and the rules of before could not be loaded";
	case PENDING_LOST:
		return "they were not confirmed, and who was to put the rules of before back has died";
	default:
		return NULL;
	}
}

static void judge_rules(struct doctor *doctor, const struct rules_sides *sides)
{
	struct doctor_findings *findings = &doctor->findings;
	const char *family = policy_family_name(doctor->policy->gateway.family), *remedy;
	const char *pending = judge_pending(&remedy);
	char wrong[WRONG_MAX];

	if (!sides->live.there) {
		doctor_find(findings, DOCTOR_PROBLEM, "no rules are loaded: all port 25 passes",
			    "op25b-rules apply", "table %s " RULESET_TABLE, family);
		return;
	}
	if (sides->changes.count > 0) {
		snprintf(wrong, sizeof(wrong), "the kernel's rules are not the policy's: %zu differences",
			 sides->changes.count);
		doctor_find(findings, DOCTOR_PROBLEM, wrong,
			    "op25b-rules diff shows them, op25b-rules apply ends them",
			    "table %s " RULESET_TABLE, family);
		return;
	}
	doctor_find(findings, pending ? DOCTOR_WARNING : DOCTOR_OK, pending, pending ? remedy : NULL,
		    "table %s " RULESET_TABLE ": the policy's rules%s", family,
		    rules_some_kept(sides) ? "; large sets as the last apply filled them" : "");
}

void doctor_check_rules(struct doctor *doctor)
{
	const struct rules_options options = {.policy = doctor->context->policy};
	struct rules_sides sides = {0};
	int r;

	if (!doctor_has_policy(doctor))
		return;
	r = rules_compare(&options, doctor->ruleset, &sides);
	if (r < 0)
		doctor_skip(doctor, "the kernel's rules", r);
	else if (sides.changes.unread)
		doctor_find(&doctor->findings, DOCTOR_SKIPPED, "a large set was not read",
			    "op25b-rules status --full", "the kernel's rules");
	else
		judge_rules(doctor, &sides);
	rules_sides_clear(&sides);
}

static bool can_look_at_foreign(struct doctor *doctor, const char *what)
{
	if (!doctor_has_policy(doctor))
		return false;
	if (doctor->foreign_error < 0)
		doctor_skip(doctor, what, doctor->foreign_error);
	return doctor->foreign_error == 0;
}

/* Finds others' chains that do some of `acts`. */
static void tell_foreign(struct doctor *doctor, unsigned acts, const char *remedy, const char *what)
{
	char text[RULES_FOREIGN_TEXT_MAX];
	size_t found = 0;

	for (size_t i = 0; i < doctor->foreign_count; i++) {
		struct nft_foreign foreign = doctor->foreign[i];

		foreign.acts &= acts;
		if (foreign.acts == 0)
			continue;
		rules_foreign_text(&foreign, text);
		doctor_find(&doctor->findings, DOCTOR_WARNING, text, remedy, "%s", what);
		found++;
	}
	if (found == 0)
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "%s: none", what);
}

void doctor_check_before(struct doctor *doctor)
{
	static const char what[] = "others' chains that packets meet before";

	if (can_look_at_foreign(doctor, what))
		tell_foreign(doctor, NFT_FOREIGN_DROPS | NFT_FOREIGN_QUEUES | NFT_FOREIGN_MAPS,
			     "see that it leaves port 25 alone, or give it a later priority", what);
}

void doctor_check_flowtables(struct doctor *doctor)
{
	static const char what[] = "chains that put connections into a flowtable";

	if (can_look_at_foreign(doctor, what))
		tell_foreign(doctor, NFT_FOREIGN_OFFLOADS,
			     "keep port 25 out of it: match tcp dport != 25 before flow add", what);
}

/* The service manager may hold the socket as well, and be found first. */
static bool find_holder(const struct doctor *doctor, uint32_t portid, struct queue_holder *ret)
{
	json_int_t daemon = json_integer_value(json_object_get(doctor->status, "pid"));

	if (daemon > 0 && daemon <= INT32_MAX && queue_holder_is(portid, (int32_t)daemon, ret))
		return true;
	queue_holder_find(portid, ret);
	return daemon == 0 || ret->process == daemon;
}

static void check_queue(struct doctor *doctor, int fd, uint16_t number)
{
	struct queue_holder holder = {0};
	struct queue_kernel kernel;
	bool ours = true;
	int r = queue_kernel_get(fd, number, &kernel);

	if (r < 0 && r != -ENOENT) {
		doctor_skip(doctor, "the kernel's queues", r);
		return;
	}
	if (r == 0)
		ours = find_holder(doctor, kernel.portid, &holder);
	judge_queue(&doctor->findings, number, r == 0 ? &kernel : NULL, &holder, !ours);
}

void doctor_check_queues(struct doctor *doctor)
{
	const struct policy_gateway *gateway;
	int fd CLEANUP_CLOSE = -1;

	if (!doctor_has_policy(doctor))
		return;
	fd = queue_kernel_open();
	if (fd < 0) {
		doctor_skip(doctor, "the kernel's queues", fd);
		return;
	}
	gateway = &doctor->policy->gateway;
	for (unsigned i = 0; i < gateway->workers; i++)
		check_queue(doctor, fd, (uint16_t)(gateway->queue + i));
}
