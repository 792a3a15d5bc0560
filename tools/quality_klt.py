"""quality_klt.py - a bet: a Karhunen-Loeve transform across a layer's channels

K is turned back to position 0, K and V are rotated onto the principal axes that
other texts have in that layer, and quantised evenly.  The size is that of an
ideal entropy coder with eight distributions a tensor, with the means, the exact
first tokens and the steps in.  Lossy only: the products of floats differ
between machines, so no exact layer can follow.
"""

import numpy as np

from kvfile import KvFile
from measure_profile import SINKS

STEPS = (0.4, 0.75, 1.08, 1.5, 2.0)
CLASSES = 8
THETA, DIMS = 100000, 64  # of SmolLM2-135M


def turned(x, sign):
    """Rows turned by their position's angles; pairs side by side."""
    angle = np.arange(len(x))[:, None] * THETA ** (-np.arange(0, DIMS, 2) / DIMS)
    c, s = np.cos(angle)[:, None], sign * np.sin(angle)[:, None]
    y = x.reshape(len(x), -1, DIMS // 2, 2)
    a, b = y[..., 0], y[..., 1]
    return np.stack([a * c - b * s, b * c + a * s], -1).reshape(x.shape)


def still(kv, key):
    x = kv.get(key).astype(np.float64)
    return turned(x, -1) if key[0] == "K" else x


def energy_in_means(kv):
    """Share of K's energy in its channels' means: as it is, and turned back."""
    shares = []
    for turn in (lambda x: x, lambda x: turned(x, -1)):
        found = []
        for key in kv.tensors():
            if key[0] == "K":
                x = turn(kv.get(key))[SINKS:]
                found.append((x.mean(0) ** 2).sum() / (x ** 2).mean(0).sum())
        shares.append(float(np.mean(found)))
    return shares


def axes(kvs):
    """{tensor: principal axes of all these caches}."""
    found = {}
    for key in kvs[0].tensors():
        parts = [still(kv, key)[SINKS:] for kv in kvs]
        parts = np.concatenate([x - x.mean(0) for x in parts])
        found[key] = np.linalg.eigh(parts.T @ parts)[1]
    return found


def ideal_bits(q):
    bits = 0
    for group in np.array_split(np.argsort(q.std(0)), CLASSES):
        n = np.unique(q[:, group], return_counts=True)[1]
        bits -= (n * np.log2(n / n.sum())).sum()
    return bits


def quantise(kv, basis, profile, step):
    """Spoils kv in place; returns bits per value."""
    bits = 0
    for key in kv.tensors():
        x = still(kv, key)
        rest = x[SINKS:]
        mean = rest.mean(0).astype(np.float16).astype(np.float64)
        unit = step * profile.step[key] * np.sqrt(((rest - mean) ** 2).mean())
        q = np.rint((rest - mean) @ basis[key] / unit).astype(np.int32)
        y = np.concatenate([x[:SINKS], q * unit @ basis[key].T + mean])
        if key[0] == "K":
            y = turned(y, 1)
        y[:SINKS] = kv.get(key)[:SINKS]
        kv.put(key, y.astype(np.float32))
        bits += ideal_bits(q) + 16 * mean.size * (1 + SINKS) + 32
    return bits / kv.values()


def rows(quality):
    """{step: row} as quality.py's."""
    paths = {n: quality.judged.kv(t) for n, t in quality.texts.items()}
    found = {step: {n: {} for n in paths} for step in STEPS}
    for name, path in paths.items():
        basis = axes([KvFile(p) for n, p in paths.items() if n != name])
        for step in STEPS:
            kv = KvFile(path)
            bits = quantise(kv, basis, quality.profiles[name], step)
            verdict = quality.judged.verdict_of(quality.texts[name], path, kv)
            found[step][name] = {"bits": bits, **verdict}
    return found
