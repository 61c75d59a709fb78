data_root = 'data/ILSVRC'
num_classes = 30
batch_size = 1
num_workers = 4
