"""What the video segmentation data sets share: snippets, labeled frames and propagation distances."""

import re
from collections.abc import Sequence
from typing import Any

from mmseg.datasets import BaseSegDataset

from mmvidext.datasets.media.bit_depth import check_8_bits
from mmvidext.datasets.media.policy import BadFilePolicy
from mmvidext.datasets.snippets import Snippet, SnippetFinder, check_distance, check_evaluation

__all__ = ['VideoSegDataset']

MOST_CLASSES = 255


class VideoSegDataset(BadFilePolicy, BaseSegDataset):
    """Base of the video data sets: a sample is a labeled frame and the frames around it.

    In training neither ``distances`` nor ``key_frame_interval`` is set: there is one sample for each labeled frame,
    and ``SampleKeyFrame`` in the pipeline draws the key frame. For evaluation, ``distances`` makes one sample for each
    labeled frame and distance, and ``key_frame_interval`` makes every labeled frame a sample whose key frame is the
    last multiple of the interval, as in a stream.

    Args:
        distances: Evaluate each labeled frame at these numbers of frames behind its key frame.
        key_frame_interval: Evaluate each labeled frame in a stream with this interval.
        data_prefix: ``img_path`` and ``seg_map_path``, the folders of frames and labels.
        **kwargs: The limits of :class:`~mmvidext.datasets.media.policy.BadFilePolicy`, and the arguments of
            ``mmseg.BaseSegDataset``.

    Raises:
        ValueError: If both are given, a distance is negative, the interval is below 1, a distance is longer than a
            snippet, ``data_prefix`` has another key, or there are labels and more classes than 8 bits can hold.
    """

    path_key = 'img_path'
    what = 'frames'
    folders = ('', '')  # of frames and labels, where data_prefix does not name them

    def __init__(
        self,
        *,
        distances: Sequence[int] | None = None,
        key_frame_interval: int | None = None,
        data_prefix: dict[str, str] | None = None,
        **kwargs: Any,
    ) -> None:
        check_evaluation(distances, key_frame_interval)
        self.distances = tuple(distances) if distances is not None else None
        self.key_frame_interval = key_frame_interval
        self.replaces_bad = distances is None and key_frame_interval is None  # what is evaluated is never replaced
        self.snippets: list[Snippet] = []
        prefix = dict(zip(('img_path', 'seg_map_path'), self.folders, strict=True))
        if unknown := sorted((data_prefix or {}).keys() - prefix.keys()):
            raise ValueError(f'data_prefix names folders by img_path and seg_map_path, but has {unknown}')
        super().__init__(data_prefix={**prefix, **(data_prefix or {})}, **kwargs)

    def find_snippets(self) -> list[Snippet]:
        """Return every snippet; each data set knows its own layout."""
        raise TypeError(f'{type(self).__name__} must define find_snippets()')

    def snippets_of_labels(
        self, stem: re.Pattern[str], *, pattern: str, naming: str, snippet_length: int = 30
    ) -> list[Snippet]:
        """Return one snippet for each label file, see :class:`~mmvidext.datasets.snippets.SnippetFinder`."""
        finder = SnippetFinder(
            self.data_prefix['img_path'],
            stem=stem,
            suffix=self.img_suffix,
            snippet_length=snippet_length,
            distance=max(self.distances or (0,)),
        )
        labels = self.data_prefix['seg_map_path']
        return finder.find_all(labels, pattern=pattern, suffix=self.seg_map_suffix, naming=naming)

    def load_data_list(self) -> list[dict[str, Any]]:
        """Return one entry for each sample."""
        self.snippets = self.find_snippets()
        if not self.snippets:
            raise FileNotFoundError(f'no labeled snippet found; expected {self.layout()}')
        num_classes = len(self._metainfo['classes'])
        if num_classes > MOST_CLASSES and any(path for snippet in self.snippets for path in snippet.labels.values()):
            raise ValueError(
                f'there are {num_classes} classes, but label maps have 8 bits and 255 is ignored: at most '
                f'{MOST_CLASSES} classes can be labeled, 0 to {MOST_CLASSES - 1}'
            )
        return [
            self._sample(number, index, distance)
            for number, snippet in enumerate(self.snippets)
            for index in sorted(snippet.labels)
            for distance in self._sample_distances(index)
        ]

    def layout(self) -> str:
        """Describe the searched paths, for messages."""
        return f'images under {self.data_prefix["img_path"]} and labels under {self.data_prefix["seg_map_path"]}'

    def get_data_info(self, idx: int) -> dict[str, Any]:
        """Return the entry of one sample, with the paths of all frames of its snippet."""
        information = super().get_data_info(idx)
        information['frame_paths'] = self.snippets[information['snippet']].frame_paths
        return information

    def is_reading(self, transform: Any, results: dict[str, Any]) -> bool:
        """Whether an error in a transform tells of a bad file: those that load are named so, ours and mmseg's."""
        return type(transform).__name__.startswith('Load')

    def files(self, results: dict[str, Any]) -> list[str]:
        """Return the labeled frame and its label; ``LoadClip`` looks at the other frames."""
        return [results[key] for key in ('img_path', 'seg_map_path') if key in results]

    def _check_files(self, results: dict[str, Any]) -> None:
        """Look at the frame too, before it is loaded: mmcv's ``LoadImageFromFile`` reads 16 bits without a word."""
        super()._check_files(results)
        if not results.keys() & {'img', 'imgs'}:
            check_8_bits(results['img_path'])

    def _sample_distances(self, index: int) -> tuple[int | None, ...]:
        if self.distances is not None:
            return self.distances
        if self.key_frame_interval is not None:
            return (index % self.key_frame_interval,)
        return (None,)

    def _sample(self, number: int, index: int, distance: int | None) -> dict[str, Any]:
        snippet = self.snippets[number]
        sample: dict[str, Any] = {
            'snippet': number,
            'video': snippet.name,
            'frame_index': index,
            'img_path': snippet.frame_paths[index],
            'num_classes': len(self._metainfo['classes']),
            'label_map': self.label_map,
            'reduce_zero_label': self.reduce_zero_label,
            'seg_fields': [],
        }
        if (label := snippet.labels[index]) is not None:
            sample['seg_map_path'] = label
        if distance is not None:
            check_distance(distance, index, snippet=snippet.name)
            sample['propagation_distance'] = distance
        return sample
