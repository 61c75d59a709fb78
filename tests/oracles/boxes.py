"""Overlap and suppression of boxes, box by box."""

import math


def overlap(one, two, offset=0, mode='iou'):
    width = max(min(one[2], two[2]) - max(one[0], two[0]) + offset, 0)
    height = max(min(one[3], two[3]) - max(one[1], two[1]) + offset, 0)
    areas = [(box[2] - box[0] + offset) * (box[3] - box[1] + offset) for box in (one, two)]
    divisor = areas[0] if mode == 'iof' else sum(areas) - width * height
    return width * height / divisor if divisor else math.nan


def falling_order(scores):
    return sorted(range(len(scores)), key=lambda index: -scores[index])  # sorted is stable


def nms(boxes, scores, threshold, offset=0):
    boxes, scores, kept = boxes.tolist(), scores.tolist(), []
    for index in falling_order(scores):
        if not any(overlap(boxes[index], boxes[other], offset) > threshold for other in kept):
            kept.append(index)
    return kept


def nms_match(boxes, scores, threshold):
    boxes, groups = boxes.tolist(), []
    for index in falling_order(scores.tolist()):
        group = next((one for one in groups if overlap(boxes[index], boxes[one[0]]) >= threshold), None)
        if group is None:
            groups.append([index])
        else:
            group.append(index)
    return groups


def soft_nms(boxes, scores, threshold, sigma, min_score, method, offset=0):
    """Return the indices in the order in which they are taken, and their scores."""
    boxes, scores, left, taken = boxes.tolist(), scores.tolist(), list(range(len(boxes))), []
    while left:
        best = max(left, key=lambda index: (scores[index], -index))
        left.remove(best)
        taken.append((best, scores[best]))
        for index in list(left):
            iou = overlap(boxes[best], boxes[index], offset)
            if method == 'gaussian' and not math.isnan(iou):
                scores[index] *= math.exp(-(iou**2) / sigma)
            elif iou >= threshold:
                scores[index] *= 1 - iou if method == 'linear' else 0
            if scores[index] < min_score:
                left.remove(index)
    return [index for index, _ in taken], [score for _, score in taken]
