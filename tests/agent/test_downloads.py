import pytest

from agent.downloads import Spoilt, WantedFile, fetch_directory, fetch_file
from agent.server import NoAnswer, Server
from tests.agent.fake_server import CREDENTIAL

CONTENT = bytes(range(256)) * 40


@pytest.fixture
def client(server):
    return Server(server.url, lambda: CREDENTIAL)


@pytest.fixture
def wanted(server):
    return WantedFile("train.bin", server.add_file(CONTENT), len(CONTENT))


def path_of(wanted) -> str:
    return f"/agent/v1/data/{wanted.sha256}"


def test_a_file_that_broke_off_goes_on_from_where_it_ended(server, client, wanted, tmp_path):
    server.cut_after = 1000
    with pytest.raises(NoAnswer):
        fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin")
    assert (tmp_path / "train.bin.partial").stat().st_size == 1000
    fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin")
    assert (tmp_path / "train.bin").read_bytes() == CONTENT
    assert server.ranges == ["", "bytes=1000-"]
    assert not (tmp_path / "train.bin.partial").exists()


def test_a_file_with_another_hash_is_thrown_away(server, client, wanted, tmp_path):
    server.files[wanted.sha256] = CONTENT[::-1]
    with pytest.raises(Spoilt):
        fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_file_longer_than_promised_is_refused(server, client, wanted, tmp_path):
    server.files[wanted.sha256] = CONTENT + b"more"
    with pytest.raises(Spoilt):
        fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin")


def test_a_partial_file_that_was_spoilt_on_disk_is_fetched_anew(server, client, wanted, tmp_path):
    (tmp_path / "train.bin.partial").write_bytes(b"x" * 1000)
    with pytest.raises(Spoilt):
        fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin")
    fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin")
    assert (tmp_path / "train.bin").read_bytes() == CONTENT


def test_what_is_there_and_whole_is_not_fetched(server, client, wanted, tmp_path):
    (tmp_path / "train.bin").write_bytes(CONTENT)
    fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin")
    assert server.ranges == []


def test_the_servers_own_file_is_linked_when_it_is_the_right_one(server, client, wanted, tmp_path):
    (tmp_path / "here").mkdir()
    source = tmp_path / "here" / "train.bin"
    source.write_bytes(CONTENT)
    fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin", source)
    assert server.ranges == []
    assert (tmp_path / "train.bin").samefile(source)


def test_another_file_of_that_name_on_this_host_is_not_used(server, client, wanted, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "train.bin").write_bytes(CONTENT[::-1])
    fetch_file(client, path_of(wanted), wanted, tmp_path / "train.bin", tmp_path / "here" / "train.bin")
    assert server.ranges == [""]
    assert (tmp_path / "train.bin").read_bytes() == CONTENT


def test_a_directory_appears_only_when_it_is_whole_with_its_manifest(server, client, wanted, tmp_path):
    other = {"name": "sub/labels.bin", "sha256": server.add_file(b"labels"), "bytes": 6}
    entries = [{"name": wanted.name, "sha256": wanted.sha256, "bytes": wanted.bytes}, other]
    server.cut_after = 10
    with pytest.raises(NoAnswer):
        fetch_directory(client, "/agent/v1/data", entries, tmp_path / "data", manifest={"hash": "x"})
    assert not (tmp_path / "data").exists()
    seen = []
    fetch_directory(
        client, "/agent/v1/data", entries, tmp_path / "data", manifest={"hash": "x"}, on_bytes=lambda *n: seen.append(n)
    )
    assert (tmp_path / "data" / "sub" / "labels.bin").read_bytes() == b"labels"
    assert (tmp_path / "data" / "manifest.json").read_text() == '{"hash": "x"}'
    assert seen[-1] == (len(CONTENT) + 6, len(CONTENT) + 6)


@pytest.mark.parametrize("name", ["../evil", "/etc/passwd", "a/../../b", ""])
def test_a_name_that_leads_out_of_the_directory_is_refused(name):
    with pytest.raises(ValueError, match="no name of a file"):
        WantedFile.from_json({"name": name, "sha256": "0" * 64, "bytes": 1})
