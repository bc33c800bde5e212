"""What memory may refuse, in plain words."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from spectro.errors import TonfilmError


@contextmanager
def plain_memory_errors() -> Iterator[None]:
    """Turn a lack of memory, of the machine or of its graphics card, into a sentence."""
    try:
        yield
    except (MemoryError, torch.OutOfMemoryError) as error:
        raise TonfilmError(_SENTENCE) from error
    except RuntimeError as error:
        # Where the machine's own memory ends, torch has no class of error for it.
        if "allocate memory" not in str(error):
            raise
        raise TonfilmError(_SENTENCE) from error


_SENTENCE = (
    "There is too little memory: close other programs, or train with a smaller --size or --width; "
    "what is done is kept."
)
