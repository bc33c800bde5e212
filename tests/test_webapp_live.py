"""A film can be watched while it is made, by its owner, and what was heard before is not lost."""

import io
from pathlib import Path
from typing import Any

import av
import pytest
from flask import Flask
from web_service import Visitor, film_row, leave_half_made, work

import film.workroom
from webapp.jobs import analyse
from webapp.service import service
from webapp.tables import State

pytest_plugins = ["web_fixtures"]


@pytest.fixture
def half_made(app: Flask, visitor: Visitor) -> str:
    """Return a film of two seconds of which the first one is painted; its worker has ended."""
    film_id = leave_half_made(app, visitor)
    assert film_row(app, film_id).state == State.QUEUED
    return film_id


def _decode(content: bytes, kind: str) -> list[Any]:
    with av.open(io.BytesIO(content)) as piece:
        return list(piece.decode(**{kind: 0}))


def test_what_is_painted_can_be_watched(app: Flask, visitor: Visitor, half_made: str) -> None:
    live = visitor.get(f"/films/{half_made}/live.json").json
    assert live["codecs"] == ["avc1.42c01e", "mp4a.40.2"]
    assert live["starts_s"] == pytest.approx([0.0, 1 / 3, 1.0])
    assert (live["duration_s"], live["n_ready"], live["film"]) == (2.0, 2, "")
    assert live["early_s"] == pytest.approx(2 / 24)
    address = f"/films/{half_made}/live"
    assert f'data-live="{address}"' in visitor.get(f"/films/{half_made}").text
    answer = visitor.get(f"{address}/0/pictures.mp4")
    assert answer.mimetype == "video/mp4"
    frames = _decode(answer.data, "video")
    assert (len(frames), frames[0].width, frames[0].height) == (8, 640, 360)
    sounds = [_decode(visitor.get(f"{address}/{n}/sound.mp4").data, "audio") for n in range(3)]
    assert sum(len(sound) for sound in sounds) == -(-2 * 44_100 // 1024)
    assert visitor.get(f"{address}/2/pictures.mp4").status_code == 204, "not there yet"
    for missing in ("3/pictures.mp4", "3/sound.mp4", "-1/sound.mp4"):
        assert visitor.get(f"{address}/{missing}").status_code == 404, missing


def _play(visitor: Visitor, address: str, kind: str) -> tuple[list[str], bytes]:
    """Read a playlist as a browser does: its lines, and what it leads to, one after the other."""
    answer = visitor.get(f"{address}/{kind}.m3u8")
    assert (answer.status_code, answer.mimetype) == (200, "application/vnd.apple.mpegurl")
    lines = answer.text.splitlines()
    (head,) = (line.split('"')[1] for line in lines if line.startswith("#EXT-X-MAP"))
    parts = [head, *(line for line in lines if line and not line.startswith("#"))]
    return lines, b"".join(visitor.get(f"{address}/{name}").data for name in parts)


def test_without_a_media_source_there_is_a_playlist(
    app: Flask, visitor: Visitor, half_made: str
) -> None:
    address = f"/films/{half_made}/live"
    listed = visitor.get(f"{address}.m3u8").text
    assert 'CODECS="avc1.42c01e,mp4a.40.2"' in listed
    assert "live/pictures.m3u8" in listed.splitlines()
    lines, film = _play(visitor, address, "pictures")
    assert [line for line in lines if "INF" in line] == ["#EXTINF:0.333333,", "#EXTINF:0.666667,"]
    assert "#EXT-X-ENDLIST" not in lines
    frames = _decode(film, "video")
    assert [round(frame.time * 24) for frame in frames] == list(range(2, 26))
    lines, film = _play(visitor, address, "sound")
    lengths = [float(line[8:-1]) for line in lines if line.startswith("#EXTINF")]
    sounds = _decode(film, "audio")
    assert sum(lengths) == pytest.approx(len(sounds) * 1024 / 44_100, abs=1e-5)
    assert sounds[0].time == pytest.approx(2 / 24), "as late as the pictures"
    for missing in ("2/pictures.m4s", "9/sound.m4s", "words.m3u8", "words/head.mp4"):
        assert visitor.get(f"{address}/{missing}").status_code == 404, missing
    work(app)
    for gone in (".m3u8", "/pictures.m3u8", "/sound/head.mp4", "/0/pictures.m4s"):
        assert visitor.get(f"{address}{gone}").status_code == 404, gone


def test_a_playlist_whose_first_piece_is_too_short_for_sound(app: Flask, visitor: Visitor) -> None:
    # At 8 kHz a frame is shorter than an AAC packet, and the grid parts the seventh one off.
    film_id = leave_half_made(app, visitor, sample_rate=8_000, start_s="0.2917")
    address = f"/films/{film_id}/live"
    lines, film = _play(visitor, address, "sound")
    assert "0/sound.m4s" not in lines
    assert "1/sound.m4s" in lines
    assert _decode(film, "audio")[0].time == pytest.approx(2 / 24, abs=1e-4)
    assert visitor.get(f"{address}/0/sound.m4s").status_code == 404


def test_the_film_takes_the_place_of_its_pieces(
    app: Flask, visitor: Visitor, half_made: str
) -> None:
    work(app)
    live = visitor.get(f"/films/{half_made}/live.json").json
    assert (live["n_ready"], live["codecs"]) == (0, [])
    assert visitor.get(live["film"]).status_code == 200
    assert visitor.get(f"/films/{half_made}/live/0/pictures.mp4").status_code == 204
    assert "data-live" not in visitor.get(f"/films/{half_made}").text


def test_before_the_first_picture_there_is_nothing_to_watch(app: Flask, visitor: Visitor) -> None:
    film_id = visitor.new_film(visitor.new_song(0.5))
    live = visitor.get(f"/films/{film_id}/live.json").json
    assert (live["n_ready"], live["codecs"], live["film"]) == (0, [], "")


@pytest.mark.parametrize(("fps", "n_heard"), [("24", 0), ("30", 1)])
def test_a_film_at_the_usual_rate_does_not_listen_again(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch, fps: str, n_heard: int
) -> None:
    song_id = visitor.new_song(0.5)
    with app.app_context():
        analyse(song_id)
    listen, heard = film.workroom.extract, []

    def count(*arguments: Any) -> Any:
        heard.append(arguments)
        return listen(*arguments)

    monkeypatch.setattr(film.workroom, "extract", count)
    film_id = visitor.new_film(song_id, fps=fps)
    work(app)
    assert film_row(app, film_id).state == State.DONE
    assert len(heard) == n_heard


def test_what_was_heard_goes_with_the_song(app: Flask, visitor: Visitor) -> None:
    song_id = visitor.new_song(0.5)
    with app.app_context():
        analyse(song_id)
        kept: Path = service().storage.features(song_id)
    assert kept.exists()
    visitor.post(f"/songs/{song_id}/delete")
    assert not kept.exists()
