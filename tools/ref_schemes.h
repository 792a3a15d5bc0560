/*
 * ref_schemes.h - what the files of the reference schemes share
 */
#pragma once

#include "tools/refquant.h"

extern const struct ref_scheme ref_q8_0, ref_q5_0, ref_q4_0, ref_q4_0_had;
extern const struct ref_scheme ref_kivi4, ref_kivi2;
extern const struct ref_scheme ref_cachegen, ref_window;

/* v as 16 bits can say it: f16, to nearest, no more than its largest. */
float ref_f16(float v);

/* n values of 16 bits to floats and back; what is not finite reads as 0. */
void ref_to_float(uint8_t elem, const uint8_t *src, size_t n, float *dst);
void ref_from_float(uint8_t elem, const float *src, size_t n, uint8_t *dst);
