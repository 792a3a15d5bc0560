/* notify.c - tells the kernel what it should forget, from its own thread */
#include "fs/notify.h"

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>
#include <pthread.h>
#include <stdbool.h>
#include <time.h>

#include "codec/mem.h"

/*
 * The kernel may be waiting for a process that waits for us, who serve nobody
 * any more: only the unmount ends that.
 */
#define TELL_S 2

struct stale {
	struct stale *next;
	struct node *node; /* an id by now; never followed */
	bool has_name;
	char name[];
};

struct notify {
	pthread_mutex_t lock; /* guards all below */
	pthread_cond_t wake;
	struct stale *first, **last;
	struct fuse_session *session;
	struct node *root;
	bool stop, telling;
	pthread_t thread;
};

static void notify_tell(struct fuse_session *se, const struct node *root,
			const struct stale *s)
{
	fuse_ino_t ino = s->node == root ? FUSE_ROOT_ID : (fuse_ino_t)s->node;

	/* What the kernel does not know it need not forget: errors are fine. */
	if (s->has_name)
		fuse_lowlevel_notify_inval_entry(se, ino, s->name,
						 strlen(s->name));
	else
		fuse_lowlevel_notify_inval_inode(se, ino, -1, 0);
}

static void *notify_thread(void *arg)
{
	struct notify *n = arg;
	auto_unlock pthread_mutex_t *held = mutex_lock(&n->lock);

	for (;;) {
		struct stale *s = n->first;

		if (n->stop)
			return NULL;
		if (!s) {
			pthread_cond_wait(&n->wake, &n->lock);
			continue;
		}
		n->first = s->next;
		if (!n->first)
			n->last = &n->first;

		struct fuse_session *se = n->session;
		struct node *root = n->root;
		n->telling = true;
		pthread_mutex_unlock(&n->lock);
		if (se)
			notify_tell(se, root, s);
		free(s);
		pthread_mutex_lock(&n->lock);
		n->telling = false;
		pthread_cond_broadcast(&n->wake);
	}
}

struct notify *notify_new(void)
{
	struct notify *n = calloc(1, sizeof(*n));

	if (!n)
		return NULL;
	pthread_mutex_init(&n->lock, NULL);
	pthread_cond_init(&n->wake, NULL);
	n->last = &n->first;
	if (pthread_create(&n->thread, NULL, notify_thread, n)) {
		free(n);
		return NULL;
	}
	return n;
}

void notify_session(struct notify *n, struct fuse_session *se,
		    struct node *root)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&n->lock);
	struct timespec until;

	n->session = se;
	n->root = root;
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += TELL_S;
	while (!se && n->telling)
		if (pthread_cond_timedwait(&n->wake, &n->lock, &until))
			break;
}

struct notify *notify_free(struct notify *n)
{
	if (!n)
		return NULL;
	pthread_mutex_lock(&n->lock);
	n->stop = true;
	pthread_cond_signal(&n->wake);
	pthread_mutex_unlock(&n->lock);
	pthread_join(n->thread, NULL);
	while (n->first) {
		struct stale *s = n->first;

		n->first = s->next;
		free(s);
	}
	pthread_mutex_destroy(&n->lock);
	pthread_cond_destroy(&n->wake);
	free(n);
	return NULL;
}

void notify_stale(void *ctx, struct node *node, const char *name)
{
	struct notify *n = ctx;
	size_t len = name ? strlen(name) + 1 : 0;
	struct stale *s = malloc(sizeof(*s) + len);

	if (!s)
		return; /* the kernel finds out when its time is up */
	s->next = NULL;
	s->node = node;
	s->has_name = name;
	if (name)
		memcpy(s->name, name, len);

	auto_unlock pthread_mutex_t *held = mutex_lock(&n->lock);
	*n->last = s;
	n->last = &s->next;
	pthread_cond_signal(&n->wake);
}
