"""From a score for every box and class to the few boxes that a user is shown: of doubles the best one stays."""

import torch

from training.tasks.detection.boxes import overlaps

CANDIDATES = 300
"""boxes of a picture that are looked at"""
KEPT = 100
"""boxes of a picture that are said at most, as COCO counts"""
SCORE = 0.01
"""a box that scores less is not said"""
DOUBLE = 0.6
"""two boxes of one class that overlap by more are the same object"""


def best_boxes(corners: torch.Tensor, scores: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor, torch.Tensor]]:
    """Per picture: boxes [k, 4], scores [k] from high to low, classes [k].

    Boxes [n, Q, 4]; scores [n, Q, classes] from 0 to 1.
    """
    count, classes = min(CANDIDATES, scores[0].numel()), scores.shape[2]
    score, place = scores.flatten(1).topk(count, dim=1)
    label = place % classes
    boxes = torch.gather(corners, 1, (place // classes)[..., None].expand(-1, -1, 4))
    keep = _without_doubles(boxes, label) & (score > SCORE)
    return [
        (boxes[row][kept][:KEPT], score[row][kept][:KEPT], label[row][kept][:KEPT]) for row, kept in enumerate(keep)
    ]


def _without_doubles(boxes: torch.Tensor, label: torch.Tensor) -> torch.Tensor:
    """Which of the boxes [n, k, 4], best first, no better box of their class covers. All pictures at once."""
    double = overlaps(boxes[:, :, None], boxes[:, None])[0] > DOUBLE
    double &= label[:, :, None] == label[:, None]
    keep = torch.ones_like(label, dtype=torch.bool)
    for place in range(boxes.shape[1] - 1):
        keep[:, place + 1 :] &= ~(double[:, place, place + 1 :] & keep[:, place, None])
    return keep
