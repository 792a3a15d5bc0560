"""test_layouts.py - what a file holds is known from what lies beside its bytes"""

import errno
import json
import os

import kit
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
        assert int(os.getxattr(m.path("plain"), "user.kv.stat.layers")) == 2
