from numpy import float64
from numpy.typing import NDArray

def f_measure(
    reference_beats: NDArray[float64],
    estimated_beats: NDArray[float64],
    f_measure_threshold: float = ...,
) -> float: ...
def continuity(
    reference_beats: NDArray[float64], estimated_beats: NDArray[float64]
) -> tuple[float, float, float, float]: ...
