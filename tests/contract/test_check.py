"""`altwright check` and wrong settings: each is named with what it should be, exit code 2."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import click
import pytest
import requests
import rq
from cryptography.fernet import Fernet
from sqlalchemy.engine import make_url
from tests.support import free_port
from tests.support_service import Service, running

from altwright import config, env_file, telemetry
from altwright.cli.main import altwright as altwright_command
from altwright.config import Settings
from altwright.errors import ConfigError
from altwright.tasks.rq.client import connect

WRONG = {
    "an unknown database": (
        {"DATABASE_URL": "oracle://somewhere/x"},
        ["DATABASE_URL", "postgresql://user:password@host/name"],
    ),
    "no address at all": ({"REDIS_URL": "localhost:6379"}, ["REDIS_URL", "redis://host:6379/0"]),
    "an unknown mode": ({"WORKER_MODE": "threads"}, ["WORKER_MODE", "'integrated'", "'hybrid'"]),
    "a number out of range": (
        {"RQ_WORKER_COUNT": "0"},
        ["RQ_WORKER_COUNT", "should be 1 or more (it is '0')"],
    ),
    "no number": ({"PORT": "http"}, ["PORT", "should be a whole number"]),
    "a wrong key": ({"PLATFORM_ENCRYPTION_KEY": "secret"}, ["PLATFORM_ENCRYPTION_KEY", "44"]),
    "missing keys": (
        {"ALTWRIGHT_PROFILE": "production"},
        ["FLASK_SECRET_KEY", "PLATFORM_ENCRYPTION_KEY", "missing"],
    ),
    "a port in words": ({"REDIS_URL": "redis://h:port"}, ["REDIS_URL", "port"]),
    "a port that there isn't": ({"REDIS_URL": "redis://h:70000"}, ["REDIS_URL", "65535"]),
    "an option of another program": (
        {"DATABASE_URL": "postgresql://a:sesame@h/d?nonsense=1"},
        ["DATABASE_URL", "option"],
    ),
    "a password with an @ before a /": (
        {"DATABASE_URL": "postgresql://u:p@sesame/w#rd@127.0.0.1:1/x"},
        ["DATABASE_URL", "%2F"],
    ),
    "an option of a file": ({"DATABASE_URL": "sqlite:///a?nonsense=1"}, ["DATABASE_URL", "option"]),
    "a mail server's port in words": ({"SMTP_URL": "smtp://mail:port"}, ["SMTP_URL", "port"]),
    "a model server's port in words": (
        {"OLLAMA_URL": "http://u:sesame/@h:port", "DESCRIBER": "ollama"},
        ["OLLAMA_URL", "%2F"],
    ),
    "a password in a mail server's address": (
        {"SMTP_URL": "smtp://u:ses#ame@mail:25"},
        ["SMTP_URL", "%23"],
    ),
    "a key in typographic quotation marks": (
        {"OPENAI_API_KEY": "“sesame”"},
        ["OPENAI_API_KEY", "typographic quotation mark"],
    ),
    "a key with a character that isn't seen": (
        {"OPENAI_API_KEY": "sesa\u200bme"},
        ["OPENAI_API_KEY", "isn't seen"],
    ),
    "a key in two lines": ({"OPENAI_API_KEY": "sesame\nsesame"}, ["OPENAI_API_KEY", "line break"]),
    "a describer without address": (
        {"DESCRIBER": "openai"},
        ["OPENAI_BASE_URL", "OPENAI_MODEL", "missing"],
    ),
}


@pytest.mark.req("8.1", "environment and .env")
@pytest.mark.req("8.1", "validated and named")
@pytest.mark.req("8.3", "profiles")
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_setting_is_named_with_what_it_should_be(case: str, tmp_path: Path) -> None:
    """Every kind of wrong setting ends the command with 2 and a line that helps."""
    settings, words = WRONG[case]
    done = Service(tmp_path, settings).command("check")
    assert done.returncode == 2, done.stdout
    assert all(word in done.stderr for word in words), done.stderr
    assert "Traceback" not in done.stderr
    assert not any(part in done.stderr for part in ("sesame", "ses#", "ame@"))


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.req("11.6", "written to logs")
@pytest.mark.parametrize("letter", [*"#/?@:% ", "%2F"])
@pytest.mark.parametrize(
    ("name", "url"),
    [
        ("REDIS_URL", "redis://:{}@127.0.0.1:{}/0"),
        ("REDIS_URL", "redis+sentinel://:{}@127.0.0.1:{}/m/0"),
        ("DATABASE_URL", "postgresql://anna:{}@127.0.0.1:{}/x"),
        ("SMTP_URL", "smtp://anna:{}@127.0.0.1:{}"),
    ],
)
def test_a_password_may_hold_any_letter(
    name: str, url: str, letter: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """It is read, or the setting is named and how to write it; no part of it is ever shown."""
    value = url.format(f"ses{letter}ame", free_port())
    shown = telemetry.redact(f"at {value} now")
    try:
        settings = config.load(**{name: value})
    except ConfigError as error:
        (problem,) = error.problems
        assert problem.startswith(f"{name}: ")
        assert "%2F" in problem
        shown += problem
    else:
        if name == "REDIS_URL" and "sentinel" not in url:
            client = connect(settings.redis_url)
            given = client.connection_pool.connection_kwargs["password"]
            assert given == unquote(f"ses{letter}ame")
            client.close()
        if name == "DATABASE_URL":
            assert make_url(settings.database_url).password == unquote(f"ses{letter}ame")
    if letter != " ":  # where it ends can't be told in a sentence; as a setting it is refused
        assert "ame@" not in shown
        assert "ses" not in shown.replace("messes", "")


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example/services/@team/abc",
        "https://chat.example/hooks?user=a@b.org",
        "https://gw.example:8443/v1/@acct/ns",
        "https://u:p%40ss@gw.example/v1/@acct",
        "http://localhost:8080/@acct",
        "http://[::1]:8080/@acct",
    ],
)
@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "OLLAMA_URL", "RQ_ALERT_WEBHOOK_URL"])
def test_an_at_sign_may_follow_the_host(name: str, url: str) -> None:
    """It is an ordinary letter of a path and of a query."""
    assert getattr(config.load(**{name: url}), name.lower()) == url


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize(
    "login", ["u:ses/ame", "u:p@ses/ame", "u:p?ame", "u:1/ame", "a.b:ses/ame", "ses/ame"]
)
@pytest.mark.parametrize("name", ["OPENAI_BASE_URL", "RQ_ALERT_WEBHOOK_URL"])
def test_a_login_that_is_cut_is_not_taken_for_a_host(name: str, login: str) -> None:
    """A "/" or "?" in a password: what to do is said, and no part of it."""
    with pytest.raises(ConfigError) as error:
        config.load(**{name: f"https://{login}@gw.example/v1"})
    (problem,) = error.value.problems
    assert problem.startswith(f"{name}: ")
    assert "%2F" in problem
    assert "ses" not in problem
    assert "ame@" not in problem


@pytest.mark.req("8.1", "environment and .env")
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_of_settings_may_come_from_windows(encoding: str, tmp_path: Path) -> None:
    """PowerShell writes UTF-16, Notepad a mark; both are read."""
    service = Service(tmp_path)
    (tmp_path / ".env").write_text("RQ_WORKER_COUNT=7\nHOST=\n", encoding=encoding)
    findings = {row["what"]: row for row in _findings(service)}
    assert "7 workers" in findings["profile"]["found"]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("A=1\nNAME=Zoé".encode("latin-1"), "line 2 isn't UTF-8"),
        ("PORT=1".encode("utf-16-le"), "isn't plain text"),
    ],
)
def test_a_file_of_settings_that_cannot_be_read_is_named(
    data: bytes, words: str, tmp_path: Path
) -> None:
    """With what to do about it."""
    (tmp_path / ".env").write_bytes(data)
    done = Service(tmp_path).command("user", "list")
    assert done.returncode == 2
    assert words in done.stderr
    assert "save" in done.stderr
    assert done.stderr.count("\n") == 1


KEYS = {"FLASK_SECRET_KEY": "x" * 32, "PLATFORM_ENCRYPTION_KEY": Fernet.generate_key().decode()}
#: Settings that could do nothing, or another thing than they say; and the whole sentence.
UNFIT: dict[str, tuple[dict[str, Any], str]] = {
    "an address as a private host": (
        {"ALLOWED_PRIVATE_HOSTS": "a.example, http://Host:8080/"},
        (
            "ALLOWED_PRIVATE_HOSTS: http://host:8080/ allows nothing: no host is called so; write "
            "host:8080 (it is 'a.example, http://Host:8080/')"
        ),
    ),
    "a slice that no page of posts fits in": (
        {"TASK_SLICE": 1},
        "TASK_SLICE: should be 60 or more, three times PLATFORM_TIMEOUT, or 0 (it is 1)",
    ),
    "a secret that can be guessed": (
        {**KEYS, "ALTWRIGHT_PROFILE": "production", "FLASK_SECRET_KEY": "x"},
        (
            "FLASK_SECRET_KEY: has 1 character and can be guessed; ALTWRIGHT_PROFILE=production "
            "needs 32 or more; `altwright key` makes one"
        ),
    ),
    "two that are missing": (
        {"ALTWRIGHT_PROFILE": "staging"},
        (
            "FLASK_SECRET_KEY, PLATFORM_ENCRYPTION_KEY: missing; ALTWRIGHT_PROFILE=staging needs "
            "them; `altwright key` makes one"
        ),
    ),
    "one that is missing": (
        {"DESCRIBER": "openai", "OPENAI_MODEL": "eyes"},
        "OPENAI_BASE_URL: missing; DESCRIBER=openai needs it",
    ),
    "no address": (
        {"RQ_ALERT_WEBHOOK_URL": "chat"},
        "RQ_ALERT_WEBHOOK_URL: should be an address like https://chat.example/hooks/…",
    ),
    "a pool that can't grow": (
        {"RQ_ENABLE_AUTO_SCALING": True, "EXTERNAL_PROCESSES": 6},
        "EXTERNAL_PROCESSES_MAX: should be EXTERNAL_PROCESSES (6) or more (it is 4)",
    ),
}


@pytest.mark.req("8.1", "validated and named")
@pytest.mark.parametrize("case", UNFIT)
def test_a_setting_that_could_not_do_what_it_says_is_refused(case: str) -> None:
    """With what it should be, rather than kept without effect or changed unseen."""
    settings, sentence = UNFIT[case]
    with pytest.raises(ConfigError) as error:
        config.load(**settings)
    assert error.value.problems == [sentence]


def test_all_that_is_unfit_together_is_listed_at_once() -> None:
    """What two settings make of each other is no less."""
    with pytest.raises(ConfigError) as error:
        config.load(ALTWRIGHT_PROFILE="production", ALERT_EMAIL_TO="a@b.example", TASK_SLICE=1)
    named = [problem.partition(":")[0] for problem in error.value.problems]
    assert named == ["SMTP_URL", "FLASK_SECRET_KEY, PLATFORM_ENCRYPTION_KEY", "TASK_SLICE"]


NUMBERS = sorted(
    (field.alias or name).upper()
    for name, field in Settings.model_fields.items()
    if field.annotation in {int, float}
)


@pytest.mark.parametrize("value", ["9" * 20, "inf", "nan", "9" * 5000], ids=lambda text: text[:20])
def test_no_number_is_larger_than_what_counts(value: str) -> None:
    """Timers, databases and Redis overflow somewhere; every setting is refused before."""
    with pytest.raises(ConfigError) as error:
        config.load(**dict.fromkeys(NUMBERS, value))
    assert sorted(problem.partition(":")[0] for problem in error.value.problems) == NUMBERS
    assert all(len(problem) < 400 for problem in error.value.problems)


@pytest.mark.parametrize(
    "url",
    [
        f"redis://h/{'9' * 20}",
        f"redis://h/0?max_connections={'9' * 5000}",
        f"redis://h/0?socket_timeout={'9' * 20}.5",
        f"redis+sentinel://h:{'9' * 5000}/m/0",
        f"redis+sentinel://h:1/m/{'9' * 5000}",
    ],
    ids=lambda url: url[:40],
)
def test_no_number_in_an_address_either(url: str) -> None:
    """Of a database, a port, an option."""
    with pytest.raises(ConfigError) as error:
        config.load(REDIS_URL=url)
    assert error.value.problems[0].startswith("REDIS_URL: ")


@pytest.mark.parametrize("host", ["h", "h:1", "10.0.0.5:65535", "::1", "[::1]", "[::1]:80", "a_b"])
def test_a_private_host_is_taken_as_it_is_called(host: str) -> None:
    """A name or an address, with a port or for all."""
    assert config.load(ALLOWED_PRIVATE_HOSTS=f" {host.upper()} ,").allowed_private_hosts == {host}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("http://h:1/x", "h:1"),
        ("https://u:sesame@h", "h"),
        ("//[::1]:80", "[::1]:80"),
        ("h.", "h"),
        ("h:080", "h:80"),
        *((text, "") for text in ("10.0.0.0/8", "*.h", "bücher.example", "h:70000", ":80", "[h]")),
    ],
)
def test_what_no_host_is_called_allows_nothing(text: str, meant: str) -> None:
    """Where it can be told what was meant, that is said."""
    with pytest.raises(ConfigError) as error:
        config.load(ALLOWED_PRIVATE_HOSTS=text)
    assert f"write {meant or 'each host as cloud.example'}" in error.value.problems[0]


MISSPELT = {
    "ALLOWED_PRIVATE_HOST": "ALLOWED_PRIVATE_HOSTS",
    "ALTWRIGHT_LOG_LEVEL": "LOG_LEVEL",
    "DATABASE_URI": "DATABASE_URL",
    "DATADIR": "DATA_DIR",
    "DISCRIBER": "DESCRIBER",
    "HSOT": "HOST",
    "OPENAI_KEY": "OPENAI_API_KEY",
    "PORTT": "PORT",
    "PROT": "PORT",
    "REDIS_ULR": "REDIS_URL",
}
#: The same for names that begin as ours do, and of which nobody knows what they were to be.
UNKNOWN = {
    "ALTWRIGHT_FOO": "",
    "RQ_FOO": "",
    "RQ_WORKERS": "; settings like it: RQ_WORKER_COUNT, RQ_MIN_LOW_WORKERS, RQ_MAX_LOW_WORKERS",
}
#: What stands in the environments of desktops, servers, containers, CI and other programs.
ORDINARY = (Path(__file__).parent.parent / "data" / "environment_names.txt").read_text().split()


@pytest.mark.req("8.1", "validated and named")
def test_a_misspelt_setting_is_noticed(tmp_path: Path) -> None:
    """In the environment as in .env, with the name that was meant."""
    meant = {name: f"; did you mean {near}?" for name, near in MISSPELT.items()}
    ignored = {name: f", and is ignored{more}" for name, more in UNKNOWN.items()}
    said = [
        f"altwright: {name} is no setting{more}" for name, more in sorted((meant | ignored).items())
    ]
    wrong = [*MISSPELT, *UNKNOWN]
    service = Service(tmp_path, dict.fromkeys(wrong, "x"))
    # A name whose right spelling is set as well is somebody else's.
    for name in ("DATA_DIR", "PORT"):
        service.settings[name] = ""
    environment = {k: v for k, v in service.environment().items() if v}
    done = _keys_command(tmp_path, environment)
    assert done.stderr.splitlines() == said
    (tmp_path / ".env").write_text("".join(f"{name}=x\n" for name in wrong))
    kept = {name: value for name, value in environment.items() if name not in wrong}
    assert _keys_command(tmp_path, kept).stderr.splitlines() == said


def test_what_is_ignored_stands_in_the_check(tmp_path: Path) -> None:
    """As a warning, once; nothing is wrong on its account."""
    done = Service(tmp_path, {"RQ_WORKERS": "8"}).command("check", "--json")
    assert "RQ_WORKERS" not in done.stderr
    (row,) = (row for row in json.loads(done.stdout) if row["what"] == "settings")
    assert (row["ok"], row["state"]) == (True, "warning")
    assert "RQ_WORKERS is no setting, and is ignored" in row["found"]


def test_names_that_no_setting_has_and_others_read_are_let_be() -> None:
    """Those of our own commands, RQ's, and what Kubernetes makes of a service's name."""
    sources = "".join(path.read_text() for path in sorted(Path(rq.__path__[0]).rglob("*.py")))
    of_rq = {name for name in re.findall(r"['\"](RQ_[A-Z_]+)['\"]", sources) if name[-1] != "_"}
    assert "RQ_WORKER_CLASS" in of_rq
    of_click = {name for command in _commands(altwright_command) for name in _variables(command)}
    assert "ALTWRIGHT_DEBUG" in of_click
    others = {"ALTWRIGHT_SERVICE_HOST", "ALTWRIGHT_PORT_8080_TCP_ADDR", "RQ_WORKER_SERVICE_PORT"}
    ours = [(field.alias or name).upper() for name, field in Settings.model_fields.items()]
    assert list(env_file.misspelt(of_rq | of_click | others, [], ours)) == []


def _commands(command: click.Command) -> Iterator[click.Command]:
    yield command
    if isinstance(command, click.Group):
        for name in command.list_commands(click.Context(command)):
            below = command.get_command(click.Context(command), name)
            assert below is not None
            yield from _commands(below)


def _variables(command: click.Command) -> Iterator[str]:
    for parameter in command.params:
        named = parameter.envvar or ()
        yield from [named] if isinstance(named, str) else named


def test_names_of_other_programs_are_let_be(tmp_path: Path) -> None:
    """What ordinary environments hold raises nothing."""
    assert len(ORDINARY) > 150
    others = {name: "1" for name in ORDINARY if name not in os.environ and name != "PYTHONPATH"}
    done = Service(tmp_path, others).command("key")
    assert (done.returncode, done.stderr) == (0, "")


def _keys_command(folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command that needs nothing of what is set."""
    return subprocess.run(
        [sys.executable, "-m", "altwright", "key"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('# mine\nPORT=8080\n\nSMTP_URL="smtp://a:sesame@h\n', [4, "mark of SMTP_URL"]),
        ("PORT=8080\nHOST='0.0.0.0' all\n", [2, "mark of HOST"]),
        ("sesame\nPORT=8080\n", [1, "NAME=value"]),
        ("PORT=8080\nsesame words\nHOST=::1\n", [2, "NAME=value"]),
    ],
)
@pytest.mark.parametrize("command", ["check", "serve", "user list"])
def test_a_line_that_is_no_setting_is_named(
    text: str, said: list[object], command: str, tmp_path: Path
) -> None:
    """File and line, and nothing of what may be a secret."""
    (tmp_path / ".env").write_text(text)
    done = Service(tmp_path).command(*command.split())
    line, words = said
    assert done.returncode == 2
    assert done.stderr.startswith(f"altwright: .env: line {line}: ")
    assert str(words) in done.stderr
    assert done.stderr.count("\n") == 1
    assert "sesame" not in done.stderr


@pytest.mark.parametrize("name", ["a?b#c%25d e", "ä/'\"", "x" * 120])
def test_a_folder_may_have_any_name(name: str, tmp_path: Path) -> None:
    """Its database lies in it, and the embedded Valkey is found; a long name is no fault."""
    folder = tmp_path / name
    folder.parent.mkdir(exist_ok=True)
    service = Service(tmp_path, {"DATA_DIR": str(folder)})
    with running(service, "serve"):
        assert service.answers()
        state = requests.get(f"{service.url}/readyz", timeout=20).json()
        assert (state["redis"], state["database"]) == ("healthy", "up")
    assert (folder / "altwright.db").exists()
    assert {one.name for one in tmp_path.iterdir()} == {Path(name).parts[0], "out.log"}


@pytest.mark.parametrize("path", ["/proc/altwright", "/dev/null/x", "x" * 300])
@pytest.mark.parametrize("command", ["serve", "user list"])
def test_a_folder_that_cannot_be_had_is_named(path: str, command: str, tmp_path: Path) -> None:
    """In a line, not in a traceback."""
    done = Service(tmp_path, {"DATA_DIR": path}).command(*command.split())
    assert done.returncode in {1, 2}
    assert "DATA_DIR" in done.stderr or path in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.req("8.1", "validated and named")
def test_all_faults_are_listed_at_once(tmp_path: Path) -> None:
    """Nobody has to fix settings one start at a time."""
    settings = {"WORKER_MODE": "x", "PORT": "y", "REDIS_URL": "z", "DATABASE_URL": "a:b"}
    done = Service(tmp_path, settings).command("serve")
    assert done.returncode == 2
    assert all(name in done.stderr for name in settings), done.stderr


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql://someone:sesame@127.0.0.1:{port}/nothing"),
        ("DATABASE_URL", "mysql+pymysql://someone:sesame@127.0.0.1:{port}/nothing"),
        ("REDIS_URL", "redis://:sesame@127.0.0.1:{port}/0"),
        ("OLLAMA_URL", "http://127.0.0.1:{port}"),
    ],
)
def test_a_server_that_does_not_answer_is_named(name: str, value: str, tmp_path: Path) -> None:
    """What is configured and can't be reached is said, without its password; exit code 2."""
    settings = {name: value.format(port=free_port())}
    if name == "OLLAMA_URL":
        settings["DESCRIBER"] = "ollama"
    done = Service(tmp_path, settings).command("check")
    assert done.returncode == 2, done.stdout
    wrong = " ".join(line for line in done.stdout.splitlines() if "WRONG" in line)
    assert ("DESCRIBER" if name == "OLLAMA_URL" else name) in wrong, done.stdout
    assert "sesame" not in done.stdout + done.stderr


def test_without_models_the_offline_describer_says_how_to_get_them(tmp_path: Path) -> None:
    """Nothing is wrong while a start gets them; else the command that gets them is named."""
    done = Service(tmp_path, {"OFFLINE_DOWNLOAD": "true"}).command("check")
    assert done.returncode == 0, done.stdout
    assert "`altwright serve` downloads its models (25 MB) when it starts" in done.stdout
    done = Service(tmp_path, {"OFFLINE_DOWNLOAD": "false"}).command("check")
    assert done.returncode == 2
    assert "altwright models" in done.stdout


def test_what_is_well_is_said_too(tmp_path: Path) -> None:
    """Each part is listed with what it is."""
    service = Service(tmp_path, {"REDIS_URL": "", "RQ_WORKER_COUNT": "3"})
    findings = {row["what"]: row for row in _findings(service)}
    assert findings["DATABASE_URL"]["ok"]
    assert "embedded Valkey" in findings["REDIS_URL"]["found"]
    assert "3 workers, integrated" in findings["profile"]["found"]


def test_one_of_a_kind_is_not_several(tmp_path: Path) -> None:
    """Nouns follow their number."""
    findings = {row["what"]: row for row in _findings(Service(tmp_path, {"RQ_WORKER_COUNT": "1"}))}
    assert "; 1 worker, integrated" in findings["profile"]["found"]
    assert findings["connections"]["found"].startswith("1 process with up to 22 database connect")


def _findings(service: Service) -> list[dict[str, str]]:
    found: list[dict[str, str]] = json.loads(service.command("check", "--json").stdout)
    return found
