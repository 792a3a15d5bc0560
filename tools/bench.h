/*
 * bench.h - what the files of the verb bench share
 *
 * A measurement is of the K and V of a file, cut into tiles as a mount cuts
 * them.  Times are CPU time of the one thread; every repetition measures every
 * row once, so that a change of the clock hits everyone.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "codec/codec.h"
#include "tools/tensors.h"

#define BENCH_RUNS      7
#define BENCH_RUNS_MOST 99
/* More than a tile grows by before it is kept as it was. */
#define BENCH_SLACK (64u << 10)

struct bench_options {
	char **files;
	int n_files;
	const char *scheme, *out; /* or NULL */
	uint32_t head_dim;        /* 0: guessed */
	unsigned runs;
	float step; /* of grid; 0: its own */
	bool json;
};

struct bench_tile {
	struct coded coded;
	size_t pos; /* of its layers in bench.coded */
	uint8_t codec;
};

struct bench {
	const struct bench_options *o;
	struct tensors t;
	struct scratch *ws;
	struct bench_tile *tile;
	uint8_t *coded;
	size_t coded_cap;
	uint8_t *array; /* larger than the caches; decoders write to it */
	size_t array_len;
	uint8_t *dst; /* where in it, this time */
};

/* What is said of one method at one rate. */
struct bench_row {
	char name[32];
	double bytes[ROLE_V + 1]; /* by role, without what they share */
	double shared;            /* bytes of heads and tables */
	double error[ROLE_V + 1]; /* relative, the mean over matrices */
	bool exact;               /* the bytes must come back */
	bool untimed;             /* its speed says nothing */
	double encode_s[BENCH_RUNS_MOST], decode_s[BENCH_RUNS_MOST];
};

/* A method: one call measures all its rows once. */
struct bench_method {
	/* Returns 0 or -errno. */
	int (*run)(struct bench *b, const struct bench_method *m,
		   struct bench_row *rows, unsigned run);
	const struct codec *codec; /* of tiles, or NULL */
	int level;                 /* of zstd */
	struct ref_how how;        /* of a reference scheme */
	unsigned n_rows;
};

/* CPU time of this thread in seconds. */
double bench_now(void);

/* The row's error, from what is at b->dst.  Returns 0 or -ENOMEM. */
int bench_error(struct bench *b, struct bench_row *row);

/* Whether the values have 32 bits: then grid and the schemes have no say. */
bool bench_wide(const struct bench *b);

/* Fills methods and the names of their rows.  Returns how many methods. */
unsigned bench_codecs(const struct bench *b, struct bench_method *m,
		      struct bench_row *rows);
unsigned bench_refs(const struct bench *b, struct bench_method *m,
		    struct bench_row *rows);

#define BENCH_METHODS_MOST 32
#define BENCH_ROWS_MOST    48

/* Prints what was measured of one file; rows[0] is memcpy. */
void bench_report(const struct bench *b, const char *file,
		  const struct bench_row *rows, unsigned n_rows, bool first);

/* Measures all files and prints.  Returns an exit status. */
int bench_run(const struct bench_options *o);

/*
 * Writes the one file to out, with its K and V as the scheme leaves them, and
 * prints what that takes.  Returns an exit status.
 */
int bench_write(const struct bench_options *o);
