"""Train the network that hears beats, on made songs."""

import json
import time
from pathlib import Path

import click

from film.process import settle_process

CACHE = Path(".cache") / "hearing"
N_HELD_OUT = 48  # songs that show how far it is
SHOW_EVERY = 250  # steps


@click.command()
@click.option("--songs", default=400, show_default=True, help="To learn from, 30 s each.")
@click.option("--steps", default=2_600, show_default=True, help="Of learning.")
def main(songs: int, steps: int) -> None:
    """Train the beat network and write models/hearing/beats.onnx; python -m bench.beats judges it.

    Half an hour to an hour on one core, most of it for the songs, which are kept in .cache.
    """
    settle_process()
    # Torch takes seconds to load: not for --help.
    from hearing.examples import FIRST_SEED, HELD_OUT_SEED, load_examples  # noqa: PLC0415
    from hearing.export import export  # noqa: PLC0415
    from hearing.network import Form  # noqa: PLC0415
    from hearing.training import Settings, Training  # noqa: PLC0415
    from spectro.hearing import NETWORK  # noqa: PLC0415

    def tell(done: int, n: int) -> None:
        if done % 20 == 0:
            click.echo(f"song {done} of {n}")

    held_out = load_examples(CACHE, HELD_OUT_SEED, N_HELD_OUT, tell)
    training = Training(
        Form(), Settings(n_steps=steps), load_examples(CACHE, FIRST_SEED, songs, tell)
    )
    began_s = time.monotonic()
    with click.progressbar(range(steps), label="learning") as numbers:
        for step in numbers:
            training.step(step)
            if (step + 1) % SHOW_EVERY == 0:
                click.echo(f"  loss on songs held out: {training.measure(held_out):.4f}")
    export(training.average, NETWORK)
    facts = {
        "songs": songs,
        "steps": steps,
        "held_out_loss": round(training.measure(held_out), 4),
        "minutes": round((time.monotonic() - began_s) / 60, 1),
    }
    NETWORK.with_suffix(".json").write_text(json.dumps(facts, indent=2) + "\n", encoding="utf-8")
    click.echo(f"{NETWORK}: {json.dumps(facts)}")


if __name__ == "__main__":
    main()
