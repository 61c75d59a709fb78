"""Every data set of the package with every damage of every kind of file that it reads.

A data set without a case here fails: the cases are compared with the registry.
"""

import os

import cv2
import numpy as np
import pytest

pytest.importorskip('mmaction')
pytest.importorskip('mmseg')

from mmengine.registry import init_default_scope

from mmvidext.datasets.flow_io import write_kitti_flow
from mmvidext.datasets.media.files import BadFileError
from mmvidext.registry import DATASETS, TRANSFORMS
from tests.datasets.flow_files import random_image, write_chairs, write_pfm, write_sintel
from tests.datasets.imagenet_vid_files import SIZE, write_annotation, write_imagenet_vid
from tests.datasets.layouts import (
    write_camvid,
    write_cityscapes,
    write_image,
    write_label,
    write_video_folders,
    write_vspw,
)
from tests.datasets.videos import write_video, write_with_av

PAIR = dict(pipeline=[dict(type='mmvidext.LoadFlowPair')])
CLIP = dict(
    pipeline=[
        dict(type='mmvidext.SampleKeyFrame', distance=0, clamp=True),
        dict(type='mmvidext.LoadClip'),
        dict(type='mmvidext.LoadClipAnnotations'),
    ]
)
EVERY_FRAME = dict(type='SampleFrames', clip_len=1, num_clips=4, test_mode=True)
VIDEO = [dict(type='mmvidext.InitVideo'), EVERY_FRAME, dict(type='mmvidext.DecodeVideo')]
FLOW = np.ones((16, 24, 2), np.float32)


def picture(path, size=(16, 24)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), random_image(np.random.default_rng(0), *size))
    return path


def chairs(root):
    write_chairs(root, codes=(1, 1, 1))
    return PAIR, dict(
        image=root / 'data/00001_img1.ppm', second=root / 'data/00001_img2.ppm', flow=root / 'data/00001_flow.flo'
    )


def sintel(root):
    write_sintel(root, scenes=('alley_1',), frames=4, occlusions=True)
    folders = dict(image='clean', flow='flow', invalid='invalid', occluded='occlusions')
    suffix = dict(flow='flo')
    stem = root / 'training'
    files = {part: stem / folder / f'alley_1/frame_0001.{suffix.get(part, "png")}' for part, folder in folders.items()}
    return dict(PAIR, passes='clean'), files


def kitti(root):
    for number in range(3):
        for frame in (10, 11):
            picture(root / f'training/image_2/{number:06d}_{frame}.png')
        for kind in ('flow_occ', 'flow_noc'):
            (root / 'training' / kind).mkdir(exist_ok=True)
            write_kitti_flow(root / f'training/{kind}/{number:06d}_10.png', FLOW)
    return PAIR, {kind: root / f'training/{kind}/000000_10.png' for kind in ('image_2', 'flow_occ', 'flow_noc')}


def hd1k(root):
    flows = root / 'hd1k_flow_gt/flow_occ'
    flows.mkdir(parents=True)
    for number in range(10, 14):
        picture(root / f'hd1k_input/image_2/000000_{number:04d}.png')
        write_kitti_flow(flows / f'000000_{number:04d}.png', FLOW)
    return PAIR, dict(image=root / 'hd1k_input/image_2/000000_0010.png', flow=flows / '000000_0010.png')


def things(root):
    scene = 'TRAIN/A/0000'
    for number in (6, 7, 8, 9):
        image = picture(root / f'frames_cleanpass/{scene}/left/{number:04d}.png')
        for direction, label in (('into_future', 'IntoFuture'), ('into_past', 'IntoPast')):
            flow = root / f'optical_flow/{scene}/{direction}/left/OpticalFlow{label}_{number:04d}_L.pfm'
            flow.parent.mkdir(parents=True, exist_ok=True)
            write_pfm(flow, FLOW)
    first = root / f'optical_flow/{scene}/into_future/left/OpticalFlowIntoFuture_0006_L.pfm'
    return dict(PAIR, passes='clean', cameras='left'), dict(image=image.with_name('0006.png'), flow=first)


def flow_folders(root):
    for number in range(1, 5):
        picture(root / f'frames/a/{number}.png')
        if number < 4:
            write_pfm(picture(root / f'flow/a/{number}.png').with_suffix('.pfm'), FLOW)
            (root / f'flow/a/{number}.png').unlink()
    return PAIR, dict(image=root / 'frames/a/1.png', flow=root / 'flow/a/1.pfm')


def cityscapes(root):
    for sequence in ('000000', '000001', '000002'):
        write_cityscapes(root, frames=range(1), labeled=0, sequence=sequence)
    prefix = dict(img_path='leftImg8bit_sequence/val', seg_map_path='gtFine/val')
    stem = 'ulm/ulm_000000_000000_'
    image = root / f'leftImg8bit_sequence/val/{stem}leftImg8bit.png'
    return dict(CLIP, data_prefix=prefix), dict(image=image, label=root / f'gtFine/val/{stem}gtFine_labelTrainIds.png')


def camvid(root):
    write_camvid(root, numbers=range(5280, 5371), labeled=(5310, 5340, 5370))
    prefix = dict(img_path='frames', seg_map_path='labels/val')
    name = '0016E5_05310.png'
    return dict(CLIP, data_prefix=prefix), dict(image=root / 'frames/0016E5' / name, label=root / 'labels/val' / name)


def images_of_video_folders(root):
    """The same files, one by one, as mmcv loads them."""
    arguments, files = video_folders(root)
    return dict(arguments, pipeline=[dict(type='LoadImageFromFile'), dict(type='mmvidext.LoadClipAnnotations')]), files


def vspw(root):
    write_vspw(root, videos=(('a', 3),))
    files = dict(image=root / 'data/a/origin/00000000.jpg', label=root / 'data/a/mask/00000000.png')
    return dict(CLIP, ann_file='val.txt', metainfo=dict(classes=('wall', 'sky'))), files


def video_folders(root):
    write_video_folders(root, videos=(('a', 6),), values=(0, 1))
    metainfo = dict(classes=('road', 'car'))
    return dict(CLIP, metainfo=metainfo), dict(image=root / 'frames/a/1.jpg', label=root / 'labels/a/1.png')


def videos(root, suffix='webm'):
    write = write_video if suffix == 'webm' else write_with_av
    for name in ('a', 'b', 'c'):
        write(root / f'{name}.{suffix}')
    (root / 'list.txt').write_text(''.join(f'{name}.{suffix} 0\n' for name in 'abc'))
    return dict(ann_file=str(root / 'list.txt'), data_prefix=dict(video=str(root)), pipeline=VIDEO), dict(
        video=root / f'a.{suffix}'
    )


def frames(root):
    for name in ('a', 'b', 'c'):
        for number in range(1, 5):
            picture(root / name / f'{number:05d}.jpg', (64, 64))
    (root / 'list.txt').write_text('a 4 0\nb 4 0\nc 4 0\n')
    pipeline = [EVERY_FRAME, dict(type='RawFrameDecode')]
    arguments = dict(ann_file=str(root / 'list.txt'), data_prefix=dict(img=str(root)), pipeline=pipeline)
    return arguments, dict(frame=root / 'a/00002.jpg', last=root / 'a/00004.jpg')


def imagenet_vid(root):
    pytest.importorskip('mmdet', reason="mmdet is not installed: pip install 'mmvidext[mmdet]'")
    write_imagenet_vid(root, lengths=(4,))
    pipeline = [
        dict(type='mmvidext.SampleKeyFrame', distance=0),
        dict(type='mmvidext.LoadClip'),
        dict(type='mmvidext.LoadClipBoxes'),
    ]
    files = dict(image=root / 'Data/VID/a/000000.JPEG', boxes=root / 'Annotations/VID/a/000000.xml')
    return dict(video_list='VID_val_videos.txt', pipeline=pipeline), files


CASES = {
    'CamVidVideoDataset': [camvid],
    'CityscapesVideoDataset': [cityscapes],
    'FlowFolderDataset': [flow_folders],
    'FlyingChairsDataset': [chairs],
    'FlyingThings3DDataset': [things],
    'FrameListDataset': [frames],
    'HD1KDataset': [hd1k],
    'ImageNetVIDDataset': [imagenet_vid],
    'KITTIFlowDataset': [kitti],
    'SintelDataset': [sintel],
    'SthV1Dataset': [frames],
    'SthV2Dataset': [videos],
    'VSPWDataset': [vspw],
    'VideoFolderSegDataset': [video_folders, images_of_video_folders],
    'VideoListDataset': [videos, lambda root: videos(root, 'avi'), lambda root: videos(root, 'mp4')],
}


def in_place(make):
    def damage(path):
        path.unlink()
        make(path)

    return damage


def part(fraction):
    def damage(path):
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * fraction)])

    return damage


def huge(path):
    """A header that asks for terabytes, in the format that the suffix says."""
    headers = {
        '.flo': b'PIEH' + b'\xff\xff\xff\x7f' * 2,
        '.pfm': b'PF\n2000000000 2000000000\n-1.0\n',
        '.png': b'\x89PNG\r\n\x1a\n\0\0\0\rIHDR\x7f\xff\xff\xff\x7f\xff\xff\xff\x08\x02\0\0\0',
    }
    path.write_bytes(headers.get(path.suffix, b'P6 2000000000 2000000000 255\n') + bytes(99))


def other_size(path):
    """A whole file of the right format that is not of the size of its partner."""
    if path.suffix == '.pfm':
        write_pfm(path, FLOW[:8])
    elif path.suffix == '.flo':
        path.write_bytes(b'PIEH' + np.array([24, 8], '<i4').tobytes() + FLOW[:8].tobytes())
    elif path.suffix == '.xml':
        write_annotation(path, [], size=(SIZE[1], SIZE[0]))
    elif 'flow_' in str(path.parent.name):
        write_kitti_flow(path, FLOW[:8])
    elif 'label' in str(path) or 'mask' in str(path) or 'gtFine' in str(path):
        write_label(path, np.zeros((4, 4), np.uint8))
    else:
        write_image(path, size=(4, 4))


DAMAGES = {
    'empty': lambda path: path.write_bytes(b''),
    'truncated': part(0.5),
    'end missing': part(0.9),
    'header only': lambda path: path.write_bytes(path.read_bytes()[:14]),
    'noise': lambda path: path.write_bytes(np.random.default_rng(0).bytes(300)),
    'text': lambda path: path.write_text('<html>not found</html>'),
    'directory': in_place(lambda path: path.mkdir()),
    'fifo': in_place(os.mkfifo),
    'dangling link': in_place(lambda path: path.symlink_to('nowhere')),
    'device': in_place(lambda path: path.symlink_to('/dev/zero')),
    'missing': lambda path: path.unlink(),
    'huge header': huge,
    'other size': other_size,
}
# a frame of another size is no damage where nothing else has its size
FITS_ALWAYS = {('videos', 'other size'), ('<lambda>', 'other size')}


def parts():
    for name, makers in CASES.items():
        for number, make in enumerate(makers):
            yield name, number, make


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def build(name, arguments, root, **more):
    init_default_scope('mmaction' if 'List' in name or 'Sth' in name else 'mmseg')
    root_argument = {} if 'ann_file' in arguments and 'data_prefix' in arguments else dict(data_root=str(root))
    return DATASETS.get(name)(**root_argument, **arguments, **more)


@pytest.mark.parametrize('damage', DAMAGES)
@pytest.mark.parametrize(('name', 'number', 'make'), parts(), ids=lambda value: value if isinstance(value, str) else '')
def test_every_data_set_and_every_damage(tmp_path, name, number, make, damage):
    if (make.__name__, damage) in FITS_ALWAYS:
        pytest.skip('nothing else has its size')
    arguments, files = make(tmp_path)
    test = build(name, arguments, tmp_path, test_mode=True)
    whole = arrays(test[0])
    for path in files.values():
        training = build(name, arguments, tmp_path)
        content = path.read_bytes()
        DAMAGES[damage](path)
        wanted = path.parent.name if make is frames else path.name
        try:
            found = test[0]
        except BadFileError as error:
            assert wanted in str(error)  # noqa: PT017
            training[0]
            (reason,) = training.bad_files().values()
            assert wanted in reason
        else:  # what is missing is behind the last pixel
            assert damage == 'end missing'
            assert all(map(np.array_equal, arrays(found), whole))
        restore(path, content)


OTHER_LISTS = {  # what the cases above do without
    'ImageNetVIDDataset': dict(image_list='DET_train_30classes.txt', frame_list='VID_train_15frames.txt'),
    'VSPWDataset': dict(metainfo=None),
}
MAY_BE_WHOLE = ('truncated', 'end missing', 'header only')  # fewer lines are a list, too


@pytest.mark.parametrize('name', CASES)
def test_every_list_and_every_damage(tmp_path, name):
    """Lists, splits and tables of classes are read at once, and the error names the file."""
    for number, make in enumerate(CASES[name]):
        root = _empty(tmp_path / str(number))
        arguments, _ = make(root)
        arguments |= OTHER_LISTS.get(name, {})
        for path in [path for path in root.rglob('*') if path.suffix in ('.txt', '.json')]:
            content = path.read_bytes()
            for damage in DAMAGES.keys() - {'huge header', 'other size'}:
                DAMAGES[damage](path)
                try:
                    build(name, arguments, root, test_mode=True)
                except (FileNotFoundError, ValueError) as error:
                    assert path.name in str(error), (damage, error)  # noqa: PT017
                else:
                    assert damage in MAY_BE_WHOLE, (path, damage)
                restore(path, content)


def arrays(sample):
    """Return what was read for a sample."""
    return [
        np.asarray(item)
        for value in sample.values()
        for item in (value if isinstance(value, list) else [value])
        if isinstance(item, np.ndarray)
    ]


def restore(path, content):
    if path.is_dir():
        path.rmdir()
    path.unlink(missing_ok=True)
    path.write_bytes(content)


@pytest.mark.parametrize(('name', 'number', 'make'), parts(), ids=lambda value: value if isinstance(value, str) else '')
def test_what_systems_put_beside_the_data_is_no_part_of_it(tmp_path, name, number, make):
    """macOS writes ``._1.jpg`` beside ``1.jpg``, and ``__MACOSX`` into archives; Jupyter ``.ipynb_checkpoints``."""
    arguments, _ = make(tmp_path)
    before = build(name, arguments, tmp_path, test_mode=True)
    for path in list(tmp_path.rglob('*')):
        path.with_name(f'._{path.name}').write_bytes(b'\0\5\x16\7 metadata')
        for folder in ('.ipynb_checkpoints', '__MACOSX') if path.is_dir() else ():
            (path / folder).mkdir()
    after = build(name, arguments, tmp_path, test_mode=True)
    assert len(after) == len(before)
    for index in range(len(before)):
        assert all(map(np.array_equal, arrays(after[index]), arrays(before[index])))


def _empty(folder):
    folder.mkdir()
    return folder


@pytest.mark.parametrize('name', CASES)
def test_the_cases_are_read_while_they_are_whole(tmp_path, name):
    for number, make in enumerate(CASES[name]):
        root = _empty(tmp_path / str(number))
        arguments, _ = make(root)
        dataset = build(name, arguments, root, test_mode=True)
        assert len(dataset) >= 3
        assert dataset[0]


def test_every_transform_that_reads_is_covered(tmp_path):
    TRANSFORMS.import_from_location()
    reading = {name for name in TRANSFORMS.module_dict if name.startswith(('Load', 'Init', 'Decode'))}
    pipelines = [make(_empty(tmp_path / name))[0]['pipeline'] for name, (make, *_) in CASES.items()]
    used = {step['type'].removeprefix('mmvidext.') for pipeline in pipelines for step in pipeline}
    assert reading <= used


def test_every_data_set_of_the_package_is_covered():
    DATASETS.import_from_location()
    assert set(DATASETS.module_dict) == set(CASES)
