/* sink.c - where packing puts a section: the temporary, and DRAM if it may */
#include "fs/store/sink.h"

#include <stdlib.h>

#include "fs/store/room.h"
#include "fs/store/state.h"

#define SINK_BYTES (1u << 20)

void sink_init(struct sink *k, struct store *s, int fd, uint64_t off, bool keep)
{
	*k = (struct sink){ .store = s, .fd = fd, .off = off, .keep = keep };
}

/* The image goes; what the file has is forgotten here. */
static int sink_give_up(struct sink *k)
{
	int r = sink_flush(k);

	budget_set_clean(&k->store->budget, k->charged, 0);
	k->charged = 0;
	k->keep = false;
	k->off += k->len;
	k->len = k->flushed = 0;
	return r;
}

uint8_t *sink_reserve(struct sink *k, size_t n)
{
	if (k->len + n <= k->cap)
		return k->buf + k->len;

	size_t cap = k->len + n + (k->keep ? k->len / 2 : 0) + SINK_BYTES;
	if (k->keep && !room_clean(k->store, cap - k->charged)) {
		if (sink_give_up(k) < 0)
			return NULL;
		return sink_reserve(k, n);
	}
	if (k->keep)
		k->charged = cap;

	uint8_t *grown = realloc(k->buf, cap);
	if (!grown)
		return NULL;
	k->buf = grown;
	k->cap = cap;
	return k->buf + k->len;
}

int sink_commit(struct sink *k, size_t n)
{
	k->len += n;
	return k->len - k->flushed >= SINK_BYTES ? sink_flush(k) : 0;
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

uint8_t *sink_take(struct sink *k)
{
	if (!k->keep || !k->len)
		return NULL;

	uint8_t *image = realloc(k->buf, k->len);
	if (!image)
		image = k->buf;
	budget_set_clean(&k->store->budget, k->charged, k->len);
	k->buf = NULL;
	k->charged = 0;
	return image;
}

void sink_done(struct sink *k)
{
	if (!k->store)
		return;
	budget_set_clean(&k->store->budget, k->charged, 0);
	free(k->buf);
	*k = (struct sink){ 0 };
}
