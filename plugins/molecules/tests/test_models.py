"""Training, scoring and saving the SMILES models."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from genai_core.errors import BadInput
from genai_core.protocols import Context
from genai_molecules.config import RNNConfig, TransformerConfig
from genai_molecules.models.rnn import MoleculeRNN
from genai_molecules.models.transformer import MoleculeTransformer
from genai_molecules.tokens import BEGIN, END, PAD

DATA = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "N#Cc1ccccc1", "C1CCNCC1"]
MODELS = [
    (MoleculeRNN, RNNConfig(width=24, embedding=8)),
    (MoleculeRNN, RNNConfig(width=24, cell="lstm")),
    (MoleculeTransformer, TransformerConfig(width=24, layers=2, heads=2)),
    (MoleculeRNN, RNNConfig(width=24, representation="selfies")),
]


def fresh(kind, config, seed=0):
    model = kind(config)
    model.prepare(DATA, Context(seed=seed))
    return model


def test_collate():
    tokens = fresh(*MODELS[0]).collate(["CCO", "N"], np.random.default_rng(0))["tokens"]
    assert tokens.shape == (2, 5)
    assert tokens[0, 0] == BEGIN
    assert tokens[0, 4] == END
    assert tokens[1, 2:].tolist() == [END, PAD, PAD]


@pytest.mark.parametrize(("kind", "config"), MODELS)
def test_loss_is_per_molecule_and_ignores_padding(kind, config):
    model = fresh(kind, config)
    rng = np.random.default_rng(0)
    together = model.loss(model.collate(DATA, rng), "main")
    alone = torch.cat([model.loss(model.collate([smiles], rng), "main") for smiles in DATA])
    assert together.shape == (len(DATA),)
    assert torch.allclose(together, alone, atol=1e-4)
    assert np.allclose(model.score(DATA, Context()), -together.detach().numpy(), atol=1e-4)


def test_validity_in_training_teaches_the_network_the_grammar():
    model = fresh(MoleculeRNN, RNNConfig(width=24, embedding=8, validity=2.0))
    batch = model.collate(["CCO", "CC(C", "C1CCNCC1", "C1CCN"], np.random.default_rng(0))  # two are refused
    model.net.eval()
    nll = model.loss(batch, "main")
    assert torch.equal(nll, model.net.nll(batch["tokens"])), "validation measures the likelihood alone"
    model.net.train()
    added = (model.loss(batch, "main") - nll).detach() / 2.0
    assert set(added.round(decimals=4).tolist()) <= {0.0, 1.0}, "a drawn molecule is refused or is not"

    torch.manual_seed(0)
    optimizer = torch.optim.Adam(model.net.parameters(), lr=0.02)

    def learn(loss):
        optimizer.zero_grad()
        loss.mean().backward()
        optimizer.step()
        return float(loss.detach().mean())

    for _ in range(80):
        learn(model.net.nll(batch["tokens"]))
    refused = [learn(model._refused(32)) for _ in range(20)]
    assert np.mean(refused[:3]) > 0.2
    assert np.mean(refused[-3:]) < 0.05


@pytest.mark.parametrize(("kind", "config"), MODELS)
def test_likelihood_is_the_product_of_the_steps(kind, config):
    model = fresh(kind, config)
    tokens = model.collate(DATA[:1], np.random.default_rng(0))["tokens"]
    total, cache = 0.0, None
    with torch.no_grad():
        for time in range(tokens.shape[1] - 1):
            logits, cache = model.net(tokens[:, time : time + 1], cache)
            total += float(logits[0, 0].log_softmax(0)[tokens[0, time + 1]])
    assert model.score(DATA[:1], Context())[0] == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize(("kind", "config"), MODELS)
def test_training_lowers_the_loss_also_in_bf16(kind, config):
    model = fresh(kind, config)
    batch = model.collate(DATA, np.random.default_rng(0))
    optimizer = torch.optim.AdamW(model.net.parameters(), 1e-2)
    losses = []
    for _ in range(30):
        with torch.autocast("cpu", torch.bfloat16):
            loss = model.loss(batch, "main").mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < 0.6 * losses[0]


@pytest.mark.parametrize(("kind", "config"), MODELS)
def test_state_round_trip_and_seeds(kind, config):
    model = fresh(kind, config)
    other = kind(config)
    other.load_state(model.state())
    assert np.array_equal(model.score(DATA, Context()), other.score(DATA, Context()))
    assert np.array_equal(fresh(kind, config).score(DATA, Context()), model.score(DATA, Context()))
    assert not np.array_equal(
        fresh(kind, config, seed=1).score(DATA, Context()), model.score(DATA, Context())
    )


def test_augmentation_is_seeded_and_keeps_the_molecule():
    from rdkit import Chem

    model = fresh(MoleculeRNN, RNNConfig(width=24, augment=1.0))
    first, again = (model.collate(DATA, np.random.default_rng(3))["tokens"] for _ in range(2))
    assert torch.equal(first, again)
    spelled = [model.vocabulary.decode(row) for row in first.tolist()]
    assert spelled != DATA
    assert [Chem.CanonSmiles(text) for text in spelled] == [Chem.CanonSmiles(text) for text in DATA]


def test_selfies_refuse_what_they_have_not_seen():
    with pytest.raises(BadInput, match="Br"):
        fresh(*MODELS[3]).score(["CBr"], Context())
