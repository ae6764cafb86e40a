"""Configurations of what the plugin offers; nothing heavy is imported here."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from genai_core.config import Config


class SmilesConfig(Config):
    """What the language models over SMILES share."""

    representation: Literal["smiles", "selfies"] = Field(
        default="smiles", description="how molecules are written; selfies needs genai-molecules[selfies]"
    )
    augment: float = Field(
        default=0.0, ge=0, le=1, description="share of training molecules written in a random atom order"
    )
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout between layers while training")
    validity: float = Field(
        default=0.0,
        ge=0,
        description="weight of the share of molecules drawn while training that the grammar refuses",
    )


class RNNConfig(SmilesConfig):
    """A recurrent network that writes molecules from left to right."""

    cell: Literal["gru", "lstm"] = Field(default="gru", description="recurrent cell")
    layers: int = Field(default=2, ge=1, le=8, description="stacked recurrent layers")
    width: int = Field(default=256, ge=8, le=4096, description="units a layer")
    embedding: int = Field(default=64, ge=4, le=4096, description="width of a token's embedding")
    tied: bool = Field(default=False, description="output weights are the embedding; needs embedding = width")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.tied and self.embedding != self.width:
            raise ValueError("tied weights need embedding = width")
        return self


class TransformerConfig(SmilesConfig):
    """A decoder-only Transformer that writes molecules from left to right."""

    layers: int = Field(default=4, ge=1, le=48, description="blocks")
    width: int = Field(default=192, ge=8, le=4096, description="width of the residual stream")
    heads: int = Field(
        default=6, ge=1, le=64, description="attention heads; divides width, width / heads is even"
    )
    tied: bool = Field(default=True, description="output weights are the embedding")

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.width % (2 * self.heads):
            raise ValueError("width must split into `heads` parts of even width")
        return self


class SamplingConfig(Config):
    """How molecules are drawn from a language model."""

    temperature: float = Field(default=1.0, gt=0, le=10, description="below 1 likelier, above 1 more diverse")
    top_k: int = Field(default=0, ge=0, description="draw from the k likeliest tokens; 0 for all")
    top_p: float = Field(
        default=1.0, gt=0, le=1, description="draw from the likeliest tokens of this total mass"
    )
    mask: bool = Field(default=True, description="allow only tokens that can lead to a valid molecule")
    max_length: int = Field(default=120, ge=2, le=2000, description="longest molecule in tokens")
    batch: int = Field(default=1024, ge=1, le=65536, description="molecules drawn side by side")
    precision: Literal["auto", "fp32"] = Field(
        default="auto", description="auto computes in bf16 where the chip has it, nearly twice as fast"
    )
