"""Optical flow as a picture: hue for the direction, saturation for the length."""

import math

import torch
from torch import Tensor

from mmvidext.ops.checks import check_between, check_rank

__all__ = ['flow_color_wheel', 'flow_to_image']

# Baker et al., "A Database and Evaluation Methodology for Optical Flow", IJCV 2011. The wheel starts at red; each
# of its six arcs changes one channel: steps, channel, from, to
ARCS = ((15, 1, 0, 255), (6, 0, 255, 0), (4, 2, 0, 255), (11, 1, 255, 0), (13, 0, 0, 255), (6, 2, 255, 0))
NUM_COLORS = sum(steps for steps, *_ in ARCS)
# the same data set marks unknown flow by vectors longer than this
UNKNOWN_FLOW = 1e9


def flow_to_image(flow: Tensor, max_magnitude: float | None = None) -> Tensor:
    """Color each vector by its direction and length, as the Middlebury flow benchmark does.

    torchvision's function of this name gives one image the same colors within 1 of 255. It scales a batch by the
    longest vector of all its images, takes no other scale, and fails on flow that is not finite.

    Args:
        flow: ``(N, 2, H, W)`` in pixels, order ``(x, y)``.
        max_magnitude: The length, in pixels, that gets full saturation, 1e-30 to 1e9; longer vectors get a darker
            color. None takes the longest vector of each image of the batch.

    Returns:
        ``uint8 (N, 3, H, W)``, RGB: white where nothing moves, black where the flow is unknown (not finite, or longer
        than 1e9 pixels).

    Raises:
        ValueError: If the shape does not fit or ``max_magnitude`` is out of range.

    Example:
        >>> import torch
        >>> from mmvidext.ops import flow_to_image
        >>> flow_to_image(torch.zeros(1, 2, 1, 1)).flatten().tolist()
        [255, 255, 255]
    """
    check_rank(flow, '(N, 2, H, W)', name='flow')
    if flow.shape[1] != 2:
        raise ValueError(f'flow must have 2 channels (x, y), but its shape is {tuple(flow.shape)}')
    if max_magnitude is not None:
        check_between(max_magnitude, 1e-30, UNKNOWN_FLOW, name='max_magnitude', hint=' pixels, or None')
    flow = flow.detach().float()
    unknown = ~(flow.abs() < UNKNOWN_FLOW).all(dim=1)  # (N, H, W); also true for nan
    x, y = flow.masked_fill(unknown.unsqueeze(1), 0).unbind(dim=1)
    radius = torch.hypot(x, y)
    if max_magnitude is None:
        longest = radius.flatten(1).amax(1) if radius.numel() else radius.new_ones(len(radius))
        radius = radius / longest.clamp(min=torch.finfo(torch.float32).tiny).view(-1, 1, 1)
    else:
        radius = radius / max_magnitude
    color = _shade(_hue(x, y), radius.unsqueeze(1))
    return color.masked_fill(unknown.unsqueeze(1), 0).to(torch.uint8)


def flow_color_wheel(size: int) -> Tensor:
    """Draw the legend of :func:`flow_to_image`: the color at each point is that of the vector from the center to it.

    Args:
        size: Height and width of the legend in pixels, at least 2.

    Returns:
        ``uint8 (3, size, size)``, RGB, white outside the circle.

    Raises:
        ValueError: If ``size < 2``.

    Example:
        >>> from mmvidext.ops import flow_color_wheel
        >>> flow_color_wheel(33).shape
        torch.Size([3, 33, 33])
    """
    if size < 2:
        raise ValueError(f'size must be at least 2 pixels, not {size}')
    axis = torch.linspace(-1, 1, size, dtype=torch.float32)
    y, x = torch.meshgrid(axis, axis, indexing='ij')
    image = flow_to_image(torch.stack((x, y)).unsqueeze(0), max_magnitude=1.0)[0]
    return image.masked_fill(torch.hypot(x, y) > 1, 255)


def _wheel(device: torch.device) -> Tensor:
    """Return the ``(3, 56)`` colors of the wheel, 0 to 255, the first one again at the end.

    They are computed on the device: a copy would be waited for.
    """
    wheel = torch.zeros(3, NUM_COLORS + 1, dtype=torch.float32, device=device)
    wheel[0].fill_(255)
    start = 0
    for steps, channel, first, last in ARCS:
        end = start + steps
        torch.linspace(first, last, steps + 1, out=wheel[channel, start : end + 1])
        wheel[channel, end + 1 :].fill_(last)
        start = end
    return wheel.floor()


def _hue(x: Tensor, y: Tensor) -> Tensor:
    """Return the saturated color ``(N, 3, H, W)`` of each direction, 0 to 255."""
    wheel = _wheel(x.device)
    position = (torch.atan2(-y, -x) / math.pi + 1) * ((NUM_COLORS - 1) / 2)
    below = position.long()
    return torch.lerp(wheel[:, below], wheel[:, below + 1], position - below).movedim(0, 1)


def _shade(hue: Tensor, radius: Tensor) -> Tensor:
    """Fade the hue to white for short vectors; darken it for those longer than 1."""
    return torch.where(radius <= 1, 255 - radius * (255 - hue), hue * 0.75)
