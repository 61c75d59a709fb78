"""The layers of FlowNetS and FlowNetC with their sizes, for the sources that name them differently."""

from collections.abc import Callable, Iterator

from mmvidext.checkpoints.layout import Entry, apply_layout
from mmvidext.checkpoints.source import StateDict
from mmvidext.checkpoints.votes import majority, most_common

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
    width, correlated = _width(state_dict, official_name), _is_correlated(state_dict, official_name)
    layers = list(_layers(width, correlated=correlated))
    # a kind of layer has all its biases or none
    biased = tuple(
        kind
        for kind in ('deconv', 'predict', 'upflow')
        if majority(f'{official_name(layer)}.bias' in state_dict for layer, _ in layers if layer.startswith(kind))
    )
    entries = [
        entry
        for layer, shape in layers
        for entry in _rows(official_name(layer), layer, shape, has_bias=layer.startswith(('conv', *biased)))
    ]
    return apply_layout(state_dict, entries, source=source)


def _width(state_dict: StateDict, official_name: Callable[[str], str]) -> float:
    """Return the width that most convolutions have."""
    channels = {
        'conv1': 64,
        'conv2': 128,
        'conv3': 256,
        **{f'conv{level}': SKIP_CHANNELS[level] for level in (4, 5, 6)},
    }
    weights = {layer: state_dict.get(f'{official_name(layer)}.weight') for layer in channels}
    return most_common(
        (weight.shape[0] / channels[layer] for layer, weight in weights.items() if weight is not None and weight.ndim),
        1.0,
    )


def _is_correlated(state_dict: StateDict, official_name: Callable[[str], str]) -> bool:
    first, redirected = state_dict.get(f'{official_name("conv1")}.weight'), official_name('conv_redir')
    one_image = first is not None and tuple(first.shape[1:2]) == (3,)
    return majority([one_image, f'{redirected}.weight' in state_dict, f'{redirected}.bias' in state_dict])


def swap_first_layer(state_dict: StateDict) -> StateDict:
    """Return converted weights whose first layer takes RGB where the official one takes BGR, or the other way round."""
    name = 'flow_net.conv1.weight'
    weight = state_dict[name]
    pairs = weight.unflatten(1, (-1, 3))  # (out, images, 3, k, k)
    return {**state_dict, name: pairs.flip(2).flatten(1, 2)}


def _rows(official: str, layer: str, shape: tuple[int, ...], *, has_bias: bool) -> Iterator[Entry]:
    ours = _our_name(layer)
    yield Entry(f'{official}.weight', f'{ours}.weight', shape)
    if has_bias:
        out_channels = shape[1] if layer.startswith(('deconv', 'upflow')) else shape[0]
        yield Entry(f'{official}.bias', f'{ours}.bias', (out_channels,))


def _our_name(layer: str) -> str:
    if layer.startswith('conv'):
        return f'flow_net.{layer}'
    kind, level = layer[:-1], int(layer[-1])
    names = {'deconv': f'deconv.{level}', 'predict': f'predict_flow.{level}', 'upflow': f'upsample_flow.{level - 1}'}
    return f'flow_net.decoder.{names[kind]}'


def _layers(width: float, *, correlated: bool) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Yield the name and the weight's shape of every layer."""

    def scaled(channels: int) -> int:
        return round(channels * width)

    merged = scaled(32) + CORRELATION_CHANNELS if correlated else scaled(256)
    if correlated:
        yield 'conv_redir', (scaled(32), scaled(256), 1, 1)
    yield 'conv1', (scaled(64), 3 if correlated else 6, 7, 7)
    yield 'conv2', (scaled(128), scaled(64), 5, 5)
    yield 'conv3', (scaled(256), scaled(128), 5, 5)
    yield 'conv3_1', (scaled(256), merged, 3, 3)
    for level in (4, 5, 6):
        channels = scaled(SKIP_CHANNELS[level])
        yield f'conv{level}', (channels, scaled(SKIP_CHANNELS[level - 1]), 3, 3)
        yield f'conv{level}_1', (channels, channels, 3, 3)
    below = scaled(SKIP_CHANNELS[6])
    yield 'predict6', (2, below, 3, 3)
    for level in (5, 4, 3, 2):
        deconv = scaled(DECONV_CHANNELS[level])
        yield f'deconv{level}', (below, deconv, 4, 4)
        yield f'upflow{level + 1}', (2, 2, 4, 4)
        below = scaled(SKIP_CHANNELS[level]) + deconv + 2
        yield f'predict{level}', (2, below, 3, 3)
