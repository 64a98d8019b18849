/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/texts.h"

#include <string.h>

static const char *const texts[REPORT_TEXT_COUNT][REPORT_LANGUAGES] = {
#define TEXT_ROW(name, english, japanese) [TEXT_##name] = {english, japanese},
	REPORT_TEXTS(TEXT_ROW)
#undef TEXT_ROW
};

const char *report_text(enum report_text text, enum report_language language)
{
	return texts[text][language];
}

struct reason {
	const char *name;
	const char *means[REPORT_LANGUAGES];
};

/* clang-format off */
static const struct reason reasons[] = {
	{"pool-monitor", {"the pool is being monitored", "プールが監視段階"}},
	{"pool-enforce", {"the pool's port 25 is blocked", "プールがブロック段階"}},
	{"destination-enforce", {"this destination group is blocked already", "この宛先グループは先行ブロック中"}},
	{"relay-closed", {"this relay no longer takes port 25", "このリレーはポート25の受付を終了"}},
	{"unlisted-monitor", {"no rule knows the source; monitored", "未登録の送信元（監視のみ）"}},
	{"unlisted-drop", {"no rule knows the source; dropped", "未登録の送信元（破棄）"}},
	{"midstream", {"of a connection that nobody knows", "既知の接続に属さないパケット"}},
	{"spoofed", {"the source cannot be on that interface", "送信元アドレスの詐称"}},
	{"fragment-tiny", {"a fragment that hides its flags", "フラグを隠す小さな断片"}},
	{"fragment-overlap", {"a fragment that could overwrite flags", "フラグを上書きしうる断片"}},
	{"fragment-chain", {"a fragment that hides its ports", "ポートを隠す断片"}},
	{"malformed-ip", {"a broken IP header", "IPヘッダー不正"}},
	{"malformed-tcp", {"a broken TCP header", "TCPヘッダー不正"}},
	{"truncated", {"cut before its flags", "フラグの手前で途切れたパケット"}},
	{"bad-flags", {"SYN together with FIN or RST", "SYNとFIN/RSTの同時指定"}},
	{"triangular", {"an answer to a question never asked", "要求のない応答（三角通信）"}},
	{"override-block", {"blocked by an operator for a time", "オペレーターによる一時ブロック"}},
};
/* clang-format on */

const char *report_reason(const char *name, enum report_language language)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++) {
		if (strcmp(reasons[i].name, name) == 0)
			return reasons[i].means[language];
	}
	return NULL;
}
