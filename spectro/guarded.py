"""A stranger's WAV, checked in a process of its own that may use so much time and memory.

    worker ── python -m spectro.guarded LIMITS SONG ──▶ child: limits itself, reads the song
       ◀── a line of JSON: what the song is, or the sentence that refuses it ──┘

A file that makes a decoder run for ever, fill the memory or crash ends the child alone. What the
child has read to its end, the worker can read again.
"""

import contextlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from spectro.audio import Audio, Limits, load
from spectro.errors import TonfilmError

ROOT: Final = Path(__file__).resolve().parents[1]
# Measured: the child has 150 MB of addresses before it opens a file, and blocks add a few.
MEMORY_BYTES: Final = 512 << 20
# Measured: 0.4 s to start, and 3.5 s a gigabyte of 16 bits; a slow machine may take thirty times
# that.
CPU_S: Final = 15.0
CPU_S_PER_GIGABYTE: Final = 100.0
PATIENCE: Final = 10.0  # how much longer than the processor's the clock may run: it is shared
POLL_S: Final = 0.05
_TOO_LONG: Final = (signal.SIGXCPU, signal.SIGKILL)
_CRASHES: Final = (signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT, signal.SIGFPE, signal.SIGILL)


def load_guarded(path: Path, limits: Limits, watch: Callable[[], None]) -> Audio:
    """Check a WAV as `spectro.audio.load` does, in a process of its own.

    Parameters
    ----------
    watch : called some times a second; what it raises ends the child

    Raises
    ------
    TonfilmError
        where the file cannot be used, with the sentence of `spectro.audio.load`, or with one that
        says that it cannot be read within the limits
    """
    n_bytes = path.stat().st_size if path.exists() else 0
    cpu_s = CPU_S + CPU_S_PER_GIGABYTE * n_bytes / 1e9
    words = json.dumps({"cpu_s": round(cpu_s), "memory_bytes": MEMORY_BYTES, **asdict(limits)})
    with subprocess.Popen(  # noqa: S603, our own words
        [sys.executable, "-m", "spectro.guarded", words, str(path)],
        cwd=ROOT,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,  # when the worker is told to stop, it tells the child itself
    ) as child:
        try:
            answer, trace = _hear(child, cpu_s * PATIENCE, watch)
        finally:
            child.kill()
    if child.returncode:
        raise _explain(child.returncode, path.name, trace)
    found = json.loads(answer)
    if "sentence" in found:
        raise TonfilmError(found["sentence"])
    return Audio(path=path, **found)


def look_into(path: Path, limits: Limits) -> dict[str, Any]:
    """Say in the child what a song is, or why it is none."""
    try:
        found = asdict(load(path, limits))
    except TonfilmError as error:
        return {"sentence": str(error)}
    except MemoryError:
        return {
            "sentence": f"{path.name} takes too much memory to read: "
            "save it again as a plain PCM WAV."
        }
    del found["path"]
    return found


def limit_process(cpu_s: int, memory_bytes: int) -> None:
    """Let this process end where it takes too much, and leave no picture of its memory."""
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_s, cpu_s + 1))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with contextlib.suppress(ValueError, OSError):  # macOS knows this limit and takes none
        resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))


def _hear(
    child: "subprocess.Popen[bytes]", patience_s: float, watch: Callable[[], None]
) -> tuple[bytes, bytes]:
    deadline_s = time.monotonic() + patience_s
    while True:
        try:
            return child.communicate(timeout=POLL_S)
        except subprocess.TimeoutExpired:
            watch()
            if time.monotonic() > deadline_s:
                child.kill()


def _explain(status: int, name: str, trace: bytes) -> Exception:
    if -status in _TOO_LONG:
        return TonfilmError(f"{name} takes too long to read: save it again as a plain PCM WAV.")
    if -status in _CRASHES:
        return TonfilmError(f"{name} is a damaged WAV: save it again as a plain PCM WAV.")
    return RuntimeError(f"the check ended with {status}: {trace.decode(errors='replace')}")


def main(words: str, *songs: str) -> None:
    """Answer for each song by one line."""
    limits = json.loads(words)
    limit_process(limits.pop("cpu_s"), limits.pop("memory_bytes"))
    for song in songs:
        found = look_into(Path(song), Limits(**limits))
        print(json.dumps(found), flush=True)  # noqa: T201, to the parent


if __name__ == "__main__":
    main(*sys.argv[1:])
