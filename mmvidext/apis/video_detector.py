"""Find the objects of a video frame by frame."""

import re
from collections.abc import Callable
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from mmvidext.apis.detections import BoxFile, Detections
from mmvidext.apis.finite_outputs import check_finite, nan_in_outputs
from mmvidext.apis.frame_sources import Source
from mmvidext.apis.picture_outputs import open_pictures
from mmvidext.apis.video_stream import StreamOutput, VideoReport, VideoStream
from mmvidext.drawing.pictures import draw_border, draw_boxes

try:
    from mmdet.registry import DATASETS as DET_DATASETS
    from mmdet.structures import DetDataSample

    from mmvidext.models.detectors import DeepFeatureFlowDetector
except ImportError as error:
    hint = "pip install 'mmvidext[openmmlab,mmdet]' installs it"
    raise ImportError(f'a video detector needs what is not installed: {error}; {hint}') from error

__all__ = ['VideoDetector']

_META = ('img_shape', 'ori_shape', 'pad_shape', 'scale_factor', 'flip', 'flip_direction')


class VideoDetector(VideoStream):
    """Find the objects of a stream of frames with a ``DeepFeatureFlowDetector``; see :class:`VideoStream`.

    Objects are found in each frame; they have no identity from frame to frame.
    """

    model_class = DeepFeatureFlowDetector
    datasets = DET_DATASETS

    def step(self, frame: np.ndarray) -> Detections:
        """Find the objects of the next frame.

        Args:
            frame: RGB, ``uint8 (H, W, 3)``.

        Returns:
            All that the detector's ``test_cfg`` lets through: ``boxes``, ``labels`` and ``scores``.

        Raises:
            ValueError: If the frame is not such an array, or has no pixels: the stream goes on without it. If what the
                detector gives is not finite: the next frame is a key frame.
        """
        return super().step(frame)

    def detect_video(
        self,
        source: str | Path | Source,
        out_path: str | Path | None = None,
        *,
        box_file: str | Path | None = None,
        score: float = 0.3,
        on_frame: Callable[[int, int], Any] | None = None,
    ) -> VideoReport:
        """Write a video with the objects drawn into the frames, and their boxes; key frames have a yellow border.

        Args:
            source: What :func:`~mmvidext.apis.frame_sources.open_source` opens: a video, a folder or pattern of
                pictures, a camera, an address; or what it returned.
            out_path: A video (``.mp4``, ``.mov``, ``.mkv``, ``.webm``, ``.avi``), or a folder of PNG files: a path
                without suffix. A frame of another size than the first is fitted into a video.
            box_file: JSON lines of the boxes, see :class:`BoxFile`.
            score: Least score of what is drawn and written.
            on_frame: Called after each frame with its number, from 1, and how many there are, 0 if unknown.

        Returns:
            How many frames there were, and how many of them were key frames.

        Raises:
            FileNotFoundError: If there is no such source.
            ValueError: If it cannot be read, or is damaged: then what can be read is in the outputs, which are closed.
                Before anything is written: if an output is an input, or has an unknown suffix, or there is none.
            OSError: If an output cannot be written, or the source does not answer.
        """
        outputs = []
        if out_path is not None:
            path = Path(out_path)
            outputs.append(StreamOutput(path, partial(open_pictures, path), partial(self._draw, score)))
        if box_file is not None:
            path = Path(box_file)
            if not path.suffix:
                raise ValueError(f'box_file must be a file with a suffix, such as boxes.jsonl, but is {path}')
            outputs.append(StreamOutput(path, lambda _: BoxFile(path, self.classes), partial(self._record, score)))
        if not outputs:
            raise ValueError('detect_video writes nothing: give out_path or box_file')
        return self.write(source, outputs, on_frame)

    def _draw(self, score: float, frame: np.ndarray, found: Detections) -> np.ndarray:
        shown = found.above(score)
        order = slice(None, None, -1)  # the best on top
        names = [f'{self.classes[label]} {value:.2f}' for label, value in zip(shown.labels, shown.scores, strict=True)]
        picture = draw_boxes(frame, shown.boxes[order], names[order], self.palette[shown.labels][order])
        return draw_border(picture) if self.is_key_frame else picture

    def _record(self, score: float, frame: np.ndarray, found: Detections) -> tuple[Detections, bool]:
        return found.above(score), self.is_key_frame

    def _pack(self, results: dict[str, Any]) -> tuple[Tensor, DetDataSample]:
        sample = DetDataSample(metainfo={name: results[name] for name in _META if name in results})
        sample.set_metainfo({'scale_factor': results.get('scale_factor', (1.0, 1.0))})
        image = torch.from_numpy(np.ascontiguousarray(results['imgs'][-1].transpose(2, 0, 1)))
        data = self.model.data_preprocessor({'inputs': [image], 'data_samples': [sample]})
        return data['inputs'], data['data_samples'][0]

    @cached_property
    def _heads(self) -> list[nn.Module]:
        """What gives the scores that mmdet compares with a threshold, as NaN never passes."""
        modules = self.model.detector.named_modules()
        return [module for name, module in modules if re.fullmatch(r'(.*\.)?(bbox|rpn)_head(\.\d+)?', name)]

    def _image_sizes(self, sample: DetDataSample) -> list[tuple[int, int]]:
        return [tuple(sample.metainfo['img_shape'][:2])]

    def _read(self, maps: tuple[Tensor, ...], sample: DetDataSample) -> Detections:
        with nan_in_outputs(self._heads):
            (result,) = self.model.decode(maps, [sample])
        found = result.pred_instances
        check_finite(
            torch.cat((found.bboxes.float(), found.scores.float().unsqueeze(1)), 1), 'the boxes or their scores'
        )
        order = found.scores.argsort(descending=True, stable=True)
        arrays = (found.bboxes.float(), found.labels, found.scores.float())
        return Detections(*(array[order].cpu().numpy() for array in arrays))
