#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The report page as a file: page.py PAGE_MAKE SOURCE. Prints TAP.

What a parser sees: well-formed HTML, no style or handler in attributes, nothing from elsewhere, hashes that are those of the
style and script, references that lead somewhere, texts of records as texts; and the table of texts in both languages.
"""
import base64
import datetime
import hashlib
import re
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path

try:
    import html5lib
except ImportError:
    html5lib = None

VOID = {"meta", "br", "hr", "img", "input", "link", "path", "rect"}
MARK = re.compile(r"%\d")
JAPANESE = re.compile("[\u3040-\u30ff\u4e00-\u9fff]")
HOSTILE = ["<script>window.pwned=1</script>", "\"><img src=x onerror=window.pwned=1>", "' onmouseover='window.pwned=1' x='",
           "</style><script>window.pwned=1</script>", "</title></svg><svg onload=window.pwned=1>", "<!--", "]]><b>&lt;",
           "\\u202egnp.exe\\u2066 \\x1b[31mred\\x07\\x01", "\\xff\\xfe\\xc0\\xaf\\xed\\xa0\\x80 bad \\xf4\\x90\\x80\\x80 bytes \\xe3\\x81",
           "javascript:window.pwned=1//\"'`", "dyn\\u200bamic\\ufeff\\u00ad\\u2060\\U000e0041\\u3164"]
INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
                       "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U000e0000-\U0010ffff]")


class Page(HTMLParser):
    """Every element with its attributes and the text in it, and what is wrong with their nesting."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.elements = []  # (tag, attributes, [texts])
        self.open = []
        self.problems = []
        self.order = []  # tags as they begin
        self.feed(text)
        self.close()
        self.problems += [f"<{element[0]}> is not closed" for element in self.open]

    def handle_starttag(self, tag, attrs):
        element = (tag, dict(attrs), [])
        if len(element[1]) != len(attrs):
            self.problems.append(f"<{tag}> has an attribute twice")
        self.elements.append(element)
        self.order.append(tag)
        if tag not in VOID:
            self.open.append(element)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs), []))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            self.problems.append(f"</{tag}> where {self.open[-1][0] if self.open else 'nothing'} is open")
        else:
            self.open.pop()

    def handle_comment(self, data):
        self.problems.append(f"a comment: {data[:40]}")

    def handle_data(self, data):
        for element in self.open:
            element[2].append(data)

    def all(self, tag):
        return [element for element in self.elements if element[0] == tag]

    def text(self, element):
        return "".join(element[2])


class Tap:
    def __init__(self):
        self.count = self.failures = 0

    def case(self, name, problems):
        problems = list(problems)
        self.count += 1
        self.failures += bool(problems)
        print(f"{'not ok' if problems else 'ok'} {self.count} - {name}", flush=True)
        for problem in problems[:20]:
            print(f"# {problem}", file=sys.stderr)

    def end(self):
        print(f"1..{self.count}")
        sys.exit(1 if self.failures or not self.count else 0)


def made(program, *arguments):
    return subprocess.run([program, *arguments], check=True, capture_output=True).stdout.decode("utf-8")


def digest(text):
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode("utf-8")).digest()).decode("ascii")


def policy_problems(page):
    """The Content-Security-Policy allows this style and this script and nothing else."""
    metas = [attributes.get("content", "") for _, attributes, _ in page.all("meta")
             if attributes.get("http-equiv", "").lower() == "content-security-policy"]
    if len(metas) != 1 or len(page.all("style")) != 1 or len(page.all("script")) != 1:
        yield "there must be one policy, one style and one script"
        return
    wanted = {"default-src": "'none'", "style-src": f"'{digest(page.text(page.all('style')[0]))}'",
              "script-src": f"'{digest(page.text(page.all('script')[0]))}'", "base-uri": "'none'", "form-action": "'none'"}
    told = dict(part.strip().split(" ", 1) for part in metas[0].split(";"))
    if told != wanted:
        yield f"the policy is {told}, not {wanted}"
    if page.order.index("meta") > page.order.index("style"):
        yield "the policy comes after the style"


def attribute_problems(page):
    ids = [attributes["id"] for _, attributes, _ in page.elements if "id" in attributes]
    if len(ids) != len(set(ids)):
        yield f"ids stand twice: {sorted(name for name in ids if ids.count(name) > 1)}"
    for tag, attributes, _ in page.elements:
        for name, value in attributes.items():
            if name == "style" or name.startswith("on") or name in ("src", "srcset", "action", "formaction", "data", "xlink:href"):
                yield f"<{tag} {name}={value!r}>"
            if name == "href" and not (value.startswith("#") and value[1:] in ids):
                yield f"<{tag} href={value!r}> leads nowhere"
            if name == "aria-labelledby" and not set(value.split()) <= set(ids):
                yield f"<{tag} aria-labelledby={value!r}> names what is not there"
        if tag in ("img", "iframe", "object", "embed", "form", "link", "base", "image", "use", "foreignobject"):
            yield f"<{tag}>"


class Rows(HTMLParser):
    """How many cells each row of each table has; a table has no other table in it."""

    def __init__(self, text):
        super().__init__()
        self.tables = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.tables[-1].append(0)
        elif tag in ("td", "th"):
            self.tables[-1][-1] += 1
            if tag == "th" and dict(attrs).get("scope") not in ("row", "col"):
                self.tables[-1][-1] = -1000


def structure_problems(page, text, language):
    yield from page.problems
    if page.all("html")[0][1].get("lang") != language:
        yield "the language is not told"
    for tag in ("h1", "main", "title", "nav"):
        # An <svg> has titles of its own.
        if tag != "title" and len(page.all(tag)) != 1:
            yield f"{len(page.all(tag))} <{tag}>"
    for rows in Rows(text).tables:
        if len(set(rows)) != 1 or rows[0] < 2:
            yield f"cells of the rows: {sorted(set(rows))}"
    for svg in page.all("svg"):
        if svg[1].get("role") != "img" and svg[1].get("aria-hidden") != "true":
            yield f"an image that says nothing: {svg[1]}"


def strict_problems(text):
    parser = html5lib.HTMLParser(strict=False)
    parser.parse(text)
    for position, code, details in parser.errors:
        yield f"{position}: {code} {details}"


def text_problems(program):
    """Each text is there in both languages, with the same marks; the Japanese one is Japanese."""
    for line in made(program, "texts").splitlines():
        english, japanese = line.split("\t")
        if not english.strip() or not japanese.strip():
            yield f"missing: {line}"
        if sorted(MARK.findall(english)) != sorted(MARK.findall(japanese)):
            yield f"other marks: {line}"
        if re.search("[a-z]{2}", english) and not JAPANESE.search(japanese) and not MARK.search(japanese):
            yield f"not Japanese: {line}"


def hostile_problems(page):
    told = [page.text(element) for element in page.elements if element[0] == "bdi"]
    for text in HOSTILE:
        if text not in told:
            yield f"not shown as it is: {text!r}"
    everything = "".join("".join(element[2]) for element in page.all("body"))
    if INVISIBLE.search(everything):
        yield f"what nobody sees came through: {sorted(set(INVISIBLE.findall(everything)))!a}"


def heat_problems(text):
    """An hour that is there in part is divided by that part; figures are rounded, not cut."""
    for cell in ('title="Sat 11:00: 3,060 attempts an hour">3.1k<', 'title="Sun 11:00: 1,856 attempts an hour">1.9k<',
                 'class="h-" title="Fri 11:00: less than ten minutes are in the period; attempts in them: 7"><span class="hidden">Fri',
                 'class="h-" title="not in the period"><span class="hidden">not in the period<'):
        if text.count(cell) != 1:
            yield f"not there once: {cell}"
    cells = [(int(number.replace(",", "")), int(level)) for level, number in
             re.findall(r'class="h([0-6])" title="[A-Z][a-z]{2} \d\d:00: ([\d,]+) attempts an hour"', text)]
    means = [mean for mean, _ in cells if mean]
    most = max(means)
    least = min(*means, most // 2)
    for mean, level in cells:
        # Each level is as many times the one before, so that one hour of a flood leaves the others apart.
        wanted = mean and next(step for step in range(6, 0, -1) if step == 1 or mean >= int(least * (most / least) ** ((step - 1) / 6)))
        if level != wanted:
            yield f"{mean} is of level {level}, not {wanted}, between {least} and {most}"


def axis_problems(text, language):
    """Weeks of a long timeline begin on Mondays, its bars take most of the room, and short ones at its ends are explained."""
    drawing = text[text.index('class="timeline"'):text.index("</svg>", text.index('class="timeline"'))]
    marks = re.findall(r'class="x"[^>]*>([^<]*)<', drawing)
    days = [datetime.date(2026, *map(int, re.split("[-/]", mark))).strftime("%A") for mark in marks]
    if len(days) < 6 or set(days) != {"Monday"}:
        yield f"marks: {marks}: {days}"
    highest = max(int(found.replace(",", "")) for found in re.findall("<title>[^<]* ([0-9,]+)(?: packets|パケット)", drawing))
    top = re.findall(r'class="y"[^>]*>(\d+)k<', drawing)
    if not 0.6 <= highest / 1000 / max(map(int, top[:5])) <= 1:
        yield f"{highest} under {top}"
    for part in ("2日ごと", "両端") if language == "ja" else ("for each 2 d.", "less time"):
        if part not in text:
            yield f"not said: {part}"


def shown_texts(page):
    return "\n".join(" ".join(element[2]) for element in page.elements if element[0] in ("th", "td", "dd", "p", "h1", "h2", "h3", "time", "text"))


def japanese_problems(page):
    """Dates, figures and signs as they are written in Japan, and one word for one thing."""
    texts = shown_texts(page)
    yield from (f"a date: {found}" for found in re.findall(r"\d{4}-\d\d-\d\d.{0,6}", texts))
    yield from (f"no commas: {found}" for found in re.findall(r"(?<![\w./:-])\d{4,}(?=件|回|パケット)", texts))
    if not re.search(r"\d{4}年\d{1,2}月\d{1,2}日（[月火水木金土日]）\d\d:\d\d 〜 ", texts):
        yield "the period has no date in words"
    if not re.search(r"\d{4}/\d\d/\d\d \d\d:\d\d", texts):
        yield "no table has a date"


def wording_problems(program):
    for line in made(program, "texts", "ja").splitlines():
        japanese = line.split("\t")[1]
        if re.search("[(),;!?]|: ?|ブロック|ポート25|利用者|契約者", japanese):
            yield japanese


def embed_problems(source):
    """Style and script that would end their element are refused."""
    with tempfile.TemporaryDirectory() as directory:
        good, bad = Path(directory) / "a.css", Path(directory) / "a.js"
        good.write_text("a{}\n", encoding="ascii")
        for text in ('"</script>"\n', '"<!--"\n', '"\u3042"\n'):
            bad.write_text(text, encoding="utf-8")
            result = subprocess.run([sys.executable, source / "src/report/embed.py", good, bad], capture_output=True, check=False)
            if result.returncode == 0:
                yield f"taken: {text!r}"


def main():
    program, source = sys.argv[1], Path(sys.argv[2])
    tap = Tap()
    tap.case("every text is there in both languages", text_problems(program))
    for kind in ("usual", "hostile", "empty"):
        for language in ("en", "ja"):
            text = made(program, kind, language)
            page = Page(text)
            name = f"{kind}, {language}"
            tap.case(f"{name}: elements, rows and images", structure_problems(page, text, language))
            tap.case(f"{name}: no attribute does or fetches anything", attribute_problems(page))
            tap.case(f"{name}: the policy holds the hashes of style and script", policy_problems(page))
            if html5lib:
                tap.case(f"{name}: a parser of HTML5 has nothing to say", strict_problems(text))
            tap.case(f"{name}: the same bytes again", [] if text == made(program, kind, language) else ["differs"])
            if kind == "hostile":
                tap.case(f"{name}: texts of records are texts", hostile_problems(page))
    usual = made(program, "usual", "en")
    tap.case("hours of the week", heat_problems(usual))
    for language in ("en", "ja"):
        tap.case(f"a long timeline, {language}", axis_problems(made(program, "long", language), language))
    tap.case("a short timeline begins and ends with whole bars", ["said otherwise"] if "less time" in usual else [])
    tap.case("figures in sentences have commas", [] if "about 3,210 destinations" in usual else ["not there"])
    tap.case("Japanese dates and figures", japanese_problems(Page(made(program, "usual", "ja"))))
    tap.case("Japanese words and signs", wording_problems(program))
    tap.case("the title has the period", [] if re.search(r"<title>[^<]* \d{4}-\d\d-\d\d \d\d:\d\d to ", usual) else ["not there"])
    planted = Page(usual.replace("var(--ink)", "var(--red)", 1))
    tap.case("planted and found: another style", [] if list(policy_problems(planted)) else ["not found"])
    planted = Page(usual.replace("<main>", "<main style='x'>", 1))
    tap.case("planted and found: a style in an attribute", [] if list(attribute_problems(planted)) else ["not found"])
    tap.case("what would end its element is not embedded", embed_problems(source))
    tap.end()


if __name__ == "__main__":
    main()
