/* SPDX-License-Identifier: GPL-2.0-or-later */
/* By pool, rule, reason, gateway and destination; and the exemptions of the policy. */
#include "report/markup.h"

#include <inttypes.h>
#include <string.h>

static void write_group_name(const struct page *page, const char *name, bool is_reason)
{
	const char *means = is_reason ? report_reason(name, page->language) : NULL;

	page_raw(page, "<th scope=\"row\">");
	if (*name)
		page_name(page, name);
	else
		page_word(page, TEXT_NO_NAME);
	if (!*name)
		means = report_text(TEXT_NO_NAME_MEANS, page->language);
	if (means) {
		page_raw(page, "<p>");
		page_put(page, means);
		page_raw(page, "</p>");
	}
	page_raw(page, "</th>");
}

static void write_groups(const struct page *page, const char *id, enum report_text caption,
			 enum report_text title, const struct report_groups *groups)
{
	const struct table_column columns[] = {{title, COLUMN_TEXT},
					       {TEXT_ATTEMPTS, COLUMN_NUMBER_DOWN},
					       {TEXT_BLOCKED_SHORT, COLUMN_NUMBER},
					       {TEXT_MONITORED_SHORT, COLUMN_NUMBER},
					       {TEXT_SUBSCRIBERS, COLUMN_NUMBER}};

	table_begin(page, id, groups->count > 15 ? TABLE_FILTER : TABLE_SORT, caption, NULL, NULL, columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < groups->count; i++) {
		const struct report_group *group = &groups->rows[i];

		row_begin(page);
		write_group_name(page, group->name, title == TEXT_REASON);
		cell_share(page, group->sums.attempts, page->report->totals.attempts);
		cell_number(page, group->sums.blocked);
		cell_number(page, sums_monitored(&group->sums));
		cell_number(page, group->sums.subscribers);
		row_end(page);
	}
	table_end(page);
}

/* Sorts by its value, as subscribers do. */
static void write_destination(const struct page *page, const char *name)
{
	char key[ADDRESS_KEY_MAX];
	struct addr addr = {0};

	addr_parse(name, strlen(name), &addr);
	address_key(&addr, key);
	fprintf(page->out, "<th scope=\"row\" data-v=\"%s\">", key);
	page_name(page, name);
	page_raw(page, "</th>");
}

static void write_destinations(const struct page *page, const struct report_groups *groups)
{
	static const struct table_column columns[] = {{TEXT_DESTINATION, COLUMN_TEXT},
						      {TEXT_RECORDS, COLUMN_NUMBER_DOWN},
						      {TEXT_SUBSCRIBERS, COLUMN_NUMBER}};
	bool whole = page->report->destinations_since_us <= page->report->since_us;
	char since[TIME_TEXT_MAX];

	table_begin(page, "destinations", groups->count > 15 ? TABLE_FILTER : TABLE_SORT,
		    whole ? TEXT_DESTINATIONS_CAPTION : TEXT_DESTINATIONS_CAPTION_SINCE,
		    time_text(page, page->report->destinations_since_us, false, since), NULL, columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < groups->count; i++) {
		row_begin(page);
		write_destination(page, groups->rows[i].name);
		cell_number(page, groups->rows[i].sums.records);
		cell_number(page, groups->rows[i].sums.subscribers);
		row_end(page);
	}
	table_end(page);
}

static void write_reasons(const struct page *page, const struct report_groups *groups)
{
	write_groups(page, "reasons", TEXT_REASONS_CAPTION, TEXT_REASON, groups);
	page_note(page, TEXT_REASONS_NOTE);
}

void page_groups(const struct page *page)
{
	const struct report *report = page->report;

	if (report->totals.records == 0) {
		page_empty(page, TEXT_NO_RECORDS);
		return;
	}
	page_raw(page, "<div class=\"columns\">\n");
	if (report->pools.count)
		write_groups(page, "pools", TEXT_POOLS, TEXT_POOL, &report->pools);
	if (report->rules.count)
		write_groups(page, "rules", TEXT_RULES_CAPTION, TEXT_RULE, &report->rules);
	if (report->reasons.count)
		write_reasons(page, &report->reasons);
	if (report->hosts.count)
		write_groups(page, "hosts", TEXT_HOSTS_CAPTION, TEXT_GATEWAY, &report->hosts);
	if (report->destinations.count)
		write_destinations(page, &report->destinations);
	page_raw(page, "</div>\n");
}

static void write_begin(const struct page *page, bool has, int64_t us)
{
	if (has)
		cell_time(page, us, false);
	else
		page_raw(page, "<td class=\"w\" data-v=\"0\"><span class=\"none\">&#8211;</span></td>");
}

/* No end is later than every end, and nothing to be passed over: nobody looks at such an exemption again. */
static void write_end(const struct page *page, bool has, int64_t us)
{
	if (has) {
		cell_time(page, us, false);
		return;
	}
	fprintf(page->out, "<td class=\"w\" data-v=\"%" PRId64 "\">", INT64_MAX);
	page_word(page, TEXT_NO_END);
	page_raw(page, "</td>");
}

/* In words, and how many attempts it let pass. */
static void write_use(const struct page *page, const struct report_exemption *exemption)
{
	static const struct {
		const char *class;
		enum report_text text;
	} uses[REPORT_USES] = {
		[REPORT_USE_UNKNOWN] = {"unknown", TEXT_USE_UNKNOWN},
		[REPORT_USE_NONE] = {"client", TEXT_USE_NONE},
		[REPORT_USE_EARLY] = {"unknown", TEXT_USE_EARLY},
		[REPORT_USE_SOME] = {"good", TEXT_USE_SOME},
		[REPORT_USE_MUCH] = {"bot", TEXT_USE_MUCH},
	};

	fprintf(page->out, "<td class=\"w\"><span class=\"badge %s\">", uses[exemption->use].class);
	page_word(page, uses[exemption->use].text);
	page_raw(page, "</span>");
	if (exemption->attempts) {
		page_raw(page, " ");
		page_number(page, exemption->attempts);
	}
	page_raw(page, "</td>");
}

static void write_exemption(const struct page *page, const struct report_exemption *exemption)
{
	static const struct {
		const char *class;
		enum report_text text;
		int rank;
	} states[REPORT_EXEMPTION_STATES] = {
		[REPORT_EXEMPTION_VALID] = {"good", TEXT_STATE_VALID, 4},
		[REPORT_EXEMPTION_FUTURE] = {"unknown", TEXT_STATE_FUTURE, 3},
		[REPORT_EXEMPTION_EXPIRING] = {"client", TEXT_STATE_EXPIRING, 2},
		[REPORT_EXEMPTION_EXPIRED] = {"bot", TEXT_STATE_EXPIRED, 1},
	};

	row_begin(page);
	cell_name(page, exemption->name, true);
	fprintf(page->out, "<td data-v=\"%d\"><span class=\"badge %s\">", states[exemption->state].rank,
		states[exemption->state].class);
	page_word(page, states[exemption->state].text);
	page_raw(page, "</span></td>");
	write_use(page, exemption);
	write_begin(page, exemption->has_from, exemption->from_us);
	write_end(page, exemption->has_until, exemption->until_us);
	cell_name(page, exemption->ticket, false);
	cell_name(page, exemption->owner, false);
	cell_name(page, exemption->reason, false);
	row_end(page);
}

void page_exemptions(const struct page *page)
{
	static const struct table_column columns[] = {
		{TEXT_EXEMPTION, COLUMN_TEXT}, {TEXT_STATE, COLUMN_TEXT}, {TEXT_USE, COLUMN_TEXT},
		{TEXT_FROM, COLUMN_TIME},      {TEXT_UNTIL, COLUMN_TIME}, {TEXT_TICKET, COLUMN_TEXT},
		{TEXT_OWNER, COLUMN_TEXT},     {TEXT_WHY, COLUMN_TEXT}};
	size_t shown = rows_shown(page->report->exemption_count);
	char count[NUMBER_TEXT_MAX], total[NUMBER_TEXT_MAX];

	if (!page->report->has_policy) {
		page_empty(page, TEXT_EXEMPTIONS_UNKNOWN);
		return;
	}
	if (page->report->exemption_count == 0) {
		page_empty(page, TEXT_EXEMPTIONS_NONE);
		return;
	}
	table_begin(page, "exempt", TABLE_FILTER, TEXT_EXEMPTIONS_CAPTION, number_text(shown, count),
		    number_text(page->report->exemption_count, total), columns,
		    sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < shown; i++)
		write_exemption(page, &page->report->exemptions[i]);
	table_end(page);
}
