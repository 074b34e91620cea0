import pytest
import torch
from transformers import BertModel, RobertaConfig, RobertaModel

from tinybert.base.errors import InputError
from tinybert.modeling.embedding_rows import keep_pieces


def roberta(**ids):
    shape = {"num_hidden_layers": 1, "hidden_size": 8, "num_attention_heads": 2}
    config = RobertaConfig(vocab_size=12, intermediate_size=8, **shape, **ids)
    return RobertaModel(config).eval()


def test_what_names_a_piece_is_renumbered():
    model = keep_pieces(roberta(pad_token_id=1, bos_token_id=0, eos_token_id=9), [0, 1, 4, 9])
    config = model.config
    assert (config.pad_token_id, config.bos_token_id, config.eos_token_id) == (1, 0, 3)
    assert config.vocab_size == model.get_input_embeddings().num_embeddings == 4
    gone = keep_pieces(roberta(pad_token_id=1, eos_token_id=9), [1, 4])
    assert (gone.config.pad_token_id, gone.config.eos_token_id) == (0, None)


def test_the_model_computes_what_it_did(tiny_bert_dir):
    old, model = (BertModel.from_pretrained(tiny_bert_dir).eval() for _ in range(2))
    kept = [0, 2, 3, 7, 50, 51]
    keep_pieces(model, kept)
    ids = torch.tensor([[1, 4, 5, 2, 0], [1, 3, 2, 0, 0]])
    before = torch.tensor(kept)[ids]
    with torch.no_grad():
        assert torch.equal(model(ids)[0], old(before)[0])


@pytest.mark.parametrize("kept", [[0, 12], [-1, 3]])
def test_a_piece_that_is_not_there(kept):
    with pytest.raises(InputError, match="not among the 12"):
        keep_pieces(roberta(), kept)
