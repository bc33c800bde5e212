from numpy import float64
from numpy.typing import NDArray

def match_events(
    ref: NDArray[float64], est: NDArray[float64], window: float
) -> list[tuple[int, int]]: ...
