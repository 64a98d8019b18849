#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What counts as passed, failed and skipped: the closing line of tools/dev/test rests on it."""
import contextlib
import io

from count_results import Count, count_test

CASES = [
    ("a test without cases is one", dict(result="OK"), (1, 0, 0)),
    ("its failure is one", dict(result="FAIL", returncode=1, stderr="broken"), (0, 1, 0)),
    ("cases are counted one by one", dict(result="OK", stdout="1..3\nok 1 - a\nok 2 - b\nok 3\n"), (3, 0, 0)),
    ("a failed case among good ones", dict(result="FAIL", stdout="ok 1 - a\nnot ok 2 - b\n1..2"), (1, 1, 0)),
    ("a skipped case", dict(result="OK", stdout="ok 1 - a # SKIP needs root\nok 2 - b\n1..2"), (1, 0, 1)),
    ("cmocka's skipped case", dict(result="OK", stdout="1..1\nnot ok 1 # SKIP test_a\n"), (0, 0, 1)),
    ("a skipped test", dict(result="SKIP", returncode=77, stdout="1..0 # SKIP needs root\n"), (0, 0, 1)),
    ("a skipped test with its reason on stderr", dict(result="SKIP", returncode=77, stderr="no\n"), (0, 0, 1)),
    ("a crash behind good cases", dict(result="FAIL", returncode=-11, stdout="1..2\nok 1 - a\n"), (1, 1, 0)),
    ("a silent end before the plan is through", dict(result="OK", stdout="1..3\nok 1 - a\n"), (1, 1, 0)),
    ("a time-out", dict(result="TIMEOUT", stdout="ok 1 - a\n"), (1, 1, 0)),
    ("two programs' plans in one output", dict(result="OK", stdout="1..1\nok 1 - a\n1..1\nok 1 - b\n"), (2, 0, 0)),
    ("a line that only begins like a case", dict(result="OK", stdout="okay\n"), (1, 0, 0)),
]


def main():
    failures = 0
    for number, (description, entry, wanted) in enumerate(CASES, 1):
        count = Count()
        with contextlib.redirect_stdout(io.StringIO()):
            count_test({"name": "t", **entry}, count)
        got = (count.passed, count.failed, count.skipped)
        failures += got != wanted
        print(f"{'ok' if got == wanted else 'not ok'} {number} - {description}")
        if got != wanted:
            print(f"# got {got}, wanted {wanted}")
    print(f"1..{len(CASES)}")
    raise SystemExit(1 if failures else 0)


if __name__ == "__main__":
    main()
