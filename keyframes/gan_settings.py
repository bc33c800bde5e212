"""How the generator of the stills and its critics learn."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class GanSettings:
    """How the GAN learns: R3GAN's loss (Huang et al. 2024), its penalties now and then."""

    n_batch: int = 16  # square pictures; a multiple of twice Critic.N_GROUP
    rate: float = 5e-4  # of learning, of the generator
    critics_rate: float = 3e-4
    copying: float = 100.0  # weight of painting known pictures
    alone: float = 0.35  # share of a training from nothing in which known pictures are all there is
    alone_rate: float = 8e-4  # of learning, in it
    alone_momentum: float = 0.9
    land: float = 0.2  # share of all, at first, with nothing but land, where there is any
    land_rate: float = 2e-3  # of learning, in it
    n_small: int = 32  # small pictures in a batch
    n_details: int = 128  # pictures of which a detail is painted, in a batch
    small: float = 0.6  # share of all, at first, with nothing but these, where there are any
    small_rate: float = 2e-3  # of learning, in it
    small_amounts: float = 0.4  # share of it from which they are copied by amounts
    amounts: float = 20.0  # weight of painting known pictures with land by amounts
    amounts_from: float = 0.4  # share of all from which they are copied so
    alone_on_land: float = 0.7  # in place of `alone`, where there is land or a warp
    hard_from: float = 0.3  # share of a training from which lines and ridges are as hard as told
    penalty: float = 0.5  # gamma of R1 and R2
    penalty_every: int = 8  # steps
    n_penalised: int = 16  # pictures of a batch; a multiple of twice Critic.N_GROUP
    half_life: int = 200  # steps, of the average generator
    bf16: bool = False  # convolve in bfloat16, a third faster where the processor knows it
