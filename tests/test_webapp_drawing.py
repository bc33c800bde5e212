"""What the page draws of a song."""

import pytest

from webapp.curves import Analysis, Curve
from webapp.drawing import HEIGHT, N_SHADES, WIDTH, draw


def _analysis(**changes: object) -> Analysis:
    values = {
        "duration_s": 80.0,
        "tempo_bpm": 120.0,
        "beats_s": (0.0, 40.0),
        "downbeats_s": (0.0,),
        "lowest": (-1.0, 0.0),
        "highest": (1.0, 0.0),
        "curves": (Curve(name="Loudness", group="level", points=(0.0, 1.0)),),
    }
    return Analysis.model_validate(values | changes)


def test_parts_lie_along_the_song_and_are_alike_where_they_come_again() -> None:
    parts = draw(_analysis(sections_s=(0.0, 20.0, 60.0), section_kinds=(0, 1, 0))).sections
    assert [(part.x, part.width) for part in parts] == [(0, 250), (250, 500), (750, 250)]
    assert parts[0].shade == parts[2].shade != parts[1].shade
    assert [part.words for part in parts] == [
        "Part A, 0:00 to 0:20",
        "Part B, 0:20 to 1:00",
        "Part A, 1:00 to 1:20",
    ]


def test_many_kinds_of_parts_have_shades_and_names() -> None:
    starts = tuple(float(start) for start in range(30))
    kinds = tuple(range(30))
    parts = draw(_analysis(sections_s=starts, section_kinds=kinds)).sections
    assert {part.shade for part in parts} == set(range(N_SHADES))
    assert parts[26].words.startswith("Part A,")


@pytest.mark.parametrize("sections_s", [(), (0.0,)])
def test_a_song_of_one_part_shows_none(sections_s: tuple[float, ...]) -> None:
    kinds = (0,) * len(sections_s)
    assert draw(_analysis(sections_s=sections_s, section_kinds=kinds)).sections == ()


def test_an_analysis_from_before_there_were_parts_is_drawn() -> None:
    drawing = draw(
        Analysis.model_validate_json(_analysis().model_dump_json(exclude={"sections_s"}))
    )
    assert drawing.sections == ()
    assert drawing.beats == f"M0.0 {HEIGHT}v-4M{WIDTH / 2} {HEIGHT}v-4"
