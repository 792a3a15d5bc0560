/* profiles.c - the layer profiles and the tasks' curves that are installed */
#include "fs/store/profiles.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#include "codec/mem.h"
#include "fs/store/io.h"
#include "fs/store/log.h"

static bool profiles_named(const char *name, const char *suffix)
{
	size_t len = strlen(name), end = strlen(suffix);

	return len > end && !strcmp(name + len - end, suffix);
}

/*
 * The text of a file, malloc'ed, and its length; no text is longer than cap.
 * NULL after a line in the log.
 */
static char *profiles_read(int dir, const char *name, size_t cap, size_t *len)
{
	auto_free char *text = malloc(cap + 1);
	auto_close int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || !text) {
		log_error("profile %s: %s", name, strerror(errno));
		return NULL;
	}
	ssize_t n = io_real.read(fd, text, cap + 1, 0);
	if (n < 0 || (size_t)n > cap) {
		log_error("profile %s: cannot be read, or too long", name);
		return NULL;
	}
	*len = (size_t)n;
	return steal_ptr(&text);
}

static void profiles_add(struct profiles *p, int dir, const char *name)
{
	size_t len = 0;
	auto_free char *text =
	    profiles_read(dir, name, PROFILE_MAX_BYTES, &len);
	struct profile_fault fault;
	void *grown = realloc(p->at, (p->n + 1) * sizeof(*p->at));

	if (grown)
		p->at = grown;
	if (!grown || !text)
		return;
	if (profile_parse(text, len, &p->at[p->n], &fault) == 0)
		p->n++;
	else
		log_error("profile %s: line %u: %s", name, fault.line,
			  fault.what);
}

static void profiles_add_task(struct profiles *p, int dir, const char *name)
{
	size_t len = 0;
	auto_free char *text = profiles_read(dir, name, TASK_MAX_BYTES, &len);
	struct task_fault fault;
	void *grown = realloc(p->tasks, (p->n_tasks + 1) * sizeof(*p->tasks));

	if (grown)
		p->tasks = grown;
	if (!grown || !text)
		return;
	if (task_parse(text, len, &p->tasks[p->n_tasks], &fault) == 0)
		p->n_tasks++;
	else
		log_error("task %s: line %u: %s", name, fault.line, fault.what);
}

void profiles_load(struct profiles *p, const char *path)
{
	*p = (struct profiles){ 0 };
	auto_close int fd =
	    path ? open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *d = fd < 0 ? NULL : io_list(&io_real, fd);
	struct dirent *at;

	if (!d)
		return;
	while ((at = readdir(d))) {
		if (profiles_named(at->d_name, ".profile"))
			profiles_add(p, fd, at->d_name);
		if (profiles_named(at->d_name, ".task"))
			profiles_add_task(p, fd, at->d_name);
	}
	closedir(d);
}

void profiles_done(struct profiles *p)
{
	for (size_t i = 0; i < p->n; i++)
		profile_done(&p->at[i]);
	free(p->at);
	free(p->tasks);
	*p = (struct profiles){ 0 };
}

const struct profile *profiles_find(const struct profiles *p,
				    const struct head_extent *at, size_t n)
{
	for (size_t i = 0; i < p->n; i++)
		if (profile_matches(&p->at[i], at, n))
			return &p->at[i];
	return NULL;
}

const struct damage *profiles_damage(const struct profiles *p, const char *task)
{
	const struct damage *built_in = task_built_in(task);

	for (size_t i = 0; i < p->n_tasks; i++)
		if (!strcmp(p->tasks[i].name, task))
			return &p->tasks[i].damage;
	return built_in ? built_in : &DAMAGE_DEFAULT;
}
