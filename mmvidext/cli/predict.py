"""``mmvidext predict``: recognize videos, and show the prediction in them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import click

from mmvidext.apis.frame_sources import Frame, Source
from mmvidext.apis.picture_outputs import check_outputs, open_pictures
from mmvidext.apis.video_recognizer import VideoPrediction, VideoRecognizer, best_classes
from mmvidext.cli.config import load_config
from mmvidext.cli.options import (
    PATH,
    FiniteRange,
    PathEndingIn,
    RunCommand,
    cfg_options_option,
    device_option,
    one_line_errors,
    source_options,
)
from mmvidext.cli.prediction_file import write_predictions
from mmvidext.cli.stop_signals import StopSignals
from mmvidext.cli.weighted_model import find_weighted_model
from mmvidext.datasets.media.files import PICTURE_SUFFIXES, VIDEO_SUFFIXES, left_out
from mmvidext.datasets.media.frame_folder import list_pictures
from mmvidext.datasets.own_data.clips import clips_below
from mmvidext.datasets.printable import printable
from mmvidext.drawing.pictures import draw_bars

__all__ = ['predict']


def find_videos(source: str) -> list[str]:
    """Return the videos in a folder and below it; anything else is one source.

    Raises:
        ValueError: If a folder holds neither a video nor a picture.
    """
    folder = Path(source)
    if not folder.is_dir() or list_pictures(folder):
        return [source]
    videos = [str(path) for path in clips_below(folder)]
    if not videos:
        note = left_out(folder)
        raise ValueError(f'{folder} holds neither a video nor a picture' + (f': {note}' if note else ''))
    return videos


def check_folder(videos: list[str], source: str, out: Path | None) -> None:
    """Refuse a file as the output for a folder of videos.

    Raises:
        ValueError: If it is one, by its suffix.
    """
    if out is None or videos == [source] or out.is_dir():
        return
    if out.suffix.lower() in (*VIDEO_SUFFIXES, *PICTURE_SUFFIXES):
        raise ValueError(f'--out must be a folder for a folder of videos, but is {out}')


def output_of(video: str, source: str, out: Path | None, taken: set[Path]) -> Path | None:
    """Return where the picture of a video goes: ``out`` itself, or, of a folder of videos, a file in it."""
    if out is None or video == source:
        return out
    inside = Path(video).relative_to(source)
    path = out / inside.with_suffix('.mp4')
    if path in taken:  # 1.webm beside 1.avi
        path = out / f'{inside}.mp4'
    taken.add(path)
    return path


def until_damage(frames: Iterator[Frame], problems: list[str]) -> Iterator[Frame]:
    """Yield frames; what is wrong behind the first one ends them and is put on a list, so that they count.

    Raises:
        ValueError: If not even the first frame can be read.
        OSError: Likewise.
    """
    count = 0
    try:
        for frame in frames:
            count += 1
            yield frame
    except (ValueError, OSError) as error:
        if not count:
            raise
        problems.append(str(error))


def recognize(
    recognizer: VideoRecognizer, source: Source, out: Path | None, *, window: float | None, stride: float, top: int
) -> VideoPrediction:
    """Recognize a source and draw the running prediction; a stream without end tells it line by line.

    Returns:
        The prediction, of a source that breaks off with the ``problem``, for what came before.

    Raises:
        ValueError: If there is no frame that can be read.
        OSError: If the output cannot be written, or the source gives no frame.
    """
    problems: list[str] = []
    is_endless = not source.num_frames and not source.files  # of a damaged file the number is unknown, too
    source = source._replace(frames=until_damage(source.frames, problems))
    run = recognizer.run(source, window=window, stride=stride)
    with ExitStack() as outputs:
        video = outputs.enter_context(open_pictures(out, source.frame_rate)) if out else None
        said = None
        for frame, latest in run:
            best = best_classes(latest.probabilities, recognizer.classes, top) if latest else []
            if video is not None:
                video.write(draw_bars(frame, best))
            if is_endless and latest is not None and latest is not said:
                said = latest
                click.echo(f'{latest.end:8.1f} s  {best[0][1]:6.1%}  {printable(best[0][0])}')
        return run.result()._replace(problem=''.join(problems))


def recognize_each(
    videos: list[str],
    recognize_one: Callable[[str], VideoPrediction],
    *,
    top: int,
    ends_at_error: bool,
    is_stopped: Callable[[], object],
) -> tuple[dict[str, VideoPrediction], dict[str, str]]:
    """Recognize videos one after the other and print their best classes; one that cannot be read is named.

    Returns:
        The predictions, and what was wrong, by video: one that breaks off has both.

    Raises:
        ValueError: With ``ends_at_error``, if a video cannot be read.
        OSError: Likewise.
    """
    predictions: dict[str, VideoPrediction] = {}
    problems: dict[str, str] = {}
    for video in videos:
        try:
            one = recognize_one(video)
        except (ValueError, OSError) as error:
            if ends_at_error:
                raise
            problems[video] = str(error)
            click.echo(printable(f'{video}: {error}'), err=True)
            continue
        predictions[video] = one
        if one.problem:
            problems[video] = one.problem
            click.echo(printable(f'{video}: {one.problem}'), err=True)
        click.echo(f'{printable(video)}: {one.num_frames} frames')
        click.echo('\n'.join(f'  {probability:6.1%}  {printable(name)}' for name, probability in one.top(top)))
        if is_stopped():
            break
    return predictions, problems


@click.command(cls=RunCommand)
@click.argument('model')
@click.argument('source', metavar='VIDEO|FOLDER|CAMERA|URL')
@click.option(
    '--weights',
    metavar='FILE_URL_OR_NAME',
    help="Checkpoint to use, where MODEL is a config; 'none' means random weights.",
)
@click.option(
    '--out',
    type=PATH,
    help='Draw the running prediction into this video (.mp4: H.264) or folder; a FOLDER of videos needs a folder.',
)
@click.option(
    '--results',
    type=PathEndingIn('.csv', '.json'),
    help='Write the predictions to this .csv or .json file.',
)
@click.option('--top', type=click.IntRange(1), default=5, show_default=True, help='Number of classes to show.')
@click.option(
    '--window',
    type=FiniteRange(0, min_open=True),
    help='Seconds of video that one prediction looks at.  [default: one clip of the model, or up to 10 s]',
)
@click.option(
    '--stride',
    type=FiniteRange(0, min_open=True),
    default=0.5,
    show_default=True,
    help='Seconds from one prediction to the next.',
)
@source_options
@cfg_options_option
@device_option
def predict(
    model: str,
    source: str,
    weights: str | None,
    out: Path | None,
    results: Path | None,
    top: int,
    window: float | None,
    stride: float,
    connect: Callable[..., Source],
    cfg_options: tuple[str, ...],
    device: str,
) -> None:
    """Recognize a video, each video in a FOLDER, a camera (its number) or a network address, with any recognizer.

    MODEL is a name (mmvidext weights lists them), a work directory (its best checkpoint is taken), a checkpoint with
    its config beside it, or a config with --weights. The best classes are printed with their probabilities. A
    prediction looks at the latest frames, up to --window: for a video that is not longer, the last one is that of a
    validation; for a longer one the mean is taken. A video that cannot be read is named, and the others go on; one that
    breaks off is recognized as far as it can be read. The exit status is then 1.

    Example: mmvidext predict camera-motion new.mp4 --out shown.mp4 --results new.json
    """
    with one_line_errors(), StopSignals() as stop:
        videos, taken = find_videos(source), set[Path]()
        if videos != [source] and (note := left_out(Path(source))):
            click.echo(printable(f'{source}: {note}'), err=True)
        check_folder(videos, source, out)
        found = find_weighted_model(model, weights, option='--weights ')
        outputs = {video: output_of(video, source, out, taken) for video in videos}
        is_one = videos == [source]
        opened = connect(source, wait=stop.wait) if is_one else None
        read = opened.files if opened else map(Path, videos)
        check_outputs((out, results), [*read, *(Path(path) for path in found[:2] if path)])
        recognizer = VideoRecognizer(
            load_config(found.config, (*found.options, *cfg_options), warns=False), found.checkpoint, device=device
        )
        top = min(top, len(recognizer.classes))

        def recognize_one(video: str) -> VideoPrediction:
            frames = opened or connect(video, wait=stop.wait)
            frames = frames._replace(frames=stop.until_stopped(frames.frames))
            return recognize(recognizer, frames, outputs[video], window=window, stride=stride, top=top)

        predictions, problems = recognize_each(
            videos, recognize_one, top=top, ends_at_error=is_one, is_stopped=lambda: stop.wait(0)
        )
        if results is not None:
            write_predictions(results, model, predictions, problems, top=top)
    written = ', '.join(str(path) for path in (out, results) if path)
    if written:
        click.echo(f'wrote {written}')
    stop.exit_if_stopped()
    if problems:
        raise SystemExit(1)
