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
#if defined(ADAPTCACHE_AVX2)
	return __builtin_cpu_supports("avx2") &&
	       __builtin_cpu_supports("bmi2") &&
	       __builtin_cpu_supports("fma") &&
	       __builtin_cpu_supports("popcnt");
#else
	return false;
#endif
}

/* pdep in microcode, a hundred times slower: AMD before Zen 3. */
static bool dispatch_slow_pdep(void)
{
#if defined(ADAPTCACHE_AVX2)
	return __builtin_cpu_is("znver1") || __builtin_cpu_is("znver2");
#else
	return false;
#endif
}

bool kernels_for(enum isa isa, struct kernels *k)
{
	if (isa == ISA_AVX2 && !dispatch_has_avx2())
		return false;

	kernels_fill_scalar(k);
#if defined(ADAPTCACHE_AVX2)
	if (isa >= ISA_AVX2)
		kernels_fill_avx2(k);
#endif
	return true;
}

static void dispatch_init(void)
{
	enum isa isa = ISA_AVX2;

#ifdef ADAPTCACHE_TEST_ISA
	const char *forced = getenv("ADAPTCACHE_ISA");

	if (forced && !strcmp(forced, "scalar"))
		isa = ISA_SCALAR;
#endif
	if (!kernels_for(isa, &dispatch_chosen))
		kernels_for(ISA_SCALAR, &dispatch_chosen);
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
