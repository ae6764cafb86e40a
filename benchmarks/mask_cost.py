"""What the grammar mask costs in likelihood and gains in validity, on the shipped weights.

    python benchmarks/mask_cost.py [--molecules 500] [--samples 5000]

Cost: the mask moves the probability of forbidden tokens to the allowed ones. At every position of a real
test molecule the share of forbidden tokens is summed up as -log(1 - share): the nats by which a masked
model's likelihood of that molecule differs, which is the divergence of the masked from the plain model
along it. Tokens below a probability of 1e-5 count as allowed.
"""

from __future__ import annotations

import argparse
import math

import torch
from rdkit import Chem, RDLogger

import genai_core as genai
from genai_core.protocols import Context
from genai_core.running.models import load_model
from genai_molecules.config import SamplingConfig
from genai_molecules.grammar import Walk
from genai_molecules.tokens import END

RDLogger.DisableLog("rdApp.*")


def nats_moved(model, smiles):
    """Nats for one molecule; None when the grammar does not write it."""
    import numpy as np

    tokens = model.collate([smiles], np.random.default_rng(0))["tokens"]
    with torch.inference_mode():
        probabilities = model.net(tokens[:, :-1])[0][0].softmax(1)
    walk, nats = Walk(), 0.0
    for row, token in zip(probabilities, tokens[0, 1:].tolist(), strict=True):
        likely = (row > 1e-5).nonzero()[:, 0].tolist()
        forbidden = sum(float(row[other]) for other in likely if not walk.copy().push(other))
        nats -= math.log1p(-min(forbidden, 1 - 1e-9))
        if not walk.push(token):
            return None
        if token == END:
            return nats
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--molecules", type=int, default=500, help="real molecules to measure the cost on")
    parser.add_argument("--samples", type=int, default=5000, help="molecules to draw for the validity")
    arguments = parser.parse_args()
    molecules, samples = arguments.molecules, arguments.samples
    torch.set_num_threads(1)
    model = load_model("molecules/rnn").model
    test = genai.dataset("molecules/sample").split("test")
    items = [test[index] for index in range(min(molecules, len(test)))]
    moved = [nats_moved(model, smiles) for smiles in items]
    written = [nats for nats in moved if nats is not None]
    nll = -model.score(items, Context()).mean()
    print("| | value |\n|---|---|")
    print(f"| test molecules the grammar writes | {len(written)} of {len(items)} |")
    print(f"| negative log-likelihood | {nll:.3f} nats a molecule |")
    print(f"| moved by the mask | {sum(written) / len(written):.4f} nats a molecule |")
    for mask in (False, True):
        options = SamplingConfig(mask=mask, batch=1024)
        drawn = [s for part in model.sample(samples, Context(seed=1, options=options)) for s in part]
        valid = sum(Chem.MolFromSmiles(smiles) is not None for smiles in drawn)
        print(f"| valid {'with' if mask else 'without'} mask | {valid} of {samples} |")


if __name__ == "__main__":
    main()
