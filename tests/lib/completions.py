#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""bash completion against the programs: completions.py SOURCE BUILD.

The completion file is sourced in bash and asked; its options and commands are those of each program's --help. Prints
TAP. The comparison is also shown to fail on planted input.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from man_pages import Build, OVERVIEWS, SKIP, help_commands, help_options, output, planted, program_options
from repo_rules import Tap

ASK = r"""
. "$1" || exit 1
shift
COMP_WORDS=("$@")
COMP_CWORD=$(($# - 1))
function=$(complete -p "${1##*/}" | sed 's/.*-F \([^ ]*\) .*/\1/') && [ -n "$function" ] || exit 1
"$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
printf '%s\n' "${COMPREPLY[@]}"
"""


class Completion:
    def __init__(self, path):
        self.path = path

    def answers(self, *words, directory=None):
        result = subprocess.run(["bash", "--norc", "-c", ASK, "ask", str(self.path), *words], capture_output=True,
                                text=True, encoding="utf-8", cwd=directory, timeout=30, check=False)
        if result.returncode != 0 or result.stderr:
            return [f"bash failed: {result.stderr.strip()}"]
        return result.stdout.split()

    def commands(self, program):
        """Asked where there are no files: op25b-replay takes those, too."""
        with tempfile.TemporaryDirectory() as directory:
            return self.answers(program, "", directory=directory)

    def options(self, program):
        """Those offered before a command, and behind each."""
        found = set(self.answers(program, "-"))
        for command in self.commands(program) if program in ("op25b-log", "op25b-rules", "op25bctl", "op25b-replay") else ():
            found.update(self.answers(program, command, "-"))
        return found


def differences(what, offered, wanted):
    for name in sorted(wanted - offered):
        yield f"{what} {name} is in --help, and not offered"
    for name in sorted(offered - wanted):
        yield f"{what} {name} is offered, and not in --help"


def test_program(tap, completion, name, program):
    text = output(program, "--help").stdout
    options = program_options(name, program)
    tap.case(f"the options of {name}", differences("option", completion.options(name), options))
    planted(tap, f"another option of {name}", differences("option", completion.options(name) | {"--planted"}, options))
    planted(tap, f"a new option of {name}", differences("option", completion.options(name), options | {"--planted"}))
    commands = help_commands(text)
    for command in sorted(commands) if name in OVERVIEWS else ():
        own, _, _ = output(program, command, "--help").stdout.partition("\nAlso (")
        wanted = help_options(name, text.split("\nExamples:")[0]) | help_options(name, own)
        tap.case(f"the options of {name} {command}", differences("option", set(completion.answers(name, command, "-")), wanted))
    if commands:
        tap.case(f"the commands of {name}", differences("command", set(completion.commands(name)), commands))
        planted(tap, f"a new command of {name}",
                differences("command", set(completion.commands(name)), commands | {"planted"}))


def expect(tap, completion, words, wanted, directory=None):
    found = completion.answers(*words, directory=directory)
    tap.case(f"{' '.join(words[:-1])} '{words[-1]}' gives {' '.join(sorted(wanted)) or 'nothing'}",
             [] if sorted(found) == sorted(wanted) else [f"it gives {' '.join(found) or 'nothing'}"])


def test_words(tap, completion):
    expect(tap, completion, ["op25bctl", "s"], {"status", "stats"})
    expect(tap, completion, ["op25bctl", "-p", "status", "e"], {"explain", "exemptions"})
    expect(tap, completion, ["op25bctl", "--policy", "=", "x", "rel"], {"reload"})
    expect(tap, completion, ["op25bctl", "status", ""], set())
    expect(tap, completion, ["op25bctl", "offload", "l"], {"list"})
    expect(tap, completion, ["op25bctl", "status", "--a"], set())
    expect(tap, completion, ["op25bctl", "explain", "192.0.2.1", "192.0.2.2", "--a"], {"--at"})
    tap.case("op25bctl explain --iface 'l' gives lo",
             [] if "lo" in completion.answers("op25bctl", "explain", "--iface", "l") else ["lo is not offered"])
    expect(tap, completion, ["op25b-log", "--since", "-2h", "f"], {"first-seen"})
    expect(tap, completion, ["op25b-log", "top", "--sort", "d"], {"destinations"})
    expect(tap, completion, ["op25b-log", "--output", "n"], {"ndjson"})
    expect(tap, completion, ["op25b-log", "report", "--lang", "j"], {"ja"})
    expect(tap, completion, ["op25b-rules", "generate", "--o"], {"--output"})
    expect(tap, completion, ["op25b-rules", "check", "--o"], set())
    expect(tap, completion, ["op25b-replay", "--output", "j"], {"json", "junit"})
    expect(tap, completion, ["op25bd", "--user", "roo"], {"root"})
    expect(tap, completion, ["/usr/sbin/op25bd", "--us"], {"--user"})


def test_files(tap, completion):
    with tempfile.TemporaryDirectory() as directory:
        (Path(directory) / "monday.pcap").write_text("", encoding="utf-8")
        (Path(directory) / "policies").mkdir()
        (Path(directory) / "policies" / "trial.ini").write_text("", encoding="utf-8")
        expect(tap, completion, ["op25b-replay", "mo"], {"monday.pcap"}, directory)
        expect(tap, completion, ["op25b-replay", "monday.pcap", "po"], {"policies"}, directory)
        expect(tap, completion, ["op25b-replay", "sy"], {"synth"}, directory)
        expect(tap, completion, ["op25b-replay", "monday.pcap", "sy"], set(), directory)
        expect(tap, completion, ["op25b-rules", "-p", "policies/t"], {"policies/trial.ini"}, directory)
        expect(tap, completion, ["op25b-rules", "check", "--policy", "=", "policies/t"], {"policies/trial.ini"},
               directory)
        expect(tap, completion, ["op25b-rules", "check", "--policy", "="], {"monday.pcap", "policies"}, directory)
        expect(tap, completion, ["op25b-rules", "check", "mo"], set(), directory)


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: completions.py SOURCE BUILD")
    if not shutil.which("bash"):
        print("1..0 # SKIP bash is not there")
        sys.exit(SKIP)
    completion = Completion(Path(sys.argv[1]).resolve() / "tools" / "completions" / "op25b")
    programs = Build(Path(sys.argv[2])).programs()
    tap = Tap()
    for name in sorted(programs):
        test_program(tap, completion, name, programs[name])
    test_words(tap, completion)
    test_files(tap, completion)
    tap.end()


if __name__ == "__main__":
    main()
