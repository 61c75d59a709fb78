"""``mmvidext stream`` as a script: python tools/stream.py CONFIG CHECKPOINT SOURCE."""

import sys

try:
    from mmvidext.cli.stream import stream
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    stream()
