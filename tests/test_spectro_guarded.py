"""A WAV is checked in a process of its own, which ends where it takes too much."""

import os
import re
from pathlib import Path

import pytest
from conftest import WriteWav, music

from spectro import guarded
from spectro.audio import Limits, load
from spectro.errors import TonfilmError
from spectro.guarded import load_guarded


def rest() -> None:
    """Let the child go on."""


def write_endless_zeros(path: Path, n_bytes: int) -> None:
    """Write a WAV of zeros that takes no room on the disk, and long to read."""
    form = b"fmt " + bytes.fromhex("10000000 0100 0100 44ac0000 88580100 0200 1000")
    with path.open("wb") as file:
        size = n_bytes.to_bytes(4, "little")
        file.write(b"RIFF" + size + b"WAVE" + form + b"data" + size)
        file.truncate(n_bytes)


def test_a_good_song_is_found_as_in_this_process(write_wav: WriteWav) -> None:
    path = write_wav(music(1.0), subtype="PCM_24")
    assert load_guarded(path, Limits(), rest) == load(path)


@pytest.mark.parametrize(
    "content", [b"", b"no sound", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEdata"]
)
def test_a_bad_song_is_refused_as_in_this_process(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "song.wav"
    path.write_bytes(content)
    with pytest.raises(TonfilmError) as here:
        load(path)
    with pytest.raises(TonfilmError, match=f"^{re.escape(str(here.value))}$"):
        load_guarded(path, Limits(), rest)


def test_the_limits_reach_the_child(write_wav: WriteWav) -> None:
    path = write_wav(music(2.0))
    with pytest.raises(TonfilmError, match="too long"):
        load_guarded(path, Limits(max_duration_s=1.0), rest)
    with pytest.raises(TonfilmError, match="too large"):
        load_guarded(path, Limits(max_bytes=1000), rest)


def test_what_takes_too_much_of_the_processor_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "song.wav"
    write_endless_zeros(path, 4_000_000_000)
    monkeypatch.setattr(guarded, "CPU_S", 1.0)
    monkeypatch.setattr(guarded, "CPU_S_PER_GIGABYTE", 0.0)
    monkeypatch.setattr(guarded, "PATIENCE", 1000.0)
    with pytest.raises(TonfilmError, match=r"^song\.wav takes too long to read: save it again"):
        load_guarded(path, Limits(max_duration_s=1e6, max_bytes=1 << 40), rest)


def test_what_waits_for_ever_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "song.wav"
    os.mkfifo(path)  # nobody writes
    monkeypatch.setattr(guarded, "PATIENCE", 0.1)
    with pytest.raises(TonfilmError, match="takes too long"):
        load_guarded(path, Limits(), rest)


def test_what_takes_too_much_memory_is_refused(
    write_wav: WriteWav, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(guarded, "MEMORY_BYTES", 64 << 20)  # less than it has already
    with pytest.raises(TonfilmError, match="takes too much memory to read"):
        load_guarded(write_wav(music(10.0)), Limits(), rest)


@pytest.mark.parametrize(
    ("wish", "reason"), [("SEGV", "is a damaged WAV"), ("XCPU", "too long"), ("KILL", "too long")]
)
def test_a_decoder_that_crashes_is_a_sentence(
    write_wav: WriteWav, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wish: str, reason: str
) -> None:
    program = tmp_path / "crashes"
    program.write_text(f"#!/bin/sh\nkill -{wish} $$\n")
    program.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(program))
    with pytest.raises(TonfilmError, match=reason):
        load_guarded(write_wav(music(0.1)), Limits(), rest)


def test_a_bug_in_the_check_is_not_blamed_on_the_song(
    write_wav: WriteWav, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "fails"
    program.write_text("#!/bin/sh\necho it broke >&2\nexit 1\n")
    program.chmod(0o700)
    monkeypatch.setattr("sys.executable", str(program))
    with pytest.raises(RuntimeError, match="it broke"):
        load_guarded(write_wav(music(0.1)), Limits(), rest)


def test_who_watches_can_end_the_child(tmp_path: Path) -> None:
    path = tmp_path / "song.wav"
    os.mkfifo(path)

    def stop() -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        load_guarded(path, Limits(), stop)
    with pytest.raises(OSError, match="No such device"):  # nobody is left who would read
        os.open(path, os.O_WRONLY | os.O_NONBLOCK)
