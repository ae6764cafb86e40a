from __future__ import annotations

import sys
from xml.etree import ElementTree

import numpy as np
import pytest
from rdkit import Chem, RDConfig
from rdkit.Chem import Crippen, Descriptors

from genai_core.errors import BadInput, UsageError
from genai_core.files.artifacts import artifact_for
from genai_core.files.provenance import embedded_record, make_record
from genai_molecules.artifacts import Molecules
from genai_molecules.data import sample
from genai_molecules.properties import PROPERTIES, alerts, properties, sa_score

SOME = Molecules(
    ["CCO", "C[C@H](N)O", "c1ccccc1[N+](=O)[O-]"],
    {
        "name": ["ethanol", "", 'a "b", c'],
        "logP": [-0.1, float("nan"), np.float64(1 / 3)],
        "rings": [0, 0, 1],
    },
)


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".sdf"])
@pytest.mark.parametrize("packed", ["", ".gz"])
def test_nothing_is_lost(tmp_path, suffix, packed):
    again = Molecules.load(SOME.save(tmp_path / f"a{suffix}{packed}"))
    assert again == SOME
    assert again.properties["rings"] == (0, 0, 1)
    assert again.properties["logP"][2] == 0.3333333333


@pytest.mark.parametrize("suffix", [".smi", ".smiles"])
def test_smiles_files_keep_smiles_and_names(tmp_path, suffix):
    path = SOME.save(tmp_path / f"a{suffix}")
    assert path.read_text() == 'CCO ethanol\nC[C@H](N)O\nc1ccccc1[N+](=O)[O-] a "b", c\n'
    again = Molecules.load(path)
    assert list(again) == list(SOME)
    assert again.properties == {"name": SOME.properties["name"]}


def test_the_bytes_of_a_table():
    assert SOME.encode(".csv", None).decode() == (
        "SMILES,name,logP,rings\nCCO,ethanol,-0.1,0\nC[C@H](N)O,,,0\n"
        'c1ccccc1[N+](=O)[O-],"a ""b"", c",0.3333333333,1\n'
    )


def test_invalid_molecules_can_be_kept_but_not_drawn_in_space(tmp_path):
    broken = Molecules(["CCO", "C1CC"])
    assert Molecules.load(broken.save(tmp_path / "a.smi")) == broken
    with pytest.raises(BadInput, match=r"molecules:2: 'C1CC' cannot be written as SDF: .*unclosed ring"):
        broken.save(tmp_path / "a.sdf")
    assert not (tmp_path / "a.sdf").exists()


@pytest.mark.parametrize("smiles", ["", " ", "C C", "Cé", "C\n", 7])
def test_what_is_no_smiles_string_is_refused(tmp_path, smiles):
    with pytest.raises(BadInput) as caught:
        Molecules(["C", smiles]).save(tmp_path / "a.smi")
    assert caught.value.offset == 2


@pytest.mark.parametrize("columns", [{"x": [1]}, {"": [1, 2]}, {"SMILES": [1, 2]}])
def test_properties_must_fit(columns):
    with pytest.raises(BadInput):
        Molecules(["C", "N"], columns).validate()


def test_slices_and_joining():
    assert SOME[0] == "CCO"
    assert SOME[1:].properties["rings"] == (0, 1)
    assert Molecules.concat([SOME[:1], SOME[1:]]) == SOME
    mixed = Molecules.concat([SOME[:1], Molecules(["N"], {"x": [1]})])
    assert mixed.properties["x"] == (None, 1)
    assert mixed.properties["name"] == ("ethanol", None)


def test_three_dimensions_on_request(tmp_path):
    flat, space = Molecules(["CCO", "CC(N)O"]), Molecules(["CCO", "CC(N)O"], coordinates="3d")
    first = space.encode(".sdf", None)
    assert first == space.encode(".sdf", None)
    mol = Chem.MolFromMolBlock(first.decode(), removeHs=False)
    assert mol.GetConformer().Is3D()
    assert mol.GetNumAtoms() == 9
    assert np.ptp(mol.GetConformer().GetPositions()[:, 2]) > 0.5
    assert not Chem.MolFromMolBlock(flat.encode(".sdf", None).decode()).GetConformer().Is3D()
    assert Molecules.load(space.save(tmp_path / "a.sdf")) == flat


def test_a_structure_file_says_where_it_comes_from(tmp_path):
    recipe = {"kind": "sample", "model": "x/y", "weights_sha256": None, "n": 1, "seed": 1, "shard_size": 1}
    record = make_record({**recipe, "shard": None, "options": {}}, config={}, modality="molecules")
    molecules = Molecules(["CCO", "CCN"])
    data = molecules.encode(".sdf", record)
    assert embedded_record(data) == record
    assert data.count(b"GENAI_DIGITAL_SOURCE_TYPE>\nhttp://cv.iptc.org/") == 2
    (tmp_path / "a.sdf").write_bytes(data)
    assert Molecules.load(tmp_path / "a.sdf") == molecules


def test_the_registry_knows_the_suffixes():
    assert artifact_for("leads.sdf.gz") is Molecules
    assert artifact_for("molecules") is Molecules


def test_previews_are_small_and_safe_pictures():
    shown = Molecules(
        ["CCO", "C1CC", "C" * 300, "F[C@H](Cl)Br"], {"name": list("abcd"), "x": [0.123456] * 4}
    ).preview()
    assert [preview.kind for preview in shown] == ["svg", "text", "text", "svg"]
    assert shown[0].alt == "CCO"
    assert (shown[0].caption, shown[0].values) == ("a", {"x": "0.123"})
    for preview in shown:
        if preview.kind == "svg":
            root = ElementTree.fromstring(preview.data)
            tags = {element.tag.rpartition("}")[2] for element in root.iter()}
            assert tags <= {"svg", "style", "path"}
            assert "currentColor" in preview.data
            assert "rect" not in tags, "the background is transparent"
            assert len(preview.data) < 6_000
    assert len(Molecules(["C"] * 50).preview(limit=7)) == 7


def test_properties_equal_those_of_rdkit():
    smiles = sample()[:60]
    table = properties([*smiles, "C1CC"])
    assert list(table) == list(PROPERTIES)
    assert all(np.isnan(values[-1]) and np.isfinite(values[:-1]).all() for values in table.values())
    mols = [Chem.MolFromSmiles(text) for text in smiles]
    np.testing.assert_allclose(table["logP"][:-1], [Crippen.MolLogP(mol) for mol in mols])
    np.testing.assert_allclose(table["weight"][:-1], [Descriptors.MolWt(mol) for mol in mols])
    assert list(properties(smiles[:2], ["QED"])) == ["QED"]
    with pytest.raises(UsageError, match="no property 'logp'"):
        properties(smiles, ["logp"])


def test_accessibility_equals_the_contributed_one(monkeypatch):
    monkeypatch.syspath_prepend(f"{RDConfig.RDContribDir}/SA_Score")
    extra = [
        "C",
        "[Na+].[Cl-]",
        "C1CCCCCCCCCCC1",
        "C1CC2CC1CC2",
        "C[C@H](N)[C@@H](O)F",
        "c1ccc2c(c1)[se]c1ccccc12",
    ]
    mols = [Chem.MolFromSmiles(text) for text in [*sample()[:150], *extra]]
    ours = [sa_score(mol) for mol in mols]
    assert "sascorer" not in sys.modules
    import math

    assert all(math.isfinite(score) and 1 <= score <= 10 for score in ours)
    reference = pytest.importorskip("sascorer")
    np.testing.assert_allclose(ours, [reference.calculateScore(mol) for mol in mols], atol=1e-12)


def test_alerts():
    clean, azide, none = alerts(["CCO", "CCN=[N+]=[N-]", "C1CC"], ["BRENK"])
    assert clean == []
    assert azide
    assert "invalid" not in azide
    assert none == ["invalid"]
    with pytest.raises(UsageError, match="no alert catalogue 'PAIN'"):
        alerts(["C"], ["PAIN"])
