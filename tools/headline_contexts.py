"""headline_contexts.py - the contexts of the experiment, and what copies say

Three tasks: questions about documents (judged by asking for an earlier passage
again), code and chat (judged by what comes next).  A context is a run of tokens
of tests/texts.  Caches and verdicts lie in the judge's folder,
under names that say what they were made from.
"""

import os
from typing import NamedTuple

import numpy as np

from judge import FOLLOW, Judge, log_softmax
from judged import Judged, digest, read

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(HERE)

LENGTHS = (1024, 832, 640)  # tokens of a context, in turn
RECALL_AT = 5 / 16          # of a context: where the passage asked for begins

TASKS = {
    "documents": ("recall", ("prose.txt", "manual.txt")),
    "code": ("continuation", ("code.txt", "source.txt")),
    "chat": ("continuation", ("chat.txt",)),
}


class Context(NamedTuple):
    task: str
    number: int      # within its task
    kind: str        # how it is judged
    tokens: tuple    # in the cache
    follow: tuple    # what is fed from it

    @property
    def name(self):
        return f"{self.task}-{self.number}"


class ContextJudge(Judge):
    """As Judge, but a context stands where that has a text."""

    def says(self, text, path, dtype):
        self.model.load(dtype, path)
        self.model.keep(dtype, len(text.tokens))
        logits = self.model.decode(dtype, text.follow, len(text.tokens), True)
        return {text.kind: (log_softmax(logits[:-1]), np.array(text.follow[1:]))}

    def make_context(self, context, path, dtype):
        self.model.keep(dtype, 0)
        self.model.decode(dtype, context.tokens, 0, False)
        self.model.save(dtype, path, context.tokens)


class Contexts(Judged):
    def judge(self):
        if not self.judge_or_none:
            self.judge_or_none = ContextJudge(self.folder, self.gguf, self.threads)
        return self.judge_or_none

    def choose(self, n_per_task):
        """n contexts of each task, spread evenly over its texts."""
        found = []
        for task, (kind, files) in TASKS.items():
            stream = []
            for name in files:
                text = read(os.path.join(ROOT, "tests/texts", name)).decode()
                stream += self.judge().model.tokenize(text)
            room = len(stream) - LENGTHS[0] - FOLLOW
            for i in range(n_per_task):
                n, at = LENGTHS[i % len(LENGTHS)], room * i // max(1, n_per_task - 1)
                again = at + int(n * RECALL_AT)
                then = again if kind == "recall" else at + n
                found.append(Context(task, i, kind, tuple(stream[at:at + n]),
                                     tuple(stream[then:then + FOLLOW])))
        return found

    def kv_of(self, context):
        """The path of a context's cache, made when it is not there."""
        key = digest(self.model_name.encode(), repr(context.tokens).encode())
        path = os.path.join(self.folder, f"context-f16-{key}.kv")
        if not os.path.exists(path):
            self.judge().make_context(context, path + ".new", "f16")
            os.rename(path + ".new", path)
        return path

    def verdict_of_copy(self, context, lossy):
        """Figures of a copy; lossy: a path."""
        return self.verdict_of_served(context, digest(read(lossy)), lossy)

    def verdict_of_served(self, context, lossy_digest, lossy):
        """The same where the digest of the copy is known already."""
        original = self.kv_of(context)
        if original not in self.by_path:
            self.by_path[original] = digest(read(original))
        if lossy_digest == self.by_path[original]:
            return {"kld": 0.0, "top1": 1.0}
        key = digest(self.by_path[original].encode(), lossy_digest.encode(),
                     context.kind.encode(), repr(context.follow).encode())
        if key not in self.verdicts:
            figures = self.judge().judge(context, original, lossy, "f16")
            self.verdicts[key] = figures[context.kind]
            self.n_judged += 1
            self.save()
        return self.verdicts[key]
