"""The port `Reports`: HTML always, PDF and bill of materials when their libraries are installed."""

from __future__ import annotations

from roadworthy.adapters.reports.cyclonedx import bill_of_materials
from roadworthy.adapters.reports.html import html_page
from roadworthy.adapters.reports.typeset import typeset
from roadworthy.domain.documents.document import Document
from roadworthy.domain.documents.inventory import Inventory


class PrintedReports:
    """Every printer there is."""

    def html(self, document: Document) -> bytes:
        """One self-contained HTML page."""
        return html_page(document)

    def pdf(self, document: Document) -> bytes:
        """A PDF. Raises MissingExtraError without typst."""
        return typeset(document)

    def bom(self, inventory: Inventory) -> bytes:
        """A CycloneDX bill of materials. Raises MissingExtraError without its library."""
        return bill_of_materials(inventory)
