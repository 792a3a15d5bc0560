/*
 * opened.h - what openers of directories and virtual files hold
 *
 * The kernel does not wait for the answer to a release, and none comes for
 * what was released just before an unmount: at the end the rest is closed here.
 * Thread-safe, but for opened_close_all, which wants nobody else about.
 */
#pragma once

#include <pthread.h>

struct opened {
	struct opened *next, **at;
	void (*close)(struct opened *o); /* frees it */
};

struct opened_list {
	pthread_mutex_t lock; /* guards the list */
	struct opened *first;
};

void opened_init(struct opened_list *l);
void opened_add(struct opened_list *l, struct opened *o);
void opened_close(struct opened_list *l, struct opened *o);
void opened_close_all(struct opened_list *l);
