"""GraphQL types of keyset pagination: a connection is one page of records, and cursors lead to the next or previous page."""

from typing import Annotated, Generic, TypeVar

import strawberry

from permissions.classes import argument, output_field

Item = TypeVar("Item")

First = Annotated[int | None, argument("The number of records from the start, 1 to 500; 50 by default.", "signed_in")]
After = Annotated[str | None, argument("Only records after this cursor.", "signed_in")]
Last = Annotated[int | None, argument("The number of records from the end, 1 to 500.", "signed_in")]
Before = Annotated[str | None, argument("Only records before this cursor.", "signed_in")]


@strawberry.interface(description="A record that can be read by its id alone.")
class Node:
    id: strawberry.ID = output_field("existence", "The globally unique id of the record; it never changes.")


@strawberry.type(description="Whether there are more records around a page, and the cursors of its ends.")
class PageInfo:
    has_next_page: bool = output_field("signed_in", "Whether there are records after this page.")
    has_previous_page: bool = output_field("signed_in", "Whether there are records before this page.")
    start_cursor: str | None = output_field("signed_in", "The cursor of the page's first record.")
    end_cursor: str | None = output_field("signed_in", "The cursor of the page's last record.")


@strawberry.type(description="One record of a page, with its cursor.")
class Edge(Generic[Item]):
    cursor: str = output_field("signed_in", "The cursor of the record, for `after` and `before`.")
    node: Item = output_field("signed_in", "The record.")


@strawberry.type(description="One page of a list (keyset pagination).")
class Connection(Generic[Item]):
    edges: list[Edge[Item]] = output_field("signed_in", "The records of the page, each with its cursor.")
    nodes: list[Item] = output_field("signed_in", "The records of the page.")
    page_info: PageInfo = output_field(
        "signed_in", "Whether there are more records around the page, and the cursors of its ends."
    )
    total_count: int = output_field("signed_in", "The number of records in the whole list.")
