"""Write the beat network as ONNX, for `spectro.hearing` to run without torch."""

import contextlib
import io
import warnings
from pathlib import Path

import onnx
import torch
from torch.export import Dim

from hearing.network import BeatNetwork, Likelihoods


def export(network: BeatNetwork, path: Path) -> None:
    """Write a network that maps `bands` (1, n, n_bands) to `likely` (1, n, 2) for any n.

    The file appears whole or not at all.
    """
    bands = torch.zeros(1, 2_000, network.form.n_bands)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")  # the exporter warns of its own parts
        torch.onnx.export(
            Likelihoods(network).eval(),
            (bands,),
            partial,
            input_names=["bands"],
            output_names=["likely"],
            dynamic_shapes=({1: Dim("n", min=1, max=100_000)},),
            external_data=False,
        )
    _forget_origins(partial)
    partial.replace(path)


def _forget_origins(path: Path) -> None:
    """Take out the exporter's notes on which lines of which files each part came from."""
    model = onnx.load(path)
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.initializer, *graph.value_info):
        del part.metadata_props[:]
        part.doc_string = ""
    path.write_bytes(model.SerializeToString())
