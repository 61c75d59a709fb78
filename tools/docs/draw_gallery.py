"""Give pictures of docs/images titles, a color wheel and a legend of classes, for docs/gallery.md.

python tools/docs/draw_gallery.py [FOLDER]
"""

import argparse
from pathlib import Path

import matplotlib.image as mpimg
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from mmvidext.drawing.figures import new_figure
from mmvidext.ops import flow_color_wheel

WHEEL = 'direction and length'


def panels(path: Path, count: int, rows: int = 1, row: int = 0) -> list[np.ndarray]:
    """Return the pictures that stand side by side in one row of a file."""
    picture = mpimg.imread(path)[..., :3]
    height, width = picture.shape[0] // rows, picture.shape[1] // count
    return [picture[row * height : (row + 1) * height, i * width : (i + 1) * width] for i in range(count)]


def draw(title: str, pictures: list[np.ndarray], titles: list[str]) -> Figure:
    """Draw pictures side by side, each with a title, and a color wheel at the end."""
    figure = new_figure(2.6 * len(pictures) + 1.7, 2.5)
    figure.suptitle(title, fontsize=11)
    wheel = flow_color_wheel(160).permute(1, 2, 0).numpy()
    axes = figure.subplots(1, len(pictures) + 1, width_ratios=[1.0] * len(pictures) + [0.5])
    for place, picture, text in zip(axes, [*pictures, wheel], [*titles, WHEEL], strict=True):
        place.imshow(picture)
        place.set_title(text, fontsize=9)
        place.axis('off')
    return figure


def classes_in(picture: np.ndarray) -> list[Patch]:
    """Return a legend of the classes of Cityscapes whose colors are in a picture."""
    from mmseg.datasets import CityscapesDataset

    colors, counts = np.unique((picture.reshape(-1, 3) * 255).round().astype(int), axis=0, return_counts=True)
    found = {tuple(color) for color, count in zip(colors.tolist(), counts.tolist(), strict=True) if count > 30}
    known = zip(CityscapesDataset.METAINFO['classes'], CityscapesDataset.METAINFO['palette'], strict=True)
    return [Patch(color=np.array(color) / 255, label=name) for name, color in known if tuple(color) in found]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path, nargs='?', default=Path('docs/images'), help='default: %(default)s')
    folder = parser.parse_args().folder
    flow = draw(
        'FlowNetS on a generated pair', panels(folder / 'flow.png', 3), ['first image', 'true flow', 'estimated flow']
    )
    flow.savefig(folder / 'gallery_flow.png')
    pictures = panels(folder / 'propagation.png', 5, rows=3)
    titles = ['key frame', 'five frames later', 'estimated flow', 'propagated classes', 'true classes']
    propagation = draw('Deep Feature Flow: classes five frames after the key frame', pictures, titles)
    legend = classes_in(np.concatenate(pictures[3:], axis=1))
    propagation.legend(handles=legend, loc='outside lower center', ncols=8, fontsize=9)
    propagation.savefig(folder / 'gallery_segmentation.png')
    print(f'wrote {folder}/gallery_flow.png, {folder}/gallery_segmentation.png')


if __name__ == '__main__':
    main()
