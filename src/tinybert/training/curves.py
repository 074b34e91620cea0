"""Loss curves for TensorBoard."""

from pathlib import Path

from transformers import TrainerCallback
from transformers.integrations.integration_utils import TensorBoardCallback

from tinybert.base.errors import missing_extra


def loss_curves(folder: Path) -> TrainerCallback:
    """Writes what the Trainer logs for `tensorboard --logdir`.

    Raises:
        InputError: TensorBoard is not installed.
    """
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        raise missing_extra("tensorboard", "tensorboard", "to write loss curves") from None
    return TensorBoardCallback(SummaryWriter(str(folder)))
