"""``mmvidext flow`` as a script: python tools/estimate_flow.py CONFIG CHECKPOINT FIRST SECOND --out flow.flo."""

import sys

try:
    from mmvidext.cli.flow import flow
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    flow()
