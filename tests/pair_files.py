"""Folders of pairs as a ripping leaves them, of noise."""

from pathlib import Path

import numpy as np
from PIL import Image

from training_data.pair_index import Entry, Index


def write_pairs(folder: Path, videos: dict[str, int], *, side: int = 256) -> None:
    """Write so many pairs of each video; the upper left pixels of a pair hold its number."""
    rng = np.random.default_rng(0)
    index = Index(folder)
    for video, n in videos.items():
        entries = []
        for number in range(n):
            entry = Entry(
                name=f"{Path(video).stem}-{number:03}",
                video=video,
                time_s=number * 1.5,
                frame=number * 45,
                fps="30",
                white_db=-30.0,
                n_bytes=1,
                modified_ns=1,
            )
            spectrogram = rng.integers(0, 256, (256, 256), dtype=np.uint8)
            frame = rng.integers(0, 256, (side, side, 3), dtype=np.uint8)
            spectrogram[0, 0] = frame[0, 0] = index.n_pairs + number
            for path, picture in (
                (entry.spectrogram(folder), spectrogram),
                (entry.picture(folder), frame),
            ):
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(path)
            entries.append(entry)
        index.put(video, entries)
