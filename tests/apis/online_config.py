"""A small causal recognizer, as a config, for tests of the streaming tools."""

from mmengine.config import Config


def online_config(segments=3, **backbone):
    return Config(
        dict(
            default_scope='mmaction',
            model=dict(
                type='Recognizer2D',
                backbone=dict(
                    type='mmvidext.TSMResNet', depth=18, num_segments=segments, **{'causal': True, **backbone}
                ),
                cls_head=dict(
                    type='TSMHead', num_classes=5, in_channels=512, num_segments=segments, average_clips='score'
                ),
                data_preprocessor=dict(
                    type='ActionDataPreprocessor',
                    mean=[123.675, 116.28, 103.53],
                    std=[58.395, 57.12, 57.375],
                    format_shape='NCHW',
                ),
            ),
            val_dataloader=dict(
                dataset=dict(
                    pipeline=[
                        dict(type='DecordInit'),
                        dict(type='SampleFrames', clip_len=1, num_clips=segments, test_mode=True),
                        dict(type='DecordDecode'),
                        dict(type='Resize', scale=(-1, 40)),
                        dict(type='CenterCrop', crop_size=32),
                        dict(type='FormatShape', input_format='NCHW'),
                        dict(type='PackActionInputs'),
                    ]
                )
            ),
        )
    )
