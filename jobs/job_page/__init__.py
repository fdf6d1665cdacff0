"""What the page of one job shows, part by part: head, stages, device lanes, log tail, tabs."""
