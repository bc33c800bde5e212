from subprocess import Popen
from typing import Any

import numpy as np
from numpy.typing import NDArray

class FFMPEG_VideoReader:  # noqa: N801, MoviePy's name
    proc: Popen[bytes] | None
    infos: dict[str, Any]
    fps: float
    duration: float
    pos: int
    last_read: NDArray[np.uint8]
    def __init__(
        self,
        filename: str,
        *,
        decode_file: bool = True,
        target_resolution: tuple[int, int] | None = None,
        fps_source: str = "fps",
    ) -> None: ...
    def skip_frames(self, n: int = 1) -> None: ...
    def read_frame(self) -> NDArray[np.uint8]: ...
    def close(self, *, delete_lastread: bool = True) -> None: ...
