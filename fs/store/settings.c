/* settings.c - the settings of files and directories, and which of them hold */
#include "fs/store/settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "codec/mem.h"
#include "fs/store/attr.h"
#include "fs/store/entry.h"
#include "fs/store/known.h"
#include "fs/store/mover.h"
#include "fs/store/quota.h"
#include "fs/store/short_name.h"
#include "fs/store/state.h"
#include "fs/store/walk.h"
#include "fs/store/weight.h"

#define PREFIX         "user.kv."
#define NAME_MAX_BYTES 64

/* ---- in memory; callers hold tree.lock ---- */

static struct own **settings_at(struct node *n, enum setting_id id)
{
	struct own **at = &n->own;

	while (*at && (*at)->id != id)
		at = &(*at)->next;
	return at;
}

static struct own *settings_own(enum setting_id id, const struct setting *v)
{
	size_t len = strlen(v->text) + 1;
	struct own *o = malloc(sizeof(*o) + len);

	if (!o)
		return NULL;
	*o = (struct own){ .id = id, .number = v->number };
	memcpy(o->text, v->text, len);
	return o;
}

/* Puts fresh, or NULL, in the place of the node's own; returns that. */
static struct own *settings_swap(struct tree *t, struct node *n,
				 enum setting_id id, struct own *fresh)
{
	struct own **at = settings_at(n, id), *was = *at;

	if (was)
		*at = was->next;
	if (fresh) {
		fresh->next = n->own;
		n->own = fresh;
		t->set_ever |= 1u << id;
	}
	if (id == SETTING_QUOTA && n->type == S_IFDIR)
		n->quota = fresh ? (uint64_t)fresh->number : 0;
	if (id == SETTING_PIN)
		weight_pin(t, n,
			   !fresh                              ? NODE_PIN_UNSET
			   : fresh->number == SETTING_PIN_HARD ? NODE_PIN_HARD
							       : NODE_PIN_NO);
	return was;
}

/* Who says it for n, or NULL. */
static const struct own *settings_find(struct node *n, enum setting_id id,
				       struct node **ret_from)
{
	for (; n; n = weight_dir(n)) {
		const struct own *o = *settings_at(n, id);

		*ret_from = n;
		if (o)
			return o;
	}
	return NULL;
}

/* "/a/b" by first names; malloc'ed, or NULL. */
static char *settings_path_of(const struct node *n)
{
	char name[SHORT_NAME_MOST + 1];
	size_t len = 0;

	for (const struct node *m = n; m->links; m = m->links->dir) {
		short_name_unpack(m->links->name, name);
		len += strlen(name) + 1;
	}
	char *path = malloc(len + 2), *at;
	if (!path)
		return NULL;
	strcpy(path, "/");
	if (len)
		path[len] = 0;
	at = path + len;
	for (const struct node *m = n; m->links; m = m->links->dir) {
		short_name_unpack(m->links->name, name);
		size_t part = strlen(name);

		at -= part + 1;
		*at = '/';
		memcpy(at + 1, name, part);
	}
	return path;
}

char *settings_path(struct store *s, const struct node *n)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	return settings_path_of(n);
}

/* ---- what holds ---- */

/* Where nobody said anything, the mount's own options do. */
static struct setting settings_default(const struct store *s,
				       enum setting_id id)
{
	struct setting v = setting_default(id);
	char number[SETTING_NUMBER_MAX];

	if (id == SETTING_QUALITY && s->options.floor_nats > 0) {
		v.number = s->options.floor_nats;
		setting_write(v.number, number);
		snprintf(v.text, sizeof(v.text), "kld:%s", number);
	}
	return v;
}

void settings_look(struct store *s, struct node *n, struct settings *ret)
{
	unsigned seen = 0;

	for (unsigned i = 0; i < N_SETTINGS; i++)
		ret->number[i] = setting_initial(i);
	ret->number[SETTING_QUALITY] = s->options.floor_nats;
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

	for (; n; n = weight_dir(n))
		for (const struct own *o = n->own; o; o = o->next) {
			if (!(seen & 1u << o->id))
				ret->number[o->id] = o->number;
			seen |= 1u << o->id;
		}
}

struct setting settings_get(struct store *s, struct node *n, enum setting_id id)
{
	struct setting value = settings_default(s, id);
	struct node *from;
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);
	const struct own *o = settings_find(n, id, &from);

	if (o) {
		value.number = o->number;
		snprintf(value.text, sizeof(value.text), "%s", o->text);
	}
	return value;
}

double settings_quality(struct store *s, struct node *n)
{
	struct settings now;

	settings_look(s, n, &now);
	return now.number[SETTING_QUALITY];
}

int settings_effective(struct store *s, struct node *n, const char *name,
		       char **ret)
{
	enum setting_id id;
	auto_free char *path = NULL;
	struct node *from;

	if (!setting_find(name, &id))
		return -ENODATA;
	struct setting value = settings_default(s, id);
	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);
		const struct own *o = settings_find(n, id, &from);

		if (o)
			snprintf(value.text, sizeof(value.text), "%s", o->text);
		path = o ? settings_path_of(from) : strdup("default");
	}
	if (!path || asprintf(ret, "%s (from %s)", value.text, path) < 0)
		return -ENOMEM;
	return 0;
}

/* ---- changes ---- */

/* Bytes of a file, staged or published; of a directory none. */
static uint64_t settings_size(struct store *s, struct node *n)
{
	struct entry *e = n->type == S_IFREG ? entry_peek(s, n) : NULL;
	uint64_t size = n->type == S_IFREG ? n->size : DECLARE_NO_SIZE;

	if (!e)
		return size;
	pthread_mutex_lock(&e->lock);
	size = e->size;
	pthread_mutex_unlock(&e->lock);
	entry_put(e);
	return size;
}

/*
 * A quota is a directory's, and within size=.  What a file is declared to be
 * must be possible.
 */
static int settings_refuse(struct store *s, struct node *n,
			   const struct own *fresh)
{
	if (fresh && fresh->id >= SETTING_DTYPE)
		return known_check(s, n, fresh->id, fresh->text,
				   settings_size(s, n));
	if (!fresh || fresh->id != SETTING_QUOTA)
		return 0;
	return n->type == S_IFDIR && fresh->number <= (double)s->size ? 0
								      : -EINVAL;
}

/* In memory; refused when that pins too much. */
static int settings_try(struct store *s, struct node *n, enum setting_id id,
			struct own **swap)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);
	uint64_t before = s->tree.pinned_bytes;

	*swap = settings_swap(&s->tree, n, id, *swap);
	if (s->tree.pinned_bytes <= before ||
	    s->tree.pinned_bytes <= quota_pin_limit(s))
		return 0;
	*swap = settings_swap(&s->tree, n, id, *swap);
	return -ENOSPC;
}

/* The attribute itself: value NULL removes it. */
static int settings_keep(int fd, enum setting_id id, const void *value,
			 size_t len, int flags)
{
	char name[NAME_MAX_BYTES];

	snprintf(name, sizeof(name), PREFIX "%s", setting_name(id));
	int r = value ? fsetxattr(fd, name, value, len, flags)
		      : fremovexattr(fd, name);
	return r < 0 ? -errno : 0;
}

/* On the backing and in memory, or nowhere.  Takes fresh. */
static int settings_change(struct store *s, struct node *n, enum setting_id id,
			   struct own *fresh, const void *value, size_t len,
			   int flags)
{
	auto_free struct own *swap = fresh;
	auto_rwunlock pthread_rwlock_t *names = lock_shared(&s->tree.names);
	auto_close int fd = attr_open(s, n);

	if (fd < 0)
		return fd;
	auto_unlock pthread_mutex_t *one = mutex_lock(&s->settings_lock);
	int r = settings_refuse(s, n, swap);
	if (r == 0)
		r = settings_try(s, n, id, &swap);
	if (r < 0)
		return r;
	r = settings_keep(fd, id, value, len, flags);
	if (r < 0) {
		auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

		swap = settings_swap(&s->tree, n, id, swap);
	}
	return r;
}

int settings_set(struct store *s, struct node *n, const char *name,
		 const void *value, size_t len, int flags)
{
	enum setting_id id;
	struct setting v;

	if (!setting_find(name, &id))
		return -EINVAL;
	if (!len) {
		int r = settings_remove(s, n, name);

		return r == -ENODATA ? 0 : r;
	}
	int r = setting_parse(id, value, len, &v);
	if (r < 0)
		return r;
	struct own *fresh = settings_own(id, &v);
	r = fresh ? settings_change(s, n, id, fresh, value, len, flags)
		  : -ENOMEM;
	if (r == 0)
		settings_spread(s, n);
	return r;
}

int settings_remove(struct store *s, struct node *n, const char *name)
{
	enum setting_id id;

	if (!setting_find(name, &id))
		return -ENODATA;
	int r = settings_change(s, n, id, NULL, NULL, 0, 0);
	if (r == 0)
		settings_spread(s, n);
	return r;
}

/* ---- from the backing ---- */

/* Of the attributes listed one may be ours. */
static bool settings_listed(const char *path)
{
	char list[1024];
	ssize_t len = llistxattr(path, list, sizeof(list));

	if (len < 0)
		return errno == ERANGE;
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(list + at) + 1)
		if (!strncmp(list + at, PREFIX, strlen(PREFIX)))
			return true;
	return false;
}

static struct own *settings_read(const char *path, enum setting_id id)
{
	char name[NAME_MAX_BYTES], value[SETTING_TEXT_MAX];
	struct setting v;

	snprintf(name, sizeof(name), PREFIX "%s", setting_name(id));
	ssize_t len = lgetxattr(path, name, value, sizeof(value));

	if (len <= 0 || setting_parse(id, value, (size_t)len, &v) < 0)
		return NULL;
	return settings_own(id, &v);
}

void settings_learn(struct store *s, struct node *n, struct node *dir,
		    const char *name)
{
	struct own *own[N_SETTINGS] = { 0 };
	char path[300]; /* past dir's descriptor, which only names it */

	if (n->learned)
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", dir->fd, name);
	if ((n->type == S_IFREG || n->type == S_IFDIR) && settings_listed(path))
		for (unsigned i = 0; i < N_SETTINGS; i++)
			own[i] = settings_read(path, i);
	{
		auto_unlock pthread_mutex_t *held = mutex_lock(&s->tree.lock);

		for (unsigned i = 0; !n->learned && i < N_SETTINGS; i++)
			if (own[i])
				own[i] = settings_swap(&s->tree, n, i, own[i]);
		n->learned = true;
	}
	for (unsigned i = 0; i < N_SETTINGS; i++)
		free(own[i]); /* another lookup was faster */
}

void settings_spread(struct store *s, struct node *n)
{
	struct walk all;

	if (n->type == S_IFDIR && !s->tree.set_ever)
		return;
	if (walk_files(&s->tree, n, &all) < 0)
		return; /* the policy goes by what held before */
	for (size_t i = 0; i < all.n; i++)
		mover_revise(s, all.node[i]);
	walk_done(&s->tree, &all);
}
