/* known.c - what is known of a file beside its bytes, for the layouts */
#include "fs/store/known.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/xattr.h>

#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/settings.h"

/* vLLM's, over the whole block. */
static const char KNOWN_SUM[] = "user.vllm.kv_crc32c";

static const enum setting_id KNOWN_KEYS[] = {
	SETTING_DTYPE,
	SETTING_AXES,
	SETTING_DIMS,
	SETTING_HEADER,
};
#define N_KNOWN_KEYS (sizeof(KNOWN_KEYS) / sizeof(KNOWN_KEYS[0]))

bool known_checksummed(const struct entry *e)
{
	return fgetxattr(e->fd, KNOWN_SUM, NULL, 0) >= 0;
}

/* What holds for n; the value of `but`, if it is one of the keys, is text. */
static int known_declaration(struct store *s, struct node *n,
			     enum setting_id but, const char *text,
			     struct declaration *ret)
{
	*ret = (struct declaration){ 0 };
	for (size_t i = 0; i < N_KNOWN_KEYS; i++) {
		enum setting_id id = KNOWN_KEYS[i];
		struct setting now = settings_get(s, n, id);
		const char *value = id == but ? text : now.text;

		if (!strcmp(value, setting_default(id).text))
			continue;
		int r =
		    declare_set(ret, setting_name(id), value, strlen(value));
		if (r < 0 && id == but)
			return -EINVAL;
	}
	return 0;
}

int known_check(struct store *s, struct node *n, enum setting_id id,
		const char *text, uint64_t size)
{
	struct declaration d;
	int r = known_declaration(s, n, id, text, &d);

	return r < 0 ? r : declare_check(&d, size);
}

void known_init(struct known *k, struct entry *e)
{
	struct store *s = e->store;

	*k = (struct known){ .store = s };
	known_declaration(s, e->node, N_SETTINGS, NULL, &k->declared);
	k->is_declared = k->declared.given;
	k->checksummed = known_checksummed(e);
	k->name = settings_path(s, e->node);
}

void known_done(struct known *k)
{
	free(k->name);
	k->name = NULL;
}

void known_tell(const struct known *k, struct source *src)
{
	/* The path begins with a slash, the layouts' do not. */
	src->name = k->name ? k->name + 1 : NULL;
	src->declared = k->is_declared ? &k->declared : NULL;
	src->checksummed = k->checksummed;
}

/* The node at a path from the root, which the kernel may not know of. */
static int known_node(struct store *s, const char *path, struct node **ret)
{
	struct node *n = store_root(s);
	char name[NAME_MAX + 1];
	struct stat st;
	bool root = true;

	while (*path) {
		size_t len = strcspn(path, "/");
		struct node *kid;

		if (len > NAME_MAX)
			return -ENAMETOOLONG;
		memcpy(name, path, len);
		name[len] = 0;
		path += len + (path[len] == '/');
		int r = store_lookup(s, n, name, &kid, &st);
		if (!root)
			store_forget(s, n, 1);
		if (r < 0)
			return r;
		n = kid;
		root = false;
		if (*path ? !S_ISDIR(st.st_mode) : !S_ISREG(st.st_mode)) {
			store_forget(s, n, 1);
			return -ENOENT;
		}
	}
	*ret = n;
	return root ? -ENOENT : 0;
}

static int known_read(struct store *s, struct handle *h, char *buf, size_t cap,
		      size_t *ret_len)
{
	size_t len = 0;
	int r;

	for (;;) {
		struct view v;

		r = store_read(s, h, len, cap + 1 - len, &v);
		if (r < 0)
			return r;
		size_t n = v.len;
		if (len + n > cap)
			r = -E2BIG;
		for (unsigned i = 0; r == 0 && i < v.n_pieces; i++) {
			memcpy(buf + len, v.piece[i].iov_base,
			       v.piece[i].iov_len);
			len += v.piece[i].iov_len;
		}
		store_read_done(s, &v);
		if (r < 0)
			return r;
		if (!n)
			break;
	}
	*ret_len = len;
	return 0;
}

int known_file(struct store *s, const char *path, void *buf, size_t cap,
	       size_t *ret_len)
{
	struct node *n;
	struct handle *h;
	int r = known_node(s, path, &n);

	if (r < 0)
		return r;
	r = store_open_file(s, n, O_RDONLY, &h);
	if (r == 0) {
		r = known_read(s, h, buf, cap, ret_len);
		store_release(s, h);
	}
	store_forget(s, n, 1);
	return r;
}
