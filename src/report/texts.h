/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Every word of the page, in each language: one table, so that none is missing in one of them. %1 and %2 are what the
 * page puts in. Reasons have a table of their own, by their names; what triage rests on stands in evidence.c.
 */
#ifndef OP25B_REPORT_TEXTS_H
#define OP25B_REPORT_TEXTS_H

#include "report/report.h"

/* clang-format off */
#define REPORT_TEXTS(TEXT) \
	TEXT(TITLE, "Port 25 block report", "OP25Bレポート（25番ポート遮断状況）") \
	TEXT(PERIOD, "%1 to %2", "%1 〜 %2") \
	TEXT(PERIOD_LABEL, "Period", "対象期間") \
	TEXT(MADE, "Made", "作成日時") \
	TEXT(CLOCK, "Time zone", "タイムゾーン") \
	TEXT(FILTERS, "Filters", "絞り込み条件") \
	TEXT(FILTERS_NONE, "none: all records", "なし（全レコード）") \
	TEXT(SKIP, "Skip to the figures", "本文へ移動") \
	TEXT(CONTENTS, "Contents", "目次") \
	TEXT(HEADLINE, "Overview", "概要") \
	TEXT(ATTEMPTS, "Attempts", "接続試行数") \
	TEXT(ATTEMPTS_LONG, "Connection attempts", "接続試行数") \
	TEXT(BLOCKED, "Packets blocked", "遮断したパケット数") \
	TEXT(MONITORED, "Packets only monitored", "監視のみのパケット数") \
	TEXT(SUBSCRIBERS, "Subscribers", "加入者数") \
	TEXT(FRESH_FIGURE, "First seen in the last day", "直近24時間の新規検出") \
	TEXT(FRESH_NOTE, "subscribers in no earlier record", "それ以前のレコードにない加入者") \
	TEXT(UNJUDGED_FIGURE, "Passed unjudged", "判定なしで通過") \
	TEXT(UNJUDGED_NOTE, "packets of all subscribers, while the gateway failed open", "フェイルオープン中の全加入者のパケット数") \
	TEXT(DROPPED_FIGURE, "Dropped unjudged", "判定なしで破棄") \
	TEXT(DROPPED_NOTE, "packets of all subscribers, queue full or no daemon", "キューあふれ・デーモン停止中の全加入者のパケット数") \
	TEXT(LOST_FIGURE, "Records lost", "欠落レコード数") \
	TEXT(LOST_NOTE, "gaps in their numbers, of all that is stored", "連番の欠番（保存分全体）") \
	TEXT(BEFORE, "%1 (%2 in the period before)", "前期間比%1（前期間 %2）") \
	TEXT(BEFORE_ZERO, "none in the period before", "前期間は0件") \
	TEXT(BEFORE_NONE, "no records of the period before", "前期間のレコードなし") \
	TEXT(TIMELINE, "Timeline", "時系列") \
	TEXT(TIMELINE_TITLE, "Packets to port 25 over time", "25番ポート宛パケット数の推移") \
	TEXT(TIMELINE_DESC, "Bars of %1 each. Most packets in one of them: %2. The table below has all figures.", "%1ごとに集計。1区間の最大は%2パケット。全数値は下の表にあります。") \
	TEXT(TIMELINE_NOTE, "Packets (above) and subscribers (below), a bar for each %1.", "上段：パケット数、下段：加入者数（%1ごとに集計）。") \
	TEXT(TIMELINE_PART, "Bars at the ends are of less time: only part of it is in the period.", "両端の区間のうち、集計対象は対象期間内の部分のみです。") \
	TEXT(TIMELINE_TABLE, "Figures of the timeline", "時系列の数値") \
	TEXT(STEP_DAYS, "%1 d", "%1日") \
	TEXT(STEP_HOURS, "%1 h", "%1時間") \
	TEXT(STEP_MINUTES, "%1 min", "%1分") \
	TEXT(STEP_SECONDS, "%1 s", "%1秒") \
	TEXT(BAR, "%1 packets, %2 subscribers", "%1パケット、加入者%2件") \
	TEXT(LEGEND_BLOCKED, "blocked", "遮断") \
	TEXT(LEGEND_MONITORED, "only monitored", "監視のみ") \
	TEXT(LEGEND_OPEN, "passed unjudged (fail-open)", "判定なしで通過（フェイルオープン）") \
	TEXT(LEGEND_SUBSCRIBERS, "subscribers", "加入者数") \
	TEXT(PACKETS, "Packets", "パケット数") \
	TEXT(BLOCKED_SHORT, "Blocked", "遮断") \
	TEXT(MONITORED_SHORT, "Monitored", "監視のみ") \
	TEXT(FROM, "From", "開始") \
	TEXT(UNTIL, "Until", "終了") \
	TEXT(HEAT, "Hours of the week", "曜日・時間帯別") \
	TEXT(HEAT_CAPTION, "Attempts an hour, mean over the period", "1時間あたりの接続試行数（期間平均）") \
	TEXT(HEAT_CELL, "%1: %2 attempts an hour", "%1：1時間あたり%2回") \
	TEXT(HEAT_SHORT, "%1: less than ten minutes are in the period; attempts in them: %2", "%1：対象期間内は10分未満（接続試行%2回）") \
	TEXT(HEAT_OUTSIDE, "not in the period", "対象期間外") \
	TEXT(HEAT_DAY, "Day", "曜日") \
	TEXT(HEAT_LEGEND, "Attempts an hour:", "1時間あたり：") \
	TEXT(MONDAY, "Mon", "月") \
	TEXT(TUESDAY, "Tue", "火") \
	TEXT(WEDNESDAY, "Wed", "水") \
	TEXT(THURSDAY, "Thu", "木") \
	TEXT(FRIDAY, "Fri", "金") \
	TEXT(SATURDAY, "Sat", "土") \
	TEXT(SUNDAY, "Sun", "日") \
	TEXT(TOP, "Top subscribers", "接続試行の多い加入者") \
	TEXT(TOP_CAPTION, "Listed: %1 of the %2 subscribers of the period, those with most attempts", "対象期間の加入者%2件のうち、接続試行の多い%1件を掲載") \
	TEXT(OVERFLOW_NOTE, "The row \"not told apart\" is none of them: it sums up those for whom the gateway had no room.", "「個別記録なし」の行はこの件数に含みません。上限超過のため個別に記録できなかった加入者の合計です。") \
	TEXT(SUBSCRIBER, "Subscriber", "加入者") \
	TEXT(OVERFLOW, "not told apart (table full)", "個別記録なし（上限超過）") \
	TEXT(CLASS, "Class and evidence", "分類と根拠") \
	TEXT(CLASS_ALL, "All classes", "すべての分類") \
	TEXT(CLASS_UNKNOWN, "unknown", "不明") \
	TEXT(CLASS_BOT, "bot", "ボット") \
	TEXT(CLASS_CLIENT, "misconfigured client", "設定誤り") \
	TEXT(CLASS_SERVER, "server", "サーバー") \
	TEXT(EVIDENCE, "%1 destinations; seen in %2 hours of the day", "宛先%1件、24時間中%2時間帯で検出") \
	TEXT(EVIDENCE_MORE, "in the busiest hour %1 attempts; active in %2 hours", "ピーク時は1時間に%1回、延べ%2時間活動") \
	TEXT(HOURS_TITLE, "Hours of the day with records: %1 of 24", "検出された時間帯：24時間中%1時間帯") \
	TEXT(DESTINATIONS, "Destinations", "宛先数") \
	TEXT(DESTINATIONS_LIST, "latest", "直近の宛先") \
	TEXT(DESTINATIONS_MORE, "and more", "ほか") \
	TEXT(ESTIMATE, "about %1", "約%1") \
	TEXT(WAY, "Pool, rule and reason", "プール・ルール・理由") \
	TEXT(SEVERAL, " (and others)", "（ほかにもあり）") \
	TEXT(FIRST_SEEN, "First seen", "初回検出") \
	TEXT(LAST_SEEN, "Last seen", "最終検出") \
	TEXT(FRESH, "First seen in the last day", "直近24時間の新規検出") \
	TEXT(FRESH_CAPTION, "Listed: %1 of the %2 subscribers in no earlier record", "それ以前のレコードにない加入者%2件のうち%1件を掲載") \
	TEXT(POOLS, "Pools", "プール別") \
	TEXT(POOL, "Pool", "プール") \
	TEXT(RULES, "Pools, rules and reasons", "プール・ルール・理由別") \
	TEXT(RULE, "Rule", "ルール") \
	TEXT(RULES_CAPTION, "Rules", "ルール別") \
	TEXT(REASONS_CAPTION, "Reasons", "理由別") \
	TEXT(REASONS_NOTE, "Attempts and blocked packets of records with several reasons are shared out by packets.", "理由が複数あるレコードの接続試行数と遮断数は、パケット数で按分した値です。") \
	TEXT(REASON, "Reason", "理由") \
	TEXT(HOSTS_CAPTION, "Gateways", "ゲートウェイ別") \
	TEXT(DESTINATIONS_CAPTION, "Destinations in most records", "レコード数の多い宛先") \
	TEXT(DESTINATIONS_CAPTION_SINCE, "Destinations in most records since %1", "レコード数の多い宛先（%1以降）") \
	TEXT(DESTINATION, "Destination", "宛先") \
	TEXT(RECORDS, "Records", "レコード数") \
	TEXT(NO_NAME, "(none)", "（なし）") \
	TEXT(NO_NAME_MEANS, "in none, or not told apart", "該当なし、または個別記録なし") \
	TEXT(EXEMPTIONS, "Exemptions", "適用除外") \
	TEXT(EXEMPTIONS_CAPTION, "Exemptions of the policy: %1 of %2", "ポリシーの適用除外：%2件中%1件") \
	TEXT(EXEMPTIONS_UNKNOWN, "The policy cannot be read here, so nothing is known of exemptions.", "この環境ではポリシーを読めないため、適用除外は不明です。") \
	TEXT(EXEMPTIONS_NONE, "The policy has no exemptions.", "ポリシーに適用除外はありません。") \
	TEXT(EXEMPTION, "Exemption", "適用除外") \
	TEXT(STATE, "State", "状態") \
	TEXT(STATE_VALID, "in force", "有効") \
	TEXT(STATE_FUTURE, "not yet", "開始前") \
	TEXT(STATE_EXPIRING, "ends within 30 days", "30日以内に失効") \
	TEXT(STATE_EXPIRED, "over", "失効") \
	TEXT(USE, "Use", "使用状況") \
	TEXT(USE_UNKNOWN, "not known", "不明") \
	TEXT(USE_NONE, "unused", "未使用") \
	TEXT(USE_EARLY, "too early to say", "判断には早い") \
	TEXT(USE_SOME, "used", "使用中") \
	TEXT(USE_MUCH, "overused", "使用過多") \
	TEXT(TICKET, "Ticket", "チケット") \
	TEXT(OWNER, "Owner", "担当者") \
	TEXT(NO_END, "no end", "無期限") \
	TEXT(WHY, "Why", "事由") \
	TEXT(HEALTH, "Health", "稼働状況・データ欠落") \
	TEXT(HEALTH_GAPS_OK, "No record is missing from the numbers.", "連番に欠番はありません。") \
	TEXT(HEALTH_GAPS_BAD, "%1 records are missing (gaps: %2): the figures here are too low.", "%1件のレコードが欠落しています（欠番%2箇所）。実際の数値はこのページの数値より大きくなります。") \
	TEXT(HEALTH_OPEN_OK, "No packet passed unjudged.", "判定なしで通過したパケットはありません。") \
	TEXT(HEALTH_OPEN_BAD, "%1 packets passed unjudged (periods: %2).", "%1パケットが判定なしで通過しました（発生%2回）。") \
	TEXT(HEALTH_CLOSED_OK, "No packet was dropped unjudged.", "判定なしで破棄したパケットはありません。") \
	TEXT(HEALTH_CLOSED_BAD, "%1 packets were dropped unjudged (periods: %2).", "%1パケットを判定なしで破棄しました（発生%2回）。") \
	TEXT(HEALTH_RULES_OK, "Nobody else changed the rules.", "外部からのルールセット変更はありません。") \
	TEXT(HEALTH_RULES_BAD, "The rules were changed or lost (times: %1).", "ルールセットの変更または消失が%1回ありました。") \
	TEXT(NOTICES_CAPTION, "What the gateways told of themselves: %1 of %2", "ゲートウェイからの通知：%2件中%1件") \
	TEXT(WHAT, "What", "内容") \
	TEXT(GATEWAY, "Gateway", "ゲートウェイ") \
	TEXT(LASTED, "Lasted", "継続時間") \
	TEXT(GOING_ON, "not over", "継続中") \
	TEXT(PASSED, "passed", "通過") \
	TEXT(DROPPED, "dropped", "破棄") \
	TEXT(FATE, "Its packets", "パケットの扱い") \
	TEXT(FAILED_OPEN, "Queue full: failed open", "キューあふれ（フェイルオープン）") \
	TEXT(FAILED_CLOSED, "Queue full: failed closed", "キューあふれ（フェイルクローズ）") \
	TEXT(ABSENT, "No daemon was there", "デーモン停止") \
	TEXT(RULES_CHANGED, "Rules changed by others", "外部からのルールセット変更") \
	TEXT(RULES_BACK, "Rules in order again", "ルールセット復旧") \
	TEXT(RULES_FAILED, "Rules could not be put back", "ルールセット復旧失敗") \
	TEXT(SOURCES_CAPTION, "Numbers of the records, of all that is stored: %1 of %2 runs", "レコードの連番（保存分全体）：起動%2回分のうち%1回分") \
	TEXT(RUN, "Run", "起動ID") \
	TEXT(NUMBERS, "Numbers", "連番の範囲") \
	TEXT(GAPS, "Gaps", "欠番箇所") \
	TEXT(MISSING, "Missing", "欠落数") \
	TEXT(DUPLICATES, "Duplicates", "重複数") \
	TEXT(EMPTY, "Nothing in this period.", "この期間に該当はありません。") \
	TEXT(NO_RECORDS, "No block records in this period.", "この期間の遮断レコードはありません。") \
	TEXT(UNKNOWN_NUMBER, "unknown", "不明") \
	TEXT(FOOT, "Made by %1. Attempts are SYNs without their repetitions; times are those of the records.", "%1で作成。接続試行数は再送を除くSYNパケットの数、時刻はレコードの時刻です。") \
	TEXT(SCRIPT_FILTER, "Filter rows", "行を絞り込み") \
	TEXT(SCRIPT_ROWS, "Shown: %1 of %2 rows", "%2行中%1行を表示") \
	TEXT(SCRIPT_SUBSCRIBERS, "Shown: %1 of the %2 listed", "掲載%2件中%1件を表示") \
	TEXT(SCRIPT_SCROLL, "Wider than the window: scroll sideways to see all of it.", "表示が画面の幅を超えています。横にスクロールしてご覧ください。") \
	TEXT(SCRIPT_CLEAR, "Clear", "解除")
/* clang-format on */

enum report_text {
#define TEXT_NAME(name, english, japanese) TEXT_##name,
	REPORT_TEXTS(TEXT_NAME)
#undef TEXT_NAME
		REPORT_TEXT_COUNT
};

const char *report_text(enum report_text text, enum report_language language);
/* What a reason of the records means, NULL for one that is not known. */
const char *report_reason(const char *name, enum report_language language);

#endif
