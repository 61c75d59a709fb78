"""Models, grouped by their role in a toolbox. Importing this package registers them all."""

from mmvidext.models import backbones, data_preprocessors, detectors, flow, heads, necks, propagation, segmentors

__all__ = ['backbones', 'data_preprocessors', 'detectors', 'flow', 'heads', 'necks', 'propagation', 'segmentors']
