#!/usr/bin/env python3
"""measure_task.py - judges what lossy copies do to one task, as samples for its curve

usage: measure_task.py SAMPLES TEXT... [--task continuation|recall]
                       [--model GGUF] [--cache FOLDER]

Makes each TEXT's cache (1,024 tokens; 1,152 and more are needed), quantises it,
lets its oldest tokens read as the means of their tiles, or both, and writes for
each copy a line `eK eV DROPPED KLD`: the relative errors of the tokens that are
kept, the share of tokens that are not, and the damage in nats.
`adaptcache profile --fit NAME SAMPLES` makes a task's curve of them.  About a
minute a text.
"""

import argparse

import numpy as np

from judge import ModelError, cache_folder
from judged import Judged
from kvfile import KvFile
from measure_profile import SINKS, spoil

TILE = 256  # tokens that share a mean

# Step in rms deviations (0: exact), share of tokens dropped.
COPIES = ((0.5, 0), (1, 0), (0, 0.25), (0, 0.375), (0, 0.5), (0, 0.625), (0.5, 0.5))


def drop(kv, share):
    """The oldest tokens read as means; the sinks stay."""
    end = int(share * kv.tokens)
    for key in kv.tensors():
        x = kv.get(key)
        for first in range(0, end, TILE):
            rows = slice(max(first, SINKS), min(first + TILE, end))
            x[rows] = x[rows].mean(0)
        kv.put(key, x)


def sample(judged, text, task, step, share):
    original = judged.kv(text)
    kv, errors = KvFile(original), {"K": [0.0], "V": [0.0]}
    if step:
        for role in "KV":
            errors[role] = [spoil(kv, (role, l), step) for l in range(kv.n_layers)]
    if share:
        drop(kv, share)
    kld = judged.verdict_of(text, original, kv)[task]["kld"]
    return [float(np.mean(errors[role])) for role in "KV"] + [share, kld]


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("samples")
    parser.add_argument("texts", nargs="+", metavar="TEXT")
    parser.add_argument("--task", choices=("continuation", "recall"), default="continuation")
    parser.add_argument("--model")
    parser.add_argument("--cache", default=cache_folder())
    args = parser.parse_args()
    judged = Judged(args.cache, args.model)
    with open(args.samples, "w", encoding="utf-8") as f:
        f.write(f"# {judged.model_name}, {args.task}: eK eV dropped kld\n")
        for text in args.texts:
            for step, share in COPIES:
                line = sample(judged, text, args.task, step, share)
                print(*(f"{x:.5g}" for x in line), file=f, flush=True)


if __name__ == "__main__":
    try:
        main()
    except ModelError as e:
        raise SystemExit(f"measure_task: {e}")
