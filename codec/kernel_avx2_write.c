/*
 * kernel_avx2_write.c - AVX2 and BMI2 of the loops that take rows apart
 */
#include <string.h>

#include "codec/kernel_avx2.h"

kernel_inline __m256i write_load(const void *p)
{
	return _mm256_loadu_si256(p);
}

/* n < 57 bits. */
kernel_inline void write_put(struct bit_writer *b, uint64_t bits, unsigned n)
{
	uint64_t acc = b->acc | bits << b->n;

	memcpy(b->dst, &acc, sizeof(acc));
	n += b->n;
	b->dst += n / 8;
	b->acc = acc >> (n & ~7u);
	b->n = n % 8;
}

/* What stays the same over a row. */
struct write_grid {
	__m256i least, most, offset, f, by_f, r2, by_r2;
};

kernel_inline struct write_grid write_grid(const struct quantise *s)
{
	int f = 3 * (int)s->r2;

	return (struct write_grid){
		.least = _mm256_set1_epi16((short)(-255 * f)),
		.most = _mm256_set1_epi16((short)(256 * f - 1)),
		.offset = _mm256_set1_epi16((short)(256 * f)),
		.f = _mm256_set1_epi16((short)f),
		.by_f = _mm256_set1_epi16((short)(65535 / f + 1)),
		.r2 = _mm256_set1_epi16((short)s->r2),
		.by_r2 = _mm256_set1_epi16((short)(65535 / (int)s->r2 + 1)),
	};
}

/* floor(|x| / 2^k) of 16 values; above 32767 there is no telling what. */
kernel_inline __m256i write_index(const uint16_t *x, const float *scale,
				  bool bf16)
{
	const __m256 sign = _mm256_set1_ps(-0.0f);
	__m256 a = _mm256_andnot_ps(sign, avx2_floats(x, bf16));
	__m256 b = _mm256_andnot_ps(sign, avx2_floats(x + 8, bf16));

	a = _mm256_mul_ps(a, _mm256_loadu_ps(scale));
	b = _mm256_mul_ps(b, _mm256_loadu_ps(scale + 8));
	__m256i i = _mm256_cvttps_epi32(a), j = _mm256_cvttps_epi32(b);

	return _mm256_permute4x64_epi64(_mm256_packs_epi32(i, j), 0xd8);
}

/* 16 words below 256 as bytes. */
kernel_inline __m128i write_bytes(__m256i v)
{
	return _mm_packus_epi16(_mm256_castsi256_si128(v),
				_mm256_extracti128_si256(v, 1));
}

/* Of 16 bytes those that are v, a bit each. */
kernel_inline unsigned write_equal(__m128i bytes, char v)
{
	return (unsigned)_mm_movemask_epi8(
	    _mm_cmpeq_epi8(bytes, _mm_set1_epi8(v)));
}

/* Signs of those q that are not zero.  Returns all of them. */
kernel_inline unsigned write_signs(struct bit_writer *b, __m256i q, __m128i mag)
{
	unsigned some = write_equal(mag, 0) ^ 0xffff;
	__m128i sign = _mm_packs_epi16(_mm256_castsi256_si128(q),
				       _mm256_extracti128_si256(q, 1));
	unsigned neg = (unsigned)_mm_movemask_epi8(sign);

	write_put(b, _pext_u32(neg, some), (unsigned)__builtin_popcount(some));
	return neg;
}

/* The bits of refine1's planes. */
kernel_inline void write_planes(struct quantise *s, __m128i d1, __m128i mag,
				unsigned neg)
{
	unsigned none = write_equal(mag, 0);
	unsigned low = write_equal(d1, 0), high = write_equal(d1, 2);
	unsigned far = (low & neg) | (high & ~neg);
	unsigned near = (high & neg) | (low & ~neg);
	unsigned first = (none & (low | high)) | (~none & ~near & 0xffff);
	uint16_t bits = (uint16_t)first;

	memcpy(s->first, &bits, sizeof(bits));
	s->first += sizeof(bits);
	write_put(&s->second, _pext_u32(far, first),
		  (unsigned)__builtin_popcount(first));
}

/* 2 v + 1 - by */
kernel_inline __m256i write_off(__m256i v, __m256i by)
{
	v = _mm256_add_epi16(_mm256_add_epi16(v, v), _mm256_set1_epi16(1));
	return _mm256_sub_epi16(v, by);
}

kernel_inline uint32_t write_sum32(__m256i v)
{
	__m128i s = _mm_add_epi32(_mm256_castsi256_si128(v),
				  _mm256_extracti128_si256(v, 1));

	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0x4e));
	s = _mm_add_epi32(s, _mm_shuffle_epi32(s, 0xb1));
	return (uint32_t)_mm_cvtsi128_si32(s);
}

kernel_inline unsigned write_max8(__m128i v)
{
	__m128i inverse = _mm_xor_si128(v, _mm_set1_epi8(-1));
	__m128i even = _mm_and_si128(inverse, _mm_set1_epi16(255));
	__m128i least = _mm_min_epu16(even, _mm_srli_epi16(inverse, 8));

	return 255u -
	       (unsigned)_mm_cvtsi128_si32(_mm_minpos_epu16(least)) % 65536;
}

kernel_inline unsigned write_max16(__m256i v)
{
	__m128i s = _mm_max_epu16(_mm256_castsi256_si128(v),
				  _mm256_extracti128_si256(v, 1));

	s = _mm_minpos_epu16(_mm_xor_si128(s, _mm_set1_epi8(-1)));
	return 65535u - (unsigned)_mm_cvtsi128_si32(s) % 65536;
}

/* Sums and largest of a row. */
struct write_row {
	__m256i base, refine1, offset, square, j;
	__m128i q;
};

kernel_inline void write_quantise16(struct quantise *s,
				    const struct write_grid *g,
				    const uint16_t *x, size_t c, bool bf16,
				    struct write_row *row)
{
	__m256i j = write_index(x + c, s->scale + c, bf16);
	__m256i sign = _mm256_srai_epi16(write_load(x + c), 15);
	__m256i n = _mm256_xor_si256(j, sign);
	__m256i u = _mm256_sub_epi16(n, write_load(s->mean + c));

	u = _mm256_min_epi16(_mm256_max_epi16(u, g->least), g->most);
	u = _mm256_add_epi16(u, g->offset);
	__m256i above = _mm256_mulhi_epu16(u, g->by_f);
	__m256i r = _mm256_sub_epi16(u, _mm256_mullo_epi16(above, g->f));
	__m256i q = _mm256_sub_epi16(above, _mm256_set1_epi16(256));
	__m256i d1 = _mm256_mulhi_epu16(r, g->by_r2);
	__m256i d2 = _mm256_sub_epi16(r, _mm256_mullo_epi16(d1, g->r2));
	__m128i mag = write_bytes(_mm256_abs_epi16(q)), digit = write_bytes(d1);

	_mm256_storeu_si256((__m256i *)(void *)(s->fine + c), n);
	_mm_storeu_si128((__m128i *)(void *)(s->mag + c), mag);
	_mm_storeu_si128((__m128i *)(void *)(s->d1 + c), digit);
	_mm_storeu_si128((__m128i *)(void *)(s->d2 + c), write_bytes(d2));
	unsigned neg = write_signs(&s->signs, q, mag);

	write_planes(s, digit, mag, neg);
	r = write_off(r, g->f);
	d2 = write_off(d2, g->r2);
	row->base = _mm256_add_epi32(row->base, _mm256_madd_epi16(r, r));
	row->offset = _mm256_add_epi32(row->offset, _mm256_madd_epi16(q, r));
	row->square = _mm256_add_epi32(row->square, _mm256_madd_epi16(q, q));
	row->refine1 =
	    _mm256_add_epi32(row->refine1, _mm256_madd_epi16(d2, d2));
	row->j = _mm256_max_epu16(row->j, j);
	row->q = _mm_max_epu8(row->q, mag);
}

kernel_inline unsigned write_quantise(struct quantise *to, const uint16_t *x,
				      bool bf16)
{
	struct quantise s = *to;
	struct write_grid g = write_grid(&s);
	struct write_row row = { 0 };

	for (size_t c = 0; c < s.w; c += 16)
		write_quantise16(&s, &g, x, c, bf16, &row);
	to->signs = s.signs;
	to->first = s.first;
	to->second = s.second;
	to->base_error += write_sum32(row.base);
	to->q_offset += (int32_t)write_sum32(row.offset);
	to->q_square += write_sum32(row.square);
	to->refine1_error += write_sum32(row.refine1);

	unsigned max_j = write_max16(row.j);

	to->max_j = (uint16_t)(max_j > s.max_j ? max_j : s.max_j);
	return write_max8(row.q);
}

static unsigned write_quantise_f16(struct quantise *s, const uint16_t *x)
{
	return write_quantise(s, x, false);
}

static unsigned write_quantise_bf16(struct quantise *s, const uint16_t *x)
{
	return write_quantise(s, x, true);
}

kernel_inline __m128i write_mask(const uint8_t *lo, const uint8_t *hi,
				 __m128i j)
{
	const __m128i nibble = _mm_set1_epi8(15);
	__m128i a = _mm_shuffle_epi8(_mm_loadu_si128((const void *)lo),
				     _mm_and_si128(j, nibble));
	__m128i b =
	    _mm_shuffle_epi8(_mm_loadu_si128((const void *)hi),
			     _mm_and_si128(_mm_srli_epi16(j, 4), nibble));

	return _mm_and_si128(a, b);
}

/* Eight fields, a byte each, of the widths that mask says. */
kernel_inline void write_fields(struct bit_writer *b, uint64_t bits,
				uint64_t mask)
{
	write_put(b, _pext_u64(bits, mask),
		  (unsigned)__builtin_popcountll(mask));
}

kernel_inline void write_exponents(struct cut *s, uint64_t exponents,
				   uint64_t none)
{
	uint64_t v = _pext_u64(exponents, none);

	memcpy(s->exponents, &v, sizeof(v));
	s->exponents += __builtin_popcountll(none) / 8;
}

kernel_inline uint64_t write_half(__m128i v, int i)
{
	return (uint64_t)(i ? _mm_extract_epi64(v, 1) : _mm_cvtsi128_si64(v));
}

kernel_inline void write_cut16(struct cut *s, __m256i x, __m128i j, size_t c,
			       bool bf16)
{
	const __m256i byte = _mm256_set1_epi16(255);
	__m128i none = _mm_cmpeq_epi8(j, _mm_setzero_si128());
	__m128i mask = _mm_and_si128(
	    write_mask(s->rule->rest_lo, s->rule->rest_hi, j),
	    _mm_loadu_si128((const void *)(s->rule->rest_most + c)));
	__m128i rest = write_bytes(
	    _mm256_and_si256(bf16 ? x : _mm256_srli_epi16(x, 4), byte));
	__m256i mag = _mm256_and_si256(x, _mm256_set1_epi16(0x7fff));
	__m128i exponent = write_bytes(_mm256_srli_epi16(mag, bf16 ? 7 : 10));

#pragma GCC unroll 2
	for (int i = 0; i < 2; i++) {
		write_fields(&s->rest, write_half(rest, i),
			     write_half(mask, i));
		write_exponents(s, write_half(exponent, i),
				write_half(none, i));
	}
	if (bf16)
		return;
	__m128i low = write_mask(s->rule->low_lo, s->rule->low_hi, j);

	low = _mm_and_si128(
	    low, _mm_loadu_si128((const void *)(s->rule->low_most + c)));
	low = _mm_and_si128(low, write_bytes(_mm256_and_si256(x, byte)));
	low = _mm_or_si128(low, _mm_slli_epi16(_mm_srli_si128(low, 8), 4));
	_mm_storel_epi64((__m128i *)(void *)s->nibbles, low);
	s->nibbles += 8;
}

kernel_inline void write_cut(struct cut *to, const uint16_t *x,
			     const int16_t *fine, bool bf16)
{
	struct cut s = *to;

	for (size_t c = 0; c < s.w; c += 16) {
		__m256i n = write_load(fine + c);
		__m256i j = _mm256_xor_si256(n, _mm256_srai_epi16(n, 15));

		write_cut16(&s, write_load(x + c), write_bytes(j), c, bf16);
	}
	*to = s;
}

static void write_cut_f16(struct cut *s, const uint16_t *x, const int16_t *fine)
{
	write_cut(s, x, fine, false);
}

static void write_cut_bf16(struct cut *s, const uint16_t *x,
			   const int16_t *fine)
{
	write_cut(s, x, fine, true);
}

void kernels_fill_avx2_write(struct kernels *k)
{
	k->quantise[0] = write_quantise_f16;
	k->quantise[1] = write_quantise_bf16;
	k->cut[0] = write_cut_f16;
	k->cut[1] = write_cut_bf16;
}
