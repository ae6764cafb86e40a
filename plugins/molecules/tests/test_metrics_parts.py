"""The parts of the metrics on sets whose values are known by hand, and against plain rdkit and numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from rdkit import Chem, DataStructs
from rdkit.Chem import QED, rdFingerprintGenerator

from genai_molecules.data import sample
from genai_molecules.metrics import distances, fingerprints
from genai_molecules.metrics.features import features, fragments_of, scaffold_of
from genai_molecules.metrics.filters import _heavy, qed, screen, unwanted_patterns

TEST = sample().split("test")


def _pack(rows):
    bits = np.zeros((len(rows), 1024), np.uint8)
    for row, places in enumerate(rows):
        bits[row, places] = 1
    return np.packbits(bits, axis=1)


packed_sets = st.lists(st.lists(st.integers(0, 1023), max_size=60), min_size=1, max_size=12).map(_pack)


def _tanimoto(a, b):
    a, b = np.unpackbits(a, axis=1).astype(int), np.unpackbits(b, axis=1).astype(int)
    shared = a @ b.T
    union = a.sum(1)[:, None] + b.sum(1)[None] - shared
    return np.where(union > 0, shared / np.maximum(union, 1), 1.0)


class TestFingerprints:
    def test_bits_are_rdkits(self):
        mol = Chem.MolFromSmiles("CC(=O)Oc1ccccc1C(=O)O")
        expected = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024).GetFingerprint(mol)
        bits = np.unpackbits(fingerprints.morgan([mol]), axis=1)[0]
        assert set(np.flatnonzero(bits)) == set(expected.GetOnBits())

    def test_similarities_are_rdkits(self):
        mols = [Chem.MolFromSmiles(text) for text in TEST[:40]]
        generator = rdFingerprintGenerator.GetMorganGenerator(radius=2, fpSize=1024)
        prints = [generator.GetFingerprint(mol) for mol in mols]
        packed = fingerprints.morgan(mols)
        values, where = fingerprints.nearest(packed[:10], packed[10:])
        for row in range(10):
            expected = DataStructs.BulkTanimotoSimilarity(prints[row], prints[10:])
            assert values[row] == pytest.approx(max(expected), abs=1e-12)
            assert expected[where[row]] == pytest.approx(max(expected), abs=1e-12)

    @settings(max_examples=150, deadline=None)
    @given(packed_sets, packed_sets)
    def test_nearest_is_the_largest(self, queries, reference):
        similarity = _tanimoto(queries, reference)
        values, where = fingerprints.nearest(queries, reference)
        np.testing.assert_allclose(values, similarity.max(axis=1), atol=1e-12)
        np.testing.assert_allclose(similarity[np.arange(len(queries)), where], values, atol=1e-12)

    @settings(max_examples=100, deadline=None)
    @given(packed_sets)
    def test_means_are_those_of_all_pairs(self, packed):
        similarity = _tanimoto(packed, packed)
        first, second = fingerprints.mean_similarities(packed)
        np.testing.assert_allclose(first, similarity.mean(axis=1), atol=1e-6)
        np.testing.assert_allclose(second, (similarity**2).mean(axis=1), atol=1e-6)

    def test_blocks_do_not_matter(self, monkeypatch):
        packed = fingerprints.morgan([Chem.MolFromSmiles(text) for text in TEST[:100]])
        whole = fingerprints.nearest(packed[:50], packed[50:])[0], fingerprints.mean_similarities(packed)[0]
        monkeypatch.setattr(fingerprints, "_BLOCK", 7)
        monkeypatch.setattr(fingerprints, "_QUERIES", 11)
        monkeypatch.setattr(fingerprints, "_PAIRS", 3)
        np.testing.assert_array_equal(fingerprints.nearest(packed[:50], packed[50:])[0], whole[0])
        np.testing.assert_allclose(fingerprints.mean_similarities(packed)[0], whole[1], atol=1e-7)

    def test_bfloat16_counts_are_exact_up_to_the_limit_and_not_used_beyond(self, monkeypatch):
        monkeypatch.setattr(fingerprints, "_has_bfloat16", lambda: True)
        rng = np.random.default_rng(0)
        full = [rng.choice(1024, 256, replace=False) for _ in range(64)]
        packed = _pack(full)
        assert fingerprints._product_dtype(fingerprints.bit_counts(packed)) is torch.bfloat16
        vectors = fingerprints._unpack(packed).to(torch.bfloat16)
        counts = (vectors @ vectors.T).double().numpy()
        bits = np.unpackbits(packed, axis=1).astype(int)
        np.testing.assert_array_equal(counts, bits @ bits.T)
        assert counts.max() == 256
        larger = _pack([rng.choice(1024, 257, replace=False)])
        assert fingerprints._product_dtype(fingerprints.bit_counts(larger)) is torch.float32
        everything = _pack([range(1024), range(1023)])
        assert fingerprints.nearest(everything[:1], everything[1:])[0][0] == pytest.approx(
            1023 / 1024, abs=1e-12
        )


class TestDistances:
    def test_frechet_of_shifted_sets_is_the_squared_shift(self):
        values = np.random.default_rng(0).normal(size=(400, 6))
        distance, _ = distances.frechet(values + 2.0, distances.moments(values))
        assert distance == pytest.approx(6 * 2.0**2, rel=1e-9)

    def test_frechet_of_diagonal_covariances(self):
        # Exactly uncorrelated columns with variances a and b: the distance is sum (sqrt a - sqrt b)^2.
        design = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3 / 4)
        one, other = design * [2.0, 3.0], design * [5.0, 1.0]
        distance, _ = distances.frechet(one, distances.moments(other))
        assert distance == pytest.approx((2 - 5) ** 2 + (3 - 1) ** 2, rel=1e-9)

    def test_frechet_of_fewer_items_than_dimensions_is_finite(self):
        rng = np.random.default_rng(1)
        distance, influence = distances.frechet(
            rng.normal(size=(5, 30)), distances.moments(rng.normal(size=(99, 30)))
        )
        assert distance > 0
        assert np.isfinite(influence).all()

    def test_frechet_equals_the_published_implementation(self):
        published = pytest.importorskip("fcd").calculate_frechet_distance
        rng = np.random.default_rng(2)
        one, other = rng.normal(size=(300, 20)) @ rng.normal(size=(20, 20)), rng.normal(size=(500, 20))
        a, b = distances.moments(one), distances.moments(other)
        expected = published(a.mean, a.covariance, b.mean, b.covariance)
        assert distances.frechet(one, b)[0] == pytest.approx(expected, rel=1e-8)

    def test_cosine_by_hand(self):
        # Items hold kinds (0, 0, 1) and (2): counts 2, 1, 1; the reference has 2, 0, 1.
        item, kind = np.array([0, 0, 0, 1]), np.array([0, 0, 1, 2])
        value, influence = distances.cosine(item, kind, np.array([2.0, 0.0, 1.0]), 2)
        assert value == pytest.approx(5 / math.sqrt(6 * 5))
        assert influence.mean() == pytest.approx(0, abs=1e-12)

    def test_cosine_of_large_counts_does_not_overflow(self):
        # 2^33 squared is beyond int64: whole-number arithmetic, as in molsets, gives nonsense here.
        reference = np.array([2.0**33, 2.0**33, 0.0])
        item, kind = np.zeros(3, np.int64), np.array([0, 1, 2])
        assert distances.cosine(item, kind, reference, 1)[0] == pytest.approx(2 / math.sqrt(2 * 3))
        with np.errstate(over="ignore"):
            counts = reference.astype(np.int64)
            assert int((counts * counts).sum()) != 2 * 2**66

    def test_cosine_without_counts_is_not_available(self):
        nothing = np.array([], np.int64)
        assert math.isnan(distances.cosine(nothing, nothing, np.array([1.0]), 3)[0])

    def test_wasserstein_by_hand(self):
        assert distances.wasserstein(np.array([0.0, 1.0]), np.array([0.0, 3.0]))[0] == pytest.approx(1.0)
        assert distances.wasserstein(np.array([2.0]), np.array([0.0, 0.0, 3.0]))[0] == pytest.approx(5 / 3)

    @settings(max_examples=100, deadline=None)
    @given(
        st.lists(st.floats(-100, 100), min_size=1, max_size=30),
        st.lists(st.floats(-100, 100), min_size=1, max_size=30),
    )
    def test_wasserstein_equals_scipys(self, one, other):
        expected = pytest.importorskip("scipy.stats").wasserstein_distance(one, other)
        found, influence = distances.wasserstein(np.array(one), np.sort(np.array(other)))
        assert found == pytest.approx(expected, abs=1e-9)
        assert influence.mean() == pytest.approx(0, abs=1e-6)

    @pytest.mark.parametrize("what", ["frechet", "cosine", "wasserstein"])
    def test_influences_are_derivatives(self, what):
        """Doubling an item's weight by a copy moves the value by about its influence / (n + 1)."""
        rng = np.random.default_rng(3)
        n = 400
        if what == "frechet":
            values, known = rng.normal(size=(n, 4)) * 1.5 + 0.3, distances.moments(rng.normal(size=(n, 4)))
            evaluate = lambda rows: distances.frechet(values[rows], known)  # noqa: E731
        elif what == "wasserstein":
            values, known = rng.normal(size=n) + 1.0, np.sort(rng.normal(size=n))
            evaluate = lambda rows: distances.wasserstein(values[rows], known)  # noqa: E731
        else:
            kinds, known = rng.integers(0, 5, n), np.array([90.0, 10.0, 50.0, 70.0, 30.0])
            evaluate = lambda rows: distances.cosine(np.arange(len(rows)), kinds[rows], known, len(rows))  # noqa: E731
        base, influence = evaluate(np.arange(n))
        moved = np.array([evaluate(np.append(np.arange(n), i))[0] - base for i in range(0, n, 10)])
        np.testing.assert_allclose(moved * (n + 1), influence[::10], atol=0.05 * np.abs(influence).max())

    @pytest.mark.parametrize(("shift", "scale"), [(0.0, 1.0), (0.3, 1.2)])
    def test_influences_give_the_spread_of_the_frechet_distance(self, shift, scale):
        """The standard error from one sample is near the spread over many, also where both sets are alike."""
        rng = np.random.default_rng(4)
        known = distances.moments(rng.normal(size=(20_000, 8)))
        draws = [distances.frechet(rng.normal(size=(400, 8)) * scale + shift, known) for _ in range(80)]
        spread = np.std([value for value, _ in draws])
        estimated = np.mean([influence.std() / math.sqrt(400) for _, influence in draws])
        assert 0.8 <= estimated / spread <= 1.6


class TestFeatures:
    def test_fragments_and_scaffold_by_hand(self):
        mol = Chem.MolFromSmiles("CCOC(=O)c1ccc2ccccc2c1")
        assert sorted(fragments_of(mol)) == sorted(
            ["[4*]CC", "[3*]O[3*]", "[1*]C([6*])=O", "[16*]c1ccc2ccccc2c1"]
        )
        assert scaffold_of(mol) == ["c1ccc2ccccc2c1"]
        assert scaffold_of(Chem.MolFromSmiles("Cc1ccccc1")) == []
        assert scaffold_of(Chem.MolFromSmiles("CCC")) == []

    def test_what_is_no_molecule_is_only_counted(self):
        found = features(["CCO", "C(", "", "not smiles", "C" * 5000, "OCC"], activations=False)
        assert (found.total, found.smiles) == (6, ["CCO", "CCO"])
        assert len(found.fingerprints) == len(found.properties) == len(found.passes) == 2

    def test_nothing_at_all(self):
        found = features([], activations=False)
        assert (found.total, found.smiles, found.properties.shape) == (0, [], (0, 4))

    def test_chunks_do_not_matter(self, monkeypatch):
        smiles = TEST[:30]
        whole = features(smiles, activations=False)
        monkeypatch.setattr("genai_molecules.metrics.features._CHUNK", 7)
        parts = features(smiles, activations=False)
        assert parts.smiles == whole.smiles
        assert parts.fragments.names == whole.fragments.names
        np.testing.assert_array_equal(parts.properties, whole.properties)
        np.testing.assert_array_equal(parts.fragments.item, whole.fragments.item)


class TestFilters:
    def test_there_are_502_patterns_and_all_can_be_read(self):
        patterns = unwanted_patterns()
        assert len(patterns) == 502
        assert patterns[0] == ("MCF1", "[#6]=&!@[#6]-[#6]#[#7]")
        assert patterns[22] == ("anil_di_alk_F(14)", patterns[22][1])
        assert all(Chem.MolFromSmarts(smarts) is not None for _, smarts in patterns)

    @pytest.mark.parametrize(
        ("smiles", "passes"),
        [
            ("CC(=O)Nc1ccc(O)cc1", True),
            ("C[N+](C)(C)C", False),  # charged
            ("C[Si](C)(C)C", False),  # an element that is not allowed
            ("C1CCCCCCC1", False),  # a ring of eight
            ("C1CCCCCC1", True),  # a ring of seven
            ("CCCl", False),  # MCF4: an alkyl halide
            ("C=CC#N", False),  # MCF1: acrylonitrile
            ("O=C1C=CC(=O)C=C1", False),  # a quinone, PAINS
        ],
    )
    def test_decisions_by_hand(self, smiles, passes):
        assert screen([Chem.MolFromSmiles(smiles)])[0].passes is passes

    def test_what_is_screened_without_hydrogens_matches_none(self):
        small = Chem.AddHs(Chem.MolFromSmiles("C.N.O.S.P.B.Cl.[SiH4].[HH].C=O.C#N.c1cc[nH]c1.[NH4+].OO.NN"))
        hydrogens = [atom for atom in small.GetAtoms() if atom.GetAtomicNum() == 1]
        for _, smarts in unwanted_patterns():
            for atom in _heavy(Chem.MolFromSmarts(smarts)).GetAtoms():
                assert not any(atom.Match(hydrogen) for hydrogen in hydrogens), smarts

    @pytest.mark.slow
    def test_screening_changes_no_decision(self):
        smiles = [*TEST[:150], *ODD]
        mols = [Chem.MolFromSmiles(text) for text in smiles]
        patterns = [Chem.MolFromSmarts(smarts) for _, smarts in unwanted_patterns()]
        for mol, found in zip(mols, screen(mols), strict=True):
            full = Chem.AddHs(mol)
            plain = all(
                a.GetFormalCharge() == 0 and a.GetSymbol() in "C N S O F Cl Br H".split()
                for a in mol.GetAtoms()
            )
            rings = all(len(ring) < 8 for ring in mol.GetRingInfo().AtomRings())
            hit = any(full.HasSubstructMatch(pattern) for pattern in patterns)
            assert found.passes == (plain and rings and not hit), Chem.MolToSmiles(mol)
            assert found.qed_alerts == sum(mol.HasSubstructMatch(alert) for alert in QED.StructuralAlerts)

    def test_qed_is_rdkits(self):
        mols = [Chem.MolFromSmiles(text) for text in [*TEST[:60], *ODD]]
        for mol, found in zip(mols, screen(mols), strict=True):
            logp = Chem.Crippen.MolLogP(mol)
            assert qed(mol, logp, found.qed_alerts) == pytest.approx(QED.qed(mol), abs=1e-12)


ODD = (
    "O=[N+]([O-])c1ccc(cc1)C(=O)Cl", "CCN=[N+]=[N-]", "c1ccc2c(c1)ccc(=O)o2", "C#CCN", "OO", "NN", "N=C=O",
    "[13CH4]", "[2H]C([2H])([2H])O", "FC(F)(F)C(F)(F)C(F)(F)F", "O=C1NC(=O)CS1", "S=C(N)N", "[Na+].[Cl-]",
    "C[Si](Cl)(C)C", "OB(O)c1ccccc1", "C1CCCCCCCCC1", "O=C(O)CCCCCCCCCC", "CCCCCCCCCCCCCCC", "[H][H]", "[He]",
    "CC1=CC(=O)c2ccccc2C1=O", "Oc1ccc(O)cc1", "O=C(OC(=O)C)C", "C=CC(=O)C", "BrCCBr", "ClC(Cl)(Cl)Cl",
    "c1ccc(cc1)N=Nc1ccccc1", "O=S(=O)(F)c1ccccc1", "C1CO1", "CSC#N",
)  # fmt: skip
