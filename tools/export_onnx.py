"""``mmvidext export`` as a script: python tools/export_onnx.py CONFIG OUT."""

import sys

try:
    from mmvidext.cli.export import export
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    export()
