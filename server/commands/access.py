"""The commands `billing print-schema` and `billing explain`, which show what a role sees of the API."""

import click
from graphql import GraphQLError

from domain.access.people import Role
from permissions.explaining import described
from resolvers.explain_access import explained
from schema.whole import role_schemas, sdl

# Texts, because click would offer the members of an enumeration by their names in capitals.
_ROLES = [*(role.value for role in Role), "nobody"]


@click.command(name="print-schema", help="Print the schema of a role as GraphQL SDL.")
@click.option("--role", type=click.Choice(_ROLES), default="admin", show_default=True)
def print_schema(role: str) -> None:
    """Print the schema that the role is served."""
    click.echo(sdl(None if role == "nobody" else Role(role)), nl=False)


@click.command(help="Explain why a role sees a field of the API or does not, such as Invoice.balance.")
@click.argument("role", type=click.Choice(_ROLES))
@click.argument("coordinate")
def explain(role: str, coordinate: str) -> None:
    """Print the answer of the API's explainAccess."""
    try:
        found = explained(role_schemas()[Role.ADMIN], None if role == "nobody" else Role(role), coordinate)
    except GraphQLError as error:
        raise click.ClickException(error.message) from error
    click.echo(described(found))
