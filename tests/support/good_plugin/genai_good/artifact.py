import json

from genai_core import Artifact, BadInput, Preview


class Words(Artifact):
    modality = "words"
    suffixes = (".words",)

    def __init__(self, words=()):
        self.words = tuple(words)

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        return self.words[index]

    def validate(self):
        for number, word in enumerate(self.words, start=1):
            if not isinstance(word, str) or "\n" in word:
                raise BadInput("words", "is not a word", number)

    def encode(self, suffix, record):
        inside = "" if record is None else json.dumps({"record": dict(record)}, sort_keys=True)
        return json.dumps({"words": self.words, "inside": inside}).encode()

    @classmethod
    def decode(cls, data, suffix, *, name, limits):
        try:
            words = json.loads(data)["words"]
        except (ValueError, KeyError, TypeError) as error:
            raise BadInput(name, f"is no list of words: {error}") from None
        if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
            raise BadInput(name, "is no list of words")
        if len(words) > limits.items:
            raise BadInput(name, f"has more than {limits.items} words")
        return cls(words)

    @classmethod
    def concat(cls, parts):
        return cls([word for part in parts for word in part.words])

    def preview(self, limit=24):
        return [Preview(kind="text", data=word, alt=f"the word {word}") for word in self.words[:limit]]
