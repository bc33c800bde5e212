"""Settings from the environment, and the secret that nobody is given by default."""

import stat
from dataclasses import fields
from pathlib import Path

import pytest
from click.testing import CliRunner

from scripts.serve import serve
from spectro.errors import TonfilmError
from webapp.settings import Settings, read_secret


def test_defaults_suit_a_machine_of_ones_own() -> None:
    settings = Settings.from_environment({"PATH": "/bin"})
    assert settings == Settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.limits.max_duration_s == 20 * 60
    assert settings.limits.max_bytes == 1 << 30


def test_every_setting_is_read_from_its_variable(tmp_path: Path) -> None:
    wanted = Settings(
        instance=tmp_path,
        host="0.0.0.0",  # noqa: S104, only compared
        port=81,
        database="postgresql://there",
        broker="redis://there",
        max_upload_mb=7,
        max_song_s=99.5,
        lease_s=3.5,
        address="https://films.example.org",
        password="open sesame",  # noqa: S106, of this test
        admin_password="open barley",  # noqa: S106, of this test
        keep_days=30.0,
        hourly=7,
        visitor_mb=500,
        disk_mb=50_000,
    )
    environment = {
        f"TONFILM_{entry.name.upper()}": str(getattr(wanted, entry.name))
        for entry in fields(Settings)
    }
    assert Settings.from_environment(environment) == wanted
    for entry in fields(Settings):
        assert getattr(wanted, entry.name) != getattr(Settings(), entry.name)


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("TONFILM_PORT", "eighty", "TONFILM_PORT to a number"),
        ("TONFILM_PORT", "0", "from 1 to 65535"),
        ("TONFILM_MAX_SONG_S", "nan", "from 1 to 36000"),
        ("TONFILM_MAX_UPLOAD_MB", "-1", "from 1 to 16384"),
        ("TONFILM_LEASE_S", "0", "from 1 to 600"),
        ("TONFILM_KEEP_DAYS", "-1", "from 0 to 3650"),
        ("TONFILM_HOURLY", "-1", "from 0 to 100000"),
        ("TONFILM_VISITOR_MB", "-1", "from 0 to 100000"),
        ("TONFILM_DISK_MB", "much", "TONFILM_DISK_MB to a number"),
        ("TONFILM_ADDRESS", "films.example.org", "such as https://films"),
        ("TONFILM_ADDRESS", "ftp://films.example.org", "such as https://films"),
        ("TONFILM_PROT", "8000", "no setting TONFILM_PROT"),
    ],
)
def test_a_wrong_setting_is_refused(variable: str, value: str, reason: str) -> None:
    with pytest.raises(TonfilmError, match=reason):
        Settings.from_environment({variable: value})


def test_help_explains_every_setting() -> None:
    said = CliRunner().invoke(serve, ["--help"]).output
    for entry in fields(Settings):
        assert f"TONFILM_{entry.name.upper()}  {entry.metadata['help']}" in said


def test_a_wrong_setting_ends_the_launcher_with_one_sentence() -> None:
    done = CliRunner().invoke(serve, env={"TONFILM_PORT": "eighty"})
    assert done.exit_code == 2
    assert done.output == "Set TONFILM_PORT to a number, not to 'eighty'.\n"


def test_the_secret_is_made_once_and_is_only_ours(tmp_path: Path) -> None:
    secret = read_secret(tmp_path / "a")
    assert len(secret) == 64
    assert read_secret(tmp_path / "a") == secret
    assert read_secret(tmp_path / "b") != secret
    assert stat.S_IMODE((tmp_path / "a" / "secret").stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["secret"]
