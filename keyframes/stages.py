"""The stages by which a theme's stills are learnt, each in a folder of its own beside the others.

pictures ─▶ codec/ ─▶ latents/ ─▶ gan/ ─▶ keyframes.safetensors
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric

from keyframes.codec_training import CodecSettings, CodecTraining
from keyframes.gan_training import GanSettings, GanTraining
from keyframes.latents import encode, measure
from keyframes.networks import Decoder, Encoder, Form
from keyframes.patches import Truth
from keyframes.stills import Networks, save_networks
from keyframes.training import Course, Pictures, Training, train
from pix2pix.run import Run

# How often the GAN sees square, wide and tall maps. Square is what galleries show; wide is what
# most films are.
LIKELY = (0.6, 0.25, 0.15)


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a theme's stills are learnt by."""

    form: Form
    codec: CodecSettings
    gan: GanSettings
    seed: int


@dataclass(frozen=True, kw_only=True)
class Workshop:
    """Where stages are trained, on what, and how."""

    folder: Path
    plan: Plan
    fabric: Fabric
    pictures: Sequence[Pictures]  # square, wide, tall: (n, 3, H, W) uint8
    base: Networks | None = None  # what both stages begin with, instead of drawn weights

    def train_codec(self, course: Course) -> bool:
        """Train the codec; return whether its budget is spent.

        Raises
        ------
        FileExistsError, FileNotFoundError
            The stage has been begun already and is not resumed, or the reverse.
        ValueError
            It was begun with another plan.
        pix2pix.run.Diverged
            A loss or a weight is NaN or infinite.
        """
        return self._train("codec", self._codec(), course)

    def train_gan(self, course: Course) -> bool:
        """Encode the pictures, then train the GAN; return whether its budget is spent.

        Raises
        ------
        FileExistsError, FileNotFoundError, ValueError
            As with `train_codec`.
        pix2pix.weights.BrokenWeights
            The codec has not been trained, and there is no base.
        pix2pix.run.Diverged
            A loss or a weight is NaN or infinite.
        """
        return self._train("gan", self._gan(), course)

    def export(self, path: Path) -> str:
        """Write what both stages have come to; return the file's SHA-256."""
        encoder, decoder = self._trained_codec()
        gan = self._gan()
        gan.restore(self._run("gan").load()["training"])
        networks = Networks(
            form=self.plan.form,
            encoder=encoder,
            decoder=decoder,
            generator=gan.average,
            statistics=gan.truth.statistics,
        )
        return save_networks(path, networks)

    def _run(self, stage: str) -> Run:
        return Run(self.folder / stage)

    def _train(self, stage: str, training: Training, course: Course) -> bool:
        run = self._run(stage)
        plan = asdict(self.plan)
        plan = {name: plan[name] for name in ("form", stage, "seed")}
        if course.resumed and {name: run.plan.get(name) for name in plan} != plan:
            raise ValueError(f"{run.folder} was begun with other settings; repeat those to resume.")
        if self.fabric.is_global_zero and not course.resumed:
            Run.create(run.folder, plan)
        return train(training, run, self.fabric, course)

    def _codec(self) -> CodecTraining:
        plan = self.plan
        codec = CodecTraining(self.fabric, plan.form, plan.codec, self.pictures, plan.seed)
        if self.base is not None:
            codec.begin_with(self.base.encoder, self.base.decoder)
        return codec

    def _gan(self) -> GanTraining:
        plan = self.plan
        gan = GanTraining(self.fabric, plan.form, plan.gan, self._truth(), plan.seed)
        if self.base is not None:
            gan.begin_with(self.base.generator)
        return gan

    def _trained_codec(self) -> tuple[Encoder, Decoder]:
        """Return what the codec's stage has come to; without one, the base's."""
        run = self._run("codec")
        if self.base is not None and not run.has_checkpoint:
            return self.base.encoder, self.base.decoder
        trained = run.load()["training"]
        encoder, decoder = Encoder(self.plan.form), Decoder(self.plan.form)
        encoder.load_state_dict(trained["average_encoder"])
        decoder.load_state_dict(trained["average_decoder"])
        return encoder, decoder

    def _truth(self) -> Truth:
        """Encode all pictures by the trained codec, once."""
        encoder, decoder = self._trained_codec()
        encoder.to(self.fabric.device)
        folder = self.folder / "latents"
        paths = [folder / ("x".join(map(str, array.shape)) + ".npy") for array in self.pictures]
        folder.mkdir(parents=True, exist_ok=True)
        with self.fabric.rank_zero_first():
            for path, array in zip(paths, self.pictures, strict=True):
                if not path.exists():
                    encode(path, encoder, array, self.fabric)
        maps = [np.load(path, mmap_mode="r") for path in paths]
        return Truth(maps=maps, likely=LIKELY, statistics=measure(maps[0]), decoder=decoder)
