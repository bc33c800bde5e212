"""What a training run of pix2pix is made of."""

from dataclasses import dataclass, field

from pix2pix.networks import UNetConfig


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What a training run is made of, but for its pairs; the defaults are the paper's.

    The batch is larger than the paper's single pair, since painting uses the running
    statistics of batch norm: a frame must not depend on the frames beside it.

    Raises
    ------
    ValueError
        A field is out of its range.
    """

    unet: UNetConfig = field(default_factory=UNetConfig)
    judge_width: int = 64  # channels of the judge after its first halving
    seed: int = 0
    batch: int = 8  # square pairs a step on each device; a wide or tall one counts as two
    learning_rate: float = 2e-4
    l1_weight: float = 100.0  # beside the adversarial loss's 1
    contrast_weight: float = 0.0  # of the strength of fine detail in each part of a frame
    # Not where a network is there to begin with: what its encoder hears, beside the ear, is worth
    # the same to any theme, and the decoder alone takes three fifths of the time of a step.
    encoder_learns: bool = True
    told_weight: float = 20.0  # of the numbers behind true frames, where they are known
    # Share of the budget in which the ear alone learns to tell those numbers, before the rest
    # paints by it: that takes a twentieth of the time for each picture that is heard.
    listen_until: float = 0.0
    listening_rate: float = 2e-3  # of learning, in it
    # Shares of the budget. Until the first, batch norm takes each batch's own statistics, which
    # keeps a large rate from tipping over, but blurs what is loud or low against the other pairs
    # of the batch; from then on it keeps the averages that painting uses. Until the second, L1
    # alone teaches the painter, at twice the speed.
    settle_from: float = 1.0
    judge_from: float = 0.0
    unsettled_rate: float = 1e-3  # learning rate while L1 teaches alone and nothing is settled
    average_half_life: int = 300  # steps
    bf16: bool = False  # convolve in bfloat16; weights and losses stay float32

    def __post_init__(self) -> None:
        if self.judge_width < 1:
            raise ValueError(f"judge_width must be 1 or more, not {self.judge_width}.")
        if self.batch < 2 or self.batch % 2:
            raise ValueError(f"batch must be even, 2 or more, not {self.batch}.")
        if self.learning_rate <= 0 or self.average_half_life < 1:
            raise ValueError("learning_rate and average_half_life must be above 0.")
        if self.l1_weight < 0 or self.contrast_weight < 0:
            raise ValueError("l1_weight and contrast_weight must be 0 or more.")
        for name in ("settle_from", "judge_from", "listen_until"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must lie in [0, 1].")
        if self.unsettled_rate <= 0:
            raise ValueError("unsettled_rate must be above 0.")
