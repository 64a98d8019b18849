/* SPDX-License-Identifier: GPL-2.0-or-later */
/* op25bctl doctor: interfaces, routes and what the kernel's settings make of packets before the rules. */
#include "doctor.h"

#include "net/route.h"

#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PATH_TEXT_MAX = 128, WRONG_MAX = 200, TOLD_MAX = 20 };

static bool is_bridge_family(const struct doctor *doctor)
{
	return doctor->policy->gateway.family == POLICY_FAMILY_BRIDGE;
}

/* The policy's lists of interfaces: the gateway's two, then one a rule. NULL behind the last. */
static const struct policy_interfaces *interfaces_at(const struct policy *policy, size_t i)
{
	if (i == 0)
		return &policy->gateway.subscriber_interfaces;
	if (i == 1)
		return &policy->gateway.upstream_interfaces;
	return i - 2 < policy->rule_count ? &policy->rules[i - 2].interfaces : NULL;
}

static bool is_there(const struct if_nameindex *names, const char *pattern)
{
	for (; names->if_name; names++)
		if (ifpattern_matches(pattern, names->if_name))
			return true;
	return false;
}

static void tell_absent(struct doctor *doctor, size_t list, const char *pattern)
{
	const struct policy *policy = doctor->policy;
	bool exact = strchr(pattern, '*') == NULL;
	char where[WRONG_MAX];

	if (list < 2)
		snprintf(where, sizeof(where), "[gateway] %s",
			 list == 0 ? "subscriber_interfaces" : "upstream_interfaces");
	else
		snprintf(where, sizeof(where), "[%s %s]", policy_kind_name(policy->rules[list - 2].kind),
			 policy->rules[list - 2].name);
	doctor_find(&doctor->findings, exact ? DOCTOR_PROBLEM : DOCTOR_WARNING,
		    exact ? "there is no such interface" : "no interface matches it now",
		    "bring it up, or correct the policy's name of it (ip link lists what is there)", "%s: %s",
		    where, pattern);
}

void doctor_check_interfaces(struct doctor *doctor)
{
	const struct policy_interfaces *interfaces;
	struct if_nameindex *names;
	size_t named = 0, absent = 0;

	if (!doctor_has_policy(doctor))
		return;
	names = if_nameindex();
	if (!names) {
		doctor_skip(doctor, "interfaces", -errno);
		return;
	}
	for (size_t list = 0; (interfaces = interfaces_at(doctor->policy, list)) != NULL; list++) {
		for (size_t i = 0; i < interfaces->count; i++, named++)
			if (!is_there(names, interfaces->names[i]) && absent++ < TOLD_MAX)
				tell_absent(doctor, list, interfaces->names[i]);
	}
	if (absent == 0)
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "the policy's %zu interface names and patterns: all there", named);
	if_freenameindex(names);
}

/* What would become of the relay's mail. NULL: nothing is wrong. */
static const char *judge_route(const struct policy *policy, const struct policy_rule *relay, int r,
			       const struct route *route, const char **remedy)
{
	*remedy = "correct the route, or the relay's interface in the policy (ip route get ADDRESS)";
	if (r < 0)
		return "there is no route to it";
	if (route->local)
		return "it is an address of this gateway itself";
	if (relay->interfaces.count > 0)
		return policy_interfaces_match(&relay->interfaces, route->interface)
			       ? NULL
			       : "the route back leaves by another interface than the policy names";
	*remedy = "name its interface in its section of the policy";
	return policy_interfaces_match(&policy->gateway.subscriber_interfaces, route->interface)
		       ? "it is behind a subscriber interface, where what it sends is dropped as spoofed"
		       : NULL;
}

/* Whether something is wrong. */
static bool check_relay(struct doctor *doctor, const struct policy_rule *relay, const struct addr *addr)
{
	struct route route = {0};
	const char *wrong, *remedy;
	char text[ADDR_TEXT_MAX];
	int r = route_get(addr, &route);

	addr_format(addr, text);
	if (r < 0 && r != -ENETUNREACH) {
		doctor_skip(doctor, "routes to relays", r);
		return true;
	}
	wrong = judge_route(doctor->policy, relay, r, &route, &remedy);
	if (wrong)
		doctor_find(&doctor->findings, DOCTOR_PROBLEM, wrong, remedy, "[relay %s] %s%s%s",
			    relay->name, text, route.interface[0] ? ": interface " : "", route.interface);
	return wrong != NULL;
}

/* The i-th prefix, IPv4 first. False behind the last. */
static bool prefix_at(const struct policy *policy, size_t i, struct addr *addr, uint16_t *rule, uint8_t *role)
{
	if (i < policy->ip4_count) {
		*addr = addr_ip4(policy->ip4[i].addr);
		*rule = policy->ip4[i].rule;
		*role = policy->ip4[i].role;
		return true;
	}
	i -= policy->ip4_count;
	if (i >= policy->ip6_count)
		return false;
	*addr = addr_ip6(policy->ip6[i].hi, policy->ip6[i].lo);
	*rule = policy->ip6[i].rule;
	*role = policy->ip6[i].role;
	return true;
}

void doctor_check_relays(struct doctor *doctor)
{
	const struct policy *policy = doctor->policy;
	size_t looked = 0, wrong = 0;
	struct addr addr;
	uint16_t rule;
	uint8_t role;

	if (!doctor_has_policy(doctor))
		return;
	if (is_bridge_family(doctor)) {
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "routes to relays: family = bridge, not used");
		return;
	}
	for (size_t i = 0; prefix_at(policy, i, &addr, &rule, &role) && wrong < TOLD_MAX; i++) {
		if (policy->rules[rule].kind != POLICY_RELAY || role != POLICY_ROLE_SOURCE)
			continue;
		looked++;
		wrong += check_relay(doctor, &policy->rules[rule], &addr);
	}
	if (wrong == 0)
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "routes to relays: %zu, each by its relay's interface", looked);
}

static void check_forwarding(struct doctor *doctor, const char *path, const char *setting, const char *remedy)
{
	uint64_t value = 0;
	int r = doctor_read_number(path, &value);

	if (r < 0)
		doctor_skip(doctor, setting, r);
	else if (value == 0)
		doctor_find(&doctor->findings, DOCTOR_PROBLEM, "this system does not forward at all", remedy,
			    "%s 0", setting);
	else
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL, "%s %" PRIu64, setting, value);
}

void doctor_check_forwarding(struct doctor *doctor)
{
	if (!doctor_has_policy(doctor))
		return;
	if (is_bridge_family(doctor)) {
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "forwarding: family = bridge, not used");
		return;
	}
	if (doctor->policy->ip4_count > 0)
		check_forwarding(doctor, "/proc/sys/net/ipv4/ip_forward", "net.ipv4.ip_forward",
				 "sysctl net.ipv4.ip_forward=1, and in /etc/sysctl.d");
	if (doctor->policy->ip6_count > 0)
		check_forwarding(doctor, "/proc/sys/net/ipv6/conf/all/forwarding",
				 "net.ipv6.conf.all.forwarding",
				 "sysctl net.ipv6.conf.all.forwarding=1, and in /etc/sysctl.d");
}

static bool is_subscribers(const struct policy *policy, const char *name)
{
	if (policy_interfaces_match(&policy->gateway.subscriber_interfaces, name))
		return true;
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == POLICY_POOL &&
		    policy_interfaces_match(&policy->rules[i].interfaces, name))
			return true;
	return false;
}

/* Some pool may be behind any interface, so only the way back tells who may use its addresses where. */
static bool has_loose_pool(const struct policy *policy)
{
	for (size_t i = 0; i < policy->rule_count; i++)
		if (policy->rules[i].kind == POLICY_POOL && policy->rules[i].interfaces.count == 0)
			return true;
	return false;
}

static size_t count_subscribers(const struct policy *policy, const struct if_nameindex *names)
{
	size_t count = 0;

	for (; names->if_name; names++)
		count += is_subscribers(policy, names->if_name);
	return count;
}

static void check_source(struct doctor *doctor, const char *interface, bool needed)
{
	char path[PATH_TEXT_MAX];
	uint64_t all = 0, own = 0;
	int r = doctor_read_number("/proc/sys/net/ipv4/conf/all/rp_filter", &all);

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%s/rp_filter", interface);
	if (r == 0)
		r = doctor_read_number(path, &own);
	if (r < 0)
		doctor_skip(doctor, path, r);
	else
		judge_source(&doctor->findings, interface, all, own, needed);
}

void doctor_check_sources(struct doctor *doctor)
{
	struct if_nameindex *names;
	size_t count;
	bool needed;

	if (!doctor_has_policy(doctor))
		return;
	names = if_nameindex();
	if (!names) {
		doctor_skip(doctor, "interfaces", -errno);
		return;
	}
	count = is_bridge_family(doctor) ? 0 : count_subscribers(doctor->policy, names);
	needed = count > 1 && has_loose_pool(doctor->policy);
	if (count == 0)
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "source addresses: no routed interface is named as subscribers'");
	for (size_t i = 0, told = 0; count > 0 && names[i].if_name && told < TOLD_MAX; i++) {
		if (!is_subscribers(doctor->policy, names[i].if_name))
			continue;
		check_source(doctor, names[i].if_name, needed);
		told++;
	}
	if_freenameindex(names);
}

/* True for a setting that is on; one that is not there is off. */
static bool is_on(const char *path)
{
	uint64_t value = 0;

	return doctor_read_number(path, &value) == 0 && value != 0;
}

static bool calls_ip_hooks(const char *bridge)
{
	static const char *const settings[] = {"nf_call_iptables", "nf_call_ip6tables"};
	char path[PATH_TEXT_MAX];
	bool on = is_on("/proc/sys/net/bridge/bridge-nf-call-iptables") ||
		  is_on("/proc/sys/net/bridge/bridge-nf-call-ip6tables");

	for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
		snprintf(path, sizeof(path), "/sys/class/net/%s/bridge/%s", bridge, settings[i]);
		on = on || is_on(path);
	}
	return on;
}

static bool is_bridge(const char *interface)
{
	char path[PATH_TEXT_MAX];

	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", interface);
	return access(path, F_OK) == 0;
}

void doctor_check_bridges(struct doctor *doctor)
{
	struct if_nameindex *names;
	size_t found = 0;

	if (!doctor_has_policy(doctor))
		return;
	names = if_nameindex();
	if (!names) {
		doctor_skip(doctor, "interfaces", -errno);
		return;
	}
	for (size_t i = 0; names[i].if_name && found < TOLD_MAX; i++) {
		if (!is_bridge(names[i].if_name) || !calls_ip_hooks(names[i].if_name))
			continue;
		found++;
		doctor_find(
			&doctor->findings, DOCTOR_WARNING,
			is_bridge_family(doctor)
				? "br_netfilter sends its packets through the IP hooks as well"
				: "br_netfilter sends its packets through the forward hook: they are judged as if routed",
			"sysctl net.bridge.bridge-nf-call-iptables=0 net.bridge.bridge-nf-call-ip6tables=0",
			"bridge %s", names[i].if_name);
	}
	if (found == 0)
		doctor_find(&doctor->findings, DOCTOR_OK, NULL, NULL,
			    "br_netfilter: no bridge whose packets meet the IP hooks");
	if_freenameindex(names);
}
