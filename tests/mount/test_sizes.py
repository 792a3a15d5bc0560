"""test_sizes.py - no read or write is ever short, whatever its size

Engines take a short count as a broken file and delete it.
"""

import os

import kit
from kit import MIB

SIZES = [1, 2, 15, 511, 512, 4095, 4096, 4097, 65535, 65536, 131072, 131073, MIB - 1, MIB,
         MIB + 1, 4 * MIB, 16 * MIB + 5, 64 * MIB]


def one_call_each_way(path, data, flags):
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | flags, 0o644)
    assert os.write(fd, data) == len(data)
    os.close(fd)
    assert os.stat(path).st_size == len(data)


def read_in_one_call(path, data, flags):
    fd = os.open(path, os.O_RDONLY | flags)
    assert os.fstat(fd).st_size == len(data)
    got = os.read(fd, len(data))
    assert len(got) == len(data), f"short read: {len(got)} of {len(data)}"
    assert got == data
    assert os.read(fd, 1) == b""
    os.close(fd)


def all_sizes(flags):
    whole = kit.content("f16", max(SIZES), 8)
    with kit.mount() as m:
        for n in SIZES:
            one_call_each_way(m.path(str(n)), whole[:n], flags)
            read_in_one_call(m.path(str(n)), whole[:n], flags)
        m.remount()
        for n in SIZES:
            read_in_one_call(m.path(str(n)), whole[:n], flags)


def test_buffered():
    all_sizes(0)


def test_direct():
    if kit.PLAIN:
        raise kit.Skip("plain file systems want alignment")
    all_sizes(os.O_DIRECT)


def test_logical_and_stored_size():
    data = kit.llama_state(1500, kit.random.Random(1))
    with kit.mount() as m:
        kit.write_file(m.path("kv"), data)
        assert os.stat(m.path("kv")).st_size == len(data)
        m.remount()
        st = os.stat(m.path("kv"))
        assert st.st_size == len(data)
        if not kit.PLAIN:
            assert st.st_blocks * 512 < 0.9 * len(data), st
            container = m.containers()["kv"]
            on_disk = os.stat(container).st_blocks * 512
            assert abs(st.st_blocks * 512 - on_disk) <= 8192, (st, on_disk)
