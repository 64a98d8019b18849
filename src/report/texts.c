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
	{"pool-monitor", {"the pool is being monitored", "25番ポートを監視中"}},
	{"pool-enforce", {"the pool's port 25 is blocked", "25番ポートを遮断中"}},
	{"destination-enforce", {"this destination group is blocked already", "この宛先グループへの通信を先行遮断中"}},
	{"relay-closed", {"this relay no longer takes port 25", "このリレーは25番ポートの受付を終了"}},
	{"unlisted-monitor", {"no rule knows the source; monitored", "ルール未登録の送信元（監視のみ）"}},
	{"unlisted-drop", {"no rule knows the source; dropped", "ルール未登録の送信元（破棄）"}},
	{"midstream", {"of a connection that nobody knows", "既知の接続に属さないパケット"}},
	{"spoofed", {"the source cannot be on that interface", "送信元アドレスの詐称"}},
	{"fragment-tiny", {"a fragment that hides its flags", "TCPフラグを隠す微小フラグメント"}},
	{"fragment-overlap", {"a fragment that could overwrite flags", "TCPフラグを上書きしうるフラグメント"}},
	{"fragment-chain", {"a fragment that hides its ports", "ポート番号を隠すフラグメント"}},
	{"malformed-ip", {"a broken IP header", "IPヘッダー不正"}},
	{"malformed-tcp", {"a broken TCP header", "TCPヘッダー不正"}},
	{"truncated", {"cut before its flags", "TCPフラグの手前で途切れたパケット"}},
	{"bad-flags", {"SYN together with FIN or RST", "SYNとFIN/RSTの同時指定"}},
	{"triangular", {"an answer to a question never asked", "対応する要求のない応答"}},
	{"override-block", {"blocked by an operator for a time", "オペレーターによる一時遮断"}},
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
