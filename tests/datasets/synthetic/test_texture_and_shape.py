import numpy as np
import pytest

from mmvidext.datasets.synthetic.shape import SHAPE_RADIUS, SHAPES, shape_alpha
from mmvidext.datasets.synthetic.texture import PATTERNS, clouds, color_texture, gray_noise, pattern


@pytest.mark.parametrize('kind', PATTERNS)
def test_patterns_repeat_without_a_seam(kind):
    values = pattern(np.random.default_rng(0), 64, kind, cells=8)
    assert values.shape == (64, 64)
    assert values.dtype == np.float32
    assert values.min() >= 0
    assert values.max() <= 1
    step_across_border = np.abs(values[:, 0] - values[:, -1]).mean()
    step_inside = np.abs(np.diff(values, axis=1)).mean()
    assert step_across_border < 2.5 * step_inside


def test_clouds_use_the_whole_range():
    values = clouds(np.random.default_rng(0), 32)
    assert values.min() == 0
    assert values.max() == 1


def test_textures_have_contrast_and_depend_on_the_generator_alone():
    first, again, other = (color_texture(np.random.default_rng(seed), 64) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert first.dtype == np.uint8
    assert np.abs(first.astype(int) - other).mean() > 5
    assert min(color_texture(np.random.default_rng(seed), 64).std() for seed in range(30)) > 8


def test_a_hue_colors_the_texture():
    green = color_texture(np.random.default_rng(0), 64, hue=1 / 3).astype(float).mean(axis=(0, 1))
    assert green.argmax() == 1


@pytest.mark.parametrize('cells', [4, 8, 16])
def test_grey_noise_has_one_mean_and_contrast_and_no_seam(cells):
    textures = [gray_noise(np.random.default_rng(seed), 64, cells=cells).astype(float) for seed in range(20)]
    for texture in textures:
        assert texture.shape == (64, 64, 3)
        assert np.ptp(texture, axis=2).max() == 0
        assert abs(texture.mean() - 116) < 3
        assert 50 < texture.std() < 58  # what is beyond black and white is cut
        steps = np.abs(np.diff(texture[..., 0], axis=1, append=texture[:, :1, 0]))
        assert steps[:, -1].mean() < 3 * steps.mean()
    assert np.abs(textures[0] - textures[1]).mean() > 30


def test_unknown_pattern():
    with pytest.raises(ValueError, match="kind must be one of clouds, stripes, checks, dots, but is 'fur'"):
        pattern(np.random.default_rng(0), 64, 'fur')


@pytest.mark.parametrize('name', SHAPES)
def test_shapes_are_centered_and_leave_a_rim(name):
    alpha = shape_alpha(name, 64)
    assert alpha.min() == 0
    assert alpha.max() == 1
    rim = int((0.5 - SHAPE_RADIUS) * 64) - 1
    assert alpha[:rim].max() == alpha[-rim:].max() == alpha[:, :rim].max() == alpha[:, -rim:].max() == 0
    if name not in ('triangle', 'star'):  # symmetric about the vertical axis only, or not about a pixel
        np.testing.assert_allclose(alpha, alpha[:, ::-1], atol=0.35)


def test_a_ring_has_a_hole():
    assert shape_alpha('ring', 64)[32, 32] == 0
    assert shape_alpha('disc', 64)[32, 32] == 1


def test_unknown_shape():
    with pytest.raises(ValueError, match=r"name must be one of disc, .*, but is 'cube'"):
        shape_alpha('cube', 64)
