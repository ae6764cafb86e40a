"""Structures as small SVG pictures."""

from __future__ import annotations

import re
from typing import Any

from genai_molecules.parsing import quiet, to_mol

# Readable on white and on near-black; carbon is drawn in the colour of the text around it.
_PALETTE = {
    6: (0.0, 0.0, 0.0),
    7: (0.25, 0.45, 0.95),
    8: (0.88, 0.27, 0.22),
    9: (0.16, 0.60, 0.35),
    15: (0.85, 0.45, 0.10),
    16: (0.68, 0.53, 0.05),
    17: (0.16, 0.60, 0.35),
    35: (0.70, 0.35, 0.20),
    53: (0.60, 0.30, 0.75),
}
_DEFAULTS = {
    "stroke-opacity:1",
    "stroke-linejoin:miter",
    "stroke-linecap:butt",
    "stroke-miterlimit:10",
    "fill-rule:evenodd",
    "fill-opacity:1",
}
_PATHS = re.compile(r"<path d='[^']*'((?: [a-z-]+='[^']*')*) ?/>(?:<path d='[^']*'\1 ?/>)+")
_MAX_ATOMS = 200
_STYLE = ".mol{color:#1b1b1f}@media(prefers-color-scheme:dark){.mol{color:#e4e4e8}}"


def structure_svg(smiles: str, width: int = 220, height: int = 160) -> str | None:
    """A structure with a transparent background; None when it is no molecule or too large."""
    from rdkit.Chem.Draw import rdMolDraw2D

    with quiet():
        mol = to_mol(smiles)
        if mol is None or not 0 < mol.GetNumAtoms() <= _MAX_ATOMS:
            return None
        drawer = rdMolDraw2D.MolDraw2DSVG(width, height)
        options: Any = drawer.drawOptions()
        options.clearBackground = False
        options.setAtomPalette({-1: (0.0, 0.0, 0.0), **_PALETTE})
        options.padding = 0.06
        options.fixedBondLength = 28
        rdMolDraw2D.PrepareAndDrawMolecule(drawer, mol)
        drawer.FinishDrawing()
        return _lean(drawer.GetDrawingText(), width, height)


def _lean(svg: str, width: int, height: int) -> str:
    """Without rdkit's header, comments and class names, styles as attributes, black as the text's colour."""
    body = svg[svg.index("<!-- END OF HEADER -->") + len("<!-- END OF HEADER -->") : svg.rindex("</svg>")]
    body = re.sub(r"\s*class='[^']*'", "", body)
    body = re.sub(r"\s*style='([^']*)'", lambda match: _attributes(match[1]), body)
    body = " ".join(body.replace("#000000", "currentColor").split()).replace("> <", "><")
    body = _PATHS.sub(_joined, body)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="mol" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}"><style>{_STYLE}</style>{body}</svg>'
    )


def _joined(match: re.Match[str]) -> str:
    """Neighbouring paths that look alike as one path."""
    lines = re.findall(r"<path d='([^']*)'", match[0])
    return f"<path d='{' '.join(lines)}'{match[1]}/>"


def _attributes(style: str) -> str:
    """``fill:none;stroke:#000000`` as attributes, those at their default left out."""
    pairs = [part.strip() for part in style.split(";") if ":" in part]
    kept = [pair.split(":", 1) for pair in pairs if pair not in _DEFAULTS]
    return "".join(f" {key}='{value}'" for key, value in kept)
