/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "policy/keys.h"

#include "policy/policy.h"

#include <assert.h>
#include <string.h>

static const char *const mode_words[] = {"monitor", "enforce", NULL};
static const char *const fail_words[] = {"open", "closed", NULL};
static const char *const unlisted_words[] = {"drop", "accept", "monitor", NULL};
static const char *const family_words[] = {"inet", "bridge", NULL};
static const char *const established_words[] = {"drain", "cut", NULL};
static const char *const action_words[] = {"drop", "reset", "icmp", NULL};
static const char *const boolean_words[] = {"no", "yes", NULL};

enum {
	TEXT_MAX = 160, /* with the longest key and " = " still a line */
	PATH_TEXT_MAX = 180,
	SOCKET_MAX = 107, /* sun_path without its NUL, unix(7) */
};

#define AT(type, member)      .offset = offsetof(struct type, member), .size = sizeof(((struct type *)0)->member)
#define HAS(type, member)     .has_offset = offsetof(struct type, member)
#define GATEWAY(key_name)     .section = POLICY_SECTION_GATEWAY, .name = key_name
#define LOG(key_name)         .section = POLICY_SECTION_LOG, .name = key_name
#define TRIAGE(key_name)      .section = POLICY_SECTION_TRIAGE, .name = key_name
#define POOL(key_name)        .section = POLICY_SECTION_POOL, .name = key_name
#define RELAY(key_name)       .section = POLICY_SECTION_RELAY, .name = key_name
#define EXEMPT(key_name)      .section = POLICY_SECTION_EXEMPT, .name = key_name
#define INSIDE(key_name)      .section = POLICY_SECTION_INSIDE, .name = key_name
#define DESTINATION(key_name) .section = POLICY_SECTION_DESTINATION, .name = key_name
#define PREFIX                .type = POLICY_TYPE_PREFIX, .repeatable = true
#define LIST_FILE             .type = POLICY_TYPE_LIST_FILE, .repeatable = true, .max = PATH_TEXT_MAX
#define LIST_HELP                                                                                            \
	"A file of prefixes, one a line, '#' starts a comment; a relative path starts at the policy's directory."
#define INTERFACES .type = POLICY_TYPE_INTERFACES, .repeatable = true
#define TEXT       .type = POLICY_TYPE_TEXT, .max = TEXT_MAX
#define DATE       .type = POLICY_TYPE_DATE

const struct policy_key policy_keys[] = {
	{GATEWAY("name"), .type = POLICY_TYPE_NAME, .max = POLICY_NAME_MAX, AT(policy_gateway, name),
	 .help = "The gateway's name in its records; the system's host name when not given."},
	{GATEWAY("mode"), .type = POLICY_TYPE_CHOICE, .words = mode_words, .default_text = "enforce",
	 AT(policy_gateway, mode),
	 .help = "\"enforce\" blocks; \"monitor\" accepts everything and records what it would have blocked."},
	{GATEWAY("fail"), .type = POLICY_TYPE_CHOICE, .required = true, .words = fail_words,
	 AT(policy_gateway, fail),
	 .help = "What becomes of port 25 while op25bd does not run or falls behind: \"open\" lets it pass, \"closed\" drops it."},
	{GATEWAY("family"), .type = POLICY_TYPE_CHOICE, .words = family_words, .default_text = "inet",
	 .late = true, AT(policy_gateway, family),
	 .help = "\"inet\" judges what this machine routes; \"bridge\" judges what it bridges, for a gateway that nobody sees."},
	{GATEWAY("queue"), .type = POLICY_TYPE_NUMBER, .max = UINT16_MAX, .default_text = "100",
	 AT(policy_gateway, queue),
	 .help = "The first NFQUEUE number; the workers take this one and those that follow."},
	{GATEWAY("workers"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = POLICY_WORKERS_MAX,
	 .default_text = "1", AT(policy_gateway, workers),
	 .help = "Threads that decide, each with a queue of its own."},
	{GATEWAY("unlisted"), .type = POLICY_TYPE_CHOICE, .words = unlisted_words, .default_text = "drop",
	 AT(policy_gateway, unlisted),
	 .help = "What becomes of mail from subscriber-side addresses that no section names."},
	{GATEWAY("established"), .type = POLICY_TYPE_CHOICE, .words = established_words,
	 .default_text = "drain", AT(policy_gateway, established),
	 .help = "\"drain\" lets connections that were open before a date finish; \"cut\" ends them."},
	{GATEWAY("conntrack"), .type = POLICY_TYPE_CHOICE, .words = boolean_words, .default_text = "yes",
	 AT(policy_gateway, conntrack),
	 .help = "Whether the kernel's connection tracking tells open connections from new ones."},
	{GATEWAY("subscriber_interfaces"), INTERFACES, AT(policy_gateway, subscriber_interfaces),
	 .help = "Interfaces to subscribers, names or patterns like ppp*; only mail that arrives there is judged."},
	{GATEWAY("upstream_interfaces"), INTERFACES, AT(policy_gateway, upstream_interfaces),
	 .help = "Interfaces to the Internet; mail that arrives there is inbound and never judged."},
	{GATEWAY("triangular_guard"), .type = POLICY_TYPE_CHOICE, .words = boolean_words,
	 .default_text = "yes", .late = true, AT(policy_gateway, triangular_guard),
	 .help = "Whether answers from port 25 to a pool's address are dropped where its own SYN would be: nobody there can have asked."},
	{GATEWAY("offload"), .type = POLICY_TYPE_CHOICE, .words = boolean_words, .default_text = "no",
	 .late = true, AT(policy_gateway, offload),
	 .help = "Whether the kernel itself goes on blocking subscribers who keep sending; the records still count each packet."},
	{GATEWAY("offload_after"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 1000000, .default_text = "20",
	 .late = true, AT(policy_gateway, offload_after),
	 .help = "With offload = yes: after so many blocked packets of one subscriber the kernel takes over."},
	{GATEWAY("offload_seconds"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 600, .default_text = "30",
	 .late = true, AT(policy_gateway, offload_s),
	 .help = "With offload = yes: seconds after which the kernel's counts are collected; at most half of window in [log]."},
	{GATEWAY("repair"), .type = POLICY_TYPE_CHOICE, .words = boolean_words, .default_text = "yes",
	 .late = true, AT(policy_gateway, repair),
	 .help = "Whether op25bd loads the policy's rules again when somebody other than op25b-rules has changed or deleted them."},
	{GATEWAY("control"), .type = POLICY_TYPE_PATH, .max = SOCKET_MAX,
	 .default_text = "/run/op25b/op25bd.sock", AT(policy_gateway, control),
	 .help = "The control socket that op25bctl talks to."},
	{GATEWAY("operators"), .type = POLICY_TYPE_NAME, .max = POLICY_NAME_MAX, .late = true,
	 AT(policy_gateway, operators),
	 .help = "A group whose members may change things by op25bctl, as root and the daemon's own user may; nobody else, when not given."},
	{GATEWAY("state"), .type = POLICY_TYPE_PATH, .max = PATH_TEXT_MAX, .default_text = "/var/lib/op25b",
	 .late = true, AT(policy_gateway, state),
	 .help = "The directory in which op25bd keeps what must outlive it: overrides, uses of exemptions."},

	{LOG("file"), .type = POLICY_TYPE_PATH, .max = PATH_TEXT_MAX,
	 .default_text = "/var/log/op25b/events.json", AT(policy_log, file),
	 .help = "Where block records go, one JSON object a line; \"-\" is standard output."},
	{LOG("window"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 86400, .default_text = "300",
	 AT(policy_log, window_s), .help = "Seconds that one summary record of a blocked subscriber covers."},
	{LOG("subscribers_max"), .type = POLICY_TYPE_NUMBER, .min = 1000, .max = 16777216,
	 .default_text = "1000000", AT(policy_log, subscribers_max),
	 .help = "Blocked subscribers told apart at once; those beyond share one overflow record."},
	{LOG("kernel"), .type = POLICY_TYPE_CHOICE, .words = boolean_words, .default_text = "no",
	 .late = true, AT(policy_log, kernel),
	 .help = "Whether the kernel logs single packets of note: forged sources, answers to pools, foreign marks, refusals."},
	{LOG("syslog"), .type = POLICY_TYPE_PATH, .max = SOCKET_MAX, .default_text = "-", .late = true,
	 AT(policy_log, syslog),
	 .help = "A Unix socket, such as /dev/log, to which records go as well, as RFC 5424; \"-\" is none."},
	{LOG("journald"), .type = POLICY_TYPE_CHOICE, .words = boolean_words, .default_text = "no",
	 .late = true, AT(policy_log, journald), .help = "Whether records go to systemd-journald as well."},

	{TRIAGE("bot_destinations"), .type = POLICY_TYPE_NUMBER, .min = 2, .max = 1000000,
	 .default_text = "20", AT(policy_triage, bot_destinations),
	 .help = "So many distinct destinations, or more: a bot."},
	{TRIAGE("client_destinations"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 64, .default_text = "2",
	 AT(policy_triage, client_destinations), .help = "A misconfigured client has at most so many."},
	{TRIAGE("client_attempts_per_hour"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 1000000,
	 .default_text = "240", AT(policy_triage, client_attempts_per_hour),
	 .help = "In no hour does a client make more."},
	{TRIAGE("client_silent_hours"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 23, .default_text = "7",
	 AT(policy_triage, client_silent_hours),
	 .help = "A client's people sleep: between active hours he is silent for so many on end, or more."},
	{TRIAGE("server_destinations"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 64, .default_text = "10",
	 AT(policy_triage, server_destinations), .help = "A server has at most so many."},
	{TRIAGE("server_clock_hours"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 24, .default_text = "20",
	 AT(policy_triage, server_clock_hours),
	 .help = "A server sends in so many of the day's 24 hours or more, and pauses no longer; others are none."},
	{TRIAGE("least_attempts"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 1000000, .default_text = "10",
	 AT(policy_triage, least_attempts), .help = "Of whom fewer attempts are known nothing is said."},

	{POOL("prefix"), PREFIX,
	 .help = "Addresses of subscribers whose port 25 is restricted; \"none\" for a pool that is empty on purpose."},
	{POOL("file"), LIST_FILE, .help = LIST_HELP},
	{POOL("delegated_prefix_length"), .type = POLICY_TYPE_NUMBER, .min = 1, .max = 128,
	 .default_text = "64", AT(policy_rule, delegated_prefix_length),
	 .help = "The IPv6 prefix length that makes one subscriber, for example 56."},
	{POOL("monitor_from"), DATE, AT(policy_rule, monitor_from), HAS(policy_rule, has_monitor_from),
	 .help = "From this date the pool's port 25 is recorded as \"would block\", until enforce_from."},
	{POOL("enforce_from"), DATE, AT(policy_rule, enforce_from), HAS(policy_rule, has_enforce_from),
	 .help = "From this date the pool's port 25 is blocked; without either date it always is."},
	{POOL("action"), .type = POLICY_TYPE_CHOICE, .words = action_words, .default_text = "drop",
	 AT(policy_rule, action),
	 .help = "How to block: \"drop\" silently, \"reset\" with a TCP reset, \"icmp\" with \"administratively prohibited\"."},
	{POOL("interface"), INTERFACES, AT(policy_rule, interfaces),
	 .help = "Where the pool's addresses arrive; one that arrives elsewhere is spoofed."},
	{POOL("note"), TEXT, AT(policy_rule, note), .help = "A remark for people."},

	{RELAY("address"), .type = POLICY_TYPE_ADDRESS, .repeatable = true, .required = true,
	 .help = "An address of one of the provider's own mail relays, which always may send."},
	{RELAY("interface"), INTERFACES, AT(policy_rule, interfaces),
	 .help = "Where the relay's own mail arrives; its address arriving elsewhere is spoofed."},
	{RELAY("subscribers_until"), DATE, AT(policy_rule, subscribers_until),
	 HAS(policy_rule, has_subscribers_until),
	 .help = "From this date port 25 of the relay is closed to subscribers too: submission (587, 465) only."},
	{RELAY("note"), TEXT, AT(policy_rule, note), .help = "A remark for people."},

	{EXEMPT("prefix"), PREFIX,
	 .help = "Addresses that may send; \"none\" for an entry that is empty on purpose."},
	{EXEMPT("file"), LIST_FILE, .help = LIST_HELP},
	{EXEMPT("to"), .type = POLICY_TYPE_TO, .repeatable = true,
	 .help = "Where they may send to: prefixes, names of [destination NAME] sections, or \"any\", which is the default."},
	{EXEMPT("from"), DATE, AT(policy_rule, from), HAS(policy_rule, has_from),
	 .help = "The exemption begins at this second; always, when not given."},
	{EXEMPT("until"), DATE, AT(policy_rule, until), HAS(policy_rule, has_until),
	 .help = "The exemption ends at this second; without it, it never does, which earns a warning."},
	{EXEMPT("ticket"), TEXT, AT(policy_rule, ticket),
	 .help = "The ticket in which the exemption was granted."},
	{EXEMPT("owner"), TEXT, AT(policy_rule, owner), .help = "Who answers for it."},
	{EXEMPT("reason"), TEXT, AT(policy_rule, reason), .help = "Why it was granted."},
	{EXEMPT("count"), .type = POLICY_TYPE_CHOICE, .words = boolean_words, .default_text = "no",
	 .late = true, AT(policy_rule, count),
	 .help = "Whether op25bd is asked, and counts, also where the kernel could let the exemption's packets pass by itself."},

	{INSIDE("prefix"), PREFIX,
	 .help = "The provider's own destinations, to which port 25 stays open; \"none\" for an empty section."},
	{INSIDE("file"), LIST_FILE, .help = LIST_HELP},
	{INSIDE("note"), TEXT, AT(policy_rule, note), .help = "A remark for people."},

	{DESTINATION("prefix"), PREFIX,
	 .help = "Destinations with an enforcement date of their own; \"none\" for an empty group."},
	{DESTINATION("file"), LIST_FILE, .help = LIST_HELP},
	{DESTINATION("enforce_from"), DATE, .required = true, AT(policy_rule, enforce_from),
	 HAS(policy_rule, has_enforce_from),
	 .help = "From this date port 25 to these destinations is blocked, in place of the pool's own date."},
	{DESTINATION("note"), TEXT, AT(policy_rule, note), .help = "A remark for people."},
};

const size_t policy_key_count = sizeof(policy_keys) / sizeof(policy_keys[0]);

static const char *const section_names[] = {"gateway", "log",    "triage", "pool",
					    "relay",   "exempt", "inside", "destination"};

static_assert(sizeof(section_names) / sizeof(section_names[0]) == POLICY_SECTIONS, "one name a section");
/* A section's place behind [triage] is its kind. */
static_assert(POLICY_SECTIONS - POLICY_SECTION_POOL == POLICY_KINDS, "one kind a named section");
static_assert(POLICY_SECTION_DESTINATION - POLICY_SECTION_POOL == POLICY_DESTINATION, "in the same order");

const char *policy_section_name(enum policy_section section)
{
	return (unsigned)section < POLICY_SECTIONS ? section_names[section] : "?";
}

bool policy_section_is_named(enum policy_section section)
{
	return section >= POLICY_SECTION_POOL;
}

const struct policy_key *policy_section_keys(enum policy_section section, size_t *ret_count)
{
	size_t first = 0, end;

	while (first < policy_key_count && policy_keys[first].section != section)
		first++;
	for (end = first; end < policy_key_count && policy_keys[end].section == section;)
		end++;
	*ret_count = end - first;
	return &policy_keys[first];
}

const struct policy_key *policy_key_find(enum policy_section section, const char *name, size_t len)
{
	size_t count;
	const struct policy_key *keys = policy_section_keys(section, &count);

	for (size_t i = 0; i < count; i++) {
		if (strlen(keys[i].name) == len && memcmp(keys[i].name, name, len) == 0)
			return &keys[i];
	}
	return NULL;
}

static const char *word_at(const char *const *words, size_t index)
{
	for (size_t i = 0; words[i]; i++) {
		if (i == index)
			return words[i];
	}
	return "?";
}

const char *policy_kind_name(enum policy_kind kind)
{
	return policy_section_name((enum policy_section)(POLICY_SECTION_POOL + (unsigned)kind));
}

const char *policy_mode_name(enum policy_mode mode)
{
	return word_at(mode_words, mode);
}

const char *policy_fail_name(enum policy_fail fail)
{
	return word_at(fail_words, fail);
}

const char *policy_family_name(enum policy_family family)
{
	return word_at(family_words, family);
}

const char *policy_unlisted_name(enum policy_unlisted unlisted)
{
	return word_at(unlisted_words, unlisted);
}

const char *policy_established_name(enum policy_established established)
{
	return word_at(established_words, established);
}

const char *policy_action_name(enum policy_action action)
{
	return word_at(action_words, action);
}
