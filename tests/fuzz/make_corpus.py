#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into corpus/ beside this file."""
import json
import pathlib
import random
import struct

HERE = pathlib.Path(__file__).resolve().parent / "corpus"
CELLS, LAYERS, ROW = 3, 2, 68


def u32(*values):
    return struct.pack("<%dI" % len(values), *values)


def stream(kind=1, padded=False, turned=False, v=True):
    out = u32(CELLS)
    for i in range(CELLS):
        out += u32(i, 1, 0)
    out += u32(int(turned), LAYERS) + (b"\0" * 8 if padded else b"")
    rows = bytes(range(ROW)) * CELLS
    out += (u32(kind, ROW, 0) + rows) * LAYERS
    if v and turned:
        out += (u32(kind, 2, ROW // 2) + rows) * LAYERS
    elif v:
        out += (u32(kind, ROW, 0) + rows) * LAYERS
    return out


def sequence(version, memory):
    return b"qsgg" + u32(version, 2, 7, 8) + memory


def session(version, memory):
    return b"nsgg" + u32(version, 2, 7, 8, 5) + b"llama" + memory


def safetensors(pad):
    head = json.dumps({
        "__metadata__": {"format": "pt"},
        "a": {"dtype": "BF16", "shape": [8, 2, 4], "data_offsets": [0, 128]},
        "b": {"dtype": "I64", "shape": [3], "data_offsets": [128, 152]},
    }).encode() + b" " * pad
    return struct.pack("<Q", len(head)) + head + b"\0" * 152


def layouts():
    yield "seq2", sequence(2, u32(1) + stream())
    yield "seq4", sequence(4, u32(1) + stream(30, padded=True))
    yield "seq_turned", sequence(3, u32(1) + stream(turned=True))
    yield "seq_k_alone", sequence(3, u32(1) + stream(v=False))
    yield "seq_windows", sequence(3, (u32(1) + stream()) * 2)
    yield "seq_no_streams", sequence(2, stream())
    yield "session9", session(9, u32(1) + stream())
    outputs = u32(1, 0, 2, 0) + b"\0" * 8 + u32(0, 0)
    yield "session_outputs", session(9, outputs + u32(1) + stream())
    yield "safetensors", safetensors(0)
    yield "safetensors_padded", safetensors(5)


def tiles():
    dice = random.Random(1)
    plain = b"".join(struct.pack("<e", dice.gauss(0, 1)) for _ in range(67 * 7))
    for codec in range(4):
        for elem in range(4):
            head = bytes([codec, 0x80 | elem]) + struct.pack("<H", 7)
            yield "tile_%d_%d" % (codec, elem), head + plain
    # Forged: a zstd frame, an LZ4 block, a split16 tile without frames.
    frame = bytes.fromhex("28b52ffd204341000010000001003d0b02")
    yield "forged_zstd", bytes([2, 0, 1, 0]) + frame
    yield "forged_lz4", bytes([1, 0, 1, 0]) + b"\x1fa\x01\x00\x2cP" + b"a" * 5
    yield "forged_split16", bytes([3, 1, 1, 0]) + u32(67) + plain[:68] + frame


def head(extents, tiles, layers=(4,)):
    """A container's head (docs/format.md) but for the sums, which the target
    makes.  extents: (rows, elem, cols, tile_rows); tiles: lengths per layer."""
    size = {0: 1, 1: 2, 2: 2, 3: 4}
    table = b""
    logical = 0
    for rows, elem, cols, tile_rows in extents:
        logical += rows * cols * size[elem]
        table += struct.pack("<QBBHII5f", rows * cols * size[elem], elem, 0, 0, cols, tile_rows,
                             1, 0.25, 0.0625, 0.01, 0)
    for lengths in tiles:
        table += u32(2) + b"".join(struct.pack("<IQ", n, 0) for n in lengths)
    end = 160 + len(table)
    file_len, sections = end, {}
    for i, layer in enumerate(layers):
        at = (file_len + 4095) // 4096 * 4096
        sections[layer] = at, sum(lengths[i] for lengths in tiles)
        file_len = at + sections[layer][1]
    fixed = b"ADKVCACH" + struct.pack("<IIQQQIIBB6x", 1, end, logical, 7, file_len, len(extents),
                                      len(tiles), 0, sum(1 << x for x in layers))
    for layer in range(5):
        fixed += struct.pack("<QQ", *sections.get(layer, (0, 0)))
    return fixed + bytes(24) + table


def heads():
    yield "empty", head([], [], ())
    yield "zeros", head([(1000, 0, 1, 300)], [()] * 4, ())
    yield "opaque", head([(1000, 0, 1, 300)], [(9,), (300,), (0,), (50,)])
    yield "tensors", head([(77, 0, 1, 262144), (100, 1, 16, 64), (100, 2, 16, 64), (3, 3, 5, 1)],
                          [(70,)] + [(900,)] * 4 + [(20,)] * 3)
    yield "layers", head([(100, 1, 16, 50)], [(9, 8, 7, 6, 5), (1, 0, 0, 0, 900)], range(5))


def profiles():
    good = ("adaptcache-profile 1\n# a model\nmodel 2 64 32\ndamage 0.35 1 0.11 1.2\n"
            "layer 0 k 0.5 1.5 v 2 0\nlayer 1 k 1 0.5 v 64 2\n")
    yield "good", good.encode()
    yield "cut", good[:-20].encode()
    yield "version", good.replace(" 1\n", " 2\n", 1).encode()
    yield "nul", good.replace("k", "\0").encode()
    yield "numbers", good.replace("0.5", "0x1p-1").replace("64", "1e999").encode()


def main():
    for folder, seeds in (("layout", layouts()), ("decode", tiles()), ("head", heads()),
                          ("profile", profiles())):
        (HERE / folder).mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (HERE / folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
