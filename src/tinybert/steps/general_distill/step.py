"""General distillation: the student's encoder learns from the teacher's, on any text."""

from collections.abc import Sequence
from pathlib import Path

from transformers import PreTrainedModel, PreTrainedTokenizerBase

from tinybert.base.cache_folder import cache_root
from tinybert.base.errors import InputError
from tinybert.base.files import hash_value
from tinybert.base.locks import one_at_a_time
from tinybert.base.progress import Progress, ProgressCallback
from tinybert.data.corpus import hash_corpus, read_corpus
from tinybert.distillation.trainer import DistillationTrainer
from tinybert.distillation.training import mapped_layers, run_distillation
from tinybert.modeling.distributed import agree, is_main, world_size
from tinybert.modeling.load import forget_last_call
from tinybert.steps.general_distill.config import GeneralDistillConfig
from tinybert.training.context import Context
from tinybert.training.packing import PackedTokens, pack
from tinybert.training.trainer import optimizer_steps, trainer_options


def general_distill(
    config: GeneralDistillConfig, model: PreTrainedModel, context: Context
) -> PreTrainedModel:
    """Trains the encoder of `model` in place against that of `context.teacher`."""
    assert context.teacher is not None, "the recipe refuses `general-distill` before `student`"
    tokenizer = context.tokenizer
    path = packed_corpus(context.unlabeled, tokenizer, config, context.progress)
    blocks = PackedTokens(
        path,
        mask_id=tokenizer.mask_token_id,
        masking=config.masking,
        vocabulary=len(tokenizer),
        special_ids=tokenizer.all_special_ids,
        seed=context.seed,
    )
    options = trainer_options(
        config.model_copy(update={"max_steps": _steps(config, len(blocks))}),
        blocks,
        tokenizer,
        context.folder,
        seed=context.seed,
        step="general-distill",
        progress=context.progress,
    )
    trainer = DistillationTrainer(
        model,
        teacher=context.teacher,
        settings=config,
        layers=mapped_layers(config, model, context.teacher, blocks, options["data_collator"]),
        **options,
    )
    return run_distillation(trainer, model, config)


def packed_corpus(
    sources: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    config: GeneralDistillConfig,
    progress: ProgressCallback,
) -> Path:
    """The file of the corpus as blocks of tokens, made unless it is there already.

    It is named by a hash of the corpus, the tokenizer and the settings, and shared by all runs.

    Raises:
        InputError: The corpus is missing, broken or too small.
    """
    return agree(_pack(sources, tokenizer, config, progress) if is_main() else Path())


def _pack(
    sources: Sequence[str],
    tokenizer: PreTrainedTokenizerBase,
    config: GeneralDistillConfig,
    progress: ProgressCallback,
) -> Path:
    forget_last_call(tokenizer)
    key = [hash_corpus(sources), tokenizer.backend_tokenizer.to_str(), config.length]
    path = cache_root() / "corpora" / f"{hash_value([*key, config.max_tokens])[:20]}.npy"

    def report(tokens: int) -> None:
        total = config.max_tokens or tokens + 1  # how many there are is known at the end
        progress(Progress("pack", min(tokens, total - 1), total))

    try:
        with one_at_a_time(path):
            if not path.exists():
                pack(
                    read_corpus(sources),
                    tokenizer,
                    config.length,
                    path,
                    max_tokens=config.max_tokens,
                    progress=report,
                )
    except BrokenPipeError:  # of who is told of the progress
        raise
    except OSError as error:
        raise InputError(
            f"{error.filename or path.parent}: can't keep the packed corpus there "
            f"({error.strerror}); make room, or name another folder in TINYBERT_CACHE"
        ) from None
    return path


def _steps(config: GeneralDistillConfig, blocks: int) -> int:
    """Optimizer steps until the first of the limits is reached."""
    steps = optimizer_steps(config, blocks)
    if config.max_tokens is None:
        return steps
    rows = config.batch_size * config.gradient_accumulation * world_size()
    return min(steps, max(1, config.max_tokens // (rows * config.length)))
