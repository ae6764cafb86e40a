import click

from genai_core import Finding, Model
from genai_good.artifact import Words


class Shout(Model):
    """Needs no weights: writes words in capitals, and says what echoes."""

    def transform(self, items, ctx):
        for artifact in items:
            yield Words([word.upper() for word in artifact.words])

    def predict(self, past, horizon, ctx):
        rng = ctx.rng("echo")
        for _ in range(horizon):
            yield Words([str(rng.choice(past.words))])


def loud_enough():
    yield Finding("ok", "volume", "loud enough")


@click.command()
def hush():
    """Say nothing."""
