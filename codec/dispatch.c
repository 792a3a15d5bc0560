/*
 * dispatch.c - which kernels this machine runs, and the tables made once
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codec/grid_prefix.h"
#include "codec/kernel.h"

static struct kernels dispatch_chosen;
static struct grid_codes dispatch_tables;
static pthread_once_t dispatch_once = PTHREAD_ONCE_INIT;

static bool dispatch_has_avx2(void)
{
#if defined(ADAPTCACHE_X86)
	return __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("popcnt");
#else
	return false;
#endif
}

/* Also asks whether the system keeps the wide registers. */
static bool dispatch_has_avx512(void)
{
#if defined(ADAPTCACHE_X86)
	return __builtin_cpu_supports("avx512f") &&
	       __builtin_cpu_supports("avx512bw") &&
	       __builtin_cpu_supports("avx512vl");
#else
	return false;
#endif
}

/* pdep in microcode, a hundred times slower: AMD before Zen 3. */
static bool dispatch_slow_pdep(void)
{
#if defined(ADAPTCACHE_X86)
	return __builtin_cpu_is("znver1") || __builtin_cpu_is("znver2");
#else
	return false;
#endif
}

bool kernels_for(enum isa isa, struct kernels *k)
{
	if (isa >= ISA_AVX2 && !dispatch_has_avx2())
		return false;
	if (isa >= ISA_AVX512 && !dispatch_has_avx512())
		return false;

	kernels_fill_scalar(k);
#if defined(ADAPTCACHE_X86)
	if (isa >= ISA_AVX2)
		kernels_fill_avx2(k);
	if (isa >= ISA_AVX512) {
		kernels_fill_avx512_read(k);
		kernels_fill_avx512_write(k);
	}
#endif
	return true;
}

/* What the environment asks for, or AVX2. */
static enum isa dispatch_wanted(void)
{
#ifdef ADAPTCACHE_TEST_ISA
	static const char *const names[N_ISAS] = { "scalar", "avx2", "avx512" };
	const char *forced = getenv("ADAPTCACHE_ISA");

	for (unsigned i = 0; forced && i < N_ISAS; i++) {
		if (!strcmp(forced, names[i]))
			return (enum isa)i;
	}
#endif
	return ISA_AVX2;
}

static void dispatch_init(void)
{
	enum isa isa = dispatch_wanted();

	while (!kernels_for(isa, &dispatch_chosen))
		isa = (enum isa)(isa - 1);
	if (dispatch_slow_pdep())
		kernels_fill_scalar_rows(&dispatch_chosen);
	grid_codes_init(&dispatch_tables);
}

const struct kernels *dispatch_kernels(void)
{
	pthread_once(&dispatch_once, dispatch_init);
	return &dispatch_chosen;
}

const struct grid_codes *dispatch_codes(void)
{
	pthread_once(&dispatch_once, dispatch_init);
	return &dispatch_tables;
}

bool dispatch_force(enum isa isa)
{
	dispatch_kernels();
	return kernels_for(isa, &dispatch_chosen);
}
