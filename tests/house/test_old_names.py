"""Former private names do not come back: each mechanism has the standard name of its field."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house.source import LAYERS, files, name, tree

# Former name → the layer, and the current name.
OLD_NAMES = {
    "Pace": ("limits", "RateLimiter"),
    "Crowd": ("limits", "OverloadDetector"),
    "turns_away": ("limits", "should_shed"),
    "Room": ("limits", "ConcurrencyLimit"),
    "in_turn": ("limits", "acquire_within"),
    "WaitingRoom": ("identity", "SignInQueue"),
    "CrowdedError": ("identity", "SignInOverloadedError"),
    "Prepared": ("server", "ParsedDocument"),
    "Engine": ("server", "GraphQLExecutor"),
    "Watch": ("server", "OperationMonitor"),
    "told": ("server", "public_error"),
    "masked": ("server", "with_public_errors"),
    "Running": ("server", "ServerOptions"),
    "Address": ("server", "DatabaseUrls"),
    "TrailOfReads": ("db", "AuditLogWriter"),
    "Trail": ("resolvers", "AuditRecord"),
    "Keep": ("resolvers", "WriteAuditEvent"),
    "Announcements": ("db", "Notifications"),
    "_Bell": ("db", "_ChangeFlag"),
    "Seal": ("domain", "UrlSigner"),
    "seal": ("domain", "signer_of"),
    "Work": ("resolvers", "UnitOfWork"),
    "Act": ("resolvers", "CommandFunction"),
    "Step": ("resolvers", "Command"),
    "Done": ("resolvers", "CommandResult"),
    "Writes": ("db", "WriteBatch"),
    "Asked": ("resolvers", "SelectedField"),
    "Supply": ("resolvers", "ParamSource"),
    "Same": ("db", "SameRow"),
    "Listed": ("db", "ComputedList"),
    "Made": ("db", "ComputedObject"),
    "Worked": ("db", "ReportList"),
    "Choice": ("db", "Filter"),
    "shown": ("permissions", "output_field"),
    "asked": ("permissions", "query_field"),
    "heard": ("permissions", "subscription"),
    "takes": ("permissions", "argument"),
    "choices": ("permissions", "enum_type"),
    "said": ("domain", "optional_text"),
    "Refusal": ("domain", "DomainError"),
    "Silence": ("domain", "SkipReason"),
    "Dice": ("imports", "SeededRandom"),
    "Fate": ("imports", "OutcomeProfile"),
    "Plot": ("imports", "Scenario"),
    "CaseTeller": ("imports", "CaseBuilder"),
    "InvoiceStory": ("imports", "InvoiceHistory"),
    "Letter": ("storage", "EmailMessage"),
    "ImportedStory": ("imports", "ImportedHistory"),
    "write_stories": ("imports", "write_histories"),
    "step": ("schema", "command"),
    "tell": ("imports", "history_of"),
}
OLD_MODULES = {
    *("server.rooms", "server.crowds", "server.echoes", "server.budget", "server.watching", "server.trail"),
    *("server.announcements", "server.links", "server.parent", "server.protocol", "server.ranges", "server.addresses"),
    *(
        "db.views",
        "db.subjects",
        "db.links",
        "db.writing",
        "resolvers.trail",
        "resolvers.writing",
        "resolvers.compiling",
    ),
    *("schema.steps", "schema.billing.reminders", "schema.billing.reminder_policies"),
    *("imports.bringing", "imports.openings", "imports.story", "imports.demo_dice", "imports.demo_plots"),
}
PRODUCT = files(*LAYERS)


def defined(path: Path) -> Iterator[str]:
    """The names that a module and its classes define."""
    for node in tree(path).body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name
            if isinstance(node, ast.ClassDef):
                yield from (part.name for part in node.body if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef))
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))


@pytest.mark.parametrize("old", OLD_NAMES)
def test_a_former_name_is_gone_and_its_current_one_exists(old: str) -> None:
    layer, new = OLD_NAMES[old]
    found = {file: set(defined(file)) for file in PRODUCT if name(file).startswith(f"{layer}/")}
    assert [name(file) for file, names in found.items() if old in names] == [], f"it is called {new} now"
    assert any(new in names for names in found.values())


def test_former_modules_are_gone() -> None:
    modules = {re.sub(r"(/__init__)?\.py$", "", name(file)).replace("/", ".") for file in PRODUCT}
    assert modules & OLD_MODULES == set()
