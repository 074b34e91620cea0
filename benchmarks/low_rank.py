"""What low rank saves of a BERT-base, to be held against the figures on paper.

    .venv/bin/python benchmarks/low_rank.py --rank 256

Random weights and tokens: the counts do not depend on them. What it costs in accuracy, before and
after healing, is in `pareto.py`.
"""

import argparse

import torch
from transformers import BertConfig, BertForSequenceClassification, set_seed

from tinybert.families import ROLES
from tinybert.modeling.blocks import blocks
from tinybert.steps.factorize.step import factorize_layers


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rank", type=int, default=256)
    rank: int = parser.parse_args().rank
    set_seed(0)
    model = BertForSequenceClassification(BertConfig())
    ids = torch.randint(1000, 30000, (2, 64))
    before = model.num_parameters()
    inside = sum(weight.numel() for weight in model.bert.encoder.parameters())
    print(f"BERT-base: {before:,} parameters, {inside:,} of them in its layers; rank {rank}")
    for part, roles in ROLES.items():
        here = model.num_parameters()
        factorize_layers(
            model,
            [{"input_ids": ids, "attention_mask": torch.ones_like(ids)}],
            roles,
            lambda _: rank,
        )
        left = model.num_parameters()
        layer = blocks(model)[0].linear(roles[0])
        sizes = " + ".join(
            f"{weight.numel():,}" for weight in layer.parameters() if weight.dim() > 1
        )
        print(
            f"{part}: one layer {sizes}; {here - left:,} fewer; all parameters "
            f"{1 - left / before:.1%} fewer, those of the layers {(before - left) / inside:.1%}"
        )


if __name__ == "__main__":
    main()
