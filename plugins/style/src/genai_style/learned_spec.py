"""The styles that ship as trained networks, as data; nothing heavy is imported here."""

from __future__ import annotations

from genai_core.plugins.specs import ModelSpec

_WORKS = {
    "starry-night": "The Starry Night (Vincent van Gogh, 1889)",
    "cafe-terrace": "Café Terrace at Night (Vincent van Gogh, 1888)",
    "great-wave": "The Great Wave off Kanagawa (Katsushika Hokusai, 1831)",
    "poppies": "Poppies (Katsushika Hokusai, about 1831)",
    "moulin": "Bal du moulin de la Galette (Pierre-Auguste Renoir, 1876)",
    "composition-viii": "Composition VIII (Wassily Kandinsky, 1923)",
}

LEARNED = tuple(
    ModelSpec(
        name=name,
        summary=f"Pictures in the style of {work}, in one pass",
        modality="image",
        family="classical",
        capabilities=frozenset({"transform"}),
        factory="genai_style.models.fast:PaintedStyle",
        config="genai_style.config:FastConfig",
        options="genai_style.config:FastOptions",
        weights=f"genai_style:weights/{name}",
        licence="Apache-2.0",
        citation="Johnson et al., ECCV (2016); Ulyanov et al., CVPR (2017)",
    )
    for name, work in _WORKS.items()
)
