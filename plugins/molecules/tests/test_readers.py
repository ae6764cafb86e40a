from __future__ import annotations

import gzip
import io
import sys
import threading
from pathlib import Path

import pytest
from rdkit import Chem

from genai_core.errors import BadInput, UsageError
from genai_core.files.safeio import limits_for
from genai_molecules.artifacts import Molecules
from genai_molecules.parsing import check_smiles, quiet, to_mol
from genai_molecules.readers import MAX_REPORTED, read_molecules


def write(folder, name, text):
    path = folder / name
    data = text if isinstance(text, bytes) else text.encode()
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
    return path


def bad(reading):
    return [(problem.offset, problem.reason) for problem in reading.bad]


@pytest.mark.parametrize("name", ["a.smi", "a.smi.gz", "a.smiles", "A.SMI"])
def test_smiles_files(tmp_path, name):
    path = write(tmp_path, name, "\ufeffsmiles name\r\nCCO  ethyl alcohol\r\n\r\n# a comment\n  c1ccccc1\n")
    reading = read_molecules(path)
    assert list(reading.molecules) == ["CCO", "c1ccccc1"]
    assert reading.molecules.properties == {"name": ("ethyl alcohol", "")}
    assert reading.bad == ()


def test_bad_molecules_are_reported_by_line(tmp_path):
    path = write(tmp_path, "a.smi", "CCO\nC1CC\n\nc1cccc1 broken ring\nCC(=O)O\n[Xx]\n")
    reading = read_molecules(path, on_error="skip")
    assert list(reading.molecules) == ["CCO", "CC(=O)O"]
    assert [line for line, _ in bad(reading)] == [2, 4, 6]
    with pytest.raises(BadInput, match=r"a\.smi:2: 'C1CC' is not a valid molecule: .*unclosed ring"):
        read_molecules(path)


def test_skipping_reports_each_reason(tmp_path):
    path = write(tmp_path, "a.smi", "CCO\n" + "C" * 4_001 + "\n" + "C" * 1_000 + "\nc1cccc1\nC\u00e9\nN\n")
    reading = read_molecules(path, on_error="skip")
    assert list(reading.molecules) == ["CCO", "N"]
    reasons = [reason for _, reason in bad(reading)]
    assert "4001 characters, the limit is 4000" in reasons[0]
    assert "1000 atoms, the limit is 999" in reasons[1]
    assert "kekulize" in reasons[2].lower()
    assert "outside ASCII" in reasons[3]
    assert reading.bad_count == 4


def test_without_check_only_the_form_counts(tmp_path):
    path = write(tmp_path, "a.smi", "CCO\nC1CC\n")
    assert list(read_molecules(path, check=False).molecules) == ["CCO", "C1CC"]
    assert list(Molecules.load(path)) == ["CCO", "C1CC"]


def test_the_list_of_bad_lines_is_bounded(tmp_path):
    path = write(tmp_path, "a.smi", "CCO\n" + "C(\n" * (MAX_REPORTED + 5))
    reading = read_molecules(path, on_error="skip")
    assert (len(reading.bad), reading.bad_count) == (MAX_REPORTED, MAX_REPORTED + 5)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", "id,SMILES,logP\n1,CCO,-0.1\n2,c1ccccc1,1.7\n"),
        ("a.csv.gz", "id,Canonical_Smiles,logP\r\n1,CCO,-0.1\r\n2,c1ccccc1,1.7\r\n"),
        ("a.csv", '"id";"smiles";"logP"\n"1";"CCO";"-0.1"\n"2";"c1ccccc1";"1.7"\n'),
        ("a.tsv", "id\tmy_smiles_here\tlogP\n\n1\tCCO\t-0.1\n2\tc1ccccc1\t1.7\n"),
        ("a.csv", "id,structure,logP\n1, CCO ,-0.1\n2,c1ccccc1,1.7"),
    ],
)
def test_tables(tmp_path, name, text):
    molecules = read_molecules(write(tmp_path, name, text)).molecules
    assert list(molecules) == ["CCO", "c1ccccc1"]
    assert molecules.properties == {"id": (1, 2), "logP": (-0.1, 1.7)}


def test_a_column_can_be_named(tmp_path):
    path = write(tmp_path, "a.csv", "smiles,product\nCCO,CC=O\n")
    assert list(read_molecules(path).molecules) == ["CCO"]
    assert list(read_molecules(path, column="product").molecules) == ["CC=O"]
    with pytest.raises(BadInput, match="no column 'produkt'; columns: 'smiles', 'product'") as caught:
        read_molecules(path, column="produkt")
    assert 'did you mean "product"' in caught.value.hint


def test_rows_that_do_not_fit_are_reported_by_line(tmp_path):
    text = 'smiles,note\nCCO,"two\nlines"\nCC\nC,N,O\nCCN,"open\nCCC,x\n'
    reading = read_molecules(write(tmp_path, "a.csv", text), on_error="skip")
    assert list(reading.molecules) == ["CCO"]
    assert reading.molecules.properties["note"] == ("two\nlines",)
    assert [line for line, _ in bad(reading)] == [4, 5, 6]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("name,weight\nethanol,46\n", "no column of SMILES; columns: 'name', 'weight'"),
        ("CCO,46\nCC,30\n", "no column of SMILES; columns: 'CCO', '46'"),
        ("", "not even a header"),
        ("\n\n", "not even a header"),
        ("smiles,name\n", "no molecule in it"),
        ("smiles,a,a\nC,1,2\n", "two columns have the same name"),
        (",".join(f"c{i}" for i in range(1_500)) + "\n", "1500 columns, the limit is 1000"),
        ('smiles,"open\nC,1\n', "header cannot be read"),
    ],
)
def test_tables_without_molecules_are_explained(tmp_path, text, reason):
    with pytest.raises(BadInput, match=reason):
        read_molecules(write(tmp_path, "a.csv", text))


@pytest.mark.parametrize(
    ("values", "typed"),
    [
        (["1", "-2"], (1, -2)),
        (["1", "2.5"], (1.0, 2.5)),
        (["1e-3", "-0.0"], (0.001, -0.0)),
        (["007", "8"], ("007", "8")),
        (["1_000", "2"], ("1_000", "2")),
        (["nan", "1"], ("nan", "1")),
        (["123456789012345678901", "1"], (123456789012345678901.0, 1.0)),
        (["", ""], ("", "")),
    ],
)
def test_columns_get_a_type_only_when_nothing_is_lost(tmp_path, values, typed):
    text = "smiles,x\n" + "".join(f"C,{value}\n" for value in values)
    assert read_molecules(write(tmp_path, "a.csv", text)).molecules.properties["x"] == typed


def test_empty_cells_in_a_number_column_are_nan(tmp_path):
    molecules = read_molecules(write(tmp_path, "a.csv", "smiles,x\nC,1.5\nN,\n")).molecules
    first, second = molecules.properties["x"]
    assert first == 1.5
    assert second != second


def sdf(*smiles, version=2000, items=""):
    blocks = []
    for text in smiles:
        mol = Chem.MolFromSmiles(text)
        blocks.append(Chem.MolToMolBlock(mol, forceV3000=version == 3000) + items + "$$$$\n")
    return "".join(blocks)


@pytest.mark.parametrize("version", [2000, 3000])
@pytest.mark.parametrize("name", ["a.sdf", "a.sdf.gz"])
def test_structure_files(tmp_path, name, version):
    text = sdf(
        "CCO",
        "C[C@H](N)O",
        "c1ccccc1[N+](=O)[O-]",
        version=version,
        items=">  <logP> (1)\n1.5\n\n> <note>\na\nb\n\n",
    )
    molecules = read_molecules(write(tmp_path, name, text)).molecules
    assert [Chem.CanonSmiles(text) for text in molecules] == list(molecules)
    assert list(molecules) == ["CCO", "C[C@H](N)O", "O=[N+]([O-])c1ccccc1"]
    assert molecules.properties == {"logP": (1.5, 1.5, 1.5), "note": ("a b",) * 3}


def test_bad_structures_are_reported_by_line(tmp_path):
    good = sdf("CCO")
    broken = good.replace(" O ", " Xx", 1)
    lines = good.count("\n")
    too_large = (
        "big\n\n\n" + "  0  0  0  0  0  0  0  0  0  0999 V3000\nM  V30 BEGIN CTAB\n"
        "M  V30 COUNTS 5000 4999 0 0 0\nM  END\n$$$$\n"
    )
    huge = too_large.replace("5000", "9" * 40)
    path = write(tmp_path, "a.sdf", good + broken + too_large + huge + "just\ntext\n$$$$\n\n$$$$\n" + good)
    reading = read_molecules(path, on_error="skip")
    assert list(reading.molecules) == ["CCO", "CCO"]
    assert [line for line, _ in bad(reading)][:2] == [lines + 1, 2 * lines + 1]
    reasons = [reason for _, reason in bad(reading)]
    assert "5000 atoms, the limit is 999" in reasons[1]
    assert len(reasons) == 5
    with pytest.raises(BadInput, match=rf"a\.sdf:{lines + 1}: not a valid structure"):
        read_molecules(path)


def test_the_structure_decides_over_the_smiles_beside_it(tmp_path):
    text = sdf("CCO", items=">  <SMILES>\nOCC\n\n") + sdf("CCO", items=">  <SMILES>\nCCN\n\n")
    assert list(read_molecules(write(tmp_path, "a.sdf", text)).molecules) == ["OCC", "CCO"]


def test_an_endless_entry_is_passed_over(tmp_path):
    endless = "x\n" * 150_000 + "$$$$\n"
    reading = read_molecules(write(tmp_path, "a.sdf", endless + sdf("CCO")), on_error="skip")
    assert list(reading.molecules) == ["CCO"]
    assert "150000 lines" in bad(reading)[0][1]


def test_a_5000_atom_structure_is_refused_before_rdkit(tmp_path, monkeypatch):
    atoms = "".join(f"M  V30 {i} C {i} 0 0 0\n" for i in range(1, 5_001))
    head = "big\n\n\n  0  0  0  0  0  0  0  0  0  0999 V3000\nM  V30 BEGIN CTAB\nM  V30 COUNTS 5000 0 0 0 0\n"
    block = f"{head}M  V30 BEGIN ATOM\n{atoms}M  V30 END ATOM\nM  V30 END CTAB\nM  END\n$$$$\n"
    path = write(tmp_path, "a.sdf", block)
    monkeypatch.setattr(Chem, "MolFromMolBlock", lambda *args: pytest.fail("rdkit was asked"))
    with pytest.raises(BadInput, match="5000 atoms, the limit is 999"):
        read_molecules(path)


def test_limits_can_be_raised(tmp_path, monkeypatch):
    path = write(tmp_path, "a.smi", "C" * 1_200 + "\n")
    with pytest.raises(BadInput, match="1200 atoms"):
        read_molecules(path)
    assert len(read_molecules(path, limits=limits_for("molecules", atoms=2_000)).molecules[0]) == 1_200
    monkeypatch.setenv("GENAI_LIMITS", "molecules.atoms=2000")
    assert len(read_molecules(path).molecules) == 1
    with pytest.raises(BadInput, match="more than 2 molecules"):
        read_molecules(write(tmp_path, "b.smi", "C\nC\nC\n"), limits=limits_for("molecules", items=2))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.smi", b"", "no molecule in it"),
        ("a.smi", b"\x89PNG\0\0", "binary data"),
        ("a.smi", b"C" * 10_000_000, "line is longer"),
        ("a.smi", b"C" * 20_000, "20000 characters|line is longer"),
        ("a.smi.gz", b"CCO\n", "no gzip"),
        ("a.sdf", b"", "no molecule in it"),
        ("a.sdf", b"\n" * 50, "no molecule in it"),
    ],
)
def test_files_that_are_none(tmp_path, name, data, reason):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(BadInput, match=reason if name != "a.smi.gz" else "damaged gzip"):
        read_molecules(path)


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(BadInput, match="No such file"):
        read_molecules(tmp_path / "none.smi")
    (tmp_path / "d.smi").mkdir()
    with pytest.raises(BadInput, match="is a folder"):
        read_molecules(tmp_path / "d.smi")
    with pytest.raises(UsageError, match=r"'\.pdf' is not read as molecules"):
        read_molecules(tmp_path / "a.pdf")


def test_stdin(monkeypatch):
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"CCO a\nC1CC\n")))
    reading = read_molecules("-", on_error="skip")
    assert list(reading.molecules) == ["CCO"]
    assert reading.bad[0].file == "<stdin>"


@pytest.mark.parametrize("depth", [100, 1_300])
def test_deep_nesting_is_no_danger(depth):
    with quiet():
        assert to_mol("C(" * depth + "C" + ")" * depth) is not None or depth > 400
        assert to_mol("(" * depth) is None
        assert to_mol("[" * depth) is None
        assert to_mol("C1" * depth) is None or depth
        assert to_mol("".join(f"C%{10 + i % 90}" for i in range(depth // 2))) is not None or depth


@pytest.mark.parametrize(
    ("text", "reason"),
    [("", "empty"), ("C C", "blanks"), ("Cé", "outside ASCII"), ("C\x7f", "outside"),
     ("C" * 4_001, "4001 char"),
     ("[Cl]" * 999 + "CC", "1001 atoms"), ("Br" * 1_000, "1000 atoms"), ("[2H]" * 1_000, "1000 atoms|4000")],
)  # fmt: skip
def test_what_rdkit_never_sees(text, reason):
    import re

    assert re.search(reason, check_smiles(text, limits_for("molecules")))


@pytest.mark.parametrize("text", ["C" * 999, "Br" * 999, "[nH]1cccc1", "C%(100)CC%(100)", "*"])
def test_what_may_pass(text):
    assert check_smiles(text, limits_for("molecules")) is None


def test_rdkit_is_quiet_and_counted(capfd):
    with quiet() as chatter:
        assert to_mol("C1CC") is None
        assert to_mol("c1cccc1") is None
        with quiet() as inner:
            assert to_mol("C(") is None
        assert inner is chatter
    assert chatter.count >= 3
    assert chatter.last
    assert capfd.readouterr().err == ""
    Chem.MolFromSmiles("C1CC")
    assert "unclosed ring" in capfd.readouterr().err


def test_quiet_leaves_other_threads_and_settings_alone(capfd, caplog):
    from rdkit import RDLogger

    started, done = threading.Event(), threading.Event()

    def loud():
        started.wait(5)
        Chem.MolFromSmiles("C1CC")
        done.set()

    thread = threading.Thread(target=loud)
    thread.start()
    with quiet() as chatter:
        started.set()
        assert done.wait(5)
    thread.join()
    assert chatter.count == 0
    assert any("unclosed ring" in message for message in caplog.messages)
    capfd.readouterr()
    RDLogger.DisableLog("rdApp.*")
    try:
        with quiet():
            pass
        Chem.MolFromSmiles("C1CC")
        assert capfd.readouterr().err == ""
    finally:
        RDLogger.EnableLog("rdApp.error")
        RDLogger.EnableLog("rdApp.warning")


def test_the_examples_of_the_repository():
    folder = Path(__file__).parents[3] / "data"
    whole = read_molecules(folder / "leads.csv").molecules
    assert len(whole) == 200
    assert list(read_molecules(folder / "leads.smi").molecules) == list(whole)
    assert read_molecules(folder / "leads.sdf").molecules == whole[:20]
