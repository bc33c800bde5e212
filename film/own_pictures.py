"""A user's own picture in a recipe: what a theme has made of it, as text. No torch."""

import base64
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
# Beyond what any theme and canvas need; damaged or foreign text shall not fill the memory.
CanvasSide = Annotated[int, Field(ge=1, le=4096)]
Count = Annotated[int, Field(ge=1, le=4096)]
MAX_BYTES = 1 << 20  # of a latent as numbers


@dataclass(frozen=True, kw_only=True)
class Latent:
    """The numbers that a theme paints a picture from."""

    style: NDArray[np.float32]  # (D,)
    knots: NDArray[np.float32]  # (n_fields, n, m)


class OwnPicture(BaseModel):
    """A picture of the user's, as the stills of one theme paint it.

    The style is kept in float16 and the knots in whole steps of 8 bits: on photographs that moves
    their pixels by .001 of their range, .002 at most, and takes some 35 kB at 16:9.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(min_length=1, max_length=255)  # of its file
    weights: Digest  # of the stills that it was fitted to
    width: CanvasSide  # pixels of the canvas
    height: CanvasSide
    n_style: Count
    shape: tuple[Count, Count, Count]  # of the knots: fields, rows, columns
    step: float = Field(gt=0, le=1)  # of the knots' values
    latent: str  # base64 of deflated bytes: the style, little-endian, then the knots

    @model_validator(mode="after")
    def _check_latent(self) -> Self:
        self.unpack()
        return self

    def unpack(self) -> Latent:
        """Return the numbers.

        Raises
        ------
        ValueError
            They are damaged.
        """
        n_style, n_knots = 2 * self.n_style, int(np.prod(self.shape))
        raw = _inflate(self.latent, n_style + n_knots)
        style = np.frombuffer(raw[:n_style], "<f2").astype(np.float32)
        knots = np.frombuffer(raw[n_style:], np.int8).astype(np.float32).reshape(self.shape)
        if not np.isfinite(style).all():
            raise ValueError(_DAMAGED)
        return Latent(style=style, knots=knots * np.float32(self.step))


def pack(latent: Latent, about: Mapping[str, object]) -> OwnPicture:
    """Write a latent as text.

    Parameters
    ----------
    about : the picture's name and weights, and the width and height of its canvas
    """
    step = max(float(np.abs(latent.knots).max()) / 127, 1e-6)
    knots = np.rint(latent.knots / step).astype(np.int8)
    raw = latent.style.astype("<f2").tobytes() + knots.tobytes()
    values = {
        "n_style": len(latent.style),
        "shape": latent.knots.shape,
        "step": step,
        "latent": base64.b64encode(zlib.compress(raw, 9)).decode("ascii"),
    }
    return OwnPicture.model_validate({**about, **values})


_DAMAGED = "its numbers are damaged; give the picture itself again with --keyframes"


def _inflate(text: str, n_bytes: int) -> bytes:
    """Return the bytes that a text stands for, if they are whole and so many."""
    if n_bytes > MAX_BYTES:
        raise ValueError(_DAMAGED)
    inflater = zlib.decompressobj()
    try:
        raw = inflater.decompress(base64.b64decode(text, validate=True), n_bytes + 1)
    except (ValueError, zlib.error) as error:
        raise ValueError(_DAMAGED) from error
    if len(raw) != n_bytes or not inflater.eof:  # at the end stands a sum that is checked
        raise ValueError(_DAMAGED)
    return raw
