#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""rules_json.py OP25B_RULES MAN_TABLES SOURCE: op25b-rules dump and generate with --json.

What dump --json says is what dump says, for the example policies and those of tests/golden/policy, and it has every
key of the table. generate --json is JSON in nft's form, the same every time. Prints TAP.
"""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "lib"))
from repo_rules import Tap  # noqa: E402

# The keys whose values are arrays in JSON.
LISTS = {"prefix", "address", "interface", "to", "subscriber_interfaces", "upstream_interfaces"}
SINGLE = ("gateway", "log", "triage")  # sections without a name
WORDS = {"interface", "subscriber_interfaces", "upstream_interfaces"}  # several to a line


def output(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, encoding="utf-8",
                          stdin=subprocess.DEVNULL, timeout=60, check=False)
    return done.stdout


def canonical(text):
    """The canonical print as {section: {name: {key: [values]}}}, with the name "" for [gateway], [log] and [triage]."""
    found, keys = {}, {}
    for line in text.splitlines():
        if line.startswith("["):
            section, _, name = line[1:-1].partition(" ")
            keys = found.setdefault(section, {}).setdefault(name, {})
        elif line:
            key, _, value = line.partition(" = ")
            keys.setdefault(key, []).extend(value.split(" ") if key in WORDS else [value])
    return found


def values(value):
    return value if isinstance(value, list) else [] if value is None else [str(value)]


def same_problems(ini, document):
    """ini: canonical(); document: dump --json."""
    for section, content in document.items():
        named = {"": content} if section in SINGLE else content
        if list(named) != list(ini.get(section, {})):
            yield f"[{section}]: {list(named)}, not {list(ini.get(section, {}))}"
        for name, keys in named.items():
            written = ini.get(section, {}).get(name, {})
            for key in sorted(set(written) - set(keys)):
                yield f"[{section} {name}] has no {key}"
            for key, value in keys.items():
                wanted = [text for text in written.get(key, []) if (key, text) != ("prefix", "none")]
                if values(value) != wanted:
                    yield f"[{section} {name}] {key}: {value}, not {wanted}"
                if isinstance(value, list) != (key in LISTS):
                    yield f"[{section} {name}] {key} is {value}"
    for section in ini:
        if section not in document:
            yield f"no {section}"


def key_problems(names, document):
    """names: what op25b-man-tables names prints. Every key but the lists of files stands in every section of its kind."""
    for line in names.splitlines():
        kind, section, key = line.split()
        if kind != "key":
            continue
        content = document.get(section)
        if content is None:
            yield f"no {section}"
            continue
        for keys in [content] if section in SINGLE else content.values():
            if (key in keys) == (key == "file" and section != "log"):
                yield f"{section}: {key} {'stands there' if key in keys else 'is missing'}"


def nft_problems(document):
    commands = document.get("nftables", [])
    if not commands or "metainfo" not in commands[0]:
        yield "it does not begin with metainfo"
    for command in commands[1:]:
        (verb, what), = command.items()
        (kind, fields), = what.items()
        table = fields.get("name") if kind == "table" else fields.get("table")
        if verb not in ("add", "flush") or (fields.get("family"), table) != ("inet", "op25b"):
            yield f"{command}"
    if not any("queue" in expression for command in commands
               for expression in command.get("add", {}).get("rule", {}).get("expr", [])):
        yield "nothing is queued"


def test_policy(tap, tool, names, policy):
    text = output(tool, "dump", "--json", "-p", policy)
    document = json.loads(text)
    ini = canonical(output(tool, "dump", "-p", policy))
    tap.case(f"{policy.name}: dump --json says what dump says", same_problems(ini, document))
    tap.case(f"{policy.name}: every key is there", key_problems(names, document))
    tap.case(f"{policy.name}: printed twice it is the same",
             [] if output(tool, "dump", "--json", "-p", policy) == text else ["it differs"])
    rules = output(tool, "generate", "--json", "-p", policy)
    gateway = document["gateway"]
    if gateway["offload"] == "yes" and gateway["mode"] == "enforce":
        tap.case(f"{policy.name}: generate --json says that it cannot say offload", [rules] if rules else [])
        return
    tap.case(f"{policy.name}: generate --json is commands for table inet op25b", nft_problems(json.loads(rules)))
    tap.case(f"{policy.name}: generate --json twice",
             [] if output(tool, "generate", "--json", "-p", policy) == rules else ["it differs"])


def test_long_list(tap, tool):
    with tempfile.TemporaryDirectory() as directory:
        prefixes = [f"10.{i // 256}.{i % 256}.{j}/32" for i in range(2000) for j in (1, 8)]
        (Path(directory) / "long.txt").write_text("\n".join(prefixes) + "\n", encoding="utf-8")
        policy = Path(directory) / "long.ini"
        policy.write_text("[gateway]\nfail = open\nunlisted = accept\n[pool p]\nfile = long.txt\nnote = a \"note\" \\ 日本\n"
                          "[inside none]\nprefix = none\n", encoding="utf-8")
        document = json.loads(output(tool, "dump", "--json", "-p", policy))
        got = [prefix.removesuffix("/32") for prefix in document["pool"]["p"]["prefix"]]
        tap.case("the prefixes of a list file are all there",
                 [] if got == [prefix.removesuffix("/32") for prefix in prefixes] else [f"{len(got)} prefixes"])
        tap.case("a text is escaped", [] if document["pool"]["p"]["note"] == 'a "note" \\ 日本' else [str(document)])
        tap.case("none is no prefix", [] if document["inside"]["none"]["prefix"] == [] else ["there is one"])
        target = Path(directory) / "rules.json"
        output(tool, "generate", "--json", "-p", policy, "-o", target)
        tap.case("generate --json --output", nft_problems(json.loads(target.read_text(encoding="utf-8"))))


def test_planted(tap, names, tool, policy):
    ini = canonical(output(tool, "dump", "-p", policy))
    document = json.loads(output(tool, "dump", "--json", "-p", policy))
    del document["gateway"]["fail"]
    tap.found("planted and found: a key missing", key_problems(names, document), "fail is missing")
    tap.found("planted and found: a value missing", same_problems(ini, document), "has no fail")
    document["gateway"]["queue"] = 7
    tap.found("planted and found: another value", same_problems(ini, document), "queue: 7")


def main():
    if len(sys.argv) != 4:
        sys.exit("usage: rules_json.py OP25B_RULES MAN_TABLES SOURCE")
    tool, source = sys.argv[1], Path(sys.argv[3])
    names = output(sys.argv[2], "names")
    tap = Tap()
    tap.case("there are keys", [] if names.count("key ") > 20 else [names])
    policies = sorted([*source.glob("etc/*.ini"), *source.glob("tests/golden/policy/ok-*.ini")])
    for policy in policies:
        test_policy(tap, tool, names, policy)
    test_long_list(tap, tool)
    test_planted(tap, names, tool, policies[0])
    tap.end()


if __name__ == "__main__":
    main()
