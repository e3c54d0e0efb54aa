"""`make lint` fails for a known vulnerability, never for an absent network."""

import subprocess
import sys

import pytest

from tests.processes import ROOT, inherited

CLEAN = '{"dependencies": [{"name": "a", "version": "1", "vulns": []}]}'
NOTHING = '{"dependencies": [{"name": "a", "skip_reason": "not found"}]}'
PARTLY = (
    '{"dependencies": [{"name": "a", "skip_reason": "not found"},'
    ' {"name": "b", "version": "1", "vulns": []}]}'
)
BROKEN = (
    '{"dependencies": [{"name": "a", "version": "1", "vulns": [{"id": "CVE-1-2"}]}]}'
)


@pytest.mark.parametrize(
    ("answer", "exit_code", "said"),
    [
        (CLEAN, 0, "packages audited: 1, findings: 0"),
        (NOTHING, 0, "NOT AUDITED: the service knows nothing of any of them"),
        (PARTLY, 0, "NOT AUDITED: the service knows nothing of a"),
        (BROKEN, 1, "a 1: CVE-1-2"),
        ("", 0, "NOT AUDITED: no advisory could be read (no route)"),
    ],
)
def test_the_audit_tells_a_finding_from_silence(tmp_path, answer, exit_code, said):
    stand_in = f"import sys; print({answer!r}); print('no route', file=sys.stderr)"
    (tmp_path / "pip_audit.py").write_text(stand_in)

    done = subprocess.run(
        [sys.executable, ".ci/audit.py"],
        cwd=ROOT,
        env=inherited() | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stderr) == (exit_code, "")
    assert said in done.stdout
