"""test_facts.py - what the file system tells: xattrs, .kv/, the adaptcache program"""

import errno
import json
import os
import re
import signal
import subprocess

import kit
from kit import MIB

FACTS = ("logical", "stored", "codec", "layers", "tier", "hits", "last_hit")


def fact(path, name):
    return os.getxattr(path, "user.kv.stat." + name).decode()


def test_facts_of_a_file():
    kit.needs_daemon()
    data = kit.llama_state(800, kit.random.Random(1))
    with kit.mount() as m:
        kit.write_file(m.path("kv"), data, sync=True)
        kit.read_file(m.path("kv"))
        for name in FACTS:
            assert fact(m.path("kv"), name), name
        assert int(fact(m.path("kv"), "logical")) == len(data)
        assert 0 < int(fact(m.path("kv"), "stored")) < len(data)
        kit.eventually(lambda: int(fact(m.path("kv"), "hits")) >= 1)
        assert os.listxattr(m.path("kv")) == []


def test_facts_cannot_be_set():
    kit.needs_daemon()
    with kit.mount() as m:
        kit.write_file(m.path("f"), kit.content("f16", MIB, 1), sync=True)
        before = fact(m.path("f"), "logical")
        for name, value in (("stat.logical", b"1"), ("stat.nonsense", b"1"), ("stat.", b"1"),
                            ("quality", b"as good as it gets"), ("no.such.setting", b"1")):
            with kit.raises(errno.EINVAL, errno.EROFS, errno.EPERM, errno.EOPNOTSUPP):
                os.setxattr(m.path("f"), "user.kv." + name, value)
        with kit.raises(errno.EINVAL, errno.EROFS, errno.EPERM, errno.EOPNOTSUPP, errno.ENODATA):
            os.removexattr(m.path("f"), "user.kv.stat.logical")
        with kit.raises(errno.ENODATA):
            os.getxattr(m.path("f"), "user.kv.stat.nonsense")
        assert fact(m.path("f"), "logical") == before
        assert os.listxattr(m.path("f")) == []


def test_facts_are_not_copied():
    kit.needs_daemon()
    with kit.mount() as m:
        kit.write_file(m.path("f"), kit.content("f16", MIB, 1), sync=True)
        kit.shutil.copy2(m.path("f"), m.path("g"))
        assert os.listxattr(m.path("g")) == []
        kit.assert_same(m.path("g"), kit.content("f16", MIB, 1))


def test_control_files():
    kit.needs_daemon()
    with kit.mount() as m:
        kit.write_file(m.path("f"), kit.content("f16", 2 * MIB, 1), sync=True)
        kit.read_file(m.path("f"))
        assert ".kv" not in os.listdir(m.root)
        assert set(os.listdir(m.path(".kv"))) >= {"stats", "metrics", "config"}
        assert kit.read_file(m.path(".kv", "config")).decode().strip()
        stats = m.stats()
        assert stats["quarantined"] == 0, stats
        for name in ("stats", "metrics", "config"):
            with kit.raises(errno.EACCES, errno.EROFS, errno.EPERM):
                os.close(os.open(m.path(".kv", name), os.O_WRONLY))
            with kit.raises(errno.EACCES, errno.EROFS, errno.EPERM, errno.EBUSY):
                os.unlink(m.path(".kv", name))
        with kit.raises(errno.EACCES, errno.EROFS, errno.EPERM, errno.EEXIST):
            kit.write_file(m.path(".kv", "mine"), b"")


NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABELS = r'\{(?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\.)*",?)*\}'
SAMPLE = re.compile(rf"({NAME})({LABELS})? (NaN|[+-]Inf|[-+]?[0-9.]+(?:[eE][-+]?\d+)?)( \d+)?")
COMMENT = re.compile(rf"# (HELP ({NAME}) .+|TYPE ({NAME}) (counter|gauge|histogram|summary|untyped))")


def check_prometheus(text):
    assert text.endswith("\n")
    typed, samples = {}, set()
    for line in filter(None, text.split("\n")):
        if line.startswith("#"):
            got = COMMENT.fullmatch(line)
            assert got, line
            if got[3]:
                assert got[3] not in typed, f"typed twice: {line}"
                typed[got[3]] = got[4]
            continue
        got = SAMPLE.fullmatch(line)
        assert got, line
        base = re.sub(r"_(bucket|sum|count)$", "", got[1])
        assert got[1] in typed or typed.get(base) in ("histogram", "summary"), f"no TYPE: {line}"
        assert (got[1], got[2]) not in samples, f"twice: {line}"
        samples.add((got[1], got[2]))
        if typed.get(got[1]) == "counter":
            assert got[1].endswith("_total"), line
    assert samples
    return {name for name, _ in samples}


def test_metrics_are_prometheus_text():
    kit.needs_daemon()
    with kit.mount() as m:
        kit.write_file(m.path("f"), kit.content("f16", MIB, 1), sync=True)
        names = check_prometheus(kit.read_file(m.path(".kv", "metrics")).decode())
        assert all(n.startswith("adaptcache_") for n in names), names


def test_status_and_info():
    data = kit.llama_state(500, kit.random.Random(1))
    with kit.mount() as m:
        kit.needs_daemon()
        kit.write_file(m.path("kv"), data, sync=True)
        got = kit.tool("status", m.root)
        assert got.returncode == 0 and got.stdout.strip(), got
        assert isinstance(kit.tool_json("status", m.root), dict)
        for path in (m.path("kv"), m.containers()["kv"]):
            got = kit.tool("info", path)
            assert got.returncode == 0 and str(len(data)) in got.stdout.decode().replace(",", ""), got
            assert len(data) in kit.tool_json("info", path).values()


def test_unpack_gives_the_exact_bytes():
    with kit.mount() as m:
        kit.needs_daemon()
        for kind in kit.KINDS:
            for size in (0, 1, 3 * MIB + 1):
                name = f"{kind}-{size}"
                data = kit.content(kind, size, 1)
                kit.write_file(m.path(name), data, sync=True)
                out = os.path.join(m.temp, "out")
                got = kit.tool("unpack", m.containers()[name], out)
                assert got.returncode == 0, (name, got)
                kit.assert_same(out, data)
                os.unlink(out)


def test_tool_refuses_what_it_cannot_do():
    with kit.mount() as m:
        kit.needs_daemon()
        foreign = os.path.join(m.temp, "foreign")
        kit.write_file(foreign, b"not a container" * 100)
        out = os.path.join(m.temp, "out")
        for args in (("unpack", foreign, out), ("info", foreign), ("info", foreign + "-not"),
                     ("status", m.temp), ("nonsense",), ("unpack", foreign), ()):
            got = kit.tool(*args)
            assert got.returncode != 0 and got.stderr.strip(), (args, got)
        assert not os.path.exists(out)


def test_decisions_are_explained():
    with kit.mount("policy=adapt,quality=fair") as m:
        kit.write_file(m.path("f"), kit.content("llama", 6 * MIB, 1), sync=True)
        os.mkdir(m.path("d"))
        kit.write_file(m.path("d", "g"), kit.content("text", MIB, 1), sync=True)
        text = os.getxattr(m.path("f"), "user.kv.stat.decision").decode()
        rows = text.splitlines()
        assert rows[0].startswith("policy adapt"), text
        assert len([r for r in rows if r.startswith("*")]) == 1, text
        assert "base" in text and "exact" in text, text  # what the floor allows is weighed
        shown = kit.tool("info", m.path("f"))
        assert shown.returncode == 0 and b"policy adapt" in shown.stdout, shown
        lines = kit.read_file(m.path(".kv", "decisions")).decode().splitlines()
        assert sorted(line.split(":")[0] for line in lines) == ["/d/g", "/f"], lines
        assert 0.9 < m.stats()["policy_bound_share"] <= 1.001, m.stats()
        m.remount()  # what a scan finds is known as well
        kit.eventually(lambda: m.stats()["policy_entries"] == 2)
        again = os.getxattr(m.path("f"), "user.kv.stat.decision").decode().splitlines()
        chosen = [row for row in again if row.startswith("*")]
        assert len(chosen) == 1 and int(chosen[0].split()[-5]) > MIB, again  # bytes of the backing
    with kit.mount("policy=lru") as m:
        kit.write_file(m.path("f"), b"x", sync=True)
        try:
            os.getxattr(m.path("f"), "user.kv.stat.decision")
        except OSError as e:
            assert e.errno == errno.ENODATA
        else:
            raise AssertionError("lru weighs nothing")


def traced(m, out, *options):
    return subprocess.Popen([kit.TOOL, "trace", "record", m.root, "-o", out, *options],
                            stderr=subprocess.PIPE)


def test_a_running_mount_is_recorded_and_simulated():
    kit.needs_daemon()
    with kit.mount(f"memory=32M,size={24 * MIB}") as m:
        out = os.path.join(m.temp, "record")
        for i in range(4):
            kit.write_file(m.path(f"f{i}"), kit.content("text", 2 * MIB, i), sync=True)
        running = traced(m, out)
        kit.eventually(lambda: os.path.exists(out))
        second = traced(m, out + "2")
        assert second.wait(30) == 1 and b"is being recorded" in second.stderr.read()
        for i in range(4, 20):
            kit.write_file(m.path(f"f{i}"), kit.content("random", 2 * MIB, i), sync=True)
            kit.read_file(m.path(f"f{i}"))
            if i >= 10 and kit.opens(m.path("f6")):
                kit.read_file(m.path("f6"))
        running.send_signal(signal.SIGINT)
        assert running.wait(30) == 0, running.stderr.read()
        before = os.path.getsize(out)
        assert os.stat(out).st_mode & 0o777 == 0o600
        kit.write_file(m.path("later"), b"x" * MIB, sync=True)
        assert os.path.getsize(out) == before
        with open(out, encoding="ascii") as f:
            letters = [line[0] for line in f]
        assert letters[0] == "J" and letters[1:5] == ["K"] * 4 and letters.count("E") >= 16, letters
        results = {}
        for policy, size in (("adapt", "1G"), ("lru", "8Mi")):
            got = kit.tool("simulate", out, "--policy", policy, "--size", size, "--json")
            assert got.returncode == 0, got.stderr
            results[policy] = json.loads(got.stdout)[0]
        assert results["adapt"]["references"] == results["lru"]["references"] >= 16, results
        assert results["adapt"]["miss_share"] == 0, results
        assert kit.tool("simulate", out).returncode == 0  # as it was
        got = kit.tool("simulate", "--replay", out)
        assert got.returncode == 1 and b"simulated only" in got.stderr, got
        short = traced(m, out, "--seconds", "0.2")
        assert short.wait(30) == 0 and os.path.getsize(out) < before


def test_what_cannot_be_recorded_is_refused():
    kit.needs_daemon()
    with kit.mount() as m:
        out = os.path.join(m.temp, "record")
        for args, status in ((("record", m.temp, "-o", out), 1), (("record", m.root, "-o", m.path("f")), 1),
                             (("record", m.root, "-o", "/nowhere/f"), 1), (("record",), 2),
                             (("play", m.root), 2), (("record", m.root, "--seconds", "0"), 2)):
            got = kit.tool("trace", *args)
            assert got.returncode == status and len(got.stderr.splitlines()) == 1, (args, got)
        for line in (f"record={m.path('f')}", "record=here", "record=/nowhere/f", f"record={out}\nalpha=2"):
            with kit.raises(errno.EINVAL, errno.ENOENT):
                with open(m.path(".kv", "control"), "w", encoding="ascii") as f:
                    f.write(line + "\n")
        assert not os.path.exists(out)


def hits_expected(path):
    """Per second, by the policy."""
    head = os.getxattr(path, "user.kv.stat.decision").decode().splitlines()[0]
    return float(head.split(",")[2].split()[0])


def test_who_comes_back_is_known_by_name():
    kit.needs_daemon()
    with kit.mount(f"size={32 * MIB}") as m:
        def put(name):
            """As clients do: under another name first."""
            kit.write_file(m.path("tmp"), kit.content("random", 2 * MIB, name), sync=True)
            os.rename(m.path("tmp"), m.path(name))

        for i in range(30):
            put(f"f{i}")
        gone = sorted({f"f{i}" for i in range(30)} - set(os.listdir(m.root)))
        assert gone
        put(gone[0])
        put("new")
        assert hits_expected(m.path(gone[0])) > 1.5 * hits_expected(m.path("new")), gone


def test_recorded_decisions_are_taken_again():
    for policy in ("adapt", "lru", "gdsf-refine1"):
        with kit.mount(start=False) as m:
            record = os.path.join(m.temp, "record")
            m.options = f"memory=32M,size=24M,quality=fair,policy={policy},record={record}"
            m.start()
            for i in range(24):
                kit.write_file(m.path(f"f{i}"), kit.content("llama", 2 * MIB, i))
                for name in os.listdir(m.root)[:6]:
                    try:
                        kit.read_file(m.path(name))
                    except FileNotFoundError:
                        pass  # evicted meanwhile
                if i % 5 == 4:
                    os.unlink(m.path(sorted(os.listdir(m.root))[0]))
            m.stop()
            got = kit.tool("simulate", "--replay", record)
            assert got.returncode == 0, got
            assert int(got.stdout.split()[0]) > 50, got.stdout
            with open(record, "rb") as f:
                lines = f.read().replace(b" 1 ", b" 0 ")
            with open(record, "wb") as f:
                f.write(lines)
            assert kit.tool("simulate", "--replay", record).returncode != 0
