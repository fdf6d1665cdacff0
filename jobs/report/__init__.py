"""The report of an export: one set of facts as JSON, as a page that needs no other file, and as PDF."""

from jobs.report.written import NAMES, html, written

__all__ = ["NAMES", "html", "written"]
