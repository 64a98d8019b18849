/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Internal to store/: a record file as the bytes that were written to it, whether gzip or zstd packed it since or not. */
#ifndef OP25B_STORE_INPUT_H
#define OP25B_STORE_INPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

struct input;

/* 0 with *ret the caller's, to free with input_close(); or a negative errno: -EISDIR, -EINVAL for what is no regular file. */
int input_open(const char *path, struct input **ret);
void input_close(struct input *input); /* NULL is fine */

/* The next bytes: how many, 0 at the end, -1 for damage, which ends it for good. What is packed may end too early because
 * the packer is still at work. */
ssize_t input_read(struct input *input, char *out, size_t size);
/* What is wrong; NULL when nothing is. Borrowed. */
const char *input_failure(const struct input *input);
/* Whether that lies in the file's bytes, so that they need not be read again as long as they are the same. */
bool input_is_damaged(const struct input *input);

/* Reads from the first byte again. */
void input_rewind(struct input *input);

/* As found when it was opened. */
const struct stat *input_stat(const struct input *input);
bool input_is_packed(const struct input *input);

/* Of a plain file: steps to that byte; and reads `size` bytes from another place without stepping there: how many there were. */
void input_seek(struct input *input, uint64_t place);
size_t input_peek(const struct input *input, uint64_t place, char *out, size_t size);

/* How many bytes there will be, 0 if that cannot be known without reading them. */
uint64_t input_size(const struct input *input);

#endif
