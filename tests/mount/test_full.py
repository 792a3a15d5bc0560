"""test_full.py - a full disk or a reached cap costs cached files, never wrong ones"""

import errno
import os
import threading
import time

import kit
from kit import MIB


def store_until_full(m, count, size):
    """Stores files f0, f1, ...; returns those that were accepted."""
    accepted = []
    for i in range(count):
        name = f"f{i}"
        try:
            kit.write_file(m.path(name), kit.content("random", size, name), sync=True)
            accepted.append(name)
        except OSError as e:
            assert e.errno == errno.ENOSPC, e
    return accepted


def check_files(m, accepted, size):
    """
    What was accepted is exact or, evicted, gone.  What was refused is gone once
    it is closed: an engine that met a cut file would take it for a whole one.
    """
    kit.eventually(lambda: set(os.listdir(m.root)) <= set(accepted))
    there = os.listdir(m.root)
    for name in there:
        kit.assert_same(m.path(name), kit.content("random", size, name))
    return there


def test_full_backing():
    kit.needs_daemon()
    with kit.tmpfs("32m") as where, kit.mount(backing=os.path.join(where, "b")) as m:
        accepted = store_until_full(m, 25, 4 * MIB)
        there = check_files(m, accepted, 4 * MIB)
        assert there, "nothing is cached at all"
        st = os.statvfs(m.root)
        assert 0 <= st.f_bavail <= st.f_blocks
        assert st.f_blocks * st.f_frsize <= 33 * MIB, st
        m.remount()
        assert check_files(m, accepted, 4 * MIB), "nothing is kept"


def test_file_too_large_for_the_backing_leaves_no_trace():
    kit.needs_daemon()
    with kit.tmpfs("32m") as where, kit.mount(backing=os.path.join(where, "b")) as m:
        kit.write_file(m.path("small"), b"small" * 1000, sync=True)
        with kit.raises(errno.ENOSPC):
            kit.write_file(m.path("large"), kit.content("random", 100 * MIB, 1), sync=True)
        kit.eventually(lambda: not kit.opens(m.path("large")))
        m.remount()
        assert "large" not in os.listdir(m.root)
        assert kit.physical_bytes(os.path.join(m.backing, ".tmp")) == 0
        if kit.opens(m.path("small")):
            kit.assert_same(m.path("small"), b"small" * 1000)
        kit.write_file(m.path("again"), kit.content("random", MIB, 2), sync=True)
        kit.assert_same(m.path("again"), kit.content("random", MIB, 2))


def test_unsynced_writes_to_a_full_backing():
    kit.needs_daemon()
    with kit.tmpfs("32m") as where, kit.mount(backing=os.path.join(where, "b")) as m:
        accepted = []
        for i in range(50):
            try:
                kit.write_file(m.path(f"f{i}"), kit.content("random", 2 * MIB, f"f{i}"))
                accepted.append(f"f{i}")
            except OSError as e:
                assert e.errno == errno.ENOSPC, e
        check_files(m, accepted, 2 * MIB)
        m.remount()
        assert check_files(m, accepted, 2 * MIB)


class Watch(threading.Thread):
    """
    Samples what a file system takes.  Its own count, not a walk: a walk meets
    files twice that are renamed under it.
    """

    def __init__(self, where):
        super().__init__(daemon=True)
        self.where, self.most, self.ended = where, 0, threading.Event()
        self.start()

    def run(self):
        while not self.ended.is_set():
            st = os.statvfs(self.where)
            self.most = max(self.most, (st.f_blocks - st.f_bfree) * st.f_frsize)
            time.sleep(0.005)

    def end(self):
        self.ended.set()
        self.join()
        return self.most


def test_cap_holds_and_the_newest_stay():
    kit.needs_daemon()
    cap, size, count = 64 * MIB, 5 * MIB, 100
    with kit.tmpfs("256m") as where, \
            kit.mount(f"size={cap}", backing=os.path.join(where, "b")) as m:
        watch = Watch(where)
        for i in range(count):
            kit.publish(m.path(f"f{i}"), kit.content("random", size, f"f{i}"))
        there = {f"f{i}" for i in range(count) if kit.opens(m.path(f"f{i}"))}
        m.stop()
        most = watch.end()
        assert most <= cap, f"{most} bytes under a cap of {cap}"
        m.start()
        kept = sorted((int(n[1:]) for n in os.listdir(m.root)), reverse=True)
        print(f"{len(there)} at the end, {len(kept)} after the remount, most {most}")
        assert kept and kept[0] == count - 1, kept
        assert len(kept) * size > cap // 3, f"only {len(kept)} kept"
        for i in kept:
            kit.assert_same(m.path(f"f{i}"), kit.content("random", size, f"f{i}"))
        for i in set(range(count)) - set(kept):
            assert not kit.opens(m.path(f"f{i}"))
        st = os.statvfs(m.root)
        assert abs(st.f_blocks * st.f_frsize - cap) <= MIB, st


def test_open_file_survives_eviction():
    kit.needs_daemon()
    with kit.mount(f"size={32 * MIB}") as m:
        data = kit.content("random", 4 * MIB, 1)
        kit.write_file(m.path("held"), data, sync=True)
        fd = os.open(m.path("held"), os.O_RDONLY)
        for i in range(20):
            kit.write_file(m.path(f"f{i}"), kit.content("random", 4 * MIB, f"f{i}"), sync=True)
        assert os.pread(fd, len(data) + 1, 0) == data
        os.close(fd)


LIMITS = {"test_cap_holds_and_the_newest_stay": 180}
