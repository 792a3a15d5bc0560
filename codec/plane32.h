/*
 * plane32.h - 32-bit floats as four planes of bytes
 *
 * Plane 0 is the exponent, plane 1 the sign on top of the first seven bits of
 * the mantissa, planes 2 and 3 the rest of it downwards.  So a float that was
 * bf16 once has nothing in planes 2 and 3, one that was f16 three bits in plane
 * 2 (subnormals apart) and nothing in plane 3.
 *
 * Both functions are thread-safe, take any length and any alignment; the
 * buffers do not overlap.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define PLANE32_N 4u

/* n floats of 4 bytes at src -> four planes of n bytes. */
void plane32_split(const void *src, size_t n, uint8_t *const plane[PLANE32_N]);

/* The inverse. */
void plane32_merge(const uint8_t *const plane[PLANE32_N], size_t n, void *dst);
