from subprocess import Popen

import numpy as np
from numpy.typing import NDArray

class FFMPEG_AudioReader:  # noqa: N801, MoviePy's name
    proc: Popen[bytes] | None
    def __init__(
        self,
        filename: str,
        buffersize: int,
        *,
        decode_file: bool = False,
        fps: int = 44100,
        nbytes: int = 2,
    ) -> None: ...
    def initialize(self, start_time: float = 0) -> None: ...
    def read_chunk(self, chunksize: int) -> NDArray[np.float64]: ...
    def close(self) -> None: ...
