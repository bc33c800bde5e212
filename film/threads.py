"""The processor's threads: what must be settled before torch is imported."""

import os


def settle_threads() -> None:
    """Let torch's waiting threads sleep; call it before torch is first imported.

    By default they spin while they wait. Beside another busy process (the encoder, a second
    worker) each then keeps a core from the one that has work: a small network went from 6 ms to
    560 ms. OpenMP reads the setting once, when it is loaded; a setting that stands is kept.
    """
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
