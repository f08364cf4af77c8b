"""The port behind which documents become files."""

from __future__ import annotations

from typing import Protocol

from roadworthy.domain.documents.document import Document
from roadworthy.domain.documents.inventory import Inventory


class Reports(Protocol):
    """Prints documents: the same document gives the same bytes, always."""

    def html(self, document: Document) -> bytes:
        """One self-contained HTML page."""
        ...

    def pdf(self, document: Document) -> bytes:
        """A PDF. Raises MissingExtraError without its typesetter."""
        ...

    def bom(self, inventory: Inventory) -> bytes:
        """A CycloneDX bill of materials, JSON. Raises MissingExtraError without its library."""
        ...
