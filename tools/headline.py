#!/usr/bin/env python3
"""headline.py - delay against quality of a real model's caches on the mount

usage: headline.py ADAPTCACHE [--quick] [--device RATE] [--recompute RATE]
                   [--floor NATS] [--requests N] [--seed N] [--json FILE]
                   [--cache FOLDER] [--out FOLDER]

ADAPTCACHE is the built tool; the daemon is build/fs/adaptcachefs.
--device     speeds of the backing, bytes a second (0: its own), comma-separated
--recompute  bytes of cache that an engine computes in a second
--floor      the most damage that ours may do, in nats; a quarter of it to documents
--json       keeps all figures there; a speed that it has already is not run again
Writes the tables between the markers of docs/headline.md, and headline.svg;
not with --quick, which has fewer contexts, requests and rates.
"""

import argparse
import json
import os
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import headline_run
from headline_contexts import ROOT, Contexts
from headline_run import Config, Entry
from headline_report import report
from judge import ModelError, cache_folder
from kvfile import KvFile
from mounted import MountError

OTHERS = {"q4_0+sinks": "INT4 (q4_0)", "kivi4+sinks": "KIVI-4", "kivi2+sinks": "KIVI-2",
          "window:0.5": "oldest half dropped"}
ALPHAS = (0.03, 0.1, 0.3, 1, 4)

EXACT = {"kld": 0.0, "top1": 1.0}


def log(text):
    print(f"headline: {text}", file=sys.stderr, flush=True)


# With --quick, and at all speeds but the first.
FEW = ("no compression + LRU", "bit-exact + LRU", "INT4 (q4_0) + LRU", "KIVI-2 + LRU",
       "our base + LRU", "our refine1 + LRU", "adapt, alpha 0.1", "adapt, alpha 1",
       "adapt, exact")


def configs(floor, few):
    """In the order of the tables."""
    found = [Config("no compression + LRU", "exact", "policy=lru-exact", "raw"),
             Config("the same, plain copies", "exact", "policy=lru", "raw"),
             Config("bit-exact + LRU", "exact", "policy=lru-exact")]
    found += [Config(f"{label} + LRU", "others", "policy=lru-exact", scheme)
              for scheme, label in OTHERS.items()]
    found += [Config(f"our {rung} + LRU", "one rung", f"policy=lru-{rung}", floor=floor)
              for rung in ("base", "refine1", "refine2")]
    found += [Config(f"adapt, alpha {a:g}", "ours", f"policy=adapt,alpha={a:g}", floor=floor)
              for a in ALPHAS]
    found.append(Config("adapt, exact", "ours", "policy=adapt"))
    return [c for c in found if c.name in FEW] if few else found


class Headline:
    def __init__(self, args):
        self.args = args
        self.judged = Contexts(args.cache)
        n = 1 if args.quick else 6
        self.contexts = self.judged.choose(n)
        self.entries = []
        names = 36 if args.quick else headline_run.NAMES_PER_CONTEXT
        for context in self.contexts:
            path = self.judged.kv_of(context)
            self.entries += [Entry(f"{context.name}-{i}", context, path)
                             for i in range(names)]
        log(f"{len(self.contexts)} contexts, {len(self.entries)} names")
        self.raw = [os.path.getsize(e.path) for e in self.entries]
        self.bits = {}  # of schemes, by context

    def scheme(self, scheme, context):
        """What a scheme makes of a context: (bits a value, figures)."""
        key = scheme, context.name
        if key not in self.bits:
            out = self.judged.scratch(".kv")
            got = subprocess.run(
                [self.args.tool, "bench", "codec", self.judged.kv_of(context), "--scheme",
                 scheme, "--write", out, "--head-dim", "64", "--json"],
                capture_output=True, text=True, check=True)
            self.bits[key] = (json.loads(got.stdout)["bits"],
                              self.judged.verdict_of_copy(context, out))
            os.unlink(out)
        return self.bits[key]

    def sizes(self, config):
        """Bytes of each entry's file."""
        if config.scheme in ("", "raw"):
            return self.raw
        found = []
        for entry, raw in zip(self.entries, self.raw):
            values = KvFile(entry.path).values() if entry.name.endswith("-0") else values
            bits, _ = self.scheme(config.scheme, entry.context)
            found.append(int(raw - 2 * values + values * bits / 8))
        return found

    def loads(self, config, result):
        """Seconds of each hit: its bytes at the median speed of its kind.

        A kind is what was served from where; others on the machine disturb
        single reads, not that."""
        sizes, kinds = self.sizes(config), {}
        for i, seconds, _, where in result.hits:
            kinds.setdefault(where, []).append(seconds / sizes[i])
        speeds = {where: statistics.median(xs) for where, xs in kinds.items()}
        return [sizes[i] * speeds[where] for i, _, _, where in result.hits]

    def quality(self, config, result, served):
        """Figures of each hit, in the order of result.hits."""
        found = []
        for i, _, name, _ in result.hits:
            context = self.entries[i].context
            if config.scheme == "raw":
                found.append(EXACT)
            elif config.scheme:
                found.append(self.scheme(config.scheme, context)[1])
            else:
                found.append(self.judged.verdict_of_served(context, name, served.path(name)))
        return found

    def row(self, config, result, served):
        """What the tables say of a configuration."""
        judged = self.quality(config, result, served)
        cost = [self.raw[i] / self.args.recompute for i in result.missed]
        loads = self.loads(config, result)
        per_task = {}
        for (i, s, _, _), figures in zip(result.hits, judged):
            per_task.setdefault(self.entries[i].context.task, []).append(
                (s, figures["kld"], figures["top1"]))
        n = result.n()
        return {
            "name": config.name, "group": config.group, "n": n,
            "delay": (sum(loads) + sum(cost)) / n, "miss": len(cost) / n,
            "missed_bytes": sum(self.raw[i] for i in result.missed) / n,
            "load": sum(loads) / max(1, len(loads)),
            "mean": sum(h[1] for h in result.hits) / max(1, len(result.hits)),
            "kld": sum(f["kld"] for f in judged) / n,
            "top1": (sum(f["top1"] for f in judged) + len(cost)) / n,
            "tasks": per_task, "stats": result.stats,
        }

    def measure(self, device, few):
        """Rows of one speed of the backing; few: of some, and half the load."""
        args = self.args
        all_of = configs(args.floor, few)
        n = args.requests // (2 if few else 1)
        n_warm = n * 2 // 3
        order = headline_run.requests(len(self.entries), n_warm + n, args.seed)
        results = []
        with tempfile.TemporaryDirectory(prefix="adaptcache-served-", dir="/var/tmp") as folder:
            served = headline_run.Served(folder)
            for config in all_of:
                since = time.monotonic()
                results.append(headline_run.run(config, self.entries, self.sizes(config),
                                                order, n_warm, served, device))
                r = results[-1]
                hit = sum(h[1] for h in r.hits) / max(1, len(r.hits))
                log(f"{config.name}: {len(r.missed)} of {r.n()} missed, {hit * 1e3:.1f} ms "
                    f"a hit ({time.monotonic() - since:.0f} s)")
            log("judging what was served")
            rows = [self.row(c, r, served) for c, r in zip(all_of, results)]
        return rows


def measured(args, devices):
    """{speed of the backing: rows}, those of --json included."""
    kept, headline = {}, None
    if args.json and os.path.exists(args.json):
        with open(args.json, encoding="utf-8") as f:
            kept = json.load(f)
    for device in map(str, devices):
        if device in kept:
            continue
        headline = headline or Headline(args)
        kept[device] = headline.measure(int(device),
                                           args.quick or int(device) != devices[0])
        log(f"{headline.judged.n_judged} copies were judged")
        if args.json:
            with open(args.json, "w", encoding="utf-8") as f:
                json.dump(kept, f)
    return {device: kept[str(device)] for device in devices}


def write_sections(path, sections):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    for name, body in sections.items():
        text, n = re.subn(rf"(<!-- {name} -->\n).*?(<!-- end -->)",
                          lambda m, b=body: m[1] + b + "\n" + m[2], text, flags=re.S)
        if n != 1:
            sys.exit(f"headline: {path}: {n} places for {name}")
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("tool")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="1000000000,0")
    parser.add_argument("--recompute", type=float, default=100e6)
    parser.add_argument("--floor", type=float, default=0.1)
    parser.add_argument("--requests", type=int)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json")
    parser.add_argument("--cache", default=cache_folder())
    parser.add_argument("--out", default=os.path.join(ROOT, "docs"))
    args = parser.parse_args()
    args.requests = args.requests or (120 if args.quick else 240)
    devices = [int(d) for d in args.device.split(",")][:1 if args.quick else None]

    rows = measured(args, devices)
    sections = report(rows, None if args.quick else os.path.join(args.out, "headline.svg"))
    if args.quick:
        print("\n\n".join(sections.values()))
    else:
        write_sections(os.path.join(args.out, "headline.md"), sections)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        main()
    except (ModelError, MountError) as e:
        sys.exit(f"headline: {e}")
