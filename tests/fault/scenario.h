/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What becomes of the whole daemon in a story that is written down: scripted packets, clocks that stand still until a step
 * moves them, disks that fill. One step a line; see scenarios/README.md for the words.
 */
#ifndef OP25B_TESTS_SCENARIO_H
#define OP25B_TESTS_SCENARIO_H

/* Plays the file. 0, or 1 after saying on standard error which line does not hold. */
int scenario_play(const char *path);

#endif
