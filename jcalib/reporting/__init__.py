"""The report: chapters executed, pages that load nothing from outside, and where every number came from.

`jcalib.chapter` is the face that notebooks use and stays light; what runs and converts notebooks is imported from
`jcalib.reporting.report`, `.execute` and `.pages` where it is needed.
"""

from jcalib.reporting.chapter import Chapter as Chapter
from jcalib.reporting.chapter import chapter as chapter
