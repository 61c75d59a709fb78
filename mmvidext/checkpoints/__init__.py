"""Official weights into ours; loading that never runs code from the file."""

from mmvidext.checkpoints.backbone import load_backbone
from mmvidext.checkpoints.convert import convert_checkpoint, find_source, source_names
from mmvidext.checkpoints.loading import load_checkpoint_file
from mmvidext.checkpoints.source import Source, StateDict

__all__ = [
    'Source',
    'StateDict',
    'convert_checkpoint',
    'find_source',
    'load_backbone',
    'load_checkpoint_file',
    'source_names',
]
