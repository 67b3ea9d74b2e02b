"""setup.sh accepts the settings that the services accept, and refuses the others in their words."""

import pytest
from host_setup import requested_settings
from hypothesis import example, given
from hypothesis import strategies as st

from fake_email.errors import SettingsError
from fake_email.settings import Settings, load

REQUIRED = {"DATABASE_URL": "postgresql://name@host/mail", "DOMAIN": "fake-email.example"}
SAFE = "https://my-app-git-*-my-team.vercel.app"
LABELS = st.text(st.sampled_from("az0-*"), max_size=4)
ORIGINS = st.builds(
    lambda scheme, labels, port: f"{scheme}://{'.'.join(labels)}{port}",
    st.sampled_from(["http", "https", "ftp"]),
    st.lists(LABELS | st.sampled_from(["app", "test", "localhost"]), min_size=1, max_size=4),
    st.sampled_from(["", ":3000", ":65536", ":"]),
)


def is_accepted_by_the_services(origin: str) -> bool:
    try:
        load({**REQUIRED, "CORS_ALLOWED_ORIGINS": origin}, Settings)
    except SettingsError:
        return False
    return True


@given(ORIGINS)
@example("https://*")
@example("https://*.app")
@example("https://my-app.*")
@example("https://*.vercel.app")
@example("http://*.test")
@example(SAFE)
def test_setup_refuses_the_origins_that_the_services_refuse(origin: str) -> None:
    assert (not requested_settings.origin_problem(origin)) == is_accepted_by_the_services(origin)


@pytest.mark.parametrize("origin", ["https://*", "https://*.app"])
def test_the_refusal_of_an_origin_of_strangers_says_the_safe_form(origin: str) -> None:
    problem = requested_settings.origin_problem(origin)

    assert "allows the web pages of strangers" in problem
    assert SAFE in problem
    assert not requested_settings.origin_problem(SAFE)
