"""Frames from a user's own pictures, decided by the sound."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from pix2pix.run import seeded
from spectro.errors import TonfilmError
from tests.made_pictures import motif, slope
from training_data import camera, characters, pairs
from training_data.collage import N_ANCHORS, Collage, weigh
from training_data.pairs import MadePairs


@pytest.fixture(scope="module")
def collage(tmp_path_factory: pytest.TempPathFactory) -> Collage:
    """Return a collage of 30 pictures."""
    folder = tmp_path_factory.mktemp("pictures")
    for seed in range(30):
        motif(seed, 240, 160).save(folder / f"{seed:02}.png")
    return Collage(sorted(folder.iterdir()))


def hear(*, level: float = 0.5, low: int = 0, high: int = 120) -> Tensor:
    """Return a held band of noiseless sound between two rows counted from the lowest."""
    picture = torch.zeros(1, 256, 256)
    picture[:, 256 - high : 256 - low] = level
    return picture


def shoot(**named: float) -> camera.Shot:
    """Return one shot, in the middle of all that is not named."""
    middle = dict.fromkeys(camera.NAMES, 0.5) | {"glow": 0.0, "blur": 0.0}
    return camera.Shot(**{name: torch.tensor([x]) for name, x in (middle | named).items()})


def to_tensor(image: Image.Image) -> Tensor:
    return torch.frombuffer(bytearray(image.tobytes()), dtype=torch.uint8).view(
        image.height, image.width, 3
    ).permute(2, 0, 1)  # fmt: skip


def test_a_frame_is_the_same_alone_and_in_company_and_whoever_asks(collage: Collage) -> None:
    sounds = (
        torch.rand(40, 256, 256, generator=seeded(0)) * torch.linspace(0.1, 1, 40)[:, None, None]
    )
    vectors = collage.direct(sounds)
    together = collage.paint(vectors[8:12], 48, 64)
    assert together.shape == (4, 3, 48, 64)
    assert 0 <= together.min() < together.max() <= 1
    alone = collage.direct(sounds[9:10])
    torch.testing.assert_close(alone, vectors[9:10])
    torch.testing.assert_close(collage.paint(alone, 48, 64), together[1:2])


def test_loud_is_light_and_low_is_warm(collage: Collage) -> None:
    sounds = torch.cat([
        hear(level=0.25), hear(level=0.85), hear(level=0.6, high=8), hear(level=0.6, low=60)
    ])  # fmt: skip
    quiet, loud, low, high = collage.paint(collage.direct(sounds), 64, 64)
    assert loud.mean() > quiet.mean() + 0.2
    assert (low[0] - low[2]).mean() > (high[0] - high[2]).mean() + 0.2
    frames = torch.stack((quiet, loud, low, high)).flatten(1)
    apart = torch.cdist(frames, frames, p=1) / frames.shape[1] + torch.eye(4)
    assert apart.min() > 0.08


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("n", [1, 2, 5])
def test_few_pictures_silence_and_full_scale_are_cases(
    tmp_path: Path, n: int, level: float
) -> None:
    paths = [tmp_path / f"{seed}.png" for seed in range(n)]
    for path in paths:
        Image.new("RGB", (64, 64), "teal").save(path)  # all alike: none is nearer than another
    small = Collage(paths)
    vectors = small.direct(torch.full((1, 256, 256), level))
    torch.testing.assert_close(vectors[:, :n].sum(1), torch.ones(1))
    assert small.paint(vectors, 32, 32).isfinite().all()


def test_two_or_so_anchors_share_a_frame_and_none_comes_or_goes_at_once(collage: Collage) -> None:
    # From quiet to loud, falling towards the highs as music does, now less and now more.
    patches = torch.rand(6, 1, 9, 12, generator=seeded(1))
    fall = torch.linspace(0.02, 1, 9)[:, None] ** torch.tensor([0.5, 1.4] * 3)[:, None, None, None]
    levels = torch.linspace(0.4, 1.6, 6)[:, None, None, None]
    ends = F.interpolate(levels * fall * patches, (256, 256), mode="bilinear")[:, 0]

    def walk(n: int) -> Tensor:
        share = torch.linspace(0, 1, n)[:, None, None]
        return torch.cat(
            [collage.direct(torch.lerp(a[None], b[None], share)) for a, b in pairwise(ends)]
        )

    weights = walk(50)[:, :N_ANCHORS]
    assert 1.2 < (1 / weights.square().sum(1)).mean() < 3
    assert (weights > 0.02).sum(1).max() <= 3
    assert (weights.max(0).values > 0.3).sum() >= 5  # not always the same ones
    # A quarter of the step makes a quarter of the change, or so: a jump would stay.
    coarse, fine = ((w[1:] - w[:-1]).abs().max() for w in (walk(50), walk(200)))
    assert fine < 0.4 * coarse


def test_anchors_equally_near_weigh_the_same() -> None:
    torch.testing.assert_close(weigh(torch.full((2, 6), 0.4)), torch.full((2, 6), 1 / 6))


def test_an_anchor_shows_as_much_as_it_weighs(tmp_path: Path) -> None:
    for name in ("navy", "maroon"):
        Image.new("RGB", (64, 64), name).save(tmp_path / f"{name}.png")
    collage = Collage(sorted(tmp_path.iterdir()))
    vectors = collage.direct(hear()).expand(4, -1).clone()
    vectors[:, 0] = torch.tensor([0.0, 0.001, 0.5, 1.0])
    vectors[:, 1] = 1 - vectors[:, 0]
    without, trace, half, alone = collage.paint(vectors, 32, 32)
    assert 0 < (trace - without).abs().max() < 0.03
    leans = [(frame[0] - frame[2]).mean() for frame in (without, half, alone)]
    assert min(leans[0], leans[2]) + 0.1 < leans[1] < max(leans[0], leans[2]) - 0.1


def test_the_anchors_are_those_most_unlike_each_other() -> None:
    crowd = 0.5 + 0.01 * torch.rand(50, 2, generator=seeded(2))
    corners = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    chosen = characters.choose_unlike(torch.cat((crowd, corners)), 5)
    assert chosen[0] < 50
    assert sorted(chosen[1:]) == [50, 51, 52, 53]
    assert sorted(characters.choose_unlike(torch.zeros(6, 2), 4)) == [0, 1, 2, 3]
    assert sorted(characters.choose_unlike(crowd, 99)) == list(range(50))


def _chequer(squares: int) -> Tensor:
    board = torch.arange(squares)[:, None] + torch.arange(squares)
    return (100 + 100 * (board % 2)).repeat_interleave(96 // squares, 0).repeat_interleave(
        96 // squares, 1
    ).expand(3, -1, -1).byte()  # fmt: skip


def _plain(*colour: int) -> Tensor:
    return torch.tensor(colour, dtype=torch.uint8)[:, None, None].expand(3, 80, 120)


@pytest.mark.parametrize(
    ("name", "less", "more"),
    [
        ("light", _plain(90, 90, 90), _plain(160, 160, 160)),
        ("warm", _plain(60, 90, 200), _plain(200, 140, 60)),
        ("warm", _plain(130, 60, 200), _plain(200, 60, 60)),  # violet, and red
        ("detail", _chequer(2), _chequer(24)),
        ("contrast", _plain(150, 150, 150), _chequer(4)),
        ("colour", _plain(120, 130, 120), _plain(20, 200, 20)),
    ],
)
def test_characters_are_what_a_viewer_says(name: str, less: Tensor, more: Tensor) -> None:
    one, other = (getattr(characters.measure(p[None]), name) for p in (less, more))
    assert other > one + 0.02


def test_ranks_spread_any_pictures_evenly() -> None:
    nights = 0.01 * torch.rand(7, 5, generator=seeded(3))
    places = characters.rank(nights)
    assert torch.equal(places.argsort(dim=0), nights.argsort(dim=0))
    torch.testing.assert_close(places.sort(dim=0).values[:, 0], (torch.arange(7) + 0.5) / 7)


@pytest.mark.parametrize("shape", [(64, 64), (48, 96), (96, 48)])
def test_the_camera_stretches_nothing_and_stays_inside(shape: tuple[int, int]) -> None:
    across = torch.linspace(0, 1, 300)[None].expand(200, -1)
    down = torch.linspace(0, 2 / 3, 200)[:, None].expand(-1, 300)
    picture = torch.stack((across, down, across))
    for pan in (0.0, 1.0):
        seen = camera.take(picture, shoot(pan=pan, zoom=0.3), *shape)[0]
        per_pixel = (seen[0, 0, 40] - seen[0, 0, 4]) / 36
        torch.testing.assert_close(
            (seen[1, 40, 0] - seen[1, 4, 0]) / 36, per_pixel, rtol=0.01, atol=0
        )
        assert (seen[0].diff(dim=1) > 0).all()  # no border is repeated
    whole, near = (camera.take(picture, shoot(zoom=zoom), *shape)[0, 0] for zoom in (0.0, 1.0))
    assert near.max() - near.min() < 0.8 * (whole.max() - whole.min())


def _colourfulness(frame: Tensor) -> Tensor:
    return (frame.amax(1) - frame.amin(1)).mean()


def _lean(frame: Tensor) -> Tensor:
    return (frame[:, 0] - frame[:, 2]).mean()


def _sharpness(frame: Tensor) -> Tensor:
    return frame.diff(dim=3).abs().mean()


@pytest.mark.parametrize(
    ("name", "measure"),
    [
        ("exposure", torch.mean),
        ("contrast", torch.std),
        ("saturation", _colourfulness),
        ("warmth", _lean),
        ("glow", torch.mean),
        ("blur", lambda frame: -_sharpness(frame)),
    ],
)
@pytest.mark.parametrize("tone", [0.3, 1.0])
def test_each_control_of_the_development_shows(
    name: str, measure: Callable[[Tensor], Tensor], tone: float
) -> None:
    picture = to_tensor(motif(3, 96, 96))[None].float() / 255 * tone
    less, half, more = (
        measure(camera.develop(picture, shoot(**{name: x}))) for x in (0.0, 0.5, 1.0)
    )
    assert less < half < more
    assert more - less > 0.02 * abs(less)


def test_pairs_can_be_made_from_a_collage(
    collage: Collage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pairs, "SHAPES", {(32, 64): 6})
    monkeypatch.setattr(pairs, "N_SONGS", 1)
    monkeypatch.setattr(pairs, "SONG_S", 2.0)
    made = MadePairs(collage, tmp_path)
    made.prepare()
    batch = made.batch(seeded(0), 3, 32, 64)
    expected = collage.paint(collage.direct(batch.spectrograms[:, 0]), 32, 64)
    torch.testing.assert_close(batch.frames, expected, atol=0.6 / 255, rtol=0)


def test_a_picture_that_is_gone_is_one_sentence(tmp_path: Path) -> None:
    slope().save(tmp_path / "here.png")
    with pytest.raises(TonfilmError, match=r"gone\.png can no longer be read"):
        Collage([tmp_path / "here.png", tmp_path / "gone.png"])
