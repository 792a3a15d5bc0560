/*
 * kernel_avx2_read.c - AVX2 and BMI2 of the loops that make rows of values
 */
#include <immintrin.h>
#include <string.h>

#include "codec/kernel.h"

/* The next bits, 57 of them or more. */
kernel_inline uint64_t read_bits(const struct bit_reader *b)
{
	uint64_t v;

	memcpy(&v, b->src + b->at / 8, sizeof(v));
	return v >> (b->at & 7);
}

/* 16 bits as masks of 16 bits each. */
kernel_inline __m256i read_spread(unsigned bits)
{
	const __m256i bit =
	    _mm256_setr_epi16(1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048,
			      4096, 8192, 16384, (short)0x8000);
	__m256i v = _mm256_set1_epi16((short)bits);

	return _mm256_cmpeq_epi16(_mm256_and_si256(v, bit), bit);
}

/* Bits of the stream for those of 32 that are set in `some`. */
kernel_inline unsigned read_some(struct bit_reader *b, unsigned some)
{
	unsigned bits = _pdep_u32((unsigned)read_bits(b), some);

	b->at += (size_t)__builtin_popcount(some);
	return bits;
}

/* What a row's sums are made of, beside q and mean. */
enum read_parts {
	READ_NOTHING = 0,
	READ_DIGIT = 1,
	READ_PLANES = 2,
};

/* What stays the same over a row. */
struct read_row {
	enum read_parts parts;
	__m256i q_times, first_times, digit_times;
	__m256 offset; /* what the 16 bits are above their value, plus 2^23 */
};

kernel_inline struct read_row read_row(const struct dequantise *s,
				       unsigned parts, float offset)
{
	return (struct read_row){
		.parts = parts,
		.q_times = _mm256_set1_epi16((short)s->q_times),
		.first_times = _mm256_set1_epi16((short)s->first_times),
		.digit_times = _mm256_set1_epi16((short)s->digit_times),
		.offset = _mm256_set1_ps(offset),
	};
}

/* Of 32 columns: q < 0, d1 = 0, d1 = 2.  A bit each. */
struct read_signs {
	unsigned neg, low, high;
};

/* 32 bits of refine1's first plane, or the last 16. */
kernel_inline unsigned read_first(const uint8_t *p, bool all)
{
	uint32_t v;
	uint16_t half;

	if (all) {
		memcpy(&v, p, sizeof(v));
		return v;
	}
	memcpy(&half, p, sizeof(half));
	return half;
}

/* From column c on, of which there are 16 or more. */
kernel_inline struct read_signs read_signs(struct dequantise *s, size_t c,
					   unsigned parts)
{
	const __m256i zero = _mm256_setzero_si256();
	__m256i mag = _mm256_loadu_si256((const void *)(s->mag + c));
	unsigned all = s->w - c < 32 ? 0xffff : 0xffffffff;
	unsigned some =
	    ~(unsigned)_mm256_movemask_epi8(_mm256_cmpeq_epi8(mag, zero)) & all;
	struct read_signs ret = { .neg = read_some(&s->signs, some) };

	if (!(parts & READ_PLANES))
		return ret;
	unsigned first = read_first(s->first + c / 8, all != 0xffff);
	unsigned second = read_some(&s->second, first);
	unsigned off = (first & ~some) | ((~first | second) & some);

	ret.high = off & (second ^ ret.neg);
	ret.low = off & ~(second ^ ret.neg);
	return ret;
}

/* Of the 16 columns from c on; signs: theirs are the lowest. */
kernel_inline __m256i read_sum(const struct dequantise *s,
			       const struct read_row *by, size_t c,
			       const struct read_signs *signs)
{
	__m128i mag = _mm_loadu_si128((const void *)(s->mag + c));
	__m256i sum = _mm256_loadu_si256((const void *)(s->mean + c));
	__m256i neg = read_spread(signs->neg), q = _mm256_cvtepu8_epi16(mag);

	q = _mm256_sub_epi16(_mm256_xor_si256(q, neg), neg);
	if (by->parts & READ_PLANES) {
		__m256i d = _mm256_sub_epi16(read_spread(signs->low),
					     read_spread(signs->high));

		d = _mm256_mullo_epi16(d, by->first_times);
		sum = _mm256_add_epi16(sum, d);
	}
	if (by->parts & READ_DIGIT) {
		__m256i d = _mm256_cvtepu8_epi16(
		    _mm_loadu_si128((const void *)(s->digit + c)));

		d = _mm256_mullo_epi16(d, by->digit_times);
		sum = _mm256_add_epi16(sum, d);
	}
	return _mm256_add_epi16(_mm256_mullo_epi16(q, by->q_times), sum);
}

/* Eight of the words v, offset as by says, to floats: in the order of
 * unpacklo or -hi with 0x4b00, the upper half of 2^23 as a float. */
kernel_inline __m256 read_float(__m256i unpacked, const struct read_row *by,
				__m256 scale)
{
	__m256 v = _mm256_sub_ps(_mm256_castsi256_ps(unpacked), by->offset);

	return _mm256_mul_ps(v, scale);
}

kernel_inline __m256i read_round_bf16(__m256 f)
{
	__m256i v = _mm256_castps_si256(f);
	__m256i odd =
	    _mm256_and_si256(_mm256_srli_epi32(v, 16), _mm256_set1_epi32(1));

	v = _mm256_add_epi32(v,
			     _mm256_add_epi32(odd, _mm256_set1_epi32(0x7fff)));
	return _mm256_srli_epi32(v, 16);
}

/* 16 words, offset as by says, to the type's bits. */
kernel_inline __m256i read_convert(__m256i v, const struct read_row *by,
				   const float *scale, bool bf16)
{
	const __m256i high = _mm256_set1_epi16(0x4b00);
	__m256 a8 = _mm256_loadu_ps(scale), b8 = _mm256_loadu_ps(scale + 8);
	__m256 lo = read_float(_mm256_unpacklo_epi16(v, high), by,
			       _mm256_permute2f128_ps(a8, b8, 0x20));
	__m256 hi = read_float(_mm256_unpackhi_epi16(v, high), by,
			       _mm256_permute2f128_ps(a8, b8, 0x31));

	if (bf16)
		return _mm256_packus_epi32(read_round_bf16(lo),
					   read_round_bf16(hi));

	__m128i a = _mm256_cvtps_ph(lo, _MM_FROUND_TO_NEAREST_INT);
	__m128i b = _mm256_cvtps_ph(hi, _MM_FROUND_TO_NEAREST_INT);

	return _mm256_set_m128i(_mm_unpackhi_epi64(a, b),
				_mm_unpacklo_epi64(a, b));
}

kernel_inline void read_dequantise16(const struct dequantise *s,
				     const struct read_row *by, size_t c,
				     const struct read_signs *signs,
				     uint16_t *dst, bool bf16)
{
	const __m256i flip = _mm256_set1_epi16((short)0x8000);
	__m256i v = _mm256_xor_si256(read_sum(s, by, c, signs), flip);

	v = read_convert(v, by, s->scale + c, bf16);
	_mm256_storeu_si256((__m256i *)(void *)(dst + c), v);
}

kernel_inline struct read_signs read_upper(const struct read_signs *signs)
{
	return (struct read_signs){ signs->neg >> 16, signs->low >> 16,
				    signs->high >> 16 };
}

kernel_inline void read_dequantise(struct dequantise *to, unsigned parts,
				   uint16_t *dst, bool bf16)
{
	struct dequantise s = *to;
	struct read_row by = read_row(&s, parts, 0x1p23f + 0x1p15f);

	for (size_t c = 0; c < s.w; c += 32) {
		struct read_signs lower = read_signs(&s, c, parts);
		struct read_signs upper = read_upper(&lower);

		read_dequantise16(&s, &by, c, &lower, dst, bf16);
		if (c + 16 < s.w)
			read_dequantise16(&s, &by, c + 16, &upper, dst, bf16);
	}
	to->signs = s.signs;
	to->second = s.second;
	if (parts & READ_PLANES)
		to->first += s.w / 8;
}

/* One body for each set of parts. */
kernel_inline void read_dequantise_any(struct dequantise *s, uint16_t *dst,
				       bool bf16)
{
	if (s->first && s->digit)
		read_dequantise(s, READ_PLANES | READ_DIGIT, dst, bf16);
	else if (s->first)
		read_dequantise(s, READ_PLANES, dst, bf16);
	else if (s->digit)
		read_dequantise(s, READ_DIGIT, dst, bf16);
	else
		read_dequantise(s, READ_NOTHING, dst, bf16);
}

static void read_dequantise_f16(struct dequantise *s, uint16_t *dst)
{
	read_dequantise_any(s, dst, false);
}

static void read_dequantise_bf16(struct dequantise *s, uint16_t *dst)
{
	read_dequantise_any(s, dst, true);
}

/* Eight fields of the widths that mask says, a byte each. */
kernel_inline uint64_t read_fields(struct bit_reader *rest, uint64_t mask)
{
	uint64_t v = _pdep_u64(read_bits(rest), mask);

	rest->at += (size_t)__builtin_popcountll(mask);
	return v;
}

/* The next exponents where none is set, a byte each. */
kernel_inline uint64_t read_exponents(struct dequantise *s, uint64_t none)
{
	uint64_t v;

	memcpy(&v, s->exponents, sizeof(v));
	s->exponents += __builtin_popcountll(none) / 8;
	return _pdep_u64(v, none);
}

kernel_inline __m128i read_mask(const uint8_t *lo, const uint8_t *hi, __m128i j)
{
	const __m128i nibble = _mm_set1_epi8(15);
	__m128i a = _mm_shuffle_epi8(_mm_loadu_si128((const void *)lo),
				     _mm_and_si128(j, nibble));
	__m128i b =
	    _mm_shuffle_epi8(_mm_loadu_si128((const void *)hi),
			     _mm_and_si128(_mm_srli_epi16(j, 4), nibble));

	return _mm_and_si128(a, b);
}

/* 16 nibbles as 16 words. */
kernel_inline __m256i read_nibbles(const uint8_t *p)
{
	const __m128i nibble = _mm_set1_epi8(15);
	__m128i v = _mm_loadl_epi64((const void *)p);

	v = _mm_unpacklo_epi64(v, _mm_srli_epi16(v, 4));
	return _mm256_cvtepu8_epi16(_mm_and_si128(v, nibble));
}

/* The bits that the grid cut off 16 values with these j. */
kernel_inline __m256i read_rest(struct dequantise *s, __m128i j, size_t c,
				bool bf16)
{
	__m128i mask = _mm_and_si128(
	    read_mask(s->rule->rest_lo, s->rule->rest_hi, j),
	    _mm_loadu_si128((const void *)(s->rule->rest_most + c)));
	__m128i none = _mm_cmpeq_epi8(j, _mm_setzero_si128());
	uint64_t a = read_fields(&s->rest, (uint64_t)_mm_cvtsi128_si64(mask));
	uint64_t b =
	    read_fields(&s->rest, (uint64_t)_mm_extract_epi64(mask, 1));
	uint64_t e = read_exponents(s, (uint64_t)_mm_cvtsi128_si64(none));
	uint64_t f = read_exponents(s, (uint64_t)_mm_extract_epi64(none, 1));
	__m256i v =
	    _mm256_cvtepu8_epi16(_mm_set_epi64x((long long)b, (long long)a));
	__m256i exponent =
	    _mm256_cvtepu8_epi16(_mm_set_epi64x((long long)f, (long long)e));

	if (bf16)
		return _mm256_or_si256(v, _mm256_slli_epi16(exponent, 7));
	v = _mm256_or_si256(_mm256_slli_epi16(v, 4), read_nibbles(s->nibbles));
	s->nibbles += 8;
	return _mm256_or_si256(v, _mm256_slli_epi16(exponent, 10));
}

kernel_inline void read_exact16(struct dequantise *s, const struct read_row *by,
				size_t c, const struct read_signs *signs,
				uint16_t *dst, bool bf16)
{
	__m256i n = read_sum(s, by, c, signs);
	__m256i j = _mm256_xor_si256(n, _mm256_srai_epi16(n, 15));
	__m128i byte = _mm_packus_epi16(_mm256_castsi256_si128(j),
					_mm256_extracti128_si256(j, 1));
	__m256i sign = _mm256_and_si256(n, _mm256_set1_epi16((short)0x8000));
	__m256i v = read_convert(j, by, s->scale + c, bf16);

	v = _mm256_or_si256(v, read_rest(s, byte, c, bf16));
	v = _mm256_or_si256(v, sign);
	_mm256_storeu_si256((__m256i *)(void *)(dst + c), v);
}

kernel_inline void read_exact(struct dequantise *to, unsigned parts,
			      uint16_t *dst, bool bf16)
{
	struct dequantise s = *to;
	struct read_row by = read_row(&s, parts, 0x1p23f);

	for (size_t c = 0; c < s.w; c += 32) {
		struct read_signs lower = read_signs(&s, c, parts);
		struct read_signs upper = read_upper(&lower);

		read_exact16(&s, &by, c, &lower, dst, bf16);
		if (c + 16 < s.w)
			read_exact16(&s, &by, c + 16, &upper, dst, bf16);
	}
	to->signs = s.signs;
	to->second = s.second;
	to->rest = s.rest;
	to->nibbles = s.nibbles;
	to->exponents = s.exponents;
	if (parts & READ_PLANES)
		to->first += s.w / 8;
}

kernel_inline void read_exact_any(struct dequantise *s, uint16_t *dst,
				  bool bf16)
{
	if (s->first)
		read_exact(s, READ_PLANES | READ_DIGIT, dst, bf16);
	else
		read_exact(s, READ_DIGIT, dst, bf16);
}

static void read_exact_f16(struct dequantise *s, uint16_t *dst)
{
	read_exact_any(s, dst, false);
}

static void read_exact_bf16(struct dequantise *s, uint16_t *dst)
{
	read_exact_any(s, dst, true);
}

void kernels_fill_avx2_read(struct kernels *k)
{
	k->dequantise[0] = read_dequantise_f16;
	k->dequantise[1] = read_dequantise_bf16;
	k->exact[0] = read_exact_f16;
	k->exact[1] = read_exact_bf16;
}
