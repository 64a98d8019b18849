/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_read_parts.h"

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXPRESSION_TEXT_MAX = 1024 };

/* libnftnl names an xtables target, and leaves out what is in it. */
static void print_target(FILE *out, const struct nftnl_expr *expr)
{
	uint32_t len = 0;
	const uint8_t *info = nftnl_expr_get(expr, NFTNL_EXPR_TG_INFO, &len);

	for (uint32_t i = 0; info && i < len; i++)
		fprintf(out, "%02x", info[i]);
}

static int print_expression(struct nftnl_expr *expr, void *data)
{
	char text[EXPRESSION_TEXT_MAX] = "";
	const char *name = nftnl_expr_get_str(expr, NFTNL_EXPR_NAME);

	/* The kernel always tells a look-up's flags; whoever sends one may leave them out. */
	if (name && strcmp(name, "lookup") == 0 && !nftnl_expr_is_set(expr, NFTNL_EXPR_LOOKUP_FLAGS))
		nftnl_expr_set_u32(expr, NFTNL_EXPR_LOOKUP_FLAGS, 0);
	if (nftnl_expr_snprintf(text, sizeof(text), expr, NFTNL_OUTPUT_DEFAULT, 0) < 0)
		text[0] = '\0';
	fprintf(data, "[%s %s", name ? name : "?", text);
	if (name && strcmp(name, "target") == 0)
		print_target(data, expr);
	fputs("] ", data);
	return 0;
}

char *nft_rule_text(struct nftnl_rule *rule)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	nftnl_expr_foreach(rule, print_expression, out);
	if (fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}
