"""Data preprocessors: what turns a batch of samples into model input."""

from importlib.util import find_spec

from mmvidext.models.data_preprocessors.flow_data_preprocessor import FlowDataPreprocessor

__all__ = ['FlowDataPreprocessor']

if find_spec('mmaction') is not None:
    from mmvidext.models.data_preprocessors.action_data_preprocessor import (
        ActionDataPreprocessor as ActionDataPreprocessor,
    )

    __all__ += ['ActionDataPreprocessor']
if find_spec('mmseg') is not None:
    from mmvidext.models.data_preprocessors.video_seg_data_preprocessor import (
        VideoSegDataPreProcessor as VideoSegDataPreProcessor,
    )

    __all__ += ['VideoSegDataPreProcessor']
if find_spec('mmdet') is not None:
    from mmvidext.models.data_preprocessors.video_det_data_preprocessor import (
        VideoDetDataPreprocessor as VideoDetDataPreprocessor,
    )

    __all__ += ['VideoDetDataPreprocessor']
