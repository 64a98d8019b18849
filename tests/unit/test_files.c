/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/files.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char directory[] = "/tmp/op25b-files-XXXXXX";
static char first[64], second[64], link_path[64], hard[64];

static int setup(void **state)
{
	FILE *file;

	if (!mkdtemp(directory))
		return -1;
	snprintf(first, sizeof(first), "%s/first", directory);
	snprintf(second, sizeof(second), "%s/second", directory);
	snprintf(link_path, sizeof(link_path), "%s/link", directory);
	snprintf(hard, sizeof(hard), "%s/hard", directory);
	file = fopen(first, "w");
	if (!file || fclose(file) != 0 || !(file = fopen(second, "w")) || fclose(file) != 0)
		return -1;
	return symlink("first", link_path) == 0 && link(first, hard) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
	unlink(first);
	unlink(second);
	unlink(link_path);
	unlink(hard);
	return rmdir(directory);
}

static void test_same_file_by_any_name(void **state)
{
	assert_true(files_are_same(first, first));
	assert_true(files_are_same(first, link_path));
	assert_true(files_are_same(hard, link_path));
	assert_false(files_are_same(first, second));
	assert_false(files_are_same(first, "/nonexistent"));
	assert_false(files_are_same("/nonexistent", "/nonexistent"));
	assert_false(files_are_same("/dev/null", "/dev/null")); /* writing there harms nothing */
	assert_false(files_are_same(directory, directory));
}

static void assert_leads(const char *path, const char *wanted)
{
	char *got = NULL;

	assert_int_equal(files_follow(path, &got), 0);
	assert_string_equal(got, wanted);
	free(got);
}

static void test_links_are_followed_to_their_end(void **state)
{
	char ring[64], far[64], *got = NULL;

	(void)state;
	snprintf(ring, sizeof(ring), "%s/ring", directory);
	snprintf(far, sizeof(far), "%s/far", directory);
	assert_leads(first, first);
	assert_leads(link_path, first);
	assert_leads("none", "none");
	assert_int_equal(symlink(link_path, far), 0);
	assert_leads(far, first); /* one that names the whole path, one that does not */
	unlink(far);
	assert_int_equal(symlink("new", far), 0);
	snprintf(ring, sizeof(ring), "%s/new", directory);
	assert_leads(far, ring); /* where a file would be made */
	unlink(far);
	assert_int_equal(symlink("far", far), 0);
	assert_int_equal(files_follow(far, &got), -ELOOP);
	assert_null(got);
	unlink(far);
}

static int write_new(void *context, FILE *out)
{
	const int *result = context;

	fputs("new", out);
	return *result;
}

/* How many names the directory has; what is read of the file is put into text. */
static int look(const char *path, char text[8])
{
	FILE *file = fopen(path, "r");
	DIR *names = opendir(directory);
	int count = 0;

	assert_non_null(file);
	assert_non_null(names);
	text[fread(text, 1, 7, file)] = '\0';
	fclose(file);
	while (readdir(names))
		count++;
	closedir(names);
	return count;
}

static void test_replaced_or_as_before(void **state)
{
	int fails = -EIO, works = 0, names;
	struct stat before, after;
	char text[8];

	(void)state;
	names = look(second, text);
	assert_string_equal(text, "");
	assert_int_equal(files_replace(second, write_new, &fails), -EIO);
	assert_int_equal(look(second, text), names);
	assert_string_equal(text, "");

	assert_int_equal(stat(second, &before), 0);
	umask(027);
	assert_int_equal(files_replace(second, write_new, &works), 0);
	assert_int_equal(look(second, text), names);
	assert_string_equal(text, "new");
	assert_int_equal(stat(second, &after), 0);
	assert_int_equal(after.st_mode & 0777, 0640);
	assert_int_not_equal(after.st_ino, before.st_ino); /* who has it open reads the old one on */

	assert_int_equal(files_replace("/nonexistent/x", write_new, &works), -ENOENT);
	assert_true(files_replace(directory, write_new, &works) < 0);
	assert_int_equal(look(second, text), names);
}

/* In a process of its own, because the test's own output is at stake. Ends with the number of the failed step. */
static int without_standard_files(void)
{
	char byte = 'x';
	int fd;

	close(STDIN_FILENO);
	close(STDOUT_FILENO);
	close(STDERR_FILENO);
	files_reserve_standard();
	fd = open(first, O_RDWR | O_CLOEXEC);
	if (fd <= STDERR_FILENO)
		return 1;
	for (int standard = STDIN_FILENO; standard <= STDERR_FILENO; standard++) {
		if (write(standard, &byte, 1) != -1 || errno != EBADF)
			return 2;
		if (read(standard, &byte, 1) != -1 || errno != EBADF)
			return 3;
	}
	return 0;
}

static void test_closed_numbers_are_not_given_to_files(void **state)
{
	pid_t child = fork();
	int status = -1;

	assert_true(child >= 0);
	if (child == 0)
		_exit(without_standard_files());
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_open_ones_are_left_alone(void **state)
{
	struct stat before, after;

	assert_int_equal(fstat(STDOUT_FILENO, &before), 0);
	files_reserve_standard();
	assert_int_equal(fstat(STDOUT_FILENO, &after), 0);
	assert_true(before.st_ino == after.st_ino && before.st_dev == after.st_dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_file_by_any_name),
		cmocka_unit_test(test_links_are_followed_to_their_end),
		cmocka_unit_test(test_replaced_or_as_before),
		cmocka_unit_test(test_closed_numbers_are_not_given_to_files),
		cmocka_unit_test(test_open_ones_are_left_alone),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
