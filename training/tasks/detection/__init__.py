"""What object detection is made of: boxes, two losses, suppression of doubles, average precision."""
