import math

import pytest
import torch

from mmvidext.ops import flow_color_wheel, flow_to_image


def color_of(x, y, max_magnitude=1.0):
    return flow_to_image(torch.tensor([x, y]).view(1, 2, 1, 1), max_magnitude).flatten().tolist()


@pytest.mark.parametrize(
    ('index', 'expected'),
    [
        (0, (255, 0, 0)),
        (15, (255, 255, 0)),
        (21, (0, 255, 0)),
        (25, (0, 255, 255)),
        (36, (0, 0, 255)),
        (49, (255, 0, 255)),
    ],
)
def test_pure_hues_lie_at_the_steps_of_the_wheel(index, expected):
    angle = (index / 54 * 2 - 1) * math.pi  # 55 colors, the first at the vector (1, 0)
    color = torch.tensor(color_of(-math.cos(angle) * 0.999999, -math.sin(angle) * 0.999999))
    assert (color - torch.tensor(expected)).abs().max() <= 1


def test_short_is_pale_long_is_dark():
    assert color_of(0.0, 0.0) == [255, 255, 255]
    assert color_of(0.5, 0.0) == [255, 127, 127]
    assert color_of(2.0, 0.0) == [191, 0, 0]


def test_scale_defaults_to_the_longest_vector_of_each_image():
    flow = torch.randn(2, 2, 5, 7)
    flow[1] *= 100
    image = flow_to_image(flow)
    assert image.shape == (2, 3, 5, 7)
    assert image.dtype == torch.uint8
    for index in range(2):
        longest = flow[index].norm(dim=0).max().item()
        difference = flow_to_image(flow[index : index + 1], longest * (1 + 1e-6)).int() - image[index].int()
        assert difference.abs().max() <= 1


def test_unknown_flow_is_black_and_does_not_set_the_scale():
    flow = torch.ones(1, 2, 1, 4)
    flow[0, 0, 0, :3] = torch.tensor([float('nan'), float('inf'), 1e10])
    image = flow_to_image(flow)[0, :, 0]
    assert image[:, :3].eq(0).all()
    assert torch.equal(image[:, 3:], flow_to_image(torch.ones(1, 2, 1, 1))[0, :, 0])


def test_empty_batch_and_dtype():
    assert flow_to_image(torch.zeros(0, 2, 4, 4)).shape == (0, 3, 4, 4)
    assert flow_to_image(torch.ones(1, 2, 2, 2, dtype=torch.bfloat16)).dtype == torch.uint8


def test_legend():
    wheel = flow_color_wheel(65)
    assert wheel.shape == (3, 65, 65)
    assert wheel[:, 32, 32].tolist() == [255, 255, 255]
    assert wheel[:, 0, 0].tolist() == [255, 255, 255]
    assert wheel[:, 32, 64].tolist() == color_of(1.0, 0.0)
    assert wheel[:, 64, 32].tolist() == color_of(0.0, 1.0)


def test_default_dtype_does_not_matter():
    flow = torch.randn(1, 2, 3, 4)
    expected = flow_to_image(flow), flow_color_wheel(9)
    torch.set_default_dtype(torch.float64)
    try:
        found = flow_to_image(flow), flow_color_wheel(9)
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])


def test_errors():
    with pytest.raises(ValueError, match=r'flow must have 2 channels'):
        flow_to_image(torch.zeros(1, 3, 2, 2))
    with pytest.raises(ValueError, match=r'flow must be \(N, 2, H, W\)'):
        flow_to_image(torch.zeros(2, 2, 2))
    with pytest.raises(ValueError, match=r'max_magnitude must be between 1e-30 and .* pixels, or None, but is 0'):
        flow_to_image(torch.zeros(1, 2, 2, 2), 0)
    with pytest.raises(ValueError, match='size must be at least 2 pixels, not 1'):
        flow_color_wheel(1)
