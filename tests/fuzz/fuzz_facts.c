/*
 * fuzz_facts.c - any name, sidecar and declaration beside any bytes
 *
 * An input is six texts, each up to a NUL: name, contents of the sidecar,
 * dtype, axes, dims, header; then the file.
 */
#include <errno.h>

#include "codec/layout/declare.h"
#include "tests/fuzz/whole.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct facts {
	struct whole file; /* first: whole_read takes it */
	const char *beside;
};

/* Every name has the same file beside it. */
static int facts_sidecar(void *ctx, const char *name, void *buf, size_t cap,
			 size_t *ret_len)
{
	const struct facts *f = ctx;
	size_t len = strlen(f->beside);

	(void)name;
	if (!len)
		return -ENOENT;
	if (len > cap)
		return -E2BIG;
	memcpy(buf, f->beside, len);
	*ret_len = len;
	return 0;
}

/* Takes a text off the front; NULL when there is none. */
static const char *facts_text(struct whole *rest)
{
	const void *nul = rest->len ? memchr(rest->data, 0, rest->len) : NULL;
	const char *text = (const char *)rest->data;

	if (!nul)
		return NULL;
	rest->len -= strlen(text) + 1;
	rest->data += strlen(text) + 1;
	return text;
}

/* What the mount does when an attribute is set. */
static void facts_set(struct declaration *d, const char *key, const char *text,
		      uint64_t size)
{
	struct declaration next = *d;

	if (!*text)
		return;
	if (declare_set(&next, key, text, strlen(text)) < 0) {
		if (memcmp(&next, d, sizeof(next)) != 0)
			abort();
		return;
	}
	if (declare_check(&next, size) == 0)
		*d = next;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const keys[] = { "dtype", "axes", "dims", "header" };
	struct whole rest = { data, len };
	const char *texts[6];
	struct declaration d;

	memset(&d, 0, sizeof(d));
	for (int i = 0; i < 6; i++) {
		texts[i] = facts_text(&rest);
		if (!texts[i])
			return 0;
	}
	for (int i = 0; i < 4; i++)
		facts_set(&d, keys[i], texts[i + 2], rest.len);

	struct facts facts = { rest, texts[1] };
	struct source src = { .size = rest.len,
			      .read = whole_read,
			      .ctx = &facts,
			      .name = texts[0],
			      .sidecar = facts_sidecar,
			      .declared = &d };

	whole_check(&src);
	return 0;
}
