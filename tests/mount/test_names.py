"""test_names.py - rename, unlink, links and directories, as clients use them"""

import errno
import os
import threading

import kit
from kit import MIB


def test_rename_over_open_file_keeps_the_readers_bytes():
    old, new = kit.content("f16", 2 * MIB, 1), kit.content("f16", 3 * MIB, 2)
    with kit.mount() as m:
        kit.write_file(m.path("f"), old)
        for _ in ("staged", "published"):
            fd = os.open(m.path("f"), os.O_RDONLY)
            assert os.pread(fd, 1000, 0) == old[:1000]
            kit.publish(m.path("f"), new)
            assert os.pread(fd, len(old) + 1, 0) == old
            kit.assert_same(m.path("f"), new)
            os.close(fd)
            m.remount()
            kit.assert_same(m.path("f"), new)
            old, new = new, old


def test_unlinked_open_file_lives_until_closed():
    data = kit.content("text", MIB, 1)
    with kit.mount() as m:
        for _ in ("staged", "published"):
            kit.write_file(m.path("f"), data)
            fd = os.open(m.path("f"), os.O_RDWR)
            os.unlink(m.path("f"))
            assert os.listdir(m.root) == []
            with kit.raises(errno.ENOENT):
                os.stat(m.path("f"))
            assert os.pread(fd, len(data), 0) == data
            assert os.pwrite(fd, b"more", MIB) == 4
            assert os.pread(fd, 4, MIB) == b"more"
            assert os.fstat(fd).st_nlink == 0
            os.close(fd)
            m.remount()
            assert os.listdir(m.root) == []


def test_hard_link():
    data = kit.content("text", 100000, 1)
    with kit.mount() as m:
        kit.write_file(m.path("a"), data)
        os.link(m.path("a"), m.path("b"))
        assert os.stat(m.path("a")).st_ino == os.stat(m.path("b")).st_ino
        assert os.stat(m.path("a")).st_nlink == 2
        with kit.raises(errno.EEXIST):
            os.link(m.path("a"), m.path("b"))
        m.remount()
        os.unlink(m.path("a"))
        kit.assert_same(m.path("b"), data)
        m.remount()
        kit.assert_same(m.path("b"), data)


def test_write_through_one_link_shows_in_the_other():
    with kit.mount() as m:
        kit.write_file(m.path("a"), b"one")
        os.link(m.path("a"), m.path("b"))
        m.remount()
        kit.write_file(m.path("a"), b"two, longer")
        kit.assert_same(m.path("b"), b"two, longer")
        m.remount()
        kit.assert_same(m.path("b"), b"two, longer")
        assert os.stat(m.path("b")).st_nlink == 2


def test_symlinks():
    with kit.mount() as m:
        os.symlink("some/where", m.path("s"))
        os.symlink("f", m.path("t"))
        kit.write_file(m.path("f"), b"x")
        m.remount()
        assert os.readlink(m.path("s")) == "some/where"
        kit.assert_same(m.path("t"), b"x")


def test_directory_trees():
    with kit.mount() as m:
        for i in range(16):
            os.makedirs(m.path(f"{i:x}", f"{i * 7 % 16:x}"))
            kit.write_file(m.path(f"{i:x}", f"{i * 7 % 16:x}", "kv"), b"%d" % i)
        m.remount()
        with kit.raises(errno.ENOTEMPTY):
            os.rmdir(m.path("0"))
        for i in range(16):
            kit.assert_same(m.path(f"{i:x}", f"{i * 7 % 16:x}", "kv"), b"%d" % i)
            os.unlink(m.path(f"{i:x}", f"{i * 7 % 16:x}", "kv"))
            os.rmdir(m.path(f"{i:x}", f"{i * 7 % 16:x}"))
            os.rmdir(m.path(f"{i:x}"))
        assert os.listdir(m.root) == []


def test_rename_of_directory_and_across():
    with kit.mount() as m:
        os.makedirs(m.path("a", "b"))
        os.mkdir(m.path("c"))
        kit.write_file(m.path("a", "b", "f"), b"data")
        os.rename(m.path("a", "b"), m.path("c", "d"))
        kit.assert_same(m.path("c", "d", "f"), b"data")
        os.rename(m.path("c", "d", "f"), m.path("f"))
        m.remount()
        kit.assert_same(m.path("f"), b"data")
        assert os.listdir(m.path("c", "d")) == []
        with kit.raises(errno.ENOTEMPTY):
            os.rename(m.path("a"), m.path("c"))


def test_missing_name_is_noticed_once_it_comes():
    with kit.mount() as m:
        for i in range(100):
            name = m.path(f"block{i}")
            assert not os.path.exists(name)
            kit.publish(name, b"kv")
            assert os.path.exists(name)
            os.unlink(name)
            assert not os.path.exists(name)


def test_hundred_thousand_names_are_listed_once():
    count = 100_000
    with kit.mount() as m:
        os.mkdir(m.path("d"))
        names = {f"{i:064x}.bin" for i in range(count)}
        for name in names:
            os.mknod(m.path("d", name), 0o600)
        for _ in ("warm", "cold"):
            got = os.listdir(m.path("d"))
            assert len(got) == count and set(got) == names, len(got)
            with os.scandir(m.path("d")) as entries:
                assert all(e.is_file(follow_symlinks=False) for e in entries)
            m.remount()


def test_readers_during_renames_see_old_or_new():
    versions = [kit.content("random", 300000, i) for i in range(4)]
    with kit.mount() as m:
        kit.publish(m.path("f"), versions[0])
        stop, wrong = threading.Event(), []

        def read():
            while not stop.is_set():
                if kit.read_file(m.path("f")) not in versions:
                    wrong.append(1)

        readers = [threading.Thread(target=read) for _ in range(2)]
        for t in readers:
            t.start()
        for i in range(200):
            kit.publish(m.path("f"), versions[i % 4])
        stop.set()
        for t in readers:
            t.join()
        assert not wrong


LIMITS = {"test_hundred_thousand_names_are_listed_once": 300}
