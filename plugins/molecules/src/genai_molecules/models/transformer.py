"""`molecules/transformer`: a decoder-only Transformer over SMILES (MolGPT; Bagal et al. 2022)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_molecules.models.smiles import SmilesModel
from genai_nets.transformer import Transformer

if TYPE_CHECKING:
    from genai_molecules.config import TransformerConfig


class MoleculeTransformer(SmilesModel):
    """Transformer that writes SMILES.

    Args:
        config: Blocks, width and heads.
    """

    config: TransformerConfig

    def build(self, vocabulary: int) -> Transformer:
        config = self.config
        return Transformer(
            vocabulary,
            layers=config.layers,
            width=config.width,
            heads=config.heads,
            dropout=config.dropout,
            tied=config.tied,
        )
