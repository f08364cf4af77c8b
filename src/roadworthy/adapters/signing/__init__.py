"""Private keys behind the ports `Keyring` and `Signer`.

Lives here: where keys are kept (`files.py` on disk, `memory.py` for one process, `configured.py` where `keys.toml`
says), the Ed25519 signer they share, and signers by URI (`uris.py`).
Does not: what is signed and how it is verified (the evidence engine), or who may sign what.
To add a keyring (a vault, a hardware token): copy `memory.py` and add it to `tests/conformance/test_keyring.py`.
"""

from roadworthy.adapters.signing.configured import ConfiguredKeyring
from roadworthy.adapters.signing.files import FileKeyring
from roadworthy.adapters.signing.memory import MemoryKeyring

__all__ = ["ConfiguredKeyring", "FileKeyring", "MemoryKeyring"]
