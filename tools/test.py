"""``mmvidext test`` as a script, which prints the whole log: python tools/test.py CONFIG CHECKPOINT."""

import sys

try:
    from mmvidext.cli.test import test
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    test(default_map=dict(verbose=True))
