"""Draw what LS-DFN sees: its effective receptive field, and how it weighs its samples in an image.

    python tools/analysis/draw_lsdfn.py receptive-field --out field.png
    python tools/analysis/draw_lsdfn.py attention CONFIG CHECKPOINT IMAGE --out attention.png

The receptive field is the gradient of one output position with respect to the input, its absolute value averaged over
random inputs, for a 3x3 convolution, DFN and LS-DFN behind the same 3x3 feature branch. The attention is drawn for a
grid of positions: each sample is a disc whose area is its weight relative to the position's mean weight, red above the
mean and blue below; a cross marks the position itself.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from mmvidext.apis.weights import load_for_inference
from mmvidext.datasets.media.images import write_picture
from mmvidext.layers import DynamicFilter

CAPTION = 24  # pixels above each picture


def measure_receptive_field(module: nn.Module, channels: int, size: int, inputs: int) -> np.ndarray:
    """Return ``(size, size)``: mean absolute gradient of the central output, summed over channels, its maximum 1."""
    total = torch.zeros(size, size)
    for _ in range(inputs):
        x = torch.randn(1, channels, size, size, requires_grad=True)
        module(x)[0, :, size // 2, size // 2].sum().backward()
        total += x.grad[0].abs().sum(0)
    return (total / total.max()).numpy()


def caption(picture: np.ndarray, text: str) -> np.ndarray:
    """Put a line of text above a BGR picture."""
    bordered = cv2.copyMakeBorder(picture, CAPTION, 4, 4, 4, cv2.BORDER_CONSTANT, value=(255, 255, 255))
    return cv2.putText(bordered, text, (6, 17), cv2.FONT_HERSHEY_SIMPLEX, 0.45, (0, 0, 0), 1, cv2.LINE_AA)


def draw_receptive_fields(channels: int, size: int, inputs: int, num_samples: int, sample_stride: int) -> np.ndarray:
    """Draw the three fields side by side, on a logarithmic scale of three decades."""
    torch.manual_seed(0)
    plain = nn.Sequential(
        nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU(), nn.Conv2d(channels, channels, 3, padding=1)
    )
    settings = dict(feature_channels=channels, kernel_std=1.0)
    modules = {
        '3x3 convolution': plain,
        'DFN': DynamicFilter(channels, num_samples=1, sample_stride=1, **settings),
        f'LS-DFN s={num_samples} stride {sample_stride}': DynamicFilter(
            channels, num_samples=num_samples, sample_stride=sample_stride, **settings
        ),
    }
    pictures = []
    for name, module in modules.items():
        field = measure_receptive_field(module, channels, size, inputs)
        level = np.clip(1 + np.log10(np.maximum(field, 1e-6)) / 3, 0, 1)
        picture = cv2.applyColorMap((255 * level).astype(np.uint8), cv2.COLORMAP_INFERNO)
        scale = max(1, 256 // size)
        picture = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_NEAREST)
        pictures.append(caption(picture, f'{name}: {int((field > 1e-3).sum())} px'))
    return np.hstack(pictures)


def attend(config: str, checkpoint: str, image: np.ndarray) -> tuple[Tensor, DynamicFilter]:
    """Run a segmentor on a BGR image; return the sample weights ``(s*s, h, w)`` and the layer."""
    from mmseg.apis import inference_model, init_model

    model = init_model(config, device='cpu')
    load_for_inference(model, checkpoint)
    layers = [module for module in model.modules() if isinstance(module, DynamicFilter)]
    if len(layers) != 1:
        raise SystemExit(f'expected one DynamicFilter in the model, but there are {len(layers)}: choose another config')
    inputs: list[Tensor] = []
    layers[0].register_forward_pre_hook(lambda module, arguments: inputs.append(arguments[0]))
    inference_model(model, image)
    with torch.no_grad():
        return layers[0].attend(inputs[0])[0], layers[0]


def draw_attention(image: np.ndarray, weights: Tensor, layer: DynamicFilter, *, grid: int = 2) -> np.ndarray:
    """Draw the samples of a grid of positions over the image."""
    num_samples, stride = layer.settings['num_samples'], layer.settings['sample_stride']
    scale = max(1, round(768 / image.shape[1]))
    picture = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
    picture = (0.5 * picture + 0.5 * picture.mean()).astype(np.uint8)
    height, width = weights.shape[1:]
    cell_y, cell_x = picture.shape[0] / height, picture.shape[1] / width
    radius = 0.35 * stride * min(cell_x, cell_y)
    offsets = range(-(num_samples // 2), num_samples // 2 + 1)
    for row in range(grid):
        for column in range(grid):
            y, x = (2 * row + 1) * height // (2 * grid), (2 * column + 1) * width // (2 * grid)
            relative = (weights[:, y, x] / weights[:, y, x].mean()).tolist()
            for value, (dy, dx) in zip(relative, [(dy, dx) for dy in offsets for dx in offsets], strict=True):
                center = int((x + dx * stride + 0.5) * cell_x), int((y + dy * stride + 0.5) * cell_y)
                color = (60, 60, 255) if value > 1 else (255, 120, 40)
                size = max(1, round(radius * min(2.0, max(0.0, value)) ** 0.5))
                cv2.circle(picture, center, size, color, 2, cv2.LINE_AA)
            position = int((x + 0.5) * cell_x), int((y + 0.5) * cell_y)
            cv2.drawMarker(picture, position, (255, 255, 255), cv2.MARKER_CROSS, 12, 2)
    return picture


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    subparsers = parser.add_subparsers(dest='picture', required=True)
    field = subparsers.add_parser('receptive-field')
    field.add_argument('--size', type=int, default=41, help='of the input, in pixels (default: %(default)s)')
    field.add_argument('--channels', type=int, default=32)
    field.add_argument('--inputs', type=int, default=20, help='random inputs to average (default: %(default)s)')
    field.add_argument('--num-samples', type=int, default=5)
    field.add_argument('--sample-stride', type=int, default=3)
    attention = subparsers.add_parser('attention')
    attention.add_argument('config')
    attention.add_argument('checkpoint')
    attention.add_argument('image', type=Path)
    attention.add_argument('--grid', type=int, default=2, help='positions along each axis (default: %(default)s)')
    for subparser in (field, attention):
        subparser.add_argument('--out', type=Path, required=True, help='the picture to write')
    return parser


def main() -> None:
    args = build_parser().parse_args()
    if args.picture == 'receptive-field':
        picture = draw_receptive_fields(args.channels, args.size, args.inputs, args.num_samples, args.sample_stride)
    else:
        image = cv2.imread(str(args.image))
        if image is None:
            raise SystemExit(f'expected an image that OpenCV can read, but got {args.image}')
        weights, layer = attend(args.config, args.checkpoint, image)
        spread = weights.std(dim=0) / weights.mean(dim=0).abs()
        print(f'sample weights: mean {weights.mean():.3f}, spread within a field {spread.mean():.3f} of its mean')
        picture = draw_attention(image, weights, layer, grid=args.grid)
    write_picture(args.out, picture[..., ::-1])
    print(args.out)


if __name__ == '__main__':
    main()
