import pytest
import torch

from tinybert.huggingface import load_model
from tinybert.students.build import build_student
from tinybert.students.config import StudentConfig

SHAPE = {"layers": 1, "hidden_size": 16, "attention_heads": 2, "intermediate_size": 32}


@pytest.fixture
def teacher(tiny_bert_dir, tiny_context):
    return load_model(tiny_bert_dir, tiny_context().task)


@pytest.fixture
def student(teacher):
    torch.manual_seed(0)
    return build_student(StudentConfig(**SHAPE), teacher)
