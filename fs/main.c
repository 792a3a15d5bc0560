/* main.c - adaptcachefs: opens the store, mounts it, serves until told to end
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include "codec/mem.h"
#include "fs/fs.h"
#include "fs/store/io_limit.h"
#include "fs/store/log.h"
#include "policy/policy.h"

/* Requests that wait for room must not keep others from being served. */
#define MAX_THREADS 64

static int main_fault(const char *what, int r)
{
	if (r)
		fprintf(stderr, "adaptcachefs: %s: %s\n", what, strerror(-r));
	else
		fprintf(stderr, "adaptcachefs: %s\n", what);
	return 1;
}

/* A mount whose daemon died answers ENOTCONN: takes it away. */
static void main_clear_mountpoint(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0 && errno == ENOTCONN) {
		log_info("%s: taking over from a dead mount", path);
		if (umount2(path, MNT_DETACH) == 0)
			return;
		pid_t child = fork();
		if (child == 0) {
			execlp("fusermount3", "fusermount3", "-uz", "--", path,
			       (char *)NULL);
			_exit(127);
		}
		if (child > 0)
			waitpid(child, NULL, 0);
	}
}

static void main_greet(const struct options *o)
{
	printf("adaptcachefs: %s on %s: memory=%lluM size=%lluM threads=%u "
	       "policy=%s\n",
	       o->backing, o->mountpoint, (unsigned long long)(o->memory >> 20),
	       (unsigned long long)(o->size >> 20), o->threads,
	       o->policy->name);
	fflush(stdout);
}

static int main_loop(struct fs *fs)
{
	if (fs->options.single)
		return fuse_session_loop(fs->session);

	struct fuse_loop_config *loop = fuse_loop_cfg_create();
	if (!loop)
		return -ENOMEM;
	fuse_loop_cfg_set_clone_fd(loop, 1);
	fuse_loop_cfg_set_max_threads(loop, MAX_THREADS);
	fuse_loop_cfg_set_idle_threads(loop, MAX_THREADS);
	int r = fuse_session_loop_mt(fs->session, loop);
	fuse_loop_cfg_destroy(loop);
	return r;
}

/* The daemon keeps no terminal, directory or caller. */
static void main_detach(void)
{
	auto_close int null = open("/dev/null", O_RDWR);

	if (null < 0 || chdir("/") < 0)
		return;
	log_to_syslog();
	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
}

static int main_serve(struct fs *fs, struct fuse_args *args)
{
	struct fuse_lowlevel_ops ops;

	fs_ops_fill(&ops);
	fs->session = fuse_session_new(args, &ops, sizeof(ops), fs);
	if (!fs->session)
		return 1; /* it has said why */
	notify_session(fs->notify, fs->session, store_root(fs->store));

	int r = 1;
	if (fuse_set_signal_handlers(fs->session) == 0) {
		if (fuse_session_mount(fs->session, fs->options.mountpoint) ==
		    0) {
			main_greet(&fs->options);
			if (!fs->options.foreground)
				main_detach();
			r = main_loop(fs) < 0;
			store_retire(fs->store);
			notify_session(fs->notify, NULL, NULL);
			fuse_session_unmount(fs->session);
		}
		fuse_remove_signal_handlers(fs->session);
	}
	notify_session(fs->notify, NULL, NULL);
	return r;
}

static int main_open_store(struct fs *fs)
{
	const struct options *o = &fs->options;
	const char *why;
	struct store_options so = {
		.memory = o->memory,
		.size = o->size,
		.threads = o->threads,
		.policy = o->policy,
		.floor_nats = o->floor_nats,
		.record = *o->record ? o->record : NULL,
		.profiles = o->profiles,
		.alpha = o->alpha,
		.recompute = o->recompute,
		.high = o->high,
		.low = o->low,
		.free = o->free,
		.stale = notify_stale,
		.stale_ctx = fs->notify,
	};
	if (o->device_rate && !(so.io = io_limit(o->backing, o->device_rate)))
		return main_fault("cannot look at the backing", -errno);
	int r = store_open(o->backing, &so, &fs->store, &why);

	if (r == -EBUSY || r == -EINVAL)
		return main_fault(why, 0);
	return r < 0 ? main_fault(why, r) : 0;
}

/* Everything of the daemon; ready_fd is told when the mount is up. */
static int main_daemon(struct options *o, struct fuse_args *args, int ready_fd)
{
	struct fs fs = { .options = *o, .ready_fd = ready_fd };

	/* Left alone, malloc would keep what was freed: memory= counts it. */
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
	/* KV is what a user said: neither dumps nor other users may see it. */
	prctl(PR_SET_DUMPABLE, 0);
	umask(0); /* the kernel has applied the caller's */
	pthread_mutex_init(&fs.control_lock, NULL);
	passthrough_init(&fs.pass, o->passthrough);
	opened_init(&fs.opened);
	fs.notify = notify_new();
	if (!fs.notify)
		return main_fault("cannot start threads", 0);

	int r = main_open_store(&fs);
	if (r == 0) {
		main_clear_mountpoint(o->mountpoint);
		r = main_serve(&fs, args);
		opened_close_all(&fs.opened);
		/* The mount is gone; what was staged goes to the backing. */
		store_close(fs.store);
		if (fs.session)
			fuse_session_destroy(fs.session);
	}
	notify_free(fs.notify);
	passthrough_done(&fs.pass);
	pthread_mutex_destroy(&fs.control_lock);
	free(fs.refused);
	return r;
}

/* Waits for the child's word that it serves; its exit code if it ends first. */
static int main_wait(pid_t child, int fd)
{
	char word;
	int status;

	if (read(fd, &word, 1) == 1)
		return 0;
	if (waitpid(child, &status, 0) == child && WIFEXITED(status) &&
	    WEXITSTATUS(status))
		return WEXITSTATUS(status);
	return 1;
}

static int main_background(struct options *o, struct fuse_args *args)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return main_fault("pipe", -errno);
	pid_t child = fork();
	if (child < 0)
		return main_fault("fork", -errno);
	if (child > 0) {
		close(ends[1]);
		return main_wait(child, ends[0]);
	}
	close(ends[0]);
	setsid();
	return main_daemon(o, args, ends[1]);
}

int main(int argc, char **argv)
{
	struct fuse_args args = FUSE_ARGS_INIT(argc, argv);
	struct options o;
	int r = options_parse(&args, &o) < 0;

	if (r) {
		fuse_opt_free_args(&args);
		return r;
	}
	if (o.help) {
		options_help(argv[0]);
	} else if (o.version) {
		printf("adaptcachefs %s\n", ADAPTCACHE_VERSION);
		fuse_lowlevel_version();
	} else if (o.foreground) {
		r = main_daemon(&o, &args, -1);
	} else {
		r = main_background(&o, &args);
	}
	options_done(&o);
	fuse_opt_free_args(&args);
	return r;
}
