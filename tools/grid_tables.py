#!/usr/bin/env python3
"""Makes codec/grid_tables.c: the constants of the grid codec's format.

The numbers are part of the format.  The file is made once and committed; this
script says where they come from.  Needs nothing but Python.

  grid_tables.py > codec/grid_tables.c
"""
from decimal import Decimal, getcontext
from math import erf, log2, sqrt

BITS = 11           # longest code: one lookup of the decoder
RARE = 30           # bits that a value in the escape list costs
SIGMA = [0.25 * 1.43 ** i for i in range(10)]
THETA = [10000, 100000, 500000, 1000000, 5000000, 10000000]
DIMS = [64, 80, 96, 128, 192, 256]


def magnitudes(s):
    """P(|q| = 0 .. 14): a Gaussian in units of the step with a heavier tail."""
    cdf = lambda x, d: erf(x / d / sqrt(2))
    both = lambda x: 0.85 * cdf(x, s) + 0.15 * cdf(x, 1.6 * s)
    p = [both(0.5)] + [both(i + 0.5) - both(i - 0.5) for i in range(1, 15)]
    p[14] += 1 - both(14.5)
    return p + [0.0]


def gaps(ratio, zero):
    """P(gap below the largest exponent); 14: the exponent is zero."""
    p = [(1 - ratio) * ratio ** g for g in range(14)] + [zero, 2.0 ** -14]
    return [x / sum(p) for x in p]


def limited(p):
    """Lengths of an optimal prefix code of at most BITS bits."""
    leaves = sorted((x, (i,)) for i, x in enumerate(p))
    rows = leaves
    for _ in range(BITS - 1):
        pairs = [(rows[i][0] + rows[i + 1][0], rows[i][1] + rows[i + 1][1])
                 for i in range(0, len(rows) - 1, 2)]
        rows = sorted(leaves + pairs)
    lens = [0] * len(p)
    for _, sym in rows[:2 * len(p) - 2]:
        for i in sym:
            lens[i] += 1
    return lens


def pair_code(p):
    """256 lengths, 0 for a pair too rare to have a code."""
    order = sorted(((p[a] * p[b], a, b) for a in range(16) for b in range(16)),
                   reverse=True)
    best = None
    for n in range(4, len(order) + 1):
        if order[n - 1][0] == 0:
            break
        lens = limited([o[0] for o in order[:n]])
        rare = sum(o[0] for o in order[n:])
        cost = sum(o[0] * l for o, l in zip(order, lens)) + rare * RARE
        if best is None or cost < best[0]:
            best = cost, n, lens
    out = [0] * 256
    for (_, a, b), l in zip(order[:best[1]], best[2]):
        out[a | b << 4] = l
    return out


def kraft(lens):
    return sum(2.0 ** -l for l in lens if l)


def prices(p):
    """1/16 bits of a magnitude 0, 1, 2, and of 3 and more: at + per * x."""
    bit = [-log2(x) if x > 2 ** -RARE else RARE for x in p[:15]]
    n3 = sum(p[3:15])
    if n3 < 1e-12:
        at, per = RARE, 0
    else:
        mean = sum(i * p[i] for i in range(3, 15)) / n3
        far = sum((i - mean) ** 2 * p[i] for i in range(3, 15)) / n3
        per = sum((i - mean) * bit[i] * p[i] for i in range(3, 15)) / n3
        per = per / far if far > 1e-9 else 8
        at = sum(bit[i] * p[i] for i in range(3, 15)) / n3 - per * mean
    return [round(16 * v) for v in bit[:3] + [at, per]]


def main():
    getcontext().prec = 50
    codes = [pair_code(magnitudes(s)) for s in SIGMA] + [
        pair_code(gaps(0.5, 2.0 ** -7)), pair_code(gaps(0.85, 0.1))]
    assert all(kraft(c) == 1 for c in codes)
    digit = lambda l: ".123456789ab"[l]
    print('''/*
 * grid_tables.c - the constants of the grid format
 *
 * Made by tools/grid_tables.py, once: these numbers are part of the format.
 */
#include "codec/grid.h"

/* clang-format off */

/*
 * Code lengths in bits (hexadecimal) of the pairs of magnitudes: row = second
 * of the pair, column = first; '.': no code.  The last two tables are those
 * of the exponents' gaps: of channels alike, and of very unequal ones.
 */
const char *const grid_lengths[GRID_CODES][16] = {''')
    for c in codes:
        print("\t{")
        for b in range(16):
            print('\t\t"%s",' % "".join(digit(c[a | b << 4])
                                        for a in range(16)))
        print("\t},")
    print('''};

/* What a magnitude costs with each table, in 1/16 bit: see grid.h. */
const int16_t grid_prices[GRID_TABLES][5] = {''')
    for s in SIGMA:
        print("\t{ %s }," % ", ".join("%d" % v for v in prices(magnitudes(s))))
    print('''};

/* theta^(-2 / head size), times 2^62. */
const struct grid_turn grid_turns[] = {''')
    for d in DIMS:
        for t in THETA:
            g = (Decimal(t).ln() * -2 / d).exp() * 2 ** 62
            print("\t{ %d, %d, %du }," % (t, d, int(g + Decimal("0.5"))))
    print('''};

const unsigned grid_n_turns = sizeof(grid_turns) / sizeof(grid_turns[0]);''')


main()
