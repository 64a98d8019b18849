#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The report page in a real browser, headless: browser.py PAGE_MAKE DIRECTORY. Prints TAP; screenshots go to DIRECTORY.

Shown, clicked, sorted, filtered, by mouse and keyboard; with and without scripts; light and dark, English and Japanese, wide
and narrow; on paper; its contrast measured; and with texts from records that would do harm. Where Chromium, its driver or
python3-selenium are missing, it is skipped.
"""
import base64
import ipaddress
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from selenium import webdriver
    from selenium.webdriver.chrome.options import Options
    from selenium.webdriver.chrome.service import Service
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    webdriver = None

WIDE, NARROW = 1280, 360
WIDTHS = (320, 360, 480, 640, 768, 960, 1024, 1152, 1280, 1366, 1440, 1920)
# Regions that are wider than what is seen of them: whether that is said, and whether their end can be scrolled to.
CUT = r"""
const told = [];
for (const region of document.querySelectorAll(".scroll")) {
	if (!region.checkVisibility() || region.scrollWidth <= region.clientWidth + 1)
		continue;
	const hint = region.previousElementSibling, table = region.querySelector("table");
	const name = `${table ? table.id : "timeline"} at ${innerWidth}`;
	if (!hint || hint.className !== "hint" || !hint.checkVisibility())
		told.push(`${name}: nobody says that there is more`);
	region.scrollLeft = region.scrollWidth;
	const last = table ? table.tHead.rows[0].lastElementChild : region.firstElementChild;
	if (last.getBoundingClientRect().right > region.getBoundingClientRect().right + 1)
		told.push(`${name}: the end cannot be scrolled to`);
	region.scrollLeft = 0;
}
const seen = (id) => { const r = document.getElementById(id); return r.scrollWidth <= r.parentElement.clientWidth + 1; };
const whole = ["talkers", "newcomers", "exempt", "pools", "rules", "reasons", "hosts", "destinations"];
if (innerWidth >= 1280)
	told.push(...whole.filter((id) => !seen(id)).map((id) => `${id} does not fit ${innerWidth}`));
for (const hint of document.querySelectorAll(".hint"))
	if (hint.checkVisibility() && hint.nextElementSibling.scrollWidth <= hint.nextElementSibling.clientWidth + 1)
		told.push(`a hint without need at ${innerWidth}`);
return told;
"""
ROWS = "#talkers tbody tr"
# Every text that can be seen, with the ratio of WCAG 2 between its colour and that of the nearest painted ground.
CONTRAST = r"""
const channel = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const parse = (text) => text.match(/[\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const ground = (element) => {
	for (; element; element = element.parentElement) {
		const colour = parse(getComputedStyle(element).backgroundColor);
		if (colour.length === 3 || colour[3] === 1)
			return colour;
	}
	return matchMedia("(prefers-color-scheme: dark)").matches ? [18, 18, 18] : [255, 255, 255];
};
const low = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
let seen = 0;
while (walker.nextNode()) {
	const element = walker.currentNode.parentElement;
	if (!walker.currentNode.data.trim() || !element.checkVisibility() || element.closest("script, title, desc"))
		continue;
	const style = getComputedStyle(element), svg = element.closest("svg");
	const [a, b] = [light(parse(svg ? style.fill : style.color)), light(ground(svg ? svg.parentElement : element))];
	const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
	seen++;
	if (ratio < 4.5)
		low.push(`${ratio.toFixed(2)} ${element.className} ${walker.currentNode.data.trim().slice(0, 30)}`);
}
return seen > 100 ? low : ["only " + seen + " texts were found"];
"""


# What is drawn, with the same ratio; WCAG 2 asks for 3 where it is to be told apart from the ground.
DRAWN = r"""
const channel = (c) => { c /= 255; return c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4; };
const light = (text) => {
	const [r, g, b] = text.match(/[\d.]+/g).map(Number);
	return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
};
const ground = light(getComputedStyle(document.getElementById("timeline")).backgroundColor);
return Array.from(document.querySelectorAll(".legend rect"), (rect) => {
	const own = light(getComputedStyle(rect).fill);
	return [(Math.max(own, ground) + 0.05) / (Math.min(own, ground) + 0.05), rect.className.baseVal];
}).filter(([ratio]) => ratio < 3).map(([ratio, name]) => `${ratio.toFixed(2)} ${name}`);
"""


class Skip(Exception):
    pass


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

    def equal(self, name, got, wanted):
        self.case(name, [] if got == wanted else [f"{got!r}, not {wanted!r}"])

    def true(self, name, holds):
        self.case(name, [] if holds else ["it is not so"])


def browser(directory, scripts=True):
    options = Options()
    options.binary_location = shutil.which("chromium") or shutil.which("chromium-browser") or ""
    driver = shutil.which("chromedriver")
    if not options.binary_location or not driver:
        raise Skip("chromium or chromedriver is missing")
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     "--no-first-run", "--disable-background-networking", "--lang=en", f"--user-data-dir={directory}"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    if not scripts:
        options.add_experimental_option("prefs", {"profile.managed_default_content_settings.javascript": 2})
    return webdriver.Chrome(options=options, service=Service(driver))


class View:
    """One browser and the pages it is shown."""

    def __init__(self, program, out, scratch, scripts=True):
        self.program, self.out, self.scratch = program, out, scratch
        self.driver = browser(scratch / f"profile-{scripts}", scripts)

    def show(self, kind, language, scheme="light", width=WIDE):
        path = self.scratch / f"{kind}-{language}.html"
        if not path.exists():
            path.write_bytes(subprocess.run([self.program, kind, language], check=True, capture_output=True).stdout)
        self.do("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.do("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.driver.get(path.as_uri())

    def do(self, command, **arguments):
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script, *arguments):
        return self.driver.execute_script(script, *arguments)

    def run_later(self, script):
        """Until the script calls done()."""
        return self.driver.execute_async_script("const done = arguments[arguments.length - 1];" + script)

    def texts(self, selector):
        return self.run("return Array.from(document.querySelectorAll(arguments[0]), (e) => e.textContent.trim())", selector)

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def click(self, selector):
        element = self.find(selector)
        self.run("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()

    def complaints(self):
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def picture(self, name):
        height = self.run("return document.documentElement.scrollHeight")
        width = self.run("return innerWidth")
        data = self.do("Page.captureScreenshot", captureBeyondViewport=True,
                       clip={"x": 0, "y": 0, "width": width, "height": min(height, 6000), "scale": 1})
        (self.out / f"{name}.png").write_bytes(base64.b64decode(data["data"]))


def numbers(view, column):
    return view.run("return Array.from(document.querySelectorAll(arguments[0]), (r) => Number(r.cells[arguments[1]].dataset.v))",
                    ROWS, column)


def test_sorting(tap, view):
    view.show("usual", "en")
    before = numbers(view, 3)
    view.click("#talkers thead th:nth-child(4) button")
    tap.equal("a click on a figure's heading: the largest first", numbers(view, 3), sorted(before, reverse=True))
    tap.equal("the order is told to readers of screens", view.find("#talkers thead th:nth-child(4)").get_attribute("aria-sort"),
              "descending")
    view.find("#talkers thead th:nth-child(4) button").send_keys(Keys.ENTER)
    tap.equal("again, by the keyboard: the smallest first", numbers(view, 3), sorted(before))
    view.click("#talkers thead th:nth-child(1) button")
    keys = view.run("return Array.from(document.querySelectorAll(arguments[0]), (r) => r.cells[0].dataset.v)", ROWS)
    tap.equal("addresses are sorted by value, IPv4 before IPv6", keys, sorted(keys))
    tap.equal("one column at a time is sorted by", len(view.driver.find_elements(By.CSS_SELECTOR, "#talkers [aria-sort]")), 1)
    view.click("#reasons thead th:nth-child(1) button")
    names = view.texts("#reasons tbody th bdi")
    tap.equal("names are sorted as words", names, sorted(names))


def test_orders(tap, view):
    """What a table says of its first order is so, and what is no figure sorts by what it means."""
    view.show("usual", "ja")
    wrong = view.run("""return Array.from(document.querySelectorAll("th[aria-sort]"), (th) => {
	const keys = Array.from(th.closest("table").tBodies[0].rows, (r) => Number(r.cells[th.cellIndex].dataset.v));
	const up = th.getAttribute("aria-sort") === "ascending";
	return keys.every((k, i) => !i || (up ? keys[i - 1] <= k : keys[i - 1] >= k)) ? "" : th.closest("table").id;
})""")
    tap.equal("tables tell the order in which their rows come", [len(wrong) > 6, *filter(None, wrong)], [True])
    view.click("#destinations thead th:nth-child(1) button")
    names = view.texts("#destinations tbody th")
    addresses = sorted(map(ipaddress.ip_address, names), key=lambda address: (address.version, address))
    tap.equal("destinations are sorted by value", names, list(map(str, addresses)))
    view.click("#exempt thead th:nth-child(5) button")
    tap.equal("an exemption without end ends last", view.texts("#exempt tbody td:nth-child(5)")[0], "無期限")
    view.click("#exempt thead th:nth-child(2) button")
    tap.equal("states of exemptions are sorted by urgency", view.texts("#exempt tbody td:nth-child(2)"),
              ["失効", "30日以内に失効", "開始前", "有効"])
    view.click("#talkers thead th:nth-child(2) button")
    tap.true("classes begin with bots", view.texts("#talkers tbody .badge")[0] == "ボット")
    view.do("Accessibility.enable")
    names = [node["name"]["value"] for node in view.do("Accessibility.getFullAXTree")["nodes"]
             if node.get("role", {}).get("value") == "columnheader" and "name" in node]
    tap.equal("readers of screens hear no arrows", [len(names) > 40, *(name for name in names if re.search("[\u2190-\u21ff]", name))], [True])


def shown(view):
    return view.run("return Array.from(document.querySelectorAll(arguments[0])).filter((r) => r.checkVisibility())"
                    ".map((r) => r.textContent)", ROWS)


def test_filters(tap, view):
    view.show("usual", "en")
    whole = len(shown(view))
    listed = whole - 1  # the row of those not told apart is no subscriber
    caption = view.texts("#talkers-c")[0]
    tap.equal("the caption, the counter and the first button count the same",
              [re.findall(r"[\d,]+", caption)[0], view.texts("#top output")[0], view.texts("#top .chip")[0].rsplit(" ", 1)[1]],
              [str(listed), f"Shown: {listed} of the {listed} listed", str(listed)])
    tap.true("what is not counted is said", "none of them" in view.texts("#top .note")[0])
    view.find("body").send_keys("/")
    tap.equal("/ leads to the first filter", view.run("return document.activeElement.type"), "search")
    view.driver.switch_to.active_element.send_keys("2001:db8 BOT")
    rows = shown(view)
    tap.true("rows with both words are left, whatever their case",
             0 < len(rows) < whole and all("2001:db8" in row and "bot" in row for row in rows))
    tap.equal("and counted", view.texts("#top output"), [f"Shown: {len(rows)} of the {whole - 1} listed"])
    view.driver.switch_to.active_element.send_keys("/198.51.100.")
    tap.equal("a / in the filter is a letter", len(shown(view)), 0)
    view.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    tap.equal("Escape brings all rows back", len(shown(view)), whole)
    view.driver.switch_to.active_element.send_keys("198.51.100.66")
    tap.true("a destination finds its subscribers", 0 < len(shown(view)) < whole)
    view.driver.switch_to.active_element.send_keys(Keys.ESCAPE)
    label = view.texts("#top .chip")[1]
    view.click("#top .chip:nth-child(2)")
    tap.equal("a class is left alone, as many as its button says", len(shown(view)), int(label.rsplit(" ", 1)[1]))
    tap.equal("one class at a time", view.run("return Array.from(document.querySelectorAll('#top .chip'), "
                                              "(c) => c.getAttribute('aria-pressed')).filter((p) => p === 'true').length"), 1)
    view.click("#top td details summary")
    tap.true("destinations are unfolded", view.find("#top td details ul").is_displayed())


def test_policy(tap, view):
    """What somebody got into the page would not run."""
    view.show("usual", "en")
    view.complaints()
    view.run("""const script = document.createElement("script");
script.textContent = "window.pwned = 1";
document.body.append(script);
document.body.setAttribute("onclick", "window.pwned = 1");
document.body.click();
document.body.setAttribute("style", "color: red");
const image = document.createElement("img");
image.src = "data:image/gif;base64,R0lGODlhAQABAAAAACw=";
document.body.append(image);""")
    tap.equal("neither scripts nor handlers put in run", view.run("return typeof window.pwned"), "undefined")
    tap.true("styles of attributes do nothing", view.run("return getComputedStyle(document.body).color") != "rgb(255, 0, 0)")
    tap.true("the browser tells of each", len(view.complaints()) >= 3)


def test_hostile(tap, view):
    for language in ("en", "ja"):
        view.show("hostile", language)
        tap.equal(f"hostile texts, {language}: nothing ran", view.run("return typeof window.pwned"), "undefined")
        tap.equal(f"hostile texts, {language}: no element came of them",
                  view.run("return document.querySelectorAll('img, b, main script, [onerror], [onload], [onmouseover]').length"), 0)
        view.run("document.querySelectorAll('thead button').forEach((b) => b.click())")
        tap.equal(f"hostile texts, {language}: nothing ran when sorted", view.run("return typeof window.pwned"), "undefined")
        tap.equal(f"hostile texts, {language}: no complaints", view.complaints(), [])
        tap.true(f"hostile texts, {language}: the page is no wider than its window",
                 view.run("return document.documentElement.scrollWidth <= innerWidth"))
    view.picture("hostile")


def test_looks(tap, view):
    for language in ("en", "ja"):
        for scheme in ("light", "dark"):
            name = f"{language}, {scheme}"
            view.show("usual", language, scheme)
            tap.equal(f"{name}: no complaints, so no violation of the policy", view.complaints(), [])
            tap.case(f"{name}: contrast is AA", view.run(CONTRAST))
            tap.case(f"{name}: what is drawn is seen", view.run(DRAWN))
            view.picture(f"{language}-{scheme}-wide")
            view.show("usual", language, scheme, NARROW)
            tap.true(f"{name}: a narrow page is no wider than its window",
                     view.run("return document.documentElement.scrollWidth <= innerWidth"))
            view.picture(f"{language}-{scheme}-narrow")
    view.run("document.documentElement.style.setProperty('--soft', '#777')")
    tap.true("planted and found: a colour of too little contrast", len(view.run(CONTRAST)) > 10)
    view.show("usual", "en", "light")
    light = view.run("return getComputedStyle(document.body).backgroundColor")
    view.show("usual", "en", "dark")
    tap.true("dark is another colour than light", light != view.run("return getComputedStyle(document.body).backgroundColor"))


def test_widths(tap, view):
    for language in ("en", "ja"):
        problems = []
        for width in WIDTHS:
            view.show("usual", language, width=width)
            view.run_later("requestAnimationFrame(() => requestAnimationFrame(done))")
            problems += view.run(CUT)
        tap.case(f"{language}: no column is cut off without a word, from {WIDTHS[0]} to {WIDTHS[-1]} pixels", problems)
    view.show("usual", "en", width=WIDE)
    view.picture("en-top-1280")


def test_keyboard(tap, view):
    view.show("usual", "en")
    view.find("body").send_keys(Keys.TAB)
    tap.equal("the first stop leads past the contents", view.run("return document.activeElement.className"), "skip")
    tap.true("and is seen", view.run("return document.activeElement.getBoundingClientRect().left >= 0"))
    unreached = view.run("""return Array.from(document.querySelectorAll("button, input, summary, a, .scroll"))
	.filter((e) => e.tabIndex < 0).map((e) => e.outerHTML.slice(0, 80))""")
    tap.equal("everything to be used is a stop", unreached, [])
    unnamed = view.run("""return Array.from(document.querySelectorAll("button, input, summary, a, [role=region], table"))
	.filter((e) => !(e.textContent.trim() || e.labels?.[0]?.textContent.trim()) && !e.getAttribute("aria-labelledby"))
	.map((e) => e.outerHTML.slice(0, 80))""")
    tap.equal("and has a name", unnamed, [])


def empty_pages(path):
    """Pages but the last one that end before their middle."""
    boxes = subprocess.run(["pdftotext", "-bbox", path, "-"], capture_output=True, check=True).stdout.decode()
    pages = re.findall(r'<page width="[0-9.]+" height="([0-9.]+)">(.*?)</page>', boxes, re.DOTALL)
    for number, (height, words) in enumerate(pages[:-1], 1):
        last = max((float(y) for y in re.findall(r'yMax="([0-9.]+)"', words)), default=0)
        if last < float(height) / 2:
            yield f"page {number} ends at {last} of {height}"


def test_print_widths(tap, view):
    """Laid out as wide as A4 paper is, each cell of the subscribers has room for its words."""
    for language in ("en", "ja"):
        view.show("usual", language, width=1061)
        view.do("Emulation.setEmulatedMedia", media="print")
        cut = view.run("""return Array.from(document.querySelectorAll("#talkers :is(th, td, td.met > span)")).filter((e) => e.clientWidth)
	.filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.textContent.slice(0, 40))""")
        tap.equal(f"{language}: on paper no word is cut", cut, [])
        view.do("Emulation.setEmulatedMedia", media="")


def test_paper(tap, view):
    view.show("usual", "ja", "dark")
    data = base64.b64decode(view.do("Page.printToPDF", printBackground=True, preferCSSPageSize=True)["data"])
    (view.out / "report.pdf").write_bytes(data)
    pages = len(re.findall(rb"/Type\s*/Page\b", data))
    tap.true(f"{pages} pages are printed of 46 subscribers, of whom a third has all destinations", data.startswith(b"%PDF-") and 3 <= pages <= 8)
    if shutil.which("pdftotext"):
        text = subprocess.run(["pdftotext", "-layout", view.out / "report.pdf", "-"], capture_output=True, check=True).stdout.decode()
        tap.true("what was folded is on the paper, what is to be clicked is not",
                 "198.51.100.66" in text and "行を絞り込み" not in text)
        tap.case("no page is left half empty", empty_pages(view.out / "report.pdf"))
        tap.true("headings stand on each page that a table goes on to", text.count("最終検出") > 4)
        tap.equal("no address is broken", [name for name in view.texts("#talkers tbody th bdi") if name not in text], [])
        tap.true("a whole table is not said to be part of one", "件を表示" not in text)
        view.run("const i = document.querySelector('#top input'); i.value = 'bot_'; i.dispatchEvent(new Event('input'));")
        filtered = base64.b64decode(view.do("Page.printToPDF", preferCSSPageSize=True)["data"])
        text = subprocess.run(["pdftotext", "-layout", "-", "-"], input=filtered, capture_output=True, check=True).stdout.decode()
        tap.true("of a filtered one it is said how much is printed", text.count("件を表示") == 1)
    tap.equal("and is folded again on the screen", view.run("return document.querySelectorAll('td details[open]').length"), 0)


def test_without_scripts(tap, view):
    view.show("usual", "en")
    tap.equal("without scripts: no buttons that would do nothing",
              len(view.driver.find_elements(By.CSS_SELECTOR, "button, input")), 0)
    tap.equal("without scripts: all rows are there",
              len([row for row in view.driver.find_elements(By.CSS_SELECTOR, ROWS) if row.is_displayed()]), 40)
    view.find("#top td details summary").click()
    tap.true("without scripts: destinations are unfolded", view.find("#top td details ul").is_displayed())
    tap.true("without scripts: the timeline is drawn", view.find("svg.timeline .blocked").size["height"] > 0)
    view.picture("without-scripts")


def main():
    tap = Tap()
    program, out = sys.argv[1], Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    try:
        if webdriver is None:
            raise Skip("python3-selenium is missing")
        with tempfile.TemporaryDirectory() as scratch:
            scripted = (test_sorting, test_orders, test_filters, test_policy, test_hostile, test_looks, test_widths, test_keyboard,
                        test_print_widths, test_paper)
            for tests, scripts in ((scripted, True), ((test_without_scripts,), False)):
                view = View(program, out, Path(scratch), scripts)
                try:
                    for test in tests:
                        test(tap, view)
                finally:
                    view.driver.quit()
    except Skip as reason:
        print(f"1..0 # SKIP {reason}")
        return
    print(f"1..{tap.count}")
    sys.exit(1 if tap.failures or not tap.count else 0)


if __name__ == "__main__":
    main()
