"""``mmvidext data make-synthetic`` as a script: python tools/data/make_synthetic.py sthv2 data/synthetic_sthv2."""

import sys

try:
    from mmvidext.cli.data.make_synthetic import make_synthetic
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    make_synthetic()
