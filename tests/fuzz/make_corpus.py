#!/usr/bin/env python3
"""Writes the seeds of the fuzz targets into corpus/ beside this file."""
import json
import math
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


def states(*sizes):
    """Recurrent state of two layers for one cell."""
    out = u32(1, CELLS, 0, 0, 5)
    for size in sizes:
        out += (u32(0, size, 0) + bytes(size)) * 2
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


def chunk(form, groups, size):
    return u32(size, form) + b"".join(u32(*group) for group in groups) + bytes(size)


def array(version, text, data):
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + size + text + data


def one_tensor(name, dtype, shape, size, pad, **more):
    tensor = {"dtype": dtype, "shape": shape, "data_offsets": [0, size], **more}
    head = json.dumps({name: tensor}).encode()
    head += b" " * (pad - len(head))
    return struct.pack("<Q", len(head)) + head + bytes(size)


def layouts():
    for fmt, shape in (1, [2, 2, 3, 8]), (2, [12, 2, 8]), ("6", [1, 4, 6, 8]), (8, [24, 8]):
        more = {"__metadata__": {"lmcache_version": "1", "fmt": fmt}}
        name = "safetensors_lmcache%s" % fmt
        yield name, one_tensor("kvcache", "BF16", shape, 2 * math.prod(shape), 300, **more)
    yield "safetensors_vllm", one_tensor("kv_cache", "F16", [2, 3, 2, 4], 96, 0)
    yield "safetensors_packed", one_tensor("0.0", "U32", [2, 3, 4], 96, 0)
    yield "lmcache", chunk(1, [(3, 2, 2, 3, 8)], 192)
    yield "lmcache_tokens", chunk(2, [(2, 3, 2, 8, 1)], 96)
    yield "lmcache_groups", chunk(1, [(3, 2, 1, 3, 8), (7, 2, 1, 3, 4)], 120)
    text = b"{'descr': '<f2', 'fortran_order': False, 'shape': (3, 2, 4), }  \n"
    yield "npy1", array(1, text, bytes(48))
    yield "npy3", array(3, text, bytes(48))
    yield "npy_bytes", array(1, text.replace(b"<f2", b"|u1"), bytes(24))
    yield "seq2", sequence(2, u32(1) + stream())
    yield "seq4", sequence(4, u32(1) + stream(30, padded=True))
    yield "seq_turned", sequence(3, u32(1) + stream(turned=True))
    yield "seq_k_alone", sequence(3, u32(1) + stream(v=False))
    yield "seq_windows", sequence(3, (u32(1) + stream()) * 2)
    yield "seq_hybrid", sequence(3, u32(1) + stream() + states(12, 40))
    yield "seq_hybrid_windows", sequence(3, (u32(1) + stream()) * 2 + states(8, 8))
    yield "seq_recurrent", sequence(3, states(12, 40))
    yield "seq_no_streams", sequence(2, stream())
    yield "session9", session(9, u32(1) + stream())
    outputs = u32(1, 0, 2, 0) + b"\0" * 8 + u32(0, 0)
    yield "session_outputs", session(9, outputs + u32(1) + stream())
    yield "safetensors", safetensors(0)
    yield "safetensors_padded", safetensors(5)


def facts(name="", beside="", dtype="", axes="", dims="", header="", file=b""):
    texts = name, beside, dtype, axes, dims, header
    return b"".join(text.encode() + b"\0" for text in texts) + file


def vllm(tokens, dtype="bfloat16", **more):
    return json.dumps({
        "blocks_per_file": 1, "dcp_size": 1, "dtype": dtype,
        "kv_cache_groups": [{"layer_names": ["l.0.attn", "l.1.attn"], "tokens_per_block": tokens}],
        "pcp_size": 1, "pp_size": 1, "tokens_per_hash": tokens, "tp_size": 1, **more}, indent=1)


def facts_of_files():
    block = "m_0_r0/0a1/b2_g0/0a1b2c3d4e5f6789.bin"
    yield "vllm", facts(block, vllm(3, parallel_agnostic=False), file=bytes(range(192)) * 4)
    yield "vllm_agnostic", facts(block, vllm(3, "float16"), file=bytes(range(192)) * 4)
    yield "vllm_padded", facts(block, vllm(40, parallel_agnostic=False), file=bytes(8192))
    rows = bytes(range(192))
    yield "declared", facts(dtype="bf16", axes="2LTHD", dims="L=2,T=3,H=2,D=4", header="28",
                            file=b"-" * 28 + rows)
    yield "declared_solved", facts(dtype="f16", axes="LBTC", dims="L=2,B=?,T=3,C=4", file=rows)
    yield "declared_turned", facts(dtype="f16", axes="2LHDT", dims="L=2,T=3,H=2,D=4", file=rows)
    yield "declared_bytes", facts(dtype="fp8e4m3", axes="T", dims="T=?", file=rows)
    yield "declared_opaque", facts(dtype="u8", file=safetensors(0))
    yield "declared_badly", facts(dtype="f16", axes="LT", dims="L=2,T=5", file=safetensors(0))


def tiles():
    dice = random.Random(1)
    plain = b"".join(struct.pack("<e", dice.gauss(0, 1)) for _ in range(67 * 7))
    for codec in 0, 1, 2, 3, 6:
        for elem in range(4):
            head = bytes([codec, 0x80 | elem]) + struct.pack("<H", 7)
            yield "tile_%d_%d" % (codec, elem), head + plain
    # Forged: a zstd frame, an LZ4 block, a split16 tile without frames.
    frame = bytes.fromhex("28b52ffd204341000010000001003d0b02")
    yield "forged_zstd", bytes([2, 0, 1, 0]) + frame
    yield "forged_lz4", bytes([1, 0, 1, 0]) + b"\x1fa\x01\x00\x2cP" + b"a" * 5
    yield "forged_split16", bytes([3, 1, 1, 0]) + u32(67) + plain[:68] + frame
    yield "forged_split32", bytes([6, 3, 1, 0]) + u32(67, 0, len(frame)) + plain[:68] + frame * 2


def head(extents, tiles, layers=(4,), version=1):
    """A container's head (docs/format.md) but for the sums, which the target
    makes.  extents: (rows, elem, cols, tile_rows); tiles: lengths per layer."""
    errors = (1, 0.25, 0.0625, 0.01, 0) if version == 1 else (1, 0.5, 0.25, 0.0625, 0.01, 0)
    size = {0: 1, 1: 2, 2: 2, 3: 4}
    table = b""
    logical = 0
    for rows, elem, cols, tile_rows in extents:
        logical += rows * cols * size[elem]
        table += struct.pack("<QBBHII", rows * cols * size[elem], elem, 0, 0, cols, tile_rows)
        table += struct.pack("<%df" % len(errors), *errors)
    for lengths in tiles:
        table += u32(2) + b"".join(struct.pack("<IQ", n, 0) for n in lengths)
    end = 160 + len(table)
    file_len, sections = end, {}
    for i, layer in enumerate(layers):
        at = (file_len + 4095) // 4096 * 4096
        sections[layer] = at, sum(lengths[i] for lengths in tiles)
        file_len = at + sections[layer][1]
    fixed = b"ADKVCACH" + struct.pack("<IIQQQIIBB6x", version, end, logical, 7, file_len, len(extents),
                                      len(tiles), 0, sum(1 << x for x in layers))
    for layer in range(len(errors)):
        place = sections.get(layer, (0, 0))
        fixed += struct.pack("<QQ", *place) if version == 1 else struct.pack("<Q", place[1])
    return fixed.ljust(160, b"\0") + table


def heads():
    yield "empty", head([], [], ())
    yield "zeros", head([(1000, 0, 1, 300)], [()] * 4, ())
    yield "opaque", head([(1000, 0, 1, 300)], [(9,), (300,), (0,), (50,)])
    yield "tensors", head([(77, 0, 1, 262144), (100, 1, 16, 64), (100, 2, 16, 64), (3, 3, 5, 1)],
                          [(70,)] + [(900,)] * 4 + [(20,)] * 3)
    yield "layers", head([(100, 1, 16, 50)], [(9, 8, 7, 6, 5), (1, 0, 0, 0, 900)], range(5))
    yield "window", head([(100, 1, 16, 50)], [(9, 0, 7, 6, 5, 4), (9, 8, 0, 6, 5, 900)], range(6),
                         2)
    yield "window_alone", head([(77, 0, 1, 50)], [(3,), (5,)], (1,), 2)


def profiles():
    good = ("adaptcache-profile 1\n# a model\nmodel 2 64 32\ndamage 0.35 1 0.11 1.2\n"
            "layer 0 k 0.5 1.5 v 2 0\nlayer 1 k 1 0.5 v 64 2\n")
    yield "good", good.encode()
    yield "cut", good[:-20].encode()
    yield "version", good.replace(" 1\n", " 2\n", 1).encode()
    yield "nul", good.replace("k", "\0").encode()
    task = ("adaptcache-task 1\n# a task\ntask summary-2\ndamage 0.5 1 0.25 1.5\n"
            "dropped 0.125 2\nsensitivity 1.5\n")
    yield "task", task.encode()
    yield "task_numbers", task.replace("0.5", "0x1p-1").replace("2\n", "1e999\n").encode()
    yield "numbers", good.replace("0.5", "0x1p-1").replace("64", "1e999").encode()


def said(size, *records):
    out = bytes([size])
    for name, value in records:
        out += name.encode() + b"\0" + bytes([len(value)]) + value.encode("latin-1")
    return out


def settings():
    good = {"quality": ("exact", "fair", "kld:0.12345678901", "kld:3e-320", "kld:1e99"), "task": ("summary-v1.2_x",),
            "tier": ("auto", "mem", "ssd"), "pin": ("0", "1", "soft:90"), "priority": ("050",),
            "ttl": ("0h", "0030D", "36500d"), "quota": ("1536m", "8192T")}
    yield "good", said(0, *((name, v) for name, values in good.items() for v in values))
    bad = {"quality": ("kld:0", "kld:1e999", "kld:0x1", "Exact"), "task": ("a b",), "tier": ("", "dram"),
           "pin": ("soft:0", "2"), "priority": ("101",), "ttl": ("36501d", "1 m", "99999999999999999999"),
           "quota": ("0G", "8193T", "1\0"), "dtype": ("\x80",), "effective.quality": ("exact",)}
    yield "bad", said(0, *((name, v) for name, values in bad.items() for v in values))
    tensor = (("dtype", "bf16"), ("axes", "2LTHD"), ("dims", "L=2,T=?,H=2,D=4"), ("header", "0"))
    yield "tensor", said(3, *tensor)
    yield "tensor_not_so_large", said(4, *tensor, ("header", "28"), ("dims", "L=2,T=32,H=2,D=4"))
    yield "tensor_huge", said(6, ("dtype", "f32"), ("axes", "LTC"), ("dims", "L=4294967295,T=?,C=4294967295"))
    yield "tensor_of_a_directory", said(7, *tensor, ("dtype", "none"), ("axes", ""))
    lines = "size=48M\npolicy=lru\nalpha=0.123456789\nhigh=90\nlow=80\nfree=1k\n"
    yield "control", said(0, ("control", lines), ("control", "memory=64M"), ("control", "high=50"))
    yield "config", said(0, ("config", "# of this machine\n\nmemory=64M\nthreads=4\nno_passthrough"),
                         ("config", "quality=kld:0.005\ndevice_rate=1G\nalpha=1e-320\n" + lines))
    yield "options_bad", said(0, ("control", "size=64 "), ("config", "memory=1M"), ("control", "alpha=nan"),
                              ("control", "alpha=1\0"), ("config", "low=101"), ("config", "x" * 99))


def main():
    folders = {"layout": layouts(), "facts": facts_of_files(), "decode": tiles(), "head": heads(),
               "profile": profiles(), "settings": settings()}
    for folder, seeds in folders.items():
        (HERE / folder).mkdir(parents=True, exist_ok=True)
        for name, data in seeds:
            (HERE / folder / name).write_bytes(data)


if __name__ == "__main__":
    main()
