"""``mmvidext data check-flow`` as a script: python tools/data/check_flow_data.py sintel data/Sintel."""

import sys

try:
    from mmvidext.cli.data.check_flow import check_flow
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    check_flow()
