"""The CGI script: in a real web server's cgi-bin, from the checkout, linked, copied alone and installed by pip."""

import ast
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mailgraph import cgi
from tests.page import png
from tests.page.rrds import listing
from tests.page.servers import Client, lighttpd
from tests.programs import require

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "cgi-bin/mailgraph.cgi"

ALL_PICTURES = [f"{number}-{letter}" for number in range(4) for letter in "neg"]


def answer(script: Path, query: str = "", **environment: str) -> tuple[dict[str, str], bytes]:
    """The head and body that a script answers to a web server."""
    given = {"GATEWAY_INTERFACE": "CGI/1.1", "REQUEST_METHOD": "GET", "QUERY_STRING": query, "PATH": os.defpath}
    done = subprocess.run([script], env=given | environment, capture_output=True, check=True)
    assert done.stderr == b""
    head, _, body = done.stdout.partition(b"\r\n\r\n")
    return dict(line.split(": ", 1) for line in head.decode().split("\r\n")), body


def copy(directory: Path, **edits: str | Path) -> Path:
    """A copy of the script alone, with what an administrator edits at its top."""
    script = directory / "mailgraph.cgi"
    lines = SCRIPT.read_text().splitlines()
    for name, value in edits.items():
        lines[lines.index(f'{name} = ""')] = f'{name} = "{value}"'
    script.write_text("\n".join(lines) + "\n")
    script.chmod(0o755)
    return script


@pytest.fixture
def configured(tmp_path: Path, fresh: Path) -> str:
    configuration = tmp_path / "default"
    configuration.write_text(f"RRD_DIR={fresh}\n")
    return str(configuration)


@pytest.fixture
def client(tmp_path: Path, configured: str) -> Iterator[Client]:
    """lighttpd, whose cgi-bin is the checkout's."""
    with lighttpd(require("lighttpd"), tmp_path, ROOT, MAILGRAPH_CONFIG=configured) as client:
        yield client


def test_a_web_server_serves_the_page(client: Client) -> None:
    reply = client.get("/cgi-bin/mailgraph.cgi")
    assert (reply.status, reply.type) == (200, "text/html; charset=utf-8")
    assert reply.headers["Refresh"] == "300"
    for query in ALL_PICTURES:
        assert f'src="?{query}"' in reply.text


def test_a_web_server_serves_each_picture(client: Client) -> None:
    sizes = {}
    for query in ALL_PICTURES:
        reply = client.get(f"/cgi-bin/mailgraph.cgi?{query}")
        assert (reply.status, reply.type) == (200, "image/png")
        sizes[query[-1]] = png.size(reply.body)
    assert sizes == {"n": (637, 243), "e": (637, 207), "g": (637, 179)}


def test_a_web_server_serves_the_style_sheet_by_the_script_and_beside_it(client: Client) -> None:
    style = (ROOT / "cgi-bin/mailgraph.css").read_text()
    assert client.get("/cgi-bin/mailgraph.cgi?mailgraph.css").text == style
    assert client.get("/cgi-bin/mailgraph.css").text == style


@pytest.mark.parametrize("query", ["4-n", "0-n;id", "$(id)", "../../etc/passwd", "%20"])
def test_a_web_server_says_of_an_unknown_query_that_it_is_not_found(client: Client, query: str) -> None:
    reply = client.get(f"/cgi-bin/mailgraph.cgi?{query}")
    assert reply.status == 404
    assert reply.text == "There is no such page here; the graphs are on the page without a query.\n"


def test_a_web_server_shows_a_missing_file_as_a_picture(tmp_path: Path) -> None:
    (tmp_path / "default").write_text(f"RRD_DIR={tmp_path}\n")
    with lighttpd(require("lighttpd"), tmp_path, ROOT, MAILGRAPH_CONFIG=str(tmp_path / "default")) as client:
        reply = client.get("/cgi-bin/mailgraph.cgi?0-n")
    assert (reply.status, reply.type) == (500, "image/svg+xml")
    assert f"there is no {tmp_path}/mailgraph.rrd yet" in reply.text


def test_nothing_is_written(fresh: Path, tmp_path: Path, configured: str) -> None:
    before = listing(fresh, tmp_path, ROOT / "cgi-bin")
    for query in ("", "0-n", "0-e", "0-g", "mailgraph.css", "unknown"):
        answer(SCRIPT, query, MAILGRAPH_CONFIG=configured)
    assert listing(fresh, tmp_path, ROOT / "cgi-bin") == before


def test_a_link_to_the_script_works(tmp_path: Path, configured: str) -> None:
    link = tmp_path / "stats.cgi"
    link.symlink_to(os.path.relpath(SCRIPT, tmp_path))
    head, body = answer(link, "0-n", MAILGRAPH_CONFIG=configured)
    assert head["Content-Type"] == "image/png"
    assert png.size(body) == (637, 243)


def test_the_script_works_by_its_relative_path(configured: str) -> None:
    given = {"QUERY_STRING": "0-n", "PATH": os.defpath, "MAILGRAPH_CONFIG": configured}
    done = subprocess.run(["./mailgraph.cgi"], cwd=SCRIPT.parent, env=given, capture_output=True, check=True)
    assert b"Content-Type: image/png\r\n" in done.stdout


@pytest.mark.parametrize("source", [SCRIPT, ROOT / "mailgraph/cgi.py", ROOT / "mailgraph/__init__.py"])
def test_any_python_3_can_find_the_one_that_goes_on(source: Path) -> None:
    """By their grammar, and by the annotations that are looked at; the rest of the package may be newer."""
    for node in ast.parse(source.read_text(), feature_version=(3, 7)).body:
        if isinstance(node, ast.FunctionDef):
            annotations = [node.returns, *(argument.annotation for argument in node.args.args)]
            assert all(one is None or isinstance(one, ast.Name | ast.Constant) for one in annotations)


def test_another_python_goes_on_where_mailgraph_was_installed_for_it(tmp_path: Path) -> None:
    (tmp_path / "lib/python3.99/site-packages/mailgraph").mkdir(parents=True)
    for name in ("__init__", "cgi"):
        shutil.copy(ROOT / f"mailgraph/{name}.py", tmp_path / "lib/python3.99/site-packages/mailgraph")
    (tmp_path / "bin").mkdir()
    python = tmp_path / "bin/python3.99"
    python.write_text('#!/bin/sh\nprintf "X-Started: %s\\r\\n\\r\\n" "$*"\n')
    python.chmod(0o755)
    script = copy(tmp_path, MAILGRAPH=tmp_path)
    assert answer(script)[0] == {"X-Started": f"-ISBXutf8 {script}"}


def test_each_python_runs_what_was_installed_for_it(tmp_path: Path, configured: str) -> None:
    """What an installation of an older Python has left beside it in a venv is older too."""
    own = "python{}.{}".format(*sys.version_info)
    for python in ("python3.1", "python3.2", own, "python3.98", "python3.99"):
        package = tmp_path / f"lib/{python}/site-packages/mailgraph"
        shutil.copytree(ROOT / "mailgraph", package)
        if python != own:
            (package / "page.py").write_text("an older one")
    (tmp_path / "bin").mkdir()
    (tmp_path / f"bin/{own}").symlink_to(sys.executable)
    assert b"<h1>Mail statistics" in answer(copy(tmp_path, MAILGRAPH=tmp_path), MAILGRAPH_CONFIG=configured)[1]


def test_a_copy_says_what_to_do_where_no_python_has_what_mailgraph_needs(tmp_path: Path) -> None:
    for name in ("__init__", "cgi"):
        (tmp_path / "mailgraph").mkdir(exist_ok=True)
        shutil.copy(ROOT / f"mailgraph/{name}.py", tmp_path / "mailgraph")
    head, body = answer(copy(tmp_path, MAILGRAPH=tmp_path))
    assert head["Status"] == "500 Internal Server Error"
    assert b"run bin/setup in its checkout" in body


SPARED = {"os", "re", "enum", "typing", "collections.abc", "datetime", "urllib.parse", "mailgraph.assets"}
"""Half a millisecond of ten or more, each."""


SAYING_MODULES = """
import posix, sys
leave = posix._exit
posix._exit = lambda status: (print(*sys.modules, file=sys.stderr, flush=True), leave(status))
with open(sys.argv[1]) as script:
    exec(script.read(), {"__file__": sys.argv[1]})
"""


def imported(query: str, **environment: str) -> set[str]:
    """The modules that a request imports."""
    command = [sys.executable, "-ISBXutf8", "-c", SAYING_MODULES, SCRIPT]
    given = {"QUERY_STRING": query, "PATH": os.defpath} | environment
    done = subprocess.run(command, env=given, capture_output=True, check=True)
    return set(done.stderr.decode().split())


def test_the_page_imports_nothing_that_it_does_not_need(configured: str) -> None:
    modules = imported("", MAILGRAPH_CONFIG=configured)
    assert {"mailgraph.page", "mailgraph.document"} <= modules
    assert not modules & (SPARED | {"rrdtool", "mailgraph.drawing", "mailgraph.themes", "mailgraph.places"})


def test_a_picture_that_the_client_has_imports_no_rrdtool(configured: str) -> None:
    tag = answer(SCRIPT, "3-n", MAILGRAPH_CONFIG=configured)[0]["ETag"]
    modules = imported("3-n", MAILGRAPH_CONFIG=configured, HTTP_IF_NONE_MATCH=tag)
    assert "mailgraph.figures" in modules
    assert not modules & (SPARED | {"rrdtool", "mailgraph.drawing", "mailgraph.themes", "mailgraph.document"})


def test_a_picture_that_is_drawn_imports_rrdtool_and_no_more(configured: str) -> None:
    modules = imported("3-n", MAILGRAPH_CONFIG=configured)
    assert "rrdtool" in modules
    assert not modules & (SPARED | {"mailgraph.document"})


def font_settings(**environment: str) -> set[str]:
    """The files that fontconfig says it loads while a picture is drawn."""
    given = {"QUERY_STRING": "0-n", "PATH": os.defpath, "FC_DEBUG": "1024"} | environment
    said = subprocess.run([SCRIPT], env=given, capture_output=True, check=True).stdout
    loading = "\tLoading config file from "
    return {
        line.removeprefix(loading)
        for line in said.decode("latin-1").splitlines()
        if line.startswith(loading) and not line.endswith(" done")
    }


FONT = pytest.mark.skipif(not Path(cgi.FONT).exists(), reason=f"there is no {cgi.FONT}")


@FONT
def test_no_settings_of_fonts_are_read_but_the_scripts_own(configured: str) -> None:
    (read,) = font_settings(MAILGRAPH_CONFIG=configured)
    assert Path(read).resolve() == ROOT / "mailgraph/fonts.conf"


@FONT
def test_settings_of_fonts_that_the_web_server_names_are_read(configured: str, tmp_path: Path) -> None:
    own = tmp_path / "fonts.conf"
    shutil.copy(ROOT / "mailgraph/fonts.conf", own)
    assert str(own) in font_settings(MAILGRAPH_CONFIG=configured, FONTCONFIG_FILE=str(own))
    assert str(own) in font_settings(MAILGRAPH_CONFIG=configured, FONTCONFIG_PATH=str(tmp_path))


@FONT
def test_a_picture_is_the_same_with_all_settings_of_fonts(configured: str) -> None:
    given = {"MAILGRAPH_CONFIG": configured}
    with_all = answer(SCRIPT, "3-n", FONTCONFIG_FILE="/etc/fonts/fonts.conf", **given)
    assert answer(SCRIPT, "3-n", **given)[1] == with_all[1]


def test_a_link_to_the_scripts_directory_works(tmp_path: Path, configured: str) -> None:
    (tmp_path / "cgi").symlink_to(SCRIPT.parent)
    assert answer(tmp_path / "cgi/mailgraph.cgi", "0-n", MAILGRAPH_CONFIG=configured)[0]["Content-Type"] == "image/png"


@pytest.mark.parametrize("mailgraph", [f"{ROOT}", f"{ROOT}/"])
def test_a_copy_is_told_where_mailgraph_is(tmp_path: Path, configured: str, mailgraph: str) -> None:
    script = copy(tmp_path, MAILGRAPH=mailgraph)
    assert answer(script, "0-n", MAILGRAPH_CONFIG=configured)[0]["Content-Type"] == "image/png"


def test_a_copy_brings_its_own_style_sheet(tmp_path: Path) -> None:
    script = copy(tmp_path, MAILGRAPH=ROOT)
    assert answer(script, "mailgraph.css")[1] == (ROOT / "cgi-bin/mailgraph.css").read_bytes()
    (tmp_path / "mailgraph.css").write_bytes(b"/* mine */")
    assert answer(script, "mailgraph.css")[1] == b"/* mine */"


def test_a_copy_that_is_told_nothing_says_what_to_set(tmp_path: Path) -> None:
    script = copy(tmp_path)
    head, body = answer(script)
    assert head["Status"] == "500 Internal Server Error"
    assert body.decode() == (
        f"mailgraph.cgi: can't find mailgraph; run bin/setup in its checkout, or set MAILGRAPH at the top of {script}\n"
        "(if that is done: make all of it readable for the web server's user)\n"
    )


def test_the_scripts_own_rrd_dir_wins_over_the_configuration(tmp_path: Path, fresh: Path) -> None:
    (tmp_path / "default").write_text("RRD_DIR=/no/such/directory\n")
    script = copy(tmp_path, MAILGRAPH=ROOT, RRD_DIR=fresh)
    head, _ = answer(script, "0-n", MAILGRAPH_CONFIG=str(tmp_path / "default"))
    assert head["Content-Type"] == "image/png"


def test_a_client_that_goes_away_is_no_error(configured: str) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    environment = {"QUERY_STRING": "0-n", "PATH": os.defpath, "MAILGRAPH_CONFIG": configured}
    done = subprocess.run([SCRIPT], env=environment, stdout=writing, stderr=subprocess.PIPE, check=False)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")


def test_it_runs_where_pip_has_installed_it(tmp_path: Path, configured: str) -> None:
    source = tmp_path / "source"  # pip builds in the directory that it installs
    source.mkdir()
    for name in ("mailgraph", "cgi-bin", "init", "docs"):
        shutil.copytree(ROOT / name, source / name)
    for name in ("pyproject.toml", "LICENSE", "README.md"):
        if (ROOT / name).exists():
            shutil.copy(ROOT / name, source)
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.run([*pip, source], check=True)
    shutil.rmtree(source)
    script = tmp_path / "venv/share/mailgraph/cgi-bin/mailgraph.cgi"
    shutil.rmtree(next(tmp_path.glob("venv/lib/*/*/mailgraph/__pycache__")))
    assert len([*tmp_path.glob("venv/lib/*/*/mailgraph/fonts.conf")]) == 1
    before = listing(tmp_path)
    assert answer(script, "0-n", MAILGRAPH_CONFIG=configured)[0]["Content-Type"] == "image/png"
    assert answer(script, "mailgraph.css")[1] == (ROOT / "cgi-bin/mailgraph.css").read_bytes()
    assert listing(tmp_path) == before
