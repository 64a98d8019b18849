/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal, through ncurses: the only file here that knows one. */
#define NCURSES_WIDECHAR 1

#include "log_watch.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <ncurses.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

enum { ESCAPE_MS = 50, RESTORE_MAX = 256 };

struct watch_screen {
	SCREEN *terminal;
	bool utf8;
	bool colours_there, colours;
	sigset_t waiting; /* the signals that may come while a key is waited for */
};

/* Of the process, because a signal's handler finds nothing else. */
static volatile sig_atomic_t ended_by;
static volatile sig_atomic_t is_open;
static struct termios terminal_before;
static char restore[RESTORE_MAX];
static size_t restore_len;

static const int end_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};

static void on_end(int number)
{
	ended_by = number;
}

/* Only what a handler may call. */
static void give_terminal_back(void)
{
	ssize_t n;

	if (!is_open)
		return;
	is_open = 0;
	n = write(STDOUT_FILENO, restore, restore_len);
	(void)n;
	tcsetattr(STDIN_FILENO, TCSANOW, &terminal_before);
}

#ifndef OP25B_SANITIZED
static void on_crash(int number)
{
	give_terminal_back();
	signal(number, SIG_DFL);
	raise(number);
}
#endif

static void handle(int number, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigemptyset(&action.sa_mask);
	sigaction(number, &action, NULL);
}

static void take_signals(struct watch_screen *screen)
{
	sigset_t blocked;

	sigemptyset(&blocked);
	for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++) {
		handle(end_signals[i], on_end);
		sigaddset(&blocked, end_signals[i]);
	}
	/* They come only where they are looked for, so that none is missed between the look and the wait. */
	sigprocmask(SIG_BLOCK, &blocked, &screen->waiting);
	for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++)
		sigdelset(&screen->waiting, end_signals[i]);
#ifndef OP25B_SANITIZED
	handle(SIGSEGV, on_crash);
	handle(SIGBUS, on_crash);
	handle(SIGFPE, on_crash);
	handle(SIGILL, on_crash);
	handle(SIGABRT, on_crash);
#endif
}

/* tigetstr() has two ways to say that there is none. */
static const char *capability(const char *name)
{
	char writable[16];
	char *value;

	snprintf(writable, sizeof(writable), "%s", name);
	value = tigetstr(writable);
	return value && value != (char *)-1 ? value : NULL;
}

/* What brings the terminal back, kept ready for a handler. Delays in it ("$<5>") are for terminals of long ago. */
static void prepare_restore(void)
{
	static const char *const names[] = {"sgr0", "op", "rmkx", "cnorm", "rmcup"};

	restore_len = 0;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const char *value = capability(names[i]);
		size_t len = value ? strcspn(value, "$") : 0;

		if (len > sizeof(restore) - restore_len)
			continue;
		memcpy(restore + restore_len, value ? value : "", len);
		restore_len += len;
	}
}

static void set_colours(struct watch_screen *screen)
{
	static const struct {
		enum watch_style style;
		short colour;
	} pairs[] = {{WATCH_GOOD, COLOR_GREEN},
		     {WATCH_WORSE, COLOR_YELLOW},
		     {WATCH_BAD, COLOR_RED},
		     {WATCH_CURVE, COLOR_CYAN}};

	screen->colours_there = has_colors() && start_color() == OK && COLOR_PAIRS > WATCH_STYLES;
	if (!screen->colours_there)
		return;
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		init_pair((short)pairs[i].style, pairs[i].colour,
			  use_default_colors() == OK ? (short)-1 : (short)COLOR_BLACK);
}

static void set_terminal(void)
{
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
}

int watch_screen_open(bool colour, struct watch_screen **ret)
{
	struct watch_screen *screen;
	static bool registered;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO) || tcgetattr(STDIN_FILENO, &terminal_before) < 0)
		return -ENOTTY;
	screen = calloc(1, sizeof(*screen));
	if (!screen)
		return -ENOMEM;
	setlocale(LC_CTYPE, "");
	screen->utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	take_signals(screen);
	screen->terminal = newterm(NULL, stdout, stdin);
	if (!screen->terminal || !capability("cup")) {
		watch_screen_close(screen);
		return -EINVAL;
	}
	prepare_restore();
	is_open = 1;
	if (!registered)
		registered = atexit(give_terminal_back) == 0;
	set_terminal();
	set_colours(screen);
	screen->colours = colour && screen->colours_there;
	*ret = screen;
	return 0;
}

void watch_screen_close(struct watch_screen *screen)
{
	if (!screen)
		return;
	if (screen->terminal) {
		endwin();
		is_open = 0;
		delscreen(screen->terminal);
	}
	free(screen);
}

bool watch_screen_utf8(const struct watch_screen *screen)
{
	return screen->utf8;
}

void watch_screen_size(const struct watch_screen *screen, int *ret_rows, int *ret_columns)
{
	*ret_rows = getmaxy(stdscr);
	*ret_columns = getmaxx(stdscr);
}

void watch_screen_colour(struct watch_screen *screen)
{
	screen->colours = !screen->colours && screen->colours_there;
	/* All of it looks different now. */
	clearok(stdscr, TRUE);
}

/* Without colours what is bad is bold, so that it still stands out. */
static attr_t attributes(const struct watch_screen *screen, enum watch_style style, short *ret_pair)
{
	bool coloured = style >= WATCH_GOOD && screen->colours;

	*ret_pair = coloured ? (short)style : 0;
	switch (style) {
	case WATCH_BAR:
		return A_REVERSE;
	case WATCH_BOLD:
	case WATCH_BAD:
		return A_BOLD;
	case WATCH_FAINT:
		return A_DIM;
	default:
		return A_NORMAL;
	}
}

static void draw_cell(const struct watch_screen *screen, int row, int column, const struct watch_cell *cell)
{
	const wchar_t text[2] = {(wchar_t)cell->glyph, L'\0'};
	short pair;
	attr_t style = attributes(screen, (enum watch_style)cell->style, &pair);
	cchar_t drawn;

	if (setcchar(&drawn, text, style, pair, NULL) == OK)
		mvadd_wch(row, column, &drawn);
}

void watch_screen_draw(struct watch_screen *screen, const struct watch_grid *grid)
{
	for (int row = 0; row < grid->rows; row++)
		for (int column = 0; column < grid->columns; column++)
			draw_cell(screen, row, column,
				  &grid->cells[(size_t)row * (size_t)grid->columns + (size_t)column]);
	refresh();
}

static int key_of(int got)
{
	switch (got) {
	case ERR:
		return WATCH_KEY_NONE;
	case KEY_UP:
		return WATCH_KEY_UP;
	case KEY_DOWN:
		return WATCH_KEY_DOWN;
	case KEY_PPAGE:
		return WATCH_KEY_PAGE_UP;
	case KEY_NPAGE:
		return WATCH_KEY_PAGE_DOWN;
	case KEY_HOME:
		return WATCH_KEY_HOME;
	case KEY_END:
		return WATCH_KEY_END;
	case KEY_RESIZE:
		return WATCH_KEY_RESIZE;
	case '\n':
	case '\r':
	case KEY_ENTER:
		return WATCH_KEY_ENTER;
	case KEY_BACKSPACE:
	case '\b':
	case 127:
		return WATCH_KEY_BACKSPACE;
	case 27:
		return WATCH_KEY_ESCAPE;
	case 12: /* Ctrl-L: as in all programs of this kind, draw everything anew */
		clearok(stdscr, TRUE);
		return WATCH_KEY_RESIZE;
	default:
		return got >= ' ' && got <= '~' ? got : WATCH_KEY_RESIZE;
	}
}

/* A key that is there already keeps ppoll() from letting a signal in. */
static void look_for_signals(void)
{
	sigset_t pending;

	if (ended_by || sigpending(&pending) < 0)
		return;
	for (size_t i = 0; i < sizeof(end_signals) / sizeof(end_signals[0]); i++)
		if (sigismember(&pending, end_signals[i]) == 1)
			ended_by = end_signals[i];
}

int watch_screen_key(struct watch_screen *screen, int timeout_ms, int *ret_ended)
{
	struct pollfd input = {.fd = STDIN_FILENO, .events = POLLIN};
	const struct timespec wait = {.tv_sec = timeout_ms / 1000, .tv_nsec = timeout_ms % 1000 * 1000000L};
	int key = key_of(getch());

	if (key == WATCH_KEY_NONE) {
		int n = ppoll(&input, 1, &wait, &screen->waiting);

		key = key_of(getch());
		/* Hung up: the terminal has gone away, and nobody is left who could press one. */
		if (n > 0 && (input.revents & (POLLHUP | POLLERR | POLLNVAL)))
			ended_by = SIGHUP;
	}
	look_for_signals();
	*ret_ended = ended_by;
	return key;
}
