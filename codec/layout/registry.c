/* registry.c - the layouts: one row each, tried in this order */
#include <errno.h>

#include "codec/layout/layouts.h"

static const struct layout *const registry_layouts[] = {
	&layout_declared,      /* its owner says so */
	&layout_llama_seq,     /* magic */
	&layout_llama_session, /* magic */
	&layout_npy,           /* magic */
	&layout_safetensors,   /* a length, and JSON */
	&layout_lmcache,       /* numbers that add up */
	&layout_vllm,          /* its name, and JSON beside it */
};

#define REGISTRY_N_LAYOUTS                                                     \
	(sizeof(registry_layouts) / sizeof(registry_layouts[0]))

int layout_recognise(const struct source *src, const struct layout **ret_layout,
		     struct extents *ret)
{
	for (size_t i = 0; i < REGISTRY_N_LAYOUTS && !src->checksummed; i++) {
		struct extents list = { 0 };
		int r = registry_layouts[i]->recognise(src, &list);

		if (r == 0) {
			*ret_layout = registry_layouts[i];
			*ret = list;
			return 0;
		}
		extents_done(&list);
		if (r != -ENOENT)
			return r;
	}

	*ret_layout = NULL;
	*ret = (struct extents){ 0 };
	return 0;
}

const char *layout_name(uint8_t id)
{
	if (id == LAYOUT_NONE)
		return "none";
	for (size_t i = 0; i < REGISTRY_N_LAYOUTS; i++)
		if (registry_layouts[i]->id == id)
			return registry_layouts[i]->name;
	return "unknown";
}
