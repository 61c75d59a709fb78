"""Naive references for rendered scenes."""

import numpy as np


def backward_sample(image, flow):
    """Sample ``image (H, W, C)`` bilinearly at ``p + flow[p]``, pixel by pixel; NaN outside."""
    height, width = image.shape[:2]
    out = np.full(image.shape, np.nan)
    for y in range(height):
        for x in range(width):
            u, v = x + float(flow[y, x, 0]), y + float(flow[y, x, 1])
            if not (0 <= u <= width - 1 and 0 <= v <= height - 1):
                continue
            left, top = min(int(u), width - 2), min(int(v), height - 2)
            du, dv = u - left, v - top
            out[y, x] = (
                (1 - du) * (1 - dv) * image[top, left].astype(float)
                + du * (1 - dv) * image[top, left + 1]
                + (1 - du) * dv * image[top + 1, left]
                + du * dv * image[top + 1, left + 1]
            )
    return out


def nearest_centroid_accuracy(train, train_labels, test, test_labels):
    """Accuracy of the classifier that picks the class whose mean feature vector is nearest."""
    classes = np.unique(train_labels)
    centroids = np.stack([train[train_labels == label].mean(axis=0) for label in classes])
    distances = ((test[:, None] - centroids[None]) ** 2).sum(axis=-1)
    return (classes[distances.argmin(axis=1)] == test_labels).mean()
