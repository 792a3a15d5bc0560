/* sim_report.h - results of simulations as a table, as JSON, as a picture */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tools/sim_run.h"

void sim_print_table(FILE *f, const struct sim_result *results, size_t n);
void sim_print_json(FILE *f, const struct sim_result *results, size_t n);

/* Delay (log scale) against quality, a line per policy, as SVG. */
void sim_print_plot(FILE *f, const struct sim_result *results, size_t n);
