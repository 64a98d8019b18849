/* SPDX-License-Identifier: GPL-2.0-or-later
 * What the page can do beyond being read: tables are sorted by their headings and filtered by words. Words that it
 * shows stand in attributes of <body>. It makes elements and sets texts, and never parses markup. */
"use strict";
(() => {
	const FEW_ROWS = 8; /* are seen at a glance */
	const words = document.body.dataset;
	const collator = new Intl.Collator(document.documentElement.lang, { numeric: true });

	function make(name, properties, ...children) {
		const element = Object.assign(document.createElement(name), properties);
		element.append(...children);
		return element;
	}

	/* ---- sorting ---- */

	function keyOf(row, index) {
		const cell = row.cells[index];
		return cell.dataset.v ?? cell.textContent.trim();
	}

	function comparison(heading) {
		const index = heading.cellIndex;
		if (heading.dataset.kind !== "text")
			return (a, b) => (Number(keyOf(a, index)) || 0) - (Number(keyOf(b, index)) || 0);
		return (a, b) => {
			const first = keyOf(a, index), second = keyOf(b, index);
			if (a.cells[index].dataset.v === undefined)
				return collator.compare(first, second);
			return first < second ? -1 : Number(first > second);
		};
	}

	/* Figures begin with the largest; equal rows stay in their order either way. */
	function sort(table, heading) {
		const before = heading.getAttribute("aria-sort");
		const first = heading.dataset.kind === "text" ? "ascending" : "descending";
		const other = first === "ascending" ? "descending" : "ascending";
		const order = before === first ? other : first;
		const compare = comparison(heading);
		const sign = order === "ascending" ? 1 : -1;
		const rows = Array.from(table.tBodies[0].rows).sort((a, b) => sign * compare(a, b));
		for (const each of heading.parentElement.cells)
			each.removeAttribute("aria-sort");
		heading.setAttribute("aria-sort", order);
		table.tBodies[0].append(...rows);
	}

	function makeSortable(table) {
		for (const heading of table.tHead.rows[0].cells) {
			const button = make("button", { type: "button" }, ...heading.childNodes);
			button.addEventListener("click", () => sort(table, heading));
			heading.append(button);
		}
	}

	/* ---- filtering ---- */

	function makeFilter(table, withClasses) {
		const rows = Array.from(table.tBodies[0].rows);
		const counted = rows.filter((row) => !("rest" in row.dataset));
		const wordsShown = withClasses ? words.subscribers : words.rows;
		const texts = new Map(rows.map((row) => [row, row.textContent.toLowerCase()]));
		const input = make("input", { type: "search", autocomplete: "off", spellcheck: false, placeholder: words.filter });
		const status = make("output", {});
		const tools = make("div", { className: "tools" }, make("label", {}, make("span", { className: "hidden" }, words.filter), input));
		let shownClass = "";

		function apply() {
			const wanted = input.value.toLowerCase().split(/\s+/).filter(Boolean);
			for (const row of rows) {
				const text = texts.get(row);
				row.hidden = !(wanted.every((word) => text.includes(word)) &&
					(!shownClass || row.dataset.class === shownClass));
			}
			const shown = counted.filter((row) => !row.hidden).length;
			tools.classList.toggle("partial", rows.some((row) => row.hidden));
			status.textContent = wordsShown.replace(/%[12]/g, (mark) => String(mark === "%1" ? shown : counted.length));
		}

		function chips() {
			const group = make("div", { className: "chips" });
			group.setAttribute("role", "group");
			group.setAttribute("aria-labelledby", table.id + "-c");
			const found = new Map([["", words.classes]]);
			for (const row of counted)
				found.set(row.dataset.class, row.querySelector(".badge").textContent);
			for (const [name, label] of found) {
				const count = counted.filter((row) => !name || row.dataset.class === name).length;
				const chip = make("button", { type: "button", className: "chip" }, `${label} ${count}`);
				chip.setAttribute("aria-pressed", String(!name));
				chip.addEventListener("click", () => {
					shownClass = name;
					for (const each of group.children)
						each.setAttribute("aria-pressed", String(each === chip));
					apply();
				});
				group.append(chip);
			}
			return group;
		}

		input.addEventListener("input", apply);
		input.addEventListener("keydown", (event) => {
			if (event.key === "Escape") {
				input.value = "";
				apply();
			}
		});
		if (withClasses)
			tools.append(chips());
		tools.append(status);
		status.setAttribute("aria-live", "polite");
		table.parentElement.before(tools);
		apply();
	}

	for (const table of document.querySelectorAll("table[data-tools]")) {
		const tools = table.dataset.tools.split(" ");
		if (tools.includes("sort"))
			makeSortable(table);
		if (tools.includes("filter") && (tools.includes("classes") || table.tBodies[0].rows.length > FEW_ROWS))
			makeFilter(table, tools.includes("classes"));
	}

	/* ---- what does not fit ---- */

	/* Many browsers hide the scrollbar until one scrolls. */
	function tellOfMore(region) {
		const hint = make("p", { className: "hint", hidden: true }, words.scroll);
		const observer = new ResizeObserver(() => {
			hint.hidden = region.scrollWidth <= region.clientWidth + 1;
		});
		region.before(hint);
		observer.observe(region);
		for (const child of region.children)
			observer.observe(child);
	}

	for (const region of document.querySelectorAll(".scroll"))
		tellOfMore(region);

	/* "/" goes to the first filter, as in the pages of manuals. */
	document.addEventListener("keydown", (event) => {
		if (event.key !== "/" || event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input"))
			return;
		const input = document.querySelector(".tools input");
		if (input) {
			event.preventDefault();
			input.focus();
		}
	});

	/* On paper nothing can be opened. */
	let opened = [];
	addEventListener("beforeprint", () => {
		opened = Array.from(document.querySelectorAll("td details:not([open])"));
		for (const each of opened)
			each.open = true;
	});
	addEventListener("afterprint", () => {
		for (const each of opened)
			each.open = false;
	});
})();
