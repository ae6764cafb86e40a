"""How to train: the options of the engine."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from genai_core.config import Config


class TrainConfig(Config):
    """Options of `genai train`, the same for every model."""

    steps: int = Field(default=2000, ge=1, description="optimizer steps")
    batch: int = Field(default=256, ge=1, description="items a step, whatever the memory (see micro_batch)")
    micro_batch: int = Field(default=0, ge=0, description="items at once; 0: all; falls when memory runs out")
    lr: float = Field(default=1e-3, gt=0, description="peak learning rate")
    schedule: Literal["constant", "cosine", "linear"] = Field(default="cosine", description="after warm-up")
    warmup: int = Field(default=100, ge=0, description="steps of linear warm-up")
    final_lr: float = Field(default=0.01, ge=0, le=1, description="last learning rate as a share of the peak")
    weight_decay: float = Field(default=0.0, ge=0, description="of AdamW; not of a model's own optimizers")
    clip: float = Field(default=1.0, ge=0, description="largest gradient norm; 0: no clipping")
    ema: float = Field(default=0.0, ge=0, lt=1, description="decay of the average that is saved; 0: none")
    precision: Literal["auto", "fp32", "bf16"] = Field(default="auto", description="of autocast")
    compile: bool = Field(default=False, description="torch.compile; eager where that fails")
    validate_every: int = Field(default=0, ge=0, description="steps between validations; 0: only at the end")
    validate_items: int = Field(default=2048, ge=1, description="items of the validation split that are used")
    patience: int = Field(default=0, ge=0, description="validations without progress to stop at; 0: never")
    checkpoint_every: int = Field(default=500, ge=1, description="steps between checkpoints")
    keep: int = Field(default=2, ge=1, description="checkpoints to keep")
    log_every: int = Field(default=50, ge=1, description="steps between log lines")
    threads: int = Field(default=0, ge=0, description="CPU threads; 0: as many cores as are idle")
