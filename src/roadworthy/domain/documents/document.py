"""A document: nested sections of text, facts, tables and plots. Printers draw it; nothing here knows how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Tone(Enum):
    """How a remark is meant."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Cell:
    """One piece of text. `evidence` is the id of the signed statement it rests on, `verdict` a verdict's word.

    `to` is the id of a section of the same document, `anchor` names this cell as a place to be led to (an evidence id),
    `code` marks digests and expressions.
    """

    text: str
    evidence: str = ""
    verdict: str = ""
    to: str = ""
    anchor: str = ""
    number: bool = False
    code: bool = False


@dataclass(frozen=True, slots=True)
class Prose:
    """A paragraph."""

    text: str
    tone: Tone = Tone.PLAIN


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and their values."""

    rows: tuple[tuple[str, Cell], ...]


@dataclass(frozen=True, slots=True)
class Table:
    """A table with a caption; the first cell of a row is its heading."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True, slots=True)
class IntervalRow:
    """A measured value, the ends of its interval and the limit it is held against; None is not measured."""

    label: str
    value: float
    low: float | None = None
    high: float | None = None
    limit: float | None = None
    verdict: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Intervals:
    """Values with intervals against limits. `shared` rows are of one unit and stand on one scale."""

    title: str
    rows: tuple[IntervalRow, ...]
    shared: bool = False


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """One bin: its mean score, the observed rate with its interval (0..1), and how many rows it holds."""

    x: float
    y: float
    rows: int
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Curve:
    """Observed against expected, beside the diagonal on which both agree."""

    title: str
    across: str
    up: str
    points: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class Bars:
    """Amounts by name, each drawn from zero."""

    title: str
    unit: str
    rows: tuple[tuple[str, float], ...]


Block = Prose | Facts | Table | Intervals | Curve | Bars


@dataclass(frozen=True, slots=True)
class Section:
    """A titled part. `id` is unique within the document: letters, digits and hyphens."""

    id: str
    title: str
    blocks: tuple[Block, ...] = ()
    parts: tuple[Section, ...] = ()


@dataclass(frozen=True, slots=True)
class Document:
    """A whole document. `standing` is said before everything else: whether what follows can be relied on."""

    title: str
    subtitle: str
    issued_at: datetime
    about: Facts
    standing: tuple[Prose, ...]
    sections: tuple[Section, ...]
