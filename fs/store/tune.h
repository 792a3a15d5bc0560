/*
 * tune.h - what may be changed while a store is open, for its opening
 *
 * store_tune and store_tuning are in store.h.
 */
#pragma once

struct store;

/* Takes what the store's options say, if it is possible: as store_tune. */
int tune_start(struct store *s, const char **ret_why);
