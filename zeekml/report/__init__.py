"""The report on what zeekml found: notice.log and zeekml.log in, one page for an analyst out.

``reading`` turns logs into frames, ``gather`` adds frames up, ``document`` makes of that what the page shows, and
``render`` makes the page. Only ``logs`` and ``reading`` know of files; nothing here scores anything.
"""

from zeekml.report.document import Limits, document
from zeekml.report.gather import Gathered
from zeekml.report.logs import Source, gather_logs
from zeekml.report.render import render

__all__ = ["Gathered", "Limits", "Source", "document", "gather_logs", "render"]
