/* test_work.c - the pool runs everything once, the urgent first */
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unistd.h>

#include "fs/store/work.h"
#include "run.h"

enum { N_WORKS = 400 };

struct job {
	struct work work;
	struct bench *bench;
	unsigned number;
};

/* What the jobs of a test note about themselves. */
struct bench {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t opened;
	bool open; /* jobs that wait for it may go on */
	unsigned n_ran, running, most_running;
	unsigned order[N_WORKS];
	struct pool *pool;
};

static struct job *job_of(struct work *w)
{
	return (struct job *)((char *)w - offsetof(struct job, work));
}

static void bench_init(struct bench *b)
{
	*b = (struct bench){ 0 };
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->opened, NULL);
}

static void bench_open(struct bench *b)
{
	pthread_mutex_lock(&b->lock);
	b->open = true;
	pthread_cond_broadcast(&b->opened);
	pthread_mutex_unlock(&b->lock);
}

static unsigned bench_ran(struct bench *b)
{
	pthread_mutex_lock(&b->lock);
	unsigned n = b->n_ran;
	pthread_mutex_unlock(&b->lock);
	return n;
}

static void job_note(struct work *w)
{
	struct job *j = job_of(w);
	struct bench *b = j->bench;

	pthread_mutex_lock(&b->lock);
	b->order[b->n_ran++] = j->number;
	pthread_mutex_unlock(&b->lock);
}

static void job_wait(struct work *w)
{
	struct bench *b = job_of(w)->bench;

	pthread_mutex_lock(&b->lock);
	if (++b->running > b->most_running)
		b->most_running = b->running;
	while (!b->open)
		pthread_cond_wait(&b->opened, &b->lock);
	b->running--;
	b->n_ran++;
	pthread_mutex_unlock(&b->lock);
}

/* Pushes another job, which may be itself, until enough have run. */
static void job_again(struct work *w)
{
	struct job *j = job_of(w);

	pthread_mutex_lock(&j->bench->lock);
	bool more = ++j->bench->n_ran < N_WORKS;
	pthread_mutex_unlock(&j->bench->lock);
	if (more)
		pool_push(j->bench->pool, WORK_LATER, w);
}

START_TEST(drain_waits_for_all)
{
	struct bench b;
	struct job jobs[N_WORKS];
	struct pool *p = pool_new((unsigned)_i, 1 + (unsigned)_i / 2, NULL);

	bench_init(&b);
	ck_assert_ptr_nonnull(p);
	pool_drain(p); /* of nothing */
	for (unsigned i = 0; i < N_WORKS; i++) {
		jobs[i] = (struct job){ { NULL, job_note }, &b, i };
		pool_push(p, i % 3 ? WORK_LATER : WORK_URGENT, &jobs[i].work);
	}
	pool_drain(p);
	ck_assert_uint_eq(bench_ran(&b), N_WORKS);
	ck_assert(!pool_later_busy(p));
	ck_assert_ptr_null(pool_free(p));
}
END_TEST

START_TEST(urgent_goes_first_and_in_order)
{
	struct bench gate, b;
	struct job first, jobs[20];
	struct pool *p = pool_new(1, 1, NULL);

	bench_init(&gate);
	bench_init(&b);
	first = (struct job){ { NULL, job_wait }, &gate, 0 };
	pool_push(p, WORK_URGENT, &first.work);
	for (unsigned i = 0; i < 20; i++) {
		jobs[i] = (struct job){ { NULL, job_note }, &b, i };
		pool_push(p, i < 10 ? WORK_LATER : WORK_URGENT, &jobs[i].work);
	}
	ck_assert(pool_later_busy(p));
	bench_open(&gate);
	pool_drain(p);
	for (unsigned i = 0; i < 20; i++)
		ck_assert_uint_eq(b.order[i], (i + 10) % 20);
	pool_free(p);
}
END_TEST

/* Work that nobody waits for never takes the last threads. */
START_TEST(later_leaves_threads_for_the_urgent)
{
	struct bench gate, b;
	struct job blocked[8], urgent;
	struct pool *p = pool_new(3, 2, NULL);

	bench_init(&gate);
	bench_init(&b);
	for (unsigned i = 0; i < 8; i++) {
		blocked[i] = (struct job){ { NULL, job_wait }, &gate, i };
		pool_push(p, WORK_LATER, &blocked[i].work);
	}
	urgent = (struct job){ { NULL, job_note }, &b, 0 };
	pool_push(p, WORK_URGENT, &urgent.work);
	while (!bench_ran(&b))
		usleep(1000);
	ck_assert(pool_later_busy(p));
	bench_open(&gate);
	pool_drain(p);
	ck_assert_uint_eq(bench_ran(&gate), 8);
	ck_assert_uint_le(gate.most_running, 2);
	pool_free(p);
}
END_TEST

START_TEST(work_may_push_work)
{
	struct bench b;
	struct job j;

	bench_init(&b);
	b.pool = pool_new(2, 1, NULL);
	j = (struct job){ { NULL, job_again }, &b, 0 };
	pool_push(b.pool, WORK_LATER, &j.work);
	pool_drain(b.pool);
	ck_assert_uint_eq(bench_ran(&b), N_WORKS);
	pool_free(b.pool);
}
END_TEST

START_TEST(free_runs_what_is_queued)
{
	struct bench b;
	struct job jobs[N_WORKS];
	struct pool *p = pool_new(2, 1, NULL);

	bench_init(&b);
	for (unsigned i = 0; i < N_WORKS; i++) {
		jobs[i] = (struct job){ { NULL, job_note }, &b, i };
		pool_push(p, WORK_LATER, &jobs[i].work);
	}
	pool_free(p);
	ck_assert_uint_eq(bench_ran(&b), N_WORKS);
	ck_assert_ptr_null(pool_free(NULL));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("work");
	TCase *tc = tcase_create("pool");

	tcase_set_timeout(tc, 30);
	tcase_add_loop_test(tc, drain_waits_for_all, 1, 6);
	tcase_add_test(tc, urgent_goes_first_and_in_order);
	tcase_add_test(tc, later_leaves_threads_for_the_urgent);
	tcase_add_test(tc, work_may_push_work);
	tcase_add_test(tc, free_runs_what_is_queued);
	suite_add_tcase(s, tc);
	return run_suite(s);
}
