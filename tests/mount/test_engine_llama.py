"""test_engine_llama.py - llama.cpp's own server saves and restores through the mount

The same prompt is saved to the mount and to a plain directory; then the engine
and the mount start anew.  Two processes that compute the same prompt write the
same bytes, so the files must be equal.
"""

import os

import kit
from kit import mounted  # noqa: F401 - puts tools/ on the path
import engine

DOCUMENT = "/usr/share/common-licenses/GPL-3"
NEW_TOKENS = 24


def engine_python():
    try:
        return engine.python()
    except engine.EngineError as e:
        raise kit.Skip(str(e))


def save(python, slots, text):
    """Returns (tokens that follow, what the server said of the save)."""
    with engine.Engine(python, slots, threads=1) as llama:
        llama.complete(text, 1)
        said = llama.slot("save", "doc.bin")
        return llama.complete(text, NEW_TOKENS)["tokens"], said


def test_saved_state_survives_restart():
    python = engine_python()
    with open(DOCUMENT, encoding="utf-8") as f:
        text = f.read(1600)
    with kit.mount() as m:
        plain, slots = os.path.join(m.temp, "plain"), m.path("llama")
        os.mkdir(plain)
        os.mkdir(slots)
        save(python, plain, text)
        tokens, saved = save(python, slots, text)
        m.remount()
        path = os.path.join(slots, "doc.bin")
        st = os.stat(path)
        assert st.st_size == saved["n_written"]
        assert kit.PLAIN or st.st_blocks * 512 <= 0.9 * st.st_size, st
        kit.assert_same(path, kit.read_file(os.path.join(plain, "doc.bin")))
        with engine.Engine(python, slots, threads=1) as llama:
            assert llama.slot("restore", "doc.bin")["n_read"] == st.st_size
            reply = llama.complete(text, NEW_TOKENS)
            assert reply["timings"]["prompt_n"] <= NEW_TOKENS + 1, reply["timings"]
            assert reply["tokens"] == tokens
            llama.complete(text, 1)
            llama.slot("save", "again.bin")
            llama.slot("erase")
            llama.slot("save", "doc.bin")  # an empty slot over a long file
        assert os.stat(path).st_size < 100
        m.remount()
        assert os.stat(path).st_size < 100


LIMITS = {"test_saved_state_survives_restart": 400}
