"""Weights into models: safe reading, official names into ours, one report of what fits."""

from mmvidext.checkpoints.fit import Fit
from mmvidext.checkpoints.load import convert_checkpoint, find_source, fit_weights, load_weights, source_names
from mmvidext.checkpoints.read import Checkpoint, StateDict, read_checkpoint
from mmvidext.checkpoints.settings import check_settings
from mmvidext.checkpoints.source import Source

__all__ = [
    'Checkpoint',
    'Fit',
    'Source',
    'StateDict',
    'check_settings',
    'convert_checkpoint',
    'find_source',
    'fit_weights',
    'load_weights',
    'read_checkpoint',
    'source_names',
]
