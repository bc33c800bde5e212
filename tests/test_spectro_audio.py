"""Every WAV form that is promised is read; everything else is refused with one sentence."""

import hashlib
import struct
from pathlib import Path

import numpy as np
import pytest
import soundfile
from spectro_sounds import noise, pack_form, pack_wav, sine

from spectro.audio import (
    ANALYSIS_RATE,
    BLOCK_SAMPLES,
    CODINGS,
    Audio,
    Limits,
    load,
    open_mono,
    write_mono,
)
from spectro.errors import TonfilmError

FORMS = [
    (container, coding)
    for container in ("WAV", "WAVEX", "RF64")
    for coding in soundfile.available_subtypes(container)
    if coding in CODINGS
]
N_SAMPLES = 20_011


def tones(n_channels: int = 1, n_samples: int = N_SAMPLES) -> np.ndarray:
    hz = 300.0 * (1 + np.arange(n_channels))
    return 0.4 * np.sin(2 * np.pi * np.arange(n_samples)[:, None] * hz / 44_100)


def write(path: Path, samples: np.ndarray, rate: int = 44_100, **form: str) -> Path:
    soundfile.write(path, samples, rate, **{"format": "WAV", "subtype": "PCM_16"} | form)
    return path


def decode(audio: Audio, start: int = 0, stop: int | None = None) -> np.ndarray:
    return np.concatenate(list(audio.blocks(start, stop)))


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize(("container", "coding"), FORMS)
def test_every_form_is_read(tmp_path: Path, container: str, coding: str, n_channels: int) -> None:
    path = write(tmp_path / "a.wav", tones(n_channels), format=container, subtype=coding)
    expected, rate = soundfile.read(path, dtype="float32", always_2d=True)
    audio = load(path)
    assert (audio.n_channels, audio.sample_rate, audio.subtype) == (n_channels, rate, coding)
    assert audio.n_samples == audio.n_promised_samples == len(expected) >= N_SAMPLES
    assert not audio.is_truncated
    assert np.array_equal(decode(audio), expected)
    assert np.array_equal(decode(audio, 9001, 15_000), expected[9001:15_000])


def test_every_promised_coding_is_tried() -> None:
    assert {coding for _, coding in FORMS} == set(CODINGS)


@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize(("container", "coding"), FORMS)
def test_what_a_truncated_file_holds_is_used(
    tmp_path: Path, container: str, coding: str, n_channels: int
) -> None:
    whole = load(write(tmp_path / "a.wav", tones(n_channels), format=container, subtype=coding))
    expected = decode(whole)
    raw = whole.path.read_bytes()
    cut = tmp_path / "cut.wav"
    cut.write_bytes(raw[: len(raw) * 2 // 3 + 1])
    audio = load(cut)
    assert audio.is_truncated
    assert audio.n_promised_samples == whole.n_samples
    assert whole.n_samples // 2 < audio.n_samples < whole.n_samples * 0.7
    assert np.array_equal(decode(audio), expected[: audio.n_samples])


@pytest.mark.parametrize("rate", [8000, 11_025, 16_000, 48_000, 96_000, 192_000])
@pytest.mark.parametrize("n_channels", [3, 6, 8])
def test_rates_and_channels(tmp_path: Path, rate: int, n_channels: int) -> None:
    audio = load(write(tmp_path / "a.wav", tones(n_channels), rate))
    assert (audio.sample_rate, audio.n_channels) == (rate, n_channels)
    assert audio.duration_s == N_SAMPLES / rate


def test_mu_law_and_a_law_by_hand(tmp_path: Path) -> None:
    # Code words of ITU-T G.711 and their values: silence, then the loudest of both signs.
    for coding, words, values in (
        (7, b"\xff\x80\x00", [0, 32_124, -32_124]),
        (6, b"\xd5\xaa\x2a", [8, 32_256, -32_256]),
    ):
        path = tmp_path / f"{coding}.wav"
        path.write_bytes(pack_wav(pack_form(coding, block=1, bits=8), words))
        np.testing.assert_allclose(decode(load(path))[:, 0] * 32_768, values)


def test_ima_adpcm_by_hand(tmp_path: Path) -> None:
    # A block: first sample 1000, step index 0 (step 7), then codes 0 and 4: +7/8, +7 + 7/8.
    block = struct.pack("<hBB", 1000, 0, 0) + bytes([0x40, 0, 0, 0])
    form = pack_form(0x11, block=len(block), bits=4) + struct.pack("<HH", 2, 9)
    path = tmp_path / "a.wav"
    path.write_bytes(pack_wav(form, block * 3 + block[:5]))
    audio = load(path)
    assert (audio.n_samples, audio.n_promised_samples) == (27, 27)
    np.testing.assert_allclose(decode(audio)[:3, 0] * 32_768, [1000, 1000, 1007])


def test_ms_adpcm_by_hand(tmp_path: Path) -> None:
    # Coefficients (256, 0): each code adds to the last sample; the first two stand in the header.
    pairs = [(256, 0), (512, -256), (0, 0), (192, 64), (240, 0), (460, -208), (392, -232)]
    block = struct.pack("<Bhhh", 0, 16, 500, 400) + bytes([0x10] + [0] * 8)
    table = b"".join(struct.pack("<hh", *pair) for pair in pairs)
    form = pack_form(2, block=len(block), bits=4)
    form += struct.pack("<HHH", 4 + len(table), 20, len(pairs)) + table
    path = tmp_path / "a.wav"
    path.write_bytes(pack_wav(form, block * 2))
    audio = load(path)
    assert audio.n_samples == 40
    np.testing.assert_allclose(decode(audio)[:4, 0] * 32_768, [400, 500, 516, 516])


def test_extensible_by_hand(tmp_path: Path) -> None:
    # 20 true bits in 24: the form that studio recorders write.
    guid = struct.pack("<HH", 1, 0) + bytes.fromhex("00001000800000aa00389b71")
    form = pack_form(0xFFFE, block=3, bits=24) + struct.pack("<HHI", 22, 20, 4) + guid
    path = tmp_path / "a.wav"
    path.write_bytes(pack_wav(form, b"\x00\x00\x40\x00\x00\xc0"))
    np.testing.assert_allclose(decode(load(path))[:, 0], [0.5, -0.5])


@pytest.mark.parametrize("n_missing", [0, 100])
def test_rf64_by_hand(tmp_path: Path, n_missing: int) -> None:
    sound = np.arange(1000, dtype="<i2").tobytes()
    sizes = struct.pack("<QQQI", 72 + len(sound), len(sound), 1000, 0)
    extra = b"ds64" + struct.pack("<I", len(sizes)) + sizes
    sound = sound[: len(sound) - 2 * n_missing]
    path = tmp_path / "a.wav"
    path.write_bytes(pack_wav(pack_form(1), sound, magic=b"RF64", extra=extra, size=0xFFFFFFFF))
    audio = load(path)
    assert (audio.n_samples, audio.n_promised_samples) == (1000 - n_missing, 1000)


def test_big_endian_wav(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    soundfile.write(path, tones(), 44_100, format="WAV", subtype="PCM_16", endian="BIG")
    assert path.read_bytes()[:4] == b"RIFX"
    whole = load(path)
    assert whole.n_samples == whole.n_promised_samples == N_SAMPLES
    path.write_bytes(path.read_bytes()[:10_000])
    assert load(path).n_promised_samples == N_SAMPLES


def test_a_stream_that_was_never_closed_is_no_truncated_file(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(pack_wav(pack_form(1), bytes(2000), size=0xFFFFFFFF))
    audio = load(path)
    assert audio.n_samples == audio.n_promised_samples == 1000


@pytest.mark.parametrize("name", ["song", "song.raw", "song.mp3", "lied ♪ 'x'.wav"])
def test_the_name_says_nothing(tmp_path: Path, name: str) -> None:
    assert load(write(tmp_path / name, tones())).n_samples == N_SAMPLES


def test_floats_beyond_full_scale_are_music(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones() * 1e5, subtype="FLOAT")
    assert np.abs(decode(load(path))).max() == pytest.approx(4e4, rel=0.01)


def test_one_sample_and_silence_are_songs(tmp_path: Path) -> None:
    assert load(write(tmp_path / "one.wav", np.zeros(1))).n_samples == 1
    assert load(write(tmp_path / "silence.wav", np.zeros(1000))).n_samples == 1000


def test_hash_is_of_the_file(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", tones())
    assert load(path).sha256 == hashlib.sha256(path.read_bytes()).hexdigest()


def spoil(path: Path, case: str) -> None:
    """Write a file that is no song."""
    whole = pack_wav(pack_form(1), bytes(2000))
    raw = {
        "text": b"These are words, " * 10,
        "empty": b"",
        "header": whole[:44],
        "half a header": whole[:30],
        "twelve bytes": whole[:12],
        "no sound": pack_wav(pack_form(1), b""),
        "claims no sound": pack_wav(pack_form(1), bytes(2000), size=0),
        "odd coding": pack_wav(pack_form(0x1234), bytes(2000)),
        "no form": whole[:12] + whole[36:],
        "9 channels": pack_wav(pack_form(1, n_channels=9, block=18), bytes(1800)),
        "slow": pack_wav(pack_form(1, rate=4000), bytes(2000)),
        "fast": pack_wav(pack_form(1, rate=384_000), bytes(2000)),
    }
    if case in raw:
        path.write_bytes(raw[case])
        return
    samples = tones()
    if case in ("ogg", "flac", "aiff"):
        soundfile.write(path, samples, 44_100, format=case.upper())
        return
    if case == "gsm":
        soundfile.write(path, samples, 8000, format="WAV", subtype="GSM610")
        return
    samples[15_000] = {"nan": np.nan, "inf": np.inf, "minus inf": -np.inf, "absurd": 1e20}[case]
    write(path, samples, subtype="DOUBLE")


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("text", "not a WAV"),
        ("ogg", "not a WAV"),
        ("flac", "not a WAV"),
        ("aiff", "not a WAV"),
        ("empty", "is empty"),
        ("header", "no sound"),
        ("half a header", "no sound"),
        ("twelve bytes", "no sound"),
        ("no sound", "no sound"),
        ("claims no sound", "no sound"),
        ("odd coding", "damaged WAV"),
        ("no form", "damaged WAV"),
        ("gsm", "coded as GSM610"),
        ("9 channels", "9 channels"),
        ("slow", "4000 samples a second"),
        ("fast", "384000 samples a second"),
        ("nan", "not numbers"),
        ("inf", "not numbers"),
        ("minus inf", "not numbers"),
        ("absurd", "not numbers"),
    ],
)
def test_what_is_no_song_is_refused(tmp_path: Path, case: str, says: str) -> None:
    path = tmp_path / "song.wav"
    spoil(path, case)
    with pytest.raises(TonfilmError, match=says) as refusal:
        load(path)
    sentence = str(refusal.value)
    assert sentence.startswith("song.wav ")
    assert sentence.endswith(".")
    assert "\n" not in sentence


def test_limits(tmp_path: Path) -> None:
    path = write(tmp_path / "a.wav", np.zeros(44_100 * 3))
    assert load(path, Limits(max_duration_s=3.0, max_bytes=path.stat().st_size))
    with pytest.raises(TonfilmError, match="too long"):
        load(path, Limits(max_duration_s=2.9))
    with pytest.raises(TonfilmError, match="too large"):
        load(path, Limits(max_bytes=path.stat().st_size - 1))


def test_no_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(TonfilmError, match="There is no file"):
        load(tmp_path / "nothing.wav")
    with pytest.raises(TonfilmError, match="is a folder"):
        load(tmp_path)


def test_a_file_that_shrinks_under_us_is_noticed(tmp_path: Path) -> None:
    audio = load(write(tmp_path / "a.wav", tones()))
    audio.path.write_bytes(audio.path.read_bytes()[:20_000])
    with pytest.raises(TonfilmError, match="changed while in use"):
        decode(audio)


def test_blocks_are_bounded(tmp_path: Path) -> None:
    audio = load(write(tmp_path / "a.wav", noise(4.0)))
    sizes = [len(block) for block in audio.blocks(5, 150_000)]
    assert max(sizes) <= BLOCK_SAMPLES < sum(sizes) == 149_995


def test_mono_is_the_mean_of_the_channels(tmp_path: Path) -> None:
    audio = load(write(tmp_path / "a.wav", tones(3, 100_000), subtype="FLOAT"))
    mono = write_mono(audio, tmp_path / "mono.f32")
    assert mono == open_mono(mono.path)
    np.testing.assert_allclose(mono.read(0, 100_000), tones(3, 100_000).mean(axis=1), atol=1e-6)


def test_mono_is_silent_outside_the_song(tmp_path: Path) -> None:
    mono = write_mono(load(write(tmp_path / "a.wav", np.full(1000, 0.5))), tmp_path / "mono.f32")
    around = mono.read(-10, 1010)
    assert np.array_equal(np.flatnonzero(around), np.arange(10, 1010))
    assert not mono.read(5000, 5010).any()
    assert mono.read(-20, -10).shape == (10,)


@pytest.mark.parametrize("rate", [8000, 22_050, 48_000, 192_000])
def test_mono_is_resampled_in_time(tmp_path: Path, rate: int) -> None:
    t = np.arange(2 * rate) / rate
    samples = 0.5 * np.sin(2 * np.pi * 1000 * t)
    audio = load(write(tmp_path / "a.wav", samples, rate, subtype="FLOAT"))
    mono = write_mono(audio, tmp_path / "mono.f32")
    assert mono.n_samples == 2 * ANALYSIS_RATE
    middle = slice(4000, -4000)  # the ends ring
    np.testing.assert_allclose(
        mono.read(0, mono.n_samples)[middle], sine(2.0, 1000.0)[middle], atol=2e-3
    )


def test_mono_appears_only_when_whole(tmp_path: Path) -> None:
    audio = load(write(tmp_path / "a.wav", tones()))
    audio.path.write_bytes(audio.path.read_bytes()[:20_000])
    with pytest.raises(TonfilmError):
        write_mono(audio, tmp_path / "mono.f32")
    assert not (tmp_path / "mono.f32").exists()
