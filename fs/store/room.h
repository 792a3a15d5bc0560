/*
 * room.h - room for what a client writes or reads, made where there is none
 *
 * No lock may be held: these wait for packing and call the mover.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct store;

/*
 * Takes n bytes of dirty DRAM, waiting while a packing may free some.  False:
 * none would; the bytes must be staged on the backing.
 */
bool room_dirty(struct store *s, uint64_t n);

/* Takes n bytes of clean DRAM, in the place of colder copies.  Never waits. */
bool room_clean(struct store *s, uint64_t n);

/*
 * Whether descriptors are left for copies of one more entry.  Nothing else
 * limits how many small entries have some.
 */
bool room_entry(struct store *s);

/* Waits while there are too many entries in memory and packing takes some. */
void room_new_entry(struct store *s);

/* The most that a container of so many plain bytes takes of the backing. */
uint64_t room_stored(uint64_t plain);

/*
 * Promises n bytes of the backing, evicting once.  Returns 0 or -ENOSPC, by
 * size= or because the file system is full.
 */
int room_promise(struct store *s, uint64_t n);
