"""bench_data.py - the bytes that tools/bench.sh measures with

Entries are llama.cpp slot files of a wanted size: the tokens of a given slot
file, cut off or come around again.  Tiles are coded alone, 256 tokens each, so
that a long entry is as hard to code as the file it is made of.
"""

import contextlib
import glob
import os
import random
import struct

MIB = 1 << 20
F16 = 1


def synthetic_state(rng, n_tokens, n_layers=24, width=256):
    """A llama.cpp slot file: Gaussian f16, each channel with its own mean."""
    out = [slot_head(n_tokens, [rng.randrange(49152) for _ in range(n_tokens)], n_layers)]
    for scale in (2.0, 0.4):  # K, V
        for _ in range(n_layers):
            mean = [rng.gauss(0, 1.5 * scale) for _ in range(width)]
            sigma = [scale * rng.lognormvariate(0, 0.5) for _ in range(width)]
            out.append(struct.pack("<iQ", F16, 2 * width))
            for _ in range(n_tokens):
                out.append(struct.pack(f"<{width}e", *map(rng.gauss, mean, sigma)))
    return b"".join(out)


def slot_head(n_tokens, tokens, n_layers):
    words = [-1, 1, n_tokens, *tokens, 0]
    cells = b"".join(struct.pack("<iIi", i, 1, 0) for i in range(n_tokens))
    return (b"qsgg" + struct.pack("<II", 4, len(words)) + struct.pack(f"<{len(words)}i", *words) +
            struct.pack("<II", 1, n_tokens) + cells + struct.pack("<IIQ", 0, n_layers, 0))


class Slot:
    """A slot file in parts; raises ValueError where it is none of version 4."""

    def __init__(self, raw):
        try:
            self.parse(raw)
        except struct.error:
            raise ValueError("cut short") from None

    def parse(self, raw):
        magic, version, n_words = struct.unpack_from("<4sII", raw)
        if magic != b"qsgg" or version != 4:
            raise ValueError("not a llama.cpp slot file of version 4")
        self.tokens = struct.unpack_from(f"<{n_words}i", raw, 12)[3:-1]
        at = 12 + 4 * n_words
        n_stream, self.n_tokens = struct.unpack_from("<II", raw, at)
        at += 8 + 12 * self.n_tokens
        transposed, self.n_layers = struct.unpack_from("<II", raw, at)
        if n_stream != 1 or transposed or not self.n_tokens:
            raise ValueError("several streams, V transposed, or empty")
        at += 16
        self.tensors = []
        for _ in range(2 * self.n_layers):
            kind, row = struct.unpack_from("<iQ", raw, at)
            self.tensors.append((kind, row, raw[at + 12:at + 12 + row * self.n_tokens]))
            at += 12 + row * self.n_tokens
        if at != len(raw):
            raise ValueError("not as long as its head says")

    def resized(self, size, first):
        """About size bytes of the tokens from the first on."""
        n = max(1, size // (16 + sum(row for _, row, _ in self.tensors)))
        rounds = 2 + n // self.n_tokens
        out = [slot_head(n, (self.tokens * rounds)[first:first + n], self.n_layers)]
        for kind, row, rows in self.tensors:
            out += [struct.pack("<iQ", kind, row),
                    (rows * rounds)[first * row:(first + n) * row]]
        return b"".join(out)


def found_slots():
    """Slot files that the project's other tools have left."""
    prefix = os.environ.get("ADAPTCACHE_PREFIX", "")
    for pattern in ("*-f16-*.kv", "*.bin"):
        found = []
        for path in sorted(glob.glob(os.path.join(prefix, "**", pattern), recursive=True)):
            with contextlib.suppress(OSError, ValueError), open(path, "rb") as f:
                if f.read(4) == b"qsgg" and os.path.getsize(path) >= MIB:
                    Slot(f.seek(0) or f.read())
                    found.append(path)
        if found:
            return found[:3]
    return []


class Source:
    """The slot files that entries are made of."""

    def __init__(self, paths, where):
        self.what = "the files named on the command line"
        if not paths:
            paths, self.what = found_slots(), "slot files of a real model"
        if not paths:
            self.what = "made up: Gaussian f16, each channel with its own mean and scale"
            paths = [os.path.join(where, f"synthetic-{i}.bin") for i in range(2)]
            for i, path in enumerate(paths):
                with open(path, "wb") as f:
                    f.write(synthetic_state(random.Random(i), 512))
        self.paths, self.slots = paths, []
        for path in paths:
            with open(path, "rb") as f:
                try:
                    self.slots.append(Slot(f.read()))
                except ValueError as e:
                    raise SystemExit(f"bench: {path}: {e}") from e

    def names(self):
        return ", ".join(map(os.path.basename, self.paths))

    def entries(self, size, volume):
        """Entries of about size bytes, together about volume: no two the same."""
        out = []
        for i in range(max(1, volume // size)):
            slot = self.slots[i % len(self.slots)]
            out.append(slot.resized(size, 7 * i % slot.n_tokens))
        return Entries(size, out)


class Entries:
    """What one reader reads, or one writer writes."""

    def __init__(self, size, bytes_of):
        self.size, self.bytes = size, bytes_of
        self.total = sum(map(len, bytes_of))
        self.views = [[memoryview(b)[i:i + MIB] for i in range(0, len(b), MIB)]
                      for b in bytes_of]
