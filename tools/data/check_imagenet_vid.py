"""``mmvidext data check-imagenet-vid`` as a script: python tools/data/check_imagenet_vid.py data/ILSVRC2015."""

import sys

try:
    from mmvidext.cli.data.check_imagenet_vid import check_imagenet_vid
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    check_imagenet_vid()
