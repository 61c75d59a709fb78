"""``mmvidext detect`` as a script: python tools/detect_video.py CONFIG CHECKPOINT SOURCE OUT."""

import sys

try:
    from mmvidext.cli.detect import detect
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    detect()
