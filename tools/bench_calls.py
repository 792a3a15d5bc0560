"""bench_calls.py - the calls that tools/bench.sh times

Each way of reading is a function from the files of one reader to what each of
its threads does.  All read 1 MiB at a time into huge pages that are there
before (a device reads into small ones at half the speed).
"""

import collections
import ctypes
import mmap
import os
import threading
import time

MIB = 1 << 20
DEPTH = 8  # reads that the reader of a device has on their way

libc = ctypes.CDLL(None, use_errno=True)  # its calls let other threads run
libc.mmap.restype = ctypes.c_void_p
libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                      ctypes.c_int, ctypes.c_long]
libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
libc.memcpy.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t]


class Buffer:
    """A MiB that a thread reads to."""

    def __init__(self):
        self.map = mmap.mmap(-1, 2 * MIB)
        self.map.madvise(mmap.MADV_HUGEPAGE)
        self.map.write(bytes(2 * MIB))
        self.view = memoryview(self.map)[:MIB]
        self.address = ctypes.addressof(ctypes.c_char.from_buffer(self.map))


class Buffers:
    """One for each thread of each reader, made when it is first asked for."""

    def __init__(self):
        self.of = collections.defaultdict(Buffer)

    def get(self, reader, thread=0):
        return self.of[reader, thread]


def read_all(files, buffer, flags):
    for path, size in files:
        fd = os.open(path, os.O_RDONLY | flags)
        try:
            off = 0
            while off < size:
                n = os.preadv(fd, [buffer.view], off)
                if not n:
                    raise OSError(f"{path}: {size - off} bytes missing")
                off += n
        finally:
            os.close(fd)


def map_all(files, buffer):
    for path, size in files:
        fd = os.open(path, os.O_RDONLY)
        at = libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0)
        os.close(fd)
        if at in (None, ctypes.c_void_p(-1).value):
            raise OSError(ctypes.get_errno(), f"{path} cannot be mapped")
        for off in range(0, size, MIB):
            libc.memcpy(buffer.address, at + off, min(MIB, size - off))
        libc.munmap(at, size)


def take_spans(spans, buffer):
    """Reads of a queue that other threads take from, too."""
    while True:
        try:
            fd, off, want = spans.popleft()
        except IndexError:
            return
        if os.preadv(fd, [buffer.view], off) != want:
            raise OSError("a short read")


class Deep:
    """A reader with DEPTH reads of O_DIRECT on their way; opens beforehand."""

    def __init__(self, files):
        self.fds, spans = [], []
        for path, size in files:
            self.fds.append(os.open(path, os.O_RDONLY | os.O_DIRECT))
            spans += [(self.fds[-1], off, min(MIB, size - off)) for off in range(0, size, MIB)]
        self.spans = collections.deque(spans)

    def close(self):
        for fd in self.fds:
            os.close(fd)


def timed(functions):
    """Seconds until all have returned, each on a thread of its own."""
    failed = []

    def run(function, gate):
        gate.wait()
        try:
            function()
        except OSError as e:
            failed.append(e)

    gate = threading.Barrier(len(functions) + 1)
    threads = [threading.Thread(target=run, args=(f, gate)) for f in functions]
    for thread in threads:
        thread.start()
    gate.wait()
    start = time.perf_counter()
    for thread in threads:
        thread.join()
    took = time.perf_counter() - start
    if failed:
        raise failed[0]
    return took


def read_files(readers, how, buffers, repeat=1):
    """Seconds for all readers; how: read, mmap, O_DIRECT, deep.

    readers: of each, its files as (path, bytes)."""
    def again(function, *args):
        for _ in range(repeat):
            function(*args)

    if how == "deep":
        deep = [Deep(files) for files in readers]
        try:
            return timed([lambda d=d, b=buffers.get(i, t): take_spans(d.spans, b)
                          for i, d in enumerate(deep) for t in range(DEPTH)])
        finally:
            for d in deep:
                d.close()
    todo = []
    for i, files in enumerate(readers):
        buffer = buffers.get(i)
        if how == "mmap":
            todo.append(lambda f=files, b=buffer: again(map_all, f, b))
        else:
            flags = os.O_DIRECT if how == "O_DIRECT" else 0
            todo.append(lambda f=files, b=buffer, o=flags: again(read_all, f, b, o))
    return timed(todo)


def write_files(prefix, entries, sync):
    for i, views in enumerate(entries.views):
        fd = os.open(f"{prefix}.{i}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        try:
            for view in views:
                if os.write(fd, view) != len(view):
                    raise OSError("a short write")
            if sync:
                os.fsync(fd)
        finally:
            os.close(fd)
