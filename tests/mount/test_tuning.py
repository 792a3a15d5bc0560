"""test_tuning.py - options in a file and at run time, and what is refused there"""

import errno
import os
import subprocess
import threading

import kit
from kit import MIB


def change(m, *lines):
    """One write of all lines, as the shell's echo does it."""
    with open(m.path(".kv", "control"), "w", encoding="ascii") as f:
        f.write("\n".join(lines) + "\n")


def shown(m):
    lines = kit.read_file(m.path(".kv", "control")).decode().splitlines()
    return dict(line.split("=", 1) for line in lines if not line.startswith("#"))


def refusal(m):
    lines = kit.read_file(m.path(".kv", "control")).decode().splitlines()
    return [line for line in lines if line.startswith("# refused: ")]


def config(m):
    lines = kit.read_file(m.path(".kv", "config")).decode().splitlines()
    return dict(line.split(" ", 1) for line in lines)


def store(path, size):
    kit.write_file(path, kit.content("random", size, os.path.basename(path)), sync=True)


def test_a_running_daemon_is_changed():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        assert shown(m) == {"size": str(64 * MIB), "policy": "adapt", "alpha": "1",
                            "recompute": str(100 * MIB),
                            "high": "100", "low": "100", "free": "0", "record": ""}
        subprocess.run(["sh", "-c", f"echo alpha=2.5 > {m.path('.kv', 'control')}"], check=True)
        assert shown(m)["alpha"] == "2.5" and config(m)["alpha"] == "2.5"
        change(m, "high=90", "low=80", "free=1M", "size=48M", "# a remark", "", "policy=adapt",
               "alpha=0.123456789")
        want = {"size": str(48 * MIB), "policy": "adapt", "alpha": "0.123456789",
                "recompute": str(100 * MIB), "high": "90", "low": "80", "free": str(MIB),
                "record": ""}
        assert shown(m) == want and refusal(m) == []
        assert m.stats()["disk_limit_bytes"] == 48 * MIB
        change(m, *(f"{k}={v}" for k, v in want.items()))  # what it shows, it takes
        assert shown(m) == want
        assert 'policy="adapt"' in kit.read_file(m.path(".kv", "metrics")).decode()


def test_a_bad_change_changes_nothing_and_says_why():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        os.mkdir(m.path("t"))
        os.setxattr(m.path("t"), "user.kv.quota", b"40M")
        store(m.path("pinned"), 24 * MIB)
        os.setxattr(m.path("pinned"), "user.kv.pin", b"1")
        before = shown(m)
        for lines, why in ((("alpha=-1",), "alpha"), (("alpha=nan",), "alpha"), (("alpha=",), "alpha"),
                           (("policy=psychic",), "no such policy"), (("high=101",), "percentage"),
                           (("high=0",), "percentage"), (("recompute=0",), "recompute"),
                           (("recompute=-1",), "recompute"), (("recompute=fast",), "recompute"), (("high=50", "low=60"), "low <= high"),
                           (("size=lots",), "size"), (("size=45M",), "pinned"),
                           (("memory=1G",), "mounted"), (("free=900T",), "free="),
                           (("colour=red",), "no such option"), (("alpha",), "no such option"),
                           (("alpha=3", "policy=psychic"), "policy"), (("alpha=1\0",), "text")):
            with kit.raises(errno.EINVAL):
                change(m, *lines)
            assert shown(m) == before, lines
            assert len(refusal(m)) == 1 and why in refusal(m)[0], (lines, refusal(m))
        os.removexattr(m.path("pinned"), "user.kv.pin")
        with kit.raises(errno.EINVAL):
            change(m, "size=39M")
        assert "quota" in refusal(m)[0]
        change(m, "alpha=2")
        assert refusal(m) == []


def test_control_is_for_the_daemons_user():
    kit.needs_root()
    with kit.mount("allow_other,default_permissions") as m:
        change(m, "alpha=2")

        def stranger():
            os.setgid(8765)
            os.setuid(4321)
            for name in ("control", "config"):
                with kit.raises(errno.EACCES):
                    kit.read_file(m.path(".kv", name))
            with kit.raises(errno.EACCES):
                change(m, "alpha=3")

        kit.in_children(stranger)
        assert shown(m)["alpha"] == "2"


def test_a_file_of_options():
    kit.needs_daemon()
    with kit.mount(start=False) as m:
        path = os.path.join(m.temp, "adaptcache.conf")
        kit.write_file(path, b"# of this machine\n\nmemory=64M\nsize=96M\nalpha=0.5\nhigh=90\n")
        m.options = f"config={path},alpha=4"
        m.start()
        got = config(m)
        assert (got["memory"], got["size"]) == (str(64 * MIB), str(96 * MIB))
        assert (got["alpha"], got["high"], got["low"]) == ("4", "90", "90")  # the command line wins


def test_bad_options_are_refused_with_one_line():
    kit.needs_daemon()
    with kit.mount(start=False) as m:
        path = os.path.join(m.temp, "bad.conf")
        kit.write_file(path, b"alpha=1\nalpha=-1\n")
        for option, why in (("alpha=-1", "alpha"), ("alpha=0x1", "alpha"), ("high=0", "high"),
                            ("low=50,high=40", "low"), ("low=101", "low"), ("free=x", "free"),
                            ("free=900T", "free"), (f"config={path}", "alpha=-1"),
                            (f"config={path}-not", "No such file")):
            got = subprocess.run([kit.mounted.PROGRAM, m.backing, m.root, "-o", option],
                                 capture_output=True, text=True, timeout=30, check=False)
            assert got.returncode != 0, option
            lines = got.stderr.strip().splitlines()
            assert len(lines) == 1 and why in lines[0], (option, lines)
            assert not kit.mounted.is_mounted(m.root)


def test_watermarks_keep_room():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB},high=75,low=50") as m:
        for i in range(30):
            store(m.path(f"f{i}"), 4 * MIB)
            kit.eventually(lambda: m.stats()["disk_used_bytes"] <= 48 * MIB)
        assert kit.opens(m.path("f29"))
        assert m.stats()["disk_used_bytes"] >= 24 * MIB
        change(m, "high=40", "low=30")
        assert m.stats()["disk_used_bytes"] <= 0.4 * 64 * MIB


def test_a_smaller_size_evicts():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        for i in range(12):
            store(m.path(f"f{i}"), 4 * MIB)
        change(m, "size=20M")
        there = {n for n in os.listdir(m.root)}
        assert there and there <= {"f8", "f9", "f10", "f11"}, there
        assert os.statvfs(m.root).f_blocks * 4096 <= 20 * MIB


def test_free_space_is_left_to_others():
    with kit.tmpfs("64m") as where:
        kit.needs_daemon()
        with kit.mount("free=24M", backing=os.path.join(where, "b")) as m:
            for i in range(30):
                store(m.path(f"f{i}"), 4 * MIB)
                st = os.statvfs(where)
                assert st.f_bavail * st.f_frsize >= 20 * MIB
            assert kit.opens(m.path("f29"))


def delay_absent(path):
    """Milliseconds that the policy expects of a miss: the absent option's delay."""
    for line in os.getxattr(path, "user.kv.stat.decision").decode().splitlines():
        if line[2:].startswith("evicted"):
            return float(line.split()[4])
    raise AssertionError("no absent option")


def test_what_a_miss_costs_is_for_the_owner_to_say():
    kit.needs_daemon()
    with kit.mount("recompute=10M") as m:
        store(m.path("f"), 4 * MIB)
        assert abs(delay_absent(m.path("f")) - 410) < 1
        change(m, "recompute=1G")
        assert abs(delay_absent(m.path("f")) - 13.9) < 0.1
        store(m.path("g"), 4 * MIB)
        assert abs(delay_absent(m.path("g")) - 13.9) < 0.1
        assert config(m)["recompute"] == str(1024 * MIB)


def test_another_policy_takes_over_under_load():
    kit.needs_daemon()
    with kit.mount(f"size={48 * MIB},memory=32M") as m:
        stop, wrong = threading.Event(), []

        def work(who):
            for i in range(1000):
                if stop.is_set():
                    return
                name = f"w{who}-{i % 8}"
                try:
                    store(m.path(name), MIB)
                    kit.assert_same(m.path(name), kit.content("random", MIB, name))
                except FileNotFoundError:
                    pass  # evicted meanwhile
                except BaseException as e:
                    wrong.append(e)

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for t in threads:
            t.start()
        for _ in range(4):
            for policy in ("adapt", "gdsf-exact", "s3fifo-exact", "lru-exact", "lru"):
                change(m, "policy=" + policy)
                assert shown(m)["policy"] == policy
                store(m.path("big"), 8 * MIB)
        stop.set()
        for t in threads:
            t.join()
        assert not wrong, wrong
