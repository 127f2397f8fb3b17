"""Standard streams that are closed, full, or of an encoding that lacks characters."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path

import pytest

from simemb import streams
from simemb.errors import DataError

SHOW = "import sys; from simemb import streams; streams.make_ready(); "


def python(code: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", SHOW + code]
    return subprocess.run(command, text=True, timeout=60, capture_output=True, **options)  # type: ignore[call-overload]


@pytest.mark.parametrize("text", ["Bär", "猫", "😀", "\udce4"])
def test_a_character_that_an_encoding_lacks_is_escaped_as_in_json(text: str) -> None:
    done = python(
        f"import json; print(json.dumps({text!r}, ensure_ascii=False))", env={**os.environ, "PYTHONIOENCODING": "ascii"}
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.isascii()
    assert json.loads(done.stdout) == text


def test_half_a_surrogate_pair_is_escaped_in_utf_8_too() -> None:
    assert python("print('\\ud83d')", env={**os.environ, "PYTHONIOENCODING": "utf-8"}).stdout == "\\ud83d\n"


def closed(descriptors: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `simemb` with standard streams that a shell closed."""
    command = ["sh", "-c", f'exec "$0" -m simemb.cli "$@" {descriptors}', sys.executable, *words]
    return subprocess.run(command, text=True, timeout=60, capture_output=True)


@pytest.mark.parametrize("words", [["list"], ["--help"], ["--version"], ["encode", "--help"]])
def test_output_to_a_closed_stream_goes_nowhere(words: list[str]) -> None:
    done = closed(">&-", *words)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_mistake_has_its_exit_code_even_if_nobody_can_read_of_it() -> None:
    assert closed("2>&-", "nope").returncode == 2
    assert closed("<&- >&- 2>&-", "nope").returncode == 2


def test_a_file_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    code = f"file = open({str(tmp_path / 'a')!r}, 'w'); print('lost', flush=True); sys.exit(file.fileno() < 3)"
    command = ["sh", "-c", 'exec "$0" -c "$1" >&-', sys.executable, SHOW + code]
    assert subprocess.run(command, timeout=60).returncode == 0
    assert (tmp_path / "a").read_text() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("buffered", ["", "1"])
def test_a_full_disk_is_one_line(buffered: str) -> None:
    command = [sys.executable, "-m", "simemb.cli", "list"]
    with Path("/dev/full").open("w") as full:
        environment = {**os.environ, "PYTHONUNBUFFERED": buffered}
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, timeout=60, env=environment)
    assert done.returncode == 2
    assert done.stderr == "simemb: the output cannot be written: No space left on device\n"


def test_escaping_is_for_writing_only() -> None:
    with pytest.raises(UnicodeDecodeError):
        streams.escape(UnicodeDecodeError("ascii", b"\xe4", 0, 1, "reason"))


ACTING = [*range(9), *range(11, 32), *range(127, 160), 0x61C, 0x200E, 0x200F, *range(0x2028, 0x202F)]


@pytest.mark.parametrize("code", [*ACTING, *range(0x2066, 0x206A), 0xD800, 0xDFFF])
def test_a_character_that_acts_on_a_terminal_is_spelt_out(code: int) -> None:
    shown = streams.visible(f"a{chr(code)}b")
    assert shown == (f"a\\x{code:02x}b" if code < 32 else f"a\\u{code:04x}b")
    assert streams.visible(shown) == shown


def test_every_other_text_is_shown_as_it_is() -> None:
    text = "a\tb\n [bold] \\x1b Bär 猫 👩\u200d👩 नमस्ते می\u200cخواهم \U0010ffff"
    assert streams.visible(text) == text


def test_json_stays_json_with_the_same_content() -> None:
    text = "".join(map(chr, [*ACTING, 9, 10, 34, 92, 0xD800]))
    shown = streams.visible(json.dumps({text: text}, ensure_ascii=False))
    assert json.loads(shown) == {text: text}
    assert shown.isascii()


def test_a_notice_is_one_line_whatever_it_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    logging.getLogger("simemb").warning("column %s", "a\nsimemb: all is well\x1b[2K\tb")
    streams.say("a\nb")
    assert capsys.readouterr().err.splitlines()[-1] == "a\\nb"


def test_a_program_that_shows_notices_and_errors_shows_them_as_text(caplog: pytest.LogCaptureFixture) -> None:
    logging.getLogger("simemb").warning("column %s", "a\nsimemb: all is well\x1b[2K\tb")
    assert caplog.messages[-1] == r"column a\nsimemb: all is well\x1b[2K\tb"
    assert str(DataError("no column '\x9b2J'")) == r"no column '\u009b2J'"
