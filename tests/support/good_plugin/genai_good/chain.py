from genai_core import Model
from genai_good.artifact import Words


class Chain(Model):
    """Counts which letter follows which."""

    def fit(self, data, ctx):
        self.followers = {}
        for word in data:
            for before, after in zip("^" + word, word + "$", strict=True):
                self.followers.setdefault(before, []).append(after)

    def sample(self, n, ctx, given=None):
        for index in range(n):
            rng, word = ctx.rng("sample", index), "^"
            while not word.endswith("$") and len(word) < 20:
                word += str(rng.choice(self.followers[word[-1]]))
            yield Words([word.strip("^$")])

    def state(self):
        return {"followers": self.followers}

    def load_state(self, state):
        self.followers = state["followers"]
