/*
 * press.h - makes room: asks the policy who gives way, and carries it out
 *
 * What somebody uses just now stays, and is offered again.  Thread-safe; none
 * may be called with entry.data or tree.names of any entry held.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy.h"

struct store;

/*
 * Moves until the tier could take `need` bytes more, or nothing more can move;
 * once anything must go, down to the low watermark.  Returns whether anything
 * moved.
 */
bool press_make_room(struct store *s, enum tier tier, uint64_t need);

/* Empties to the low watermark what is above the high one. */
void press_level(struct store *s);

/*
 * The limits as the policy must see them, which does not know what is staged,
 * were `need` bytes more in the tier and `percent` of it all that may be
 * filled.  Caller holds the mover's lock.
 */
void press_limits(struct store *s, enum tier tier, uint64_t need,
		  unsigned percent, struct world *w);
