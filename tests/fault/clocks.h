/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The clocks of a daemon that runs in a test: they stand still until the test moves them, and its timers go off by them. Only a
 * main thread that sleeps moves them by itself, by as much as it sleeps; workers' sleeps are cut short.
 */
#ifndef OP25B_TESTS_CLOCKS_H
#define OP25B_TESTS_CLOCKS_H

#include <stdbool.h>
#include <stdint.h>

/* Both clocks begin anew, no timer is set; the calling thread is the main thread. */
void clocks_reset(int64_t wall_ns);
/* The wall clock alone is set, as by an operator or NTP. */
void clocks_set_wall(int64_t wall_ns);
int64_t clocks_wall_ns(void);
int64_t clocks_steady_ns(void);
/* Moves both towards this moment of the steady clock, up to the next timer, which goes off. True: that moment is reached. */
bool clocks_pass(int64_t until_steady_ns);
/* A sleep of the main thread moves the clocks by so many times of what it sleeps. */
void clocks_hurry(unsigned times);
/* What really passes, for a test's patience. */
int64_t clocks_real_ns(void);
/* Lets other threads run for a moment, without moving a clock. */
void clocks_rest(void);

#endif
