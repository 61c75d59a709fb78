"""Refinement of a segmentation by a fully connected CRF (Kraehenbuehl and Koltun, NIPS 2011), as DeepLab uses it."""

from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ['DenseCRF']

INSTALL_HINT = (
    'dense-CRF refinement needs pydensecrf, which is not installed. "pip install pydensecrf" works up to Python 3.10; '
    'on newer versions unpack "pip download --no-binary :all: --no-deps --no-build-isolation pydensecrf==1.0rc3", '
    'delete pydensecrf/*.cpp from it, and run "pip install --no-build-isolation ." there with Cython 0.29.37 and a C++ '
    'compiler. Or leave out "crf" in the config.'
)


@dataclass(frozen=True)
class DenseCRF:
    """A CRF whose pairwise potentials join every two pixels: one by position, one by position and colour.

    The defaults are in common use for DeepLabV2 on ResNet-101; they belong to images at their original size.

    Attributes:
        iterations: Mean-field iterations.
        position_weight: Weight of the potential by position.
        position_std: Its range in pixels.
        bilateral_weight: Weight of the potential by position and colour.
        bilateral_position_std: Its range in pixels.
        bilateral_colour_std: Its range in levels of 0 to 255.
    """

    iterations: int = 10
    position_weight: float = 3
    position_std: float = 1
    bilateral_weight: float = 4
    bilateral_position_std: float = 67
    bilateral_colour_std: float = 3

    def __post_init__(self) -> None:
        _import_densecrf()  # fail when the model is built, not after an hour of training

    def refine(self, image: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
        """Let the image's edges pull the classes into place.

        Args:
            image: ``(H, W, 3)``, ``uint8``.
            probabilities: Of each class, ``(K, H, W)``, summing to 1 over the classes.

        Returns:
            Probabilities ``(K, H, W)``, ``float32``.

        Raises:
            ValueError: If the image is no ``uint8 (H, W, 3)`` or the sizes differ.
        """
        size = probabilities.shape[1:]
        if image.dtype != np.uint8 or image.shape != (*size, 3):
            raise ValueError(
                f'image must be uint8 {(*size, 3)} to match probabilities {probabilities.shape}, but it is '
                f'{image.dtype} {image.shape}'
            )
        classes = len(probabilities)
        crf = _import_densecrf().DenseCRF2D(size[1], size[0], classes)
        energy = -np.log(np.clip(probabilities, 1e-8, 1)).reshape(classes, -1)
        crf.setUnaryEnergy(np.ascontiguousarray(energy, dtype=np.float32))
        crf.addPairwiseGaussian(sxy=self.position_std, compat=self.position_weight)
        crf.addPairwiseBilateral(
            sxy=self.bilateral_position_std,
            srgb=self.bilateral_colour_std,
            rgbim=np.ascontiguousarray(image),
            compat=self.bilateral_weight,
        )
        return np.array(crf.inference(self.iterations), dtype=np.float32).reshape(classes, *size)


def _import_densecrf() -> Any:
    try:
        from pydensecrf import densecrf
    except ImportError as error:
        raise ImportError(INSTALL_HINT) from error
    return densecrf
