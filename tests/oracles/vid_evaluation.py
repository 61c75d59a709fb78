"""The official evaluation of ImageNet VID by motion, frame by frame and object by object, in plain loops."""


def iou(box, other):
    width = min(box[2], other[2]) - max(box[0], other[0]) + 1
    height = min(box[3], other[3]) - max(box[1], other[1]) + 1
    if width <= 0 or height <= 0:
        return 0.0
    areas = [(b[2] - b[0] + 1) * (b[3] - b[1] + 1) for b in (box, other)]
    return width * height / (sum(areas) - width * height)


def motion_of(frames, index, number):
    """Mean IoU of object ``number`` of a frame with the same track within ten frames."""
    frame = frames[index]
    found = [
        iou(frame['boxes'][number], other['boxes'][k])
        for other in frames
        if other['video'] == frame['video'] and 0 < abs(other['number'] - frame['number']) <= 10
        for k in range(len(other['boxes']))
        if other['tracks'][k] == frame['tracks'][number]
    ]
    return sum(found) / len(found) if found else 0.0


def average_precision(hits, misses, total):
    """Area under the monotone precision, by hand."""
    right = wrong = 0.0
    points = [(0.0, 0.0)]
    for hit, miss in zip(hits, misses, strict=True):
        right, wrong = right + hit, wrong + miss
        points.append((right / total, right / max(right + wrong, 1e-16)))
    return sum(
        (recall - before) * max(precision for _, precision in points[k:])
        for k, ((recall, _), (before, _)) in enumerate(zip(points[1:], points, strict=False), start=1)
    )


def evaluate(frames, num_classes, motion, bounds):
    """Return the AP of each class, None without objects.

    ``frames`` are dicts with ``video``, ``number``, ``boxes``, ``labels``, ``tracks`` and ``found``, a list of
    ``(score, label, box)``; ``motion`` has a list of values for each frame.
    """
    values = [value for frame in motion for value in frame]
    inside_share = sum(bounds[0] <= value <= bounds[1] for value in values) / len(values)
    counted = []  # score, label, hit, miss
    totals = [0] * num_classes
    for frame, speeds in zip(frames, motion, strict=True):
        ignored = [not bounds[0] <= speed <= bounds[1] for speed in speeds]
        for label, ignore in zip(frame['labels'], ignored, strict=True):
            totals[label] += not ignore
        free = [True] * len(speeds)
        for score, label, box in sorted(frame['found'], key=lambda item: -item[0]):
            best, chosen, best_in, best_out = -1, None, -1, -1
            for k, truth in enumerate(frame['boxes']):
                overlap = iou(box, truth)
                width, height = truth[2] - truth[0] + 1, truth[3] - truth[1] + 1
                needed = min(0.5, width * height / ((width + 10) * (height + 10)))
                if overlap >= needed and overlap > best and free[k] and label == frame['labels'][k]:
                    best, chosen = overlap, k
                if ignored[k]:
                    best_out = max(best_out, overlap)
                else:
                    best_in = max(best_in, overlap)
            if chosen is not None:
                free[chosen] = False
                counted.append((score, label, float(not ignored[chosen]), 0.0))
            elif best_in != best_out:
                counted.append((score, label, 0.0, float(best_in > best_out)))
            else:
                share = inside_share if not speeds else sum(ignored) / len(speeds)
                counted.append((score, label, 0.0, share))
    counted.sort(key=lambda item: -item[0])
    result = []
    for label, total in enumerate(totals):
        own = [item for item in counted if item[1] == label]
        result.append(average_precision([i[2] for i in own], [i[3] for i in own], total) if total else None)
    return result
