/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "control/client.h"
#include "control/server.h"
#include "control/socket.h"

#include "base/moment.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <grp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A server in the test's own thread, and the clock it is told. */
struct bed {
	char directory[64];
	char path[96];
	struct control_server *server;
	int64_t now_ns;
	size_t handled;
	bool defer;
	struct control_call *deferred;
};

enum { BIG = 3000000 };

static char big_text[BIG];

static void handle(void *context, struct control_call *call, const json_t *request)
{
	const char *command = json_string_value(json_object_get(request, "command"));
	struct bed *bed = context;

	bed->handled++;
	if (bed->defer)
		bed->deferred = call;
	else if (strcmp(command, "echo") == 0)
		control_call_answer(call, json_incref(json_object_get(request, "what")));
	else if (strcmp(command, "big") == 0)
		control_call_answer(call, json_stringn(big_text, sizeof(big_text)));
	else
		control_call_refuse(call, CONTROL_UNKNOWN_COMMAND, NULL, "unknown command \"%s\"", command);
}

static int setup(void **state)
{
	struct bed *bed = calloc(1, sizeof(*bed));

	assert_non_null(bed);
	memset(big_text, 'x', sizeof(big_text));
	strcpy(bed->directory, "/tmp/op25b-control.XXXXXX");
	assert_non_null(mkdtemp(bed->directory));
	snprintf(bed->path, sizeof(bed->path), "%s/socket", bed->directory);
	assert_int_equal(control_server_new(bed->path, handle, bed, &bed->server), 0);
	*state = bed;
	return 0;
}

static int teardown(void **state)
{
	struct bed *bed = *state;
	struct stat status;

	control_server_free(bed->server);
	assert_int_equal(stat(bed->path, &status), -1); /* the socket goes with its server */
	assert_int_equal(rmdir(bed->directory), 0);
	free(bed);
	return 0;
}

static void run(struct bed *bed)
{
	for (int i = 0; i < 8; i++)
		control_server_run(bed->server, bed->now_ns);
}

static int connect_client(const struct bed *bed)
{
	int fd = control_socket_connect(bed->path);

	assert_true(fd >= 0);
	return fd;
}

static void send_text(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* What came back so far, "" if nothing, "<end>" if the connection was ended. */
static const char *receive(int fd)
{
	static char text[8192];
	ssize_t n = recv(fd, text, sizeof(text) - 1, MSG_DONTWAIT);

	if (n == 0)
		return "<end>";
	text[n > 0 ? n : 0] = '\0';
	return text;
}

static void test_request_gets_its_reply(void **state)
{
	struct bed *bed = *state;
	int fd = connect_client(bed);

	send_text(fd, "{\"op25b\":1,\"command\":\"echo\",\"what\":[1,2]}\n");
	run(bed);
	assert_string_equal(receive(fd), "{\"op25b\":1,\"ok\":true,\"result\":[1,2]}\n");
	send_text(fd, "{\"op25b\":1,\"command\":\"nonsense\"}\n");
	run(bed);
	assert_string_equal(receive(fd), "{\"op25b\":1,\"ok\":false,\"error\":\"unknown-command\","
					 "\"message\":\"unknown command \\\"nonsense\\\"\"}\n");
	close(fd);
}

static void test_lines_in_pieces_and_in_heaps(void **state)
{
	const char *line = "{\"op25b\":1,\"command\":\"echo\",\"what\":5}\n";
	struct bed *bed = *state;
	int fd = connect_client(bed);

	for (const char *c = line; *c; c++) {
		send_text(fd, (char[]){*c, '\0'});
		run(bed);
		if (c[1])
			assert_string_equal(receive(fd), "");
	}
	assert_string_equal(receive(fd), "{\"op25b\":1,\"ok\":true,\"result\":5}\n");
	send_text(
		fd,
		"{\"op25b\":1,\"command\":\"echo\",\"what\":1}\n{\"op25b\":1,\"command\":\"echo\",\"what\":2}\n");
	run(bed);
	assert_string_equal(
		receive(fd),
		"{\"op25b\":1,\"ok\":true,\"result\":1}\n{\"op25b\":1,\"ok\":true,\"result\":2}\n");
	close(fd);
}

static void test_bad_requests_are_refused(void **state)
{
	static const char *const bad[] = {
		"\n",
		"hello\n",
		"{\"op25b\":1}\n",
		"{\"op25b\":2,\"command\":\"echo\"}\n",
		"{\"op25b\":\"1\",\"command\":\"echo\"}\n",
		"{\"command\":\"echo\"}\n",
		"{\"op25b\":1,\"command\":5}\n",
		"[1]\n",
		"{\"op25b\":1,\"command\":\"echo\"}}\n",
		"{\"op25b\":1,\"op25b\":1,\"command\":\"echo\"}\n",
		"\xff\xfe\n",
		"{\"op25b\":1,\"command\":\"e\\u0000\"}\n",
	};
	struct bed *bed = *state;
	int fd = connect_client(bed);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		send_text(fd, bad[i]);
		run(bed);
		assert_non_null(strstr(receive(fd), "\"ok\":false,\"error\":\"bad-request\""));
	}
	assert_int_equal(bed->handled, 0);
	send_text(fd, "{\"op25b\":1,\"command\":\"echo\",\"what\":0}\n");
	run(bed);
	assert_non_null(strstr(receive(fd), "\"ok\":true"));
	close(fd);
}

static void test_oversized_line_ends_the_connection(void **state)
{
	struct bed *bed = *state;
	char text[2 * CONTROL_REQUEST_MAX];
	int fd = connect_client(bed);

	memset(text, 'a', sizeof(text));
	assert_int_equal(send(fd, text, sizeof(text), MSG_NOSIGNAL), (ssize_t)sizeof(text));
	run(bed);
	assert_non_null(strstr(receive(fd), "at most 4096 bytes"));
	assert_int_equal(recv(fd, text, 1, MSG_DONTWAIT) <= 0, 1);
	assert_int_not_equal(errno, EAGAIN);
	assert_int_equal(bed->handled, 0);
	close(fd);
}

static void test_silent_client_loses_its_place(void **state)
{
	struct bed *bed = *state;
	int silent = connect_client(bed), half = connect_client(bed);

	run(bed);
	send_text(half, "{\"op25b\":1,");
	run(bed);
	bed->now_ns += (CONTROL_CLIENT_WAIT_S - 1) * NSEC_PER_SEC;
	run(bed);
	assert_string_equal(receive(silent), "");
	bed->now_ns += 2 * NSEC_PER_SEC;
	run(bed);
	assert_string_equal(receive(silent), "<end>");
	assert_string_equal(receive(half), "<end>");
	close(silent);
	close(half);
}

static const char echo_true[] = "{\"op25b\":1,\"command\":\"echo\",\"what\":true}\n";

static void take_all_places(struct bed *bed, int crowd[CONTROL_CLIENTS_MAX], const char *text)
{
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
		crowd[i] = connect_client(bed);
		run(bed);
		send_text(crowd[i], text);
		run(bed);
		bed->now_ns += 1000;
	}
}

static void assert_echoes(struct bed *bed, int fd)
{
	send_text(fd, echo_true);
	run(bed);
	assert_non_null(strstr(receive(fd), "\"result\":true"));
}

/* Clients that take all places in silence do not keep out those who ask. */
static void test_silent_crowd_makes_way(void **state)
{
	static const char *const silences[] = {"", "{\"op25b\":", echo_true};
	struct bed *bed = *state;
	int crowd[CONTROL_CLIENTS_MAX], late;

	for (size_t n = 0; n < 3; n++) {
		take_all_places(bed, crowd, silences[n]);
		late = connect_client(bed);
		run(bed);
		assert_echoes(bed, late);
		for (size_t i = 0; i < CONTROL_CLIENTS_MAX && n == 2; i++)
			(void)receive(crowd[i]); /* the reply it got */
		assert_string_equal(receive(crowd[0]), "<end>");
		for (size_t i = 1; i < CONTROL_CLIENTS_MAX; i++)
			assert_string_equal(receive(crowd[i]), "");
		close(late);
		for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
			close(crowd[i]);
		run(bed);
	}
}

/* What has arrived before the newcomer is served before a place is taken away for him. */
static void test_who_has_just_asked_keeps_its_place(void **state)
{
	struct bed *bed = *state;
	int crowd[CONTROL_CLIENTS_MAX], late;

	take_all_places(bed, crowd, "");
	late = connect_client(bed);
	send_text(crowd[0], echo_true);
	bed->now_ns += 1000;
	run(bed);
	assert_non_null(strstr(receive(crowd[0]), "\"result\":true"));
	assert_string_equal(receive(crowd[1]), "<end>");
	assert_echoes(bed, late);
	close(late);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(crowd[i]);
}

/* Nobody is put out while his request is being worked on, or before he had time to take his reply. */
static void test_busy_crowd_is_bounded(void **state)
{
	struct bed *bed = *state;
	int crowd[CONTROL_CLIENTS_MAX], late;

	bed->defer = true;
	crowd[0] = connect_client(bed);
	send_text(crowd[0], echo_true);
	run(bed);
	bed->defer = false;
	for (size_t i = 1; i < CONTROL_CLIENTS_MAX; i++) {
		crowd[i] = connect_client(bed);
		send_text(crowd[i], "{\"op25b\":1,\"command\":\"big\"}\n");
		run(bed);
	}
	late = connect_client(bed);
	run(bed);
	assert_string_equal(receive(late), "<end>");
	close(late);
	bed->now_ns += 2 * NSEC_PER_SEC;
	late = connect_client(bed);
	run(bed);
	assert_echoes(bed, late);
	assert_string_equal(receive(crowd[0]), "");
	control_call_answer(bed->deferred, json_true());
	run(bed);
	assert_non_null(strstr(receive(crowd[0]), "\"result\":true"));
	close(late);
	for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++)
		close(crowd[i]);
}

static void test_half_closed_client_is_answered(void **state)
{
	struct bed *bed = *state;
	int fd = connect_client(bed);

	send_text(fd, "{\"op25b\":1,\"command\":\"echo\",\"what\":3}\n");
	shutdown(fd, SHUT_WR);
	run(bed);
	assert_string_equal(receive(fd), "{\"op25b\":1,\"ok\":true,\"result\":3}\n");
	assert_string_equal(receive(fd), "<end>");
	close(fd);
}

static void test_answer_may_come_later(void **state)
{
	struct bed *bed = *state;
	int fd = connect_client(bed);

	bed->defer = true;
	send_text(fd, "{\"op25b\":1,\"command\":\"echo\"}\n{\"op25b\":1,\"command\":\"echo\",\"what\":9}\n");
	run(bed);
	assert_int_equal(bed->handled, 1);
	bed->now_ns += 100 * NSEC_PER_SEC; /* however long it takes, the client keeps its place */
	run(bed);
	bed->defer = false;
	control_call_answer(bed->deferred, json_string("late"));
	run(bed);
	assert_string_equal(
		receive(fd),
		"{\"op25b\":1,\"ok\":true,\"result\":\"late\"}\n{\"op25b\":1,\"ok\":true,\"result\":9}\n");
	close(fd);
}

static void test_client_that_left_before_the_answer(void **state)
{
	struct bed *bed = *state;
	int fd = connect_client(bed);

	bed->defer = true;
	send_text(fd, "{\"op25b\":1,\"command\":\"echo\"}\n");
	run(bed);
	close(fd);
	run(bed);
	control_call_refuse(bed->deferred, CONTROL_BUSY, NULL, "nobody hears this");
	run(bed);
}

static void test_reader_that_does_not_read(void **state)
{
	struct bed *bed = *state;
	int fd = connect_client(bed);

	send_text(fd, "{\"op25b\":1,\"command\":\"big\"}\n");
	run(bed);
	bed->now_ns += (CONTROL_CLIENT_WAIT_S + 1) * NSEC_PER_SEC;
	run(bed);
	for (ssize_t n = 1; n > 0;) { /* what was sent, then the end: not three million bytes */
		static char sink[1 << 16];
		static size_t total;

		n = recv(fd, sink, sizeof(sink), MSG_DONTWAIT);
		total += n > 0 ? (size_t)n : 0;
		assert_true(n >= 0);
		assert_true(total < BIG);
	}
	close(fd);
}

static void test_socket_mode_and_owner(void **state)
{
	struct bed *bed = *state;
	struct control_server *second = NULL;
	struct stat status;

	assert_int_equal(stat(bed->path, &status), 0);
	assert_int_equal(status.st_mode & 0777, 0660);
	assert_int_equal(control_server_new(bed->path, handle, bed, &second), -EADDRINUSE);
	assert_null(second);
	assert_int_equal(stat(bed->path, &status), 0);
}

static void test_stale_socket_is_replaced_and_files_are_not(void **state)
{
	struct bed *bed = *state;
	struct control_server *server = NULL;
	char path[128];
	FILE *file;
	int fd;

	snprintf(path, sizeof(path), "%s/other", bed->directory);
	fd = control_socket_listen(path);
	assert_true(fd >= 0);
	close(fd); /* as after SIGKILL: the file stays, nobody listens */
	assert_int_equal(control_server_new(path, handle, bed, &server), 0);
	control_server_free(server);
	server = NULL;
	file = fopen(path, "w");
	assert_non_null(file);
	fclose(file);
	assert_int_equal(control_server_new(path, handle, bed, &server), -EEXIST);
	assert_int_equal(unlink(path), 0);
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(control_server_new(path, handle, bed, &server), -ENAMETOOLONG);
	assert_null(server);
}

static void test_replies_are_read_back(void **state)
{
	static const enum control_error errors[] = {
		CONTROL_OK,      CONTROL_BAD_REQUEST, CONTROL_UNKNOWN_COMMAND, CONTROL_BAD_ARGUMENT,
		CONTROL_REFUSED, CONTROL_BUSY,        CONTROL_FAILED,          CONTROL_FORBIDDEN};
	char text[CONTROL_ERROR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		json_t *reply = control_reply_new(errors[i], "why", json_pack("[i]", (int)i)), *result = NULL;
		enum control_error error = CONTROL_ERRORS;
		size_t len = 0;
		char *line = control_line(reply, &len);

		assert_int_equal(control_reply_decode(line, len, &error, &result, text), 0);
		assert_int_equal(error, errors[i]);
		assert_string_equal(text, "why");
		assert_int_equal(json_integer_value(json_array_get(result, 0)), i);
		json_decref(result);
		json_decref(reply);
		free(line);
	}
	assert_int_equal(control_error_from_name("something new"), CONTROL_FAILED);
}

/* What answers at the path may be another program: nothing of what it says is taken for an answer. */
static void test_what_is_no_reply_is_refused(void **state)
{
	static const char *const lines[] = {
		"",
		"\n",
		"220 mail.example ESMTP\n",
		"[]\n",
		"{}\n",
		"{\"op25b\":1}\n",
		"{\"op25b\":2,\"ok\":true,\"result\":{}}\n",
		"{\"op25b\":1,\"ok\":true}\n",
		"{\"op25b\":1,\"ok\":1,\"result\":{}}\n",
		"{\"op25b\":1,\"ok\":false}\n",
		"{\"op25b\":1,\"ok\":false,\"error\":7}\n",
		"{\"op25b\":1,\"ok\":false,\"error\":\"ok\"}\n",
		"{\"op25b\":1,\"ok\":true,\"result\":{}} {}\n",
	};
	char text[CONTROL_ERROR_TEXT_MAX];

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		enum control_error error = CONTROL_ERRORS;
		json_t *result = NULL;

		text[0] = '\0';
		assert_int_equal(control_reply_decode(lines[i], strlen(lines[i]), &error, &result, text),
				 -EPROTO);
		assert_int_equal(error, CONTROL_ERRORS);
		assert_null(result);
		assert_string_not_equal(text, "");
	}
}

static void test_texts_that_are_no_utf8(void **state)
{
	json_t *value = control_text("[pool \xa4\xa2]"); /* EUC-JP */

	assert_string_equal(json_string_value(value), "[pool ??]");
	json_decref(value);
	value = control_text("\xe3\x81\x82");
	assert_string_equal(json_string_value(value), "\xe3\x81\x82");
	json_decref(value);
	assert_null(control_text(NULL));
}

static bool server_has_work(const struct bed *bed)
{
	struct pollfd look = {.fd = control_server_fd(bed->server), .events = POLLIN};

	return poll(&look, 1, 0) > 0;
}

static void test_no_descriptor_left_does_not_spin(void **state)
{
	struct bed *bed = *state;
	int fd = control_socket_connect(bed->path), next = dup(fd);
	struct rlimit before, none;
	char byte;

	assert_true(fd >= 0 && next >= 0);
	close(next);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = before;
	none.rlim_cur = (rlim_t)next;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_true(server_has_work(bed));
	control_server_run(bed->server, bed->now_ns);
	assert_false(server_has_work(bed));
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	bed->now_ns += CONTROL_REST_MS * INT64_C(1000000);
	control_server_run(bed->server, bed->now_ns); /* accepts */
	assert_int_equal(send(fd, "{}\n", 3, MSG_NOSIGNAL), 3);
	for (int i = 0; i < 4; i++)
		control_server_run(bed->server, bed->now_ns);
	assert_int_equal(recv(fd, &byte, 1, MSG_DONTWAIT), 1);
	close(fd);
}

/* Asks who it is that asks; the answer is of a process of the user, group and further group given. */
static void handle_who(void *context, struct control_call *call, const json_t *request)
{
	uid_t uid = 1;

	assert_true(control_call_uid(call, &uid));
	control_call_answer(call,
			    json_pack("[i, b, b, b]", (int)uid, control_call_in_group(call, 4241),
				      control_call_in_group(call, 4242), control_call_in_group(call, 4243)));
}

/* A process of its own; it ends with 0 when the daemon's answer is this one. */
static pid_t ask_as_somebody(const char *path, const char *wanted)
{
	gid_t many[200];
	pid_t child = fork();
	int fd;

	if (child != 0)
		return child;
	for (gid_t i = 0; i < 200; i++)
		many[i] = 5000 + i;
	many[150] = 4242;
	if (setgroups(200, many) < 0 || setgid(4241) < 0 || setuid(4240) < 0)
		_exit(2);
	fd = control_socket_connect(path);
	send_text(fd, "{\"op25b\":1,\"command\":\"who\"}\n");
	for (int i = 0; i < 500; i++) {
		const char *answer = receive(fd);

		if (answer[0])
			_exit(strstr(answer, wanted) ? 0 : 1);
		usleep(10000);
	}
	_exit(3);
}

static void test_who_asks_is_known(void **state)
{
	struct bed *bed = *state;
	struct control_server *server = NULL;
	char path[128];
	int fd, status;
	pid_t child;

	if (geteuid() != 0)
		skip();
	snprintf(path, sizeof(path), "%s/who", bed->directory);
	assert_int_equal(control_server_new(path, handle_who, bed, &server), 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(chmod(bed->directory, 0755), 0);
	fd = control_socket_connect(path);
	send_text(fd, "{\"op25b\":1,\"command\":\"who\"}\n");
	for (int i = 0; i < 8; i++)
		control_server_run(server, bed->now_ns);
	assert_non_null(strstr(receive(fd), "[0,false,false,false]"));
	close(fd);
	child = ask_as_somebody(path, "[4240,true,true,false]");
	while (waitpid(child, &status, WNOHANG) == 0)
		control_server_run(server, bed->now_ns);
	assert_int_equal(status, 0);
	control_server_free(server);
}

static atomic_bool serving;

static void *serve(void *argument)
{
	struct bed *bed = argument;

	while (serving) {
		struct pollfd wait = {.fd = control_server_fd(bed->server), .events = POLLIN};

		poll(&wait, 1, 10);
		control_server_run(bed->server, bed->now_ns);
	}
	return NULL;
}

static int call(const char *path, const char *command, int timeout_ms, enum control_error *error,
		json_t **result)
{
	char text[CONTROL_ERROR_TEXT_MAX];
	json_t *request = control_request_new(command);
	int r = control_client_call(path, request, timeout_ms, error, result, text);

	json_decref(request);
	return r;
}

static void test_client_calls(void **state)
{
	struct bed *bed = *state;
	enum control_error error = CONTROL_OK;
	json_t *result = NULL;
	pthread_t thread;

	assert_int_equal(call("/nonexistent/socket", "echo", 100, &error, &result), -ENOENT);
	assert_int_equal(call(bed->path, "echo", 100, &error, &result), -ETIMEDOUT);
	serving = true;
	pthread_create(&thread, NULL, serve, bed);
	assert_int_equal(call(bed->path, "big", 5000, &error, &result), 0);
	assert_int_equal(error, CONTROL_OK);
	assert_int_equal(json_string_length(result), BIG);
	json_decref(result);
	assert_int_equal(call(bed->path, "what", 5000, &error, &result), 0);
	assert_int_equal(error, CONTROL_UNKNOWN_COMMAND);
	assert_null(result);
	serving = false;
	pthread_join(thread, NULL);
}

static void test_client_waits_behind_a_crowd(void **state)
{
	struct bed *bed = *state;
	enum control_error error = CONTROL_OK;
	json_t *result = NULL;
	pthread_t thread;
	int crowd[256];
	size_t count = 0;

	/* Nobody accepts: the kernel takes as many as the backlog holds. */
	while (count < 256 && (crowd[count] = control_socket_connect(bed->path)) >= 0)
		count++;
	assert_in_range(count, 1, 255);
	assert_int_equal(crowd[count], -EAGAIN);
	assert_int_equal(call(bed->path, "what", 50, &error, &result), -ETIMEDOUT);
	while (count > 0)
		close(crowd[--count]);
	serving = true;
	pthread_create(&thread, NULL, serve, bed);
	assert_int_equal(call(bed->path, "what", 5000, &error, &result), 0);
	assert_int_equal(error, CONTROL_UNKNOWN_COMMAND);
	serving = false;
	pthread_join(thread, NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_request_gets_its_reply),
		TEST(test_lines_in_pieces_and_in_heaps),
		TEST(test_bad_requests_are_refused),
		TEST(test_oversized_line_ends_the_connection),
		TEST(test_silent_client_loses_its_place),
		TEST(test_silent_crowd_makes_way),
		TEST(test_who_has_just_asked_keeps_its_place),
		TEST(test_busy_crowd_is_bounded),
		TEST(test_half_closed_client_is_answered),
		TEST(test_answer_may_come_later),
		TEST(test_client_that_left_before_the_answer),
		TEST(test_reader_that_does_not_read),
		TEST(test_socket_mode_and_owner),
		TEST(test_stale_socket_is_replaced_and_files_are_not),
		cmocka_unit_test(test_replies_are_read_back),
		cmocka_unit_test(test_what_is_no_reply_is_refused),
		cmocka_unit_test(test_texts_that_are_no_utf8),
		TEST(test_no_descriptor_left_does_not_spin),
		TEST(test_who_asks_is_known),
		TEST(test_client_calls),
		TEST(test_client_waits_behind_a_crowd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
