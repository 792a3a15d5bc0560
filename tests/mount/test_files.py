"""test_files.py - bytes go in and come out, however a client writes and reads"""

import ctypes
import errno
import mmap
import os
import random

import kit
from kit import MIB

FALLOC_FL_KEEP_SIZE = 1


def test_write_read_anywhere():
    rng = random.Random(1)
    with kit.mount() as m:
        model = bytearray()
        fd = os.open(m.path("f"), os.O_RDWR | os.O_CREAT, 0o644)
        for _ in range(300):
            off = rng.randrange(3 * MIB)
            piece = rng.randbytes(rng.randrange(1, 70000))
            model.extend(bytes(max(0, off + len(piece) - len(model))))
            model[off:off + len(piece)] = piece
            assert os.pwrite(fd, piece, off) == len(piece)
            at = rng.randrange(len(model))
            assert os.pread(fd, 100000, at) == model[at:at + 100000]
        os.close(fd)
        kit.assert_same(m.path("f"), bytes(model))
        m.remount()
        kit.assert_same(m.path("f"), bytes(model))


def test_append():
    with kit.mount() as m:
        for i in range(20):
            kit.write_file(m.path("log"), b"line %d\n" % i, flags=os.O_CREAT | os.O_APPEND)
        m.remount()
        kit.write_file(m.path("log"), b"after\n", flags=os.O_APPEND)
        kit.assert_same(m.path("log"), b"".join(b"line %d\n" % i for i in range(20)) + b"after\n")


def test_change_of_published_file():
    data = bytearray(kit.content("f16", 5 * MIB, 3))
    with kit.mount() as m:
        kit.write_file(m.path("f"), data)
        m.remount()
        fd = os.open(m.path("f"), os.O_RDWR)
        assert os.pwrite(fd, b"here", 1234567) == 4
        data[1234567:1234571] = b"here"
        os.close(fd)
        kit.assert_same(m.path("f"), bytes(data))
        m.remount()
        kit.assert_same(m.path("f"), bytes(data))


def test_truncate_grows_and_shrinks():
    data = kit.content("text", 300000, 1)
    with kit.mount() as m:
        for how in (os.truncate, truncate_open):
            for reopened in (False, True):
                kit.write_file(m.path("f"), data)
                if reopened:
                    m.remount()
                how(m.path("f"), 100001)
                kit.assert_same(m.path("f"), data[:100001])
                how(m.path("f"), 400000)
                kit.assert_same(m.path("f"), data[:100001] + bytes(299999))
                m.remount()
                kit.assert_same(m.path("f"), data[:100001] + bytes(299999))
                how(m.path("f"), 0)
                kit.assert_same(m.path("f"), b"")


def truncate_open(path, size):
    fd = os.open(path, os.O_RDWR)
    os.ftruncate(fd, size)
    assert os.fstat(fd).st_size == size
    os.close(fd)


def test_save_over_longer_file_shrinks_it():
    with kit.mount() as m:
        kit.write_file(m.path("slot"), kit.content("llama", 2 * MIB, 1))
        m.remount()
        kit.write_file(m.path("slot"), b"x" * 36)
        kit.assert_same(m.path("slot"), b"x" * 36)


def test_exclusive_create():
    with kit.mount() as m:
        kit.write_file(m.path("f"), b"1", flags=os.O_CREAT | os.O_EXCL)
        with kit.raises(errno.EEXIST):
            kit.write_file(m.path("f"), b"2", flags=os.O_CREAT | os.O_EXCL)
        kit.assert_same(m.path("f"), b"1")


def test_direct_io_any_alignment():
    if kit.PLAIN:
        raise kit.Skip("plain file systems want alignment")
    data = kit.content("f16", 4 * MIB, 5)
    with kit.mount() as m:
        fd = os.open(m.path("f"), os.O_RDWR | os.O_CREAT | os.O_DIRECT, 0o644)
        pieces = [(0, 3), (3, 4093), (4096, 4096), (8192, MIB), (8192 + MIB, 1)]
        pieces.append((8193 + MIB, len(data) - 8193 - MIB))
        for off, n in pieces:
            assert os.pwrite(fd, data[off:off + n], off) == n
        for off, n in pieces + [(1, 5), (4095, 2), (77, 2 * MIB + 1)]:
            assert os.pread(fd, n, off) == data[off:off + n]
        os.close(fd)
        m.remount()
        fd = os.open(m.path("f"), os.O_RDONLY | os.O_DIRECT)
        for off, n in pieces + [(1, 5), (0, len(data)), (len(data) - 1, 10)]:
            assert os.pread(fd, n, off) == data[off:off + n]
        os.close(fd)


def test_mmap_shared_write_is_seen_and_kept():
    data = bytearray(kit.content("random", MIB, 1))
    with kit.mount() as m:
        fd = os.open(m.path("f"), os.O_RDWR | os.O_CREAT, 0o644)
        os.ftruncate(fd, MIB)
        with mmap.mmap(fd, MIB) as view:
            view[:] = bytes(data)
            view[70000:70004] = b"mmap"
            data[70000:70004] = b"mmap"
            view.flush()
            assert os.pread(fd, MIB, 0) == data
        os.close(fd)
        kit.assert_same(m.path("f"), bytes(data))
        m.remount()
        kit.assert_same(m.path("f"), bytes(data))


def test_mmap_reads_shared_and_private():
    data = kit.content("f16", 3 * MIB + 17, 2)
    with kit.mount() as m:
        kit.write_file(m.path("f"), data)
        for _ in ("warm", "cold"):
            with open(m.path("f"), "rb") as f:
                for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
                    with mmap.mmap(f.fileno(), 0, flags, mmap.PROT_READ) as view:
                        assert view[:] == data
            m.remount()


def test_a_mapping_is_read_a_mebibyte_ahead():
    with kit.mount() as m:
        dev = os.stat(m.path("")).st_dev
        path = f"/sys/class/bdi/{os.major(dev)}:{os.minor(dev)}/read_ahead_kb"
        if not os.access(path, os.W_OK):
            raise kit.Skip(f"no right to {path}")
        with open(path, encoding="ascii") as f:
            assert int(f.read()) == 1024


def test_mmap_private_write_stays_private():
    with kit.mount() as m:
        kit.write_file(m.path("f"), b"a" * 8192)
        with open(m.path("f"), "rb") as f:
            with mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_COPY) as view:
                view[:5] = b"local"
                assert view[:6] == b"locala"
        kit.assert_same(m.path("f"), b"a" * 8192)


def test_fallocate_extends_or_keeps_size():
    with kit.mount() as m:
        fd = os.open(m.path("f"), os.O_RDWR | os.O_CREAT, 0o644)
        os.posix_fallocate(fd, 0, MIB)
        assert os.fstat(fd).st_size == MIB
        assert os.pread(fd, MIB, 0) == bytes(MIB)
        fallocate_keep_size(fd, 0, 4 * MIB)
        assert os.fstat(fd).st_size == MIB
        os.close(fd)
        m.remount()
        kit.assert_same(m.path("f"), bytes(MIB))


def fallocate_keep_size(fd, off, n):
    libc = ctypes.CDLL(None, use_errno=True)
    libc.fallocate.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    if libc.fallocate(fd, FALLOC_FL_KEEP_SIZE, off, n):
        raise OSError(ctypes.get_errno(), "fallocate")


def test_holes_read_as_zeros():
    with kit.mount() as m:
        fd = os.open(m.path("f"), os.O_RDWR | os.O_CREAT, 0o644)
        os.pwrite(fd, b"end", 9 * MIB)
        assert os.lseek(fd, 0, os.SEEK_END) == 9 * MIB + 3
        assert os.pread(fd, 9 * MIB, 0) == bytes(9 * MIB)
        os.close(fd)
        m.remount()
        kit.assert_same(m.path("f"), bytes(9 * MIB) + b"end")


def test_read_past_end_is_empty():
    with kit.mount() as m:
        kit.write_file(m.path("f"), b"12345")
        fd = os.open(m.path("f"), os.O_RDONLY)
        assert os.lseek(fd, 0, os.SEEK_END) == 5
        assert os.pread(fd, 10, 3) == b"45"
        assert os.pread(fd, 10, 5) == b""
        assert os.pread(fd, 10, 5000) == b""
        os.close(fd)


def test_syncs_succeed():
    with kit.mount() as m:
        os.mkdir(m.path("d"))
        fd = os.open(m.path("d", "f"), os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(fd, b"x")
        os.fsync(fd)
        os.fdatasync(fd)
        os.close(fd)
        fd = os.open(m.path("d"), os.O_RDONLY | os.O_DIRECTORY)
        os.fsync(fd)
        os.close(fd)


def test_vectored_write_and_read():
    rng = random.Random(4)
    pieces = [rng.randbytes(rng.randrange(1, 9000)) for _ in range(500)]
    total = sum(map(len, pieces))
    with kit.mount() as m:
        fd = os.open(m.path("f"), os.O_RDWR | os.O_CREAT, 0o644)
        assert os.pwritev(fd, pieces, 100) == total
        parts = [bytearray(len(p)) for p in pieces]
        assert os.preadv(fd, parts, 100) == total
        assert parts == pieces
        os.close(fd)


def test_two_handles_see_each_other():
    with kit.mount() as m:
        a = os.open(m.path("f"), os.O_RDWR | os.O_CREAT, 0o644)
        b = os.open(m.path("f"), os.O_RDONLY)
        for i in range(50):
            os.pwrite(a, b"%06d" % i, i * 1000)
            assert os.pread(b, 6, i * 1000) == b"%06d" % i
            assert os.fstat(b).st_size == i * 1000 + 6
        os.close(a)
        os.close(b)
