/*
 * run.h - the main function of a test program, and numbers that look random
 *
 * Include once, in the file that has main.
 */
#pragma once

#include <check.h>
#include <stdint.h>
#include <stdlib.h>

/* Runs the suite, prints Check's closing lines; what main returns. */
static inline int run_suite(Suite *suite)
{
	SRunner *runner = srunner_create(suite);

	srunner_run_all(runner, CK_NORMAL);

	int failed = srunner_ntests_failed(runner);

	srunner_free(runner);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* The next number of a sequence that is the same on every machine. */
static inline uint32_t run_random(uint64_t *state)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (uint32_t)(*state >> 33);
}
