"""``mmvidext convert`` as a script: python tools/convert_checkpoint.py CONFIG IN OUT."""

import sys

try:
    from mmvidext.cli.convert import convert
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    convert()
