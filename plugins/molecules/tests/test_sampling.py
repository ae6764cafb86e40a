"""Drawing molecules: masks, determinism, speed tricks that change nothing."""

from __future__ import annotations

import pytest
import torch
from rdkit import Chem

from genai_core.errors import ConfigError
from genai_core.protocols import Context
from genai_molecules.config import RNNConfig, SamplingConfig, TransformerConfig
from genai_molecules.models.masking import GrammarMask
from genai_molecules.models.rnn import MoleculeRNN
from genai_molecules.models.transformer import MoleculeTransformer
from genai_molecules.tokens import BEGIN, END, TOKENS
from genai_nets.decoding import generate

DATA = ["CCO", "c1ccccc1", "CC(=O)Nc1ccc(O)cc1", "Cn1cnc2c1c(=O)n(C)c(=O)n2C", "N#Cc1ccccc1", "C1CCNCC1"]
MODELS = [
    (MoleculeRNN, RNNConfig(width=24, embedding=8)),
    (MoleculeRNN, RNNConfig(width=24, embedding=24, cell="lstm", tied=True, layers=1)),
    (MoleculeTransformer, TransformerConfig(width=24, layers=2, heads=2)),
]


def fresh(kind, config, seed=0):
    model = kind(config)
    model.prepare(DATA, Context(seed=seed))
    return model


def draw(model, n=8, seed=1, **options):
    context = Context(seed=seed, options=SamplingConfig(max_length=40, **options))
    return [smiles for part in model.sample(n, context) for smiles in part]


@pytest.mark.parametrize(("kind", "config"), MODELS)
def test_untrained_models_write_molecules_under_the_mask(kind, config):
    drawn = draw(fresh(kind, config), 30)
    assert len(drawn) == 30
    assert all(Chem.MolFromSmiles(smiles) is not None for smiles in drawn)
    assert any(Chem.MolFromSmiles(smiles) is None for smiles in draw(fresh(kind, config), 30, mask=False))


@pytest.mark.parametrize(("kind", "config"), MODELS)
def test_a_sample_is_a_function_of_its_seed(kind, config):
    model = fresh(kind, config)
    assert draw(model) == draw(model)
    assert draw(model) != draw(model, seed=2)
    assert draw(model, n=5, batch=2) == draw(model, n=5, batch=2)


@pytest.mark.parametrize(
    "options", [{"top_k": 3}, {"top_p": 0.5}, {"temperature": 0.5}, {"precision": "fp32"}]
)
def test_options_keep_molecules_valid(options):
    assert all(Chem.MolFromSmiles(smiles) for smiles in draw(fresh(*MODELS[0]), 30, **options))


@pytest.mark.parametrize("limit", [2, 3, 5, 9])
def test_short_limits_are_kept(limit):
    model = fresh(*MODELS[0])
    options = SamplingConfig(max_length=limit)
    for part in model.sample(20, Context(seed=3, options=options)):
        for smiles in part:
            assert Chem.MolFromSmiles(smiles) is not None
            assert len(model.vocabulary.encode(smiles)) <= limit


@pytest.mark.parametrize(("kind", "config"), MODELS)
def test_dropping_finished_rows_changes_nothing(kind, config):
    net = fresh(kind, config).net.eval()

    def run(drop):
        return generate(
            net,
            16,
            begin=BEGIN,
            end=END,
            max_length=30,
            generator=torch.Generator().manual_seed(5),
            drop=drop,
        )

    kept, dropped = run(False), run(True)
    assert torch.equal(kept[:, : dropped.shape[1]], dropped)
    assert (kept[:, dropped.shape[1] :] == END).all()


def test_the_mask_allows_what_it_calls_sure():
    mask, row = GrammarMask(12), torch.tensor([0])
    while mask.walks[0].left:
        token = mask.sure(0)
        if token == END:
            break
        assert mask.allowed(row)[0, token], TOKENS[token]
        assert mask.push(row, torch.tensor([token]))


def test_bad_configurations_are_named():
    with pytest.raises(ConfigError, match="embedding = width"):
        RNNConfig.parse({"tied": True})
    with pytest.raises(ConfigError, match="heads"):
        TransformerConfig.parse({"width": 10, "heads": 3})
    with pytest.raises(ConfigError):
        SamplingConfig.parse({"temperature": 0})
