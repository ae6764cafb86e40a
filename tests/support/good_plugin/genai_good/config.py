from pydantic import Field

from genai_core import Config


class WordsConfig(Config):
    count: int = Field(default=60, ge=10, le=1000, description="number of words")


class LettersConfig(Config):
    width: int = Field(default=8, ge=1, description="hidden width")


class SamplingConfig(Config):
    temperature: float = Field(default=1.0, gt=0, description="spread of the letters")


class WriteConfig(Config):
    count: int = Field(default=5, ge=1, description="number of words")
