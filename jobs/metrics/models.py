"""The tables of points and log lines; they belong to the app `jobs` like the others."""

from django.db import models


class LogRow(models.Model):
    """Log lines of one batch of one rank."""

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="log_rows")
    attempt = models.ForeignKey("jobs.Attempt", models.CASCADE, related_name="+")
    rank = models.PositiveIntegerField()
    batch = models.BigIntegerField()
    seq = models.BigIntegerField()
    lines = models.JSONField()
    """[[time, level, text], …]"""

    class Meta:
        ordering = ["id"]
        indexes = [models.Index(fields=["job", "seq"], name="log_order")]

    def __str__(self):
        return f"#{self.job_id} rank {self.rank} batch {self.batch}"


class Frame(models.Model):
    """One batch's points of keys that share their steps, until sealed into chunks (`docs/metrics.md`)."""

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="frames")
    attempt = models.ForeignKey("jobs.Attempt", models.CASCADE, related_name="+")
    rank = models.PositiveIntegerField()
    batch = models.BigIntegerField()
    group = models.PositiveSmallIntegerField()
    """which of the batch's frames"""
    seq = models.BigIntegerField()
    keys = models.JSONField()
    count = models.PositiveIntegerField()
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()
    data = models.BinaryField()
    """int64 steps, int64 times in ms, then one float64 column per key, little-endian"""

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["attempt", "rank", "batch", "group"], name="one_frame_a_batch_and_group")
        ]
        indexes = [models.Index(fields=["job", "seq"], name="frame_order")]

    def __str__(self):
        return f"#{self.job_id} rank {self.rank} batch {self.batch}.{self.group}"


class Chunk(models.Model):
    """At least 1,000 points of one series, byte-shuffled and compressed, with its summary beside it."""

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="chunks")
    rank = models.PositiveIntegerField()
    key = models.CharField(max_length=120)
    first_step = models.BigIntegerField()
    last_step = models.BigIntegerField()
    count = models.PositiveIntegerField()
    seq = models.BigIntegerField()
    """the highest of its points"""
    first_seq = models.BigIntegerField()
    summary = models.JSONField()
    """first, last, min and max with their steps and times; not_finite [[step, kind], …]"""
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "rank", "key", "first_step"], name="one_chunk_a_start")]

    def __str__(self):
        return f"#{self.job_id} rank {self.rank} {self.key} from step {self.first_step}"


class Head(models.Model):
    """Per (job, rank): last step, time, value and count of each key. The lock and high-water mark; can be rebuilt."""

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="heads")
    rank = models.PositiveIntegerField()
    keys = models.JSONField(default=dict)
    repeated = models.BigIntegerField(default=0)
    """points that came again and were dropped"""
    late = models.BigIntegerField(default=0)
    """points below the high-water mark that were merged"""

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "rank"], name="one_head_a_rank")]

    def __str__(self):
        return f"#{self.job_id} rank {self.rank}"


class Latest(models.Model):
    """The values that lists sort by."""

    job = models.ForeignKey("jobs.Job", models.CASCADE, related_name="latest")
    key = models.CharField(max_length=120)
    value = models.FloatField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "key"], name="one_latest_a_key")]
        indexes = [models.Index(fields=["key", "value"], name="latest_order")]

    def __str__(self):
        return f"#{self.job_id} {self.key} = {self.value}"
