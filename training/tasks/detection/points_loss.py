"""The loss of a model that says one box at every point of a grid: points near the centre of an object learn its box.

After FCOS (Tian et al., 2019, arXiv 1904.01355), with the class score taught to be the overlap of the box that is
said (as in VarifocalNet, arXiv 2008.13367), so that the best box of an object also scores highest.
"""

import torch
from torch.nn.functional import binary_cross_entropy_with_logits

from training.tasks.detection.boxes import Boxes, areas, generalised_overlaps, overlaps

RADIUS = 1.5
"""in strides: a point within this distance of an object's centre, and inside of it, learns the object"""
FAR = 1e9
BOX_WEIGHT = 2.0


def points_loss(corners: torch.Tensor, logits: torch.Tensor, points: torch.Tensor, targets: Boxes) -> torch.Tensor:
    """Summed over the batch. Boxes [n, P, 4], logits [n, P, classes], points [P, 3] as x, y and stride in pixels."""
    owner, owned = _owners(points, targets)
    wanted = torch.gather(targets.corners, 1, owner[..., None].expand(-1, -1, 4))
    label = torch.gather(targets.labels, 1, owner)
    score = torch.zeros_like(logits)
    iou = overlaps(corners.detach(), wanted)[0] * owned
    score.scatter_(2, label[..., None], iou[..., None])
    wrong = torch.where(score > 0, 1.0, logits.detach().sigmoid().square())
    classes = (binary_cross_entropy_with_logits(logits, score, reduction="none") * wrong).sum()
    boxes = ((1 - generalised_overlaps(corners, wanted)) * owned).sum()
    return classes + BOX_WEIGHT * boxes


def _owners(points: torch.Tensor, targets: Boxes) -> tuple[torch.Tensor, torch.Tensor]:
    """For every point the number of its object, int64 [n, P], and whether it has one, bool [n, P].

    The smallest object near enough wins a point; an object that is near to no point gets the closest one.
    """
    place, stride = points[:, :2], points[:, 2]
    centres = (targets.corners[..., :2] + targets.corners[..., 2:]) / 2
    offset = (place[None, :, None] - centres[:, None]).abs().amax(-1)
    inside = (place[None, :, None] > targets.corners[:, None, :, :2]).all(-1)
    inside &= (place[None, :, None] < targets.corners[:, None, :, 2:]).all(-1)
    near = (offset < RADIUS * stride[None, :, None]) & inside
    closest = torch.zeros_like(near).scatter_(1, offset.argmin(1, keepdim=True), True)
    near = (near | closest) & targets.there[:, None]
    size = torch.where(near, areas(targets.corners)[:, None].expand(near.shape), FAR)
    return size.argmin(2), near.any(2)
