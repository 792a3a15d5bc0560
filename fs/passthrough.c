/* passthrough.c - lets the kernel serve a plain copy without asking us */
#define FUSE_USE_VERSION 314
#include "fs/passthrough.h"

#include <errno.h>
#include <fcntl.h>

#include "codec/mem.h"
#include "fs/store/store.h"

/* An inode that is open. */
struct passing {
	struct passing *next;
	fuse_ino_t ino;
	unsigned n_open;
	int backing_id; /* 0: not passing */
};

void passthrough_init(struct passthrough *p, bool wanted)
{
	*p = (struct passthrough){ .wanted = wanted };
	p->why_not = wanted ? "off: this libfuse or kernel has it not"
			    : "off: by option";
	pthread_mutex_init(&p->lock, NULL);
}

void passthrough_done(struct passthrough *p)
{
	for (size_t b = 0; b < sizeof(p->buckets) / sizeof(*p->buckets); b++)
		while (p->buckets[b]) {
			struct passing *o = p->buckets[b];

			p->buckets[b] = o->next;
			free(o);
		}
	pthread_mutex_destroy(&p->lock);
}

const char *passthrough_state(struct passthrough *p)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	return p->works ? "on" : p->why_not;
}

static struct passing **passing_find(struct passthrough *p, fuse_ino_t ino)
{
	struct passing **at = &p->buckets[(ino >> 4) & 255];

	while (*at && (*at)->ino != ino)
		at = &(*at)->next;
	return at;
}

#ifdef FUSE_CAP_PASSTHROUGH

void passthrough_ask(struct passthrough *p, struct fuse_conn_info *conn)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	if (!p->wanted || !(conn->capable & FUSE_CAP_PASSTHROUGH))
		return;
	conn->want |= FUSE_CAP_PASSTHROUGH;
	conn->max_backing_stack_depth = 1;
	p->works = true;
}

/* Caller holds the lock. */
static void passing_start(struct passthrough *p, fuse_req_t req,
			  struct passing *o, int fd)
{
	int id = fuse_passthrough_open(req, fd);

	if (id > 0) {
		o->backing_id = id;
	} else {
		p->works = false;
		p->why_not = "off: the kernel refuses it (privilege?)";
	}
}

static void passing_reply(const struct passing *o, int fd,
			  struct fuse_file_info *fi)
{
	fi->backing_id = o->backing_id;
	fi->keep_cache = 0;
	fi->direct_io = fd < 0;
}

static void passing_stop(fuse_req_t req, struct passing *o)
{
	if (o->backing_id)
		fuse_passthrough_close(req, o->backing_id);
}

#else

void passthrough_ask(struct passthrough *p, struct fuse_conn_info *conn)
{
	(void)p;
	(void)conn;
}

static void passing_start(struct passthrough *p, fuse_req_t req,
			  struct passing *o, int fd)
{
	(void)p;
	(void)req;
	(void)o;
	(void)fd;
}

static void passing_reply(const struct passing *o, int fd,
			  struct fuse_file_info *fi)
{
	(void)o;
	(void)fd;
	(void)fi;
}

static void passing_stop(fuse_req_t req, struct passing *o)
{
	(void)req;
	(void)o;
}

#endif

void passthrough_open(struct passthrough *p, fuse_req_t req, fuse_ino_t ino,
		      struct store *s, struct handle *h,
		      struct fuse_file_info *fi)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);

	if (!p->works)
		return;
	struct passing **at = passing_find(p, ino);
	struct passing *o = *at;
	bool reader = (fi->flags & O_ACCMODE) == O_RDONLY;
	int fd = -1;

	if (!o) {
		o = calloc(1, sizeof(*o));
		if (!o)
			return; /* its release finds nothing, and that is fine
				 */
		o->ino = ino;
		*at = o;
	}
	if (reader && (!o->n_open || o->backing_id))
		fd = store_pass(s, h);
	if (fd >= 0 && !o->backing_id)
		passing_start(p, req, o, fd);
	o->n_open++;
	if (o->backing_id && !reader)
		store_pass_writer(s, h);
	if (o->backing_id)
		passing_reply(o, fd, fi);
}

void passthrough_release(struct passthrough *p, fuse_req_t req, fuse_ino_t ino)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&p->lock);
	struct passing **at = passing_find(p, ino);
	struct passing *o = *at;

	if (!o || --o->n_open)
		return;
	passing_stop(req, o);
	*at = o->next;
	free(o);
}
