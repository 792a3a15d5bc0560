#!/usr/bin/env python3
"""judge.py - what a lossy copy of a KV cache does to the model that made it

usage: judge.py make TEXT KV [--dtype f16|bf16|f32]
       judge.py judge TEXT KV LOSSY

make   computes the first 1,024 tokens of TEXT and saves the model's state.
judge  continues from KV and from LOSSY, twice: with the text that follows, and
       with an earlier passage of the text again (recall: is it still found?).
       Prints, of each, the Kullback-Leibler divergence of the next token's
       distribution (mean, median, 99 %; nats), the rise of the negative log
       likelihood of the true next token, and how often the most probable token
       is the same.

Runs in the environment that `tools/engine.sh --judge` made, on one thread: two
that wait for each other on a busy core are several times slower.
"""

import argparse
import json
import os

import numpy as np

from kvfile import KvFile
from llama import Model, ModelError

CONTEXT = 1024  # tokens in the cache
FOLLOW = 128    # tokens that are fed from it
RECALL = 320    # where the passage begins that is fed again


def log_softmax(x):
    y = x - x.max(-1, keepdims=True)
    return y - np.log(np.exp(y).sum(-1, keepdims=True, dtype=np.float64)).astype(np.float32)


def compare(p, q, truth):
    """p, q: log probabilities; truth: the tokens that came."""
    kld = (np.exp(p) * (p - q)).sum(-1, dtype=np.float64)
    rows = np.arange(len(truth))
    return {"kld": float(kld.mean()), "median": float(np.median(kld)),
            "p99": float(np.quantile(kld, .99)),
            "dnll": float((p[rows, truth] - q[rows, truth]).mean()),
            "top1": float((p.argmax(-1) == q.argmax(-1)).mean())}


class Judge:
    """Judges copies of caches; the model is loaded once.

    folder holds the model with its weights expanded; gguf: another model than
    that of the package."""

    def __init__(self, folder, gguf=None, threads=1):
        self.model = Model(folder, CONTEXT + 2 * FOLLOW, gguf, threads)
        self.originals = {}

    def tokens(self, text):
        with open(text, encoding="utf-8") as f:
            tokens = self.model.tokenize(f.read())
        if len(tokens) < CONTEXT + FOLLOW:
            raise ModelError(f"{text}: {len(tokens)} tokens, "
                             f"{CONTEXT + FOLLOW} are needed")
        return tokens

    def make(self, text, path, dtype):
        tokens = self.tokens(text)[:CONTEXT]
        self.model.keep(dtype, 0)
        self.model.decode(dtype, tokens, 0, False)
        self.model.save(dtype, path, tokens)

    def says(self, text, path, dtype):
        """Log probabilities after each token fed, per task."""
        tokens = self.tokens(text)
        fed = {"continuation": tokens[CONTEXT:CONTEXT + FOLLOW],
               "recall": tokens[RECALL:RECALL + FOLLOW]}
        self.model.load(dtype, path)
        said = {}
        for task, part in fed.items():
            self.model.keep(dtype, CONTEXT)
            logits = self.model.decode(dtype, part, CONTEXT, True)
            said[task] = log_softmax(logits[:-1]), np.array(part[1:])
        return said

    def judge(self, text, original, lossy, dtype):
        """{task: figures}; the original's own answers are kept."""
        key = text, original
        if key not in self.originals:
            self.originals[key] = self.says(text, original, dtype)
        got = self.says(text, lossy, dtype)
        return {task: compare(p, got[task][0], truth)
                for task, (p, truth) in self.originals[key].items()}


def cache_folder():
    prefix = os.environ.get("ADAPTCACHE_PREFIX") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "adaptcache")
    return os.path.join(prefix, "quality")


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("\n\n")[1])
    parser.add_argument("command", choices=("make", "judge"))
    parser.add_argument("text")
    parser.add_argument("kv")
    parser.add_argument("lossy", nargs="?")
    parser.add_argument("--dtype", choices=("f16", "bf16", "f32"), default="f16")
    parser.add_argument("--model", help="a GGUF file; default: SmolLM2-135M-Instruct")
    parser.add_argument("--cache", default=cache_folder())
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    if (args.command == "judge") != (args.lossy is not None):
        parser.error("judge takes TEXT, KV and LOSSY, make only TEXT and KV")

    judge = Judge(args.cache, args.model, args.threads)
    if args.command == "make":
        judge.make(args.text, args.kv, args.dtype)
    else:
        print(json.dumps(judge.judge(args.text, args.kv, args.lossy,
                                     KvFile(args.kv).dtype)))


if __name__ == "__main__":
    try:
        main()
    except ModelError as e:
        raise SystemExit(f"judge: {e}")
