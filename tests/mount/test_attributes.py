"""test_attributes.py - owners, modes, times and xattrs outlive the mount"""

import errno
import os
import stat

import kit
from kit import MIB


def test_mode_owner_and_times_are_kept():
    kit.needs_root()
    with kit.mount() as m:
        kit.write_file(m.path("f"), kit.content("f16", MIB, 1))
        os.mkdir(m.path("d"))
        for name in ("f", "d"):
            os.chmod(m.path(name), 0o640)
            os.chown(m.path(name), 1234, 5678)
            os.utime(m.path(name), ns=(1_111_111_111_123_456_789, 1_222_222_222_987_654_321))
        for _ in range(3):
            for name in ("f", "d"):
                st = os.stat(m.path(name))
                assert stat.S_IMODE(st.st_mode) == 0o640
                assert (st.st_uid, st.st_gid) == (1234, 5678)
                assert st.st_mtime_ns == 1_222_222_222_987_654_321, st.st_mtime_ns
                assert st.st_atime_ns == 1_111_111_111_123_456_789, st.st_atime_ns
            m.remount()


def test_mtime_is_stable_without_writes():
    with kit.mount() as m:
        kit.write_file(m.path("f"), kit.content("f16", 2 * MIB, 1))
        st = os.stat(m.path("f"))
        kit.read_file(m.path("f"))
        m.remount()
        again = os.stat(m.path("f"))
        assert (again.st_mtime_ns, again.st_ino) == (st.st_mtime_ns, st.st_ino)


def test_xattrs_are_kept_over_rename_and_remount():
    values = {"user.vllm.kv_crc32c": b"\x01\x02\0\x04", "user.note": b"x" * 500, "user.empty": b""}
    with kit.mount() as m:
        fd = os.open(m.path("f.tmp"), os.O_WRONLY | os.O_CREAT, 0o644)
        os.write(fd, kit.content("f16", MIB, 1))
        for name, value in values.items():
            os.setxattr(fd, name, value)
        os.close(fd)
        os.rename(m.path("f.tmp"), m.path("f"))
        for _ in range(2):
            assert set(os.listxattr(m.path("f"))) == set(values)
            for name, value in values.items():
                assert os.getxattr(m.path("f"), name) == value
            m.remount()


def test_xattr_create_replace_remove():
    with kit.mount() as m:
        kit.write_file(m.path("f"), b"x")
        os.mkdir(m.path("d"))
        for name in (m.path("f"), m.path("d")):
            with kit.raises(errno.ENODATA):
                os.getxattr(name, "user.a")
            with kit.raises(errno.ENODATA):
                os.setxattr(name, "user.a", b"1", os.XATTR_REPLACE)
            os.setxattr(name, "user.a", b"1", os.XATTR_CREATE)
            with kit.raises(errno.EEXIST):
                os.setxattr(name, "user.a", b"2", os.XATTR_CREATE)
            os.setxattr(name, "user.a", b"3")
            assert os.getxattr(name, "user.a") == b"3"
            os.removexattr(name, "user.a")
            with kit.raises(errno.ENODATA):
                os.removexattr(name, "user.a")


def test_statfs_block_size_and_room():
    with kit.mount() as m:
        st = os.statvfs(m.root)
        assert (st.f_bsize, st.f_frsize) == (4096, 4096) or kit.PLAIN
        assert 0 < st.f_bavail <= st.f_bfree <= st.f_blocks


def test_new_files_belong_to_their_maker():
    kit.needs_root()
    with kit.mount("allow_other,default_permissions") as m:
        os.mkdir(m.path("open"))
        os.chmod(m.path("open"), 0o777)
        kit.write_file(m.path("private"), b"secret")
        os.chmod(m.path("private"), 0o600)
        kit.in_children(lambda: as_user(m))
        m.remount()
        for name in ("f", "d", "s", "p"):
            st = os.lstat(m.path("open", name))
            assert (st.st_uid, st.st_gid) == (4321, 8765), name
        kit.assert_same(m.path("open", "f"), b"mine")


def as_user(m):
    os.setgroups([])
    os.setgid(8765)
    os.setuid(4321)
    kit.write_file(m.path("open", "f"), b"mine")
    os.mkdir(m.path("open", "d"))
    os.symlink("f", m.path("open", "s"))
    os.mkfifo(m.path("open", "p"))
    with kit.raises(errno.EACCES):
        kit.read_file(m.path("private"))
    with kit.raises(errno.EACCES):
        kit.write_file(m.path("refused"), b"")
    with kit.raises(errno.EPERM):
        os.chown(m.path("open", "f"), 0, 0)


def test_special_files():
    kit.needs_root()
    with kit.mount() as m:
        os.mkfifo(m.path("p"))
        os.mknod(m.path("c"), 0o600 | stat.S_IFCHR, os.makedev(1, 3))
        m.remount()
        assert stat.S_ISFIFO(os.stat(m.path("p")).st_mode)
        assert os.stat(m.path("c")).st_rdev == os.makedev(1, 3)
