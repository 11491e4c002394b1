"""A secret is where it is said to be, is read again at each use, and is not shown."""

import os
from pathlib import Path

import pytest
from pydantic import SecretStr

from alertsvc.secret import MAX_SECRET_BYTES, Secret, SecretUnavailableError


def in_file(tmp_path: Path, content: bytes) -> Secret:
    """A secret named `token` in a file."""
    file = tmp_path / "token"
    file.write_bytes(content)
    return Secret("token", file=file)


@pytest.mark.parametrize(
    ("content", "revealed"),
    [
        pytest.param(b"canary", "canary", id="as-it-is"),
        pytest.param(b"canary\n", "canary", id="a-newline-at-the-end"),
        pytest.param(b" \r\n\tcanary \r\n", "canary", id="white-space-around"),
        pytest.param(b"two words\n", "two words", id="white-space-within"),
        pytest.param("gehe\u00efm\n".encode(), "gehe\u00efm", id="utf-8"),
        pytest.param(b"x" * MAX_SECRET_BYTES, "x" * MAX_SECRET_BYTES, id="as-large-as-it-may-be"),
    ],
)
def test_a_file_holds_a_secret_without_the_white_space_around_it(tmp_path: Path, content: bytes, revealed: str) -> None:
    assert in_file(tmp_path, content).reveal() == revealed


@pytest.mark.parametrize(
    ("content", "why"),
    [
        pytest.param(b"", "is empty or larger than 64 KiB", id="empty"),
        pytest.param(b" \n\t\n", "is empty or larger than 64 KiB", id="white-space-only"),
        pytest.param(b"x" * (MAX_SECRET_BYTES + 1), "is empty or larger than 64 KiB", id="too-large"),
        pytest.param(b"canary\xff", "UnicodeDecodeError", id="not-utf-8"),
    ],
)
def test_a_file_that_holds_no_secret_is_named_and_not_shown(tmp_path: Path, content: bytes, why: str) -> None:
    with pytest.raises(SecretUnavailableError) as caught:
        in_file(tmp_path, content).reveal()
    assert str(caught.value).startswith("token_file: ")
    assert str(tmp_path / "token") in str(caught.value)
    assert why in str(caught.value)
    assert "canary" not in f"{caught.value} {caught.value.__cause__}"


def test_a_file_that_was_rotated_is_read_again(tmp_path: Path) -> None:
    secret = in_file(tmp_path, b"old")
    assert secret.reveal() == "old"
    (tmp_path / "token").write_bytes(b"new")
    assert secret.reveal() == "new"


def test_a_file_may_come_later_and_go_again(tmp_path: Path) -> None:
    file = tmp_path / "token"
    secret = Secret("token", file=file)
    with pytest.raises(SecretUnavailableError, match="FileNotFoundError"):
        secret.reveal()
    file.write_text("there")
    assert secret.reveal() == "there"
    file.unlink()
    with pytest.raises(SecretUnavailableError, match="FileNotFoundError"):
        secret.reveal()


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(SecretUnavailableError, match=r"token_file: .*IsADirectoryError"):
        Secret("token", file=tmp_path).reveal()


def test_a_variable_holds_a_secret_too() -> None:
    assert Secret("token", env="PATH").reveal() == os.environ["PATH"].strip()
    with pytest.raises(SecretUnavailableError) as caught:
        Secret("token", env="ALERTSVC_NO_SUCH_VARIABLE").reveal()
    assert str(caught.value) == "token_env: the variable ALERTSVC_NO_SUCH_VARIABLE is not set or empty"


def test_an_inline_secret_loses_the_white_space_around_it() -> None:
    assert Secret("token", inline=SecretStr(" canary\n")).reveal() == "canary"


def test_a_secret_that_was_not_given_says_so() -> None:
    with pytest.raises(SecretUnavailableError, match="token: not given"):
        Secret("token").reveal()


@pytest.mark.parametrize(
    ("secret", "place"),
    [
        pytest.param(Secret("token", inline=SecretStr("canary")), "inline", id="inline"),
        pytest.param(Secret("token", file=Path("/run/secrets/token")), "file /run/secrets/token", id="file"),
        pytest.param(Secret("token", env="TOKEN"), "env TOKEN", id="variable"),
    ],
)
def test_its_place_may_be_shown_and_itself_not(secret: Secret, place: str) -> None:
    assert secret.place == place
    assert f"{secret} {secret!r} {[secret]}" == "<secret> <secret> [<secret>]"
