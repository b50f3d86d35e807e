"""Environment files: what they say, the one in force, and the guard between classes."""

import dataclasses
import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from engine.channel.connection import SecretReference
from engine.channel.documentation import components, replace_generated
from engine.channel.environment import EnvironmentClass, Mode, code_system
from engine.channel.environment_fields import ENVIRONMENT
from engine.channel.environment_guard import classes_of_host
from engine.channel.environments import check_environments, find_tenant
from engine.channel.fields import ComponentSpec, default_of
from engine.channel.schema import environment_schema
from engine.diagnostics import Place

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "millennium"
SHIPPED = sorted((EXAMPLE / "environments").glob("*.yaml"))
UPDATE = "run pytest with --update"
SANDBOX = "environments/sandbox.yaml"
FILE = """\
environment: sandbox
class: sandbox
release_first: 5
tenants:
  main:
    class: sandbox
    tenant: ${env:TENANT:t-1_x}
    fhir: https://fhir.example.org/r4/{tenant}/
    ehr_api: https://api.example.org/{tenant}
    authorization:
      client_id: ${env:CLIENT}
      secret: ${secret:env:SECRET}
      token_url: https://authorization.example.org/tenants/{tenant}/token
      scopes: auto
    alias_pools:
      "urn:oid:2.16.840.1.113883.3.9999.1.4": {normalise: strip-zeros, code_set_263: "3024"}
    capabilities: {Patient.patch: send demographics by MLLP}
    references: [Organization/1, Location/2]
    region: ca
"""


def codes_of(text: str, **variables: str) -> list[str]:
    files = {SANDBOX: text}
    return [one.code for one in check_environments(files, {"CLIENT": "c", **variables})[1]]


def test_a_tenant_is_read_with_its_addresses_filled_in():
    environment, problems = check_environments({SANDBOX: FILE}, {"CLIENT": "engine"})
    assert problems == []
    assert environment is not None
    assert (environment.kind, environment.mode) == (EnvironmentClass.SANDBOX, Mode.LIVE)
    assert environment.release_first == 5
    tenant = environment.tenants["main"]
    assert tenant.name == "main"
    assert tenant.fhir_root == "https://fhir.example.org/r4/t-1_x"
    assert tenant.ehr_api_root == "https://api.example.org/t-1_x"
    assert tenant.authorization is not None
    assert tenant.authorization.client_id == "engine"
    assert tenant.authorization.secret == SecretReference("env", "SECRET")
    assert tenant.authorization.token_url.endswith("/tenants/t-1_x/token")
    assert tenant.authorization.scopes == ()
    pool = tenant.alias_pools["urn:oid:2.16.840.1.113883.3.9999.1.4"]
    assert (pool.system, pool.normalise, pool.pool) == (
        "urn:oid:2.16.840.1.113883.3.9999.1.4",
        ("strip-zeros",),
        "3024",
    )
    assert tenant.capabilities == {"Patient.patch": "send demographics by MLLP"}
    assert code_system(tenant, 72) == "https://fhir.ca.cerner.com/t-1_x/codeSet/72"


def test_the_only_environment_is_in_force_and_of_several_the_chosen_one():
    other = FILE.replace("environment: sandbox", "environment: second")
    files = {SANDBOX: FILE, "environments/second.yaml": other}
    variables = {"CLIENT": "engine"}
    assert check_environments({SANDBOX: FILE}, variables)[0] is not None
    assert check_environments(files, variables) == (None, [])
    chosen, problems = check_environments(files, variables, "second")
    assert problems == []
    assert chosen is not None
    assert chosen.name == "second"


def test_a_variable_must_be_set_only_where_the_environment_is_in_force():
    files = {SANDBOX: FILE, "environments/second.yaml": FILE.replace(": sandbox", ": second", 1)}
    assert [one.code for one in check_environments(files, {})[1]] == []
    _, problems = check_environments(files, {}, "sandbox")
    assert [(one.code, one.place.file, one.place.line) for one in problems] == [
        ("C420", SANDBOX, 11)
    ]


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("secret: ${secret:env:SECRET}", "secret: s3cret", "C423"),
        ("https://api.example.org/", "https://me:s3cret@api.example.org/", "C423"),
        ("tenant: ${env:TENANT:t-1_x}", "tenant: a/b", "C416"),
        ("/r4/{tenant}/", "/r4/{tenat}/", "C416"),
        ("scopes: auto", "scopes: [system/*.read]", "C416"),
        ("Patient.patch:", "Patient.pach:", "C416"),
        ("[Organization/1,", "[Organisation/1,", "C416"),
        ("strip-zeros", "strip-zeroes", "C415"),
        ("    class: sandbox", "    class: production", "C472"),
        ("fhir.example.org", "FHIR-EHR.cerner.com", "C473"),
        ("release_first:", "release_frist:", "C410"),
    ],
)
def test_what_is_wrong_is_named_by_its_code(old: str, new: str, code: str):
    assert old in FILE
    assert code in codes_of(FILE.replace(old, new))


def test_a_secret_written_in_the_file_is_in_no_problem():
    text = FILE.replace("secret: ${secret:env:SECRET}", "secret: s3cret")
    _, problems = check_environments({SANDBOX: text}, {"CLIENT": "c"})
    assert "s3cret" not in str(problems)
    assert [one.place.secret for one in problems] == [True]


@pytest.mark.parametrize(
    ("host", "allowed"),
    [
        ("fhir-open.cerner.com", {"open", "sandbox"}),
        ("fhir-ehr-code.cerner.com", {"sandbox"}),
        ("fhir-ehr.cerner.com", {"production"}),
        ("authorization.sandboxcerner.com", {"sandbox", "test"}),
        ("127.0.0.1", {"open", "sandbox", "test"}),
        ("::1", {"open", "sandbox", "test"}),
    ],
)
def test_known_hosts_have_their_classes(host: str, allowed: set[str]):
    assert classes_of_host(host) == {EnvironmentClass(one) for one in allowed}


def test_a_look_alike_of_a_known_host_is_not_known():
    assert classes_of_host("notsandboxcerner.com") is None
    assert classes_of_host("fhir-ehr.cerner.com.example.org") is None


def test_the_tenant_of_a_destination_is_found_or_the_way_to_it_is_said():
    environment, _ = check_environments({SANDBOX: FILE}, {"CLIENT": "c"})
    where = Place(file="channels/a.yaml")
    assert find_tenant(environment, "main", place=where, destination="chart")[0] is not None
    _, near = find_tenant(environment, "mian", place=where, destination="chart")
    assert [(one.code, one.hint) for one in near] == [("C483", 'did you mean "main"?')]
    _, none = find_tenant(None, "main", place=where, destination="chart")
    assert [one.code for one in none] == ["C482"]


# -- what ships, and the documentation --


def test_the_shipped_environments_are_in_order():
    files = {f"environments/{file.name}": file.read_text(encoding="utf-8") for file in SHIPPED}
    assert check_environments(files, {})[1] == []
    assert check_environments(files, {}, "demo")[0] is not None
    assert [file.stem for file in SHIPPED] == ["demo", "production", "sandbox", "test"]


@pytest.mark.parametrize("file", SHIPPED, ids=lambda file: file.stem)
def test_the_shipped_environments_satisfy_the_schema(file: Path):
    validator = jsonschema.Draft7Validator(environment_schema())
    content = json.loads(json.dumps(yaml.safe_load(file.read_text(encoding="utf-8"))))
    assert [error.message for error in validator.iter_errors(content)] == []


PARTS = [pytest.param(spec, id=path or "environment") for spec, path in components(ENVIRONMENT)]


@pytest.mark.parametrize("spec", PARTS)
def test_every_option_has_an_attribute_and_a_sentence(spec: ComponentSpec):
    attributes = {attribute.name for attribute in dataclasses.fields(spec.model)}
    options = {field.target for field in spec.fields}
    assert options <= attributes
    assert attributes - options <= {"file", "name", "system"}
    for field in spec.fields:
        default_of(spec, field)
        assert field.description.endswith("."), field.name


def test_the_schema_is_valid_and_the_copy_beside_the_environments_current(update: bool):
    jsonschema.Draft7Validator.check_schema(environment_schema())
    file = EXAMPLE / "environments" / "environment.schema.json"
    current = json.dumps(environment_schema(), indent=1, ensure_ascii=False) + "\n"
    if update:
        file.write_text(current, encoding="utf-8")
    assert file.read_text(encoding="utf-8") == current, UPDATE


def test_the_option_tables_and_the_example_of_the_page_are_current():
    page = (ROOT / "docs" / "environments.md").read_text(encoding="utf-8")
    assert page == replace_generated(page, ENVIRONMENT), "run engine docs --write"
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert check_environments({SANDBOX: example}, {"SANDBOX_CLIENT_ID": "c"})[1] == []
