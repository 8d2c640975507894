"""Requests that nobody sends by mistake."""

import re
import resource
import subprocess
import sys
from pathlib import Path
from random import Random

import pytest
import rrdtool

import mailgraph
from mailgraph.page import Page
from mailgraph.schema import GREYLIST, Family
from tests.page import png
from tests.page.rrds import NOON, Reply, Steady, listing, one_a_minute, several

COUNT = 10_000

PIECES = [
    *(
        "0-n",
        "1-e",
        "2-g",
        "3-n",
        "4-n",
        "g=n",
        "g=e",
        "g=x",
        "from=",
        "to=",
        "now",
        "now-",
        "6h",
        "90min",
        "-",
        "&",
        "=",
    ),
    *(
        "zoom=",
        "theme=",
        "width=",
        "height=",
        "form=",
        "png",
        "svg",
        "csv",
        "json",
        "dark",
        ".",
        "0",
        "1795608000",
        "9" * 30,
    ),
    *(
        "../",
        "/etc/passwd",
        "%00",
        "%2e%2e%2f",
        "\0",
        "\n",
        "\r\nX: y",
        ";id",
        "$(id)",
        "`id`",
        "|",
        "<script>",
        '"',
        "'",
    ),
    *(
        "DEF:a=/etc/passwd:b:AVERAGE",
        "COMMENT:x\\r",
        "--daemon",
        "\\",
        ":",
        "%s%n",
        "\xff",
        "\x80",
        "{0}",
        "\u2028",
        " ",
    ),
]
HEADERS = ["HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE", "HTTP_HOST", "HTTP_COOKIE", "HTTP_ACCEPT", "HTTP_RANGE"]
VARIABLES = ["PATH_INFO", "SCRIPT_NAME", "SERVER_NAME", "REMOTE_USER", "CONTENT_LENGTH", "REQUEST_URI", "HTTPS"]
STATUSES = {"200 OK", "404 Not Found", "405 Method Not Allowed"}

ARGUMENT = re.compile(
    r"--(imgformat|zoom|width|height|start|end|vertical-label|lower-limit|units-exponent|slope-mode|color=[A-Z]+#\w{6})"
    r"|-|PNG|SVG|msgs/min|\d{1,10}|end-\d{1,8}s"
    r"|DEF:\w+=FILE:\w+:(AVERAGE|MAX):step=\d+|CDEF:\w+=\w+,60,\*|VDEF:\w+=\w+,(TOTAL|AVERAGE|MAXIMUM)"
    r"|(LINE2|AREA):\w+#\w{6}:\w+ *(:STACK)?|GPRINT:\w+:(total|avg|max)\\: %\d\.\dlf msgs(/min\\l|/min)?"
    r"|GPRINT:\w+:(total|avg|max)\\: %[\d.]+lf msgs(/min)?(\\l)?|COMMENT:\[\w{3} \w{3} [ \d]\d \d\d\\:\d\d\\:\d\d \d{4}\]\\r"
)
"""All that rrdtool may be told."""

SCOPED_ARGUMENT = re.compile(rf"{ARGUMENT.pattern}|(AREA):_host\d#\w{{6}}:(mx1|m\\:x 2)(:STACK)?")
"""And of several hosts."""


def anything(random: Random) -> str:
    return "".join(random.choices(PIECES, k=random.randrange(1, 8)))


def sensible(random: Random) -> str:
    """A query that means something, more often than not."""
    name = random.choice(["0-n", "3-e.svg", "g=n&from=now-6h", "g=e&from=1&to=2&form=png", "1-g.json"])
    options = [f"{random.choice(['zoom', 'theme', 'width', 'height', 'to'])}={random.choice(PIECES)}" for _ in range(2)]
    return "&".join([name, *options[: random.randrange(3)]])


def test_no_request_brings_the_page_down_or_gets_through_to_rrdtool(
    page: Page, directory: Path, files: dict[Family, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    told: set[str] = set()

    def graphv(*arguments: str) -> dict[str, bytes]:
        told.update(arguments)
        return {"image": b"picture"}

    monkeypatch.setattr(rrdtool, "graphv", graphv)
    before = listing(directory)
    random = Random(4)
    seen: dict[str, int] = {}
    for _ in range(COUNT):
        environ = {name: anything(random) for name in random.sample(HEADERS + VARIABLES, 3)}
        method = random.choice(["GET"] * 9 + ["HEAD", "POST", anything(random)])
        reply = Reply(page, random.choice((anything, sensible))(random), **{"REQUEST_METHOD": method} | environ)
        seen[reply.status] = seen.get(reply.status, 0) + 1
        assert all("\n" not in value and "\r" not in value for value in reply.headers.values())
    assert set(seen) == STATUSES
    assert seen["200 OK"] > COUNT / 20
    assert listing(directory) == before
    paths = re.compile("|".join(map(re.escape, files.values())))
    assert [text for text in told if not ARGUMENT.fullmatch(paths.sub("FILE", text))] == []
    assert len(told) > 100


def test_no_file_but_the_pages_own_is_opened(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the request; seen by Python's audit of each open."""
    configuration = tmp_path / "default"
    configuration.touch()
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(configuration))
    script = f"""
import sys
sys.path.insert(0, {str(Path(mailgraph.__file__).parents[1])!r})
from mailgraph.page import Page
page = Page({str(directory)!r}, "mailgraph", now=lambda: {NOON})
opened = set()
sys.addaudithook(lambda event, arguments: opened.add(str(arguments[0])) if event == "open" else None)
for query in ["", "0-n.csv", "../../etc/passwd", "/etc/passwd", "mailgraph.css", "g=../x", "0-n&theme=/etc/passwd"]:
    for path in ["", "/", "/../../../etc/passwd", "//etc/passwd", "/mailgraph.css", "/..%2f"]:
        list(page({{"QUERY_STRING": query, "PATH_INFO": path, "SCRIPT_NAME": "/etc"}}, lambda *_: None))
print(*sorted(path for path in opened if not path.endswith((".py", ".pyc", ".so"))), sep="\\n")
"""
    done = subprocess.run([sys.executable, "-B", "-c", script], check=True, capture_output=True, text=True)
    root = Path(mailgraph.__file__).parents[1]
    allowed = [configuration, root / "cgi-bin/mailgraph.css", *directory.glob("*.rrd")]
    assert sorted(done.stdout.split("\n")[:-1]) == sorted(map(str, allowed))


SCOPES = ["all", "host=mx1", "host=m%3Ax%202", "group=Both", "host=", "group=", "host=..%2fhosts%2fmx1", "host=mx1%00"]
RESTS = [
    *("", "0-n", "1-e.svg", "0-traffic", "3-rejected.csv", "graphs", "small=0", "by=name&period=1", "form=json"),
    *("g=traffic&from=now-6h", "g=n&from=1&to=2&form=png", "small=", "by=", "host=mx1", "all"),
]


def scoped(random: Random) -> str:
    """A query about hosts; one in three has something in it that is not meant to be."""
    parts = [random.choice(SCOPES), random.choice(RESTS)]
    if random.randrange(3) == 0:
        parts.insert(random.randrange(3), random.choice(PIECES))
    return random.choice(["&", "&", "&", ""]).join(part for part in parts if part)


def test_no_request_about_hosts_gets_through_to_rrdtool_or_to_another_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    several(tmp_path, {"mx1": Steady(sent=1), "m:x 2": Steady(sent=2)}, days=1)
    for name in ("mx1", "m:x 2"):
        one_a_minute(tmp_path / "hosts" / name, NOON, 1, (GREYLIST,))
    (tmp_path / "hosts.toml").write_text("[groups]\nBoth = ['*']\n")
    (tmp_path / "default").write_text(f"RRD_DIR={tmp_path}\nHOSTS_FILE={tmp_path}/hosts.toml\n")
    monkeypatch.setenv("MAILGRAPH_CONFIG", str(tmp_path / "default"))
    told: set[str] = set()

    def graphv(*arguments: str) -> dict[str, bytes]:
        told.update(arguments)
        return {"image": b"picture"}

    monkeypatch.setattr(rrdtool, "graphv", graphv)
    page = Page(host="here", now=lambda: NOON + 301)
    before = listing(tmp_path)
    random = Random(7)
    seen: dict[str, int] = {}
    for _ in range(COUNT // 10):
        reply = Reply(page, scoped(random))
        seen[reply.status] = seen.get(reply.status, 0) + 1
        assert all("\n" not in value and "\r" not in value for value in reply.headers.values())
    assert set(seen) == STATUSES - {"405 Method Not Allowed"}
    assert seen["200 OK"] > COUNT / 100
    assert listing(tmp_path) == before
    places = re.compile(
        rf"{re.escape(str(tmp_path))}/hosts/(mx1|m\\:x 2)/mailgraph(_virus|_greylist)?\.rrd|/proc/self/fd/\d+"
    )
    assert [text for text in told if not SCOPED_ARGUMENT.fullmatch(places.sub("FILE", text))] == []
    assert len(told) > 50


def test_the_largest_picture_is_bounded(page: Page) -> None:
    reply = Reply(page, "3-e&zoom=99&width=999999&height=999999")
    assert reply.status == "200 OK"
    assert png.size(reply.body) == (6291, 3333)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < 600_000
