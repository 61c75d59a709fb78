"""What the data sets of optical flow share: a list of pairs whose files exist."""

import re
from pathlib import Path
from typing import Any

from mmvidext.datasets.media.policy import BadFilePolicy

__all__ = ['FlowPairDataset', 'FlowPairPolicy', 'match_stem']


class FlowPairPolicy(BadFilePolicy):
    """The policy for bad files, for pairs of images."""

    path_key = 'img1_path'
    what = 'pairs'

    def is_reading(self, transform: Any, results: dict[str, Any]) -> bool:
        """Whether an error in a transform tells of a bad file: until the first image is there."""
        return 'img1' not in results

    def files(self, results: dict[str, Any]) -> list[str]:
        """Return the files of a pair."""
        return [path for key, path in results.items() if key.endswith('_path') and path is not None]


class FlowPairDataset(FlowPairPolicy):
    """Base of the data sets of image pairs: each knows its own layout.

    An entry holds ``sample_id``, ``img1_path`` and ``img2_path``, and with known flow ``flow_path``; see
    :class:`~mmvidext.datasets.transforms.LoadFlowPair` for the masks beside it.
    """

    layout: str  # where files are looked for, for messages

    def find_pairs(self) -> list[dict[str, Any]]:
        """Return an entry for each pair; each data set knows its own layout."""
        raise TypeError(f'{type(self).__name__} must define find_pairs()')

    def load_data_list(self) -> list[dict[str, Any]]:
        """List the pairs, and check that the files of each exist.

        Raises:
            FileNotFoundError: If there is no pair, or a file of one is missing.
        """
        pairs = self.find_pairs()
        if not pairs:
            raise FileNotFoundError(f'{self.data_root} holds no pair; expected {self.layout}')
        for pair in pairs:
            for key, path in pair.items():
                if key.endswith('_path') and path is not None and not Path(path).exists():
                    raise FileNotFoundError(f'{path} is missing: the pair {pair["sample_id"]} needs it')
        return pairs


def match_stem(file: Path, pattern: str, *, layout: str, example: str) -> re.Match[str]:
    """Match the name of a file without its suffix.

    Args:
        file: The file.
        pattern: What the whole name must match.
        layout: How files are named, for the message.
        example: Such a name, likewise.

    Raises:
        ValueError: If it does not match.
    """
    found = re.fullmatch(pattern, file.stem)
    if found is None:
        raise ValueError(f'{file} must be named {layout}{file.suffix}, for example {example}{file.suffix}')
    return found
