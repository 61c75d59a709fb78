import pytest
import torch

from mmvidext.models.flow import MultiLevelEPE, upsample_flow

WEIGHTS = (0.005, 0.01, 0.02, 0.08, 0.32)


def naive_loss(flows, target):
    """Pool block by block, add up vector by vector; sizes must divide."""
    total = 0.0
    for flow, weight in zip(flows, WEIGHTS, strict=True):
        num, _, height, width = flow.shape
        block_height, block_width = target.shape[2] // height, target.shape[3] // width
        for n in range(num):
            for y in range(height):
                for x in range(width):
                    rows = slice(y * block_height, (y + 1) * block_height)
                    columns = slice(x * block_width, (x + 1) * block_width)
                    mean = target[n, :, rows, columns].mean(dim=(1, 2)) / 20
                    total += weight * ((flow[n, :, y, x] - mean) ** 2).sum().sqrt() / num
    return total


@pytest.fixture
def flows():
    return [torch.randn(2, 2, 64 // 2**level, 128 // 2**level, requires_grad=True) for level in range(2, 7)]


def test_equals_naive_loop(flows):
    target = torch.randn(2, 2, 64, 128) * 20
    losses = MultiLevelEPE()(flows, target)
    assert list(losses) == [f'loss_level{level}' for level in range(2, 7)]
    torch.testing.assert_close(sum(losses.values()), naive_loss(flows, target))
    everywhere = MultiLevelEPE()(flows, target, torch.ones(2, 64, 128, dtype=torch.bool))
    torch.testing.assert_close(everywhere, losses)


def test_unknown_pixels_have_no_part(flows):
    target = torch.full((2, 2, 64, 128), 40.0)
    valid = torch.ones(2, 64, 128, dtype=torch.bool)
    valid[:, ::3] = False  # part of every window
    valid[0, :, :64] = False  # whole windows, even at the coarsest level
    target.masked_fill_(~valid.unsqueeze(1), float('nan'))
    exact = [torch.full_like(flow, 2.0).requires_grad_() for flow in flows]
    for flow in exact:
        with torch.no_grad():
            flow[0, :, :, : flow.shape[3] // 2] = 99  # wrong, but nobody knows
            flow[0, :, 0, 0] = float('nan')
    losses = MultiLevelEPE()(exact, target, valid)
    assert sum(losses.values()).item() == pytest.approx(0, abs=1e-4)
    sum(losses.values()).backward()
    assert all(flow.grad.isfinite().all() for flow in exact)
    sum(MultiLevelEPE()(flows, target, valid).values()).backward()
    for flow in flows:
        assert flow.grad.isfinite().all()
        assert flow.grad[0, :, :, : flow.shape[3] // 2].eq(0).all()
        assert flow.grad[1].ne(0).any()


def test_exact_prediction_has_a_finite_gradient():
    flows = [torch.zeros(1, 2, 4, 4, requires_grad=True) for _ in range(5)]
    sum(MultiLevelEPE()(flows, torch.zeros(1, 2, 64, 64)).values()).backward()
    assert all(flow.grad.eq(0).all() for flow in flows)


def test_an_empty_batch_has_no_error(flows):
    empty = [flow.detach()[:0].requires_grad_() for flow in flows]
    losses = MultiLevelEPE()(empty, torch.zeros(0, 2, 64, 128), torch.ones(0, 64, 128, dtype=torch.bool))
    assert all(loss.item() == 0 for loss in losses.values())
    sum(losses.values()).backward()


@pytest.mark.parametrize('shape', [(1, 2, 64, 128), (4, 2, 64, 128), (2, 1, 64, 128), (2, 3, 64, 128)])
def test_a_target_of_another_shape_is_not_broadcast(flows, shape):
    with pytest.raises(ValueError, match=r'prediction of level 2 is \(2, 2, 16, 32\) and target is \(' + str(shape[0])):
        MultiLevelEPE()(flows, torch.zeros(shape))
    with pytest.raises(ValueError, match=r'target must be \(N, 2, H, W\), .* but its shape is \(2, 64, 128\)'):
        MultiLevelEPE()(flows, torch.zeros(2, 64, 128))


@pytest.mark.parametrize('shape', [(1, 64, 128), (2, 1, 64, 128), (2, 32, 64)])
def test_a_mask_of_another_shape_is_not_broadcast(flows, shape):
    with pytest.raises(ValueError, match=r'valid must be \(2, 64, 128\), as target, but its shape is'):
        MultiLevelEPE()(flows, torch.zeros(2, 2, 64, 128), torch.ones(shape, dtype=torch.bool))


def test_error():
    with pytest.raises(ValueError, match='MultiLevelEPE has 5 level weights, but got 1 predictions'):
        MultiLevelEPE()([torch.zeros(1, 2, 4, 4)], torch.zeros(1, 2, 16, 16))


def test_a_prediction_of_the_true_flow_has_no_error():
    flows = [torch.full((1, 2, 64 // 2**level, 64 // 2**level), 4.0) for level in range(2, 7)]
    assert sum(MultiLevelEPE()(flows, upsample_flow(flows[0], (64, 64))).values()) == 0
