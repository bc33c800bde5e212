"""The song's own sound as AAC: its rate and channels, at the highest bit rate allowed. No torch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import av
import numpy as np
import soxr
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from numpy.typing import NDArray

from spectro.audio import Audio

AAC_RATES: Final = (
    *(7_350, 8_000, 11_025, 12_000, 16_000, 22_050, 24_000),
    *(32_000, 44_100, 48_000, 64_000, 88_200, 96_000),
)  # Hz, ISO/IEC 14496-3, table 1.18
AAC_FRAME_SAMPLES: Final = 1024
MAX_BITS_A_FRAME: Final = 6144  # a channel, ISO/IEC 14496-3, 4.5.3
MAX_BIT_RATE: Final = 256_000  # bits a second; taste: more cannot be heard

# How channels beyond two come down to left and right, in the order in which WAVs hold them.
_LEFT, _RIGHT, _BOTH, _LOW = (1.0, 0.0), (0.0, 1.0), (0.7071, 0.7071), (0.5, 0.5)
_SIDE_LEFT, _SIDE_RIGHT = (0.7071, 0.0), (0.0, 0.7071)
_SPEAKERS: Final = {
    3: (_LEFT, _RIGHT, _BOTH),
    4: (_LEFT, _RIGHT, _SIDE_LEFT, _SIDE_RIGHT),
    5: (_LEFT, _RIGHT, _BOTH, _SIDE_LEFT, _SIDE_RIGHT),
    6: (_LEFT, _RIGHT, _BOTH, _LOW, _SIDE_LEFT, _SIDE_RIGHT),
    7: (_LEFT, _RIGHT, _BOTH, _LOW, _BOTH, _SIDE_LEFT, _SIDE_RIGHT),
    8: (_LEFT, _RIGHT, _BOTH, _LOW, _SIDE_LEFT, _SIDE_RIGHT, _SIDE_LEFT, _SIDE_RIGHT),
}


@dataclass(frozen=True, kw_only=True)
class SoundForm:
    """How a song's sound stands in the film."""

    sample_rate: int  # Hz, one that AAC knows
    n_channels: int  # 1 or 2
    bit_rate: int  # bits a second
    gain: float  # at most 1; below it where the song goes beyond full scale
    notes: tuple[str, ...]  # what the user should know


def choose_form(audio: Audio) -> SoundForm:
    """Choose the form that changes the sound least; a float song is read for its peak."""
    sample_rate = next((rate for rate in AAC_RATES if rate >= audio.sample_rate), AAC_RATES[-1])
    n_channels = min(audio.n_channels, 2)
    highest = MAX_BITS_A_FRAME * sample_rate * n_channels // AAC_FRAME_SAMPLES
    gain = 1 / max(1.0, _peak(audio))
    notes = []
    if audio.n_channels > n_channels:
        notes.append(f"The song's {audio.n_channels} channels were mixed down to two.")
    if sample_rate != audio.sample_rate:
        notes.append(
            f"AAC does not know {audio.sample_rate} samples a second: "
            f"the film's sound has {sample_rate}."
        )
    if gain < 1:
        notes.append(
            f"The song goes {-20 * np.log10(gain):.1f} dB beyond full scale: "
            "the film's sound was turned down by that much."
        )
    return SoundForm(
        sample_rate=sample_rate,
        n_channels=n_channels,
        bit_rate=min(MAX_BIT_RATE, highest),
        gain=gain,
        notes=tuple(notes),
    )


def add_sound(container: OutputContainer, form: SoundForm) -> AudioStream:
    """Add the stream that `encode_sound` fills."""
    stream = container.add_stream("aac", rate=form.sample_rate)
    stream.codec_context.layout = _layout(form)
    stream.codec_context.bit_rate = form.bit_rate
    return stream


def encode_sound(
    stream: AudioStream, audio: Audio, form: SoundForm, start: int, stop: int
) -> Iterator[Packet[Any]]:
    """Encode samples `start` to `stop` of a song, a block at a time.

    The encoder's own delay leaves as packets before time 0, which the MP4's edit list skips.
    """
    n_sent = 0
    for block in _convert(audio, form, start, stop):
        frame = av.AudioFrame.from_ndarray(
            np.ascontiguousarray(block.T), format="fltp", layout=_layout(form)
        )
        frame.sample_rate = form.sample_rate
        frame.pts = n_sent
        n_sent += len(block)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _convert(audio: Audio, form: SoundForm, start: int, stop: int) -> Iterator[NDArray[np.float32]]:
    """Yield (n, form.n_channels) float32 blocks at the film's own rate, never empty."""
    mix = _mix(audio.n_channels) * np.float32(form.gain)
    blocks = (block @ mix for block in audio.blocks(start, stop))
    if form.sample_rate == audio.sample_rate:
        yield from blocks
        return
    resampler = soxr.ResampleStream(
        audio.sample_rate, form.sample_rate, form.n_channels, dtype="float32"
    )
    n_left = max(1, round((stop - start) * form.sample_rate / audio.sample_rate))
    last = np.zeros((0, form.n_channels), np.float32)
    for block, is_last in [*((block, False) for block in blocks), (last, True)]:
        resampled = resampler.resample_chunk(block, last=is_last)[:n_left]
        n_left -= len(resampled)
        if len(resampled):
            yield resampled


def _mix(n_channels: int) -> NDArray[np.float32]:
    """Return (n_channels, 1 or 2) weights; they sum to at most 1, so nothing is overdriven."""
    if n_channels <= 2:
        return np.eye(n_channels, dtype=np.float32)
    weights = np.array(_SPEAKERS[n_channels], np.float32)
    weights /= weights.sum(axis=0).max()
    return weights


def _peak(audio: Audio) -> float:
    if audio.subtype not in {"FLOAT", "DOUBLE"}:
        return 1.0  # the other codings cannot go beyond full scale
    return max(float(np.abs(block).max()) for block in audio.blocks())


def _layout(form: SoundForm) -> str:
    return "mono" if form.n_channels == 1 else "stereo"
