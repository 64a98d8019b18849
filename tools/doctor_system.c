/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl doctor: clock, room for records, connection tracking. */
#include "doctor.h"

#include "base/cleanup.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

enum { NUMBER_TEXT_MAX = 64, TAIL_BYTES = 64 * 1024 };

int doctor_read_number(const char *path, uint64_t *ret)
{
	int fd CLEANUP_CLOSE = open(path, O_RDONLY | O_CLOEXEC);
	char text[NUMBER_TEXT_MAX];
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text));
	if (n < 0)
		return -errno;
	while (n > 0 && text[n - 1] == '\n')
		n--;
	return number_parse(text, (size_t)n, 0, UINT64_MAX, ret) == NUMBER_OK ? 0 : -EBADMSG;
}

void doctor_check_clock(struct doctor *doctor)
{
	struct timex time = {0};
	int state = adjtimex(&time);

	if (state < 0)
		doctor_skip(doctor, "system clock", -errno);
	else
		judge_clock(&doctor->findings, state, time.status);
}

/* 0: not known. */
static uint64_t mean_record(const char *path)
{
	int fd CLEANUP_CLOSE = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char *tail CLEANUP_FREE = malloc(TAIL_BYTES);
	struct stat status;
	ssize_t n;

	if (fd < 0 || !tail || fstat(fd, &status) < 0 || !S_ISREG(status.st_mode))
		return 0;
	n = pread(fd, tail, TAIL_BYTES, status.st_size > TAIL_BYTES ? status.st_size - TAIL_BYTES : 0);
	return n > 0 ? doctor_record_bytes(tail, (size_t)n) : 0;
}

static uint64_t counter(const json_t *object, const char *key)
{
	json_int_t value = json_integer_value(json_object_get(object, key));

	return value > 0 ? (uint64_t)value : 0;
}

static void look_at_space(struct doctor *doctor, const char *file, const char *directory)
{
	struct statvfs system;

	if (statvfs(directory, &system) < 0 && errno == ENOENT)
		doctor_find(&doctor->findings, DOCTOR_PROBLEM, "there is no such directory",
			    "make it, for the user op25b (systemd-tmpfiles --create)", "%s", directory);
	else if (statvfs(directory, &system) < 0)
		doctor_skip(doctor, directory, -errno);
	else
		judge_space(&doctor->findings,
			    &(struct doctor_space){
				    .directory = directory,
				    .free_bytes = (uint64_t)system.f_bavail * system.f_frsize,
				    .all_bytes = (uint64_t)system.f_blocks * system.f_frsize,
				    .free_files = system.f_favail,
				    .all_files = system.f_files,
				    .records = counter(json_object_get(doctor->status, "log"), "written"),
				    .uptime_s = counter(doctor->status, "uptime_s"),
				    .record_bytes = mean_record(file),
			    });
}

void doctor_check_space(struct doctor *doctor)
{
	char *copy CLEANUP_FREE = NULL;
	const char *file;

	if (!doctor_has_policy(doctor))
		return;
	file = doctor->policy->log.file;
	copy = strdup(file);
	if (strcmp(file, "-") == 0)
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "records go to standard output");
	else if (!copy)
		doctor->findings.out_of_memory = true;
	else
		look_at_space(doctor, file, dirname(copy));
}

static void tell_liberal(struct doctor *doctor)
{
	static const char path[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_be_liberal";
	static const char loose_path[] = "/proc/sys/net/netfilter/nf_conntrack_tcp_loose";
	uint64_t liberal = 0, loose = 0;
	int r = doctor_read_number(path, &liberal);

	if (r == 0)
		r = doctor_read_number(loose_path, &loose);
	if (r < 0)
		doctor_skip(doctor, "nf_conntrack_tcp_be_liberal and _loose", r);
	else if (liberal != 0)
		doctor_find(&doctor->findings, DOCTOR_WARNING,
			    "packets outside of a connection's window pass as part of it",
			    "sysctl net.netfilter.nf_conntrack_tcp_be_liberal=0",
			    "conntrack: tcp_be_liberal %" PRIu64 ", tcp_loose %" PRIu64, liberal, loose);
	else
		/* Either value of tcp_loose is right: the rules queue what conntrack does not know as established. */
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "conntrack: tcp_be_liberal 0, tcp_loose %" PRIu64, loose);
}

void doctor_check_conntrack(struct doctor *doctor)
{
	static const char count_path[] = "/proc/sys/net/netfilter/nf_conntrack_count";
	static const char max_path[] = "/proc/sys/net/netfilter/nf_conntrack_max";
	uint64_t count = 0, max = 0;
	int r;

	if (!doctor_has_policy(doctor))
		return;
	if (!doctor->policy->gateway.conntrack) {
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "conntrack = no: not used");
		return;
	}
	r = doctor_read_number(count_path, &count);
	if (r == 0)
		r = doctor_read_number(max_path, &max);
	if (r < 0)
		doctor_skip(doctor, "nf_conntrack_count and _max", r);
	else
		judge_conntrack_room(&doctor->findings, count, max);
	tell_liberal(doctor);
}
