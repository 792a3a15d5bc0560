/* fuzz_layout.c - any bytes as a client's file: extents stay inside it */
#include <stdlib.h>
#include <string.h>

#include "codec/codec.h"
#include "codec/layout/layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

struct fuzz_file {
	const uint8_t *data;
	size_t len;
};

static int fuzz_read(void *ctx, uint64_t off, void *dst, size_t len)
{
	const struct fuzz_file *f = ctx;

	if (off > f->len || len > f->len - off)
		abort();
	memcpy(dst, f->data + off, len);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct fuzz_file file = { data, len };
	struct source src = { .size = len, .read = fuzz_read, .ctx = &file };
	const struct layout *layout;
	struct extents list;
	uint64_t end = 0;

	if (layout_recognise(&src, &layout, &list) < 0)
		abort();
	for (size_t i = 0; i < list.n; i++) {
		const struct extent *e = &list.at[i];

		if (e->off < end || e->off > len || e->len > len - e->off)
			abort();
		if (!e->cols || e->len % (e->cols * elem_bytes(e->elem)))
			abort();
		end = e->off + e->len;
	}
	extents_done(&list);
	return 0;
}
