#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The alert rules: alerts.py SOURCE BUILD.

promtool takes the rules, and each fires when it should and not else (alerts.yml, alerts_days.yml). Each says what to do in
English and in Japanese, how bad it is, and where the manual tells more. Every metric that a rule names is in the table of
metrics. Each alert's cases are also shown to fail when that alert can never fire. Prints TAP.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from repo_rules import Tap  # noqa: E402

SKIP = 77
FOREIGN = {"node_textfile_mtime_seconds"}  # metrics of others


def promtool(*arguments):
    result = subprocess.run(["promtool", *map(str, arguments)], capture_output=True, text=True, timeout=60, check=False)
    return [] if result.returncode == 0 else (result.stdout + result.stderr).splitlines() or ["promtool failed"]


def rules_of(text):
    """{name: the rule's lines as one text}"""
    parts = re.split(r"^      - alert: (\w+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2]))


def expression_of(rule):
    return re.search(r"^        expr: (.*?)^        (?:for|labels):", rule, re.MULTILINE | re.DOTALL).group(1)


def never(text, name):
    """The rules, in which this alert can never fire."""
    return text.replace(f"- alert: {name}\n        expr: {expression_of(rules_of(text)[name])}",
                        f"- alert: {name}\n        expr: vector(0) > 1\n")


def metrics_in(expression):
    words = re.findall(r"\b(?:op25b|node)_\w+", re.sub(r"\{[^}]*\}", "", expression))
    return {re.sub(r"_bucket$", "", word) for word in words}


def annotation_problems(name, rule, manual):
    for wanted in (r"^          summary: '.*\S.*'$", r"^          description: >-\n            \S",
                   r"^          description_ja: >-\n            .*[\u3041-\u30ff\u4e00-\u9fff]",
                   r"^          severity: (critical|warning)$",
                   rf"^          runbook: op25b-metrics\(7\), ALERTS, {name}$"):
        if not re.search(wanted, rule, re.MULTILINE):
            yield f"{name} has no {wanted}"
    severity = re.search(r"severity: (\w+)", rule)
    if severity and f"\n*{name}* ({severity.group(1)})\n" not in manual:
        yield f"{name} ({severity.group(1)}) is not in the manual"


def metric_problems(rules, table):
    for name, rule in rules.items():
        found = metrics_in(expression_of(rule))
        if not found:
            yield f"{name} names no metric"
        for metric in sorted(found - table - FOREIGN):
            yield f"{name}: there is no metric {metric}"


def cases_of(tests, name, rules_path):
    """Of the file of cases, those in which this alert fires."""
    head, *cases = re.split(r"^(?=  - name:)", tests, flags=re.MULTILINE)
    kept = [case for case in cases if f'alertname="{name}"' in case]
    return re.sub(r"rule_files: .*", f"rule_files: [{rules_path}]", head) + "".join(kept) if kept else None


def unnoticed(text, tests, name, directory):
    """[] when the cases of this alert fail once it can never fire."""
    rules, cases = directory / "rules.yml", directory / "cases.yml"
    wanted = [kept for kept in (cases_of(file, name, rules) for file in tests) if kept]
    if len(wanted) != 1:
        return [f"{name} fires in the cases of {len(wanted)} files"]
    cases.write_text(wanted[0], encoding="utf-8")
    rules.write_text(never(text, name), encoding="utf-8")
    if promtool("check", "rules", rules):
        return [f"{name}: the planted rules are no rules"]
    return [] if any(name in line for line in promtool("test", "rules", cases)) else [f"{name} is not missed"]


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: alerts.py SOURCE BUILD")
    source, build = Path(sys.argv[1]), Path(sys.argv[2])
    if not shutil.which("promtool"):
        print("1..0 # SKIP promtool is not there (Debian package prometheus)")
        sys.exit(SKIP)
    path, cases = source / "etc/op25b-alerts.yml", [source / f"tests/golden/{name}.yml" for name in ("alerts", "alerts_days")]
    text, tests = path.read_text(encoding="utf-8"), [file.read_text(encoding="utf-8") for file in cases]
    manual = (source / "src/man/op25b-metrics.7.scd.in").read_text(encoding="utf-8")
    rules = rules_of(text)
    names = subprocess.run([build / "src/man/op25b-man-tables", "names"], capture_output=True, text=True, check=True)
    table = set(re.findall(r"^metric \w+ (\w+)$", names.stdout, re.MULTILINE)) | {"up"}
    tap = Tap()
    tap.case("promtool takes the rules", promtool("check", "rules", path))
    tap.case("every alert fires when it should, and not else", promtool("test", "rules", *cases))
    tap.case("there are alerts", [] if len(rules) >= 12 else [str(sorted(rules))])
    tap.case("each says what to do", (line for name, rule in rules.items()
                                      for line in annotation_problems(name, rule, manual)))
    tap.found("planted and found: an alert without a word",
              annotation_problems("Op25bDown", rules["Op25bDown"].replace("description_ja", "x"), manual), "description_ja")
    tap.found("planted and found: an alert that is not in the manual",
              annotation_problems("Planted", rules["Op25bDown"], manual), "not in the manual")
    tap.case("they name metrics that there are", metric_problems(rules, table))
    tap.found("planted and found: a metric that there is not",
              metric_problems({"Op25bDown": rules["Op25bDown"].replace("op25b_up", "op25b_upp")}, table), "op25b_upp")
    with tempfile.TemporaryDirectory() as directory:
        for name in rules:
            tap.case(f"{name} would be missed", unnoticed(text, tests, name, Path(directory)))
    tap.end()


if __name__ == "__main__":
    main()
