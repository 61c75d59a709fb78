"""``mmvidext train`` as a script, which prints the whole log as those of OpenMMLab do: python tools/train.py CONFIG."""

import sys

try:
    from mmvidext.cli.train import train
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    train(default_map=dict(verbose=True))
