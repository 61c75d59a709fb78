"""Draw the motion that a MotionSqueeze model estimates over the frames of a video.

python tools/analysis/show_motion.py CONFIG CHECKPOINT VIDEO OUT.png

Upper row: the frames that the model sees. Lower row: displacement to the next frame, hue for direction and saturation
for its size as on the color wheel at the right, fading to white where the match is not sure.
"""

import argparse
from pathlib import Path

from mmengine.config import Config
from mmengine.dataset import Compose
from mmengine.registry import init_default_scope

from mmvidext.apis.seen_motion import SeenMotion, see_motion
from mmvidext.apis.weights import load_for_inference
from mmvidext.cli.config import load_config
from mmvidext.datasets.media.images import write_picture
from mmvidext.drawing.motion import draw_motion


def estimate(cfg: Config, checkpoint: str, video: Path) -> SeenMotion:
    """Return the frames of a video that a model looks at, and the motion that it sees."""
    from mmaction.registry import MODELS

    model = MODELS.build(cfg.model)
    load_for_inference(model, checkpoint)
    pipeline = Compose(cfg.test_dataloader.dataset.pipeline)
    return see_motion(model.eval(), pipeline(dict(filename=str(video), label=-1, start_index=0, modality='RGB')))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('checkpoint', help='a file, an address or the name of a model')
    parser.add_argument('video', type=Path)
    parser.add_argument('out', type=Path, help='PNG file to write')
    parser.add_argument('--scale', type=int, default=2, help='enlarge the frames so many times (default: %(default)s)')
    parser.add_argument('--cfg-options', nargs='+', default=[], metavar='KEY=VALUE', help='override the config')
    args = parser.parse_args()
    if not args.video.is_file():
        parser.error(f'there is no file {args.video}')
    try:
        cfg = load_config(args.config, args.cfg_options)
        init_default_scope('mmaction')
        motion = estimate(cfg, args.checkpoint, args.video)
    except (ValueError, OSError) as error:
        parser.error(str(error))
    picture = draw_motion(*motion, scale=args.scale)
    write_picture(args.out, picture)
    print(f'wrote {args.out}')


if __name__ == '__main__':
    main()
