/* room.c - room for what a client writes or reads, made where there is none */
#include "fs/store/room.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "fs/store/press.h"
#include "fs/store/scan.h"
#include "fs/store/state.h"

/* Left free on the backing: its own metadata needs some. */
#define DISK_MARGIN (1u << 20)

/* Of a container beside its bytes: the head's and the first section's pages
 * and one for the file system; gaps before more sections; the tables. */
#define LEAST_STORED 12288
#define MOST_GAPS    24576
#define TABLES_SHARE 64

static bool room_memory_full(struct store *s, uint64_t n)
{
	struct budget_view v = budget_look(&s->budget);

	return v.dirty + n <= v.dirty_limit &&
	       v.dirty + v.clean + n > v.memory_limit;
}

bool room_dirty(struct store *s, uint64_t n)
{
	bool waited = false;

	for (;;) {
		uint64_t change = budget_change(&s->budget);

		if (budget_take_dirty(&s->budget, n))
			return true;
		if (n > s->budget.dirty_limit)
			return false;
		if (room_memory_full(s, n) && press_make_room(s, TIER_RAM, n))
			continue;
		if (!pool_later_busy(s->pool))
			return false;
		if (!waited)
			s->counters.waited++;
		waited = true;
		budget_wait(&s->budget, change);
	}
}

bool room_clean(struct store *s, uint64_t n)
{
	if (budget_take_clean(&s->budget, n))
		return true;
	if (n > s->budget.memory_limit)
		return false;
	return press_make_room(s, TIER_RAM, n) &&
	       budget_take_clean(&s->budget, n);
}

uint64_t room_stored(uint64_t plain)
{
	uint64_t aligned = plain / 4 < MOST_GAPS ? plain / 4 : MOST_GAPS;

	return plain ? plain + plain / TABLES_SHARE + LEAST_STORED + aligned
		     : 0;
}

/* What the file system still has, whoever filled it. */
static bool room_on_backing(struct store *s, uint64_t n)
{
	struct statvfs v;
	struct budget_view b = budget_look(&s->budget);

	if (fstatvfs(s->tmp, &v) < 0)
		return true;
	return (uint64_t)v.f_bavail * v.f_frsize >=
	       b.disk_promised + n + DISK_MARGIN + s->free_floor;
}

static bool room_try_promise(struct store *s, uint64_t n)
{
	return room_on_backing(s, n) && budget_promise(&s->budget, n);
}

int room_promise(struct store *s, uint64_t n)
{
	bool waited = false;

	while (n) {
		uint64_t change = budget_change(&s->budget);

		if (room_try_promise(s, n))
			return 0;
		if (n > s->budget.disk_limit)
			return -ENOSPC;
		if (press_make_room(s, TIER_SSD, n))
			continue;
		if (room_try_promise(s, n))
			return 0;
		if (scan_wait_told(s))
			continue;
		/* What is being packed holds promises, or can go then. */
		if (!pool_later_busy(s->pool))
			return -ENOSPC;
		if (!waited)
			s->counters.waited++;
		waited = true;
		budget_wait(&s->budget, change);
	}
	return 0;
}

bool room_entry(struct store *s)
{
	return s->n_entries < s->entries_limit / 2;
}

void room_new_entry(struct store *s)
{
	while (s->n_entries >= s->entries_limit) {
		uint64_t change = budget_change(&s->budget);

		if (!pool_later_busy(s->pool))
			return;
		budget_wait(&s->budget, change);
	}
}
