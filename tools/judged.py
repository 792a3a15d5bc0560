"""judged.py - caches of a text, and verdicts on copies of them, made once

All lie in one folder: the model with its weights expanded, the KV files, and
verdicts.json.  A verdict is kept by the contents of both files, so that what
did not change is not judged again.
"""

import hashlib
import json
import os
import tempfile

from judge import CONTEXT, FOLLOW, RECALL, Judge
from kvfile import KvFile


def digest(*parts):
    h = hashlib.blake2b(digest_size=12)
    for part in parts:
        h.update(part)
    return h.hexdigest()


def read(path):
    with open(path, "rb") as f:
        return f.read()


class Judged:
    def __init__(self, folder, gguf=None, threads=1):
        self.folder, self.gguf, self.threads = folder, gguf, threads
        self.model_name = os.path.basename(gguf) if gguf else "smollm2"
        self.judge_or_none = None
        self.by_path = {}
        self.verdicts_path = os.path.join(folder, "verdicts.json")
        os.makedirs(folder, exist_ok=True)
        self.verdicts = {}
        if os.path.exists(self.verdicts_path):
            self.verdicts = json.loads(read(self.verdicts_path))
        self.n_judged = 0

    def judge(self):
        """The judge, loaded when something is to be judged at all."""
        if not self.judge_or_none:
            self.judge_or_none = Judge(self.folder, self.gguf, self.threads)
        return self.judge_or_none

    def scratch(self, suffix=""):
        """A path for a copy that need not stay."""
        shm = "/dev/shm"
        folder = shm if os.access(shm, os.W_OK) else self.folder
        fd, path = tempfile.mkstemp(suffix, "adaptcache-", folder)
        os.close(fd)
        return path

    def kv(self, text, dtype="f16"):
        """The path of the cache that the model makes of a text."""
        name = os.path.splitext(os.path.basename(text))[0]
        key = digest(read(text), self.model_name.encode(), str(CONTEXT).encode())
        path = os.path.join(self.folder, f"{name}-{dtype}-{key}.kv")
        if not os.path.exists(path):
            self.judge().make(text, path + ".new", dtype)
            os.rename(path + ".new", path)
        return path

    def verdict(self, text, original, lossy):
        """{task: figures} of a lossy copy; lossy: a path."""
        if original not in self.by_path:
            self.by_path[original] = digest(read(original)), KvFile(original).dtype
        name, dtype = self.by_path[original]
        key = digest(name.encode(), read(lossy), f"{FOLLOW} {RECALL}".encode())
        if key not in self.verdicts:
            self.verdicts[key] = self.judge().judge(text, original, lossy, dtype)
            self.n_judged += 1
            self.save()
        return self.verdicts[key]

    def verdict_of(self, text, original, kv):
        """The same of a copy in memory."""
        path = self.scratch(".kv")
        try:
            kv.write(path)
            return self.verdict(text, original, path)
        finally:
            os.unlink(path)

    def save(self):
        """Keeps what another process may have added meanwhile."""
        if os.path.exists(self.verdicts_path):
            self.verdicts = json.loads(read(self.verdicts_path)) | self.verdicts
        new = f"{self.verdicts_path}.{os.getpid()}"
        with open(new, "w", encoding="utf-8") as f:
            json.dump(self.verdicts, f, indent=0)
        os.rename(new, self.verdicts_path)
