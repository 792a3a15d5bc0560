#!/usr/bin/env python3
"""policy_tables.py - the figures of docs/policy.md, made by the simulator

usage: policy_tables.py 'build/tools/adaptcache simulate' TRACE [TABLE...]

TRACE is the conversation trace.

Tables: equal (delay at equal quality), four (the goals' ratios, more seeds
and hints), headroom, fixed (never worse than a fixed rate), ablation, budget,
hints, bound, speed.  Without names, all of them.  45 minutes.
Prints Markdown.
"""
import bisect
import json
import math
import subprocess
import sys

SIM, CONV = None, None

ALPHAS = [0, 0.003, 0.01, 0.02, 0.03, 0.045, 0.06, 0.08, 0.1, 0.14, 0.2, 0.3,
          0.5, 0.75, 1, 1.5, 2, 3, 5, 8, 12, 20, 50, 1e5]

LOADS = {
    'zipf': ['zipf'],
    'zipf-drift': ['zipf-drift'],
    'conv 25/100': ['CONV', '--memory', '25G', '--size', '100G'],
    'conv 100/400': ['CONV'],
    'conv 400/1600': ['CONV', '--memory', '400G', '--size', '1600G'],
}


def simulate(load, policies, alphas, *options):
    where = [CONV if word == 'CONV' else word for word in LOADS[load]]
    command = SIM.split() + where + [
        '--policy', ','.join(policies),
        '--alpha', ','.join(f'{a:g}' for a in alphas), '--json', *options]
    return json.loads(subprocess.check_output(command))


def curve(load, policy='adapt', *options):
    """(quality, delay) along alpha, quality rising, only what is undominated."""
    points = sorted((r['quality'], r['delay_s'])
                    for r in simulate(load, [policy], ALPHAS, *options))
    best, least = [], math.inf
    for quality, delay in reversed(points):
        if delay < least:
            best.append((quality, delay))
            least = delay
    return best[::-1]


def at_quality(points, quality):
    """Delay where the curve crosses a quality: log-log between points."""
    i = bisect.bisect_left([q for q, _ in points], quality)
    if i == len(points):
        return points[-1][1]
    if i == 0:
        return points[0][1]
    (q0, d0), (q1, d1) = points[i - 1], points[i]
    loss = [math.log(max(1e-6, 1 - q)) for q in (q0, quality, q1)]
    share = (loss[1] - loss[0]) / (loss[2] - loss[0])
    return math.exp(math.log(d0) + share * (math.log(d1) - math.log(d0)))


def at_delay(points, delay):
    """Quality where the curve crosses a delay."""
    for (q0, d0), (q1, d1) in zip(points, points[1:]):
        if d0 <= delay <= d1:
            return q0 + (q1 - q0) * (delay - d0) / (d1 - d0)
    return points[-1][0] if delay > points[-1][1] else points[0][0]


def row(*cells):
    print('| ' + ' | '.join(str(c) for c in cells) + ' |')


def head(*cells):
    row(*cells)
    print('|' + '---|' * len(cells))


def equal():
    """Delay of each baseline over ours at the baseline's quality."""
    bases = ['lru-raw', 'lru-exact', 'gdsf-exact', 'lru-int4', 'gdsf-int4',
             's3fifo-int4', 'lru-kivi2', 'gdsf-kivi2', 'lru-refine1',
             'gdsf-refine1', 'lru-base', 'gdsf-base']
    for load in ('zipf', 'zipf-drift', 'conv 100/400'):
        ours = curve(load)
        print(f'\n### {load}\n')
        head('baseline', 'its delay, ms', 'its quality', 'ours there, ms',
             'ratio', 'quality gained at its delay')
        for r in simulate(load, bases, [0]):
            quality, delay = r['quality'], r['delay_s']
            there = at_quality(ours, quality)
            gain = at_delay(ours, delay) - quality
            row(r['policy'], f'{1e3 * delay:.1f}', f'{quality:.4f}',
                f'{1e3 * there:.1f}', f'**{delay / there:.2f}**',
                f'{100 * gain:+.1f} %')
            if r['policy'] == 'lru-raw':
                there = at_quality(ours, .998)
                row('lru-raw, ours at .998', f'{1e3 * delay:.1f}', '1.0000',
                    f'{1e3 * there:.1f}', f'**{delay / there:.2f}**', '')


def four():
    """The four ratios of the goals: other seeds, and announced deaths."""
    bases = ['lru-raw', 'lru-kivi2', 'lru-int4', 'lru-refine1']
    runs = [(f'zipf, seed {seed}', 'zipf', ('--seed', str(seed)))
            for seed in (1, 2, 3)]
    runs += [(f'conv 100/400, {100 * share:.0f} % announced', 'conv 100/400',
              ('--hints', str(share))) for share in (0, 0.25, 0.5)]
    head('workload', 'raw + LRU, ours at .998', 'KIVI-2 class + LRU',
         'INT4 + LRU', '3.1 rung + LRU')
    for label, load, options in runs:
        ours = curve(load, 'adapt', *options)
        seed = options if options[0] == '--seed' else ()
        cells = []
        for r in simulate(load, bases, [0], *seed):
            quality = min(r['quality'], .998 if r['policy'] == 'lru-raw' else 1)
            cells.append(f"{r['delay_s'] / at_quality(ours, quality):.2f}")
        row(label, *cells)


def headroom():
    """Share of what the clairvoyant bound saves over raw + LRU, alpha 1."""
    head('workload', 'raw + LRU, ms', 'adapt', 'static', 'bound',
         'share of the headroom', 'value over static')
    for load in LOADS:
        cost = {r['policy']: r['cost_s'] for r in
                simulate(load, ['lru-raw', 'adapt', 'static', 'bound'], [1])}
        raw, ours = cost['lru-raw'], cost['adapt']
        static = (raw - ours) / (raw - cost['static'])
        row(load, *(f'{1e3 * cost[p]:.2f}' for p in
                    ('lru-raw', 'adapt', 'static', 'bound')),
            f"**{100 * (raw - ours) / (raw - cost['bound']):.1f} %**",
            f'{100 * static:.1f} %' if load == 'zipf' else '')


def fixed():
    """The best fixed rate with LRU or GDSF, at its own quality."""
    rates = ['raw', 'exact', 'refine2', 'refine1', 'base', 'int4', 'kivi2']
    bases = [f'{order}-{rate}' for order in ('lru', 'gdsf') for rate in rates]
    head('workload', 'hardest baseline', 'its quality', 'ratio there')
    for load in LOADS:
        ours = curve(load)
        ratios = [(r['delay_s'] / at_quality(ours, r['quality']), r)
                  for r in simulate(load, bases, [0])]
        ratio, r = min(ratios, key=lambda pair: pair[0])
        row(load, r['policy'], f"{r['quality']:.4f}", f'**{ratio:.2f}**')


def ablation():
    """Cost added when one ingredient is taken away, over three alphas."""
    alphas = [0.1, 1, 10]
    loads = ('zipf', 'zipf-drift', 'conv 100/400')
    without = [
        ('frequency: hits never fade (the paper)', 'adapt-count', ()),
        ('frequency: half-life 60 s', 'adapt-half60', ()),
        ('frequency: half-life 600 s', 'adapt-half600', ()),
        ('frequency: half-life 3600 s', 'adapt-half3600', ()),
        ('device by recency', 'adapt-recency', ()),
        ('one rate for all (4.6)', 'adapt-one-rung', ()),
        ('rungs: exact and 3.1 only', 'adapt-two-rungs', ()),
        ('rungs: exact, 4.6, 1.75', 'adapt-three-rungs', ()),
        ('quality known per task', 'adapt', ('--knows', 'task')),
        ('quality: one number for all', 'adapt', ('--knows', 'mean')),
        ('no split by layer', 'adapt-no-split', ()),
        ('decode time ignored', 'adapt-no-decode', ()),
        ('no plain copies', 'adapt-no-plain', ()),
        ('no memory of dropped names', 'adapt', ('--no-ghosts',)),
        ('no classes by burst', 'adapt-no-bursts', ()),
        ('enter whole, then press', 'adapt-whole', ()),
        ('no spares on the SSD', 'adapt-no-spares', ()),
        ('no worth for unread layers', 'adapt-no-keep', ()),
        ('a hit may truncate', 'adapt-hit-cuts', ()),
    ]
    head('taken away', *(f'{load}: cost, SSD writes' for load in loads))
    base = {load: simulate(load, ['adapt'], alphas) for load in loads}
    for label, policy, options in without:
        cells = []
        for load in loads:
            got = simulate(load, [policy], alphas, *options)
            change = [100 * (g['cost_s'] / b['cost_s'] - 1)
                      for g, b in zip(got, base[load])]
            writes = (sum(g['ssd_written_bytes'] for g in got) /
                      sum(b['ssd_written_bytes'] for b in base[load]))
            cells.append(f'{min(change):+.0f}..{max(change):+.0f} %, '
                         f'{writes:.1f}x')
        row(label, *cells)


def budget():
    """SSD writes against their budget, conversation at alpha 1."""
    head('budget, GB/s', 'cost, ms', 'hard stop without a price',
         'written, GB/s', 'most in 10 min / budget')
    for rate in ('0', '0.5G', '0.3G', '0.1G', '0.014G'):
        r, stop = simulate('conv 100/400', ['adapt', 'adapt-stop-only'], [1],
                           '--write-budget', rate)
        allowed = float(rate.rstrip('G')) * 600e9
        row(rate.rstrip('G').replace('0', 'none') if rate == '0'
            else rate.rstrip('G'),
            f"{1e3 * r['cost_s']:.1f}", f"{1e3 * stop['cost_s']:.1f}",
            f"{r['ssd_written_bytes'] / r['span_s'] / 1e9:.3f}",
            f"{r['most_written_in_600_s'] / allowed:.2f}" if allowed else '')


def hints():
    """Announced deaths, cost at alpha 1."""
    loads = ('conv 25/100', 'conv 100/400', 'conv 400/1600')
    head('dead entries announced', *loads)
    for share in ('0', '0.25', '0.5', '1'):
        row(f'{100 * float(share):.0f} %',
            *(f"{1e3 * simulate(load, ['adapt'], [1], '--hints', share)[0]['cost_s']:.1f}"
              for load in loads))


def bound():
    """Value reached over the LP bound with the same estimates."""
    head('workload', 'alpha', 'mean', 'least of 20 moments')
    for load in LOADS:
        for r in simulate(load, ['adapt'], [0.1, 1, 10], '--gap'):
            row(load, f"{r['alpha']:g}", f"{100 * r['reached_mean']:.2f} %",
                f"{100 * r['reached_least']:.2f} %")


def speed():
    """CPU of a reference, everything included, against contexts held."""
    head('contexts', 'references', 'us a reference')
    for size, n in (('400G', 20000), ('40T', 200000), ('480T', 2000000)):
        ram = {'400G': '100G', '40T': '10T', '480T': '120T'}[size]
        rate = {'400G': '10', '40T': '100', '480T': '1000'}[size]
        r = json.loads(subprocess.check_output(
            SIM.split() + ['zipf', '--memory', ram, '--size', size, '--requests',
             str(n), '--arrivals', rate, '--json']))[0]
        row(f"{n - r['references']}", n, f"{1e6 * r['cpu_s'] / n:.1f}")


TABLES = [equal, four, headroom, fixed, ablation, budget, hints, bound, speed]


def main():
    global SIM, CONV
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    SIM, CONV, *names = sys.argv[1:]
    for table in TABLES:
        if not names or table.__name__ in names:
            print(f'\n## {table.__name__}: {table.__doc__}\n')
            table()
            sys.stdout.flush()


main()
