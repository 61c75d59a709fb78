"""``mmvidext segment`` as a script: python tools/segment_video.py CONFIG CHECKPOINT SOURCE OUT."""

import sys

try:
    from mmvidext.cli.segment import segment
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    segment()
