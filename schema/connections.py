"""Decides what a page of records looks like, and how the next one is asked for."""

from typing import Annotated, Generic, TypeVar

import strawberry

from permissions.classes import shown, takes

Item = TypeVar("Item")

First = Annotated[
    int | None, takes("How many records from the beginning, 1 to 500; 50 when nothing is said.", "signed_in")
]
After = Annotated[str | None, takes("Only what comes after this cursor.", "signed_in")]
Last = Annotated[int | None, takes("How many records from the end, 1 to 500.", "signed_in")]
Before = Annotated[str | None, takes("Only what comes before this cursor.", "signed_in")]


@strawberry.interface(description="A record that can be asked for by its id alone.")
class Node:
    id: strawberry.ID = shown("existence", "The record's id, the same for ever.")


@strawberry.type(description="Where a page stands in the whole list.")
class PageInfo:
    has_next_page: bool = shown("signed_in", "Whether more records follow.")
    has_previous_page: bool = shown("signed_in", "Whether there are records before this page.")
    start_cursor: str | None = shown("signed_in", "The cursor of the page's first record.")
    end_cursor: str | None = shown("signed_in", "The cursor of the page's last record.")


@strawberry.type(description="One record of a page, with its place in the list.")
class Edge(Generic[Item]):
    cursor: str = shown("signed_in", "The record's place, to go on from.")
    node: Item = shown("signed_in", "The record.")


@strawberry.type(description="One page of a list.")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = shown("signed_in", "The page's records, each with its place in the list.")
    nodes: list[Item] = shown("signed_in", "The page's records.")
    page_info: PageInfo = shown("signed_in", "Where the page stands in the whole list.")
    total_count: int = shown("signed_in", "How many records the whole list has.")
