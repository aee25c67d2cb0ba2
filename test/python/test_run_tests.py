"""scripts/run_tests.py counts what the runners report, and nothing that goes
wrong in a runner is counted as success."""
import os
import sys

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "scripts"))
import run_tests  # noqa: E402

REPORT = """<?xml version="1.0"?>
<testsuites><testsuite name="s" tests="5">
<testcase classname="a" name="ok"/>
<testcase classname="a" name="quiet" status="notrun"/>
<testcase classname="a" name="away"><skipped message="no GPU"/></testcase>
<testcase classname="a" name="file"><skipped message="collection skipped">(&apos;/t.py&apos;, 9, &apos;Skipped: no torch&apos;)</skipped></testcase>
<testcase classname="a" name="wrong"><failure message="m">1 != 2</failure></testcase>
<testcase classname="a" name="broken"><error message="raised"/></testcase>
</testsuite></testsuites>
"""


def outcomes(cases):
    return [case.outcome for case in cases]


def write(path, text):
    return [sys.executable, "-c", f"open({str(path)!r}, 'w').write({text!r})"]


def test_reads_every_outcome(tmp_path):
    report = tmp_path / "r.xml"
    report.write_text(REPORT)
    cases = run_tests.read_report(report)
    assert outcomes(cases) == ["passed"] + ["skipped"] * 3 + ["failed"] * 2
    assert [case.detail for case in cases[2:4]] == ["no GPU", "no torch"]
    assert cases[4].name == "a.wrong" and "1 != 2" in cases[4].detail


def test_crash_without_report_is_a_failure(tmp_path):
    command = [sys.executable, "-c", "import os; os.abort()"]
    cases = run_tests.run_reported("r", command, str(tmp_path / "r.xml"), 60)
    assert outcomes(cases) == ["failed"]


def test_success_without_report_is_a_failure(tmp_path):
    command = [sys.executable, "-c", "pass"]
    cases = run_tests.run_reported("r", command, str(tmp_path / "r.xml"), 60)
    assert outcomes(cases) == ["failed"]


def test_cut_off_report_is_a_failure(tmp_path):
    report = tmp_path / "r.xml"
    cases = run_tests.run_reported("r", write(report, REPORT[:150]), str(report), 60)
    assert outcomes(cases) == ["failed"]


def test_stale_report_does_not_count(tmp_path):
    report = tmp_path / "r.xml"
    report.write_text("<testsuite><testcase name='old'/></testsuite>")
    cases = run_tests.run_reported("r", [sys.executable, "-c", ""], str(report), 60)
    assert outcomes(cases) == ["failed"]


def test_bad_status_with_good_report_is_a_failure(tmp_path):
    report = tmp_path / "r.xml"
    command = write(report, "<testsuite><testcase name='ok'/></testsuite>")
    command[-1] += "; raise SystemExit(3)"
    cases = run_tests.run_reported("r", command, str(report), 60)
    assert outcomes(cases) == ["passed", "failed"]


def test_hang_is_ended_with_its_children(tmp_path):
    child = "import subprocess, time; subprocess.Popen(['sleep', '60']); time.sleep(60)"
    status, output = run_tests.run([sys.executable, "-c", child], timeout=1)
    assert status == 124 and "ended after 1 s" in output


@pytest.mark.parametrize("passing, status", [(True, 0), (False, 1)])
def test_last_line_and_status(tmp_path, capsys, monkeypatch, passing, status):
    case = run_tests.Case("t", "passed" if passing else "skipped")
    monkeypatch.setattr(run_tests.Suites, "unit", lambda self: [case])
    arguments = ["run_tests.py", "--build", str(tmp_path), "--only", "unit"]
    monkeypatch.setattr(sys, "argv", arguments)
    assert run_tests.main() == status
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"{int(passing)} passed, 0 failed, {int(not passing)} skipped"
