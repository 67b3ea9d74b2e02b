"""deploy/monitoring: each rule says what to do, and rules and dashboard ask for metrics that the services have."""

import re
from pathlib import Path

import msgspec
import pytest

from fake_email.metrics.numbers import Description
from http_api.metrics import METRICS as OF_HTTP_API
from smtp_ingest.metrics import METRICS as OF_SMTP_INGEST

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy/monitoring"
RULES = (MONITORING / "rules.yml").read_text()
DASHBOARD = (MONITORING / "dashboard.json").read_text()
METRICS: tuple[Description, ...] = (*OF_SMTP_INGEST, *OF_HTTP_API)
# Those that the server of the page adds.
OF_PROGRAMS = {
    f"{program}_{name}" for program in ("smtp_ingest", "http_api") for name in ("build_info", "start_time_seconds")
}


def samples(metric: Description) -> set[str]:
    """The names under which Prometheus has a metric."""
    if metric.kind == "histogram":
        return {f"{metric.name}_{part}" for part in ("bucket", "count", "sum")}
    return {f"{metric.name}_total" if metric.kind == "counter" else metric.name}


def asked(text: str) -> set[str]:
    return set(re.findall(r"\b(?:smtp_ingest|http_api)_\w+", text))


def test_every_alert_names_a_section_that_says_what_to_do() -> None:
    headings = re.findall(r"^## (.*)$", (ROOT / "docs/operating.md").read_text(), re.MULTILINE)
    anchors = {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}

    alerts = RULES.split("- alert: ")[1:]
    named = [re.search(r"what_to_do: docs/operating\.md#(\S+)", alert) for alert in alerts]

    assert len(alerts) > 10
    assert [alerts[at].partition("\n")[0] for at, each in enumerate(named) if not each or each[1] not in anchors] == []


@pytest.mark.parametrize("text", [RULES, DASHBOARD], ids=["rules", "dashboard"])
def test_every_metric_that_is_asked_for_exists(text: str) -> None:
    known = {name for metric in METRICS for name in samples(metric)} | OF_PROGRAMS

    assert len(asked(text)) > 5
    assert asked(text) - known == set()


@pytest.mark.parametrize("text", [RULES, DASHBOARD], ids=["rules", "dashboard"])
def test_every_value_of_a_label_that_is_asked_for_exists(text: str) -> None:
    known = {value for metric in METRICS for labels in metric.series for value in labels}

    conditions = re.findall(r'\b(?:stage|reply|error|limit|reason|resource|result|status)=\\?"([^"\\]+)\\?"', text)
    patterns = re.findall(r'\b(?:stage|reply|error|reason|resource|result|status)=~\\?"([^"\\]+)\\?"', text)

    assert set(conditions) - known == set()
    assert [each for each in patterns if not any(re.fullmatch(each, value) for value in known)] == []


def test_the_dashboard_shows_every_metric_and_chooses_its_own_prometheus() -> None:
    dashboard = msgspec.json.decode(DASHBOARD)
    panels = [panel for panel in dashboard["panels"] if panel["type"] != "row"]

    shown = asked(DASHBOARD)

    assert {metric.name for metric in METRICS if not samples(metric) & shown} == set()
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
