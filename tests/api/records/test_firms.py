"""Law firms: created, found, renamed with their attorneys, and retired only when nothing open depends on them."""

from typing import Any
from uuid import uuid4

import pytest

from domain.access.people import Role
from schema.whole import role_schemas
from server.database_urls import DatabaseUrls
from tests.conftest import SignIn
from tests.support.api.mutations import CASE, NEW, done, refused
from tests.support.api.records import Found, nothing_changes, uuid_of
from tests.support.api.scenarios import line
from tests.support.client import Client
from tests.support.databases import rows

FIRM = "firm { id name email phone address active }"
ATTORNEY = "attorney { id name firm lawFirm { id name } }"
PAYER = "payer { id name kind firm { id name } }"


@pytest.fixture
def name() -> str:
    return f"Vega & Sons {uuid4().hex[:8]}"


@pytest.fixture
def firm(billing: Client, name: str) -> str:
    identity: str = done(billing, "createFirm", FIRM, name=name)["id"]
    return identity


@pytest.fixture
def lawyer(billing: Client, firm: str) -> Any:
    return done(billing, "createAttorney", ATTORNEY, name=f"Ann {uuid4().hex[:8]}", firmId=firm)


def test_a_firm_has_contact_data_and_is_found_as_a_node_and_by_every_word_of_its_name(
    billing: Client, name: str
) -> None:
    values = {"email": "office@vega.example", "phone": "555-0100", "address": "1 Harbor Street"}
    made = done(billing, "createFirm", FIRM, name=f" {name} ", **values)
    assert made == {"id": made["id"], "name": name, "active": True, **values}
    assert billing.read("query ($id: ID!) { node(id: $id) { ... on Firm { name } } }", id=made["id"])["node"] == {
        "name": name
    }
    for text in (name, f"& sons {name[-8:].upper()}", name[-8:]):
        found = billing.read("query ($s: String) { firms(search: $s) { nodes { id } totalCount } }", s=text)["firms"]
        assert found == {"nodes": [{"id": made["id"]}], "totalCount": 1}, text


def test_firms_are_listed_in_pages_by_name(billing: Client, firm: str) -> None:
    whole = [node["name"] for node in billing.read("{ firms(first: 500) { nodes { name } } }")["firms"]["nodes"]]
    assert whole == sorted(whole)
    query = "query ($a: String) { firms(first: 3, after: $a) { nodes { name } pageInfo { hasNextPage endCursor } } }"
    first = billing.read(query)["firms"]
    second = billing.read(query, a=first["pageInfo"]["endCursor"])["firms"]
    assert [node["name"] for page in (first, second) for node in page["nodes"]] == whole[:6]


@pytest.mark.parametrize("spelt", ["{}", " {} ", "{}\u200b", "VEGA  & SONS {}"])
def test_a_firm_is_unique_by_the_normal_form_of_its_name(billing: Client, name: str, firm: str, spelt: str) -> None:
    other = spelt.format(name if "VEGA" not in spelt else name[-8:])
    error = refused(billing, "createFirm", FIRM, name=other)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "name"])


def test_an_attorney_joins_a_firm_by_its_id_or_by_any_spelling_of_its_name(
    billing: Client, name: str, firm: str
) -> None:
    for inputs in ({"firmId": firm}, {"firm": name.upper()}, {"firm": f" {name} ", "firmId": firm}):
        made = done(billing, "createAttorney", ATTORNEY, name=f"Ann {uuid4()}", **inputs)
        assert (made["firm"], made["lawFirm"]) == (name, {"id": firm, "name": name})
    read = billing.read("query ($id: ID!) { node(id: $id) { ... on Firm { attorneys { totalCount } } } }", id=firm)
    assert read["node"]["attorneys"]["totalCount"] == 3
    error = refused(billing, "createAttorney", ATTORNEY, name="Ann", firm="Another", firmId=firm)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "firm"])


@pytest.mark.parametrize("nothing", [{}, {"firm": None}, {"firmId": None}, {"firm": " "}])
def test_an_attorney_needs_a_firm(billing: Client, nothing: dict[str, Any]) -> None:
    error = refused(billing, "createAttorney", ATTORNEY, name="Ann Alone", **nothing)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "firm"])


@pytest.mark.parametrize("nothing", [{"firm": None}, {"firmId": None}, {"firm": ""}])
def test_an_attorney_keeps_a_firm(billing: Client, lawyer: Any, nothing: dict[str, Any]) -> None:
    error = refused(billing, "updateAttorney", ATTORNEY, attorneyId=lawyer["id"], **nothing)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", *nothing])


def test_a_firm_that_is_only_named_is_created_once(billing: Client) -> None:
    named = f"Only Named {uuid4()}"
    made = [
        done(billing, "createAttorney", ATTORNEY, name=f"Ann {n}", firm=spelt)
        for n, spelt in enumerate((named, named.upper()))
    ]
    assert made[0]["lawFirm"] == made[1]["lawFirm"]
    assert made[1]["firm"] == named


def test_an_attorney_moves_to_another_firm(billing: Client, lawyer: Any) -> None:
    moved = done(billing, "updateAttorney", ATTORNEY, attorneyId=lawyer["id"], firm=f"New {uuid4()}")
    assert moved["lawFirm"]["id"] != lawyer["lawFirm"]["id"]
    query = "query ($f: [ID!]) { attorneys(filter: {firmId: $f}) { nodes { id } } }"
    assert billing.read(query, f=[moved["lawFirm"]["id"]])["attorneys"]["nodes"] == [{"id": lawyer["id"]}]
    assert billing.read(query, f=[lawyer["lawFirm"]["id"]])["attorneys"]["nodes"] == []


def test_a_new_name_of_a_firm_is_that_of_its_attorneys_and_they_are_found_by_it(
    billing: Client, firm: str, lawyer: Any, address: DatabaseUrls
) -> None:
    renamed = f"Quill {uuid4().hex[:8]}"
    assert done(billing, "updateFirm", FIRM, firmId=firm, name=renamed)["name"] == renamed
    search = "query ($s: String) { attorneys(search: $s) { nodes { id firm } } }"
    assert billing.read(search, s=f"{lawyer['name']} {renamed}")["attorneys"]["nodes"] == [
        {"id": lawyer["id"], "firm": renamed}
    ]
    assert billing.read(search, s=f"{lawyer['name']} {lawyer['firm']}")["attorneys"]["nodes"] == []
    [[text]] = rows(address, "select firm from attorneys where id = $1", uuid_of(lawyer["id"]))
    assert text == renamed


def test_a_payer_names_a_firm_which_is_by_default_that_of_its_attorney(
    billing: Client, firm: str, lawyer: Any, name: str
) -> None:
    by_attorney = {"name": f"Payer {uuid4()}", "kind": "ATTORNEY", "attorneyId": lawyer["id"]}
    paying = done(billing, "createPayer", PAYER, **by_attorney)
    assert paying["firm"] == {"id": firm, "name": name}
    assert done(billing, "updatePayer", PAYER, payerId=paying["id"], firmId=None)["firm"] is None
    alone = done(billing, "createPayer", PAYER, name=f"Payer {uuid4()}", kind="ATTORNEY", firmId=firm)
    query = "query ($id: ID!, $f: [ID!]) { node(id: $id) { ... on Firm { payers { nodes { id } } } } payers(filter: {firmId: $f}) { nodes { id } } }"
    read = billing.read(query, id=firm, f=[firm])
    assert read["node"]["payers"]["nodes"] == read["payers"]["nodes"] == [{"id": alone["id"]}]


@pytest.mark.parametrize("kind", ["INSURANCE", "PATIENT"])
def test_only_a_payer_of_the_kind_attorney_has_a_firm(billing: Client, firm: str, kind: str) -> None:
    error = refused(billing, "createPayer", PAYER, name="Some payer", kind=kind, firmId=firm)
    assert (error["code"], error["path"]) == ("INVALID_INPUT", ["input", "firmId"])


def test_invoices_and_cases_are_filtered_by_the_firm_that_represents_them_now(
    billing: Client, found: Found, firm: str, lawyer: Any
) -> None:
    opened = {"patientId": found.own["Patient"], "dateOfInjury": "2026-01-05"}
    case = done(billing, "createCase", CASE, **opened, attorneyId=lawyer["id"])["id"]
    draft = {"caseId": case, "payerId": found.own["Payer"], "serviceDate": "2026-03-02", "lines": [line("100.00")]}
    invoice = done(billing, "createInvoice", NEW, **draft)["id"]
    query = """query ($f: [ID!]) { cases(filter: {firmId: $f}) { nodes { id } } invoices(filter: {firmId: $f}) { nodes { id } }
        aging(filter: {firmId: $f}) { invoiceCount } }"""
    read = billing.read(query, f=[firm])
    assert read == {
        "cases": {"nodes": [{"id": case}]},
        "invoices": {"nodes": [{"id": invoice}]},
        "aging": {"invoiceCount": 1},
    }
    assert billing.read(query, f=[])["invoices"]["nodes"] == []
    assert billing.read(query, f=[found.own["Payer"]])["cases"]["nodes"] == []


def test_a_firm_is_retired_only_when_nothing_open_depends_on_it(
    billing: Client, found: Found, firm: str, lawyer: Any, address: DatabaseUrls
) -> None:
    opened = {"patientId": found.own["Patient"], "dateOfInjury": "2026-01-05"}
    case = done(billing, "createCase", CASE, **opened, attorneyId=lawyer["id"])["id"]
    payer = done(billing, "createPayer", PAYER, name=f"P {uuid4()}", kind="ATTORNEY", firmId=firm)["id"]
    # Not on the day of another test's invoice of this patient: it would be a repetition.
    draft = {"caseId": case, "payerId": payer, "serviceDate": "2026-03-03", "lines": [line("100.00")]}
    invoice = done(billing, "createInvoice", NEW, **draft)["id"]
    with nothing_changes(address):
        error = refused(billing, "retireFirm", FIRM, firmId=firm)
        assert refused(billing, "updateFirm", FIRM, firmId=firm, active=False)["message"] == error["message"]
    assert error["code"] == "CONFLICT"
    assert "represent 1 open cases (assignAttorney)" in error["message"]
    assert "owe 100.00 on 1 invoices" in error["message"]
    done(billing, "assignAttorney", CASE, caseId=case, attorneyId=None)
    assert "open cases" not in refused(billing, "retireFirm", FIRM, firmId=firm)["message"]
    other = found.own["Payer"]
    done(billing, "changePayer", "invoice { id }", invoiceId=invoice, payerId=other, reason="Substituted")
    assert done(billing, "retireFirm", FIRM, firmId=firm)["active"] is False
    assert refused(billing, "retireFirm", FIRM, firmId=firm)["code"] == "CONFLICT"
    for inputs in ({"firmId": firm}, {"firm": lawyer["firm"]}):
        error = refused(billing, "createAttorney", ATTORNEY, name="Late Ann", **inputs)
        assert (error["code"], error["path"]) == ("CONFLICT", ["input", *inputs])
    error = refused(billing, "createPayer", PAYER, name="Late payer", kind="ATTORNEY", firmId=firm)
    assert (error["code"], error["path"]) == ("CONFLICT", ["input", "firmId"])
    assert done(billing, "updateFirm", FIRM, firmId=firm, active=True)["active"] is True


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST, None])
def test_the_schema_of_other_roles_has_nothing_of_firms_and_of_changes_of_attorney(role: Role | None) -> None:
    words = ("Firm", "firm", "Representation", "representation", "AttorneyChange", "attorneyChange", "effectiveOn")
    schema = role_schemas()[role]
    coordinates = {
        f"{type_name}.{field}" for type_name, named in schema.type_map.items() for field in getattr(named, "fields", ())
    }
    coordinates |= set(schema.type_map)
    # The confirmations of second factors are something else.
    found = {one for one in coordinates if any(word in one for word in words) and "onfirm" not in one}
    assert found == set()


@pytest.mark.parametrize("role", [Role.PHYSICIAN, Role.ATTORNEY, Role.ANALYST])
def test_other_roles_read_no_firm_by_any_way(sign_in: SignIn, firm: str, role: Role) -> None:
    client = sign_in(role)
    assert client.read("query ($id: ID!) { node(id: $id) { id } }", id=firm)["node"] is None
    for query in ("{ firms { nodes { id } } }", "{ invoices(filter: {firmId: []}) { nodes { id } } }"):
        assert client.refusals(query) != []
    query = "query ($id: ID!) { node(id: $id) { ... on Firm { name } } }"
    invented = client.refusals(query.replace("Firm", "Never"), id=firm)
    assert client.refusals(query, id=firm) == [message.replace("Never", "Firm") for message in invented]
