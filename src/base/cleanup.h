/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Scope-bound ownership: what a function made and did not hand on is released where the function is left. */
#ifndef OP25B_BASE_CLEANUP_H
#define OP25B_BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* The value of the pointer, which is NULL afterwards: hands ownership on out of a cleanup variable. */
#define TAKE_PTR(pointer)                                                                                    \
	__extension__({                                                                                      \
		__typeof__(pointer) *take_ptr_ = &(pointer);                                                 \
		__typeof__(pointer) take_value_ = *take_ptr_;                                                \
		*take_ptr_ = NULL;                                                                           \
		take_value_;                                                                                 \
	})

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

#define CLEANUP_FREE   CLEANUP(cleanup_free)
#define CLEANUP_FCLOSE CLEANUP(cleanup_fclose)
#define CLEANUP_CLOSE  CLEANUP(cleanup_close)

#endif
