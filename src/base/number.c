/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/number.h"

enum number_error number_parse(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (len == 0 || (len > 1 && text[0] == '0'))
		return NUMBER_NOT_A_NUMBER;
	for (size_t i = 0; i < len; i++) {
		unsigned digit = (unsigned)(unsigned char)text[i] - '0';

		if (digit > 9)
			return NUMBER_NOT_A_NUMBER;
		if (value > (UINT64_MAX - digit) / 10)
			return NUMBER_OUT_OF_RANGE;
		value = value * 10 + digit;
	}
	if (value < min || value > max)
		return NUMBER_OUT_OF_RANGE;
	*ret = value;
	return NUMBER_OK;
}
