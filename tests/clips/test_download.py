from __future__ import annotations

import hashlib
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from esclab.clips import load_dataset
from esclab.clips.download import Archive, fetch_file, install_archive
from esclab.clips.unpack import unpack_archive
from esclab.errors import DatasetError

CONTENT = bytes(range(256)) * 4000
DIGEST = "sha256:" + hashlib.sha256(CONTENT).hexdigest()


@dataclass
class Server:
    address: str = ""
    content: bytes = CONTENT
    ranges: list[str | None] = field(default_factory=list)
    break_after: int | None = None
    honours_range: bool = True
    status: int | None = None


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    state = Server()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            wanted = self.headers.get("Range")
            state.ranges.append(wanted)
            match = re.fullmatch(r"bytes=(\d+)-", wanted or "")
            start = int(match[1]) if match and state.honours_range else 0
            total = len(state.content)
            beyond = start >= total
            self.send_response(state.status or (416 if beyond else 206 if start else 200))
            if start:
                self.send_header("Content-Range", f"bytes {'*' if beyond else f'{start}-{total - 1}'}/{total}")
            body = b"" if beyond else state.content[start:]
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[: state.break_after])

        def log_message(self, *_: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.address = f"http://127.0.0.1:{httpd.server_address[1]}/file.zip"
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield state
    httpd.shutdown()
    thread.join()
    httpd.server_close()


def test_fetch_brings_the_whole_file(server, tmp_path):
    assert fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST).read_bytes() == CONTENT
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]


def test_fetch_goes_on_where_the_connection_broke(server, tmp_path):
    server.break_after = 300_000
    with pytest.raises(DatasetError, match=r"cannot be fetched.*try again to go on.*put it at .*a\.zip"):
        fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST)
    assert [path.name for path in tmp_path.iterdir()] == ["a.zip.part"]
    present = (tmp_path / "a.zip.part").stat().st_size
    assert 0 < present <= 300_000
    server.break_after = None
    assert fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST).read_bytes() == CONTENT
    assert server.ranges == [None, f"bytes={present}-"]


def test_fetch_starts_again_when_the_server_knows_no_ranges(server, tmp_path):
    server.honours_range = False
    (tmp_path / "a.zip.part").write_bytes(b"old")
    assert fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST).read_bytes() == CONTENT


def test_fetch_takes_a_complete_part_as_it_is(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT)
    assert fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST).read_bytes() == CONTENT


def test_fetch_starts_again_when_the_part_is_too_long(server, tmp_path):
    (tmp_path / "a.zip.part").write_bytes(CONTENT + b"more")
    assert fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST).read_bytes() == CONTENT
    assert server.ranges == [f"bytes={len(CONTENT) + 4}-", None]


def test_fetch_with_a_wrong_hash_leaves_nothing(server, tmp_path):
    server.content = CONTENT[:-1] + b"\0"
    with pytest.raises(DatasetError, match="not the expected file"):
        fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST)
    assert not list(tmp_path.iterdir())


def test_fetch_checks_a_file_that_is_there(server, tmp_path):
    (tmp_path / "a.zip").write_bytes(CONTENT)
    fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST)
    (tmp_path / "a.zip").write_bytes(b"other")
    with pytest.raises(DatasetError, match="its sha256 is not"):
        fetch_file(server.address, tmp_path / "a.zip", known_hash=DIGEST)
    assert server.ranges == []


@pytest.mark.parametrize("status", [404, 503])
def test_fetch_refused_by_the_server_says_so(server, tmp_path, status):
    server.status = status
    with pytest.raises(DatasetError, match=f"HTTP {status}"):
        fetch_file(server.address, tmp_path / "a.zip")
    assert not list(tmp_path.iterdir())


def test_fetch_without_a_connection_says_what_to_put_where(tmp_path, server):
    closed = "http://127.0.0.1:9/ESC-50.zip"
    with pytest.raises(DatasetError, match=rf"{closed}: cannot be fetched.*put it at {tmp_path}"):
        fetch_file(closed, tmp_path / "a.zip")


def zip_folder(folder) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder.parent))
    return buffer.getvalue()


@pytest.fixture
def archive(server, tmp_path, make_esc) -> Archive:
    server.content = zip_folder(make_esc(tmp_path / "ESC-50-master"))
    return Archive(server.address, "ESC-50-master.zip", "ESC-50", ("meta/esc50.csv",), recordings=15)


def test_install_fetches_and_unpacks(no_datasets, archive):
    assert install_archive(archive) == no_datasets / "ESC-50"
    assert len(load_dataset("esc50")) == 15
    assert not [path for path in no_datasets.iterdir() if ".part" in path.name]


def test_install_takes_an_archive_that_lies_there(no_datasets, archive, server):
    (no_datasets / "ESC-50-master.zip").write_bytes(server.content)
    install_archive(archive)
    install_archive(archive)
    assert len(load_dataset("esc50")) == 15
    assert server.ranges == []


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"recordings": 16}, "holds 15 recordings, not 16"),
        ({"markers": ("meta/other.csv",)}, "holds no meta/other.csv"),
    ],
)
def test_install_of_the_wrong_archive_leaves_no_dataset(no_datasets, archive, change, message):
    with pytest.raises(DatasetError, match=message):
        install_archive(replace(archive, **change))
    assert {path.name for path in no_datasets.iterdir()} <= {"ESC-50-master.zip", ".ESC-50.lock"}


def test_install_of_a_damaged_archive_leaves_no_dataset(no_datasets, archive, server):
    server.content = server.content[:2000] + b"\xff\xff\xff" + server.content[2003:]
    with pytest.raises(DatasetError, match="is damaged"):
        install_archive(archive)
    assert not (no_datasets / "ESC-50").exists()


def test_install_into_a_home_that_cannot_be_written_says_so(tmp_path, archive, monkeypatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("ESCLAB_HOME", str(tmp_path / "file" / "home"))
    with pytest.raises(DatasetError, match=r"cannot be written.*ESCLAB_HOME"):
        install_archive(archive)


def write_zip(path, name: str, mode: int = 0o100644) -> None:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("fine.txt", "x")
        member = zipfile.ZipInfo(name)
        member.external_attr = mode << 16
        file.writestr(member, "target")


def write_tar(path, name: str, kind: bytes = tarfile.REGTYPE, target: str = "") -> None:
    with tarfile.open(path, "w:gz") as file:
        file.addfile(tarfile.TarInfo("fine.txt"))
        member = tarfile.TarInfo(name)
        member.type, member.linkname = kind, target
        file.addfile(member)


@pytest.mark.parametrize("name", ["../out.txt", "/out.txt", "a/../../out.txt", "..\\out.txt", "C:\\out.txt"])
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_unpack_refuses_names_that_lead_out(tmp_path, write, name):
    write(tmp_path / "a.bin", name)
    (tmp_path / "in").mkdir()
    with pytest.raises(DatasetError, match="leads out of the folder"):
        unpack_archive(tmp_path / "a.bin", tmp_path / "in")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["a.bin", "in"]


def test_unpack_refuses_links_and_devices(tmp_path):
    write_zip(tmp_path / "a.zip", "link", 0o120777)
    write_tar(tmp_path / "b.tgz", "link", tarfile.SYMTYPE, "fine.txt")
    write_tar(tmp_path / "c.tgz", "link", tarfile.LNKTYPE, "../../etc/passwd")
    write_tar(tmp_path / "d.tgz", "pipe", tarfile.FIFOTYPE)
    (tmp_path / "in").mkdir()
    for name in ("a.zip", "b.tgz", "c.tgz", "d.tgz"):
        with pytest.raises(DatasetError, match="a link or device"):
            unpack_archive(tmp_path / name, tmp_path / "in")
    assert not list((tmp_path / "in").iterdir())


def test_unpack_refuses_what_does_not_fit_the_disk(tmp_path, monkeypatch):
    write_zip(tmp_path / "a.zip", "b.txt")
    (tmp_path / "in").mkdir()
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 6}))
    with pytest.raises(DatasetError, match="unpacks to"):
        unpack_archive(tmp_path / "a.zip", tmp_path / "in")


@pytest.mark.parametrize("cut", [10, 100])
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_unpack_of_a_cut_archive_is_an_error(tmp_path, write, cut):
    write(tmp_path / "a.bin", "b.txt")
    (tmp_path / "a.bin").write_bytes((tmp_path / "a.bin").read_bytes()[:-cut])
    (tmp_path / "in").mkdir()
    with pytest.raises(DatasetError, match=r"a\.bin: "):
        unpack_archive(tmp_path / "a.bin", tmp_path / "in")
