#!/usr/bin/env python3
"""widen.py - a cache as a model with more channels would have it, for its speed

usage: widen.py KV OUT [TIMES]

Lays TIMES (4) tokens of a llama.cpp state file beside each other in one row, for
`adaptcache bench codec`: codecs are faster where rows are longer.  Its sizes mean
nothing, since neighbours in a row are then the same channel.  Needs NumPy.
"""

import struct
import sys

from kvfile import KvFile


def widen(path, times):
    kv = KvFile(path)
    at = 12 + 4 * struct.unpack_from("<I", kv.bytes, 8)[0]
    cells, head = kv.tokens // times, 8 + 12 * kv.tokens
    out = kv.bytes[:at] + struct.pack("<II", 1, cells)
    out += kv.bytes[at + 8:at + 8 + 12 * cells] + kv.bytes[at + head:at + head + 16]
    for place, row in kv.where.values():
        kind, = struct.unpack_from("<i", kv.bytes, place - 12)
        out += struct.pack("<iQ", kind, row * times)
        out += kv.bytes[place:place + row * times * cells]
    return out


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__.split("\n\n")[1])
    with open(sys.argv[2], "wb") as f:
        f.write(widen(sys.argv[1], int(sys.argv[3]) if len(sys.argv) > 3 else 4))
