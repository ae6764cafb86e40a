"""Configurations of what the plugin offers; nothing heavy is imported here."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from genai_core.config import Config


def _several(value: Any) -> Any:
    """One path stands for a list of one: ``--set style=painting.jpg``."""
    return (value,) if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_several)]
Preset = Literal["draft", "standard", "quality"]
Colour = Literal["style", "content", "luminance", "palette"]
StyleKind = Literal["moments", "gram", "sliced"]


class OptimiseOptions(Config):
    """How a picture is painted by optimisation."""

    style: Paths = Field(
        default=(), max_length=16, description="pictures whose style is wanted; several are blended"
    )
    weights: tuple[float, ...] = Field(
        default=(), description="share of each style, in the order of `style`; all the same when empty"
    )
    masks: Paths = Field(
        default=(),
        description="where each style belongs: a grey picture, white for there, or the word subject or "
        "background; regions alone divides the photo into as many as there are styles; empty: everywhere",
    )
    preset: Preset = Field(default="standard", description="how long to work, and on which statistic")
    statistic: StyleKind | None = Field(
        default=None,
        description="what makes a style: mean and deviation of activations (moments), their products (gram) "
        "or their whole distribution (sliced); none: that of the preset, sliced for quality, else moments",
    )
    content_weight: float = Field(
        default=0.1, ge=0, le=100, description="weight of what is shown beside how it is painted"
    )
    content_map: str | None = Field(
        default=None, description="grey picture: white where the content must stay recognisable"
    )
    stroke: float = Field(
        default=1.0, gt=0, le=8, description="size of the style beside the picture: 0.5 halves its strokes"
    )
    colour: Colour = Field(
        default="style",
        description="style: the style's colours; content: hue and saturation of the photo; luminance: only "
        "light and dark are painted; palette: the style repainted in the photo's colours",
    )
    size: int = Field(
        default=512,
        ge=0,
        le=4096,
        description="longer side of the result in pixels; 0 keeps that of the photo",
    )
    precision: Literal["auto", "fp32"] = Field(
        default="auto", description="auto computes in bf16 where the chip has it, nearly twice as fast"
    )

    @model_validator(mode="after")
    def _match(self) -> Self:
        for name in ("weights", "masks"):
            values = getattr(self, name)
            if values and values != ("regions",) and len(values) != len(self.style):
                raise ValueError(f"{len(values)} {name} for {len(self.style)} styles")
        if any(weight < 0 for weight in self.weights) or (self.weights and not sum(self.weights)):
            raise ValueError("weights are not negative, and one is above 0")
        return self


class StyliseConfig(OptimiseOptions):
    """Pictures in the style of others."""

    model: Paths = Field(
        default=("style/optimise",),
        min_length=1,
        max_length=16,
        description="style/optimise, or networks that have learned a style: an id, a run or a folder each",
    )
    content: Paths = Field(default=(), max_length=1000, description="pictures to paint, or folders of them")
    blend: bool = Field(
        default=False, description="paint each picture once in all styles together, not once in each"
    )
    format: Literal[".png", ".jpg", ".webp", ".tif", ".avif"] = Field(
        default=".png", description="format of the pictures"
    )
    measure: int = Field(
        default=8, ge=0, le=1000, description="how many pictures the report measures; each takes seconds"
    )


class FastConfig(Config):
    """A network that has learned one style."""

    style: str | None = Field(default=None, description="picture whose style is learned; needed to train")
    stroke: float = Field(
        default=1.0,
        gt=0,
        le=8,
        description="size of the style beside pictures of 512 pixels: 0.5 halves its strokes",
    )
    content_weight: float = Field(
        default=0.1, ge=0, le=100, description="weight of what is shown beside how it is painted"
    )
    identity: float = Field(
        default=0.3, ge=0, le=100, description="weight of leaving the painting itself as it is"
    )
    crop: int = Field(default=128, ge=32, le=1024, description="side of the training crops in pixels")
    width: int = Field(default=16, ge=4, le=128, description="channels at full size")
    blocks: int = Field(default=4, ge=1, le=16, description="residual blocks at a quarter of the size")


class FastOptions(Config):
    """How a trained network paints a picture."""

    size: int = Field(
        default=0, ge=0, le=65536, description="longer side of the result in pixels; 0: the photo's own"
    )
    colour: Literal["style", "content"] = Field(
        default="style", description="whose colours the result has; content keeps hue and saturation"
    )


class FolderConfig(Config):
    """A folder of pictures."""

    path: str = Field(default="", description="the folder")
