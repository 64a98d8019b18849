/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The policy as a checked value: what the INI file says, or nothing. Daemon, replay and rulesets are all built from
 * one struct policy, so they cannot disagree about what was meant.
 */
#ifndef OP25B_POLICY_POLICY_H
#define OP25B_POLICY_POLICY_H

#include "base/addr.h"
#include "base/diag.h"
#include "base/ifpattern.h"
#include "base/moment.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum policy_mode { POLICY_MODE_MONITOR, POLICY_MODE_ENFORCE };
enum policy_fail { POLICY_FAIL_OPEN, POLICY_FAIL_CLOSED };
enum policy_family { POLICY_FAMILY_INET, POLICY_FAMILY_BRIDGE };
enum policy_unlisted { POLICY_UNLISTED_DROP, POLICY_UNLISTED_ACCEPT, POLICY_UNLISTED_MONITOR };
enum policy_established { POLICY_ESTABLISHED_DRAIN, POLICY_ESTABLISHED_CUT };
enum policy_action { POLICY_ACTION_DROP, POLICY_ACTION_RESET, POLICY_ACTION_ICMP };

enum {
	POLICY_NAME_MAX = 64, /* bytes of a section's or the gateway's name, without the NUL */
	POLICY_WORKERS_MAX = 16,
	POLICY_RULES_MAX = 60000,       /* sections with a name; their indexes fit 16 bits */
	POLICY_SOURCES_MAX = 60000,     /* the policy file and its list files */
	POLICY_IP6_SUBSCRIBER_LEN = 64, /* IPv6 subscriber size where no pool says otherwise */
	POLICY_LINE_MAX = 199,          /* bytes of a line of the policy file: what inih's buffer holds */
	POLICY_INTERFACES_MAX = 256,    /* names in one list of interfaces */
	POLICY_PATTERNS_MAX = 64,       /* different patterns over all pools and relays: one bit each */
};

/* A list of interface names or patterns, in the order written. */
struct policy_interfaces {
	char (*names)[IF_NAME_MAX];
	size_t count;
};

struct policy_gateway {
	char name[POLICY_NAME_MAX +
		  1]; /* host name of the records; empty in the file means the system's host name */
	enum policy_mode mode;
	enum policy_fail fail;
	enum policy_family family;
	uint16_t queue; /* the first queue number; the workers take queue .. queue + workers - 1 */
	uint16_t workers;
	enum policy_unlisted unlisted;
	enum policy_established established;
	bool conntrack;
	bool triangular_guard;  /* answers from outside port 25 to a pool are judged */
	bool offload;           /* the kernel itself blocks subscribers who keep sending */
	uint32_t offload_after; /* blocked packets of one subscriber, from which on it does */
	uint32_t
		offload_s; /* how long it does before its counts are collected; at most half of log.window_s */
	bool repair;       /* rules that somebody else changed are loaded again */
	struct policy_interfaces subscriber_interfaces;
	struct policy_interfaces upstream_interfaces;
	char *control;                       /* path of the control socket */
	char operators[POLICY_NAME_MAX + 1]; /* a group; "" for none */
	char *state;                         /* a directory */
};

struct policy_log {
	char *file;               /* EVE JSON lines; "-" is standard output */
	uint32_t window_s;        /* one summary a subscriber and window */
	bool kernel;              /* the ruleset logs single packets, a few a second */
	uint32_t subscribers_max; /* subscribers tracked at once; more share an overflow record */
	char *syslog;             /* a Unix socket; "-" is none */
	bool journald;            /* records go there, too */
};

/* What offenders probably are (op25b-log). No packet's answer rests on it. */
struct policy_triage {
	uint32_t bot_destinations;         /* so many distinct ones or more: a bot */
	uint32_t client_destinations;      /* at most so many */
	uint32_t client_attempts_per_hour; /* at most so many */
	uint32_t client_silent_hours;      /* on end, at least so many */
	uint32_t server_destinations;      /* at most so many */
	uint32_t server_clock_hours;       /* of 24 */
	uint32_t least_attempts;           /* fewer: unknown */
};

enum policy_kind {
	POLICY_POOL,
	POLICY_RELAY,
	POLICY_EXEMPT,
	POLICY_INSIDE,
	POLICY_DESTINATION,
	POLICY_KINDS,
};

/*
 * One named section. Fields that its kind has no key for hold their defaults. Texts are never NULL ("" when not
 * given). Dates not given: from = MOMENT_ALWAYS, until and the enforce dates = MOMENT_NEVER with the has_ flag false.
 */
struct policy_rule {
	enum policy_kind kind;
	char name[POLICY_NAME_MAX + 1];
	uint32_t line; /* of the section's head */

	struct policy_interfaces interfaces; /* pool, relay: `interface` (a list, patterns allowed) */

	/* pool */
	uint8_t delegated_prefix_length; /* IPv6 subscriber size, 1..128; POLICY_IP6_SUBSCRIBER_LEN by default */
	enum policy_action action;
	bool has_monitor_from;
	struct moment monitor_from;
	/* pool, destination */
	bool has_enforce_from;
	struct moment enforce_from;
	char *note;

	/* relay */
	bool has_subscribers_until;
	struct moment subscribers_until;

	/* exempt: exempts while from <= now < until */
	bool has_from, has_until;
	struct moment from, until;
	char *ticket, *owner, *reason;
	bool count;            /* the daemon is asked, and counts, even where the kernel could answer */
	bool to_any;           /* no `to` but "any" */
	uint16_t *to_groups;   /* indexes into policy.rules of the [destination NAME] in `to`, by name */
	size_t to_group_count; /* prefixes named in `to` stand in policy.ip4/ip6 with role POLICY_ROLE_TO */
};

/* What a prefix says about its rule: who sends, or where to. Pool and exempt prefixes are sources, inside and
 * destination prefixes are targets, a relay's addresses are listed once as POLICY_ROLE_SOURCE and serve as both. */
enum policy_role {
	POLICY_ROLE_SOURCE,
	POLICY_ROLE_TARGET,
	POLICY_ROLE_TO, /* a prefix in an exemption's `to` */
};

/* Host byte order, host bits cleared. Sorted by address, length, role, rule; equal ones are dropped (with a warning). */
struct policy_prefix4 {
	uint32_t addr;
	uint32_t line;   /* in sources[source] */
	uint16_t rule;   /* index into policy.rules */
	uint16_t source; /* index into policy.sources */
	uint8_t len;
	uint8_t role; /* enum policy_role */
};

struct policy_prefix6 {
	uint64_t hi, lo;
	uint32_t line;
	uint16_t rule;
	uint16_t source;
	uint8_t len;
	uint8_t role;
};

struct policy {
	struct policy_gateway gateway;
	struct policy_log log;
	struct policy_triage triage;
	struct policy_rule *rules; /* in file order */
	size_t rule_count;
	struct policy_prefix4 *ip4;
	size_t ip4_count;
	struct policy_prefix6 *ip6;
	size_t ip6_count;
	char **sources; /* [0] is the policy file as named by the caller; then each list file, as opened */
	size_t source_count;
	char digest
		[33]; /* 128 bits in hex over the canonical policy: equal for equal policies on every machine */
};

/*
 * Reads, checks and returns the policy of the file at path. now_s: the wall clock, for warnings about dates only.
 * Findings are added to diags (errors and warnings; may be NULL) and sorted.
 * Returns 0 with *ret owned by the caller (policy_free); -EBADMSG when the policy has errors (all are in diags),
 * -ENOMEM, or the -errno of reading the file (also told in diags). *ret is untouched on failure.
 */
int policy_read_file(const char *path, int64_t now_s, struct diag_list *diags, struct policy **ret);

/* The same from a stream (a pipe, a test's memory); name is used in messages, list files are relative to directory
 * (NULL: the current one). The stream stays the caller's. */
int policy_read_stream(FILE *stream, const char *name, const char *directory, int64_t now_s,
		       struct diag_list *diags, struct policy **ret);

void policy_free(struct policy *policy);

/*
 * Prints the effective policy in canonical form: every key with its value, defaults included, prefixes sorted and
 * written out, dates with the offset they were written with. Reading it again gives an equal policy (and digest).
 * 0 or -errno of the stream.
 */
int policy_print(const struct policy *policy, FILE *out);

/*
 * The same as JSON: an object a section, "gateway", "log" and "triage", then one a kind with the named sections in it by name.
 * Every key of the table is there, by its name in the policy file; null or [] when the policy does not give it. Only
 * `file` is not: its prefixes stand in `prefix`. Numbers are numbers, all else is the policy file's text.
 * 0 or -errno of the stream.
 */
int policy_print_json(const struct policy *policy, FILE *out);

const char *policy_kind_name(enum policy_kind kind); /* "pool", "relay", ... */
const char *policy_mode_name(enum policy_mode mode); /* the word of the policy file; likewise below */
const char *policy_fail_name(enum policy_fail fail);
const char *policy_family_name(enum policy_family family);
const char *policy_unlisted_name(enum policy_unlisted unlisted);
const char *policy_established_name(enum policy_established established);
const char *policy_action_name(enum policy_action action);

/* The kernel follows this exemption by itself, at every date and whatever the destination, and nobody counts its uses. */
bool policy_exemption_is_settled(const struct policy_rule *rule);

/* True when some pattern of the list matches the interface name. */
bool policy_interfaces_match(const struct policy_interfaces *interfaces, const char *name);

#endif
