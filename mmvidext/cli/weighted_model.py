"""The MODEL of a command that shows what it predicts: random weights are taken only where they are asked for."""

from mmvidext.apis.trained_model import TrainedModel, find_model

__all__ = ['find_weighted_model']


def find_weighted_model(model: str, weights: str | None, *, option: str) -> TrainedModel:
    """Find a model and its weights, see :func:`~mmvidext.apis.trained_model.find_model`.

    Args:
        model: As the command line names it.
        weights: Its checkpoint, where it is a config; ``'none'`` for random weights.
        option: How the command line gives the weights, for the error: ``'--weights '``.

    Raises:
        FileNotFoundError: If there is no such model.
        ValueError: If it is a config without weights, or a checkpoint with a second one.
    """
    if weights == 'none':
        return find_model(model)._replace(checkpoint=None)
    found = find_model(model, weights)
    if found.checkpoint is None:
        raise ValueError(
            f'{model} is a config without weights: write {option}CHECKPOINT, or {option}none for random ones'
        )
    return found
