"""The benchmark of scans, small: nothing is found where nothing is."""

from pathlib import Path

from click.testing import CliRunner

from benchmarks.scan import main
from benchmarks.scan import of_sources
from benchmarks.scan import of_text
from benchmarks.scan import TEXTS
from keysvc.commands.sources import sources
from keysvc.commands.sources import Unread

ROOT = Path(__file__).parents[2]


def test_in_text_at_random_nothing_is_found() -> None:
    for name in TEXTS:
        measured = of_text(name, 2)

        assert measured.found == 0, name
        assert measured.bytes == 2 << 20


def test_in_our_own_source_nothing_is_found_and_in_the_documents_their_samples() -> (
    None
):
    unread = Unread()

    of_source = of_sources("source", sources(str(ROOT / "keysvc"), unread))
    of_docs = of_sources("docs", sources(str(ROOT / "docs"), unread))

    assert (of_source.found, of_source.bytes > 1e5) == (0, True)
    assert of_docs.found >= 5
    assert unread.failures == []


def test_a_tiny_run_tells_of_every_text_and_tree(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("text")

    done = CliRunner().invoke(main, ["--megabytes", "1", "--tree", str(tmp_path)])

    assert done.exit_code == 0, done.output
    lines = [line.strip("| ").split(" | ")[0] for line in done.stdout.splitlines()]
    assert lines[2:] == [*TEXTS, str(tmp_path), "the history of this project"]
