"""test_damage.py - a damaged container is a miss: never wrong bytes

Each damage is done to a container in the backing directory while no daemon
runs.  Afterwards open says ENOENT, or a read EIO; everything else is as before.
"""

import errno
import os
import random
import struct

import kit
from kit import MIB


def overwrite(path, off, data):
    with open(path, "r+b") as f:
        f.seek(off)
        f.write(data)


def flip(path, off, bit=0):
    with open(path, "r+b") as f:
        f.seek(off)
        byte = f.read(1)[0]
        f.seek(off)
        f.write(bytes([byte ^ 1 << bit]))


def damages(size):
    """Name -> what is done to a container of that size."""
    rng = random.Random(size)
    cuts = {0, 1, 7, 8, 12, 64, 159, 160, 161, 4095, 4096, 4097, size // 2, size - 4096,
            size - 4095, size - 1}
    out = {f"cut to {n}": lambda p, n=n: os.truncate(p, n) for n in cuts if 0 <= n < size}
    spots = {0, 7, 8, 12, 16, 24, 32, 40, 44, 48, 49, 56, 64, 144, 152, 160, 170, 200, 4096}
    spots |= {rng.randrange(size) for _ in range(10)} | {size // 2}
    for off in sorted(s for s in spots if s < size):
        out[f"flip at {off}"] = lambda p, off=off: flip(p, off, rng.randrange(8))
    out["foreign bytes"] = lambda p: overwrite(p, 0, b"GGUF" + bytes(200))
    out["foreign file"] = lambda p: os.replace(foreign(p), p)
    out["zeroed head"] = lambda p: overwrite(p, 0, bytes(4096))
    out["zeroed middle"] = lambda p: overwrite(p, size // 2, bytes(min(4096, size // 4)))
    out["future version"] = lambda p: overwrite(p, 8, struct.pack("<I", 99))
    return out


def foreign(path):
    other = path + ".other"
    with open(other, "wb") as f:
        f.write(random.Random(1).randbytes(50000))
    return other


def read_damaged(path, want):
    """Returns "missing", "error" or "exact"; wrong bytes end the test."""
    try:
        fd = os.open(path, os.O_RDONLY)
    except OSError as e:
        assert e.errno == errno.ENOENT, f"open: {e}"
        return "missing"
    try:
        got = b""
        while True:
            piece = os.read(fd, 65536)
            assert want[len(got):len(got) + len(piece)] == piece, f"WRONG BYTES at {len(got)}"
            if not piece:
                break
            got += piece
        assert len(got) == len(want), f"short: {len(got)} of {len(want)}"
        return "exact"
    except OSError as e:
        assert e.errno == errno.EIO, f"read: {e}"
        return "error"
    finally:
        os.close(fd)


def all_damages(kind, size):
    kit.needs_daemon()
    data = kit.content(kind, size, 1)
    good = kit.content("f16", 100000, 2)
    with kit.mount() as m:
        kit.write_file(m.path("probe"), data)
        m.stop()
        ways = damages(os.stat(m.containers()["probe"]).st_size)
        m.start()
        os.unlink(m.path("probe"))
        names = {f"f{i}": way for i, way in enumerate(ways)}
        for name in names:
            kit.write_file(m.path(name), data)
            kit.write_file(m.path(name + "-good"), good)
        m.stop()
        for name, path in m.containers().items():
            if name in names:
                ways[names[name]](path)
        m.start()
        outcome = {name: read_damaged(m.path(name), data) for name in names}
        check_after(m, names, outcome, good)


# A flip may hit bytes that carry nothing: the gap up to a section, a spare word.
MAY_BE_EXACT = ("flip", "zeroed middle")


def check_after(m, names, outcome, good):
    for name, how in outcome.items():
        assert how != "exact" or names[name].startswith(MAY_BE_EXACT), names[name]
    for name in names:
        kit.assert_same(m.path(name + "-good"), good)
    broken = sorted(n for n, how in outcome.items() if how != "exact")
    # An error in the middle of a read ends in quarantine too, once it is closed.
    for name in broken:
        kit.eventually(lambda name=name: not kit.opens(m.path(name)))
    listed = set(os.listdir(m.root))
    assert not listed & set(broken), listed & set(broken)
    m.stop()
    kept = len(os.listdir(os.path.join(m.backing, ".quarantine")))
    cut_to_nothing = sum(names[n] == "cut to 0" for n in broken)  # a place, not a file
    assert kept == len(broken) - cut_to_nothing, (kept, len(broken))
    m.start()
    print({how: list(outcome.values()).count(how) for how in ("missing", "error", "exact")})


def test_kv_container():
    all_damages("llama", 2 * MIB)


def test_opaque_container():
    all_damages("text", 300000)


def test_small_container():
    all_damages("random", 100)


def test_quarantine_is_counted():
    kit.needs_daemon()
    with kit.mount() as m:
        for name in "abc":
            kit.write_file(m.path(name), kit.content("f16", MIB, name))
        m.stop()
        for name in "ab":
            flip(m.containers()[name], 20)
        m.start()
        for name in "ab":
            with kit.raises(errno.ENOENT):
                os.open(m.path(name), os.O_RDONLY)
        assert m.stats()["quarantined"] == 2, m.stats()
        kit.assert_same(m.path("c"), kit.content("f16", MIB, "c"))
        assert m.daemon.alive()


def test_name_is_free_again():
    kit.needs_daemon()
    with kit.mount() as m:
        kit.write_file(m.path("f"), b"old" * 1000)
        m.stop()
        flip(m.containers()["f"], 3)
        m.start()
        kit.write_file(m.path("f"), b"new" * 1000)
        kit.assert_same(m.path("f"), b"new" * 1000)
        m.remount()
        kit.assert_same(m.path("f"), b"new" * 1000)
