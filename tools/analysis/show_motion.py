"""Draw the motion that a MotionSqueeze model estimates over the frames of a video.

python tools/analysis/show_motion.py CONFIG CHECKPOINT VIDEO OUT.png

Upper row: the frames that the model sees. Lower row: displacement to the next frame, hue for direction and saturation
for its size as on the color wheel at the right, fading to white where the match is not sure.
"""

import argparse
from pathlib import Path

import cv2
import numpy as np
import torch
from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from mmvidext.apis.weights import load_for_inference
from mmvidext.cli.config import load_config
from mmvidext.ops import flow_color_wheel, flow_to_image

GAP = 4  # pixels between pictures


def estimate(cfg: Config, checkpoint: Path, video: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the frames ``(T, 3, H, W)`` in uint8 and the estimated motion ``(T-1, 3, h, w)``."""
    from mmaction.registry import MODELS

    model = MODELS.build(cfg.model)
    load_for_inference(model, checkpoint)
    model.eval()
    pipeline = Compose(cfg.test_dataloader.dataset.pipeline)
    sample = pipeline(dict(filename=str(video), label=-1, start_index=0, modality='RGB'))
    layer = model.backbone.motion_squeeze
    features = []
    hook = layer.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0]))
    with torch.inference_mode():
        batch = model.data_preprocessor(dict(inputs=[sample['inputs']], data_samples=[sample['data_samples']]))
        model.backbone(batch['inputs'].flatten(0, 1))
        hook.remove()
        motion = layer.estimate_motion(features[0])[0]
    return sample['inputs'][: layer.num_segments], motion


def paint(motion: torch.Tensor, size: tuple[int, int]) -> list[np.ndarray]:
    """Return one picture ``(H, W, 3)`` for each displacement map."""
    colors = flow_to_image(motion[:, :2], 1.0).float()  # (T-1, 3, h, w)
    confidence = motion[:, 2:].clamp(0, 1)
    faded = colors * confidence + 255 * (1 - confidence)
    pictures = faded.round().byte().permute(0, 2, 3, 1).numpy()
    return [cv2.resize(picture, size, interpolation=cv2.INTER_NEAREST) for picture in pictures]


def in_a_row(pictures: list[np.ndarray]) -> np.ndarray:
    """Put pictures side by side on white."""
    gap = np.full((pictures[0].shape[0], GAP, 3), 255, np.uint8)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1], axis=1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config', type=Path)
    parser.add_argument('checkpoint', type=Path)
    parser.add_argument('video', type=Path)
    parser.add_argument('out', type=Path, help='PNG file to write')
    parser.add_argument('--scale', type=int, default=2, help='enlarge the frames so many times (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='override the config')
    args = parser.parse_args()
    for path in (args.config, args.checkpoint, args.video):
        if not path.is_file():
            parser.error(f'there is no file {path}')
    cfg = load_config(args.config, args.cfg_options)
    init_default_scope('mmaction')
    frames, motion = estimate(cfg, args.checkpoint, args.video)
    size = (frames.shape[3] * args.scale, frames.shape[2] * args.scale)
    upper = [
        cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC) for frame in frames.permute(0, 2, 3, 1).byte().numpy()
    ]
    side = min(size)
    wheel = np.full((size[1], size[0], 3), 255, np.uint8)
    wheel[:side, :side] = flow_color_wheel(side).permute(1, 2, 0).numpy()
    rows = [in_a_row(upper), in_a_row([*paint(motion, size), wheel])]
    gap = np.full((GAP, rows[0].shape[1], 3), 255, np.uint8)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(args.out), cv2.cvtColor(np.concatenate([rows[0], gap, rows[1]]), cv2.COLOR_RGB2BGR))
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
