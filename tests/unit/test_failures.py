"""What is told of failed jobs."""

from porevox import failures

RUN = """\
[Fri Nov 20 20:47:41 2026]
Error in rule voxels:
    message: None
    jobid: 20
    output: results/voxels/x/energies.npy
    log: {log}, {other} (check log file(s) for error details)
Error in rule voxels:
    log: {log} (check log file(s) for error details)
"""


def write_run(tmp_path, log, other="nothing.log"):
    path = tmp_path / "run.log"
    path.write_text(RUN.format(log=log, other=other))
    return path


def test_the_last_lines_and_the_path_are_shown_once(tmp_path):
    log = tmp_path / "shard1.log"
    lines = [f"2026-11-20 INFO line {k}" for k in range(40)] + ["2026-11-20 20:47:41 ERROR there is no disk"]
    log.write_text("\n".join(lines) + "\n")
    text = failures.ends_of_logs([write_run(tmp_path, log)])
    assert text.count(str(log)) == 1 and "there is no disk" in text
    assert "line 31" in text and "line 30" not in text
    assert "there is no log" in text.split("nothing.log:")[1]
    assert "run the same command again" in text
    assert "was killed" not in text


def test_a_log_that_ends_without_an_error_is_that_of_a_killed_job(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("2026-11-20 20:47:41 INFO epoch 7/50\n")
    assert "the job was killed" in failures.ends_of_logs([write_run(tmp_path, log)])


def test_a_later_try_that_succeeded_is_no_failure(tmp_path):
    log = tmp_path / "a.log"
    log.write_text("2026-11-20 20:47:41 INFO done: voxels in 3.0 s\n")
    assert str(log) not in failures.ends_of_logs([write_run(tmp_path, log, log)])


def test_many_failures_are_listed_but_not_all_shown(tmp_path):
    path = tmp_path / "run.log"
    line = "    log: {} (check log file(s) for error details)\n"
    path.write_text("".join(line.format(f"job{k}.log") for k in range(30)))
    text = failures.ends_of_logs([path])
    assert text.startswith("\n30 failed:") and all(f"job{k}.log" in text for k in range(30))
    assert text.count("there is no log") == failures.SHOWN


def test_without_any_failed_job_the_run_just_stopped(tmp_path):
    assert "The run stopped." in failures.ends_of_logs([tmp_path / "missing.log"])
