#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""http_get.py METHOD HOST PORT PATH: prints the status, the headers, an empty line and the body, as they came."""
import http.client
import sys


def main():
    if len(sys.argv) != 5:
        sys.exit("usage: http_get.py METHOD HOST PORT PATH")
    method, host, port, path = sys.argv[1:]
    connection = http.client.HTTPConnection(host, int(port), timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    print(answer.status)
    for name, value in answer.getheaders():
        print(f"{name}: {value}")
    print()
    print(answer.read().decode(), end="")


if __name__ == "__main__":
    main()
