"""Train a theme with everything small: `python tests/small_training.py NAME …` is the command.

For what needs processes of its own: kills, and several devices.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from film.process import settle_process

settle_process()

import torch  # noqa: E402, after the threads are settled

import keyframes.gan_settings  # noqa: E402
import keyframes.gan_training  # noqa: E402
import pix2pix.loop  # noqa: E402
import themes.sources  # noqa: E402
import themes.training  # noqa: E402
import training_data.pairs  # noqa: E402
from keyframes.form import Form  # noqa: E402

FORM = Form(width=16, n_noise=32, n_style=32, whole_width=16, detail_width=16)


def shrink(change: Callable[[object, str, object], None], batch: int = 16) -> None:
    """Shrink networks, pictures and pairs; `change` is `setattr` or a monkeypatch's."""
    change(themes.sources, "N_SQUARE", 32)
    change(themes.sources, "N_WIDE", 16)
    change(themes.sources, "N_TALL", 16)
    change(themes.training, "N_JUDGED", 16)
    change(themes.training, "Form", lambda: FORM)
    gan = keyframes.gan_settings.GanSettings(
        n_batch=batch, n_small=batch // 2, n_details=batch // 2, penalty_every=2, n_penalised=batch
    )
    change(themes.training, "GanSettings", lambda bf16: replace(gan, bf16=bf16))
    small = replace(themes.training.PIX2PIX, judge_width=2, batch=batch // 8)
    change(themes.training, "PIX2PIX", small)
    change(keyframes.gan_training, "N_MEASURED", 16)
    change(keyframes.gan_training, "sheet", lambda _: torch.zeros(3, 8, 8))
    change(pix2pix.loop, "LOG_EVERY", 1)
    change(pix2pix.loop, "SAVE_EVERY_S", 0.0)  # after every step
    change(training_data.pairs, "SHAPES", {(256, 256): 12})
    change(training_data.pairs, "HELD_OUT_SHAPES", {(256, 256): 4})
    change(training_data.pairs, "N_SONGS", 1)
    change(training_data.pairs, "N_HELD_OUT_SONGS", 1)
    change(training_data.pairs, "SONG_S", 2.0)


if __name__ == "__main__":
    from scripts.train_theme import main

    torch.set_num_threads(1)
    shrink(setattr, int(os.environ.get("SMALL_BATCH", "16")))
    main()
