import pytest
import torch
from torch.autograd import gradcheck
from torch.utils._python_dispatch import TorchDispatchMode

from mmvidext.ops import kernel_soft_argmax
from tests.oracles.local_correlation import kernel_soft_argmax as naive_kernel_soft_argmax


@pytest.mark.parametrize('sigma', [5.0, 1.0, None])
@pytest.mark.parametrize('temperature', [0.01, 0.07])
@pytest.mark.parametrize('size', [1, 3, 7, 65])
def test_equals_naive_loop(size, temperature, sigma):
    scores = torch.rand(2, size, size, 2, 3, dtype=torch.float64)
    displacement, confidence = kernel_soft_argmax(scores, sigma=sigma, temperature=temperature)
    assert displacement.shape == (2, 2, 2, 3)
    assert confidence.shape == (2, 1, 2, 3)
    for n in range(2):
        for y in range(2):
            for x in range(3):
                expected, best = naive_kernel_soft_argmax(scores[n, :, :, y, x].tolist(), sigma, temperature)
                torch.testing.assert_close(displacement[n, :, y, x].tolist(), list(expected), atol=1e-10, rtol=0)
                assert confidence[n, 0, y, x] == best


def test_negative_scores():
    scores = -torch.rand(1, 3, 3, 1, 1, dtype=torch.float64)
    displacement, _ = kernel_soft_argmax(scores, temperature=0.5)
    expected, _ = naive_kernel_soft_argmax(scores[0, :, :, 0, 0].tolist(), 5.0, 0.5)
    torch.testing.assert_close(displacement.flatten().tolist(), list(expected), atol=1e-10, rtol=0)


def test_clear_peak_gives_its_displacement_x_first():
    scores = torch.zeros(1, 7, 7, 1, 1)
    scores[0, 5, 1] = 1  # dy = 2, dx = -2
    scores[0, 0, 6] = 0.5  # a far second best that the Gaussian silences
    displacement, confidence = kernel_soft_argmax(scores, sigma=1.0)
    torch.testing.assert_close(displacement.flatten(), torch.tensor([-2.0, 2.0]), atol=1e-3, rtol=0)
    assert confidence.item() == 1


@pytest.mark.parametrize('sigma', [5.0, None])
def test_gradcheck(sigma):
    # distinct scores: the argmax, through which no gradient flows, stays where it is
    scores = (torch.randperm(2 * 9 * 4).double() / 72).reshape(2, 3, 3, 2, 2).requires_grad_()
    assert gradcheck(lambda s: kernel_soft_argmax(s, sigma=sigma, temperature=0.3), (scores,))


def test_layouts_and_empty_batch():
    scores = torch.rand(2, 3, 3, 4, 5)
    expected = kernel_soft_argmax(scores)
    cells_together = scores.permute(0, 3, 4, 1, 2).contiguous().permute(0, 3, 4, 1, 2)
    for ours, theirs in zip(kernel_soft_argmax(cells_together), expected, strict=True):
        torch.testing.assert_close(ours, theirs)
    assert kernel_soft_argmax(torch.zeros(0, 3, 3, 4, 5))[0].shape == (0, 2, 4, 5)


def test_half_precision():
    scores = torch.rand(1, 5, 5, 3, 3).bfloat16()
    with torch.autocast('cpu', torch.bfloat16):
        displacement, confidence = kernel_soft_argmax(scores)
    expected, _ = kernel_soft_argmax(scores.float())
    assert displacement.dtype == confidence.dtype == torch.bfloat16
    torch.testing.assert_close(displacement.float(), expected, atol=2e-2, rtol=0)


def test_compiles_without_graph_break():
    scores = torch.rand(1, 5, 5, 3, 3)
    compiled = torch.compile(kernel_soft_argmax, fullgraph=True, backend='aot_eager', dynamic=False)
    for ours, theirs in zip(compiled(scores), kernel_soft_argmax(scores), strict=True):
        torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize(
    ('scores', 'options', 'message'),
    [
        (torch.zeros(1, 3, 3, 2), {}, r'correlation must be \(N, P, P, H, W\), 5 dimensions'),
        (torch.zeros(1, 3, 5, 2, 2), {}, r'odd P, but its shape is \(1, 3, 5, 2, 2\)'),
        (torch.zeros(1, 4, 4, 2, 2), {}, 'odd P'),
        (
            torch.zeros(1, 3, 3, 2, 2),
            {'sigma': 0.0},
            'sigma must be between .* cells, or None for the plain soft-argmax',
        ),
        (torch.zeros(1, 3, 3, 2, 2), {'temperature': 0.0}, 'temperature must be between .* but is 0.0'),
    ],
)
def test_errors(scores, options, message):
    with pytest.raises(ValueError, match=message):
        kernel_soft_argmax(scores, **options)


@pytest.mark.parametrize('sigma', [None, 5.0])
@pytest.mark.parametrize('value', [1.0, 3e38])
def test_scores_near_the_largest_number_give_the_cell_of_the_largest(sigma, value):
    scores = torch.full((1, 5, 5, 1, 2), -value)
    scores[0, 3, 0, 0, 0] = value
    scores[..., 0, 1] = torch.rand(5, 5)
    alone, _ = kernel_soft_argmax(scores[..., 1:].contiguous(), sigma=sigma)
    displacement, confidence = kernel_soft_argmax(scores, sigma=sigma)
    torch.testing.assert_close(displacement[0, :, 0, 0], torch.tensor([-2.0, 1.0]))
    torch.testing.assert_close(displacement[..., 1:], alone)
    assert confidence[0, 0, 0, 0] == torch.tensor(value)


def test_a_value_that_is_not_finite_stays_in_its_cell():
    scores = torch.rand(1, 5, 5, 2, 3)
    expected = kernel_soft_argmax(scores)
    scores[0, 2, 2, 1, 1] = float('nan')
    for out, clean in zip(kernel_soft_argmax(scores), expected, strict=True):
        assert (~out.isfinite()).any(1).nonzero().tolist() == [[0, 1, 1]]
        inside = out.isfinite()
        torch.testing.assert_close(out[inside], clean[inside])


def test_shapes_on_meta():
    displacement, confidence = kernel_soft_argmax(torch.empty(2, 5, 5, 3, 4, device='meta'))
    assert (displacement.shape, confidence.shape) == ((2, 2, 3, 4), (2, 1, 3, 4))


@pytest.mark.parametrize('value', [float('nan'), float('inf'), 1e-39, 1e200])
@pytest.mark.parametrize('name', ['sigma', 'temperature'])
def test_settings_that_float32_cannot_hold(name, value):
    with pytest.raises(ValueError, match=f'{name} must be between .* but is {value}'.replace('+', r'\+')):
        kernel_soft_argmax(torch.zeros(1, 3, 3, 1, 1), **{name: value})


@pytest.mark.parametrize('settings', [{'sigma': 1e-6}, {'sigma': 1e6}, {'temperature': 1e-30}, {'temperature': 1e30}])
def test_extreme_settings(settings):
    """The formula in float64, of scores as they are and of all zeros."""
    scores = torch.rand(1, 3, 3, 1, 2)
    scores[..., 1] = 0
    displacement, _ = kernel_soft_argmax(scores, **settings)
    for cell in range(2):
        expected, _ = naive_kernel_soft_argmax(
            scores[0, ..., 0, cell].tolist(), **{'sigma': 5.0, 'temperature': 0.01, **settings}
        )
        torch.testing.assert_close(displacement[0, :, 0, cell], torch.tensor(expected), rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize('sigma', [2.0, None])
def test_many_displacements_take_memory_of_the_order_of_the_scores(sigma):
    class Largest(TorchDispatchMode):
        numbers = 0

        def __torch_dispatch__(self, function, types, arguments=(), keywords=None):
            out = function(*arguments, **(keywords or {}))
            if isinstance(out, torch.Tensor):
                self.numbers = max(self.numbers, out.numel())
            return out

    scores = torch.rand(1, 65, 65, 1, 2)
    with Largest() as largest:
        displacement, _ = kernel_soft_argmax(scores, sigma=sigma)
    assert largest.numbers <= 2 * scores.numel()
    for cell in range(2):
        expected, _ = naive_kernel_soft_argmax(scores[0, ..., 0, cell].tolist(), sigma, 0.01)
        torch.testing.assert_close(displacement[0, :, 0, cell], torch.tensor(expected), rtol=1e-4, atol=1e-4)
