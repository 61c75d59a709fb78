"""``mmvidext data check-segmentation`` as a script: python tools/data/check_video_seg_data.py vspw data/VSPW_480p."""

import sys

try:
    from mmvidext.cli.data.check_segmentation import check_segmentation
except ImportError as error:
    sys.exit(f"error: {error}; this script needs the package: pip install -e '.[openmmlab]'")

if __name__ == '__main__':
    check_segmentation()
