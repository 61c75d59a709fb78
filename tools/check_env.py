"""``mmvidext doctor`` as a script: python tools/check_env.py."""

import sys

try:
    from mmvidext.cli.doctor import doctor
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    doctor()
