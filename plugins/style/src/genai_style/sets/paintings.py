"""`style/paintings`: paintings and prints of five centuries, of which a game made puzzles, whole again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from genai_core.files.sources import cached
from genai_media.image import Image
from genai_style.sets.gallery import Credit, Work, gallery
from genai_style.sets.gcompris import activity, assembled, credits, picture

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from genai_core.config import Config
    from genai_style.data import Photos


class _Painting(NamedTuple):
    source: str
    name: str
    author: str
    title: str


_HOKUSAI, _HIROSHIGE = "Katsushika Hokusai", "Utagawa Hiroshige"
_GOGH, _RENOIR, _ARCIMBOLDO = "Vincent van Gogh", "Pierre-Auguste Renoir", "Giuseppe Arcimboldo"
TRAIN = (
    _Painting("GreatWave", "hokusai-great-wave", _HOKUSAI, "The Great Wave off Kanagawa"),
    _Painting("HokusaiBridge", "hokusai-bridge", _HOKUSAI, "Sunset over the Ryogoku Bridge"),
    _Painting("HokusaiPoppies", "hokusai-poppies", _HOKUSAI, "Poppies"),
    _Painting("HokusaiOiranKamuro", "hokusai-oiran", _HOKUSAI, "Oiran and Kamuro"),
    _Painting("KazusaSeaRoute", "hokusai-sea-route", _HOKUSAI, "The Kazusa Sea Route"),
    _Painting(
        "HiroshigeInokashiraSnow", "hiroshige-snow", _HIROSHIGE, "The Benzaiten Shrine at Inokashira in Snow"
    ),
    _Painting("Arcimboldo_Librarian", "arcimboldo-librarian", _ARCIMBOLDO, "The Librarian"),
    _Painting("MonaLisa", "leonardo-mona-lisa", "Leonardo da Vinci", "Mona Lisa"),
    _Painting("AlbrechtDurer", "duerer-lion", "Albrecht Dürer", "Lion"),
    _Painting("renoir-moulin_de_la_galette", "renoir-moulin", _RENOIR, "Bal du moulin de la Galette"),
    _Painting("cassat_summertime", "cassatt-summertime", "Mary Cassatt", "Summertime"),
    _Painting("kandinky", "kandinsky-composition", "Wassily Kandinsky", "Composition VIII"),
    _Painting("gogh_auvert", "gogh-auvers", _GOGH, "Village Street in Auvers"),
    _Painting("VincentVanGogh0012", "gogh-entrance", _GOGH, "Entrance Hall of Saint-Paul Hospital"),
    _Painting("Eglise_dAuvers-sur-Oise", "gogh-church", _GOGH, "The Church at Auvers"),
    _Painting("VincentVanGogh0013", "gogh-on-his-way", _GOGH, "The Painter on His Way to Work"),
    _Painting("VincentVanGogh0019", "gogh-harvest", _GOGH, "The Harvest"),
    _Painting("Gogh4", "gogh-cafe-terrace", _GOGH, "Café Terrace at Night"),
    _Painting("PortraitOfPereTanguy", "gogh-tanguy", _GOGH, "Portrait of Père Tanguy"),
    _Painting("starry_night.jpg", "gogh-starry-night", _GOGH, "The Starry Night"),
)
TEST = (
    _Painting("EjiriSuruga", "hokusai-ejiri", _HOKUSAI, "Ejiri in Suruga Province"),
    _Painting("HokusaiWomanHoldingFan", "hokusai-fan", _HOKUSAI, "Woman Holding a Fan"),
    _Painting("HiroshigeHorsePrawns", "hiroshige-prawns", _HIROSHIGE, "Horse Mackerel and Prawns"),
    _Painting("Arcimboldo_Spring", "arcimboldo-spring", _ARCIMBOLDO, "Spring"),
    _Painting("PalaDiPesaro", "bellini-pesaro", "Giovanni Bellini", "Pesaro Altarpiece, detail"),
    _Painting("PieterBruegel", "bruegel-harvesters", "Pieter Bruegel the Elder", "The Harvesters"),
    _Painting("bazille_rampart", "bazille-ramparts", "Frédéric Bazille", "The Ramparts at Aigues-Mortes"),
    _Painting("renoir-filles_piano", "renoir-piano", _RENOIR, "Girls at the Piano"),
    _Painting("Van_Gogh_The_Night_Cafe", "gogh-night-cafe", _GOGH, "The Night Café"),
    _Painting("VincentVanGoghBridge", "gogh-langlois", _GOGH, "The Langlois Bridge at Arles"),
)


def paintings(config: Config | None = None) -> Photos:
    """Twenty paintings to learn on, and ten others by much the same hands to test with."""
    from genai_style.data_spec import PAINTINGS

    return gallery(cached(replace(PAINTINGS, plugin="style")), "paintings-1", _works)


def _works(files: Mapping[str, Path]) -> Iterator[Work]:
    puzzles, details = activity(files["paintings.rcc"]), activity(files["details.rcc"])
    whose = credits(puzzles) | credits(details)
    for split, works in (("train", TRAIN), ("test", TEST)):
        for work in works:
            background = f"image/{work.source}_background.webp"
            if work.source in files:
                image, licence = Image.load(files[work.source]), "Apache-2.0"
                source = "opencv-doc 4.6.0, samples"
            elif background in details:
                image, licence = picture(details, background), whose[background].licence
                source = "gcompris-qt-data 3.1, details.rcc"
            else:
                image, pieces = assembled(puzzles, work.source)
                licence = whose[pieces[0]].licence
                source = "gcompris-qt-data 3.1, paintings.rcc"
            credit = Credit(work.title, work.author, licence, source)
            yield Work(f"{work.name}.png", split, _unframed(image).encode(".png", None), credit)


def _unframed(image: Image) -> Image:
    """Without the outer 2 %, where scans show frames and paper."""
    rows, columns = round(image.height * 0.02), round(image.width * 0.02)
    return Image(image.pixels[rows : image.height - rows, columns : image.width - columns])
