"""The case studies done again: models and rivals on many data sets, beside the true answers and the published numbers.

An application of latentdo, which is not installed with it: `python -m studies reproduce napkin` in the checkout.
"""

from .cases import STUDIES, Study, study
from .lines import lines, overview
from .report import write_report
from .reproduction import Reproduction, processors, reproduce, stored_rows

__all__ = [
    "STUDIES",
    "Reproduction",
    "Study",
    "lines",
    "overview",
    "processors",
    "reproduce",
    "stored_rows",
    "study",
    "write_report",
]
