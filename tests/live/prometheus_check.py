#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A running Prometheus against what etc/ has for it: prometheus_check.py URL COMMAND [ARGUMENT...].

  ready SECONDS            waits until what is scraped of op25bd has a past, so that rates can be told
  dashboard FILE           every expression of the dashboard gives values; the annotations' are understood
  alerts FILE              Prometheus has loaded all rules of the file, evaluates them, and each expression is understood
  query EXPRESSION         the values it gives, one a line
  planted FILE             a dashboard with a misspelt metric, and one with a misspelt expression, are found

Prints what is wrong; the exit code is 1 then.
"""
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

VARIABLES = {"$instance": ".*", "$__rate_interval": "5s"}
PAST_S = 6


class Prometheus:
    def __init__(self, url):
        self.url = url

    def get(self, path, **arguments):
        query = f"?{urllib.parse.urlencode(arguments)}" if arguments else ""
        try:
            with urllib.request.urlopen(f"{self.url}/api/v1/{path}{query}", timeout=10) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            return json.load(error)

    def query(self, expression):
        """(what is wrong, the samples)"""
        answer = self.get("query", query=expression)
        if answer["status"] != "success":
            return [f"{expression}: {answer.get('error')}"], []
        return [], answer["data"]["result"]


def substituted(expression):
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


def panels_of(dashboard):
    for panel in dashboard["panels"]:
        yield panel
        yield from panel.get("panels", [])


def dashboard_problems(prometheus, dashboard):
    count = 0
    for panel in panels_of(dashboard):
        for target in panel.get("targets", []):
            count += 1
            problems, samples = prometheus.query(substituted(target["expr"]))
            yield from problems
            if not problems and not samples:
                yield f"{panel['title']}: {target['expr']} gives nothing"
    for annotation in dashboard["annotations"]["list"]:
        yield from prometheus.query(substituted(annotation["expr"]))[0]
    for variable in dashboard["templating"]["list"]:
        match = re.match(r"label_values\((\w+), (\w+)\)$", variable.get("definition", ""))
        if variable["type"] == "query" and (not match or not prometheus.query(f"{match[1]}{{{match[2]}!=''}}")[1]):
            yield f"the variable {variable['name']} has no values"
    if count < 40:
        yield f"only {count} expressions"


def alert_problems(prometheus, wanted):
    rules = [rule for group in prometheus.get("rules")["data"]["groups"] for rule in group["rules"]]
    if sorted(rule["name"] for rule in rules) != sorted(wanted):
        yield f"loaded are {sorted(rule['name'] for rule in rules)}"
    for rule in rules:
        if rule["health"] != "ok" or rule.get("lastError"):
            yield f"{rule['name']}: {rule['health']}, {rule.get('lastError')}"
        yield from prometheus.query(rule["query"])[0]


def planted_problems(prometheus, dashboard):
    for name, wanted in (("op25b_upp", "gives nothing"), ("op25b_up(", "parse error")):
        text = json.dumps(dashboard).replace("op25b_up{", f"{name}{{", 1)
        if not any(wanted in line for line in dashboard_problems(prometheus, json.loads(text))):
            yield f"not found: {name}"


def wait_for_past(prometheus, seconds):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        try:
            if prometheus.query(f"op25b_packets_dropped_total offset {PAST_S}s > 0")[1]:
                return []
        except (OSError, ValueError):
            pass
        time.sleep(0.3)
    return ["nothing was scraped"]


def problems_of(prometheus, command, argument):
    if command == "ready":
        return wait_for_past(prometheus, float(argument))
    if command == "query":
        problems, samples = prometheus.query(argument)
        for sample in samples:
            print(sample["value"][1])
        return problems
    text = Path(argument).read_text(encoding="utf-8")
    if command == "alerts":
        return alert_problems(prometheus, re.findall(r"^ +- alert: (\w+)$", text, re.MULTILINE))
    check = {"dashboard": dashboard_problems, "planted": planted_problems}[command]
    return check(prometheus, json.loads(text))


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    problems = list(problems_of(Prometheus(sys.argv[1]), *sys.argv[2:]))
    print("\n".join(problems), end="\n" if problems else "")
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
