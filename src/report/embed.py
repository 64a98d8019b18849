#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes C source of the page's style and script, with the hashes by which the page's Content-Security-Policy allows them.

embed.py STYLE SCRIPT > assets.c
"""
import base64
import hashlib
import re
import sys
from pathlib import Path


def read(path):
    """The text without its leading comment. What would end the element, or is not plain ASCII, is refused."""
    text = re.sub(r"\A/\*.*?\*/\s*", "", Path(path).read_text(encoding="ascii"), flags=re.DOTALL)
    if re.search(r"</|<!--", text):
        sys.exit(f"embed.py: {path}: '</' or '<!--' would end the element it stands in")
    return text.encode("ascii")


def array(name, data):
    lines = [", ".join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    digest = base64.b64encode(hashlib.sha256(data).digest()).decode("ascii")
    return (f"const char {name}[] = {{\n" + ",\n".join(lines) + "};\n"
            f"const size_t {name}_size = sizeof({name});\n"
            f'const char {name}_hash[] = "sha256-{digest}";\n')


def main():
    if len(sys.argv) != 3:
        sys.exit("usage: embed.py STYLE SCRIPT")
    print('/* Made by src/report/embed.py */\n#include "report/assets.h"\n')
    print(array("report_style", read(sys.argv[1])))
    print(array("report_script", read(sys.argv[2])), end="")


if __name__ == "__main__":
    main()
