"""The compose files pass every setting, refuse missing secrets, confine each container, and name exact images.

Without a container engine the files are read and checked here; `docker-compose`, where it is installed, reads them too. What runs
inside the containers is tried on a real PostgreSQL: `deploy/owner.sql`, and `billing migrate` as the login that it creates.
"""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import pytest

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from server.embedded.programs import find_programs
from server.settings import SETTINGS, read_settings
from tests.db.rights.function_rights import faults
from tests.server.commands.test_cli import done
from tests.server.deployment.compose import FILES, PROJECT, SECRETS, STORE_KEYS, MissingVariableError, check, read
from tests.server.embedded.embedded_user import ask
from tests.support.databases import rows

# The image decides these: the port that its health check asks, and the folder of its volume.
_OF_THE_IMAGE = {"BILLING_HOST": "0.0.0.0", "BILLING_PORT": "8000", "BILLING_HOME": "/var/lib/billing"}  # noqa: S104
_OURS = ("migrate", "api", "worker")
_COMPOSE = shutil.which("docker-compose")
needs_compose = pytest.mark.skipif(_COMPOSE is None, reason="docker-compose is not installed")
_LOGIN = "select rolsuper, rolcreatedb, rolreplication, rolbypassrls, rolcreaterole from pg_roles where rolname = 'billing_owner'"


def containers() -> dict[str, Any]:
    """The services of both files, by name."""
    found = [read(name, SECRETS | STORE_KEYS)["services"].items() for name in reversed(FILES)]
    return {name: container for items in found for name, container in items}


@pytest.mark.parametrize("name", FILES)
def test_the_file_matches_the_schema_of_compose_and_a_wrong_key_is_found(name: str, tmp_path: Path) -> None:
    assert check(PROJECT / name) == ""
    broken = tmp_path / name
    text = (PROJECT / name).read_text(encoding="utf-8")
    assert "depends_on:" in text
    broken.write_text(text.replace("depends_on:", "depend_on:"), encoding="utf-8")
    assert "depend_on" in check(broken)


@pytest.mark.parametrize("variable", sorted(setting.variable for setting in SETTINGS.values()))
def test_each_documented_setting_reaches_each_process_of_billing(variable: str) -> None:
    for name in _OURS:
        environment = read(FILES[0], SECRETS | {variable: "given"})["services"][name]["environment"]
        if variable in _OF_THE_IMAGE:
            assert environment[variable] == _OF_THE_IMAGE[variable]
        elif variable == "BILLING_TRUSTED_DOCUMENTS":
            assert environment[variable] == "/run/trusted-documents"
        else:
            assert environment[variable] == "given"


def test_a_folder_of_trusted_documents_is_mounted_read_only_where_the_setting_says() -> None:
    mounted = read(FILES[0], SECRETS | {"BILLING_TRUSTED_DOCUMENTS": "./documents"})["services"]["api"]["volumes"]
    assert "./documents:/run/trusted-documents:ro" in mounted


def test_the_settings_of_the_file_are_accepted_and_no_default_is_changed() -> None:
    environment = read(FILES[0], SECRETS)["services"]["api"]["environment"]
    assert set(environment) == {setting.variable for setting in SETTINGS.values()}
    given = read_settings(environment)
    named = {
        name for name, setting in SETTINGS.items() if setting.variable in {*_OF_THE_IMAGE, *SECRETS, "DATABASE_URL"}
    }
    default = read_settings({})
    assert all(getattr(given, name) == getattr(default, name) for name in SETTINGS if name not in named)


def test_the_store_of_files_is_used_with_its_keys_and_its_bucket_is_made_before_billing_starts() -> None:
    found = read(FILES[1], SECRETS | STORE_KEYS)["services"]
    for name in _OURS:
        environment = read(FILES[0], SECRETS)["services"][name]["environment"] | found[name]["environment"]
        settings = read_settings(environment)
        assert (settings.storage_url, settings.storage_endpoint) == ("s3://billing", "http://store:9000")
        assert (settings.storage_access_key, settings.storage_secret_key) == ("access", "secret-key")
    for name in ("api", "worker"):
        assert found[name]["depends_on"] == {"bucket": {"condition": "service_completed_successfully"}}
    assert found["bucket"]["command"][-2:] == ["--ignore-existing", "store/billing"]
    assert found["bucket"]["environment"] == {"MC_HOST_store": "http://access:secret-key@store:9000"}
    assert found["store"]["environment"]["MINIO_ROOT_PASSWORD"] == "secret-key"


@pytest.mark.parametrize(
    ("name", "missing"), [*((FILES[0], secret) for secret in SECRETS), *((FILES[1], key) for key in STORE_KEYS)]
)
def test_a_missing_or_empty_secret_is_refused_with_a_sentence(name: str, missing: str) -> None:
    complete = SECRETS | STORE_KEYS
    read(name, complete)
    for variables in ({**complete, missing: ""}, {key: value for key, value in complete.items() if key != missing}):
        with pytest.raises(MissingVariableError, match=rf"^{missing}: set an? \w+ .*\w$|^{missing}: set the \w+ key"):
            read(name, variables)


def test_no_secret_has_a_default() -> None:
    for name in FILES:
        text = (PROJECT / name).read_text(encoding="utf-8")
        assert re.findall(r"\$\{(?:POSTGRES_PASSWORD|DATABASE_PASSWORD|BILLING_SECRET_KEY)(?!:\?)", text) == []


@pytest.mark.parametrize("name", sorted(containers()))
def test_each_container_is_confined(name: str) -> None:
    container = containers()[name]
    assert container["read_only"] is True
    assert container["cap_drop"] == ["ALL"]
    assert container["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in container
    assert "cap_add" not in container
    # The image of billing sets its own account. The store keeps its files as root of its container, without any capability.
    assert name in {*_OURS, "store"} or container["user"].partition(":")[0] not in {"", "0", "root"}
    assert all(port.startswith("127.0.0.1:") for port in container.get("ports", []))


def test_every_image_of_others_has_an_exact_tag() -> None:
    images = {container["image"] for name, container in containers().items() if name not in _OURS}
    exact = re.compile(r"^[a-z./-]+:(v?\d+\.\d+[\w.-]*|RELEASE\.\d{4}-[\w-]+)(@sha256:[0-9a-f]{64})?$")
    assert len(images) == 4
    assert [image for image in images if not exact.match(image)] == []


@needs_compose
@pytest.mark.parametrize("missing", ["", *SECRETS, *STORE_KEYS])
def test_compose_reads_the_files_and_reports_a_missing_secret(missing: str, tmp_path: Path) -> None:
    assert _COMPOSE
    secrets = {name: value for name, value in (SECRETS | STORE_KEYS).items() if name != missing}
    files = [word for name in FILES for word in ("-f", str(PROJECT / name))]
    process = subprocess.run(
        [_COMPOSE, *files, "config", "--quiet"],
        env={"PATH": "/usr/bin:/bin", "HOME": str(tmp_path), **secrets},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (process.returncode == 0) is (not missing), process.stderr
    assert missing in process.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a PostgreSQL server for one test alone, because roles belong to the whole server."""
    return tmp_path / "compose"


@pytest.fixture
def server(folder: Path) -> Iterator[EmbeddedPostgres]:
    with EmbeddedPostgres(folder, durable=False) as started:
        yield started


def run_owner_sql(server: EmbeddedPostgres, password: str) -> str:
    """Run the service `owner` as the compose file does, on this server; returns what it prints."""
    container = read(FILES[0], SECRETS | {"DATABASE_PASSWORD": password})["services"]["owner"]
    program, *arguments = container["command"]
    variables = container["environment"]
    superuser = urlsplit(server.dsn()).password or ""
    place = {"PGHOST": str(server.socket_folder), "PGPASSWORD": superuser, "PATH": os.environ["PATH"]}
    environment = {**variables, **place}
    (mounted,) = container["volumes"]
    source, target, _ = mounted.split(":")
    psql = subprocess.run(
        [find_programs() / "bin" / program, *(str(PROJECT / source) if word == target else word for word in arguments)],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert psql.returncode == 0, psql.stderr
    return psql.stdout + psql.stderr


def owner_of(server: EmbeddedPostgres, password: str) -> DatabaseUrls:
    return DatabaseUrls(server.dsn(user="billing_owner", database="billing", password=password))


def test_the_owner_is_no_superuser_and_migrates_the_database_and_a_second_run_only_changes_the_password(
    server: EmbeddedPostgres, folder: Path
) -> None:
    assert run_owner_sql(server, "first") == ""
    assert dict(rows(DatabaseUrls(server.dsn()), _LOGIN)[0]) == {
        "rolsuper": False,
        "rolcreatedb": False,
        "rolreplication": False,
        "rolbypassrls": False,
        "rolcreaterole": True,
    }
    done(owner_of(server, "first"), "migrate")
    done(owner_of(server, "first"), "demo", "--invoices", "20")
    assert faults(owner_of(server, "first")) == []
    assert "laws hold" in done(owner_of(server, "first"), "verify")
    assert run_owner_sql(server, 'it\'s "another" $1 \\ password') == ""
    with pytest.raises(asyncpg.InvalidPasswordError, match=r"."):
        ask(owner_of(server, "first").owner, "select 1")
    changed = owner_of(server, 'it\'s "another" $1 \\ password')
    done(changed, "migrate")
    assert faults(changed) == []
    assert ask(changed.owner, "select count(*) from invoices") == 20
    assert "password '" not in (folder / "postgres" / "postgres.log").read_text()


def test_a_database_of_an_earlier_file_whose_login_was_the_superuser_is_handed_over(
    server: EmbeddedPostgres,
) -> None:
    ask(server.dsn(), "create database billing")
    superuser = DatabaseUrls(server.dsn(database="billing"))
    done(superuser, "migrate")
    done(superuser, "demo", "--invoices", "20")
    run_owner_sql(server, "of the owner")
    owner = owner_of(server, "of the owner")
    done(owner, "migrate")
    assert faults(owner) == []
    assert ask(owner.owner, "select count(*) from invoices") == 20
    assert ask(owner.owner, "select datdba::regrole::text from pg_database where datname = 'billing'") == (
        "billing_owner"
    )
