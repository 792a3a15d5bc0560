/*
 * sim_load.h - a workload: entries, and requests that want chains of them
 *
 * A request asks for its entries in order; each is of use only when all
 * before it are (a prefix of a prompt, in blocks).  Times are seconds from
 * the start, never falling.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/policy.h"

struct sim_name {
	double raw_bytes;
	double recompute_s;
	float sensitivity; /* quality lost per unit of KLD, of this entry */
	float task;        /* the same, of its task */
	const struct facts *facts; /* as recorded; NULL: by the ladder */
};

struct sim_request {
	double at_s;
	size_t first; /* into refs */
	uint32_t n;   /* >= 1 */
	bool tail;    /* the last entry is only part filled */
};

struct sim_load {
	struct sim_name *names;
	size_t n_names;
	struct sim_request *requests;
	size_t n_requests;
	uint32_t *refs; /* name numbers */
	size_t n_refs;
	struct facts *facts; /* what names point to, or NULL */
	size_t names_cap, requests_cap, refs_cap;
};

/* What a byte and a token are: Llama-3-8B in bf16 on one GPU. */
#define SIM_BYTES_PER_TOKEN     131072.0
#define SIM_RECOMPUTE_S_A_TOKEN 1e-4

/* Growing.  Each returns 0 or -ENOMEM. */
int sim_load_name(struct sim_load *l, const struct sim_name *name);
int sim_load_ref(struct sim_load *l, uint32_t name);
int sim_load_request(struct sim_load *l, double at_s, uint32_t n, bool tail);
void sim_load_done(struct sim_load *l);

/* A name of `tokens` tokens; its task and spread drawn by *seed. */
struct sim_name sim_load_draw(double tokens, int task, uint64_t *seed);

/* Uniform in [0, 1), and a task number. */
double sim_load_uniform(uint64_t *seed);
int sim_load_task(uint64_t *seed);

/*
 * Reads a Mooncake trace: JSON lines of timestamp (ms), input_length and
 * hash_ids.  The first bad line is told to `errors` as file:line: reason.
 * Returns 0, -errno of the file, -EINVAL or -ENOMEM; l is then partly filled.
 */
int sim_load_trace(struct sim_load *l, const char *path, FILE *errors);

/* What a record was made with. */
struct sim_recorded {
	char policy[32];
	struct world world; /* the limits of its start, the speeds of its end */
};

/*
 * Reads a record of policy/record.h as a workload: an entry that was there, is
 * written for the first time or is read is a request of one name.  What became
 * of it then is left out: the policy that is run decides anew.  Returns as
 * sim_load_trace; -ENOMSG, with nothing said: it is no record.
 */
int sim_load_record(struct sim_load *l, const char *path, FILE *errors,
		    struct sim_recorded *ret);

/* A synthetic workload. */
struct sim_zipf {
	double raw_bytes;      /* of all contexts, at least */
	size_t n_requests;     /* >= 1 */
	double arrivals_per_s; /* > 0 */
	unsigned n_swaps;      /* times at which popularity changes */
	uint64_t seed;
};

/*
 * Three tasks, Zipf 0.9 within each, one entry per context of 2 to 32
 * thousand tokens, Poisson arrivals; at every swap a fifth of the contexts
 * change popularity.  Returns 0 or -ENOMEM.
 */
int sim_load_zipf(struct sim_load *l, const struct sim_zipf *shape);
