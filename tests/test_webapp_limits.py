"""How much and how often: rates, the size of forms, and room on the disk."""

import io
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import needs
import pytest
from conftest import music
from flask import Flask
from running import free_port, wait_until
from test_webapp_entrance import SECRET, _enter
from test_webapp_pieces import Sender
from web_service import Visitor, film_fields, make_app, sentence, wav
from werkzeug.datastructures import FileStorage

from webapp.bodies import MAX_FORM_BYTES, MAX_PARTS
from webapp.service import service
from webapp.settings import Settings

pytest_plugins = ["web_fixtures"]

SONG = wav(music(0.2))
TOO_OFTEN = "That was too often for one address: wait a while, then try again."


def public(settings: Settings, **changes: Any) -> Flask:
    """Build an application that others than this machine's user can reach."""
    changes = {"host": "0.0.0.0", "hourly": 3, **changes}  # noqa: S104, only compared
    return make_app(replace(settings, **changes))


def call_from(visitor: Visitor, address: str) -> None:
    """Let a visitor come from an address."""
    visitor._client.environ_base["REMOTE_ADDR"] = address


def test_songs_are_limited_by_the_hour_however_they_are_sent(
    settings: Settings, tiny_theme: str
) -> None:
    app = public(settings)
    visitor = Visitor(app)
    sender = Sender(app, visitor._client)
    assert visitor.upload(SONG).status_code == 303
    assert sender.begin(len(SONG)).status_code == 201
    assert visitor.post("/songs/demo").status_code == 400, "there is none, but it was asked for"
    refused = visitor.upload(SONG)
    assert (refused.status_code, sentence(refused)) == (429, TOO_OFTEN)
    assert 0 < int(refused.headers["Retry-After"]) <= 3600
    assert sender.begin(len(SONG), changed="2").json == {"sentence": TOO_OFTEN}
    stranger = Visitor(app)
    assert stranger.upload(SONG).status_code == 429, "a new cookie is no new address"
    call_from(stranger, "10.0.0.2")
    assert stranger.upload(SONG).status_code == 303


def test_pieces_are_not_counted(settings: Settings, tiny_theme: str) -> None:
    sender = Sender(public(settings))
    address = sender.begin(len(SONG)).json["address"]
    for place in range(5):
        assert sender.send(address, place, SONG[place : place + 1]).status_code == 200


def test_one_line_has_many_addresses_of_ipv6(settings: Settings, tiny_theme: str) -> None:
    visitor = Visitor(public(settings, hourly=2))
    for address, status in (("1::1", 303), ("1::2", 303), ("1::ffff:3", 429), ("1:1::1", 303)):
        call_from(visitor, f"2001:db8:{address}")
        assert visitor.upload(SONG).status_code == status, address


def test_films_are_limited_by_the_hour(settings: Settings, tiny_theme: str) -> None:
    visitor = Visitor(public(settings))
    song_id = visitor.new_song(0.3)
    films = [visitor.new_film(song_id) for _ in range(3)]
    answer = visitor.post(f"/songs/{song_id}/film", film_fields())
    assert (answer.status_code, sentence(answer)) == (429, TOO_OFTEN)
    visitor.post(f"/films/{films[0]}/cancel")
    assert visitor.post(f"/films/{films[0]}/again").status_code == 429
    assert visitor.get(f"/songs/{song_id}/film").status_code == 200


@pytest.mark.parametrize("changes", [{"hourly": 0}, {"host": "127.0.0.1"}])
def test_where_nothing_is_set_and_on_ones_own_machine_nobody_waits(
    settings: Settings, tiny_theme: str, changes: dict[str, Any]
) -> None:
    visitor = Visitor(public(settings, **changes))
    assert [visitor.upload(SONG).status_code for _ in range(5)] == [303] * 5


def test_passwords_cannot_be_tried_for_ever(
    settings: Settings, tiny_theme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webapp.entrance.WAIT_S", 0.0)
    visitor = Visitor(make_app(replace(settings, password=SECRET)))
    assert [_enter(visitor, "open barley") for _ in range(10)] == [403] * 10
    assert _enter(visitor, SECRET) == 429
    assert visitor._client.get("/enter").status_code == 200, "the page itself stays"
    call_from(visitor, "10.0.0.2")
    assert _enter(visitor, SECRET) == 303


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """Start a Redis server; return its address."""
    port = free_port()
    program = needs.find("redis")
    command = [program, "--port", str(port), "--save", "", "--dir", str(tmp_path)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    wait_until(lambda: _answers(port), "Redis answers")
    yield f"redis://127.0.0.1:{port}/0"
    server.terminate()
    server.wait()


def _answers(port: int) -> bool:
    probe = subprocess.run(
        ["redis-cli", "-p", str(port), "ping"], capture_output=True, check=False, text=True
    )
    return probe.stdout.strip() == "PONG"


@pytest.mark.redis
def test_several_processes_count_together_in_redis(
    redis: str, settings: Settings, tiny_theme: str
) -> None:
    first, second = (Visitor(public(settings, broker=redis)) for _ in range(2))
    assert [first.upload(SONG).status_code for _ in range(3)] == [303] * 3
    assert second.upload(SONG).status_code == 429


def test_a_form_has_so_many_parts(visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    fields = {f"field{number}": "x" for number in range(MAX_PARTS)}
    answer = visitor.post(f"/songs/{song_id}/film", fields)
    assert answer.status_code == 413
    assert sentence(answer) == "That is more than this page takes: go back, and send less of it."


def test_a_form_is_so_long(visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    fields = {"csrf_token": "x", "seed": "x" * MAX_FORM_BYTES}
    answer = visitor._client.post(f"/songs/{song_id}/film", data=fields)
    assert answer.status_code == 413
    assert sentence(answer) == "That is more than this page takes: go back, and send less of it."


def test_other_pages_take_no_files_to_speak_of(visitor: Visitor) -> None:
    song_id = visitor.new_song(0.3)
    body = b'--x\r\nContent-Disposition: form-data; name="song"; filename="x"\r\n\r\n'
    answer = visitor._client.post(
        f"/songs/{song_id}/delete",
        input_stream=io.BytesIO(body + bytes(MAX_FORM_BYTES)),
        content_length=len(body) + MAX_FORM_BYTES,
        content_type="multipart/form-data; boundary=x",
    )
    assert answer.status_code == 413


def test_a_file_in_a_form_never_lies_in_a_temporary_folder(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Many systems keep that folder in memory."""
    seen = []
    save = FileStorage.save

    def look(file: FileStorage, path: Path) -> None:
        seen.append(Path(f"/proc/self/fd/{file.stream.fileno()}").readlink().parent)
        save(file, path)

    monkeypatch.setattr(FileStorage, "save", look)
    visitor.new_song(0.1)
    assert seen == [Path(app.instance_path) / "uploads"]


def test_a_visitor_has_a_share(settings: Settings, tiny_theme: str) -> None:
    app = make_app(replace(settings, visitor_mb=1))
    visitor = Visitor(app)
    sender = Sender(app, visitor._client)
    song_id = visitor.new_song(2.7)  # 0.45 MB
    visitor.new_song(2.7)
    full = "of the 1 MB that you may keep here: delete some of them, then try again."
    second = wav(music(2.0))
    assert sentence(visitor.upload(second)) == f"Your songs and films fill 0.91 MB {full}"
    assert sender.begin(len(second)).json["sentence"].endswith(full)
    assert Visitor(app).upload(second).status_code == 303, "everybody has their own"

    film_id = visitor.new_film(song_id)
    with app.app_context():
        service().storage.film(film_id).write_bytes(bytes(400_000))
    answer = visitor.post(f"/songs/{song_id}/film", film_fields())
    assert answer.status_code == 400
    assert sentence(answer).endswith(full)
    visitor.post(f"/films/{film_id}/cancel")
    assert sentence(visitor.post(f"/films/{film_id}/again")).endswith(full)
    visitor.post(f"/films/{film_id}/delete")
    assert visitor.post(f"/songs/{song_id}/film", film_fields()).status_code == 303


def test_unfinished_uploads_fill_a_share_as_they_promise(
    settings: Settings, tiny_theme: str
) -> None:
    sender = Sender(make_app(replace(settings, visitor_mb=1)))
    address = sender.begin(700_000).json["address"]
    assert "delete some" in sender.begin(700_001).json["sentence"]
    assert sender.begin(700_000).json["address"] == address, "what was begun goes on"
    sender.forget(address)
    assert sender.begin(700_001).status_code == 201
    assert "choose a shorter song" in sender.begin(1_500_000).json["sentence"]


def test_the_service_has_a_share_of_the_disk(settings: Settings, tiny_theme: str) -> None:
    app = make_app(replace(settings, disk_mb=1))
    assert Visitor(app).upload(wav(music(2.7))).status_code == 303
    answer = Visitor(app).upload(wav(music(2.7)))
    assert answer.status_code == 400
    assert sentence(answer) == (
        "Tonfilm has used up the 1 MB of the disk that it may fill: "
        "delete songs or films, then try again."
    )
    sender = Sender(app)
    assert "used up the 1 MB" in sender.begin(700_000).json["sentence"]
    assert sender.begin(1000).status_code == 201


def test_what_would_fill_the_disk_is_refused(
    app: Flask, visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    song_id = visitor.new_song(0.3)
    usage = shutil.disk_usage(app.instance_path)
    few = usage._replace(free=(256 << 20) + 100_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: few)
    sender = Sender(app, visitor._client)
    assert sender.begin(90_000).status_code == 201
    nearly_full = "The disk is nearly full: free some space, then try again."
    assert sender.begin(90_001).json == {"sentence": nearly_full}
    assert sentence(visitor.upload(SONG)) == nearly_full
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1000))
    assert sentence(visitor.post(f"/songs/{song_id}/film", film_fields())) == nearly_full
    assert not [path for path in (Path(app.instance_path) / "uploads").iterdir() if path.is_file()]
