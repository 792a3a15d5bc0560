/* info.c - what is stored of a file on a mount, or of a container */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/xattr.h>

#include "codec/layout/layout.h"
#include "codec/mem.h"
#include "fs/store/container.h"
#include "tools/pairs.h"
#include "tools/prefix.h"
#include "tools/verbs.h"

static const char *const FACTS[] = { "logical", "stored", "codec", "layout",
				     "layers",  "tier",   "hits",  "last_hit" };
#define N_FACTS (sizeof(FACTS) / sizeof(FACTS[0]))

static bool info_fact(int fd, const char *fact, char value[128])
{
	char name[64];

	snprintf(name, sizeof(name), "user.kv.stat.%s", fact);
	ssize_t n = fgetxattr(fd, name, value, 127);
	if (n < 0)
		return false;
	value[n] = 0;
	return true;
}

/* Why it is where it is, if the policy of the mount weighs options. */
static void info_decision(int fd)
{
	static const char name[] = "user.kv.stat.decision";
	ssize_t cap = fgetxattr(fd, name, NULL, 0);
	auto_free char *text = cap > 0 ? malloc((size_t)cap) : NULL;
	ssize_t n = text ? fgetxattr(fd, name, text, (size_t)cap) : -1;

	if (n > 0)
		printf("\n%.*s", (int)n, text);
}

/* False: not a file on a mount. */
static bool info_mounted(int fd, bool json)
{
	char value[128];

	if (!info_fact(fd, FACTS[0], value))
		return false;
	pairs_begin(json);
	for (size_t i = 0; i < N_FACTS; i++)
		if (info_fact(fd, FACTS[i], value))
			pairs_print(json, i == 0, FACTS[i], value);
	pairs_end(json);
	if (!json)
		info_decision(fd);
	return true;
}

static void info_number(bool json, const char *name, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	pairs_print(json, false, name, text);
}

/* Plain bytes and tiles that each codec took. */
static void info_codecs(const struct head *h, bool json)
{
	uint64_t plain[256] = { 0 }, tiles[256] = { 0 };
	char name[64];

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		struct shape shape = head_shape(h, t);

		plain[h->tiles[t].codec] += shape_bytes(&shape);
		tiles[h->tiles[t].codec]++;
	}
	for (unsigned i = 0; i < 256; i++) {
		const struct codec *c = codec_by_id((uint8_t)i);

		if (!tiles[i])
			continue;
		snprintf(name, sizeof(name), "codec_%s_tiles",
			 c ? c->name : "unknown");
		info_number(json, name, tiles[i]);
		snprintf(name, sizeof(name), "codec_%s_bytes",
			 c ? c->name : "unknown");
		info_number(json, name, plain[i]);
	}
}

static void info_layers(const struct container *c, bool json)
{
	char name[64];

	for (unsigned l = 0; l < N_LAYERS; l++) {
		if (!c->head.section[l].len)
			continue;
		snprintf(name, sizeof(name), "layer_%s_offset",
			 prefix_names[l]);
		info_number(json, name, c->head.section[l].off);
		snprintf(name, sizeof(name), "layer_%s_bytes", prefix_names[l]);
		info_number(json, name, c->head.section[l].len);
	}
}

static void info_container(const struct container *c, bool json)
{
	const struct head *h = &c->head;
	uint64_t tensors = 0;

	for (uint32_t i = 0; i < h->n_extents; i++)
		tensors += h->extents[i].elem != ELEM_U8;
	pairs_begin(json);
	pairs_print(json, true, "version", head_version(h) > 1 ? "2" : "1");
	info_number(json, "logical", h->logical_size);
	info_number(json, "stored", h->file_len);
	pairs_print(json, false, "layout", layout_name(h->layout));
	info_number(json, "layers", c->n_layers);
	info_number(json, "extents", h->n_extents);
	info_number(json, "tensors", tensors);
	info_number(json, "tiles", h->n_tiles);
	info_codecs(h, json);
	info_layers(c, json);
	pairs_end(json);
}

int verb_info(int argc, char **argv)
{
	bool json;
	struct container *c;
	int r = pairs_arguments(argc, argv, 1, "info FILE [--json]", &json);

	if (r)
		return r;
	auto_close int fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	r = fd < 0 ? -errno : 0;
	if (r == 0 && info_mounted(fd, json))
		return 0;
	if (r == 0)
		r = container_open(&io_real, fd, &c);
	if (r < 0) {
		fprintf(stderr, "adaptcache: %s: %s\n", argv[1],
			r == -EBADMSG      ? "not a container, or damaged"
			: r == -ENODATA    ? "its bytes were never published"
			: r == -EOPNOTSUPP ? "a container of a later version"
					   : strerror(-r));
		return 1;
	}
	steal_fd(&fd);
	info_container(c, json);
	container_close(c);
	return 0;
}
