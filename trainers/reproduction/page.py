"""A page of headings, sentences, tables and pictures, as Markdown and as HTML."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from html import escape

from trainers.evaluation.paper_tables import cell, markdown_table

STYLE = (
    "body{font-family:sans-serif;max-width:75rem;margin:2rem auto;padding:0 1rem;line-height:1.5}"
    "table{border-collapse:collapse;font-size:.8rem;display:block;overflow-x:auto}"
    "td,th{border:1px solid #999;padding:.2rem .4rem;text-align:left;vertical-align:top}"
    "img{max-width:100%}"
)


@dataclass(frozen=True)
class Table:
    """A table of text."""

    head: Sequence[str]
    lines: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Section:
    """A heading with what stands below it, in this order."""

    title: str
    sentences: Sequence[str] = ()
    tables: Sequence[Table] = ()
    pictures: Sequence[str] = ()  # paths from the page
    points: Sequence[str] = ()  # a list


@dataclass(frozen=True)
class Page:
    """A page."""

    title: str
    sentences: Sequence[str]
    sections: Sequence[Section] = field(default_factory=tuple)


def page_markdown(page: Page) -> str:
    """Return a page as Markdown."""
    parts = [f"# {cell(page.title)}", *page.sentences]
    for section in page.sections:
        parts += [f"## {cell(section.title)}", *section.sentences]
        parts += [
            markdown_table([cell(word) for word in table.head], table.lines)
            for table in section.tables
        ]
        parts += [f"![{cell(section.title)}]({picture})" for picture in section.pictures]
        parts += ["\n".join(f"- {point}" for point in section.points)] * bool(section.points)
    return "\n\n".join(parts) + "\n"


def page_html(page: Page) -> str:
    """Return a page as an HTML document that fetches nothing but its own pictures."""
    parts = [f"<h1>{escape(page.title)}</h1>", *map(_paragraph, page.sentences)]
    for section in page.sections:
        parts += [f"<h2>{escape(section.title)}</h2>", *map(_paragraph, section.sentences)]
        parts += [_table(table) for table in section.tables]
        parts += [
            f'<img src="{escape(picture)}" alt="{escape(section.title)}">'
            for picture in section.pictures
        ]
        points = "".join(f"<li>{escape(point)}</li>" for point in section.points)
        parts += [f"<ul>{points}</ul>"] * bool(points)
    body = "\n".join(parts)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(page.title)}</title><style>{STYLE}</style></head>\n"
        f"<body>\n{body}\n</body></html>\n"
    )


def _paragraph(sentence: str) -> str:
    return f"<p>{escape(sentence)}</p>"


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(word)}</th>" for word in table.head)
    lines = "".join(
        f"<tr>{''.join(f'<td>{escape(word)}</td>' for word in line)}</tr>" for line in table.lines
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{lines}</tbody></table>"
