from genai_core import Context
from genai_core.config import EmptyConfig
from genai_good.artifact import Words
from genai_good.chain import Chain
from genai_good.config import WordsConfig
from genai_good.data import make_words


def write(config, run):
    chain, ctx = Chain(EmptyConfig()), Context(seed=run.seed)
    chain.fit(make_words(WordsConfig()), ctx)
    run.save(Words.concat(list(chain.sample(config.count, ctx))), "new.words")
