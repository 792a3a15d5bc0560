/* sink.c - where packing puts a section: the temporary, and DRAM if it may */
#include "fs/store/sink.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fs/store/room.h"
#include "fs/store/state.h"

#define SINK_BYTES (1u << 20)

void sink_init(struct sink *k, struct store *s, int fd, bool keep)
{
	*k = (struct sink){ .store = s, .fd = fd, .keep = keep };
}

void sink_place(struct sink *k, uint64_t off)
{
	k->off = off;
	k->placed = true;
}

/* What was kept goes; what the file has is forgotten here. */
static int sink_give_up(struct sink *k)
{
	int r = k->placed ? sink_flush(k) : 0;

	budget_set_clean(&k->store->budget, k->charged, 0);
	k->charged = 0;
	k->keep = false;
	k->off += k->len;
	k->len = k->flushed = 0;
	return r;
}

/* Room for n bytes more in buf. */
static int sink_grow(struct sink *k, size_t n)
{
	if (k->len + n <= k->cap)
		return 0;

	size_t cap = k->len + n + (k->keep ? k->len / 2 : 0) + SINK_BYTES;
	if (k->keep && !room_clean(k->store, cap - k->charged)) {
		int r = sink_give_up(k);

		return r < 0 ? r : sink_grow(k, n);
	}
	if (k->keep)
		k->charged = cap;

	uint8_t *grown = realloc(k->buf, cap);
	if (!grown)
		return -ENOMEM;
	k->buf = grown;
	k->cap = cap;
	return 0;
}

int sink_put(struct sink *k, const void *src, size_t n)
{
	int r;

	k->total += n;
	if (!n || (!k->placed && !k->keep))
		return 0;
	r = sink_grow(k, n);
	if (r < 0 || (!k->placed && !k->keep))
		return r;
	memcpy(k->buf + k->len, src, n);
	k->len += n;
	if (!k->placed || k->len - k->flushed < SINK_BYTES)
		return 0;
	return sink_flush(k);
}

int sink_flush(struct sink *k)
{
	if (k->len == k->flushed)
		return 0;

	int r = k->store->io->write(k->fd, k->buf + k->flushed,
				    k->len - k->flushed, k->off + k->flushed);

	if (r < 0)
		return r;
	k->flushed = k->len;
	if (!k->keep) {
		k->off += k->len;
		k->len = k->flushed = 0;
	}
	return 0;
}

/* The only one with bytes is the image as it is. */
static uint8_t *sink_take(struct sink *k)
{
	uint8_t *image = realloc(k->buf, k->len);

	if (!image)
		image = k->buf;
	budget_set_clean(&k->store->budget, k->charged, k->len);
	k->buf = NULL;
	k->charged = 0;
	return image;
}

static uint8_t *sinks_join(struct sink *k, unsigned n, uint64_t off,
			   uint64_t len)
{
	struct store *s = k->store;

	if (!room_clean(s, len))
		return NULL;
	uint8_t *image = calloc(1, len); /* between sections are zeros */
	if (!image) {
		budget_set_clean(&s->budget, len, 0);
		return NULL;
	}
	for (unsigned i = 0; i < n; i++) {
		if (k[i].len)
			memcpy(image + (k[i].off - off), k[i].buf, k[i].len);
		sink_done(&k[i]);
	}
	return image;
}

uint8_t *sinks_take(struct sink *k, unsigned n, uint64_t off, uint64_t len)
{
	struct sink *only = NULL;

	for (unsigned i = 0; i < n; i++) {
		if (!k[i].total)
			continue;
		if (!k[i].keep)
			return NULL;
		if (k[i].total == len)
			only = &k[i];
	}
	if (!len)
		return NULL;
	return only ? sink_take(only) : sinks_join(k, n, off, len);
}

void sink_done(struct sink *k)
{
	if (!k->store)
		return;
	budget_set_clean(&k->store->budget, k->charged, 0);
	free(k->buf);
	*k = (struct sink){ 0 };
}
