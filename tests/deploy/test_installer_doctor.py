"""A release from before the doctor can be rolled back to: systemd alone says whether its services are ready."""

import inspect
from pathlib import Path

from installer import doctor

from fake_email.doctor import mail_through

ROOT = Path(__file__).parents[2]
PACKAGES = "venv/lib/python3.11/site-packages"


def test_a_release_without_a_doctor_is_not_examined(tmp_path: Path) -> None:
    older = tmp_path / "0.0.9"
    (older / PACKAGES / "fake_email").mkdir(parents=True)

    assert doctor.examine(older) == "0.0.9 has no doctor; systemd says that its services are ready"
    assert doctor.advice(older) == ""


def test_the_doctor_has_the_words_for_a_message_that_was_seen() -> None:
    assert doctor.SEEN in inspect.getsource(mail_through)


def test_the_releases_of_this_clone_have_a_doctor(tmp_path: Path) -> None:
    (tmp_path / PACKAGES).mkdir(parents=True)
    (tmp_path / PACKAGES / "fake_email").symlink_to(ROOT / "shared/src/fake_email")

    assert doctor.has_doctor(tmp_path)
