/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * op25b-exporter: op25bd's metrics over HTTP. A program of its own, without privileges, so that what talks to the network
 * has no part in the packet process. It knows one path and two methods, and asks the daemon anew each time.
 */
#include "ctl.h"

#include "base/addr.h"
#include "base/cleanup.h"
#include "base/escape.h"
#include "base/exitcode.h"
#include "base/files.h"
#include "base/number.h"
#include "control/client.h"
#include "control/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <microhttpd.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum {
	ASK_MS = 2000, /* Prometheus waits for ten seconds, and requests are answered one after the other */
	CONNECTIONS_MAX = 16,
	CONNECTION_WAIT_S = 5,
	CONNECTION_MEMORY = 16 << 10, /* a request's header must fit */
};

static const char default_policy[] = OP25B_SYSCONFDIR "/op25b/op25b.ini";
static const char default_listen[] = "127.0.0.1:9725";

static const char usage[] =
	"Usage: op25b-exporter [-p POLICY | --socket PATH] [--listen ADDRESS:PORT]\n"
	"\n"
	"Answers GET /metrics with what op25bd tells Prometheus, or with op25b_up 0 where no daemon answers.\n"
	"\n"
	"  -p, --policy POLICY     the policy that names the control socket (default " OP25B_SYSCONFDIR
	"/op25b/op25b.ini)\n"
	"      --socket PATH       the control socket itself\n"
	"      --listen ADDRESS:PORT\n"
	"                          where to listen (default 127.0.0.1:9725); IPv6 as [::1]:9725\n"
	"      --help              print this\n"
	"      --version           print the version\n"
	"\n"
	"Examples:\n"
	"  op25b-exporter --listen [::1]:9725\n"
	"  op25b-exporter --socket /run/op25b/op25bd.sock\n"
	"\n"
	"Exit codes: 0 ended by a signal, 2 usage, 4 the policy cannot be read, 5 the system refused.\n";

struct options {
	const char *policy;
	const char *socket;
	const char *listen;
};

union address {
	struct sockaddr any;
	struct sockaddr_in ip4;
	struct sockaddr_in6 ip6;
};

/* HTTP */

/* text is copied. */
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type, char *text,
			     size_t len, const char *allow)
{
	struct MHD_Response *response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_COPY);
	enum MHD_Result result = MHD_NO;

	if (!response)
		return MHD_NO;
	if (MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, type) == MHD_YES &&
	    (!allow || MHD_add_response_header(response, MHD_HTTP_HEADER_ALLOW, allow) == MHD_YES))
		result = MHD_queue_response(connection, status, response);
	MHD_destroy_response(response);
	return result;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *allow)
{
	char text[] = "op25b-exporter answers GET /metrics\n";

	return reply(connection, status, "text/plain; charset=utf-8", text, sizeof(text) - 1, allow);
}

/* The daemon's answer, the caller's; NULL when there is none. */
static json_t *ask(const char *path)
{
	char message[CONTROL_ERROR_TEXT_MAX];
	enum control_error error = CONTROL_FAILED;
	json_t *request = control_request_new("metrics"), *result = NULL;
	int r = request ? control_client_call(path, request, ASK_MS, &error, &result, message) : -ENOMEM;

	json_decref(request);
	if (r == 0 && error == CONTROL_OK && json_is_string(json_object_get(result, "text")))
		return result;
	json_decref(result);
	return NULL;
}

static enum MHD_Result reply_metrics(struct MHD_Connection *connection, const char *path)
{
	json_t *result = ask(path);
	const json_t *told = json_object_get(result, "text");
	char memory[256], *text = NULL;
	struct out out = out_over(memory, sizeof(memory));
	enum MHD_Result r;

	if (told)
		text = strndup(json_string_value(told), json_string_length(told));
	if (!text)
		metrics_one(&out, METRIC_UP, 0);
	r = reply(connection, MHD_HTTP_OK, METRICS_CONTENT_TYPE, text ? text : memory,
		  text ? strlen(text) : out_len(&out), NULL);
	free(text);
	json_decref(result);
	return r;
}

/* Called when a request's header is there; a body is not waited for. */
static enum MHD_Result answer(void *context, struct MHD_Connection *connection, const char *url,
			      const char *method, const char *version, const char *upload,
			      size_t *upload_size, void **state)
{
	const char *const *path = context;

	if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 && strcmp(method, MHD_HTTP_METHOD_HEAD) != 0)
		return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET, HEAD");
	if (strcmp(url, "/metrics") != 0)
		return refuse(connection, MHD_HTTP_NOT_FOUND, NULL);
	return reply_metrics(connection, *path);
}

/* The command line */

/* "192.0.2.1:9725", "[2001:db8::1]:9725" */
static bool parse_address(const char *text, union address *ret)
{
	const char *colon = strrchr(text, ':');
	bool brackets = text[0] == '[';
	size_t len = colon ? (size_t)(colon - text) : 0;
	struct addr addr;
	uint64_t port;

	if (!colon || number_parse(colon + 1, strlen(colon + 1), 1, UINT16_MAX, &port) != NUMBER_OK ||
	    (brackets && (len < 2 || text[len - 1] != ']')) ||
	    addr_parse(text + brackets, len - 2 * (size_t)brackets, &addr) != ADDR_OK ||
	    brackets != (addr.family == ADDR_IP6))
		return false;
	memset(ret, 0, sizeof(*ret));
	if (brackets) {
		ret->ip6.sin6_family = AF_INET6;
		ret->ip6.sin6_port = htons((uint16_t)port);
		addr_to_bytes(&addr, ret->ip6.sin6_addr.s6_addr);
	} else {
		ret->ip4.sin_family = AF_INET;
		ret->ip4.sin_port = htons((uint16_t)port);
		ret->ip4.sin_addr.s_addr = htonl((uint32_t)addr.lo);
	}
	return true;
}

static int usage_error(void)
{
	fputs("Try 'op25b-exporter --help'.\n", stderr);
	return EXIT_CODE_USAGE;
}

static int print(const char *text)
{
	if (fputs(text, stdout) >= 0 && fflush(stdout) == 0)
		return EXIT_CODE_OK;
	fprintf(stderr, "op25b-exporter: writing the output: %s\n", strerror(errno));
	return EXIT_CODE_SYSTEM;
}

/* -1: go on; else the exit code. */
static int read_options(int argc, char **argv, struct options *options)
{
	static const struct option long_options[] = {
		{"policy", required_argument, NULL, 'p'}, {"socket", required_argument, NULL, 's'},
		{"listen", required_argument, NULL, 'l'}, {"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},      {NULL, 0, NULL, 0},
	};
	int option;

	while ((option = getopt_long(argc, argv, "p:", long_options, NULL)) != -1) {
		if (option == 'p')
			options->policy = optarg;
		else if (option == 's')
			options->socket = optarg;
		else if (option == 'l')
			options->listen = optarg;
		else if (option == 'h')
			return print(usage);
		else if (option == 'v')
			return print("op25b-exporter " OP25B_VERSION "\n");
		else
			return usage_error();
	}
	if (optind == argc)
		return -1;
	fprintf(stderr, "op25b-exporter: \"%s\" is too much\n", argv[optind]);
	return usage_error();
}

/* Only the default policy may be missing or unreadable: then the default socket is asked. An exit code. */
static int find_socket(const struct options *options, char **ret)
{
	int r = 0;

	if (options->socket)
		*ret = strdup(options->socket);
	else
		r = ctl_socket_path(options->policy ? options->policy : default_policy, ret);
	if (r < 0 && r != -ENOMEM && !options->policy)
		*ret = ctl_default_socket();
	if (*ret)
		return EXIT_CODE_OK;
	if (r == 0 || r == -ENOMEM)
		return fputs("op25b-exporter: out of memory\n", stderr), EXIT_CODE_SYSTEM;
	fprintf(stderr, "op25b-exporter: %s: %s\n", options->policy,
		r == -EINVAL ? "not a regular file" : strerror(-r));
	return EXIT_CODE_POLICY;
}

/* The signals are to be blocked: the server's thread takes none. */
static int serve(const union address *address, const char *listen, char *path)
{
	const unsigned ip6 = address->any.sa_family == AF_INET6 ? MHD_USE_IPv6 : 0;
	struct MHD_Daemon *server = MHD_start_daemon(
		MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD | ip6, 0, NULL, NULL, answer, &path,
		MHD_OPTION_SOCK_ADDR, &address->any, MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)CONNECTION_WAIT_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)CONNECTION_MEMORY, MHD_OPTION_END);
	sigset_t set;
	int signal;

	if (!server) {
		fprintf(stderr, "op25b-exporter: listening at %s: %s\n", listen, strerror(errno));
		return EXIT_CODE_SYSTEM;
	}
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigwait(&set, &signal);
	MHD_stop_daemon(server);
	return EXIT_CODE_OK;
}

int main(int argc, char **argv)
{
	struct options options = {.listen = default_listen};
	CLEANUP_FREE char *path = NULL;
	union address address;
	sigset_t set;
	int code;

	files_reserve_standard();
	escape_errors();
	code = read_options(argc, argv, &options);
	if (code >= 0)
		return code;
	if (!parse_address(options.listen, &address)) {
		fprintf(stderr,
			"op25b-exporter: --listen %s: no address and port, as 127.0.0.1:9725 or [::1]:9725\n",
			options.listen);
		return usage_error();
	}
	code = find_socket(&options, &path);
	if (code != EXIT_CODE_OK)
		return code;
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return serve(&address, options.listen, path);
}
