/* work.c - a pool of threads that runs queued work, the urgent first */
#include "fs/store/work.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include "codec/mem.h"

struct queue {
	struct work *first, **last;
};

struct pool {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t work;  /* something was pushed, a slot came free, stop */
	pthread_cond_t idle;  /* a thread finished something */
	struct queue queue[N_URGENCIES];
	unsigned running[N_URGENCIES];
	unsigned n_later; /* of WORK_LATER at most, at a time */
	bool stop;
	void (*begin)(void);
	unsigned n_threads;
	pthread_t threads[];
};

static struct work *queue_pop(struct queue *q)
{
	struct work *w = q->first;

	if (!w)
		return NULL;
	q->first = w->next;
	if (!q->first)
		q->last = &q->first;
	w->next = NULL;
	return w;
}

/* Caller holds the lock. */
static struct work *pool_pop(struct pool *p, enum urgency *ret_u)
{
	struct work *w = queue_pop(&p->queue[WORK_URGENT]);

	*ret_u = WORK_URGENT;
	if (!w && p->running[WORK_LATER] < p->n_later) {
		w = queue_pop(&p->queue[WORK_LATER]);
		*ret_u = WORK_LATER;
	}
	return w;
}

static void *pool_thread(void *arg)
{
	struct pool *p = arg;

	prctl(PR_SET_NAME, "adaptcache-work");
	if (p->begin)
		p->begin();
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);
	for (;;) {
		enum urgency u;
		struct work *w = pool_pop(p, &u);

		if (!w && p->stop)
			break;
		if (!w) {
			pthread_cond_wait(&p->work, &p->lock);
			continue;
		}
		p->running[u]++;
		pthread_mutex_unlock(&p->lock);
		w->run(w);
		pthread_mutex_lock(&p->lock);
		p->running[u]--;
		pthread_cond_broadcast(&p->idle);
	}
	return NULL;
}

struct pool *pool_new(unsigned n_threads, unsigned n_later, void (*begin)(void))
{
	struct pool *p =
	    calloc(1, sizeof(*p) + n_threads * sizeof(p->threads[0]));

	if (!p)
		return NULL;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->work, NULL);
	pthread_cond_init(&p->idle, NULL);
	for (unsigned u = 0; u < N_URGENCIES; u++)
		p->queue[u].last = &p->queue[u].first;
	p->n_later = n_later;
	p->begin = begin;

	for (; p->n_threads < n_threads; p->n_threads++)
		if (pthread_create(&p->threads[p->n_threads], NULL, pool_thread,
				   p))
			return pool_free(p);
	return p;
}

void pool_push(struct pool *p, enum urgency u, struct work *w)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	w->next = NULL;
	*p->queue[u].last = w;
	p->queue[u].last = &w->next;
	pthread_cond_signal(&p->work);
}

bool pool_later_busy(struct pool *p)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	return p->queue[WORK_LATER].first || p->running[WORK_LATER];
}

/* Caller holds the lock. */
static bool pool_busy(const struct pool *p)
{
	for (unsigned u = 0; u < N_URGENCIES; u++)
		if (p->queue[u].first || p->running[u])
			return true;
	return false;
}

void pool_drain(struct pool *p)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	while (pool_busy(p))
		pthread_cond_wait(&p->idle, &p->lock);
}

struct pool *pool_free(struct pool *p)
{
	if (!p)
		return NULL;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->work);
	pthread_mutex_unlock(&p->lock);
	for (unsigned i = 0; i < p->n_threads; i++)
		pthread_join(p->threads[i], NULL);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->work);
	pthread_cond_destroy(&p->idle);
	free(p);
	return NULL;
}
