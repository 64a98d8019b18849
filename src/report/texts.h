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
	TEXT(TITLE, "Port 25 block report", "ポート25ブロック レポート") \
	TEXT(PERIOD, "%1 to %2", "%1 〜 %2") \
	TEXT(PERIOD_LABEL, "Period", "対象期間") \
	TEXT(MADE, "Made", "作成日時") \
	TEXT(CLOCK, "Clock", "時刻表示") \
	TEXT(FILTERS, "Filters", "絞り込み条件") \
	TEXT(FILTERS_NONE, "none: all records", "なし（全レコード）") \
	TEXT(SKIP, "Skip to the figures", "本文へ移動") \
	TEXT(CONTENTS, "Contents", "目次") \
	TEXT(HEADLINE, "Overview", "概要") \
	TEXT(ATTEMPTS, "Attempts", "接続試行") \
	TEXT(ATTEMPTS_LONG, "Connection attempts", "接続試行") \
	TEXT(BLOCKED, "Packets blocked", "ブロックしたパケット") \
	TEXT(MONITORED, "Packets only monitored", "監視のみのパケット") \
	TEXT(SUBSCRIBERS, "Subscribers", "加入者") \
	TEXT(FRESH_FIGURE, "New in the last day", "直近24時間の新規加入者") \
	TEXT(FRESH_NOTE, "never in the records before", "過去のレコードに記録なし") \
	TEXT(UNJUDGED_FIGURE, "Passed unjudged", "判定なしで通過") \
	TEXT(UNJUDGED_NOTE, "packets, while the gateway failed open", "フェイルオープン中のパケット") \
	TEXT(DROPPED_FIGURE, "Dropped unjudged", "判定なしで破棄") \
	TEXT(DROPPED_NOTE, "packets, queue full or no daemon", "キュー溢れ・デーモン停止中のパケット") \
	TEXT(LOST_FIGURE, "Records lost", "欠落レコード") \
	TEXT(LOST_NOTE, "gaps in their numbers, of all that is stored", "連番の欠け（保存分全体）") \
	TEXT(BEFORE, "%1 (%2 in the period before)", "%1（前期間 %2）") \
	TEXT(BEFORE_ZERO, "none in the period before", "前期間は0件") \
	TEXT(BEFORE_NONE, "no records of the period before", "前期間のレコードなし") \
	TEXT(TIMELINE, "Timeline", "時系列") \
	TEXT(TIMELINE_TITLE, "Packets to port 25 over time", "ポート25宛パケットの推移") \
	TEXT(TIMELINE_DESC, "Bars of %1 each. Most packets in one of them: %2. The table below has all figures.", "棒1本は%1。最大値は%2パケット。全数値は下の表にあります。") \
	TEXT(TIMELINE_TABLE, "Figures of the timeline", "時系列の数値") \
	TEXT(STEP_DAYS, "%1 d", "%1日") \
	TEXT(STEP_HOURS, "%1 h", "%1時間") \
	TEXT(STEP_MINUTES, "%1 min", "%1分") \
	TEXT(STEP_SECONDS, "%1 s", "%1秒") \
	TEXT(BAR, "%1 packets, %2 subscribers", "%1パケット、%2加入者") \
	TEXT(LEGEND_BLOCKED, "blocked", "ブロック") \
	TEXT(LEGEND_MONITORED, "only monitored", "監視のみ") \
	TEXT(LEGEND_OPEN, "passed unjudged (fail-open)", "判定なしで通過（フェイルオープン）") \
	TEXT(LEGEND_SUBSCRIBERS, "subscribers", "加入者数") \
	TEXT(PACKETS, "Packets", "パケット") \
	TEXT(BLOCKED_SHORT, "Blocked", "ブロック") \
	TEXT(MONITORED_SHORT, "Monitored", "監視のみ") \
	TEXT(FROM, "From", "開始") \
	TEXT(UNTIL, "Until", "終了") \
	TEXT(HEAT, "Hours of the week", "曜日・時間帯") \
	TEXT(HEAT_CAPTION, "Attempts an hour, mean over the period", "1時間あたりの接続試行（期間平均）") \
	TEXT(HEAT_CELL, "%1: %2 attempts an hour", "%1：1時間あたり%2回") \
	TEXT(HEAT_SHORT, "%1: less than ten minutes are in the period; attempts in them: %2", "%1：対象期間内は10分未満（接続試行%2回）") \
	TEXT(HEAT_OUTSIDE, "not in the period", "対象期間外") \
	TEXT(HEAT_DAY, "Day", "曜日") \
	TEXT(HEAT_LEGEND, "Attempts an hour:", "1時間あたり:") \
	TEXT(MONDAY, "Mon", "月") \
	TEXT(TUESDAY, "Tue", "火") \
	TEXT(WEDNESDAY, "Wed", "水") \
	TEXT(THURSDAY, "Thu", "木") \
	TEXT(FRIDAY, "Fri", "金") \
	TEXT(SATURDAY, "Sat", "土") \
	TEXT(SUNDAY, "Sun", "日") \
	TEXT(TOP, "Top subscribers", "上位の加入者") \
	TEXT(TOP_CAPTION, "Listed: %1 of the %2 subscribers of the period, those with most attempts", "対象期間の加入者%2件のうち、接続試行の多い%1件を掲載") \
	TEXT(OVERFLOW_NOTE, "The row \"not told apart\" is none of them: it sums up those for whom the gateway had no room.", "「個別記録なし」の行はこの件数に含みません。上限超過のため個別に記録できなかった加入者の合計です。") \
	TEXT(SUBSCRIBER, "Subscriber", "加入者") \
	TEXT(OVERFLOW, "not told apart (table full)", "個別記録なし（上限超過）") \
	TEXT(CLASS, "Class and evidence", "分類と根拠") \
	TEXT(CLASS_ALL, "All classes", "すべての分類") \
	TEXT(CLASS_UNKNOWN, "unknown", "不明") \
	TEXT(CLASS_BOT, "bot", "ボット") \
	TEXT(CLASS_CLIENT, "misconfigured client", "設定ミス") \
	TEXT(CLASS_SERVER, "server", "サーバー") \
	TEXT(EVIDENCE, "%1 destinations; seen in %2 hours of the day", "宛先%1件、24時間中%2の時間帯で検出") \
	TEXT(EVIDENCE_MORE, "in the busiest hour %1 attempts; active in %2 hours", "最多の1時間に%1回、のべ%2時間に活動") \
	TEXT(HOURS_TITLE, "Hours of the day with records: %1 of 24", "レコードのある時間帯：24時間中%1") \
	TEXT(DESTINATIONS, "Destinations", "宛先") \
	TEXT(DESTINATIONS_LIST, "latest", "直近の宛先") \
	TEXT(DESTINATIONS_MORE, "and more", "ほか") \
	TEXT(ESTIMATE, "about %1", "約%1") \
	TEXT(WAY, "Pool, rule and reason", "プール・ルール・理由") \
	TEXT(SEVERAL, "and others", "ほかにもあり") \
	TEXT(FIRST_SEEN, "First seen", "初検出") \
	TEXT(LAST_SEEN, "Last seen", "最終検出") \
	TEXT(FRESH, "First seen in the last day", "直近24時間の新規") \
	TEXT(FRESH_CAPTION, "Listed: %1 of the %2 subscribers in no earlier record", "それ以前に記録のない加入者%2件のうち%1件を掲載") \
	TEXT(POOLS, "Pools", "プール") \
	TEXT(POOL, "Pool", "プール") \
	TEXT(RULES, "Rules and reasons", "ルールと理由") \
	TEXT(RULE, "Rule", "ルール") \
	TEXT(RULES_CAPTION, "Rules", "ルール") \
	TEXT(REASONS_CAPTION, "Reasons", "理由") \
	TEXT(REASON, "Reason", "理由") \
	TEXT(HOSTS_CAPTION, "Gateways", "ゲートウェイ") \
	TEXT(DESTINATIONS_CAPTION, "Destinations in most records", "レコード数の多い宛先") \
	TEXT(DESTINATIONS_CAPTION_SINCE, "Destinations in most records since %1", "レコード数の多い宛先（%1以降）") \
	TEXT(DESTINATION, "Destination", "宛先") \
	TEXT(RECORDS, "Records", "レコード") \
	TEXT(NO_NAME, "(none)", "（なし）") \
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
	TEXT(USE, "Use", "利用状況") \
	TEXT(USE_UNKNOWN, "not known", "不明") \
	TEXT(USE_NONE, "unused", "未使用") \
	TEXT(USE_SOME, "used", "使用中") \
	TEXT(USE_MUCH, "overused", "過剰使用") \
	TEXT(TICKET, "Ticket", "チケット") \
	TEXT(OWNER, "Owner", "担当") \
	TEXT(WHY, "Why", "事由") \
	TEXT(HEALTH, "Health", "健全性") \
	TEXT(HEALTH_GAPS_OK, "No record is missing from the numbers.", "連番に欠落はありません。") \
	TEXT(HEALTH_GAPS_BAD, "%1 records are missing (gaps: %2): the figures here are too low.", "%1件のレコードが欠落しています（%2箇所）。実際の数値はこのページより大きくなります。") \
	TEXT(HEALTH_OPEN_OK, "No packet passed unjudged.", "判定なしで通過したパケットはありません。") \
	TEXT(HEALTH_OPEN_BAD, "%1 packets passed unjudged (periods: %2).", "%1パケットが判定なしで通過しました（%2期間）。") \
	TEXT(HEALTH_CLOSED_OK, "No packet was dropped unjudged.", "判定なしで破棄したパケットはありません。") \
	TEXT(HEALTH_CLOSED_BAD, "%1 packets were dropped unjudged (periods: %2).", "%1パケットを判定なしで破棄しました（%2期間）。") \
	TEXT(HEALTH_RULES_OK, "Nobody else changed the rules.", "ルールセットの外部からの変更はありません。") \
	TEXT(HEALTH_RULES_BAD, "The rules were changed or lost (times: %1).", "ルールセットの変更または消失が%1回ありました。") \
	TEXT(NOTICES_CAPTION, "What the gateways told of themselves: %1 of %2", "ゲートウェイ自身の通知：%2件中%1件") \
	TEXT(WHAT, "What", "内容") \
	TEXT(GATEWAY, "Gateway", "ゲートウェイ") \
	TEXT(LASTED, "Lasted", "継続時間") \
	TEXT(GOING_ON, "not over", "継続中") \
	TEXT(PASSED, "passed", "通過") \
	TEXT(DROPPED, "dropped", "破棄") \
	TEXT(FATE, "Its packets", "パケットの扱い") \
	TEXT(FAILED_OPEN, "Queue full: failed open", "キュー溢れ（フェイルオープン）") \
	TEXT(FAILED_CLOSED, "Queue full: failed closed", "キュー溢れ（フェイルクローズ）") \
	TEXT(ABSENT, "No daemon was there", "デーモン停止") \
	TEXT(RULES_CHANGED, "Rules changed by others", "ルールセットが外部から変更") \
	TEXT(RULES_BACK, "Rules in order again", "ルールセット復旧") \
	TEXT(RULES_FAILED, "Rules could not be put back", "ルールセット復旧失敗") \
	TEXT(SOURCES_CAPTION, "Numbers of the records, of all that is stored: %1 of %2 runs", "レコードの連番（保存分全体）：起動%2回中%1回") \
	TEXT(RUN, "Run", "起動ID") \
	TEXT(NUMBERS, "Numbers", "連番") \
	TEXT(GAPS, "Gaps", "欠け") \
	TEXT(MISSING, "Missing", "欠落") \
	TEXT(DUPLICATES, "Duplicates", "重複") \
	TEXT(EMPTY, "Nothing in this period.", "この期間の該当はありません。") \
	TEXT(NO_RECORDS, "No block records in this period.", "この期間のブロックレコードはありません。") \
	TEXT(UNKNOWN_NUMBER, "unknown", "不明") \
	TEXT(FOOT, "Made by %1. Attempts are SYNs without their repetitions; times are those of the records.", "%1で作成。接続試行は再送を除くSYNの数、時刻はレコードの時刻です。") \
	TEXT(SCRIPT_FILTER, "Filter rows", "行を絞り込み") \
	TEXT(SCRIPT_ROWS, "Shown: %1 of %2 rows", "%2行中%1行を表示") \
	TEXT(SCRIPT_SUBSCRIBERS, "Shown: %1 of the %2 listed", "掲載%2件中%1件を表示") \
	TEXT(SCRIPT_SCROLL, "Wider than the window: scroll sideways to see all of it.", "画面に収まらないため、横にスクロールすると全体を確認できます。") \
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
