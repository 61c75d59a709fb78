"""What a checkpoint must hold for which use: one rule for every tool and every class that takes one."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from torch import nn

from mmvidext.checkpoints import Fit, check_settings, fit_weights, load_weights
from mmvidext.checkpoints.read import saved_classes
from mmvidext.checkpoints.values import UnusableWeightsError, check_values
from mmvidext.engine.run_parts import unwrap_model
from mmvidext.models.pretrained_file import pretrained_file

__all__ = ['fit_for_resuming', 'fit_for_training', 'load_for_inference']

HEADS = r'((segmentor|detector)\.)?\w*head\.'
FEATURE_FLOW = r'feature_flow\.'


def load_for_inference(model: nn.Module, checkpoint: str | Path) -> Fit:
    """Load the weights of a whole model that is going to be evaluated: no tensor may stay random.

    The checkpoint of a plain segmentor or detector goes into Deep Feature Flow if the flow network needs no weights, or
    has a file of its own in the config (``flow_net.init_cfg``), which is then loaded. The scale map, if any, starts
    as 1.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it does not fit, holds integers for weights, a NaN or an infinity, or its classes are no list of
            names. The message names the tensors.
    """
    model = unwrap_model(model)
    feature_flow: Any = getattr(model, 'feature_flow', None)
    flow_net: Any = getattr(feature_flow, 'flow_net', None)
    has_own = flow_net is not None and (
        not flow_net.state_dict() or pretrained_file(getattr(flow_net, 'init_cfg', None), prefix='') is not None
    )
    try:
        fit = load_weights(model, checkpoint, optional=(FEATURE_FLOW,) if has_own else ())
    except ValueError as error:
        if flow_net is None or has_own or 'missing: feature_flow.flow_net.' not in str(error):
            raise
        raise ValueError(
            f'{error}; give the flow network its weights: flow_net.init_cfg=dict(type="Pretrained", checkpoint=...)'
        ) from None
    if any(name.startswith('feature_flow.flow_net.') for name in fit.skipped):
        flow_net.init_weights()
        check_values(flow_net.state_dict(), flow_net, of='the file of flow_net.init_cfg')
        check_settings(feature_flow, getattr(flow_net, 'origin', None))
    try:
        saved_classes(fit.meta.get('dataset_meta'))
    except ValueError as error:
        raise ValueError(f'{checkpoint}: {error}') from error
    return fit


def fit_for_training(model: nn.Module, checkpoint: str | Path) -> Fit:
    """Compare the weights that training starts from (``load_from``); nothing is loaded yet.

    Heads may be missing or of another class count, and Deep Feature Flow may start from a plain segmentor or detector.
    What the backbone adds to another network (MotionSqueeze to TSM) may be missing, and the file may hold the backbone
    alone, trained on ImageNet for example. What is not loaded is logged and starts as the config says.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If anything else does not fit, or has values that the model cannot take.
    """
    model = unwrap_model(model)
    backbone: Any = getattr(model, 'backbone', None)
    added = getattr(backbone, 'added_parts', ())
    try:
        whole = [rf'backbone\.{part}' for part in added]
        return fit_weights(model, checkpoint, optional=(HEADS, FEATURE_FLOW, *whole))
    except UnusableWeightsError:  # also of a head, which would start at random
        raise
    except ValueError as error:
        if backbone is None:
            raise
        try:
            fit = fit_weights(backbone, checkpoint, prefix='backbone', optional=added)
        except UnusableWeightsError:
            raise
        except ValueError:
            raise error from None
    return replace(fit, weights={f'backbone.{name}': tensor for name, tensor in fit.weights.items()})


def fit_for_resuming(model: nn.Module, checkpoint: str | Path) -> None:
    """Check that a checkpoint is one of a run of this model.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is of another model, or holds weights only.
    """
    fit = fit_weights(unwrap_model(model), checkpoint)
    missing = [name for name in ('message_hub', 'meta') if name not in fit.others]
    if missing or fit.source:
        raise ValueError(
            f'{checkpoint} is not a checkpoint of a training run (without {", ".join(missing) or "our names"}): '
            'to start from its weights, set load_from and leave out --resume'
        )
