"""``mmvidext data prepare-sthv2`` as a script: python tools/data/prepare_sthv2.py data/sthv2."""

import sys

try:
    from mmvidext.cli.data.prepare_sthv2 import prepare_sthv2
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    prepare_sthv2()
