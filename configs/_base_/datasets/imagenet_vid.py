data_root = 'data/ILSVRC2015'
num_classes = 30
key_frame_interval = 10
batch_size = 1
num_workers = 4
