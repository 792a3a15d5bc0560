/*
 * quota.h - what a directory may hold, and how much may be pinned
 *
 * A directory's user.kv.quota limits the bytes that all files below it store,
 * counted as weight.h says: a staged file by what was promised to it, which is
 * its plain size.  Who would pass it makes room below that directory, and
 * nowhere else; so one tenant evicts only its own: by priority, then by what
 * the policy expects a byte to save, then by last use.  Half of size= at most
 * may be held by hard pins.
 *
 * All functions are thread-safe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct node;
struct store;

/* Bytes that hard pins may hold, and do. */
uint64_t quota_pin_limit(const struct store *s);
uint64_t quota_pinned(struct store *s);

/* Bytes stored below a directory; what a file stores. */
uint64_t quota_used(struct store *s, struct node *n);

/*
 * Promises a staged file n bytes more, evicting below the directory whose
 * quota they would pass.  No lock held.  Returns 0 or -ENOSPC.
 */
int quota_promise(struct store *s, struct node *n, uint64_t bytes);
void quota_unpromise(struct store *s, struct node *n, uint64_t bytes);

/* The file stores so much; counted in size=, too. */
void quota_store(struct store *s, struct node *n, uint64_t stored);
/* The same but for the budget; what was fulfilled is promised no longer. */
void quota_weigh(struct store *s, struct node *n, uint64_t stored,
		 uint64_t fulfilled);
/* As quota_store, for a file met on the backing; false: it was counted before.
 */
bool quota_store_first(struct store *s, struct node *n, uint64_t stored);

/*
 * Whether the file may store so much.  Returns 0, -ENOSPC (by what is pinned)
 * or -EDQUOT: quota_make_room may help.
 */
int quota_allows(struct store *s, struct node *n, uint64_t stored);

/* The same for moving n, and all below it, to the directory `to`. */
int quota_allows_move(struct store *s, struct node *n, struct node *to);

/*
 * Evicts below the directory whose quota is in the way.  No lock held.  True:
 * worth another try; false: what is there may not go, or n is larger than the
 * quota by itself, and then nothing was evicted for it.
 */
bool quota_make_room(struct store *s, struct node *n, uint64_t stored);
bool quota_make_room_moved(struct store *s, struct node *n, struct node *to);
