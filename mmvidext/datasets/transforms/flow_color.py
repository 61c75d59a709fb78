"""Color augmentation of image pairs: both images change in the same way, and the noise of each is its own."""

from typing import Any

import cv2
import numpy as np
from mmcv.transforms import BaseTransform
from numpy.typing import NDArray

from mmvidext.ops.checks import check_between, check_range
from mmvidext.registry import TRANSFORMS

__all__ = ['FlowPairColorJitter', 'FlowPairGamma', 'FlowPairNoise']

Image = NDArray[np.float32]
GRAY_WEIGHTS = np.array([0.299, 0.587, 0.114], np.float32)


@TRANSFORMS.register_module()
class FlowPairColorJitter(BaseTransform):
    """Change brightness, contrast, saturation and hue of both images alike, in a random order.

    Images become ``float32``, 0 to 255.

    Args:
        brightness: The images are multiplied by a factor from ``[max(0, 1 - b), 1 + b]``.
        contrast: The same range, for the distance to the image's mean gray.
        saturation: The same range, for the distance to each pixel's gray.
        hue: The hue turns by ``[-h, h]`` of a full turn; at most 0.5.

    Raises:
        ValueError: If a strength is negative or no number, or ``hue`` above 0.5.
    """

    def __init__(
        self, *, brightness: float = 0.5, contrast: float = 0.5, saturation: float = 0.5, hue: float = 0.5
    ) -> None:
        self.strengths = dict(brightness=brightness, contrast=contrast, saturation=saturation, hue=hue)
        for name, strength in self.strengths.items():
            check_between(strength, 0, 0.5 if name == 'hue' else 1e6, name=name)

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change both images."""
        factors = {
            name: np.random.uniform(max(0.0, 1 - strength), 1 + strength) for name, strength in self.strengths.items()
        }
        factors['hue'] = np.random.uniform(-self.strengths['hue'], self.strengths['hue'])
        order = np.random.permutation([name for name, strength in self.strengths.items() if strength > 0])
        for key in ('img1', 'img2'):
            image = results[key].astype(np.float32)
            for name in order:
                image = adjust_color(image, name, float(factors[name]))
            results[key] = image
        return results


def adjust_color(image: Image, name: str, factor: float) -> Image:
    """Change one property of an RGB image ``float32 (H, W, 3)``, 0 to 255; returns a new one in the same range."""
    if name == 'hue':
        hsv = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2HSV)  # hue in degrees
        hsv[..., 0] = (hsv[..., 0] + 360 * factor) % 360
        return np.clip(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB), 0, 255)
    if name == 'brightness':
        return np.clip(image * np.float32(factor), 0, 255)
    gray = image @ GRAY_WEIGHTS
    pivot = gray.mean() if name == 'contrast' else gray[..., None]
    return np.clip(pivot + (image - pivot) * np.float32(factor), 0, 255)


@TRANSFORMS.register_module()
class FlowPairGamma(BaseTransform):
    """Raise both images to the same random power, on a scale from 0 to 1; they become ``float32``, 0 to 255.

    Args:
        gamma_range: Smallest and largest power.
    """

    def __init__(self, gamma_range: tuple[float, float] = (0.7, 1.5)) -> None:
        check_range(gamma_range, 0, 1e3, name='gamma_range')
        self.gamma_range = gamma_range

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change both images."""
        gamma = np.random.uniform(*self.gamma_range)
        for key in ('img1', 'img2'):
            results[key] = np.power(results[key].astype(np.float32) / 255, np.float32(gamma)) * 255
        return results


@TRANSFORMS.register_module()
class FlowPairNoise(BaseTransform):
    """Add Gaussian noise of one random strength to both images, independently; they become ``float32``, 0 to 255.

    Args:
        sigma_range: Smallest and largest standard deviation, on a scale from 0 to 1.
    """

    def __init__(self, sigma_range: tuple[float, float] = (0.0, 0.04)) -> None:
        check_range(sigma_range, 0, 1e3, name='sigma_range')
        self.sigma_range = sigma_range

    def transform(self, results: dict[str, Any]) -> dict[str, Any]:
        """Change both images."""
        sigma = 255 * np.random.uniform(*self.sigma_range)
        for key in ('img1', 'img2'):
            noise = np.random.randn(*results[key].shape).astype(np.float32)
            results[key] = np.clip(results[key] + np.float32(sigma) * noise, 0, 255)
        return results
