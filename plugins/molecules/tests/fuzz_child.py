"""Feeds damaged files to the readers; run in a process of its own, because a native decoder may take it down.

``python fuzz_child.py SUFFIX SEED COUNT``: exits 1 and shows the input at the first outcome that is neither
molecules nor `BadInput`. Before each input its number goes to stdout, so that a crash can be repeated.
"""

from __future__ import annotations

import gzip
import random
import sys
import tempfile
from pathlib import Path

SMILES = r"""
CCO c1ccccc1 CC(=O)Oc1ccccc1C(=O)O C[C@H](N)C(=O)O F/C=C\F [Na+].[Cl-] [2H]C([2H])[2H] C%10CCCC%10
O=[N+]([O-])c1ccc2[nH]ccc2c1 [13CH3:7]C#N *c1ccccc1* N[Pt](N)(Cl)Cl C1CC2CC1CC2 C[N@@+]1(CC)CCC1
[Fe++] c1ccc2c(c1)[se]c1ccccc12 [Re]$[Re] [te]1cccc1 [C@TH1H](N)(C)O
""".split()
WORDS = r"""
( ) [ ] % %(99999) @ @@ @OH26 \ / = # $ . : ~ [999999999999C] [C+99999999999] [CH99999] [C:99999999999999]
[Xx] [*] [R#] >> | 0 -1 99999999999999999999 1e999 nan " , ; V2000 V3000 999999
""".split()
LINES = """
$$$$
M  END
M  V30 COUNTS 3 3 0 0 0
M  V30 BEGIN ATOM
M  V30 -
M  CHG  1   1  99
M  STY  1   1 GEN
M  SAL   1 99
M  RGP  1   1   1
M  ISO  1   1 -99
>  <x>
A    1
  0  0
"""
TOKENS = [word.encode() for word in WORDS] + [f"{line}\n".encode() for line in LINES.strip("\n").split("\n")]
TOKENS += [b"\0", b"\xff", b"\xc3\xa4", b"\xef\xbb\xbf", b"\r", b"\n", b"\t", b" "]


def corpus(suffix: str) -> list[bytes]:
    """Small good files of one format."""
    from rdkit import Chem

    from genai_molecules.artifacts import Molecules

    rng = random.Random(7)
    files = []
    for _ in range(12):
        chosen = rng.sample(SMILES, 3)
        properties = {"name": ["a", "b c", ""], "x": [1.5, 2, None], "note": ['q"', "r,s", "t\nu"]}
        molecules = Molecules(chosen, properties)
        files.append(molecules.encode(suffix, None))
        if suffix == ".sdf":
            blocks = [Chem.MolToV3KMolBlock(Chem.MolFromSmiles(text)) + "$$$$\n" for text in chosen]
            files.append("".join(blocks).encode())
    return files


def mutate(data: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """A few random edits."""
    for _ in range(rng.randint(1, 6)):
        at = rng.randrange(len(data) + 1)
        end = min(len(data), at + rng.choice((1, 2, 5, 20, 80)))
        kind = rng.randrange(8)
        if kind == 0:
            data = data[:at] + rng.choice(TOKENS) + data[at:]
        elif kind == 1:
            data = data[:at] + rng.choice(TOKENS) + data[end:]
        elif kind == 2:
            data = data[:at] + data[end:]
        elif kind == 3:
            data = data[:at] + data[at:end] * rng.choice((2, 3, 50)) + data[end:]
        elif kind == 4 and data:
            flipped = bytearray(data)
            flipped[min(at, len(data) - 1)] ^= 1 << rng.randrange(8)
            data = bytes(flipped)
        elif kind == 5:
            other = rng.choice(others)
            data = data[:at] + other[rng.randrange(len(other)) :]
        elif kind == 6:
            data = data[:at] if rng.random() < 0.3 else data
        else:
            data = data[:at] + bytes(rng.randrange(256) for _ in range(rng.choice((1, 4)))) + data[end:]
    return data


def main(suffix: str, seed: int, count: int) -> int:
    """Try `count` inputs."""
    from genai_core.errors import BadInput
    from genai_molecules.artifacts import Molecules
    from genai_molecules.readers import read_molecules

    files, rng = corpus(suffix), random.Random(f"{suffix}{seed}")
    with tempfile.TemporaryDirectory() as folder:
        for number in range(count):
            data = mutate(rng.choice(files), files, rng)
            packed = number % 20 == 0
            path = Path(folder) / f"a{suffix}{'.gz' if packed else ''}"
            path.write_bytes(mutate(gzip.compress(data), [b"\x1f\x8b"], rng) if packed and number % 40 else
                             gzip.compress(data) if packed else data)  # fmt: skip
            print(number, flush=True)
            try:
                reading = read_molecules(path, on_error="skip" if number % 2 else "stop")
                reading.molecules.validate()
                again = Molecules.decode(
                    reading.molecules.encode(".csv", None), ".csv", name="again", limits=_limits()
                )
                if list(again) != list(reading.molecules):
                    raise AssertionError("read, written and read again, the molecules differ")
            except BadInput:
                continue
            except BaseException as error:
                print(f"{type(error).__name__}: {error}\n{data!r}", file=sys.stderr)
                return 1
    return 0


def _limits():  # type: ignore[no-untyped-def]  # a helper of a test
    from genai_core.files.safeio import limits_for

    return limits_for("molecules")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
