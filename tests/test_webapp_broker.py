"""The messages that wake workers."""

from pathlib import Path
from queue import Empty

import pytest
from kombu import Connection
from kombu.transport.filesystem import Channel


@pytest.fixture
def channel(tmp_path: Path) -> Channel:
    """Return a channel to an empty folder."""
    folder = str(tmp_path)
    options = {"data_folder_in": folder, "data_folder_out": folder, "control_folder": folder}
    connection = Connection(transport="webapp.broker:Transport", transport_options=options)
    return connection.channel()


def test_a_message_is_taken_once_and_in_order(channel: Channel) -> None:
    for n in range(20):
        channel._put("jobs", {"n": n})
    assert [channel._get("jobs")["n"] for _ in range(20)] == list(range(20))
    with pytest.raises(Empty):
        channel._get("jobs")


def test_nobody_takes_half_a_message(channel: Channel) -> None:
    """While a message is being written, a worker looks."""
    looked = []

    class Slow:
        def __json__(self) -> str:
            with pytest.raises(Empty):
                channel._get("jobs")
            looked.append("yes")
            return "whole"

    channel._put("jobs", {"text": Slow()})
    assert looked == ["yes"]
    assert channel._get("jobs") == {"text": "whole"}


def test_a_message_for_another_queue_stays(channel: Channel) -> None:
    channel._put("films", {"n": 1})
    with pytest.raises(Empty):
        channel._get("jobs")
    assert channel._get("films") == {"n": 1}


def test_what_a_power_cut_has_emptied_is_passed_over(channel: Channel, tmp_path: Path) -> None:
    (tmp_path / "0_lost.jobs.msg").touch()
    channel._put("jobs", {"n": 1})
    assert channel._get("jobs") == {"n": 1}
    (tmp_path / "jobs.exchange").touch()
    channel._queue_bind("jobs", "jobs", "", "jobs")
    assert [tuple(entry) for entry in channel.get_table("jobs")] == [("jobs", "", "jobs")]


def test_messages_go_nowhere_else(
    channel: Channel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "nowhere"))
    channel._put("jobs", {"n": 1})
    assert channel._get("jobs") == {"n": 1}
    assert list(tmp_path.iterdir()) == []
