import numpy as np
from numpy.typing import NDArray

def detection(
    reference_intervals: NDArray[np.float64],
    estimated_intervals: NDArray[np.float64],
    window: float = ...,
    beta: float = ...,
    trim: bool = ...,
) -> tuple[float, float, float]: ...
def pairwise(
    reference_intervals: NDArray[np.float64],
    reference_labels: list[str],
    estimated_intervals: NDArray[np.float64],
    estimated_labels: list[str],
) -> tuple[float, float, float]: ...
