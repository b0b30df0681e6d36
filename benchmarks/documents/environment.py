"""What a run records of the machine: its kind, which one it is, and what times depend on besides the code."""

from __future__ import annotations

from samegrad.impls.documents.base import Count, Distance, DocumentPart


class Container(DocumentPart, frozen=True, kw_only=True):
    """The limits that control groups put on the process."""

    cgroup: Count | None
    cpus: float | None
    memory_bytes: Count | None


class MachineIdentity(DocumentPart, frozen=True, kw_only=True):
    """What kind of machine it is, by names and counts, and which one: the hash of its name."""

    cpu: str | None
    architecture: str
    cores: Count | None
    memory_gib: Count
    hypervisor: str | None
    microcode: str | None
    kernel: str
    host: str

    @property
    def kind(self) -> str:
        """The kind in words, alike for all machines of it: `AMD EPYC, x86_64, 2 cores, 8 GiB, KVM, …`."""
        parts = [self.cpu or "unknown CPU", self.architecture, f"{self.cores} cores", f"{self.memory_gib} GiB"]
        parts += [f"hypervisor {self.hypervisor}"] if self.hypervisor else []
        parts += [f"microcode {self.microcode}"] if self.microcode else []
        return ", ".join([*parts, f"kernel {self.kernel}"])


class Environment(DocumentPart, frozen=True, kw_only=True):
    """What times depend on besides the code; null is what the machine does not show."""

    cpu: str | None = None
    cores: Count | None = None
    affinity: tuple[Count, ...] | None = None
    governor: str | None = None
    turbo: bool | None = None
    load: tuple[Distance, ...] | None = None
    memory_bytes: Count | None = None
    container: Container | None = None
    variables: dict[str, str] = {}
    python: str = ""
    platform: str = ""
    versions: dict[str, str | None] = {}
    pinned_to: tuple[Count, ...] | None = None
    identity: MachineIdentity | None = None
    """What kind of machine it is; null in runs that were made before it was recorded."""

    @property
    def packages(self) -> dict[str, str]:
        """The version of Python, and of every package that was recorded."""
        recorded = {"Python": self.python} | self.versions
        return {name: version for name, version in recorded.items() if version}

    @property
    def machine(self) -> str:
        """The CPU's name, or what is known instead of it."""
        return self.cpu or self.platform or "unknown machine"
