/* stats.c - what the store says of itself and of an entry */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "codec/layout/layout.h"
#include "codec/mem.h"
#include "fs/store/entry.h"
#include "fs/store/explain.h"
#include "fs/store/meter.h"
#include "fs/store/quota.h"

/* ---- one entry ---- */

/* The codec of most bytes: an entry's tiles may differ. */
static const char *stats_codec(const struct head *h)
{
	uint64_t bytes[256] = { 0 };
	unsigned best = 0;

	for (uint32_t t = 0; t < h->n_tiles; t++) {
		struct shape shape = head_shape(h, t);

		bytes[h->tiles[t].codec] += shape_bytes(&shape);
	}
	for (unsigned i = 1; i < 256; i++)
		if (bytes[i] > bytes[best])
			best = i;
	const struct codec *c = codec_by_id((uint8_t)best);
	return c ? c->name : "unknown";
}

static const char *stats_tier(const struct entry *e)
{
	if (e->dirty)
		return e->plain->in_dram ? "staged" : "staged-ssd";
	if (e->plain)
		return "dram-plain";
	return e->image_charged ? "dram-packed" : "ssd";
}

int store_facts(struct store *s, struct node *n, struct store_facts *ret)
{
	struct entry *e;
	struct stat st;
	bool was = (e = entry_peek(s, n)) != NULL;
	int r = store_stat(s, n, &st);

	if (e)
		entry_put(e);
	if (r < 0 || !S_ISREG(st.st_mode))
		return r < 0 ? r : -ENODATA;
	r = entry_get(s, n, &e);
	if (r < 0)
		return r;
	{
		auto_rwunlock pthread_rwlock_t *data = lock_shared(&e->data);
		bool packed = e->cont && !e->dirty;

		*ret = (struct store_facts){
			.logical = (uint64_t)st.st_size,
			.stored = packed ? (uint64_t)n->stored : 0,
			.codec = packed ? stats_codec(&e->cont->head) : "none",
			.layout =
			    packed ? layout_name(e->cont->head.layout) : "none",
			.tier = was ? stats_tier(e) : "ssd",
			.layers = packed ? e->cont->n_layers : N_LAYERS,
			.hits = n->hits,
			.last_hit_s = n->last_hit_s,
		};
	}
	entry_put(e);
	return 0;
}

/* ---- the store ---- */

enum kind { GAUGE, COUNTER };

struct figure {
	const char *name;
	enum kind kind;
	double value;
	const char *help;
};

#define N_FIGURES 57

static unsigned stats_budget(struct store *s, struct figure *f)
{
	struct budget_view b = budget_look(&s->budget);
	const struct figure all[] = {
		{ "memory_limit_bytes", GAUGE, (double)b.memory_limit,
		  "DRAM that may be used in all" },
		{ "memory_dirty_bytes", GAUGE, (double)b.dirty,
		  "DRAM with staged bytes, not on the backing yet" },
		{ "memory_clean_bytes", GAUGE, (double)b.clean,
		  "DRAM with copies, plain and packed" },
		{ "disk_limit_bytes", GAUGE, (double)b.disk_limit,
		  "bytes of the backing that may be used" },
		{ "disk_used_bytes", GAUGE, (double)b.disk_used,
		  "bytes of the backing in use" },
		{ "disk_pinned_bytes", GAUGE, (double)quota_pinned(s),
		  "bytes of the backing that hard pins hold" },
		{ "disk_promised_bytes", GAUGE, (double)b.disk_promised,
		  "bytes of the backing kept for staged entries" },
	};

	memcpy(f, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static unsigned stats_counters(struct store *s, struct figure *f)
{
	const struct counters *c = &s->counters;
	const struct figure all[] = {
		{ "read_bytes_total", COUNTER, (double)c->read_bytes,
		  "logical bytes that clients read, but for those passed" },
		{ "write_bytes_total", COUNTER, (double)c->write_bytes,
		  "logical bytes that clients wrote" },
		{ "hits_plain_total", COUNTER, (double)c->hits_plain,
		  "opens read from plain bytes in DRAM" },
		{ "hits_packed_total", COUNTER, (double)c->hits_packed,
		  "opens read from packed bytes in DRAM" },
		{ "hits_backing_total", COUNTER, (double)c->hits_backing,
		  "opens read from the backing" },
		{ "packed_total", COUNTER, (double)c->packed,
		  "entries packed and published" },
		{ "packed_logical_bytes_total", COUNTER, (double)c->packed_in,
		  "bytes before packing" },
		{ "packed_stored_bytes_total", COUNTER, (double)c->packed_out,
		  "bytes after packing" },
		{ "pack_seconds_total", COUNTER, (double)c->pack_ns * 1e-9,
		  "time that packing took, publishing included" },
		{ "loaded_stored_bytes_total", COUNTER, (double)c->loaded_in,
		  "packed bytes decoded into plain copies" },
		{ "loaded_logical_bytes_total", COUNTER, (double)c->loaded_out,
		  "plain bytes they became" },
		{ "load_seconds_total", COUNTER, (double)c->load_ns * 1e-9,
		  "thread time that took" },
		{ "evicted_total", COUNTER, (double)c->evicted,
		  "entries removed to make room" },
		{ "evicted_bytes_total", COUNTER, (double)c->evicted_bytes,
		  "bytes of the backing that freed" },
		{ "cut_total", COUNTER, (double)c->cut,
		  "entries cut to a coarser rate to make room" },
		{ "cut_bytes_total", COUNTER, (double)c->cut_bytes,
		  "bytes of the backing that freed" },
		{ "expired_total", COUNTER, (double)c->expired,
		  "entries removed because their ttl was over" },
		{ "dropped_writes_total", COUNTER, (double)c->dropped_writes,
		  "staged entries that could not be published" },
		{ "quarantined_total", COUNTER, (double)c->quarantined,
		  "containers that did not verify" },
		{ "spilled_total", COUNTER, (double)c->spilled,
		  "staged entries moved from DRAM to the backing" },
		{ "write_waits_total", COUNTER, (double)c->waited,
		  "writes held back until packing freed room" },
		{ "io_errors_total", COUNTER, (double)c->io_errors,
		  "errors of the backing" },
	};

	memcpy(f, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static unsigned stats_tables(struct store *s, struct figure *f)
{
	double entries = (double)s->n_entries;
	pthread_mutex_lock(&s->tree.lock);
	double nodes = (double)s->tree.n_nodes;
	pthread_mutex_unlock(&s->tree.lock);
	pthread_mutex_lock(&s->scan_lock);
	bool scanned = s->scan_stage >= SCAN_TOLD;
	bool looked = s->scan_stage == SCAN_LOOKED;
	pthread_mutex_unlock(&s->scan_lock);

	f[0] = (struct figure){ "entries_in_memory", GAUGE, entries,
				"entries open, staged or with a copy in DRAM" };
	f[1] = (struct figure){ "nodes", GAUGE, nodes, "names known" };
	f[2] = (struct figure){ "scanned", GAUGE, scanned,
				"1 when all of the backing is known" };
	f[3] = (struct figure){ "looked_at", GAUGE, looked,
				"1 when all heads there have been read" };
	return 4;
}

static unsigned stats_policy(struct store *s, struct figure *f)
{
	struct policy_gauge g;
	double share = explain_gauge(s, &g);
	const struct figure all[] = {
		{ "policy_entries", GAUGE, (double)g.n_entries,
		  "entries that the policy knows" },
		{ "policy_decisions_total", COUNTER, (double)g.n_decisions,
		  "answers that it gave" },
		{ "policy_memory_price", GAUGE, g.price[TIER_RAM],
		  "seconds saved per second by a byte more of DRAM" },
		{ "policy_disk_price", GAUGE, g.price[TIER_SSD],
		  "the same of the backing" },
		{ "fetch_bytes_per_second", GAUGE, meter_rate(METER_FETCH),
		  "stored bytes from the backing, as measured; 0: not yet" },
		{ "decode_exact_bytes_per_second", GAUGE,
		  meter_rate(METER_DECODE + N_RUNGS - 1),
		  "logical bytes, as measured; 0: not yet" },
		{ "policy_bound_share", GAUGE, share,
		  "worth of all places against the LP bound; -1: unknown" },
	};

	memcpy(f, all, sizeof(all));
	return sizeof(all) / sizeof(all[0]);
}

static unsigned stats_all(struct store *s, struct figure *f)
{
	unsigned n = stats_budget(s, f);

	n += stats_counters(s, f + n);
	n += stats_policy(s, f + n);
	return n + stats_tables(s, f + n);
}

char *store_stats_text(struct store *s)
{
	struct figure f[N_FIGURES];
	unsigned n = stats_all(s, f);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (unsigned i = 0; i < n; i++) {
		size_t name = strlen(f[i].name);
		bool total =
		    name > 6 && !strcmp(f[i].name + name - 6, "_total");

		fprintf(out, "%.*s %.15g\n", (int)(total ? name - 6 : name),
			f[i].name, f[i].value);
	}
	return fclose(out) ? (free(text), NULL) : text;
}

char *store_metrics_text(struct store *s)
{
	struct figure f[N_FIGURES];
	unsigned n = stats_all(s, f);
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out)
		return NULL;
	for (unsigned i = 0; i < n; i++)
		fprintf(out,
			"# HELP adaptcache_%s %s\n# TYPE adaptcache_%s %s\n"
			"adaptcache_%s %.15g\n",
			f[i].name, f[i].help, f[i].name,
			f[i].kind == COUNTER ? "counter" : "gauge", f[i].name,
			f[i].value);
	struct tuning now;
	store_tuning(s, &now);
	fprintf(out,
		"# HELP adaptcache_build_info version\n"
		"# TYPE adaptcache_build_info gauge\n"
		"adaptcache_build_info{version=\"%s\",policy=\"%s\"} 1\n",
		ADAPTCACHE_VERSION, now.policy->name);
	return fclose(out) ? (free(text), NULL) : text;
}
