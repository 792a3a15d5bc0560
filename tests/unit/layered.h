/*
 * layered.h - a file of K and V in a store whose owner accepts a loss
 */
#pragma once

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/mem.h"
#include "policy/registry.h"
#include "sample.h"
#include "store_kit.h"

#define ROWS   2048u
#define COLS   128u
#define TENSOR ((size_t)ROWS * COLS * 2)
/* Layers that are read at the base. */
#define AT_BASE (LAYER_BASE + 1)

/* A safetensors file of K and V, and a head of its own; its length. */
static inline size_t layered_file(uint8_t *dst)
{
	struct shape s = { .elem = ELEM_F16, .rows = ROWS, .cols = COLS };
	char json[256];

	int n = snprintf(json, sizeof(json),
			 "{\"kv_cache\":{\"dtype\":\"F16\",\"shape\":[2,%u,2,"
			 "%u],\"data_offsets\":[0,%zu]}}",
			 ROWS, COLS / 2, 2 * TENSOR);
	while (n % 8)
		json[n++] = ' ';
	store64(dst, (uint64_t)n);
	memcpy(dst + 8, json, (size_t)n);
	sample_fill(SAMPLE_NORMAL, &s, dst + 8 + n);
	sample_fill(SAMPLE_NORMAL, &s, dst + 8 + n + TENSOR);
	return 8 + (size_t)n + 2 * TENSOR;
}

static uint8_t *bytes;
static size_t len;

static inline void setup(void)
{
	bytes = malloc(2 * TENSOR + 512);
	len = layered_file(bytes);
}

static inline void teardown(void)
{
	free(bytes);
}

static inline void kit_init_floor(struct kit *k, double floor_nats,
				  const char *policy)
{
	kit_init_closed(k);
	k->options.floor_nats = floor_nats;
	k->options.policy = policy_find(policy);
	kit_open(k);
}

static inline struct node *node_of(struct kit *k, const char *name)
{
	struct node *n;
	struct stat st;

	ck_assert_int_eq(
	    store_lookup(k->store, store_root(k->store), name, &n, &st), 0);
	return n;
}

/* The value of a finite f16. */
static inline double half(uint16_t bits)
{
	int exponent = bits >> 10 & 31, mantissa = bits & 1023;
	double v = exponent ? ldexp(1024 + mantissa, exponent - 25)
			    : ldexp(mantissa, -24);

	return bits & 0x8000 ? -v : v;
}

/* Mean square of the difference, against that of the tensors' values. */
static inline double difference(const uint8_t *a)
{
	double sum = 0, all = 0;

	for (size_t i = len - 2 * TENSOR; i < len; i += 2) {
		double x = half(load16(bytes + i)), y = half(load16(a + i));

		sum += (x - y) * (x - y);
		all += x * x;
	}
	return sum / all;
}

/* Asserts what the file reads as; returns how different it is. */
static inline double read_back(struct kit *k, const char *name)
{
	uint8_t *got;
	size_t n;

	ck_assert_int_eq(kit_get(k->store, name, &got, &n), 0);
	ck_assert_uint_eq(n, len);
	/* What is not a tensor is exact for ever. */
	ck_assert_mem_eq(got, bytes, len - 2 * TENSOR);
	double d = difference(got);
	free(got);
	return d;
}

static inline uint64_t stored(struct kit *k, const char *name)
{
	struct stat st;

	ck_assert_int_eq(kit_stat(k->store, name, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}
