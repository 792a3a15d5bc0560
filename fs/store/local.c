/* local.c - working memory of the calling thread */
#include "fs/store/local.h"

#include <pthread.h>
#include <stdbool.h>

#include "codec/codec.h"
#include "codec/mem.h"
#include "codec/scratch.h"

#define LOCAL_LEAST (64u << 10)

/* From here on they take huge pages. */
#define LOCAL_HUGE (256u << 10)

struct local {
	struct scratch *ws;
	void *buf[N_LOCAL_BUFS];
	size_t cap[N_LOCAL_BUFS];
};

static pthread_once_t local_once = PTHREAD_ONCE_INIT;
static pthread_key_t local_key;

static void local_free(void *arg)
{
	struct local *m = arg;

	scratch_free(m->ws);
	for (unsigned i = 0; i < N_LOCAL_BUFS; i++)
		free(m->buf[i]);
	free(m);
}

static void local_init(void)
{
	pthread_key_create(&local_key, local_free);
}

static struct local *local_mine(void)
{
	pthread_once(&local_once, local_init);

	struct local *m = pthread_getspecific(local_key);
	if (m)
		return m;
	m = calloc(1, sizeof(*m));
	if (m)
		pthread_setspecific(local_key, m);
	return m;
}

struct scratch *local_scratch(void)
{
	struct local *m = local_mine();

	if (m && !m->ws)
		m->ws = scratch_new();
	return m ? m->ws : NULL;
}

void *local_buf(enum local_buf which, size_t len)
{
	struct local *m = local_mine();

	if (!m)
		return NULL;
	if (m->cap[which] >= len)
		return m->buf[which];

	/* To grow page by page would map and fault anew for each tile. */
	size_t cap = LOCAL_LEAST;
	while (cap < len)
		cap *= 2;
	bool huge = cap >= LOCAL_HUGE;
	if (huge)
		cap = align_up(cap, HUGE_BYTES);
	void *fresh = huge ? huge_alloc(cap) : aligned_alloc(4096, cap);
	if (!fresh)
		return NULL;
	free(m->buf[which]);
	m->buf[which] = fresh;
	m->cap[which] = cap;
	return fresh;
}

void local_warm(void)
{
	struct scratch *ws = local_scratch();
	void *stored = local_buf(LOCAL_STORED, TILE_MAX_BYTES);
	void *work = ws ? scratch_buf(ws, TILE_MAX_BYTES) : NULL;

	if (stored)
		memset(stored, 0, TILE_MAX_BYTES);
	if (work)
		memset(work, 0, TILE_MAX_BYTES);
	if (ws)
		scratch_dctx(ws);
}
