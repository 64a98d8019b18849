/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of op25bctl doctor. Each check is a row of the table in ctl_doctor.c and one function, which looks at one
 * thing and adds what it found. What is judged from values alone is apart (doctor_judge.c), so that a test needs no system in that
 * state.
 */
#ifndef OP25B_TOOLS_DOCTOR_H
#define OP25B_TOOLS_DOCTOR_H

#include "ctl.h"

#include "net/nft_foreign.h"
#include "net/queue.h"
#include "net/queue_holder.h"
#include "policy/policy.h"
#include "ruleset/model.h"

#include <stddef.h>

enum doctor_severity {
	DOCTOR_OK,
	DOCTOR_SKIPPED, /* it could not be looked at */
	DOCTOR_WARNING,
	DOCTOR_PROBLEM,
	DOCTOR_SEVERITIES,
};

struct doctor_finding {
	enum doctor_severity severity;
	const char *check;  /* the row's name */
	char *looked;       /* what was looked at, with what was found where all is well */
	char *wrong;        /* NULL: nothing; of a skipped check why */
	const char *remedy; /* static text; NULL: none */
};

/* A zeroed one, with the check's name, is an empty one. */
struct doctor_findings {
	const char *check; /* of the findings to come */
	struct doctor_finding *items;
	size_t count, capacity;
	bool out_of_memory;
};

/* Adds one. `wrong` is copied, and NULL where all is well; what was looked at is the format's text. */
void doctor_find(struct doctor_findings *findings, enum doctor_severity severity, const char *wrong,
		 const char *remedy, const char *format, ...) __attribute__((format(printf, 5, 6)));
void doctor_findings_clear(struct doctor_findings *findings);
size_t doctor_count(const struct doctor_findings *findings, enum doctor_severity severity);
const char *doctor_severity_name(enum doctor_severity severity); /* "ok", ... */
/* EXIT_CODE_DIFFERS when something was found, else EXIT_CODE_SAMPLED when something was skipped. */
int doctor_exit_code(const struct doctor_findings *findings);

/* All that checks may look at. */
struct doctor {
	const struct ctl_context *context;
	struct doctor_findings findings;
	struct policy *policy;   /* NULL: it cannot be read */
	struct ruleset *ruleset; /* the policy's; NULL likewise */
	json_t *before, *status; /* two answers of the daemon, a second apart; NULL: it does not answer */
	char *no_answer;         /* why */
	int no_answer_error, policy_read_error; /* -errno of asking and of reading, 0: none */
	char *policy_error;                     /* why there is no policy: the first finding in it */
	size_t policy_warnings;
	struct nft_foreign *foreign; /* others' chains */
	size_t foreign_count;
	int foreign_error; /* -errno: they cannot be read */
};

/* False after a finding that says that the check was skipped for want of it. */
bool doctor_has_policy(struct doctor *doctor);
bool doctor_has_status(struct doctor *doctor);

/* Skipped, because the kernel or the file system says r (-errno) to what was to be looked at. */
void doctor_skip(struct doctor *doctor, const char *looked, int r);

/* doctor_kernel.c */
void doctor_check_kernel(struct doctor *doctor);
void doctor_check_rules(struct doctor *doctor);
void doctor_check_before(struct doctor *doctor);
void doctor_check_flowtables(struct doctor *doctor);
void doctor_check_queues(struct doctor *doctor);

/* doctor_daemon.c */
void doctor_check_policy(struct doctor *doctor);
void doctor_check_daemon(struct doctor *doctor);
void doctor_check_in_force(struct doctor *doctor);
void doctor_check_workers(struct doctor *doctor);
void doctor_check_losses(struct doctor *doctor);
void doctor_check_guard(struct doctor *doctor);
void doctor_check_fail_mode(struct doctor *doctor);
void doctor_check_offload(struct doctor *doctor);
void doctor_check_overrides(struct doctor *doctor);
void doctor_check_records(struct doctor *doctor);
void doctor_check_buffer(struct doctor *doctor);

/* doctor_system.c */
void doctor_check_space(struct doctor *doctor);
void doctor_check_clock(struct doctor *doctor);
void doctor_check_conntrack(struct doctor *doctor);

/* doctor_network.c */
void doctor_check_interfaces(struct doctor *doctor);
void doctor_check_relays(struct doctor *doctor);
void doctor_check_forwarding(struct doctor *doctor);
void doctor_check_sources(struct doctor *doctor);
void doctor_check_bridges(struct doctor *doctor);

/* A number in a file of /proc or /sys. 0 with *ret, -errno of reading, -EBADMSG when it is none. */
int doctor_read_number(const char *path, uint64_t *ret);

/* Judgement from values alone: doctor_judge.c. */

/* state and status are adjtimex(2)'s. */
void judge_clock(struct doctor_findings *findings, int state, int status);

/* Of net.netfilter.nf_conntrack_count and _max, where 0 is no limit. */
void judge_conntrack_room(struct doctor_findings *findings, uint64_t count, uint64_t max);

struct doctor_space {
	const char *directory;
	uint64_t free_bytes, all_bytes, free_files, all_files; /* all_files 0: such are not counted */
	uint64_t records, uptime_s;                            /* written by the daemon since it started */
	uint64_t record_bytes;                                 /* of one, in the mean; 0: not known */
};
void judge_space(struct doctor_findings *findings, const struct doctor_space *space);

/*
 * A queue that the daemon must hold; kernel NULL: nobody does. holder.process 0: it cannot be seen. foreign: a daemon answers, and does
 * not hold it.
 */
void judge_queue(struct doctor_findings *findings, uint16_t number, const struct queue_kernel *kernel,
		 const struct queue_holder *holder, bool foreign);

/* One worker of two status answers, a second apart; both borrowed. */
void judge_worker(struct doctor_findings *findings, const json_t *before, const json_t *after);

/* "kernel" of two status answers: what did not fit into queues and socket buffers. */
void judge_losses(struct doctor_findings *findings, const json_t *before, const json_t *after);

/* `modes` is "fail_modes" of the status, NULL from a daemon that tells none. */
void judge_fail_mode(struct doctor_findings *findings, const char *policy, const char *daemon,
		     const json_t *modes);

/* "rules" of the status: whether others change them. NULL likewise. */
void judge_guard(struct doctor_findings *findings, const json_t *rules);

/* rp_filter as it counts: the greater of an interface's own and that of all (kernel Documentation, ip-sysctl). */
void judge_source(struct doctor_findings *findings, const char *interface, uint64_t all, uint64_t own,
		  bool needed);

/* Whether a daemon gets the socket buffer that it wants: by its capability, or by net.core.rmem_max. */
void judge_buffer(struct doctor_findings *findings, bool forced, uint64_t rmem_max);

/* CapEff of a /proc/PID/status line, and whether /proc/PID/uid_map is that of the first user namespace. */
bool doctor_parse_capabilities(const char *line, uint64_t *ret);
bool doctor_is_first_user_namespace(const char *uid_map);

/* Bytes of a record in the mean, from the end of a record file. 0: there is no whole line. */
uint64_t doctor_record_bytes(const char *text, size_t len);

#endif
