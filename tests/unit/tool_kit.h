/*
 * tool_kit.h - files to give to a verb of adaptcache, and what it says
 *
 * Everything lies in a directory of its own, made by tool_begin.
 */
#pragma once

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>

#include "codec/mem.h"
#include "tests/unit/sample.h"
#include "tools/verbs.h"

#define TOOL_COLS   1024u /* so that 600 tokens are three tiles */
#define TOOL_TOKENS 600u
#define TOOL_LAYERS 2u

struct tool_file {
	uint8_t *at;
	size_t len;
};

static char tool_dir[64];

static inline void tool_begin(void)
{
	snprintf(tool_dir, sizeof(tool_dir), "/tmp/adaptcache-tool-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(tool_dir));
}

static inline void tool_end(void)
{
	static const char *const names[] = { "plain", "container", "out" };
	char path[128];

	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/%s", tool_dir, names[i]);
		unlink(path);
	}
	ck_assert_int_eq(rmdir(tool_dir), 0); /* and nothing beside them */
}

/* A name in the directory: good until sixteen more were asked for. */
static inline char *tool_path(const char *name)
{
	static char path[16][128];
	static unsigned next;
	char *at = path[next++ % 16];

	snprintf(at, sizeof(path[0]), "%s/%s", tool_dir, name);
	return at;
}

static inline void tool_write(const char *name, const void *bytes, size_t len)
{
	FILE *f = fopen(tool_path(name), "w");

	ck_assert_ptr_nonnull(f);
	ck_assert_uint_eq(fwrite(bytes, 1, len, f), len);
	ck_assert_int_eq(fclose(f), 0);
}

static inline struct tool_file tool_read(const char *name)
{
	struct tool_file file = { 0 };
	struct stat st;
	auto_close int fd = open(tool_path(name), O_RDONLY | O_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fstat(fd, &st), 0);
	file.len = (size_t)st.st_size;
	file.at = malloc(file.len + 1);
	ck_assert_ptr_nonnull(file.at);
	ck_assert_int_eq(read(fd, file.at, file.len), (ssize_t)file.len);
	return file;
}

static inline bool tool_exists(const char *name)
{
	return access(tool_path(name), F_OK) == 0;
}

static inline void tool_u32(struct tool_file *f, uint32_t v)
{
	store32(f->at + f->len, v);
	f->len += 4;
}

/* Where the rows of a tensor start: K of layer 0, of 1 ..., V of 0 ... */
static inline size_t tool_tensor(const struct tool_file *f, unsigned i)
{
	size_t each = 12 + 2ull * TOOL_TOKENS * TOOL_COLS;

	return f->len - (2 * TOOL_LAYERS - i) * each + 12;
}

/* A llama.cpp sequence state; tool_tensor is for those of 16 bits. */
static inline struct tool_file tool_llama(uint8_t elem)
{
	struct shape s = { .elem = elem,
			   .rows = TOOL_TOKENS,
			   .cols = TOOL_COLS };
	struct tool_file f = { .at = malloc(64 + 16 * TOOL_TOKENS +
					    2 * TOOL_LAYERS *
						(12 + shape_bytes(&s))) };

	ck_assert_ptr_nonnull(f.at);
	memcpy(f.at, "qsgg", 4);
	f.len = 4;
	tool_u32(&f, 4);
	tool_u32(&f, TOOL_TOKENS);
	for (uint32_t t = 0; t < TOOL_TOKENS; t++)
		tool_u32(&f, t * 7);
	tool_u32(&f, 1);
	tool_u32(&f, TOOL_TOKENS);
	for (uint32_t t = 0; t < TOOL_TOKENS; t++) {
		tool_u32(&f, t);
		tool_u32(&f, 1);
		tool_u32(&f, 0);
	}
	for (unsigned i = 0; i < 4; i++)
		tool_u32(&f, i == 1 ? TOOL_LAYERS : 0);
	for (unsigned i = 0; i < 2 * TOOL_LAYERS; i++) {
		tool_u32(&f, elem == ELEM_BF16 ? 30 : elem == ELEM_F16);
		tool_u32(&f, (uint32_t)elem_bytes(elem) * TOOL_COLS);
		tool_u32(&f, 0);
		sample_normal(&s, f.at + f.len);
		f.len += shape_bytes(&s);
	}
	return f;
}

/* Calls a verb; words after the first end at NULL. */
static inline int tool_run(int (*verb)(int, char **), const char *const *words)
{
	char *argv[16] = { 0 };
	int argc = 0;

	for (; words[argc]; argc++)
		argv[argc] = strdup(words[argc]);

	int status = verb(argc, argv);

	for (int i = 0; i < argc; i++)
		free(argv[i]);
	return status;
}

#define TOOL(verb, ...)                                                        \
	tool_run(verb, (const char *const[]){ #verb, __VA_ARGS__, NULL })
