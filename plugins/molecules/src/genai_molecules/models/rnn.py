"""`molecules/rnn`: a recurrent network over SMILES (CharRNN; Segler et al. 2018, Polykovskiy et al. 2020)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from genai_molecules.models.smiles import SmilesModel
from genai_nets.autoregressive import Recurrent

if TYPE_CHECKING:
    from genai_molecules.config import RNNConfig


class MoleculeRNN(SmilesModel):
    """GRU or LSTM that writes SMILES.

    Args:
        config: Cell, layers and widths.
    """

    config: RNNConfig

    def build(self, vocabulary: int) -> Recurrent:
        config = self.config
        return Recurrent(
            vocabulary,
            cell=config.cell,
            layers=config.layers,
            width=config.width,
            embedding=config.embedding,
            dropout=config.dropout,
            tied=config.tied,
        )
