"""test_settings.py - user.kv.*: what an owner asks for, what holds, and what it does"""

import errno
import os
import struct
import time

import kit
from kit import MIB

SETTINGS = ("quality", "task", "tier", "pin", "ttl", "priority", "quota")


def put(path, name, value):
    os.setxattr(path, "user.kv." + name, value.encode())


def get(path, name):
    return os.getxattr(path, "user.kv." + name).decode()


def holds(path, name):
    return get(path, "effective." + name)


def drop(path, name):
    os.removexattr(path, "user.kv." + name)


def used(path):
    return int(get(path, "stat.quota_used"))


def store(path, size, seed=None):
    kit.write_file(path, kit.content("random", size, seed or os.path.basename(path)), sync=True)


def tree(m):
    """a/b with a file in each, and one beside them."""
    os.makedirs(m.path("a", "b"))
    for name in (("a", "f"), ("a", "b", "f"), ("f",)):
        kit.write_file(m.path(*name), kit.content("f16", 64 * kit.KIB, 1), sync=True)


def llama_rows(data):
    """The rows of each tensor of kit.llama_state."""
    n_words, = struct.unpack_from("<I", data, 8)
    cells, = struct.unpack_from("<I", data, 16 + 4 * n_words)
    at = 20 + 4 * n_words + 12 * cells + 4
    n_layers, = struct.unpack_from("<I", data, at)
    at += 12
    for _ in range(2 * n_layers):
        row, = struct.unpack_from("<Q", data, at + 4)
        yield [data[at + 12 + row * i:at + 12 + row * (i + 1)] for i in range(cells)]
        at += 12 + row * cells
    assert at == len(data)


def assert_window(got, want):
    """The older half reads as one mean a tile, but for the sinks; no other row does."""
    for now, was in zip(llama_rows(got), llama_rows(want)):
        half = len(was) // 2
        assert now[:4] == was[:4] and len(set(now[4:half])) <= half // 512
        assert len(set(now[half:])) == half and now[half:] != was[half:]


def test_a_task_lets_old_tokens_go():
    data = kit.content("llama", 4 * 2 * 192 * 2 * 2048, 1)  # 2,048 tokens
    # A policy that cuts what arrives as far as its owner lets it.
    with kit.mount("policy=lru-low,quality=low") as m:
        for name, task in (("c", "continue"), ("n", "none"), ("o", "other")):
            os.mkdir(m.path(name))
            put(m.path(name), "task", task)
            kit.write_file(m.path(name, "f"), data, sync=True)
        put(m.path("c"), "quality", "fair")
        kit.write_file(m.path("c", "g"), data, sync=True)
        put(m.path("c"), "quality", "good")  # pays for no token
        kit.write_file(m.path("c", "h"), data, sync=True)
        drop(m.path("c"), "quality")
        m.remount()
        layers = {name: int(get(m.path(name), "stat.layers")) for name in ("c/f", "c/g", "n/f", "o/f")}
        assert layers == {"c/f": 2, "c/g": 2, "n/f": 3, "o/f": 3}, layers
        assert int(get(m.path("c", "h"), "stat.layers")) > 2
        assert_window(kit.read_file(m.path("c", "f")), data)
        assert_window(kit.read_file(m.path("c", "g")), data)
        blocks = [os.stat(m.path(d, "f")).st_blocks for d in "cn"]
        assert blocks[0] < 0.7 * blocks[1], blocks
        rows = list(llama_rows(kit.read_file(m.path("n", "f"))))
        assert all(len(set(tensor)) == 2048 for tensor in rows)
        put(m.path("c"), "task", "other")  # and nobody may be served from that
        m.remount()
        assert sorted(os.listdir(m.path("c"))) in (["f", "g", "h"], ["h"])
        for name in "fg":
            with kit.raises(errno.ENOENT):
                kit.read_file(m.path("c", name))
        assert len(kit.read_file(m.path("c", "h"))) == len(data)


def test_a_task_of_its_own_has_its_own_curve():
    data = kit.content("llama", 4 * 2 * 192 * 2 * 2048, 1)
    with kit.mount(start=False) as m:
        profiles = os.path.join(m.temp, "profiles")
        os.mkdir(profiles)
        for name, gain in (("cheap", 0.001), ("dear", 1)):
            with open(os.path.join(profiles, name + ".task"), "w", encoding="ascii") as f:
                f.write(f"adaptcache-task 1\ntask {name}\ndamage 0.35 1 0.11 1\ndropped {gain} 2\n")
        with open(os.path.join(profiles, "bad.task"), "w", encoding="ascii") as f:
            f.write("adaptcache-task 1\ntask bad\ndropped 0 1\n")
        m.options = f"policy=lru-low,quality=good,profiles={profiles}"
        m.start()
        for task in ("cheap", "dear", "bad"):
            os.mkdir(m.path(task))
            put(m.path(task), "task", task)
            kit.write_file(m.path(task, "f"), data, sync=True)
        m.remount()
        layers = {task: int(get(m.path(task, "f"), "stat.layers")) for task in ("cheap", "dear", "bad")}
        assert layers["cheap"] == 2 and min(layers["dear"], layers["bad"]) > 2, layers
        assert_window(kit.read_file(m.path("cheap", "f")), data)


def test_defaults_hold_where_nothing_was_said():
    kit.needs_daemon()
    want = {"quality": "exact", "task": "none", "tier": "auto", "pin": "0", "ttl": "0",
            "priority": "50", "quota": "none"}
    with kit.mount() as m:
        tree(m)
        for path in (m.root, m.path("a"), m.path("a", "f")):
            for name in SETTINGS:
                assert holds(path, name) == want[name] + " (from default)", name
                with kit.raises(errno.ENODATA):
                    get(path, name)
                with kit.raises(errno.ENODATA):
                    drop(path, name)


def test_a_directory_says_it_for_all_below():
    kit.needs_daemon()
    with kit.mount() as m:
        tree(m)
        put(m.path("a"), "quality", "fair")
        put(m.root, "ttl", "36h")
        for _ in range(2):
            for path in (m.path("a"), m.path("a", "f"), m.path("a", "b"), m.path("a", "b", "f")):
                assert holds(path, "quality") == "kld:0.03 (from /a)", path
                assert holds(path, "ttl") == "36h (from /)", path
            assert holds(m.path("f"), "quality") == "exact (from default)"
            m.remount()
        kit.write_file(m.path("a", "b", "new"), b"new")
        assert holds(m.path("a", "b", "new"), "quality") == "kld:0.03 (from /a)"


def test_the_nearest_word_counts_and_removing_it_restores():
    kit.needs_daemon()
    with kit.mount() as m:
        tree(m)
        deep = m.path("a", "b", "f")
        for path, value in ((m.root, "1"), (m.path("a"), "2"), (m.path("a", "b"), "3"), (deep, "4")):
            put(path, "priority", value)
        for path, now in ((deep, "3 (from /a/b)"), (m.path("a", "b"), "2 (from /a)"),
                          (m.path("a"), "1 (from /)"), (m.root, "50 (from default)")):
            assert holds(path, "priority").split()[0] != now.split()[0]
            drop(path, "priority")
            assert holds(path, "priority") == now
            assert holds(deep, "priority") == now
        put(m.path("a"), "priority", "9")
        os.setxattr(m.path("a"), "user.kv.priority", b"")  # says nothing any more
        assert holds(deep, "priority") == "50 (from default)"
        assert os.listxattr(m.path("a")) == []


def test_settings_are_attributes_and_what_follows_is_not():
    kit.needs_daemon()
    with kit.mount() as m:
        tree(m)
        put(m.path("a"), "ttl", "3600")
        assert get(m.path("a"), "ttl") == "3600"  # as it was written
        assert holds(m.path("a", "f"), "ttl") == "1h (from /a)"
        assert os.listxattr(m.path("a")) == ["user.kv.ttl"]
        assert os.listxattr(m.path("a", "f")) == []
        with kit.raises(errno.EEXIST):
            os.setxattr(m.path("a"), "user.kv.ttl", b"1", os.XATTR_CREATE)
        with kit.raises(errno.ENODATA):
            os.setxattr(m.path("a"), "user.kv.pin", b"1", os.XATTR_REPLACE)
        assert holds(m.path("a"), "ttl") == "1h (from /a)"
        assert holds(m.path("a"), "pin") == "0 (from default)"
        for name in ("effective.ttl", "effective.nonsense", "stat.quota_used"):
            with kit.raises(errno.EROFS):
                put(m.path("a"), name, "1")
            with kit.raises(errno.EROFS):
                drop(m.path("a"), name)
        with kit.raises(errno.ENODATA):
            holds(m.path("a"), "nonsense")


def test_a_bad_value_changes_nothing():
    kit.needs_daemon()
    bad = {"quality": ("perfect", "kld:0", "kld:-1", "kld:x", " exact"),
           "task": ("two words", "x" * 64), "tier": ("dram", "1"), "pin": ("2", "yes", "soft:", "soft:0"),
           "ttl": ("-1", "1w", "soon", "1e3"), "priority": ("101", "-1", "high"),
           "quota": ("0", "-1", "10X", "1GB", "2G"), "colour": ("red",), "": ("1",), "stats": ("1",)}
    with kit.mount(f"size={1 << 30}") as m:
        tree(m)
        put(m.path("a"), "quota", "1G")
        put(m.path("a"), "ttl", "1d")
        before = {name: holds(m.path("a"), name) for name in SETTINGS}
        listed = sorted(os.listxattr(m.path("a")))
        for name, values in bad.items():
            for value in values:
                with kit.raises(errno.EINVAL):
                    put(m.path("a"), name, value)
        with kit.raises(errno.EINVAL):
            put(m.path("a", "f"), "quota", "1M")  # of a file
        assert {name: holds(m.path("a"), name) for name in SETTINGS} == before
        assert sorted(os.listxattr(m.path("a"))) == listed
        m.remount()
        assert {name: holds(m.path("a"), name) for name in SETTINGS} == before


def test_settings_outlive_rewriting_and_a_remount():
    kit.needs_daemon()
    with kit.mount() as m:
        fd = os.open(m.path("f"), os.O_WRONLY | os.O_CREAT, 0o644)
        put(m.path("f"), "quality", "kld:0.01")  # while it is staged
        os.write(fd, kit.content("f16", MIB, 1))
        os.close(fd)
        put(m.root, "priority", "70")
        for i in range(3):
            for _ in range(2):
                assert holds(m.path("f"), "quality") == "kld:0.01 (from /f)"
                assert holds(m.path("f"), "priority") == "70 (from /)"
                m.remount()
            kit.write_file(m.path("f"), kit.content("f16", MIB, i), sync=True)


def test_a_rename_changes_what_is_inherited():
    kit.needs_daemon()
    with kit.mount() as m:
        tree(m)
        os.mkdir(m.path("c"))
        put(m.path("a"), "quality", "high")
        put(m.path("c"), "quality", "low")
        os.rename(m.path("a", "f"), m.path("c", "f"))
        assert holds(m.path("c", "f"), "quality") == "kld:0.09 (from /c)"
        os.rename(m.path("a", "b"), m.path("c", "d"))
        assert holds(m.path("c", "d", "f"), "quality") == "kld:0.09 (from /c)"
        os.rename(m.path("c"), m.path("a", "c"))
        assert holds(m.path("a", "c", "d", "f"), "quality") == "kld:0.09 (from /a/c)"
        drop(m.path("a", "c"), "quality")
        assert holds(m.path("a", "c", "d", "f"), "quality") == "kld:0.0002 (from /a)"
        os.rename(m.path("a", "c", "d", "f"), m.path("g"))
        assert holds(m.path("g"), "quality") == "exact (from default)"


def test_declarations_are_kept():
    kit.needs_daemon()
    with kit.mount() as m:
        os.mkdir(m.path("raw"))
        for name, value in (("dtype", "bf16"), ("axes", "L2TC"),
                            ("dims", "L=32,T=?,C=1024"), ("header", "4096")):
            put(m.path("raw"), name, value)
            kit.write_file(m.path("raw", "f"), b"x")
            assert holds(m.path("raw", "f"), name) == value + " (from /raw)"
            with kit.raises(errno.EINVAL):
                put(m.path("raw"), name, "no blanks")


# Quotas.

def test_used_bytes_are_those_below():
    kit.needs_daemon()
    with kit.mount() as m:
        os.makedirs(m.path("a", "b"))
        store(m.path("a", "f"), MIB)
        store(m.path("a", "b", "g"), 2 * MIB)
        for _ in range(2):
            kit.eventually(lambda: used(m.path("a")) >= 3 * MIB)
            f, g = (int(get(m.path("a", n), "stat.stored")) for n in ("f", "b/g"))
            assert used(m.path("a")) == f + g and used(m.path("a", "b")) == g
            assert used(m.root) == f + g
            m.remount()
            os.stat(m.path("a", "b", "g"))
        os.rename(m.path("a", "b"), m.path("c"))
        kit.eventually(lambda: used(m.path("a")) == f)
        assert used(m.path("c")) == g
        os.link(m.path("c", "g"), m.path("a", "g"))
        assert used(m.root) == f + g
        os.unlink(m.path("c", "g"))
        assert (used(m.path("a")), used(m.path("c"))) == (f + g, 0)
        store(m.path("a", "f"), 4 * MIB)
        assert used(m.path("a")) == int(get(m.path("a", "f"), "stat.stored")) + g
        os.unlink(m.path("a", "f"))
        os.unlink(m.path("a", "g"))
        kit.eventually(lambda: used(m.root) == 0)


def test_a_quota_holds_and_spares_the_neighbour():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        for tenant in ("loud", "quiet"):
            os.mkdir(m.path(tenant))
            put(m.path(tenant), "quota", "24M")
        kept = [f"q{i}" for i in range(5)]
        for name in kept:
            store(m.path("quiet", name), 4 * MIB)
        most = 0
        for i in range(40):
            kit.publish(m.path("loud", f"l{i}"), kit.content("random", 4 * MIB, i), sync=i % 2)
            most = max(most, used(m.path("loud")))
        assert most <= 24 * MIB, most
        assert sorted(os.listdir(m.path("quiet"))) == kept
        there = sorted(int(n[1:]) for n in os.listdir(m.path("loud")))
        assert there[-1] == 39 and len(there) >= 3, there
        for name in kept:
            kit.assert_same(m.path("quiet", name), kit.content("random", 4 * MIB, name))
        for i in there:
            kit.assert_same(m.path("loud", f"l{i}"), kit.content("random", 4 * MIB, i))


def test_more_than_a_quota_is_refused_and_costs_nothing():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        os.mkdir(m.path("t"))
        put(m.path("t"), "quota", "8M")
        store(m.path("t", "small"), MIB)
        with kit.raises(errno.ENOSPC):
            store(m.path("t", "large"), 9 * MIB)
        kit.eventually(lambda: not kit.opens(m.path("t", "large")))
        store(m.path("large"), 9 * MIB)
        with kit.raises(errno.ENOSPC):
            os.rename(m.path("large"), m.path("t", "large"))
        kit.assert_same(m.path("large"), kit.content("random", 9 * MIB, "large"))
        store(m.path("moved"), 7 * MIB)
        os.rename(m.path("moved"), m.path("t", "moved"))
        assert used(m.path("t")) <= 8 * MIB
        kit.assert_same(m.path("t", "moved"), kit.content("random", 7 * MIB, "moved"))


def test_quotas_nest():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        os.makedirs(m.path("org", "one"))
        os.mkdir(m.path("org", "two"))
        put(m.path("org"), "quota", "16M")
        put(m.path("org", "one"), "quota", "12M")
        for i in range(6):
            store(m.path("org", "one", f"f{i}"), 3 * MIB)
        assert used(m.path("org", "one")) <= 12 * MIB
        for i in range(6):
            store(m.path("org", "two", f"f{i}"), 3 * MIB)
            assert used(m.path("org")) <= 16 * MIB
        assert used(m.path("org", "two")) >= 9 * MIB


def test_lower_priority_goes_first_within_a_quota():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        os.mkdir(m.path("t"))
        put(m.path("t"), "quota", "17M")
        for i in range(4):
            store(m.path("t", f"f{i}"), 4 * MIB)
        put(m.path("t", "f0"), "priority", "90")
        put(m.path("t", "f3"), "priority", "10")
        store(m.path("t", "new"), 4 * MIB)
        assert sorted(os.listdir(m.path("t"))) == ["f0", "f1", "f2", "new"]


def test_what_saves_least_a_byte_goes_first_within_a_quota():
    kit.needs_daemon()
    with kit.mount(f"size={64 * MIB}") as m:
        os.mkdir(m.path("t"))
        put(m.path("t"), "quota", "17M")
        kit.publish(m.path("t", "dense"), kit.content("text", 4 * MIB, 0), sync=True)
        for i in range(5):
            store(m.path("t", f"f{i}"), 4 * MIB)
        there = os.listdir(m.path("t"))
        assert "dense" in there and "f0" not in there, there


def test_only_the_daemons_user_sets_quotas():
    kit.needs_root()
    with kit.mount("allow_other,default_permissions") as m:
        os.mkdir(m.path("t"))
        put(m.path("t"), "quota", "8M")
        os.chown(m.path("t"), 4321, 8765)
        kit.in_children(lambda: as_tenant(m))
        assert holds(m.path("t"), "quota") == "8M (from /t)"
        assert holds(m.path("t"), "priority") == "60 (from /t)"


def as_tenant(m):
    os.setgroups([])
    os.setgid(8765)
    os.setuid(4321)
    with kit.raises(errno.EPERM):
        put(m.path("t"), "quota", "800M")
    with kit.raises(errno.EPERM):
        drop(m.path("t"), "quota")
    put(m.path("t"), "priority", "60")


# Time.

def test_a_ttl_ends_and_a_hit_makes_it_new():
    kit.needs_daemon()
    with kit.mount() as m:
        os.mkdir(m.path("t"))
        put(m.path("t"), "ttl", "3s")
        for name in ("read", "left"):
            store(m.path("t", name), MIB)
        store(m.path("beside"), MIB)
        end = time.monotonic() + 4.5
        while time.monotonic() < end:
            kit.assert_same(m.path("t", "read"), kit.content("random", MIB, "read"))
            time.sleep(0.2)
        assert not os.path.exists(m.path("t", "left"))
        assert os.listdir(m.path("t")) == ["read"]
        assert m.stats()["expired"] == 1
        time.sleep(3.5)
        assert not kit.opens(m.path("t", "read"))
        assert kit.opens(m.path("beside"))
        store(m.path("t", "left"), MIB)  # may come again
        kit.assert_same(m.path("t", "left"), kit.content("random", MIB, "left"))


def test_a_ttl_counts_over_a_remount():
    kit.needs_daemon()
    with kit.mount() as m:
        for name in ("short", "long"):
            store(m.path(name), MIB)
        put(m.path("short"), "ttl", "2s")
        put(m.path("long"), "ttl", "1h")
        m.stop()
        time.sleep(3.2)
        m.start()
        assert not kit.opens(m.path("short"))
        assert kit.opens(m.path("long"))


def test_an_open_file_does_not_expire():
    kit.needs_daemon()
    with kit.mount() as m:
        put(m.root, "ttl", "1s")
        store(m.path("f"), MIB)
        with open(m.path("f"), "rb") as f:
            time.sleep(1.5)
            assert kit.opens(m.path("f"))
            assert f.read() == kit.content("random", MIB, "f")
        time.sleep(1.5)
        assert not kit.opens(m.path("f"))


def test_what_expired_goes_before_what_is_older():
    kit.needs_daemon()
    with kit.mount(f"size={32 * MIB}") as m:
        os.mkdir(m.path("old"))
        os.mkdir(m.path("brief"))
        put(m.path("brief"), "ttl", "1s")
        for i in range(3):
            store(m.path("old", f"f{i}"), 4 * MIB)
        for i in range(3):
            store(m.path("brief", f"f{i}"), 4 * MIB)
        time.sleep(1.5)
        store(m.path("new0"), 4 * MIB)
        store(m.path("new1"), 4 * MIB)
        store(m.path("new2"), 4 * MIB)
        assert sorted(os.listdir(m.path("old"))) == ["f0", "f1", "f2"]
        assert os.listdir(m.path("brief")) == []


# Pins.

def flood(m, count=20):
    for i in range(count):
        store(m.path(f"flood{i}"), 4 * MIB)


def test_a_pin_survives_pressure():
    kit.needs_daemon()
    with kit.mount(f"size={40 * MIB},policy=lru") as m:  # others weigh its hits
        os.mkdir(m.path("p"))
        for i in range(3):
            store(m.path("p", f"f{i}"), 4 * MIB)
        store(m.path("single"), 4 * MIB)
        put(m.path("p"), "pin", "1")
        put(m.path("single"), "pin", "1")
        put(m.path("p", "f2"), "pin", "0")
        for _ in range(2):
            flood(m)
            assert sorted(os.listdir(m.path("p"))) == ["f0", "f1"]
            for name in ("p/f0", "p/f1", "single"):
                kit.assert_same(m.path(name), kit.content("random", 4 * MIB, os.path.basename(name)))
            m.remount()
        drop(m.path("p"), "pin")
        flood(m)
        assert os.listdir(m.path("p")) == []
        assert kit.opens(m.path("single"))


def test_pins_hold_half_of_the_size_at_most():
    kit.needs_daemon()
    with kit.mount(f"size={40 * MIB}") as m:
        os.mkdir(m.path("p"))
        for i in range(6):
            store(m.path("p", f"f{i}"), 4 * MIB)
        with kit.raises(errno.ENOSPC):
            put(m.path("p"), "pin", "1")
        assert holds(m.path("p", "f0"), "pin") == "0 (from default)"
        with kit.raises(errno.ENODATA):
            get(m.path("p"), "pin")
        for i in range(4):
            put(m.path("p", f"f{i}"), "pin", "1")
        with kit.raises(errno.ENOSPC):
            put(m.path("p", "f4"), "pin", "1")
        os.unlink(m.path("p", "f0"))
        put(m.path("p", "f4"), "pin", "1")
        os.mkdir(m.path("q"))
        put(m.path("q"), "pin", "1")
        with kit.raises(errno.ENOSPC):
            store(m.path("q", "more"), 8 * MIB)
        with kit.raises(errno.ENOSPC):
            os.rename(m.path("p", "f5"), m.path("q", "f5"))
        store(m.path("elsewhere"), 4 * MIB)


def test_pins_are_kept_under_a_smaller_size():
    kit.needs_daemon()
    with kit.mount(f"size={40 * MIB}") as m:
        for i in range(4):
            store(m.path(f"p{i}"), 4 * MIB)
            put(m.path(f"p{i}"), "pin", "1")
        m.stop()
        m.options = f"size={24 * MIB}"
        m.start()
        flood(m, 6)
        for i in range(4):
            kit.assert_same(m.path(f"p{i}"), kit.content("random", 4 * MIB, f"p{i}"))
        assert m.stats()["disk_pinned_bytes"] >= 16 * MIB
        drop(m.path("p0"), "pin")
        with kit.raises(errno.ENOSPC):
            put(m.path("flood5"), "pin", "1")


def test_a_soft_pin_yields_only_when_all_is_pinned():
    kit.needs_daemon()
    with kit.mount(f"size={32 * MIB}") as m:
        os.mkdir(m.path("s"))
        put(m.path("s"), "pin", "soft:1h")
        for i in range(3):
            store(m.path("s", f"f{i}"), 4 * MIB)
        flood(m)
        assert sorted(os.listdir(m.path("s"))) == ["f0", "f1", "f2"]
        for i in range(3, 12):
            store(m.path("s", f"f{i}"), 4 * MIB)
        there = {int(n[1:]) for n in os.listdir(m.path("s"))}
        assert 11 in there and 0 not in there and len(there) >= 4, there


def test_a_soft_pin_lapses():
    kit.needs_daemon()
    with kit.mount(f"size={32 * MIB}") as m:
        store(m.path("old"), 4 * MIB)
        put(m.path("old"), "pin", "soft:1s")
        time.sleep(1.5)
        flood(m)
        assert not kit.opens(m.path("old"))


# Tiers.

def test_a_tier_keeps_copies_out_of_dram_or_brings_them_in():
    kit.needs_daemon()
    with kit.mount("policy=lru") as m:  # which reads once before it copies
        for tier in ("auto", "mem", "ssd"):
            os.mkdir(m.path(tier))
            put(m.path(tier), "tier", tier)
            store(m.path(tier, "f"), 8 * MIB)
        assert get(m.path("ssd", "f"), "stat.tier") == "ssd"
        m.remount()
        for tier in ("auto", "mem", "ssd"):
            for _ in range(1 + 2 * (tier == "ssd")):
                kit.assert_same(m.path(tier, "f"), kit.content("random", 8 * MIB, "f"))
        assert get(m.path("mem", "f"), "stat.tier") == "dram-plain"
        assert get(m.path("auto", "f"), "stat.tier") == "ssd"
        assert get(m.path("ssd", "f"), "stat.tier") == "ssd"


LIMITS = {"test_a_pin_survives_pressure": 240}
