"""test_options.py - the command line: what it refuses, and how a daemon ends"""

import os
import signal
import subprocess
import time

import kit
from kit import MIB


def run(*args, limit_s=30):
    kit.needs_daemon()
    return subprocess.run([kit.mounted.PROGRAM, *args], capture_output=True, text=True,
                          timeout=limit_s, stdin=subprocess.DEVNULL, check=False)


def refused(m, *args):
    """Must fail with one line, and mount nothing."""
    got = run(*args)
    assert got.returncode != 0, (args, got)
    lines = got.stderr.strip().splitlines()
    assert len(lines) == 1, (args, lines)
    assert not kit.mounted.is_mounted(m.root), args
    return lines[0]


def idle_mount():
    kit.needs_daemon()
    return kit.mount(start=False)


def test_bad_options_are_refused():
    with idle_mount() as m:
        for option in ("memory=lots", "memory=-1", "memory=12Q", "memory=64 ", "memory=", "size=0x10",
                       "size=1G1", "size=1e99", "threads=0", "threads=many", "policy=psychic",
                       "alpha=-1", "alpha=much", "quality=psychic", "quality=kld:", "quality=kld:-1",
                       "device_rate=0", "device_rate=fast", "nonsense", "nonsense=1"):
            line = refused(m, m.backing, m.root, "-o", option)
            assert option.split("=")[0] in line, (option, line)


def test_allow_other_needs_default_permissions():
    with idle_mount() as m:
        assert "default_permissions" in refused(m, m.backing, m.root, "-o", "allow_other")


def test_missing_operands_and_directories():
    with idle_mount() as m:
        refused(m, os.path.join(m.temp, "nowhere"), m.root)
        refused(m, m.backing, os.path.join(m.temp, "nowhere"))
        kit.write_file(os.path.join(m.temp, "file"), b"")
        refused(m, os.path.join(m.temp, "file"), m.root)
        assert run(m.backing).returncode != 0
        assert run().returncode != 0


def test_help_and_version():
    for flag in ("-h", "--help", "-V", "--version"):
        got = run(flag)
        assert got.returncode == 0 and got.stdout.strip(), (flag, got)
    assert "memory=" in run("-h").stdout
    assert "adaptcache" in run("-V").stdout.lower()


def daemon_pid(m):
    """The daemon over m's backing that went into the background."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if m.root.encode() in f.read().split(b"\0"):
                    return int(pid)
        except OSError:
            pass
    return None


def test_background_daemon_is_ready_when_the_parent_returns():
    with idle_mount() as m:
        got = run(m.backing, m.root)
        assert got.returncode == 0, got
        try:
            kit.write_file(m.path("f"), b"ready")
            kit.assert_same(m.path("f"), b"ready")
        finally:
            subprocess.run(["fusermount3", "-u", m.root], check=False)
            kit.eventually(lambda: daemon_pid(m) is None, 30)
        m.start()
        kit.assert_same(m.path("f"), b"ready")


def test_dead_mount_point_is_taken_over():
    with kit.mount() as m:
        kit.needs_daemon()
        kit.write_file(m.path("f"), b"before", sync=True)
        m.abandon()
        m.start()
        kit.assert_same(m.path("f"), b"before")


def test_second_daemon_on_a_backing_is_refused():
    with kit.mount() as m:
        kit.needs_daemon()
        other = os.path.join(m.temp, "other")
        os.mkdir(other)
        got = run(m.backing, other)
        assert got.returncode != 0 and len(got.stderr.strip().splitlines()) == 1, got
        assert not kit.mounted.is_mounted(other)
        kit.write_file(m.path("f"), b"still served")


def test_sigterm_drains():
    kit.needs_daemon()
    names = [f"f{i}" for i in range(40)]
    with kit.mount() as m:
        for name in names:
            kit.write_file(m.path(name), kit.content("f16", MIB, name))
        m.terminate()
        assert not kit.mounted.is_mounted(m.root)
        m.start()
        for name in names:
            kit.assert_same(m.path(name), kit.content("f16", MIB, name))


def test_sigterm_with_open_files_ends():
    kit.needs_daemon()
    with kit.mount() as m:
        fd = os.open(m.path("f"), os.O_RDWR | os.O_CREAT, 0o644)
        os.write(fd, b"x" * MIB)
        os.fsync(fd)  # published here, and then written again
        os.write(fd, b"y" * MIB)
        directory = os.open(m.root, os.O_RDONLY)
        stats = os.open(m.path(".kv", "stats"), os.O_RDONLY)
        m.daemon.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + 30
        while m.daemon.alive() and time.monotonic() < end:
            time.sleep(0.05)
        assert not m.daemon.alive(), "hangs on an open file"
        assert m.daemon.process.returncode == 0, m.daemon.said()
        for opened in (fd, directory, stats):
            try:
                os.close(opened)
            except OSError:
                pass
        m.kill()
        m.start()
        assert kit.read_file(m.path("f")) == b"x" * MIB + b"y" * MIB


def test_idle_daemon_sleeps():
    kit.needs_daemon()
    with kit.mount() as m:
        kit.write_file(m.path("f"), kit.content("f16", MIB, 1), sync=True)
        time.sleep(1)

        def ticks():
            with open(f"/proc/{m.daemon.process.pid}/stat", encoding="ascii") as f:
                return sum(map(int, f.read().rsplit(")", 1)[1].split()[11:13]))

        before = ticks()
        time.sleep(3)
        assert ticks() - before <= 15, "works while nobody asks"
