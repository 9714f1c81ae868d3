"""The paths in the data folder (`config.data_dir`): which part keeps which file there. It makes and reads none of them.

plum.sqlite3       the store
identity.json      random ids of the user and the machine, which the store writes beside each request (`store.identity`)
adapters/          published versions, the pointer to the active one, and their GGUF forms in gguf/
serving.json       the policy server that runs, and its key
share.json         the folder that the user shares facts in, if any (`store.people.sharing`)
keys.json          the hashes of people's keys for that server, with their rights and limits
replicas.json      the addresses of replicas on other machines, with the keys for them
replicas/          a data folder for each replica on this machine. All of them share adapters/
policy.log         the output of vLLM
test-maps/         which functions the tests of trusted projects call, one file a project
tcp-token          the token that an editor must send first over TCP
trusted-folders.json  the folders that the user trusts, and those that they refused to trust
training/          a folder round-N for each round, the wanted exploration, the flag of `plum-trainer pause`, a lock
"""

from __future__ import annotations

from pathlib import Path

_ROUND = "round-"


def store_file(data_dir: Path) -> Path:
    """The database."""
    return data_dir / "plum.sqlite3"


def versions_folder(data_dir: Path) -> Path:
    """The published policy versions. The trainer writes there only through `publish`."""
    return data_dir / "adapters"


def gguf_folder(versions: Path) -> Path:
    """The GGUF forms of the versions in that folder. They can be regenerated at any time."""
    return versions / "gguf"


def serving_file(data_dir: Path) -> Path:
    """Which policy server of ours runs. Readable by its owner alone, because it holds the key."""
    return data_dir / "serving.json"


def keys_file(data_dir: Path) -> Path:
    """The keys of people (`policy.hosting.front.keys`). Readable by its owner alone."""
    return data_dir / "keys.json"


def replicas_file(data_dir: Path) -> Path:
    """The replicas on other machines (`policy.hosting.replicas.addresses`). Readable by its owner alone."""
    return data_dir / "replicas.json"


def replica_folder(data_dir: Path, name: str) -> Path:
    """The data folder of a replica on this machine."""
    return data_dir / "replicas" / name


def policy_log(data_dir: Path) -> Path:
    """The output of vLLM."""
    return data_dir / "policy.log"


def tcp_token_file(data_dir: Path) -> Path:
    """The token of editors that connect over TCP."""
    return data_dir / "tcp-token"


def trusted_file(data_dir: Path) -> Path:
    """The project folders that the user trusts."""
    return data_dir / "trusted-folders.json"


def test_maps_folder(data_dir: Path) -> Path:
    """The maps from the tests of trusted projects to the functions that they call. They can be made again."""
    return data_dir / "test-maps"


def training_folder(data_dir: Path) -> Path:
    """All files of the trainer except its history and the versions."""
    return data_dir / "training"


def exploration_file(data_dir: Path) -> Path:
    """How far the trainer wants samples to differ from the likeliest text."""
    return training_folder(data_dir) / "exploration.json"


def paused_file(data_dir: Path) -> Path:
    """Its presence says that the user paused training."""
    return training_folder(data_dir) / "paused"


def share_file(data_dir: Path) -> Path:
    """Which folder the user shares facts in."""
    return data_dir / "share.json"


def pool_file(data_dir: Path) -> Path:
    """The facts of several people's stores together. Made anew for each round."""
    return training_folder(data_dir) / "pool.sqlite3"


def lock_file(training: Path) -> Path:
    """The lock that one trainer holds on that folder."""
    return training / "lock"


def round_folder(data_dir: Path, number: int) -> Path:
    """The files of one training round."""
    return training_folder(data_dir) / f"{_ROUND}{number}"


def round_folders(data_dir: Path) -> list[Path]:
    """The folder of every round there was."""
    return sorted(training_folder(data_dir).glob(f"{_ROUND}*"))


def round_number(folder: Path) -> int | None:
    """The number of the round in a folder. None if it is no round's."""
    number = folder.name.removeprefix(_ROUND)
    return int(number) if number.isdigit() else None
