#!/usr/bin/env python3
"""A Slurm cluster of one node on this machine, to test against: brought up, looked at, taken down.

    python tests/slurm/slurm_node.py up [--accounting]    install what is missing, configure, start
    python tests/slurm/slurm_node.py down                 stop what this has started
    python tests/slurm/slurm_node.py status

For Debian or Ubuntu, as root, in a container or a virtual machine that may be thrown away: it writes to
/etc/slurm and refuses to touch a configuration that is not its own. It needs neither systemd nor cgroups,
listens on 127.0.0.1 only, and keeps its state in POREVOX_SLURM_DIR (default: /var/tmp/porevox-slurm).

The node pretends to have 16 cores, 64 GB and one GPU, in two partitions, `cpu` and `gpu`; jobs are not held
to the cores they asked for, but to their memory (looked at every 5 s) and their time.
"""

import argparse
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ.get("POREVOX_SLURM_DIR", "/var/tmp/porevox-slurm"))
ETC = Path("/etc/slurm")
MARK = "# written by porevox, tests/slurm/slurm_node.py"
HOST = socket.gethostname().split(".")[0]
PACKAGES = {"munged": "munge", "slurmctld": "slurm-wlm", "slurmd": "slurm-wlm"}
DATABASE = {"slurmdbd": "slurmdbd", "mariadbd": "mariadb-server"}
# the last to be started is the first to be stopped
DAEMONS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")

SLURM_CONF = """{mark}
ClusterName=porevox
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
StateSaveLocation={state}/state
SlurmdSpoolDir={state}/spool
SlurmctldPidFile={state}/run/slurmctld.pid
SlurmdPidFile={state}/run/slurmd.pid
SlurmctldLogFile={state}/log/slurmctld.log
SlurmdLogFile={state}/log/slurmd.log
# without cgroups: processes are followed by their parents, memory is looked at every few seconds
ProctrackType=proctrack/linuxproc
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=5
JobAcctGatherParams=OverMemoryKill
# believe the line NodeName, whatever the hardware is
SlurmdParameters=config_overrides
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_min_interval=100000,bf_interval=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
ReturnToService=2
# how long the controller remembers a job that is over, s
MinJobAge=300
KillWait=5
# a time limit of a test is over when it is over
OverTimeLimit=0
GresTypes=gpu
{accounting}
NodeName={host} NodeAddr=127.0.0.1 CPUs=16 RealMemory=65536 Gres=gpu:pretended:1 State=UNKNOWN
PartitionName=cpu Nodes={host} Default=YES MaxTime=24:00:00 State=UP
PartitionName=gpu Nodes={host} Default=NO MaxTime=24:00:00 State=UP
"""
ACCOUNTING = """AccountingStorageType=accounting_storage/slurmdbd
AccountingStorageHost=127.0.0.1
AccountingStorageTRES=gres/gpu
AccountingStorageEnforce=associations,limits
AccountingStoreFlags=job_comment"""
SLURMDBD_CONF = """{mark}
AuthType=auth/munge
DbdHost={host}
DbdAddr=127.0.0.1
SlurmUser=root
StorageType=accounting_storage/mysql
StorageHost=localhost
StorageUser=slurm
StoragePass=slurm
StorageLoc=slurm_acct_db
LogFile={state}/log/slurmdbd.log
PidFile={state}/run/slurmdbd.pid
"""


def say(text: str) -> None:
    print(f"slurm_node: {text}", file=sys.stderr, flush=True)


def answers(*command: str) -> bool:
    """Whether a command ends well."""
    return (
        shutil.which(command[0]) is not None and not subprocess.run(command, capture_output=True).returncode
    )


def wait_until(condition, what: str, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            sys.exit(f"slurm_node: gave up waiting for {what} after {seconds:g} s; see {STATE}/log")
        time.sleep(0.2)


def pid_of(daemon: str) -> int | None:
    """Process number of a daemon that this program has started, if it still runs."""
    try:
        pid = int((STATE / "run" / f"{daemon}.pid").read_text())
        name = Path(f"/proc/{pid}/comm").read_text().strip()
        # of a process that has ended, and that nobody has taken notice of, there is no command line
        lives = bool(Path(f"/proc/{pid}/cmdline").read_bytes())
    except (OSError, ValueError):
        return None
    return pid if lives and name == daemon else None


def install(accounting: bool) -> None:
    wanted = PACKAGES | (DATABASE if accounting else {})
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    missing = sorted({package for tool, package in wanted.items() if shutil.which(tool, path=path) is None})
    if not missing:
        return
    say(f"installing {', '.join(missing)}")
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    with open(STATE / "log" / "apt.log", "w") as log:
        for command in (["update"], ["install", "-y", "--no-install-recommends", *missing]):
            done = subprocess.run(["apt-get", "-q", *command], env=environment, stdout=log, stderr=log)
            if done.returncode:
                sys.exit(f"slurm_node: apt-get {command[0]} failed; see {log.name}")


def own_folder(path: Path, user: str, mode: int) -> None:
    path.mkdir(parents=True, exist_ok=True)
    owner = pwd.getpwnam(user)
    os.chown(path, owner.pw_uid, owner.pw_gid)
    path.chmod(mode)


def start_munge() -> None:
    if pid_of("munged"):
        return
    for folder, mode in (("/run/munge", 0o755), ("/var/log/munge", 0o700), ("/var/lib/munge", 0o700)):
        own_folder(Path(folder), "munge", mode)
    key = Path("/etc/munge/munge.key")
    if not key.exists() or not key.stat().st_size:
        key.write_bytes(os.urandom(1024))
    owner = pwd.getpwnam("munge")
    os.chown(key, owner.pw_uid, owner.pw_gid)
    key.chmod(0o400)
    as_munge = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
    if not answers("munge", "-n"):
        subprocess.run([*as_munge, "munged", "--force", "--pid-file=/run/munge/munged.pid"], check=True)
        pid_file = STATE / "run" / "munged.pid"
        pid_file.unlink(missing_ok=True)
        pid_file.symlink_to("/run/munge/munged.pid")
    wait_until(lambda: answers("munge", "-n"), "munge")


def start_database() -> None:
    folder, socket_file = STATE / "mysql", Path("/run/mysqld/mysqld.sock")
    own_folder(folder, "mysql", 0o700)
    own_folder(socket_file.parent, "mysql", 0o755)
    if not (folder / "mysql").exists():
        options = ["--user=mysql", f"--datadir={folder}", "--skip-test-db"]
        options.append("--auth-root-authentication-method=socket")
        subprocess.run(["mariadb-install-db", *options], check=True, stdout=subprocess.DEVNULL)
    if not pid_of("mariadbd"):
        options = ["--no-defaults", "--user=mysql", f"--datadir={folder}", f"--socket={socket_file}"]
        options += ["--skip-networking", "--innodb-buffer-pool-size=64M"]
        with open(STATE / "log" / "mariadbd.log", "a") as log:
            started = subprocess.Popen(
                ["mariadbd", *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        (STATE / "run" / "mariadbd.pid").write_text(str(started.pid))
    wait_until(lambda: answers("mariadb-admin", "ping"), "mariadb")
    words = "create database if not exists slurm_acct_db; create user if not exists 'slurm'@'localhost' "
    words += "identified by 'slurm'; grant all on slurm_acct_db.* to 'slurm'@'localhost';"
    subprocess.run(["mariadb", "-e", words], check=True)
    conf = ETC / "slurmdbd.conf"
    conf.write_text(SLURMDBD_CONF.format(mark=MARK, host=HOST, state=STATE))
    conf.chmod(0o600)
    if not pid_of("slurmdbd"):
        subprocess.run(["slurmdbd"], check=True)
    wait_until(lambda: answers("sacctmgr", "-n", "list", "cluster"), "slurmdbd")
    for entry in ("cluster porevox", "account science", "user root Account=science"):
        subprocess.run(["sacctmgr", "-i", "add", *entry.split()], capture_output=True)


def configure(accounting: bool) -> None:
    ETC.mkdir(exist_ok=True)
    conf = ETC / "slurm.conf"
    if conf.exists() and MARK not in conf.read_text():
        sys.exit(f"slurm_node: {conf} is not from here; this is for machines without a Slurm of their own")
    words = ACCOUNTING if accounting else "AccountingStorageType=accounting_storage/none"
    conf.write_text(SLURM_CONF.format(mark=MARK, host=HOST, state=STATE, accounting=words))
    # a GPU counts if there is a file for it: any file
    (STATE / "gpu0").touch()
    line = f"NodeName={HOST} AutoDetect=off Name=gpu Type=pretended Flags=nvidia_gpu_env File={STATE}/gpu0"
    (ETC / "gres.conf").write_text(f"{MARK}\n{line}\n")


def node_state() -> str:
    done = subprocess.run(["sinfo", "-h", "-N", "-o", "%T"], capture_output=True, text=True)
    return done.stdout.split("\n")[0].strip()


def up(accounting: bool) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        sys.exit("slurm_node: this needs root, and Debian's or Ubuntu's apt-get")
    for name in ("run", "log", "state", "spool"):
        (STATE / name).mkdir(parents=True, exist_ok=True)
    os.environ["PATH"] += os.pathsep + "/usr/sbin:/sbin"
    install(accounting)
    configure(accounting)
    start_munge()
    for daemon in ("slurmd", "slurmctld"):
        stop(daemon)
    if accounting:
        start_database()
    subprocess.run(["slurmctld"], check=True)
    wait_until(lambda: answers("scontrol", "ping"), "slurmctld")
    subprocess.run(["slurmd"], check=True)
    wait_until(lambda: pid_of("slurmd") and node_state(), "slurmd")
    if node_state().rstrip("*") not in ("idle", "mixed", "allocated"):
        subprocess.run(["scontrol", "update", f"nodename={HOST}", "state=resume"], capture_output=True)
    wait_until(lambda: node_state() in ("idle", "mixed", "allocated"), "an idle node")
    say(f"ready: node {HOST}, {'with' if accounting else 'without'} accounting; state in {STATE}")


def stop(daemon: str) -> None:
    pid = pid_of(daemon)
    if pid is not None:
        os.kill(pid, signal.SIGTERM)
        try:
            wait_until(lambda: pid_of(daemon) is None, f"the end of {daemon}", 10)
        except SystemExit:
            os.kill(pid, signal.SIGKILL)
    (STATE / "run" / f"{daemon}.pid").unlink(missing_ok=True)


def down() -> None:
    if pid_of("slurmctld"):
        # jobs must not outlive their cluster
        subprocess.run(["scancel", "--user=root"], capture_output=True)
        subprocess.run(["scancel", "--signal=KILL", "--full", "--user=root"], capture_output=True)
    for daemon in reversed(DAEMONS):
        stop(daemon)
    for name in ("slurm.conf", "gres.conf", "slurmdbd.conf"):
        if (ETC / name).exists() and MARK in (ETC / name).read_text():
            (ETC / name).unlink()
    say("stopped")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("action", choices=["up", "down", "status"])
    parser.add_argument("--accounting", action="store_true", help="with a database, so that sacct answers")
    given = parser.parse_args()
    if given.action == "up":
        up(given.accounting)
    elif given.action == "down":
        down()
    else:
        print(*(f"{daemon}: {pid_of(daemon) or 'not running'}" for daemon in DAEMONS), sep="\n")
        subprocess.run(["sinfo"])


if __name__ == "__main__":
    main()
