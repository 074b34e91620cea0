"""Rows with several labels in a batch: a table of their own, whatever the length of the texts."""

import numpy as np
import torch

from tinybert.modeling.load import load_model
from tinybert.tasks import get_task
from tinybert.tasks.task import Examples
from tinybert.training.batches import EncodedExamples
from tinybert.training.config import TrainingConfig
from tinybert.training.trainer import trainer_options


def test_a_batch_has_a_row_of_labels_a_text(tiny_context, tiny_bert_dir, tmp_path):
    """As many labels as tokens: what pads texts must not take them for labels of tokens."""
    context = tiny_context()
    few = context.train.texts[:8]
    length = max(map(len, context.tokenizer(few)["input_ids"]))
    names = [f"label {number}" for number in range(length)]
    sets = (np.random.default_rng(0).random((8, length)) < 0.5).astype(np.float32)
    rows = EncodedExamples(Examples.of_texts(few, sets, "rows"), context.tokenizer, 64)
    options = trainer_options(
        TrainingConfig(), rows, context.tokenizer, tmp_path, seed=0, step="finetune"
    )
    batch = options["data_collator"]([rows[index] for index in range(8)])
    assert batch["labels"].dtype == torch.float32
    assert batch["labels"].tolist() == sets.tolist()
    task = get_task({"kind": "multi-label-classification", "labels": names})
    model = load_model(tiny_bert_dir, task, new_head=True)
    outputs = model(**{name: values for name, values in batch.items() if name != "row"})
    wanted = torch.nn.BCEWithLogitsLoss()(outputs.logits, torch.tensor(sets))
    torch.testing.assert_close(outputs.loss, wanted)
