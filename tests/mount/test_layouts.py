"""test_layouts.py - what a file holds is known from what lies beside its bytes"""

import errno
import json
import os
import random

import kit
import bench_data
from kit import MIB

BLOCKS = "kv/vllm/org_model_0123456789ab"
CONFIG = {
    "blocks_per_file": 2, "dcp_size": 1, "dtype": "float16", "inference_engine": "vllm",
    "kv_cache_groups": [{"layer_names": ["model.layers.0.self_attn.attn",
                                         "model.layers.1.self_attn.attn"],
                         "tokens_per_block": 512}],
    "model_name": "org/model", "parallel_agnostic": False, "pcp_size": 1, "pp_size": 1,
    "tokens_per_hash": 512, "tp_size": 1,
}


def layout(path):
    return os.getxattr(path, "user.kv.stat.layout").decode()


def setting(path, name, value):
    os.setxattr(path, "user.kv." + name, value.encode())


def refused(call, *arguments):
    try:
        call(*arguments)
    except OSError as e:
        return e.errno
    return 0


def store(m, name, data):
    kit.write_file(m.path(name), data, sync=True)
    kit.assert_same(m.path(name), data)


def test_declared_by_the_directory():
    data = kit.content("f16", MIB, 1)
    with kit.mount() as m:
        os.mkdir(m.path("d"))
        store(m, "d/before", data)
        for name, value in (("dtype", "f16"), ("axes", "TC"), ("dims", "T=?,C=256")):
            setting(m.path("d"), name, value)
        store(m, "d/after", data)
        store(m, "d/odd", data[:-2])  # no whole rows: not what was declared
        store(m, "beside", data)
        assert layout(m.path("d/after")) == "declared"
        for name in ("d/before", "d/odd", "beside"):
            assert layout(m.path(name)) != "declared", name
        sizes = [os.stat(m.path("d", n)).st_blocks for n in ("after", "before")]
        assert sizes[0] < sizes[1], sizes


def test_declared_of_a_file_must_be_possible():
    data = kit.content("f16", MIB, 1)
    with kit.mount() as m:
        store(m, "f", data)
        setting(m.path("f"), "dtype", "f16")
        setting(m.path("f"), "axes", "TC")
        for dims in ("T=3,C=5", "T=?,C=?", "C=256", "nonsense"):
            assert refused(setting, m.path("f"), "dims", dims) == errno.EINVAL, dims
            assert refused(os.getxattr, m.path("f"), "user.kv.dims") == errno.ENODATA
        assert refused(setting, m.path("f"), "dtype", "q4_0") == errno.EINVAL
        assert os.getxattr(m.path("f"), "user.kv.dtype") == b"f16"
        setting(m.path("f"), "dims", "T=?,C=256")


def test_blocks_are_known_by_the_file_beside_them():
    block = kit.content("f16", 2 * 2 * 512 * 512, 1)  # layers, blocks, tokens, bytes of a row
    with kit.mount() as m:
        os.makedirs(m.path(BLOCKS + "_r0/0a1/b2_g0"))
        os.makedirs(m.path(BLOCKS))
        name = BLOCKS + "_r0/0a1/b2_g0/0a1b2c3d4e5f%04d.bin"
        store(m, name % 1, block)
        store(m, BLOCKS + "/config.json", json.dumps(CONFIG, indent=2, sort_keys=True).encode())
        store(m, name % 2, block)
        m.remount()
        store(m, name % 3, block)
        known = [layout(m.path(name % i)) for i in (1, 2, 3)]
        assert known[0] != "vllm-block" and known[1:] == ["vllm-block"] * 2, known


def test_what_its_client_sums_is_never_cut():
    data = kit.content("llama", 6 * MIB, 1)
    with kit.mount("policy=lru-base,quality=kld:10") as m:
        for name in ("plain", "summed"):
            fd = os.open(m.path(name), os.O_WRONLY | os.O_CREAT, 0o644)
            os.write(fd, data)
            if name == "summed":
                os.setxattr(fd, "user.vllm.kv_crc32c", b"\1\2\3\4")
            os.close(fd)
        m.remount()
        assert layout(m.path("summed")) == "none"
        kit.assert_same(m.path("summed"), data)
        got = kit.read_file(m.path("plain"))
        assert len(got) == len(data) and got != data, "the other should have been cut"
        assert int(os.getxattr(m.path("plain"), "user.kv.stat.layers")) == 3


def test_a_profile_is_followed_where_it_is_of_the_model():
    data = kit.content("llama", 6 * MIB, 1)  # four layers of 192 channels
    sizes = []
    for layers in (4, 5):
        with kit.mount(start=False) as m:
            profiles = os.path.join(m.temp, "profiles")
            os.mkdir(profiles)
            with open(os.path.join(profiles, "x.profile"), "w", encoding="ascii") as f:
                f.write(f"adaptcache-profile 1\nmodel {layers} 192 192\ndamage 0.35 1 0.11 1\n")
                f.writelines(f"layer {i} k 0.25 1 v 0.25 1\n" for i in range(layers))
            with open(os.path.join(profiles, "bad.profile"), "w", encoding="ascii") as f:
                f.write("nonsense\n")
            m.options = f"policy=lru-base,quality=kld:10,profiles={profiles}"
            m.start()
            kit.write_file(m.path("f"), data, sync=True)
            m.remount()
            assert len(kit.read_file(m.path("f"))) == len(data)
            sizes.append(os.stat(m.path("f")).st_blocks)
    assert sizes[0] > 1.3 * sizes[1], sizes  # finer steps, more bits


def test_slot_files_are_known_at_any_length():
    slot = bench_data.Slot(bench_data.synthetic_state(random.Random(0), 40, 2, 64))
    with kit.mount() as m:
        for tokens in (1, 39, 40, 41, 700):  # fewer than the model file has, and more
            data = slot.resized(tokens * (16 + 2 * 2 * 128), 7)
            assert bench_data.Slot(data).n_tokens == tokens
            store(m, f"s{tokens}", data)
            assert layout(m.path(f"s{tokens}")) == "llama-seq", tokens
        store(m, "short", data[:-1])
        assert layout(m.path("short")) != "llama-seq"
