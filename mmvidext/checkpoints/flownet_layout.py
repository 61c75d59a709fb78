"""The layers of FlowNetS and FlowNetC with their sizes, for the sources that name them differently."""

from collections.abc import Callable, Iterator

from mmvidext.checkpoints.layout import Entry, apply_layout
from mmvidext.checkpoints.source import StateDict

__all__ = ['convert_flownet', 'swap_first_layer']

CORRELATION_CHANNELS = 441
SKIP_CHANNELS = {2: 128, 3: 256, 4: 512, 5: 512, 6: 1024}
DECONV_CHANNELS = {2: 64, 3: 128, 4: 256, 5: 512}


def convert_flownet(state_dict: StateDict, official_name: Callable[[str], str], *, source: str) -> StateDict:
    """Rename the weights of a FlowNetS or FlowNetC of any width to those of a ``FlowEstimator``.

    Args:
        state_dict: Official tensors.
        official_name: The official name of a layer of the published table: ``conv1`` to ``conv6``, ``conv3_1`` to
            ``conv6_1``, ``conv_redir``, ``deconv5`` to ``deconv2``, ``predict6`` to ``predict2``, and ``upflow6`` to
            ``upflow3``, which upsamples the flow of that level.
        source: Name of the source, for errors.

    Returns:
        The tensors under ``flow_net.``. Biases that the official network does not have are not made up: build ours with
        ``deconv_bias``, ``predict_bias`` or ``upflow_bias`` off.

    Raises:
        ValueError: If a tensor is missing, left over or of the wrong shape.
    """
    first_layer = state_dict[f'{official_name("conv1")}.weight']
    width, correlated = first_layer.shape[0] / 64, first_layer.shape[1] == 3
    entries = [
        entry
        for layer, shape, optional_bias in _layers(width, correlated=correlated)
        for entry in _rows(official_name(layer), _our_name(layer), layer, shape, optional_bias)
    ]
    return apply_layout(state_dict, entries, source=source)


def swap_first_layer(state_dict: StateDict) -> StateDict:
    """Return converted weights whose first layer takes RGB where the official one takes BGR, or the other way round."""
    name = 'flow_net.conv1.weight'
    weight = state_dict[name]
    pairs = weight.unflatten(1, (-1, 3))  # (out, images, 3, k, k)
    return {**state_dict, name: pairs.flip(2).flatten(1, 2)}


def _rows(official: str, ours: str, layer: str, shape: tuple[int, ...], optional_bias: bool) -> Iterator[Entry]:
    yield Entry(f'{official}.weight', f'{ours}.weight', shape)
    out_channels = shape[1] if layer.startswith(('deconv', 'upflow')) else shape[0]
    yield Entry(f'{official}.bias', f'{ours}.bias', (out_channels,), optional=optional_bias)


def _our_name(layer: str) -> str:
    if layer.startswith('conv'):
        return f'flow_net.{layer}'
    kind, level = layer[:-1], int(layer[-1])
    names = {'deconv': f'deconv.{level}', 'predict': f'predict_flow.{level}', 'upflow': f'upsample_flow.{level - 1}'}
    return f'flow_net.decoder.{names[kind]}'


def _layers(width: float, *, correlated: bool) -> Iterator[tuple[str, tuple[int, ...], bool]]:
    """Yield the name, the weight's shape and whether the bias may be missing, for every layer."""

    def scaled(channels: int) -> int:
        return round(channels * width)

    merged = scaled(32) + CORRELATION_CHANNELS if correlated else scaled(256)
    if correlated:
        yield 'conv_redir', (scaled(32), scaled(256), 1, 1), False
    yield 'conv1', (scaled(64), 3 if correlated else 6, 7, 7), False
    yield 'conv2', (scaled(128), scaled(64), 5, 5), False
    yield 'conv3', (scaled(256), scaled(128), 5, 5), False
    yield 'conv3_1', (scaled(256), merged, 3, 3), False
    for level in (4, 5, 6):
        channels = scaled(SKIP_CHANNELS[level])
        yield f'conv{level}', (channels, scaled(SKIP_CHANNELS[level - 1]), 3, 3), False
        yield f'conv{level}_1', (channels, channels, 3, 3), False
    below = scaled(SKIP_CHANNELS[6])
    yield 'predict6', (2, below, 3, 3), True
    for level in (5, 4, 3, 2):
        deconv = scaled(DECONV_CHANNELS[level])
        yield f'deconv{level}', (below, deconv, 4, 4), True
        yield f'upflow{level + 1}', (2, 2, 4, 4), True
        below = scaled(SKIP_CHANNELS[level]) + deconv + 2
        yield f'predict{level}', (2, below, 3, 3), True
