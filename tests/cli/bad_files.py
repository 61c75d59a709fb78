"""Files that the commands read, good ones and bad ones."""

import os
import re

import cv2
import numpy as np
import torch
from mmengine.config import Config

from mmvidext.apis.model_building import build_model
from mmvidext.datasets.flow_io import write_flo
from mmvidext.datasets.synthetic.sthv2_writer import write_sthv2
from tests.apis.online_config import online_config
from tests.apis.test_video_segmentor import PIPELINE
from tests.datasets.videos import write_video
from tests.models.detectors.tiny import video_config
from tests.models.segmentors.tiny import fcn

FLOW_NET = dict(type='mmvidext.FlowNetS', width=0.0625)


def recognition(folder):
    config = online_config()
    data = dict(type='mmvidext.VideoListDataset', ann_file=f'{folder}/list.txt', data_prefix=dict(video=str(folder)))
    loader = dict(batch_size=1, num_workers=0, sampler=dict(type='DefaultSampler', shuffle=False))
    pipeline = config.val_dataloader.dataset.pipeline
    for split in ('train', 'val', 'test'):
        dataset = dict(data, pipeline=pipeline, num_classes=5, test_mode=split != 'train')
        config[f'{split}_dataloader'] = dict(loader, dataset=dataset)
    config.custom_hooks = [dict(type='mmvidext.NumClassesCheckHook'), dict(type='mmvidext.SegmentsCheckHook')]
    config.val_evaluator = config.test_evaluator = dict(type='mmvidext.AccMetric')
    config.train_cfg = dict(type='EpochBasedTrainLoop', max_epochs=1)
    config.val_cfg, config.test_cfg = dict(type='ValLoop'), dict(type='TestLoop')
    config.optim_wrapper = dict(optimizer=dict(type='SGD', lr=0.01))
    return config


def segmentation():
    model = dict(type='mmvidext.DeepFeatureFlow', segmentor=fcn(19), flow_net=FLOW_NET)
    loader = dict(dataset=dict(type='mmvidext.CityscapesVideoDataset', pipeline=PIPELINE))
    return Config(dict(default_scope='mmseg', model=model, test_dataloader=loader))


def detection():
    config = video_config()
    config.test_dataloader = dict(dataset=dict(type='CocoDataset', pipeline=config.test_pipeline))
    return config


def flow():
    return Config(dict(default_scope='mmvidext', model=dict(type='mmvidext.FlowEstimator', flow_net=FLOW_NET)))


def write_good(root):
    """Write a config and a checkpoint of each kind, pictures, videos, a list, a flow, class names, a download."""
    generator = np.random.default_rng(0)
    (root / 'frames').mkdir()
    for number in (1, 2):
        cv2.imwrite(str(root / f'frames/{number}.png'), generator.integers(0, 256, (64, 64, 3), np.uint8))
    for name in ('a', 'b'):
        write_video(root / f'{name}.webm', num_frames=4, size=(64, 48))
    (root / 'list.txt').write_text('a.webm 0\nb.webm 1\n')
    write_flo(root / 'true.flo', np.zeros((64, 64, 2), np.float32))
    (root / 'films').mkdir()
    for name in ('1', '2'):
        write_video(root / f'films/{name}.webm', num_frames=4)
    (root / 'films/list.txt').write_text('1.webm 0\n2.webm 1\n')
    for name in ('classes/a/1', 'classes/a/2', 'classes/b/1', 'classes/b/2'):
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        write_video(root / f'{name}.webm', num_frames=4, seed=int(name[-1]))
    for name in ('labeled/frames/a', 'labeled/frames/b', 'moving/frames/a', 'moving/frames/b'):
        (root / name).mkdir(parents=True)
        for number in (1, 2):
            cv2.imwrite(str(root / name / f'{number}.png'), np.zeros((32, 32, 3), np.uint8))
        if name.startswith('labeled'):
            labels = root / name.replace('frames', 'labels')
            labels.mkdir(parents=True)
            cv2.imwrite(str(labels / '1.png'), np.arange(1024).reshape(32, 32).astype(np.uint8) % 2)
        else:
            (root / name.replace('frames', 'flow')).mkdir(parents=True)
            write_flo(root / name.replace('frames', 'flow') / '1.flo', np.zeros((32, 32, 2), np.float32))
    (root / 'names.txt').write_text('a\nb\nc\nd\ne\n')
    write_sthv2(root / 'download', num_train=2, num_val=1, size=(32, 32), num_frames=2, travel_only=True)
    tasks = dict(recognition=recognition(root), segmentation=segmentation(), detection=detection(), flow=flow())
    for name, config in tasks.items():
        config.dump(root / f'{name}.py')
        state = build_model(config, default_scope=config.default_scope).state_dict()
        torch.save(dict(state_dict=state, meta={}), root / f'{name}.pth')
    state = torch.load(root / 'recognition.pth')['state_dict']
    torch.save(dict(state_dict={official_name(key): value for key, value in state.items()}), root / 'official.pth')


def official_name(name):
    """Return the name of a tensor in a checkpoint of TSM's authors."""
    if name.startswith('cls_head.fc_cls'):
        return name.replace('cls_head.fc_cls', 'module.new_fc')
    name = name.removeprefix('backbone.').replace('downsample.conv', 'downsample.0')
    name = name.replace('downsample.bn', 'downsample.1')
    return 'module.base_model.' + re.sub(r'conv(\d)\.(conv|bn)\.', lambda match: f'{match[2]}{match[1]}.', name)


def write_bad(root):
    """Write what is empty, noise, of another size, or no file at all."""
    cv2.imwrite(str(root / 'small.png'), np.zeros((32, 40, 3), np.uint8))
    cv2.imwrite(str(root / 'disparity.png'), np.full((64, 64), 300, np.uint16))
    write_flo(root / 'small.flo', np.zeros((32, 40, 2), np.float32))
    (root / 'empty_folder').mkdir()
    (root / 'full_folder').mkdir()
    (root / 'full_folder/a.png').write_bytes(b'no picture')
    os.mkfifo(root / 'pipe')
    for suffix in ('py', 'pth', 'mp4', 'png', 'flo', 'txt', 'json'):
        (root / f'empty.{suffix}').write_bytes(b'')
        (root / f'noise.{suffix}').write_bytes(np.random.default_rng(0).bytes(500))
    for suffix in ('', '.mp4', '.csv', '.png', '.flo', '.onnx', '.pth', '.pkl', '.json', '.jsonl', '.txt'):
        os.mkfifo(root / f'out_pipe{suffix}')
        (root / f'out_device{suffix}').symlink_to('/dev/full')
        (root / f'out_folder{suffix}').mkdir()
        (root / f'out_folder{suffix}/a').write_bytes(b'')
    parts = 'backbone=dict(), cls_head=dict(), flow_net=dict(), segmentor=dict()'
    configs = {
        'wrong': 'model = dict(',
        'raises': 'a = 1 / 0',
        'nothing': 'a = 1',
        'no_type': f'model = dict({parts})',
        'unknown': f"model = dict(type='Nothing', {parts})",
        'text': "model = 'ResNet'",
    }
    for name, content in configs.items():
        (root / f'{name}.py').write_text(content + '\n')
