import random

from genai_core import SequenceDataset

SYLLABLES = "ka lo mi ru sen tar vo el".split()


def make_words(config):
    rng = random.Random(3)
    words = []
    while len(words) < config.count:
        word = "".join(rng.choice(SYLLABLES) for _ in range(rng.randint(2, 5)))
        if word not in words:
            words.append(word)
    return SequenceDataset(words, modality="words")


def make_points(config):
    return SequenceDataset([[i, i * i] for i in range(20)], modality="words")
