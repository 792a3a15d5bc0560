"""test_roundtrip.py - whole files of every kind and size come back exactly"""

import os
import random

import kit
from kit import MIB

WORKERS = 4


def plan():
    """(name, kind, size): 200 files, a few of them big."""
    rng = random.Random(2026)
    sizes = [0, 1, 2, 35, 4095, 4096, 4097, 65537, MIB, MIB + 1]
    sizes += [int(10 ** rng.uniform(0, 6.6)) for _ in range(180)]
    sizes += [16 * MIB, 24 * MIB + 3, 32 * MIB, 40 * MIB + 1, 64 * MIB, 300 * MIB,
              20 * MIB, 8 * MIB + 7, 12 * MIB, 5 * MIB]
    return [(f"{i:03}-{kit.KINDS[i % len(kit.KINDS)]}", kit.KINDS[i % len(kit.KINDS)], size)
            for i, size in enumerate(sizes)]


def shares(files):
    return [files[w::WORKERS] for w in range(WORKERS)]


def writer(m, files):
    for i, (name, kind, size) in enumerate(files):
        data = kit.content(kind, size, name)
        store = kit.publish if i % 2 else kit.write_file
        store(m.path(name), data)


def reader(m, files):
    for name, kind, size in files:
        kit.assert_same(m.path(name), kit.content(kind, size, name))


def test_two_hundred_files_by_four_writers():
    files = plan()
    with kit.mount() as m:
        kit.in_children(*(lambda s=s: writer(m, s) for s in shares(files)))
        kit.in_children(*(lambda s=s: reader(m, s) for s in shares(files)))  # warm
        m.remount()
        assert sorted(os.listdir(m.root)) == sorted(f[0] for f in files)
        kit.in_children(*(lambda s=s: reader(m, s) for s in shares(files)))  # cold


def test_file_larger_than_memory():
    data = kit.content("f16", 300 * MIB, 1)
    with kit.mount("memory=64M") as m:
        kit.write_file(m.path("big"), data)
        kit.assert_same(m.path("big"), data)
        m.remount()
        kit.assert_same(m.path("big"), data)


def test_eight_writers_in_little_memory():
    files = [(f"{i}", kit.KINDS[i % 5], 20 * MIB + i) for i in range(8)]
    with kit.mount("memory=64M") as m:
        kit.in_children(*(lambda f=f: writer(m, [f]) for f in files))
        reader(m, files)
        m.remount()
        reader(m, files)


def test_reading_is_the_same_in_any_order():
    data = kit.content("llama", 6 * MIB, 1)
    rng = random.Random(1)
    with kit.mount() as m:
        kit.write_file(m.path("f"), data)
        m.remount()
        fd = os.open(m.path("f"), os.O_RDONLY)
        for _ in range(400):
            off, n = rng.randrange(len(data)), int(10 ** rng.uniform(0, 6))
            assert os.pread(fd, n, off) == data[off:off + n]
        os.close(fd)


LIMITS = {"test_two_hundred_files_by_four_writers": 300,
          "test_eight_writers_in_little_memory": 300}
