"""Links, files, modules, layers, units, make targets, settings, calls and error codes in the documents all exist."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
from test_layers import LAYERS

from fake_email.settings import Settings

ROOT = Path(__file__).parents[1]
PACKAGES = [
    ROOT / "shared/src/fake_email",
    ROOT / "services/http-api/src/http_api",
    ROOT / "services/smtp-ingest/src/smtp_ingest",
]
DOCUMENTS = sorted(
    [
        *(*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "docs/llms.txt", *ROOT.glob("deploy/*.md")),
        ROOT / "clients/python/README.md",
    ],
)
# A path is relative to the repository, to the folder of a package, to a package, to deploy/, or to the document and,
# below the root, the folders beside it.
BASES = [ROOT, ROOT / "deploy", *(package.parent for package in PACKAGES), *PACKAGES]
# The files that may define a variable that Settings does not have.
PROGRAMS = [
    *("Makefile", "conftest.py", ".github/workflows/*.yml", "deploy/**/*.sh", "deploy/**/*.py", "dev/*.py"),
    *("shared/src/**/*.py", "services/*/src/**/*.py", "clients/python/src/**/*.py"),
]
GENERATED = (".venv", ".local/", "dist/", ".vercel/")
# The names under which programs import the TypeScript client.
ENTRY_POINTS = {
    f"fake-email-client{name.removeprefix('.')}"
    for name in msgspec.json.decode((ROOT / "clients/typescript/package.json").read_bytes())["exports"]
}
MEDIA_TYPE = re.compile(r"(?:application|audio|font|image|message|multipart|text|video)/")
PATH = re.compile(r"\.?[\w-][\w.-]*(?:/[\w.{}*-]+)*/?")
SUFFIXES = (".py", ".sh", ".md", ".sql", ".toml", ".yml", ".json", ".env.example")
VARIABLE = re.compile(r"\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b")

Check = Callable[[str, Path], list[str]]


def code(page: str) -> Iterator[str]:
    """The code of a Markdown page: spans and lines of blocks, without the comments of shell lines."""
    is_fenced = False
    for line in page.splitlines():
        if line.startswith("```"):
            is_fenced = not is_fenced
        elif is_fenced or line.startswith("    "):
            yield re.split(r"(?:^|\s)#\s", line)[0]
        else:
            # In the changelog a name before an arrow is the old one.
            yield from re.findall(r"`([^`]+)`", re.sub(r"`[^`]+` →", "", line))


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def dead_links(page: str, document: Path) -> list[str]:
    dead = []
    for target in re.findall(r"\]\(([^)\s]+)\)", page):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = document.parent / name if name else document
        text = page if not name else path.read_text() if path.is_file() else ""
        anchors = {slug(heading) for heading in re.findall(r"^#+ (.*)$", text, re.MULTILINE)}
        if not path.exists() or (anchor and anchor not in anchors):
            dead.append(target)
    return dead


def missing_targets(page: str, _document: Path) -> list[str]:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {
        target
        for piece in code(page)
        for command in re.findall(r"\bmake((?: [A-Z_]+=\S+| [a-z-]+)+)", piece)
        for target in command.split()
        if "=" not in target
    }
    return sorted(named - targets)


def missing_variables(page: str, _document: Path) -> list[str]:
    known = {name.upper() for name in Settings.__struct_fields__}
    for pattern in PROGRAMS:
        for path in ROOT.glob(pattern):
            known.update(VARIABLE.findall(path.read_text()))
    return sorted({name for piece in code(page) for name in VARIABLE.findall(piece)} - known)


def missing_files(page: str, document: Path) -> list[str]:
    missing = set()
    folders = [
        document.parent,
        *(each for each in document.parent.iterdir() if document.parent != ROOT and each.is_dir()),
    ]
    for piece in code(page):
        is_span = " " not in piece
        for word in piece.split():
            path = word.removeprefix("./").rstrip(":,;")
            is_path = path.endswith(SUFFIXES) or (is_span and "/" in path)
            if not is_path or not PATH.fullmatch(path) or MEDIA_TYPE.match(path) or path.startswith(GENERATED):
                continue
            names = path.rstrip("/")
            if path in ENTRY_POINTS:
                continue
            if not any([*base.glob(names)] or (base / f"{names}.py").exists() for base in [*BASES, *folders]):
                missing.add(path)
    return sorted(missing)


def missing_modules(page: str, _document: Path) -> list[str]:
    """Dotted names of our packages, as `fake_email.storage.store`."""
    missing = set()
    for piece in code(page):
        for name in re.findall(r"\b(?:fake_email|http_api|smtp_ingest)(?:\.[a-z_0-9]+)+\b", piece):
            path = name.replace(".", "/")
            if not any((base / f"{path}.py").exists() or (base / path).is_dir() for base in BASES):
                missing.add(name)
    return sorted(missing)


def missing_units(page: str, _document: Path) -> list[str]:
    named = {
        name for piece in code(page) for name in re.findall(r"\bfake-email[a-z-]*\.(?:service|socket|target)", piece)
    }
    return sorted(name for name in named if not (ROOT / "deploy/systemd" / name).exists())


def missing_calls(page: str, _document: Path) -> list[str]:
    contract = msgspec.json.decode((ROOT / "tests/contract/openapi.json").read_bytes())
    known = [re.sub(r"\\\{.*?\\\}", "[^/]+", re.escape(path)) for path in [*contract["paths"], "/api/openapi.json"]]
    named = {path for piece in code(page) for path in re.findall(r"/api/[\w/{}.-]+", piece)}
    return sorted(path for path in named if not any(re.fullmatch(each, path.rstrip("/")) for each in known))


CHECKS: list[Check] = [
    *(dead_links, missing_targets, missing_variables, missing_files, missing_modules, missing_units),
    missing_calls,
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda it: it.__name__)
@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda it: str(it.relative_to(ROOT)))
def test_what_a_document_names_exists(document: Path, check: Check) -> None:
    missing = check(document.read_text(), document)

    assert not missing, f"{document.name} names what does not exist: {', '.join(missing)}"


@pytest.mark.parametrize(
    ("check", "page", "missing"),
    [
        (dead_links, "[api](docs/nothing.md)", "docs/nothing.md"),
        (dead_links, "[api](docs/api.md#nothing)", "docs/api.md#nothing"),
        (dead_links, "# Here\n[there](#there)", "#there"),
        (missing_targets, "`make nothing`", "nothing"),
        (missing_targets, "    make FUZZ_SECONDS=3 check nothing", "nothing"),
        (missing_variables, "set `SMTP_MAX_NOTHING`", "SMTP_MAX_NOTHING"),
        (missing_variables, "    SMTP_MAX_NOTHING=3 make run", "SMTP_MAX_NOTHING"),
        (missing_files, "`tests/nothing/`", "tests/nothing/"),
        (missing_files, "`fake_email/nothing.py`", "fake_email/nothing.py"),
        (missing_files, "    .venv/bin/python tests/nothing.py", "tests/nothing.py"),
        (missing_modules, "`fake_email.storage.nothing`", "fake_email.storage.nothing"),
        (missing_units, "`fake-email-nothing.socket`", "fake-email-nothing.socket"),
        (missing_calls, "    curl localhost:3001/api/inbox/nothing?x=1", "/api/inbox/nothing"),
    ],
)
def test_each_check_finds_a_name_that_does_not_exist(check: Check, page: str, missing: str) -> None:
    assert check(page, ROOT / "README.md") == [missing]


@pytest.mark.parametrize("package", LAYERS)
def test_the_layers_are_those_that_the_modules_keep(package: str) -> None:
    """A row names modules (`parse`) and packages (`storage/`), and the row of all others nothing."""
    page = (ROOT / "docs/architecture.md").read_text()
    table = page.partition(f"**`{package}`**, from the top:")[2].partition("\n\n|")[2].partition("\n\n")[0]

    rows = [re.findall(r"`([^`]+)`", row.split("|")[0]) for row in re.findall(r"^\| (.*)$", table, re.MULTILINE)]

    named = [[re.sub(r"/$", "*", name).replace("/", ".") for name in row] or ["*"] for row in rows]
    assert named == LAYERS[package]


def test_the_old_name_in_a_change_need_not_exist() -> None:
    assert missing_targets("- `make nothing` → `make test`\n", ROOT / "CHANGELOG.md") == []


def test_the_messages_in_the_table_of_failures_are_those_of_the_program() -> None:
    """Of each message the longest run of words, since the rest of it differs from host to host."""
    foreign = {
        "status 203/EXEC",
        "ModuleNotFoundError",
        "ImportError",
        "…so.1 => not found",
        "Host key verification failed",
    }
    paths = [path for pattern in ("deploy/**/*.py", "shared/src/**/*.py") for path in ROOT.glob(pattern)]
    sources = "".join(path.read_text() for path in paths)
    failures = (ROOT / "docs/deploy.md").read_text().partition("## What can go wrong")[2].partition("\n## ")[0]

    rows = re.findall(r"^\| (.*?) \| ", failures, re.MULTILINE)

    messages = {message for row in rows for message in re.findall(r"`([^`]+)`", row)} - foreign
    words = {max(re.findall(r"[a-z][a-z ]*[a-z]", message), key=len) for message in messages}
    assert len(words) > 5
    assert {each for each in words if each not in sources} == set()


def test_the_table_of_errors_has_every_code_of_the_api_and_of_caddy() -> None:
    contract = (ROOT / "tests/contract/openapi.json").read_text()
    caddyfile = (ROOT / "deploy/Caddyfile").read_text()
    codes = set(re.findall(r'"code": "(\w+)"', contract)) | set(re.findall(r'"code":"(\w+)"', caddyfile))
    errors = (ROOT / "docs/api.md").read_text().partition("## Errors")[2]

    described = set(re.findall(r"^\| [\d, ]+ \| `(\w+)` \|", errors, re.MULTILINE))

    assert described == codes


def test_the_table_of_limits_has_the_defaults_of_the_settings() -> None:
    limits = (ROOT / "docs/api.md").read_text().partition("## Limits")[2].partition("\n## ")[0]
    defaults = {field.name.upper(): field.default for field in msgspec.structs.fields(Settings)}

    rows = re.findall(r"\| ([\d,]+)( MiB)? \| `(\w+)` \|", limits)

    described = {name: int(number.replace(",", "")) * (1_048_576 if unit else 1) for number, unit, name in rows}
    assert len(described) > 5
    assert described == {name: defaults[name] for name in described}


def test_every_call_and_parameter_of_the_api_is_described() -> None:
    contract = msgspec.json.decode((ROOT / "tests/contract/openapi.json").read_bytes())
    pages = "".join((ROOT / "docs" / each).read_text() for each in ("api.md", "frontend.md"))
    listed = [each for calls in contract["paths"].values() for call in calls.values() for each in call["parameters"]]
    shared = contract["components"]["parameters"].values()
    parameters = {each["name"] for each in [*listed, *shared] if "$ref" not in each and each["in"] != "path"}
    # The identifiers of a path differ from example to example.
    paths = {re.sub(r"\\\{.*?\\\}", r"[^/\\s]+", re.escape(path)) for path in contract["paths"]}

    assert len(parameters) > 10
    assert {each for each in parameters if not re.search(rf"\b{re.escape(each)}\b", pages)} == set()
    assert {each for each in paths if not re.search(rf"{each}(?![/\w])", pages)} == set()


def test_the_short_text_for_programs_names_every_document() -> None:
    listed = set(re.findall(r"\]\(([^)\s]+)\)", (ROOT / "docs/llms.txt").read_text()))

    assert listed == {path.name for path in ROOT.glob("docs/*.md")}


def test_readme_is_one_screen() -> None:
    assert len((ROOT / "README.md").read_text().splitlines()) <= 100
