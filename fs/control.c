/* control.c - the virtual files of .kv: made when they are opened */
#include "fs/control.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "codec/mem.h"
#include "fs/config.h"
#include "fs/store/log.h"

static const struct {
	fuse_ino_t ino;
	const char *name;
	mode_t mode;
} CONTROL[] = {
	{ FS_KV_STATS, "stats", S_IFREG | 0444 },
	{ FS_KV_METRICS, "metrics", S_IFREG | 0444 },
	{ FS_KV_CONFIG, "config", S_IFREG | 0400 },
	{ FS_KV_DECISIONS, "decisions", S_IFREG | 0400 },
	{ FS_KV_CONTROL, "control", S_IFREG | 0600 },
};
#define N_CONTROL (sizeof(CONTROL) / sizeof(CONTROL[0]))

static struct stat control_stat(fuse_ino_t ino)
{
	struct stat st = { .st_ino = ino,
			   .st_mode = S_IFDIR | 0555,
			   .st_nlink = 2,
			   .st_uid = geteuid(),
			   .st_gid = getegid() };

	for (size_t i = 0; i < N_CONTROL; i++)
		if (CONTROL[i].ino == ino) {
			st.st_mode = CONTROL[i].mode;
			st.st_nlink = 1;
		}
	return st;
}

static struct fuse_entry_param control_entry(fuse_ino_t ino)
{
	return (struct fuse_entry_param){
		.ino = ino,
		.attr = control_stat(ino),
		.attr_timeout = FS_TIMEOUT_S,
		.entry_timeout = FS_TIMEOUT_S,
	};
}

static void control_reply_entry(fuse_req_t req, fuse_ino_t ino)
{
	struct fuse_entry_param e = control_entry(ino);

	fuse_reply_entry(req, &e);
}

bool control_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	if (parent == FS_ROOT && !strcmp(name, ".kv")) {
		control_reply_entry(req, FS_KV_DIR);
		return true;
	}
	if (!fs_is_virtual(parent))
		return false;
	for (size_t i = 0; i < N_CONTROL; i++)
		if (!strcmp(name, CONTROL[i].name)) {
			control_reply_entry(req, CONTROL[i].ino);
			return true;
		}
	fuse_reply_err(req, ENOENT);
	return true;
}

void control_getattr(fuse_req_t req, fuse_ino_t ino)
{
	struct stat st = control_stat(ino);

	fuse_reply_attr(req, &st, FS_TIMEOUT_S);
}

/* The lines that would set it so, and what was refused since. */
static char *control_lines(const struct fs *fs)
{
	auto_free char *lines = config_text(&fs->options);
	char *text = NULL;

	if (!lines || !fs->refused)
		return steal_ptr(&lines);
	return asprintf(&text, "%s# refused: %s\n", lines, fs->refused) < 0
		   ? NULL
		   : text;
}

static char *control_text(struct fs *fs, fuse_ino_t ino)
{
	auto_unlock pthread_mutex_t *held = mutex_lock(&fs->control_lock);

	if (ino == FS_KV_CONTROL)
		return control_lines(fs);
	if (ino == FS_KV_DECISIONS)
		return store_decisions_text(fs->store);
	if (ino == FS_KV_STATS)
		return store_stats_text(fs->store);
	if (ino == FS_KV_METRICS)
		return store_metrics_text(fs->store);
	return options_text(&fs->options, passthrough_state(&fs->pass));
}

/* What one opener reads. */
struct control_file {
	struct opened opened; /* first */
	char *text;
};

static void control_close(struct opened *o)
{
	struct control_file *f = (struct control_file *)o;

	free(f->text);
	free(f);
}

void control_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi)
{
	struct fs *fs = fs_of(req);

	if ((fi->flags & O_ACCMODE) != O_RDONLY && ino != FS_KV_CONTROL) {
		fuse_reply_err(req, EACCES);
		return;
	}
	struct control_file *f = calloc(1, sizeof(*f));
	if (f)
		f->text = control_text(fs, ino);
	if (!f || !f->text) {
		free(f);
		fuse_reply_err(req, ENOMEM);
		return;
	}
	f->opened.close = control_close;
	opened_add(&fs->opened, &f->opened);
	fi->fh = (uint64_t)f;
	fi->direct_io = 1; /* the size is not known before */
	if (fuse_reply_open(req, fi) < 0)
		opened_close(&fs->opened, &f->opened);
}

void control_read(fuse_req_t req, size_t size, off_t off,
		  struct fuse_file_info *fi)
{
	const char *text = ((struct control_file *)fi->fh)->text;
	size_t len = strlen(text);
	size_t at = (size_t)off < len ? (size_t)off : len;
	size_t n = len - at < size ? len - at : size;
	auto_free char *copy = malloc(n + 1);

	/* The reader may have closed the file before the reply returns. */
	if (!copy) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	memcpy(copy, text + at, n);
	fuse_reply_buf(req, copy, n);
}

/* Begins or ends the record.  Writing it must not wait for this mount. */
static int control_record(struct fs *fs, const struct options *to,
			  const char **ret_why)
{
	const char *path = to->record, *mount = fs->options.mountpoint;
	size_t len = strlen(mount);
	struct options same = *to;

	memcpy(same.record, fs->options.record, sizeof(same.record));
	*ret_why = "record= comes alone";
	if (memcmp(&same, &fs->options, sizeof(same)))
		return -EINVAL;
	*ret_why = "record= wants a path from the root, not on this mount";
	if (*path && *path != '/')
		return -EINVAL;
	if (!strncmp(path, mount, len) && (path[len] == '/' || !path[len]))
		return -EINVAL;
	return store_record(fs->store, path, ret_why);
}

static int control_tune(struct fs *fs, struct options *to, const char **ret_why)
{
	const struct tuning tuning = {
		.free = to->free,
		.high = to->high,
		.low = to->low,
		.alpha = to->alpha,
		.recompute = to->recompute,
		.size = to->size,
		.policy = to->policy,
	};

	if (to->policy != fs->options.policy)
		*to->record = 0; /* a record has one policy */
	return store_tune(fs->store, &tuning, ret_why);
}

/* Checked as a whole; returns 0, or -errno with a sentence. */
static int control_change(struct fs *fs, const char *text, size_t len,
			  char why[CONFIG_WHY])
{
	struct options to = fs->options;
	const char *fault;
	int r = config_lines(&to, text, len, true, why);

	if (r < 0)
		return r;
	if (strcmp(to.record, fs->options.record))
		r = control_record(fs, &to, &fault);
	else
		r = control_tune(fs, &to, &fault);
	if (r < 0)
		snprintf(why, CONFIG_WHY, "%s", fault);
	else
		fs->options = to;
	return r;
}

void control_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t len)
{
	struct fs *fs = fs_of(req);
	char why[CONFIG_WHY] = "out of memory";

	if (ino != FS_KV_CONTROL) {
		fuse_reply_err(req, EACCES);
		return;
	}
	pthread_mutex_lock(&fs->control_lock);
	int r = control_change(fs, buf, len, why);
	free(fs->refused);
	fs->refused = r < 0 ? strdup(why) : NULL;
	pthread_mutex_unlock(&fs->control_lock);
	if (r < 0) {
		log_error(".kv/control: refused: %s", why);
		fs_reply_err(req, r);
	} else {
		const char *end = memchr(buf, '\n', len);

		log_info(".kv/control: %.*s",
			 (int)(end ? end - buf : (long)len), buf);
		fuse_reply_write(req, len);
	}
}

void control_setattr(fuse_req_t req, fuse_ino_t ino, int to_set)
{
	if (ino == FS_KV_CONTROL && !(to_set & ~FUSE_SET_ATTR_SIZE))
		control_getattr(req, ino);
	else
		fuse_reply_err(req, EPERM);
}

void control_release(fuse_req_t req, struct fuse_file_info *fi)
{
	opened_close(&fs_of(req)->opened, (struct opened *)fi->fh);
	fuse_reply_err(req, 0);
}

void control_readdir(fuse_req_t req, size_t size, off_t off, bool plus)
{
	auto_free char *buf = malloc(size);
	size_t used = 0;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	for (size_t i = (size_t)off; i < N_CONTROL; i++) {
		struct fuse_entry_param e = control_entry(CONTROL[i].ino);
		const char *name = CONTROL[i].name;
		off_t next = (off_t)i + 1;
		size_t n =
		    plus ? fuse_add_direntry_plus(req, buf + used, size - used,
						  name, &e, next)
			 : fuse_add_direntry(req, buf + used, size - used, name,
					     &e.attr, next);

		if (n > size - used)
			break;
		used += n;
	}
	fuse_reply_buf(req, buf, used);
}
