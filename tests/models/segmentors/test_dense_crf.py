import builtins
import sys

import numpy as np
import pytest

pytest.importorskip('mmseg')

from mmvidext.models.segmentors.dense_crf import DenseCRF


def make_noisy_square():
    """A bright square on dark ground, and a segmentation of it in which every tenth pixel is wrong."""
    rng = np.random.default_rng(0)
    truth = np.zeros((40, 50), dtype=int)
    truth[10:30, 15:35] = 1
    image = np.where(truth[..., None] == 1, 220, 30) + rng.integers(-5, 6, (40, 50, 3))
    noisy = np.where(rng.random(truth.shape) < 0.1, 1 - truth, truth)
    probabilities = np.stack([np.where(noisy == label, 0.7, 0.3) for label in (0, 1)])
    return image.astype(np.uint8), probabilities, truth


def test_message_says_how_to_install(monkeypatch):
    original = builtins.__import__

    def refuse(name, *args, **kwargs):
        if name.startswith('pydensecrf'):
            raise ImportError(name)
        return original(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, 'pydensecrf', raising=False)
    monkeypatch.setattr(builtins, '__import__', refuse)
    with pytest.raises(
        ImportError, match=r'needs pydensecrf, which is not installed.*densecrf\.cpp and .*eigen\.cpp.*Cython 0\.29\.37'
    ):
        DenseCRF()


def test_removes_noise_along_the_edges_of_the_image():
    pytest.importorskip('pydensecrf', reason='pydensecrf, an optional dependency, is not installed')
    image, probabilities, truth = make_noisy_square()
    refined = DenseCRF(bilateral_color_std=20).refine(image, probabilities)
    assert refined.shape == probabilities.shape
    assert refined.dtype == np.float32
    np.testing.assert_allclose(refined.sum(0), 1, atol=1e-4)
    assert (probabilities.argmax(0) != truth).mean() > 0.05
    assert (refined.argmax(0) != truth).mean() < 0.005


def test_image_that_does_not_match():
    pytest.importorskip('pydensecrf', reason='pydensecrf, an optional dependency, is not installed')
    image, probabilities, _ = make_noisy_square()
    with pytest.raises(ValueError, match=r'image must be uint8 \(40, 50, 3\) .* but it is uint8 \(39, 50, 3\)'):
        DenseCRF().refine(image[1:], probabilities)
    with pytest.raises(ValueError, match='but it is float64'):
        DenseCRF().refine(image.astype(float), probabilities)
