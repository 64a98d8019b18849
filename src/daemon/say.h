/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the daemon tells its operator: lines on standard error, with the journal's priorities when that listens. */
#ifndef OP25B_DAEMON_SAY_H
#define OP25B_DAEMON_SAY_H

enum say_level { SAY_ERROR = 3, SAY_WARNING = 4, SAY_NOTICE = 5 };

void say(enum say_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
