"""Routes from what is heard to what is seen, in films that have just one."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from made_films import MadeFilm
from scipy.ndimage import gaussian_filter, map_coordinates

from measures.flow import estimate_growth
from measures.report import measure_film

RATE = 44_100
DURATION_S = 12.0
TIMES_S = np.arange(round(DURATION_S * RATE)) / RATE
NO_BEATS = np.zeros(0)


def swell(time_s: np.ndarray | float) -> np.ndarray | float:
    """Rise and fall between 0 and 1, never twice alike."""
    return 0.5 + 0.25 * (np.sin(1.3 * time_s) + np.sin(2.9 * time_s + 1))


def noise_with_swelling_level() -> np.ndarray:
    noise = 0.2 * np.random.default_rng(0).standard_normal(len(TIMES_S)).clip(-3, 3)
    return noise * 10 ** (-1.5 * (1 - swell(TIMES_S)))


def tone_with_rising_pitch() -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * np.cumsum(300 * 8 ** swell(TIMES_S)) / RATE)


def texture() -> np.ndarray:
    """Make a smooth pattern without end."""
    noise = np.random.default_rng(3).standard_normal((120, 200))
    pattern = gaussian_filter(noise, 3, mode="wrap")
    return 128 + 40 * pattern / pattern.std()


def zoomed(scale: float, height: int = 54, width: int = 96) -> np.ndarray:
    y, x = np.mgrid[:height, :width].astype(float)
    y, x = (y - (height - 1) / 2) / scale, (x - (width - 1) / 2) / scale
    return map_coordinates(texture(), [y + 60, x + 100], order=1, mode="grid-wrap").clip(0, 255)


@pytest.mark.parametrize(
    ("sound", "paint", "heard", "sight"),
    [
        (noise_with_swelling_level, lambda t: 40 + 170 * swell(t), "level", "luma"),
        (
            noise_with_swelling_level,
            lambda t: np.array([128, 128 - 90 * swell(t), 128 - 90 * swell(t)]),
            "level",
            "saturation",
        ),
        (
            tone_with_rising_pitch,
            lambda t: np.array([60 + 120 * swell(t), 90, 180 - 120 * swell(t)]),
            "centroid",
            "hue",
        ),
        (
            noise_with_swelling_level,
            lambda t: 128 + (texture()[:54, :96, None] - 128) * swell(t),
            "level",
            "contrast",
        ),
        (
            noise_with_swelling_level,
            lambda t: zoomed(1 + 0.25 * swell(t))[..., None],
            "level",
            "zoom",
        ),
    ],
    ids=["luma", "saturation", "hue", "contrast", "zoom"],
)
def test_a_route_is_found(
    tmp_path: Path,
    sound: Callable[[], np.ndarray],
    paint: Callable[[float], np.ndarray],
    heard: str,
    sight: str,
) -> None:
    film = MadeFilm(paint=paint, fps=24, sound=sound())
    routes = measure_film(film.write(tmp_path / "film.mp4"), NO_BEATS, None).routes
    assert routes.r[heard][sight] > 0.85
    assert routes.by_chance is not None
    assert routes.r[heard][sight] > routes.by_chance[heard][sight]
    assert all(-1.001 <= r <= 1.001 for row in routes.r.values() for r in row.values())


@pytest.mark.parametrize("growth", [-0.02, 0.0, 0.005, 0.02])
def test_growth_is_told_from_everything_else(growth: float) -> None:
    before, after = (zoomed(scale, 36, 64).astype(np.float32) for scale in (1.0, 1 + growth))
    assert estimate_growth(before, after) == pytest.approx(growth, abs=0.002)
    lighter = 0.8 * after + 30
    assert estimate_growth(before, lighter) == pytest.approx(growth, abs=0.003)
    shifted = np.roll(before, 1, axis=1)
    assert abs(estimate_growth(before[2:-2, 2:-2], shifted[2:-2, 2:-2])) < 0.003


def test_growth_of_nothing_is_none() -> None:
    grey = np.full((36, 64), 90, np.float32)
    assert estimate_growth(grey, grey) == 0
    assert abs(estimate_growth(grey, grey + 50)) < 0.001
