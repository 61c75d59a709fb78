"""Write docs/model_zoo.md from the metafiles in configs/metafiles.

python tools/docs/model_zoo.py
"""

from itertools import groupby
from pathlib import Path

from mmvidext.checkpoints.model_index import NamedModel, read_model_index

PAGE = Path(__file__).resolve().parents[2] / 'docs' / 'model_zoo.md'
HEAD = """\
# Model zoo

<!-- Written by tools/docs/model_zoo.py from the metafiles in configs/metafiles. -->

A name in this table stands for a config and its weights:

<!-- needs a download -->
```bash
mmvidext weights                      # the list, and what is on this machine
mmvidext weights get tsm_r50_k400     # download, check, and compare with the config's model
mmvidext predict tsm_r50_k400 my.mp4  # does so by itself
mmvidext train mmvidext::tsm_r50_ucf101 --weights tsm_r50_k400
```

`pretrained='tsm_r50_k400'` and `load_from='tsm_r50_k400'` in a config work likewise, see [weights](weights.md).
`mim search mmvidext` lists the same. A model whose name ends in a toolbox has its weights from there.

Figures are the authors', or those of the source that is named (the model in the package: ours). They are not
measurements of these files with our code; where a figure is of another protocol than our config's, it says so.
SHA-256: how it begins, where somebody has published it, which a download is compared with.
"""


def page() -> str:
    """Return the page."""
    lines = [HEAD]
    for collection, models in groupby(read_model_index().values(), key=lambda model: model.collection):
        lines += [f'## {collection}', '', '| model | trained on | published | source of the figure | weights |']
        lines += ['|---|---|---|---|---|', *map(row, models), '']
    return '\n'.join(lines)


def row(model: NamedModel) -> str:
    """Return the line of a model."""
    config = '' if model.config.stem == model.name else f', config `{model.config.stem}`'
    figures = '; '.join(
        ', '.join(f'{name} {value:g}' for name, value in figure.metrics.items())
        + f' on {figure.dataset}'
        + (f' ({figure.protocol})' if figure.protocol else '')
        for figure in model.figures
    )
    sources = '; '.join(dict.fromkeys(figure.source for figure in model.figures))
    return f'| `{model.name}`{config} | {", ".join(model.data)} | {figures or "none"} | {sources} | {weights(model)} |'


def weights(model: NamedModel) -> str:
    """Return what is said of a model's weights."""
    if model.weights is None:
        return f'none: {model.without}'
    where = 'in the package' if model.is_shipped else f'[{model.source}]({model.weights})'
    sha256 = f', SHA-256 {model.published_sha256}...' if model.published_sha256 else ''
    options = f', with `--cfg-options {" ".join(model.options)}`' if model.options else ''
    return f'{where}{sha256}{options}'


if __name__ == '__main__':
    PAGE.write_text(page(), encoding='utf-8')
    print(f'wrote {PAGE}')
