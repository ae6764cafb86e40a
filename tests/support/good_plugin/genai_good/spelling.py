import math

import numpy as np

from genai_core import BadInput, Metric, Report


def pairs(word):
    return set(zip("^" + word, word + "$", strict=True))


class Spelling:
    def __init__(self, config):
        self.config = config

    def evaluate(self, items, reference, ctx):
        if not len(items):
            raise BadInput("items", "there is nothing to evaluate")
        if reference is None:
            raise BadInput("reference", "spelling needs words to compare with")
        known = set().union(*(pairs(word) for word in reference))
        shares = sorted(len(pairs(word) & known) / len(pairs(word)) for word in items)
        lengths = sorted(len(word) for word in items)
        usual = np.mean([len(word) for word in reference])
        share, gap = float(np.mean(shares)), abs(float(np.mean(lengths)) - float(usual))
        spread = float(np.std(shares)) / math.sqrt(len(shares))
        metrics = [
            Metric(name="pairs", value=share, direction="higher", low=share - spread, high=share + spread),
            Metric(name="length", value=gap, direction="lower"),
        ]
        return Report(evaluator="good/spelling", metrics=metrics)
