"""What the report of `molecules/design` shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from genai_core.results.charts import Bar, Chart, bars, histogram
from genai_core.results.drawing import number
from genai_core.results.report import Charts, Gallery, Table
from genai_molecules.properties import PROPERTIES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from genai_core.files.artifacts import Preview
    from genai_molecules.artifacts import Molecules
    from genai_molecules.design_config import Window

UNITS = {"weight": "g/mol", "TPSA": "Å²"}
NAMES = {
    "SA": "synthetic accessibility",
    "QED": "drug-likeness (QED)",
    "weight": "molecular weight",
    "TPSA": "polar surface (TPSA)",
    "HBA": "H-bond acceptors",
    "HBD": "H-bond donors",
    "rotatable_bonds": "rotatable bonds",
}
TABLE_ROWS = 2000


def gallery(leads: Molecules, limit: int, compared: int) -> Gallery:
    """Cards of the best leads."""
    cards = leads[:limit].preview(limit)
    shown = [_card(card, leads, row) for row, card in enumerate(cards)]
    return Gallery(
        "Leads",
        shown,
        note=f"The best {len(shown):,} of {len(leads):,}. sim. is the Tanimoto similarity to the nearest of "
        f"{compared:,} known molecules.",
    )


def _card(card: Preview, leads: Molecules, row: int) -> Preview:
    values = {
        "QED": f"{leads.properties['QED'][row]:.2f}",
        "SA": f"{leads.properties['SA'][row]:.1f}",
        "logP": f"{leads.properties['logP'][row]:.1f}",
        "sim.": f"{leads.properties['similarity'][row]:.2f}",
        "SMILES": leads[row],
    }
    return replace(
        card, caption=f"{row + 1}", alt=f"Structure of lead {row + 1}: {leads[row]}", values=values
    )


def funnel(counts: Mapping[str, int], leads: int) -> Charts:
    """How many molecules are left after each step, and which share of the step before."""
    steps = [*counts.items(), ("leads", leads)]
    items = [
        Bar(name, value, remark=f"{100 * value / before:.1f} %" if before and index else "")
        for index, ((name, value), before) in enumerate(zip(steps, [0, *(v for _, v in steps)], strict=False))
    ]
    return Charts(
        "From samples to leads",
        [bars("From samples to leads", items)],
        note="Molecules left after each step, and their share of the step before.",
    )


def histograms(
    leads: Mapping[str, Sequence[float]],
    reference: Mapping[str, Sequence[float]],
    windows: Mapping[str, Window],
    name: str,
) -> Charts:
    """Each property of the leads over that of the reference."""
    charts: list[Chart] = []
    for key in PROPERTIES:
        unit = f", {UNITS[key]}" if key in UNITS else ""
        window = windows.get(key)
        bounds = (window.min, window.max) if window else None
        charts.append(
            histogram(
                NAMES.get(key, key) + unit,
                leads[key],
                reference[key],
                names=("leads", "reference"),
                window=bounds,
            )
        )
    note = (
        f"The reference is {name}. Dashed lines are the windows that were asked for."
        if windows
        else (f"The reference is {name}.")
    )
    return Charts("Properties", charts, note=note)


def table(leads: Molecules) -> Table:
    """The leads as a table to sort and filter."""
    columns = ("score", "QED", "SA", "logP", "weight", "TPSA", "similarity", "nearest_known")
    rows = [
        (row + 1, smiles, *(leads.properties[name][row] for name in columns))
        for row, smiles in enumerate(leads.smiles[:TABLE_ROWS])
    ]
    note = "All properties are in leads.csv."
    if len(leads) > TABLE_ROWS:
        note = (
            f"The best {number(TABLE_ROWS)}; all {number(len(leads))} are in leads.csv with all properties."
        )
    names = [name.replace("_", " ") for name in columns]
    return Table("All leads", ("rank", "SMILES", *names), rows, note=note)
