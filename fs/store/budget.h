/*
 * budget.h - what may be filled: bytes of DRAM, bytes on the backing
 *
 * DRAM is one budget (memory=).  Dirty bytes, which are nowhere else yet, have
 * a share of it that they may not pass, so that a writer that outruns the
 * packer waits; clean bytes are copies that can go at any moment.  The backing
 * (size=) holds what is published and what is promised to writes that are not
 * yet.  Nothing here waits, but for budget_wait.  Thread-safe.
 */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct budget {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t changed;
	uint64_t change; /* counts gives and kicks */
	uint64_t memory_limit, dirty_limit, disk_limit;
	uint64_t dirty, clean;             /* bytes of DRAM */
	uint64_t disk_used, disk_promised; /* bytes of the backing */
};

struct budget_view {
	uint64_t memory_limit, dirty_limit, disk_limit;
	uint64_t dirty, clean, disk_used, disk_promised;
};

void budget_init(struct budget *b, uint64_t memory, uint64_t disk);
void budget_done(struct budget *b);
struct budget_view budget_look(struct budget *b);

/* Another limit of the backing; what is above it stays until it is evicted. */
void budget_limit_disk(struct budget *b, uint64_t limit);

/* Takes n dirty bytes if both limits allow them. */
bool budget_take_dirty(struct budget *b, uint64_t n);
/* The same for clean ones. */
bool budget_take_clean(struct budget *b, uint64_t n);

/*
 * What was dirty is now that many bytes, whatever the limits say: a page more
 * than asked for is filled all the same, and told afterwards.
 */
void budget_set_dirty(struct budget *b, uint64_t was, uint64_t now);
void budget_set_clean(struct budget *b, uint64_t was, uint64_t now);
/* n bytes were dirty and are clean. */
void budget_wash(struct budget *b, uint64_t n);
/* And back. */
void budget_soil(struct budget *b, uint64_t n);

/* Promises n bytes of the backing if the limit allows them. */
bool budget_promise(struct budget *b, uint64_t n);
void budget_unpromise(struct budget *b, uint64_t n);
/* It was promised so many, and now holds `stored` more. */
void budget_fulfil(struct budget *b, uint64_t promised, uint64_t stored);
/* The backing now holds `now` bytes where it held `was`. */
void budget_set_disk(struct budget *b, uint64_t was, uint64_t now);

/* The count of changes, and sleeping until it is another one. */
uint64_t budget_change(struct budget *b);
void budget_wait(struct budget *b, uint64_t change);
/* Wakes whoever waits: something may be possible now. */
void budget_kick(struct budget *b);
