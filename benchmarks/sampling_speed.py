"""Molecules a second from the shipped weights: plain, masked, and with finished rows kept to the end.

    python benchmarks/sampling_speed.py [-n 8192]

All rows run in this process on the same weights, in CPU seconds of one thread. The last row does what
REINVENT's sampler does: every sequence is computed, in fp32, until the longest of its batch has ended.
"""

from __future__ import annotations

import argparse
import time

import torch

from genai_core.protocols import Context
from genai_core.running.models import load_model
from genai_molecules.config import SamplingConfig
from genai_molecules.tokens import BEGIN, END
from genai_nets.decoding import generate

BATCH = 1024


def molecules_per_second(model, n, **options):
    config = SamplingConfig(batch=BATCH, **options)
    start = time.process_time()
    for _ in model.sample(n, Context(seed=1, options=config)):
        pass
    return n / (time.process_time() - start)


def keeping_finished_rows(model, n, batch=128):
    start = time.process_time()
    generator = torch.Generator().manual_seed(1)
    for _ in range(0, n, batch):
        drawn = generate(
            model.net, batch, begin=BEGIN, end=END, max_length=120, generator=generator, drop=False
        )
        [model.vocabulary.decode(row) for row in drawn.tolist()]
    return n / (time.process_time() - start)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("-n", type=int, default=8192, help="molecules a row")
    n = parser.parse_args().n
    torch.set_num_threads(1)
    model = load_model("molecules/rnn").model
    molecules_per_second(model, BATCH, mask=False)  # warm up
    rows = {
        "plain, bf16 where the chip has it": molecules_per_second(model, n, mask=False),
        "masked, bf16 where the chip has it": molecules_per_second(model, n, mask=True),
        "plain, fp32": molecules_per_second(model, n, mask=False, precision="fp32"),
        "masked, fp32": molecules_per_second(model, n, mask=True, precision="fp32"),
        "finished rows kept, fp32, batch 128": keeping_finished_rows(model, n // 4),
    }
    slowest = rows["finished rows kept, fp32, batch 128"]
    print("| sampler | molecules / CPU second | against the last row |\n|---|---|---|")
    for name, speed in rows.items():
        print(f"| {name} | {speed:,.0f} | {speed / slowest:.1f}x |")
    plain, masked = list(rows.values())[:2]
    print(f"\nmasked / plain: {masked / plain:.2f}")


if __name__ == "__main__":
    main()
